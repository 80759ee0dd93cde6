"""How a workspace installs the app: it is sent to Slack and comes back with a code, which is changed for a token.

Who comes back must be the browser that was sent: the state it carries is signed by us, of now, and in its cookie.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import html
import logging
import secrets
import time
from collections.abc import Callable
from urllib.parse import parse_qs, quote

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.oauth import AuthorizeUrlGenerator, OAuthStateStore, OAuthStateUtils

from advisor.apps.shield import Receive, Scope, Send
from advisor.apps.slack_events import is_id
from advisor.apps.slack_setup import INSTALL, SCOPES
from advisor.apps.slack_workspaces import Workspaces
from advisor.config import Settings
from advisor.errors import AdvisorError

log = logging.getLogger(__name__)

GOOD_FOR = 600  # seconds that somebody may take to allow the app
AT_ONCE = 4  # codes that are changed for tokens at the same time
_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)
_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>CMO Advisor</title>'
    "<style>body{{font:1rem/1.6 system-ui,sans-serif;max-width:36rem;margin:4rem auto;padding:0 1rem;color-scheme:light dark}}</style>"
    "<h1>{}</h1><p>{}</p>"
)


class States(OAuthStateStore):
    """States that need no store: random, with the time, signed with the app's secret."""

    def __init__(self, secret: str, clock: Callable[[], float] = time.time) -> None:
        self._secret, self._clock = secret.encode(), clock

    def issue(self, *args: object, **kwargs: object) -> str:
        said = f"{secrets.token_urlsafe(24)}.{int(self._clock())}"
        return f"{said}.{self._signature(said)}"

    def consume(self, state: str) -> bool:
        said, _, signature = state.rpartition(".")
        moment = said.rpartition(".")[2]
        if not (moment.isascii() and moment.isdigit() and hmac.compare_digest(self._signature(said).encode(), signature.encode())):
            return False
        return 0 <= self._clock() - int(moment) <= GOOD_FOR

    def _signature(self, said: str) -> str:
        return hmac.new(self._secret, b"state:" + said.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


class Install:
    """The two addresses of an installation, as an ASGI application; `workspaces` is asked for when a code has come."""

    def __init__(self, settings: Settings, workspaces: Callable[[], Workspaces], clock: Callable[[], float] = time.time) -> None:
        self.settings, self.workspaces = settings, workspaces
        self._states = States(settings.slack_client_secret.get_secret_value(), clock)
        self._cookies = OAuthStateUtils(expiration_seconds=GOOD_FOR)
        where = settings.slack_url.removesuffix("api/") + "oauth/v2/authorize"
        self._urls = AuthorizeUrlGenerator(client_id=quote(settings.slack_client_id), scopes=list(SCOPES), authorization_url=where)
        self._places = asyncio.Semaphore(AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in ("GET", "HEAD"):
            return await _say(send, 405, "Nothing to send here", "Open this address in a browser.")
        if scope["path"] == INSTALL:
            state = self._states.issue()
            cookie = self._cookies.build_set_cookie_for_new_state(state) + "; SameSite=Lax"
            headers = [(b"location", self._urls.generate(state).encode()), (b"set-cookie", cookie.encode()), *_HEADERS]
            await send({"type": "http.response.start", "status": 302, "headers": headers})
            return await send({"type": "http.response.body", "body": b""})
        try:
            given = parse_qs(scope.get("query_string", b"").decode("latin-1"), max_num_fields=20)
        except ValueError:
            given = {}
        state, code = given.get("state", [""])[0], given.get("code", [""])[0]
        cookies = "; ".join(v.decode("latin-1") for k, v in scope["headers"] if k.lower() == b"cookie")
        if not (self._states.consume(state) and self._cookies.is_valid_browser(state, {"cookie": cookies})):
            return await _say(send, 400, "This link is too old", f"Begin again at {INSTALL}, in the browser that you end with.")
        over = [(b"set-cookie", self._cookies.build_set_cookie_for_deletion().encode())]
        if not code or len(code) > 500:
            return await _say(send, 400, "Nothing was installed", "The app was not allowed into the workspace.", over)
        async with self._places:
            status, title, line = await asyncio.to_thread(self._changed, code)
        await _say(send, status, title, line, over)

    def _changed(self, code: str) -> tuple[int, str, str]:
        """Changes a code for a token and keeps that; gives what is said of it."""
        silent = logging.getLogger("advisor.slack.sdk")
        silent.setLevel(logging.CRITICAL)  # it would log the token
        s = self.settings
        try:
            workspaces = self.workspaces()
            web = WebClient(base_url=s.slack_url, timeout=15, retry_handlers=[], logger=silent)
            secret = s.slack_client_secret.get_secret_value()
            got = web.oauth_v2_access(client_id=s.slack_client_id, client_secret=secret, code=code)
            team, token = got.get("team") or {}, str(got.get("access_token") or "")
            if got.get("is_enterprise_install") or not is_id(team.get("id")) or not token.startswith("xoxb-"):
                return 400, "Nothing was installed", "The app is installed workspace by workspace. Choose one, not a whole organization."
            name, installer = str(team.get("name") or team["id"])[:200], str((got.get("authed_user") or {}).get("id") or "")
            workspaces.installed(team["id"], name, installer, token)
        except SlackApiError as error:
            log.warning("a workspace could not be installed: Slack says %s", error.response.get("error"))
            return 400, "Nothing was installed", f"Slack did not take the code. Begin again at {INSTALL}."
        except (AdvisorError, OSError, SlackClientError, ValueError) as error:
            log.warning("a workspace could not be installed: %s", type(error).__name__)
            return 503, "Not now", f"The app could not be installed just now. Begin again at {INSTALL} in a minute."
        log.info("workspace %s has installed the app", team["id"])
        return 200, "Installed", f"CMO Advisor is in {name}. In Slack, open Apps, CMO Advisor, and ask it something."


async def _say(send: Send, status: int, title: str, line: str, more: list[tuple[bytes, bytes]] | None = None) -> None:
    body = _PAGE.format(html.escape(title), html.escape(line)).encode("utf-8", "replace")
    headers = [(b"content-type", b"text/html; charset=utf-8"), (b"content-length", str(len(body)).encode()), *_HEADERS, *(more or [])]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
