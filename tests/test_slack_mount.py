"""Slack beside the page: one server for both, and nothing of the page by Slack's way in."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from advisor.apps import slack_mount
from advisor.apps.slack_mount import PATH, Mount, beside
from advisor.apps.warm import Warm
from advisor.config import Settings
from advisor.errors import MissingExtra
from tests.api_world import opened, until
from tests.conftest import CHECKOUT
from tests.fake_slack import FakeSlack
from tests.slack_world import SECRET, said, signed

TOKENS = {"slack_bot_token": "xoxb-valid-1", "slack_signing_secret": SECRET}
MBA = "Do I need an MBA to become a CMO?"


async def page(scope: object, receive: object, send: object) -> None:
    """A page that says where it was asked; it takes part in the start and the end of a server."""
    if scope["type"] == "lifespan":  # type: ignore[index]
        for what in ("startup", "shutdown"):
            await receive()  # type: ignore[operator]
            await send({"type": f"lifespan.{what}.complete"})  # type: ignore[operator]
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b"page " + scope["path"].encode()})  # type: ignore[index, operator]


def test_without_secret_or_token_there_is_no_slack_beside_the_page() -> None:
    for given in ({}, {"slack_bot_token": "xoxb-1"}, {"slack_signing_secret": "s"}):
        assert beside(page, Warm(Settings(**given))) is page  # type: ignore[arg-type]


def test_without_its_packages_slack_is_asked_for_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_mount, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match="pip install"):
        beside(page, Warm(Settings(**TOKENS)))  # type: ignore[arg-type]


def test_slack_is_told_to_come_again_until_the_advisor_is_open_and_is_answered_then(hashed_home: Path, tmp_path: Path) -> None:
    with FakeSlack() as slack:
        there = opened(hashed_home, tmp_path / "there", slack_url=slack.url, **TOKENS)
        advisor, there._advisor = there._advisor, None
        app = beside(page, there)
        assert isinstance(app, Mount)
        with TestClient(app) as client:  # the server has started
            raw, headers = signed(b'{"type": "url_verification", "challenge": "x"}')
            assert client.post(PATH, content=raw, headers=headers).text == "x"
            raw, headers = signed(said(MBA))
            assert client.post(PATH, content=raw, headers=headers).status_code == 503
            there._advisor = advisor
            until(lambda: app._workspaces is not None)
            raw, headers = signed(said(MBA))
            assert client.post(PATH, content=raw, headers=headers).status_code == 200
            assert client.post("/slack/other").text == "page /slack/other"
            until(lambda: any(not m.streaming for m in slack.replies()))
        assert app._workspaces is not None
        assert app._workspaces._only is not None
        assert app._workspaces._only.desk._closed  # the server has ended
        (message,) = slack.replies()
    assert "*Sources*" in message.shown


def test_slack_that_is_away_is_tried_again(hashed_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack_mount, "AGAIN", 0.05)
    with FakeSlack(trouble=lambda name, n, given: "invalid_auth" if name == "auth.test" and n < 3 else None) as slack:
        app = beside(page, opened(hashed_home, tmp_path / "there", slack_url=slack.url, **TOKENS))
        assert isinstance(app, Mount)
        with TestClient(app):
            until(lambda: app._workspaces is not None)


def fetched(port: int, method: str, path: str, raw: bytes = b"", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, raw, {"host": "advisor.example.org", **headers})
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_page_and_slack_are_served_by_one_command_and_a_proxys_name_opens_slacks_path_only(hashed_home: Path) -> None:
    with FakeSlack() as slack:
        settings = {**TOKENS, "slack_url": slack.url, "home": str(hashed_home), "embedding_model": "hashed"}
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), **{f"ADVISOR_{k.upper()}": v for k, v in settings.items()}}
        call = [sys.executable, "-m", "advisor.cli", "web", "--port", "0"]
        running = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
        assert running.stdout is not None
        lines = iter(running.stdout.readline, "")
        port = int(next(line for line in lines if line.startswith("http://")).rpartition(":")[2])
        assert next(line for line in lines if PATH in line)
        for path in ("/", "/api/health", "/config", "/slack/install", f"{PATH}/../../config", f"{PATH}/"):
            assert fetched(port, "GET", path) in (404, 421), path
        assert fetched(port, "GET", PATH) == 405
        raw, headers = signed(said(MBA))
        assert fetched(port, "POST", PATH, raw, **{**headers, "x-slack-signature": "v0=" + "0" * 64}) == 401
        assert fetched(port, "POST", PATH, raw, **headers) == 200
        end = time.monotonic() + 30
        while not any(not m.streaming for m in slack.replies()) and time.monotonic() < end:
            time.sleep(0.05)
        running.send_signal(signal.SIGTERM)
        rest = running.communicate(timeout=60)[0]
    assert running.returncode in (0, -signal.SIGTERM), rest
    (message,) = slack.replies()
    assert "*Sources*" in message.shown
    assert slack.faults == []
