"""Slack that limits, fails, forgets or loses, streams that die, processes that are killed: one truthful message each."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from slack_sdk import WebClient

from advisor.apps.slack import Bot
from advisor.apps.slack_blocks import PLACEHOLDER, RESTARTED
from advisor.apps.slack_line import Line, Refused, Unreachable
from tests.conftest import CHECKOUT
from tests.fake_slack import FakeSlack, Message, Payload, Trouble
from tests.slack_world import Talker, bot_at, command, said, send, store_at

Q = "How much is the pay?"
ANSWER = "$400,000. [1]"


def asked(tmp_path: Path, trouble: Trouble | None = None, count: int = 1, **more: bool) -> list[Message]:
    """Asks in a workspace with trouble; gives what stands there when all has been answered."""
    with FakeSlack(trouble=trouble, **more) as slack:
        store = store_at(tmp_path)
        bot = bot_at(slack.url, store)
        for n in range(count):
            send(bot, said(Q, channel=f"D{n}"))
        assert bot.desk.idle(60)
        end = time.monotonic() + 20
        while bot.deliveries.messages("D0") and time.monotonic() < end:
            time.sleep(0.05)  # what was left for later is taken up
        bot.close(5)
        store.close()
        assert slack.faults == []
        return slack.replies()


def once(method: str, what: str, number: int = 1) -> Trouble:
    return lambda name, n, given: what if (name, n) == (method, number) else None


def always(method: str, what: str) -> Trouble:
    return lambda name, n, given: what if name == method else None


TROUBLES: dict[str, Trouble] = {
    f"{what} on {method} {number}": once(method, what, number)
    for method, number in (("chat.startStream", 1), ("chat.appendStream", 1), ("chat.appendStream", 2), ("chat.stopStream", 1))
    for what in ("429:0", "500", "drop", "lost", "message_not_in_streaming_state", "internal_error")
} | {
    f"{what} on {method} {number} without streams": lambda name, n, given, m=method, w=what, k=number: (  # type: ignore[misc]
        "unknown_method" if name == "chat.startStream" else w if (name, n) == (m, k) else None
    )
    for method, number in (("chat.postMessage", 1), ("chat.update", 1), ("chat.update", 2), ("chat.update", 3))
    for what in ("429:0", "500", "drop", "lost", "internal_error")
}


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_ends_in_one_whole_answer(tmp_path: Path, name: str) -> None:
    (message,) = asked(tmp_path, TROUBLES[name])
    assert message.shown.count(ANSWER) == 1
    assert "*Sources*" in message.shown
    assert not message.streaming


def test_an_update_that_slack_refuses_for_good_is_posted_anew(tmp_path: Path) -> None:
    def gone(name: str, n: int, given: Payload) -> str | None:
        return {"chat.startStream": "unknown_method", "chat.update": "message_not_found"}.get(name)

    *_, message = asked(tmp_path, gone)
    assert ANSWER in message.shown


def test_an_answer_whose_blocks_slack_refuses_is_shown_without_them(tmp_path: Path) -> None:
    def picky(name: str, n: int, given: Payload) -> str | None:
        return "unknown_method" if name == "chat.startStream" else "invalid_blocks" if name == "chat.update" and given["blocks"] else None

    (message,) = asked(tmp_path, picky)
    assert ANSWER in message.shown


def test_a_stream_that_always_dies_is_an_updated_message(tmp_path: Path) -> None:
    messages = asked(tmp_path, always("chat.appendStream", "message_not_in_streaming_state"), count=3)
    assert [m.shown.count(ANSWER) for m in messages] == [1, 1, 1]


def test_slack_that_is_away_for_a_while_gets_the_answer_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.apps.slack_line.PATIENCE", 0.2)
    away = time.monotonic() + 2

    def trouble(name: str, n: int, given: Payload) -> str | None:
        return "500" if name.startswith("chat.") and time.monotonic() < away else None

    with FakeSlack(trouble=trouble) as slack:
        store = store_at(tmp_path)
        bot = bot_at(slack.url, store)
        bot.line.patience = 0.2
        send(bot, said(Q))
        end = time.monotonic() + 20
        while not any(m.metadata and not m.streaming for m in slack.replies()) and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.5)
        bot.close(5)
        store.close()
        (message,) = slack.replies()
    assert (RESTARTED in message.shown) != (ANSWER in message.shown)


def test_a_429_is_waited_for_as_long_as_slack_says(tmp_path: Path) -> None:
    with FakeSlack(trouble=once("chat.postMessage", "429:1"), streams=False) as slack:
        store = store_at(tmp_path)
        bot = bot_at(slack.url, store)
        send(bot, said(Q))
        assert bot.desk.idle()
        bot.close(5)
        store.close()
        first, second = [at for at, method, _ in slack.calls if method == "chat.postMessage"]
    assert second - first >= 1.0
    assert len(slack.replies()) == 1


def test_posts_in_one_channel_come_a_second_apart_and_other_channels_do_not_wait() -> None:
    with FakeSlack(a_second=True) as slack:
        line = Line(WebClient(token="xoxb-valid", base_url=slack.url, retry_handlers=[]))
        given = {"text": "x", "unfurl_links": False, "unfurl_media": False}
        for channel in ("C1", "C1", "C2", "C3"):
            line.post("chat.postMessage", {**given, "channel": channel})
        times = [(given["channel"], at) for at, _, given in slack.calls]
    assert times[1][1] - times[0][1] >= 0.98
    assert len(times) == 4  # none was refused


def test_a_call_that_need_not_be_done_is_not_waited_for() -> None:
    with FakeSlack(trouble=always("chat.update", "429:30")) as slack:
        line = Line(WebClient(token="xoxb-valid", base_url=slack.url, retry_handlers=[]))
        for _ in range(3):
            with pytest.raises(Unreachable):
                line.call("chat.update", {"channel": "C1", "ts": "1.1", "text": "x"}, again=False)
        assert len(slack.calls) == 1
        with pytest.raises(Refused, match="unknown_method"):
            line.call("chat.unheardOf", {"a": 1})


CHILD = """
import os, sys, time
from pathlib import Path
from tests.slack_world import Talker, bot_at, command, mention, said, send, store_at

url, home, stage, kind = sys.argv[1:]
talker = Talker()
def wait(question):
    if stage == "working":
        print("now", flush=True)
        time.sleep(60)
talker.waits = wait
store = store_at(Path(home))
bot = bot_at(url, store, talker, visibility="" if kind.startswith("mention") else "shared")
body = command("How much is the pay?", url) if kind == "command" else said("How much is the pay?", ts="1700000000.000100")
if kind.startswith("mention"):
    body = mention("How much is the pay?", ts="1700000000.000100")
if stage in ("unnoted", "kept", "taken"):
    where = {"unnoted": (bot.deliveries, "posted"), "kept": (bot.deliveries, "done"), "taken": (bot.desk, "submit")}[stage]
    def stop(*_):
        print("now", flush=True)
        time.sleep(60)
    if stage == "kept":  # the turn is in the store, the final message is not there yet
        import advisor.apps.slack_reply as module
        module.MessageReply.finish = stop
        import advisor.apps.slack_whisper as whispers
        whispers.WhisperReply.finish = stop
    else:
        setattr(*where, stop)
send(bot, body)
time.sleep(60)
"""


def killed(tmp_path: Path, slack: FakeSlack, stage: str, kind: str = "message") -> None:
    """Runs a bot that is killed at a stage of its answer."""
    call = [sys.executable, "-c", CHILD, slack.url, str(tmp_path), stage, kind]
    child = subprocess.Popen(call, stdout=subprocess.PIPE, cwd=CHECKOUT, env={**os.environ, "PYTHONPATH": str(CHECKOUT)})
    assert child.stdout is not None
    assert child.stdout.readline() == b"now\n"
    child.send_signal(signal.SIGKILL)
    child.wait(10)
    child.stdout.close()


def restarted(tmp_path: Path, slack: FakeSlack, ready: Callable[[Bot], bool]) -> None:
    store = store_at(tmp_path)
    bot = bot_at(slack.url, store, Talker())
    end = time.monotonic() + 20
    while not ready(bot) and time.monotonic() < end:
        time.sleep(0.05)
    send(bot, said(Q, ts="1700000000.000100"))  # Slack tries again
    assert bot.desk.idle()
    time.sleep(0.3)
    bot.close(5)
    store.close()


@pytest.mark.parametrize("streams", [True, False])
@pytest.mark.parametrize(("stage", "before", "after"), [
    ("taken", 0, RESTARTED),  # nothing was posted
    ("unnoted", 1, RESTARTED),  # a placeholder that nobody knows of
    ("working", 1, RESTARTED),
    ("kept", 1, ANSWER),  # answered, and not yet shown
])  # fmt: skip
def test_after_a_kill_the_next_start_completes_or_marks_the_one_message(
    tmp_path: Path, streams: bool, stage: str, before: int, after: str
) -> None:
    with FakeSlack(streams=streams) as slack:
        killed(tmp_path, slack, stage)
        assert len(slack.replies()) == before
        restarted(tmp_path, slack, lambda bot: any(m.metadata and m.text not in ("", PLACEHOLDER) for m in slack.replies()))
        (message,) = slack.replies()
        assert after in message.shown
        assert not message.streaming
        assert slack.faults == []


@pytest.mark.parametrize(("stage", "after"), [("working", RESTARTED), ("kept", ANSWER)])
def test_a_whispered_answer_that_was_cut_off_comes_to_the_asker_directly(tmp_path: Path, stage: str, after: str) -> None:
    with FakeSlack() as slack:
        killed(tmp_path, slack, stage, "command")
        restarted(tmp_path, slack, lambda bot: bool(slack.replies(channel="DU1")))
        (message,) = slack.replies(channel="DU1")
        assert after in message.shown
        assert slack.faults == []


def test_a_whisper_that_slack_does_not_take_comes_to_the_asker_directly(tmp_path: Path) -> None:
    with FakeSlack(trouble=lambda name, n, given: "500" if name.startswith("respond/") else None) as slack:
        store = store_at(tmp_path)
        bot = bot_at(slack.url, store)
        send(bot, command(Q, slack.url))
        end = time.monotonic() + 20
        while not slack.replies() and time.monotonic() < end:
            time.sleep(0.05)
        bot.close(5)
        store.close()
        (message,) = slack.replies()
    assert (message.channel, ANSWER in message.shown) == ("DU1", True)
