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

from advisor.apps.slack_setup import EVENTS, SCOPES, manifest
from advisor.config import Settings
from advisor.errors import SettingsError
from tests.conftest import CHECKOUT, Run
from tests.fake_slack import FakeSlack
from tests.slack_world import said

TOKENS = {"slack_bot_token": "xoxb-valid-1", "slack_app_token": "xapp-valid"}


def test_the_manifest_asks_for_no_scope_that_nothing_needs() -> None:
    made = manifest()
    assert made["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert "user" not in made["oauth_config"]["scopes"]
    needed = {"message.im": "im:history", "message.channels": "channels:history", "message.groups": "groups:history"}
    needed |= {"app_mention": "app_mentions:read"}
    assert {needed[e] for e in EVENTS if e in needed} | {"assistant:write", "chat:write", "commands"} == set(SCOPES)
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


def test_the_check_names_what_is_missing(advisor: Run) -> None:
    with FakeSlack() as slack:
        done = advisor("slack", "check", slack_url=slack.url, **TOKENS)
        assert done.returncode == 0
        assert "✓ cmo in Test" in done.stdout
        assert "✓ opens Socket Mode" in done.stdout
        slack.scopes = "chat:write,commands"
        done = advisor("slack", "check", slack_url=slack.url, **TOKENS)
        assert done.returncode == 1
        assert "scope im:history\t✗ missing\tFor direct messages: add it and install the app again" in done.stdout
        done = advisor("slack", "check", slack_url=slack.url, slack_bot_token="xoxb-other")
        assert done.returncode == 1
        assert "bot token\t✗ invalid_auth" in done.stdout
        assert "ADVISOR_SLACK_APP_TOKEN" in done.stdout
        assert "xoxb-other" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "said"),
    [
        (("slack",), {"slack_app_token": "xapp-1"}, "ADVISOR_SLACK_BOT_TOKEN is not set"),
        (("slack",), {"slack_bot_token": "xoxb-valid-1"}, "ADVISOR_SLACK_APP_TOKEN is not set"),
        (("slack", "--http"), {"slack_bot_token": "xoxb-valid-1"}, "ADVISOR_SLACK_SIGNING_SECRET is not set"),
        (("slack", "check"), {"slack_bot_token": "secret-words"}, "ADVISOR_SLACK_BOT_TOKEN is not a token: it begins with xoxb-"),
        (("slack", "check"), {**TOKENS, "slack_url": "http://127.0.0.1:9/"}, "cannot be reached"),
    ],
)
def test_what_is_not_set_up_is_told_in_a_line(advisor: Run, arguments: tuple[str, ...], settings: dict[str, str], said: str) -> None:
    done = advisor(*arguments, **settings)
    assert done.returncode == 1
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) <= 2
    assert "secret-words" not in done.stderr


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
