"""The manifest, the check of tokens and scopes, and the command line of Slack."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.apps.slack_serve import serve
from advisor.apps.slack_setup import EVENTS, SCOPES, checked, manifest
from advisor.chats import open_chats
from advisor.config import Settings
from advisor.errors import AdvisorError, SettingsError
from advisor.installations import Installations, new_key
from tests.conftest import CHECKOUT, Run
from tests.fake_slack import SCOPES as SCOPES_OF_THE_FAKE
from tests.fake_slack import FakeSlack
from tests.slack_world import said

TOKENS = {"slack_bot_token": "xoxb-valid-1", "slack_app_token": "xapp-valid"}


def test_the_manifest_asks_for_no_scope_that_nothing_needs() -> None:
    made = manifest()
    assert made["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert "user" not in made["oauth_config"]["scopes"]
    needed = {"message.im": "im:history", "message.channels": "channels:history", "message.groups": "groups:history"}
    needed |= {"app_mention": "app_mentions:read"}
    assert {needed[e] for e in EVENTS if e in needed} | {"assistant:write", "chat:write", "commands", "files:write"} == set(SCOPES)
    assert made["features"]["agent_view"]["suggested_prompts"]
    assert made["settings"]["socket_mode_enabled"]


def test_the_manifest_keeps_slacks_limits() -> None:
    made = manifest("https://advisor.test/slack/events")
    about = made["display_information"]
    assert len(about["name"]) <= 35
    assert len(about["description"]) <= 140
    assert len(made["features"]["shortcuts"][0]["name"]) <= 24 + 3
    assert len(made["features"]["bot_user"]["display_name"]) <= 80
    assert made["settings"]["event_subscriptions"]["request_url"] == made["features"]["slash_commands"][0]["url"]
    assert not made["settings"]["socket_mode_enabled"]


def test_the_manifest_is_printed_as_json_without_any_setting(advisor: Run) -> None:
    done = advisor("slack", "manifest")
    assert (done.returncode, json.loads(done.stdout)) == (0, manifest())


def looked(slack_url: str, **settings: str) -> tuple[str, bool]:
    given = Settings(slack_url=slack_url, **settings)  # type: ignore[arg-type]
    rows, well = checked(given)
    return "\n".join("\t".join(row) for row in rows), well


def test_the_check_says_that_all_is_well(advisor: Run) -> None:
    with FakeSlack() as slack:
        done = advisor("slack", "check", slack_url=slack.url, **TOKENS)
    assert done.returncode == 0
    assert "✓ cmo in Test" in done.stdout
    assert "✓ opens Socket Mode" in done.stdout
    assert "valid" not in done.stdout + done.stderr


def test_the_check_names_what_is_missing() -> None:
    with FakeSlack() as slack:
        slack.scopes = "chat:write,commands"
        rows, well = looked(slack.url, **TOKENS)
        assert not well
        assert "scope im:history\t✗ missing\tFor direct messages: add it and install the app again" in rows
        rows, well = looked(slack.url, slack_bot_token="xoxb-other")
        assert not well
        assert "bot token\t✗ invalid_auth" in rows
        assert "Set ADVISOR_SLACK_APP_TOKEN" in rows
        assert "xoxb-other" not in rows
        slack.scopes = SCOPES_OF_THE_FAKE
        assert looked(slack.url, slack_bot_token="xoxb-valid", slack_signing_secret="s")[1]  # for HTTP events
        assert not looked(slack.url, slack_bot_token="xoxb-valid", slack_app_token="xapp-other")[1]
    with pytest.raises(AdvisorError, match="cannot be reached"):
        looked("http://127.0.0.1:9/", **TOKENS)


def test_the_check_of_an_app_for_many_workspaces_asks_for_the_token_of_each(tmp_path: Path) -> None:
    many = {"home": str(tmp_path), "slack_client_id": "1.2", "slack_client_secret": "s", "slack_signing_secret": "s"}
    with FakeSlack() as slack:
        rows, well = looked(slack.url, **many)
        assert not well
        assert "key for tokens\t✗ not set\tSet ADVISOR_SLACK_TOKEN_KEY. Make one with: advisor slack key" in rows
        many["slack_token_key"] = new_key()
        rows, well = looked(slack.url, **many)
        assert well
        assert "workspaces\t! none has installed the app\tOpen /slack/install of" in rows
        store = open_chats(Settings(home=tmp_path))
        kept = Installations(store.engine, many["slack_token_key"])
        kept.save("T1", "Well", "U1", "xoxb-valid-1")
        rows, well = looked(slack.url, **many)
        assert well
        assert "Well (T1), bot token\t✓ cmo in Test" in rows
        kept.save("T2", "Gone", "U1", "xoxb-other")
        store.close()
        rows, well = looked(slack.url, **many)
        assert not well
        assert "Gone (T2), bot token\t✗ invalid_auth" in rows
        assert "xoxb-other" not in rows
        del many["slack_signing_secret"]
        assert "signing secret\t✗ not set\tSet ADVISOR_SLACK_SIGNING_SECRET. Copy it" in looked(slack.url, **many)[0]


@pytest.mark.parametrize(
    ("http", "settings", "said"),
    [
        (False, {"slack_app_token": "xapp-1"}, "ADVISOR_SLACK_BOT_TOKEN is not set"),
        (False, {"slack_bot_token": "xoxb-valid-1"}, "ADVISOR_SLACK_APP_TOKEN is not set"),
        (True, {"slack_bot_token": "xoxb-valid-1"}, "ADVISOR_SLACK_SIGNING_SECRET is not set"),
    ],
)
def test_what_is_not_set_is_told_before_anything_is_opened(http: bool, settings: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        serve(Settings(**settings), lambda: pytest.fail("the advisor was opened"), http=http)  # type: ignore[arg-type]


def test_a_token_that_slack_refuses_is_told_in_a_line(advisor: Run, hashed_home: Path) -> None:
    with FakeSlack() as slack:
        tokens = {"slack_bot_token": "xoxb-other", "slack_app_token": "xapp-valid"}
        done = advisor("slack", slack_url=slack.url, home=str(hashed_home), **tokens)
    assert (done.returncode, done.stderr.strip()) == (1, "advisor: Slack refuses the bot's token (invalid_auth). Run: advisor slack check")


def test_tokens_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BOT_TOKEN", "APP_TOKEN", "SIGNING_SECRET"):
        monkeypatch.setenv(f"ADVISOR_SLACK_{name}", {"BOT_TOKEN": "xoxb-", "APP_TOKEN": "xapp-"}.get(name, "") + "canary")
    settings = Settings.load()
    assert "canary" not in repr(settings) + str(settings)
    assert [settings.shown(n) for n in ("slack_bot_token", "slack_signing_secret")] == ["set", "set"]
    monkeypatch.setenv("ADVISOR_SLACK_APP_TOKEN", "canary")
    with pytest.raises(SettingsError, match="xapp-") as caught:
        Settings.load()
    assert "canary" not in str(caught.value)


def test_the_command_answers_over_socket_mode_and_ends_on_a_signal(tmp_path: Path, hashed_home: Path) -> None:
    with FakeSlack() as slack:
        settings = {**TOKENS, "slack_url": slack.url, "home": str(hashed_home), "embedding_model": "hashed"}
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), **{f"ADVISOR_{k.upper()}": v for k, v in settings.items()}}
        call = [sys.executable, "-m", "advisor.cli", "slack"]
        running = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        assert running.stdout is not None
        lines = iter(running.stdout.readline, "")
        assert next(line for line in lines if "Listening" in line)
        assert slack.connected.wait(10)
        body = said("Do I need an MBA to become a CMO?")
        slack.deliver({"type": "events_api", "envelope_id": "e", "payload": body, "accepts_response_payload": False})
        while not any(not m.streaming and m.blocks for m in slack.replies()):
            assert running.poll() is None
        running.send_signal(signal.SIGTERM)
        rest = running.communicate(timeout=30)[0]
    assert running.returncode == 0, rest
    assert rest.strip() == "Stopped."
    (message,) = slack.replies()
    assert re.search(r"\[1\]", message.markdown)
    assert "*Sources*" in message.shown
    assert slack.faults == []
