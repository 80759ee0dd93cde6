"""What stands before Bolt: nothing hostile gets in, nothing breaks, nothing of a body is logged."""

from __future__ import annotations

import asyncio
import json
import logging
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.signature import SignatureVerifier

from advisor.apps.slack import Bot
from advisor.apps.slack_guard import AGE, LARGEST, Guard
from advisor.apps.slack_mount import PATH
from tests.fake_slack import FakeSlack
from tests.slack_world import SECRET, bot_at, click, command, said, signed, store_at

CANARY = "canary-of-a-body"
Q = "How much is the pay?"


@pytest.fixture(scope="module")
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as running:
        yield running


@pytest.fixture(scope="module")
def bot(slack: FakeSlack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bot]:
    store = store_at(tmp_path_factory.mktemp("guard"))
    running = bot_at(slack.url, store)
    yield running
    running.close(5)
    store.close()


@pytest.fixture
def guard(bot: Bot) -> Guard:
    return Guard(lambda body: bot, SECRET)


def ask(
    guard: Guard, raw: bytes, headers: Any, *, path: str = PATH, method: str = "POST", pieces: int = 1, cut: bool = False
) -> tuple[int, bytes]:
    """Sends a request as a server does, body in pieces; gives status and body."""
    pairs = headers.items() if isinstance(headers, dict) else headers
    given = [(k.encode("latin-1", "replace"), v if isinstance(v, bytes) else v.encode("latin-1", "replace")) for k, v in pairs]
    size = max(1, -(-len(raw) // pieces))
    parts = [raw[i : i + size] for i in range(0, len(raw), size)] or [b""]
    messages = [{"type": "http.request", "body": part, "more_body": n + 1 < len(parts) or cut} for n, part in enumerate(parts)]
    waiting = iter([*messages, {"type": "http.disconnect"}])
    sent: list[Any] = []

    async def receive() -> Any:
        return next(waiting)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": given}
    asyncio.run(guard(scope, receive, send))
    return sent[0]["status"], sent[1]["body"]


def test_a_signed_event_a_command_and_a_click_get_through(guard: Guard, bot: Bot, slack: FakeSlack) -> None:
    event = said(Q)
    assert ask(guard, *signed(event), pieces=3) == (200, b"")
    status, body = ask(guard, *signed(command("What is my payload?", slack.url)))
    assert (status, json.loads(body)["response_type"]) == (200, "ephemeral")
    assert ask(guard, *signed(click({"action_id": "other"}, slack.url)))[0] == 200
    assert bot.desk.idle()
    assert len(slack.replies(event["event"]["ts"])) == 1
    assert len(slack.whispers) == 1
    assert slack.faults == []


def test_a_signature_is_made_as_slack_makes_it() -> None:
    raw, headers = signed(said(Q))
    moment, signature = headers["x-slack-request-timestamp"], headers["x-slack-signature"]
    assert SignatureVerifier(SECRET).is_valid(body=raw, timestamp=moment, signature=signature)


def test_the_challenge_is_answered(guard: Guard) -> None:
    assert ask(guard, *signed(json.dumps({"type": "url_verification", "challenge": "3eZbrw1a"}).encode())) == (200, b"3eZbrw1a")
    assert ask(guard, *signed(b'{"type": "url_verification", "challenge": ["x"]}'))[0] == 400
    raw, headers = signed(b'{"type": "url_verification", "challenge": "x"}', secret="another")
    assert ask(guard, raw, headers)[0] == 401


def test_the_same_request_does_not_get_through_twice(guard: Guard, bot: Bot, slack: FakeSlack) -> None:
    body = said(Q)
    raw, headers = signed(body)
    assert ask(guard, raw, headers)[0] == 200
    assert ask(guard, raw, headers)[0] == 409
    restarted = Guard(lambda body: bot, SECRET)
    assert ask(restarted, raw, headers)[0] == 200  # the store knows it
    assert ask(guard, *signed(body, at=time.time() - 7))[0] == 200  # a retry of Slack's is told that all is well
    assert bot.desk.idle()
    assert len(slack.replies(body["event"]["ts"])) == 1


@pytest.mark.parametrize("seconds", [-AGE - 2, AGE + 2])
def test_a_request_of_another_time_does_not_get_through(guard: Guard, seconds: int) -> None:
    assert ask(guard, *signed(said(Q), at=time.time() + seconds))[0] == 401


def test_only_posts_to_the_one_address_are_taken(guard: Guard) -> None:
    raw, headers = signed(said(Q))
    assert ask(guard, raw, headers, path="/")[0] == 404
    assert ask(guard, raw, headers, path=f"{PATH}/")[0] == 404
    assert ask(guard, raw, headers, method="GET")[0] == 405


def test_large_slow_and_broken_bodies_are_turned_away(guard: Guard) -> None:
    raw, headers = signed(b'"' + b"x" * LARGEST + b'"')
    assert ask(guard, raw, {**headers, "content-length": str(len(raw))})[0] == 413
    assert ask(guard, raw, headers, pieces=9)[0] == 413
    assert ask(guard, *signed(said(Q)), cut=True)[0] == 400


def _hostile(chance: random.Random, slack: FakeSlack) -> tuple[bytes, Any, dict[str, Any]]:
    """A request that must not get through: a good one that is spoilt somewhere, or junk that is signed."""
    kind = chance.randrange(14)
    body = chance.choice([said(CANARY), command(CANARY, slack.url), click({"action_id": CANARY}, slack.url)])
    raw, headers = signed(body)
    if kind == 0:
        return raw, {**headers, "x-slack-signature": chance.choice(["", "v0=", "v1=" + "0" * 64, "v0=" + "é" * 64, "v0=" + "0" * 64])}, {}
    if kind == 1:
        moments = ["", "now", "1e9", "-1", "١٢٣", "9" * 40, "0x10", " 1", "1.5", str(int(time.time()) + 9999)]
        return raw, {**headers, "x-slack-request-timestamp": chance.choice(moments)}, {}
    if kind == 2:
        return raw, {**headers, "content-type": chance.choice(["", "text/plain", "multipart/form-data", "application/xml", "é"])}, {}
    if kind == 3:
        at = chance.randrange(len(raw))
        return raw[:at] + bytes([raw[at] ^ (1 + chance.randrange(255))]) + raw[at + 1 :], headers, {}
    if kind == 4:
        headers.pop(chance.choice(sorted(headers)))
        return raw, headers, {}
    if kind == 5:
        return *signed(body, secret=chance.choice(["x", SECRET[:-1], SECRET + "x"])), {}
    if kind == 6:
        return *signed(body, at=time.time() - AGE - chance.randrange(2, 10**6)), {}
    if kind == 7:
        return raw, [*headers.items(), chance.choice(list(headers.items()))], {}
    if kind == 8:
        return raw, {**headers, "content-length": chance.choice(["-1", "x", "9" * 30, "1 2", str(LARGEST + 1)])}, {}
    if kind == 9:
        junk = [b"", b"null", b"[]", b"7", b'"x"', b"{", b"\xff\xfe", b'{"a":', b"[" * 5000, b'{"a":' * 400 + b"1" + b"}" * 400, b"{}"]
        return *signed(chance.choice(junk)), {}
    if kind == 10:
        form = [b"payload=", b"payload=%7B", b"payload=null", b"payload=[]", b"&&&", b"a=%ff", b"=", b"payload=" + b"%5B" * 3000]
        return *signed(chance.choice(form), kind="application/x-www-form-urlencoded"), {}
    if kind == 11:
        odd: list[Any] = [7, None, [], "x", {"a": 1}, True, [[]], "\ud800"]
        spoilt = {**said(CANARY), chance.choice(["event_id", "trigger_id"]): chance.choice(odd[:3])}
        spoilt = {k: v for k, v in spoilt.items() if k != "event_id" or not isinstance(v, str)}
        return *signed(json.dumps(spoilt).encode()), {}
    if kind == 12:
        return raw, headers, {"method": chance.choice(["GET", "PUT", "DELETE", "OPTIONS"])}
    return raw, headers, {"path": chance.choice(["/", "/slack", PATH + "/x", PATH + "?x", "/../slack/events", "/SLACK/EVENTS"])}


@pytest.mark.thorough
def test_of_three_hundred_hostile_requests_none_gets_in_breaks_anything_or_is_logged(
    guard: Guard, bot: Bot, slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    chance = random.Random(7)
    before = (len(slack.replies()), len(slack.whispers), len(slack.calls))
    for number in range(300):
        raw, headers, more = _hostile(chance, slack)
        status, _ = ask(guard, raw, headers, pieces=chance.randrange(1, 5), **more)
        assert 400 <= status < 500, (number, status, raw[:200], headers, more)
    assert bot.desk.idle()
    assert (len(slack.replies()), len(slack.whispers), len(slack.calls)) == before
    assert CANARY not in caplog.text


def test_odd_fields_in_signed_events_do_no_harm(guard: Guard, bot: Bot, slack: FakeSlack) -> None:
    odd: list[Any] = [7, None, [], "x", {}, True, [[]], "\ud800", {"id": []}]
    before = len(slack.replies())
    for field in ("type", "user", "channel", "ts", "thread_ts", "channel_type", "subtype", "bot_id", "user_team"):
        for value in odd:
            body = said("")
            body["event"][field] = value
            assert ask(guard, *signed(json.dumps(body).encode()))[0] < 500
    for field in (
        "event",
        "team_id",
        "authorizations",
        "enterprise_id",
        "is_enterprise_install",
        "type",
        "team",
        "user",
        "view",
        "actions",
    ):
        for value in odd:
            body = {**said(""), field: value}
            assert ask(guard, *signed(json.dumps(body).encode()))[0] < 500
            body = {**click({"action_id": "sources", "value": value}, slack.url), field: value}
            assert ask(guard, *signed(json.dumps(body).encode()))[0] < 500
    assert bot.desk.idle()
    assert all("The question is empty" in m.shown for m in slack.replies()[before:])


def test_a_store_that_cannot_be_written_asks_slack_to_come_again(guard: Guard, bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    from advisor.errors import StorageError

    def full(*_: object) -> bool:
        raise StorageError("The disk is full.")

    raw, headers = signed(said(Q))
    monkeypatch.setattr(bot.deliveries, "take", full)
    assert ask(guard, raw, headers)[0] == 503
    monkeypatch.undo()
    assert ask(guard, raw, headers)[0] == 200


def test_the_guard_serves_over_real_http(bot: Bot, tmp_path: Path) -> None:
    import socket
    import threading
    import urllib.request

    import uvicorn

    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(Guard(lambda body: bot, SECRET), log_level="warning", lifespan="off", access_log=False))
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
    thread.start()
    raw, headers = signed(said(Q))
    request = urllib.request.Request(f"http://127.0.0.1:{listening.getsockname()[1]}{PATH}", raw, headers)
    with urllib.request.urlopen(request, timeout=10) as response:
        assert response.status == 200
    server.should_exit = True
    thread.join(10)
