"""A bot with a scripted advisor for the tests of Slack, and the events that Slack would send it."""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt import BoltRequest
from slack_sdk import WebClient

from advisor.apps.slack import Bot
from advisor.chats import ChatStore, open_chats
from advisor.config import Settings
from advisor.pipeline import Advisor
from advisor.types import Draft, Exchange, Part, Passage, Progress, Statement
from advisor.verify import QuoteVerifier
from tests.eval_world import BONUS, SALARY, Shelf
from tests.fake_slack import BOT, TEAM, FakeSlack, Message

Body = dict[str, Any]
SECRET = "a-signing-secret"
_count = itertools.count(1)


class Talker:
    """Cites two sentences for whatever is asked; "decline" and "fail" do what they say, `pause` seconds a sentence."""

    def __init__(self, pause: float = 0.0, statements: Sequence[Statement] = (SALARY, BONUS)) -> None:
        self.pause, self.statements = pause, statements
        self.heard: list[tuple[str, tuple[str, ...]]] = []
        self.waits: Callable[[str], object] = lambda question: None

    def condense(self, question: str, history: Sequence[Exchange]) -> Iterator[Progress | str]:
        self.heard.append((question, tuple(e.question for e in history)))
        yield question

    def draft(self, question: str, query: str, passages: Sequence[Passage]) -> Iterator[Progress | Part | Draft]:
        self.waits(question)
        if "fail" in question:
            raise RuntimeError("the words of a question")
        if "decline" in question:
            yield Draft("declined", text="I cannot say.", suggestions=("How much is the pay?", "Is there a bonus?"))
            return
        parts = []
        for statement in self.statements:
            time.sleep(self.pause)
            parts.append(Part((statement,)))
            yield parts[-1]
        yield Draft("answered", tuple(parts), confidence=0.9)


def advisor_at(store: ChatStore, talker: Talker | None = None) -> Advisor:
    talker = talker or Talker()
    return Advisor(lambda: Shelf(), lambda: talker, QuoteVerifier(), store, "I cannot say.")


def store_at(home: Path, database: str = "sqlite") -> ChatStore:
    return open_chats(Settings(home=home, database=database))


def bot_at(
    url: str,
    store: ChatStore,
    talker: Talker | None = None,
    *,
    gap: float = 0.0,
    every: float = 0.0,
    look: float = 0.2,
    visibility: str = "shared",
    a_day: int = 0,
) -> Bot:
    """A bot that answers at the workspace of `url`, with no pauses of its own; in channels for all to see, unless told otherwise."""
    web = WebClient(token="xoxb-valid-1", base_url=url, timeout=10, retry_handlers=[])
    bot = Bot(advisor_at(store, talker), web, gap=gap, every=every, look=look, a_day=a_day)
    if visibility:
        bot.rules.set(TEAM, visibility=visibility)
    bot.start()
    return bot


def send(bot: Bot, body: Body) -> int:
    """Delivers as Socket Mode does; gives the status that stands for an acknowledgement."""
    return int(bot.app.dispatch(BoltRequest(body=json.loads(json.dumps(body)), mode="socket_mode")).status)


def said(text: str, *, user: str = "U1", channel: str = "D1", ts: str = "", thread: str = "", kind: str = "message", **more: Any) -> Body:
    """An event with a message, in a direct talk unless the channel begins with C."""
    number = next(_count)
    ts = ts or f"17{number:08d}.000100"
    event = {"type": kind, "user": user, "text": text, "channel": channel, "ts": ts, "event_ts": ts, **more}
    event["channel_type"] = "im" if channel.startswith("D") else "channel"
    if thread:
        event["thread_ts"] = thread
    return {"type": "event_callback", "event_id": f"Ev{number}", "team_id": TEAM, "api_app_id": "A1", "event_time": number, "event": event}


def mention(text: str, *, channel: str = "C1", **more: Any) -> Body:
    return said(f"<@{BOT}> {text}", channel=channel, kind="app_mention", **more)


def command(text: str, url: str, *, user: str = "U1", channel: str = "C1") -> Body:
    number = next(_count)
    where = {"team_id": TEAM, "channel_id": channel, "user_id": user, "api_app_id": "A1"}
    return {**where, "command": "/cmo", "text": text, "trigger_id": f"{number}.trigger", "response_url": f"{url}respond/{number}"}


def click(
    action: Mapping[str, Any], url: str, *, user: str = "U1", channel: str = "C1", ts: str = "1.1", thread: str = "", **more: Any
) -> Body:
    number = next(_count)
    container = {"type": "message", "message_ts": ts, "channel_id": channel, "is_ephemeral": False, **more}
    if thread:
        container["thread_ts"] = thread
    return {
        "type": "block_actions", "team": {"id": TEAM}, "user": {"id": user, "team_id": TEAM}, "api_app_id": "A1", "token": "x",
        "trigger_id": f"{number}.trigger", "response_url": f"{url}respond/{number}", "container": container,
        "channel": {"id": channel}, "actions": [{"type": "button", "block_id": "b", "action_ts": f"{number}.1", **action}],
    }  # fmt: skip


def view_click(action: Mapping[str, Any], *, user: str = "U1") -> Body:
    """A click in App Home or in a modal, which has no message and no address to answer to."""
    body = click(action, "", user=user)
    del body["response_url"], body["channel"]
    return {**body, "container": {"type": "view", "view_id": "V1"}, "view": {"id": "V1"}}


def submission(callback: str, text: str, private: str = "", user: str = "U1") -> Body:
    number = next(_count)
    values = {"text": {"text": {"type": "plain_text_input", "value": text}}}
    view = {"id": f"V{number}", "type": "modal", "callback_id": callback, "private_metadata": private, "state": {"values": values}}
    who = {"team": {"id": TEAM}, "user": {"id": user, "team_id": TEAM}, "api_app_id": "A1"}
    return {"type": "view_submission", **who, "trigger_id": f"{number}.trigger", "view": view}


def button(message: Any, action: str) -> dict[str, Any]:
    """A button of a message or a view, as Slack sends it when it is clicked."""
    for block in message["blocks"] if isinstance(message, dict) else message.blocks:
        for element in [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]:
            if element["action_id"] == action:
                return {"action_id": action, "value": element.get("value", ""), "element": element}
    raise AssertionError(f"there is no button {action}")


def signed(body: Body | bytes, *, secret: str = SECRET, at: float | None = None, kind: str = "") -> tuple[bytes, dict[str, str]]:
    """A body with the headers that Slack would send with it."""
    if isinstance(body, bytes):
        raw, kind = body, kind or "application/json"
    elif "command" in body:
        raw, kind = urlencode(body).encode(), "application/x-www-form-urlencoded"
    elif body.get("type") == "event_callback":
        raw, kind = json.dumps(body).encode(), "application/json"
    else:
        raw, kind = urlencode({"payload": json.dumps(body)}).encode(), "application/x-www-form-urlencoded"
    moment = str(int(time.time() if at is None else at))
    signature = "v0=" + hmac.new(secret.encode(), b"v0:" + moment.encode() + b":" + raw, hashlib.sha256).hexdigest()
    return raw, {"content-type": kind, "x-slack-request-timestamp": moment, "x-slack-signature": signature}


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as running:
        yield running
    assert running.faults == []


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChatStore]:
    opened = store_at(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def talker() -> Talker:
    return Talker()


@pytest.fixture
def bot(slack: FakeSlack, store: ChatStore, talker: Talker) -> Iterator[Bot]:
    running = bot_at(slack.url, store, talker)
    yield running
    running.close(5)


def answered(bot: Bot, slack: FakeSlack, body: Body) -> Message:
    """The one message that a delivery is answered with."""
    before = len(slack.replies())
    assert send(bot, body) == 200
    assert bot.desk.idle()
    (message,) = slack.replies()[before:]
    return message
