"""What the Slack app is set up with: its manifest, and a check of tokens and scopes that says what is missing."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError

from advisor.apps.slack import client
from advisor.apps.slack_events import STARTERS
from advisor.apps.slack_mount import NEEDED
from advisor.chats import open_chats
from advisor.config import Settings
from advisor.errors import AdvisorError, SettingsError
from advisor.installations import Installations
from advisor.rules import Rule

# What each scope is for; there is none that reads more than the places the advisor is invited to.
SCOPES = {
    "app_mentions:read": "mentions of the advisor",
    "assistant:write": "the agent view with suggested questions",
    "channels:history": "follow-ups in threads of public channels that it is in",
    "chat:write": "answers",
    "commands": "the command /cmo and the message shortcut",
    "files:write": "a conversation as a file, for who asked",
    "groups:history": "follow-ups in threads of private channels that it is in",
    "im:history": "direct messages",
}
EVENTS = (
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "message.channels",
    "message.groups",
    "message.im",
    "tokens_revoked",
)
REDIRECT = "/slack/oauth_redirect"  # where a workspace comes back to that has allowed the app
INSTALL = "/slack/install"  # where that begins
COPIED = dict.fromkeys(NEEDED, "Copy it from the app's Basic Information") | {"slack_token_key": "Make one with: advisor slack key"}
Rows = list[tuple[str, str, str]]
_REMEDIES = {
    "invalid_auth": "Copy the token anew: api.slack.com/apps, your app, OAuth & Permissions (bot) or Basic Information (app)",
    "not_authed": "Set the token",
    "account_inactive": "The app was removed from the workspace: install it again",
    "token_revoked": "The token was revoked: install the app again and copy the new one",
    "not_allowed_token_type": "This is another kind of token: xapp-… is the app's, xoxb-… the bot's",
    "missing_scope": "Give the app-level token the scope connections:write",
}


# What holds where nothing was set, as `advisor slack rules` lists it.
RULES = ("where nothing is set", "", Rule().answer, Rule().visibility)


def team_of(settings: Settings, given: str) -> str:
    """The workspace that is meant: the one that was given, or the one that the bot's token is for."""
    if given:
        if not re.fullmatch(r"T[A-Z0-9]+", given):
            raise SettingsError(f"{given!r} is no workspace's ID. It begins with T, and is in the address of Slack in a browser.")
        return given
    try:
        return str(client(settings).auth_test()["team_id"])
    except SlackApiError as error:
        raise AdvisorError(
            f"Slack refuses the bot's token ({error.response.get('error')}). Give --team, or run: advisor slack check"
        ) from None
    except OSError as error:
        raise AdvisorError(f"Slack at {settings.slack_url} cannot be reached ({error}). Give the workspace's ID with --team.") from None


def manifest(url: str = "") -> dict[str, Any]:
    """A manifest to make the app from: Socket Mode, or HTTP events at `url`."""
    socket = not url
    where = {} if socket else {"request_url": url}
    return {
        "display_information": {
            "name": "CMO Advisor",
            "description": "Cited career guidance for physicians who want to become a Chief Medical Officer.",
            "background_color": "#0e5a61",
        },
        "features": {
            "agent_view": {
                "agent_description": "Answers questions on the path to Chief Medical Officer, every statement with a checked source.",
                "suggested_prompts": [{"title": question, "message": question} for question in STARTERS],
            },
            "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True, "messages_tab_read_only_enabled": False},
            "bot_user": {"display_name": "CMO Advisor", "always_online": True},
            "slash_commands": [
                {
                    "command": "/cmo",
                    "description": "Ask privately; only you see the answer",
                    "usage_hint": "Do I need an MBA?",
                    "should_escape": True,
                    **({} if socket else {"url": url}),
                }
            ],
            "shortcuts": [
                {
                    "name": "Ask the advisor about this",
                    "type": "message",
                    "callback_id": "ask_about",
                    "description": "Ask about a message, privately",
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": list(SCOPES)}, **({} if socket else {"redirect_urls": [urljoin(url, REDIRECT)]})},
        "settings": {
            "event_subscriptions": {"bot_events": list(EVENTS), **where},
            "interactivity": {"is_enabled": True, **where},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": False,
        },
    }


def checked(settings: Settings) -> tuple[Rows, bool]:
    """What is set and what Slack says to it, as (what, state, remedy), and whether the advisor can start.

    Raises `SettingsError` where nothing is set, and `AdvisorError` where Slack cannot be reached.
    """
    if settings.slack_client_id:
        rows, well = _installed(settings)
        if not settings.slack_bot_token.get_secret_value():
            return rows, well
        mine, fine = _own(settings)
        return [*rows, *mine], well and fine
    return _own(settings)


def _installed(settings: Settings) -> tuple[Rows, bool]:
    """Of an app that many workspaces install: its own secrets, and the token of each workspace."""
    held = {name: bool(getattr(settings, name).get_secret_value()) for name in NEEDED}
    rows: Rows = [("app's id", f"✓ {settings.slack_client_id}", "")]
    rows += [
        (NEEDED[name], "✓ set" if held[name] else "✗ not set", "" if held[name] else f"Set ADVISOR_{name.upper()}. {COPIED[name]}")
        for name in NEEDED
    ]
    key = settings.slack_token_key.get_secret_value()
    if not key:
        return rows, False
    store = open_chats(settings)
    try:
        kept = Installations(store.engine, key)
        tokens = [(workspace, kept.token(workspace.team) or "") for workspace in kept.listed()]
    finally:
        store.close()
    well = all(held.values())
    if not tokens:
        rows.append(("workspaces", "! none has installed the app", f"Open {INSTALL} of the advisor's public address in a browser"))
    for workspace, token in tokens:
        found, fine = _bot(client(settings, token))
        rows += [(f"{workspace.name} ({workspace.team}), {what}", state, remedy) for what, state, remedy in found]
        well &= fine
    return rows, well


def _own(settings: Settings) -> tuple[Rows, bool]:
    """Of an app in one workspace: its tokens and scopes."""
    web = client(settings)
    rows, well = _bot(web)
    if settings.slack_app_token.get_secret_value():
        ok, reason = _socket(settings, web)
        rows.append(("app token", "✓ opens Socket Mode" if ok else f"✗ {reason}", "" if ok else _remedy(reason)))
        well &= ok
    elif settings.slack_signing_secret.get_secret_value():
        rows.append(("app token", "! not set", "Only needed for Socket Mode: set ADVISOR_SLACK_APP_TOKEN"))
    else:
        rows.append(("app token", "✗ not set", "Set ADVISOR_SLACK_APP_TOKEN, or ADVISOR_SLACK_SIGNING_SECRET for HTTP events"))
        well = False
    secret = bool(settings.slack_signing_secret.get_secret_value())
    rows.append(("signing secret", "✓ set" if secret else "! not set", "" if secret else "Only needed for HTTP events"))
    return rows, well


def _bot(web: WebClient) -> tuple[Rows, bool]:
    try:
        me = web.auth_test()
    except SlackApiError as error:
        reason = str(error.response.get("error", "refused"))
        return [("bot token", f"✗ {reason}", _remedy(reason))], False
    except OSError as error:
        raise AdvisorError(f"Slack at {web.base_url} cannot be reached ({error}). Check the network, or ADVISOR_SLACK_URL.") from None
    headers = {str(name).lower(): value for name, value in me.headers.items()}
    held = {scope.strip() for scope in str(headers.get("x-oauth-scopes", "")).split(",")}
    rows: Rows = [("bot token", f"✓ {me.get('user')} in {me.get('team')}", "")]
    missing = [scope for scope in SCOPES if scope not in held]
    rows += [(f"scope {scope}", "✗ missing", f"For {SCOPES[scope]}: add it and install the app again") for scope in missing]
    if not missing:
        rows.append(("scopes", f"✓ all {len(SCOPES)}", ""))
    return rows, not missing


def _socket(settings: Settings, web: WebClient) -> tuple[bool, str]:
    try:
        web.apps_connections_open(app_token=settings.slack_app_token.get_secret_value())
    except SlackApiError as error:
        return False, str(error.response.get("error", "refused"))
    return True, ""


def _remedy(reason: str) -> str:
    return _REMEDIES.get(reason, "See what Slack says to this: docs.slack.dev/reference/methods/auth.test")
