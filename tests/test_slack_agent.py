"""The agent's side of Slack: a status while it searches, questions to begin with, and no harm where there is neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.apps.slack import Bot
from advisor.apps.slack_events import STARTERS
from tests.api_world import until
from tests.fake_slack import FakeSlack
from tests.slack_world import answered, bot_at, command, mention, said, send, store_at

Q = "How much is the pay?"
BEGINNINGS = {
    "the messages tab": ({"type": "app_home_opened", "tab": "messages", "user": "U1", "channel": "D1"}, {"channel_id": "D1"}),
    "an assistant's thread": (
        {"type": "assistant_thread_started", "assistant_thread": {"user_id": "U1", "channel_id": "D2", "thread_ts": "1.1", "context": {}}},
        {"channel_id": "D2", "thread_ts": "1.1"},
    ),
}


def begun(name: str) -> dict:  # type: ignore[type-arg]
    return {**said(""), "event": dict(BEGINNINGS[name][0])}


@pytest.mark.parametrize("ask", [said, mention])
def test_a_status_says_that_it_searches_before_anything_is_posted(bot: Bot, slack: FakeSlack, ask: object) -> None:
    message = answered(bot, slack, ask(Q))  # type: ignore[operator]
    ((what, given),) = slack.agent
    assert (what, given["thread_ts"], given["channel_id"]) == ("setStatus", message.thread, message.channel)
    assert "searching the guidance" in given["status"]
    names = [name for _, name, _ in slack.calls]
    assert names.index("assistant.threads.setStatus") < names.index("chat.startStream")


def test_a_whispered_answer_has_no_status_in_the_channel(bot: Bot, slack: FakeSlack) -> None:
    send(bot, command(Q, slack.url))
    assert bot.desk.idle()
    assert (slack.agent, len(slack.whispers)) == ([], 1)


@pytest.mark.parametrize("name", BEGINNINGS)
def test_questions_are_suggested_where_a_talk_begins_once(bot: Bot, slack: FakeSlack, name: str) -> None:
    body = begun(name)
    for _ in range(3):
        assert send(bot, body) == 200
    until(lambda: slack.agent)
    bot.close(1)
    ((what, given),) = slack.agent
    assert what == "setSuggestedPrompts"
    assert [prompt["message"] for prompt in given["prompts"]] == list(STARTERS)
    assert {k: v for k, v in given.items() if k in ("channel_id", "thread_ts")} == BEGINNINGS[name][1]


@pytest.mark.parametrize("trouble", ["missing_scope", "unknown_method", "500", "429:30", "drop"])
def test_a_workspace_without_agents_is_answered_as_well(tmp_path: Path, trouble: str) -> None:
    with FakeSlack(trouble=lambda name, n, given: trouble if name.startswith("assistant.") else None) as slack:
        store = store_at(tmp_path)
        bot = bot_at(slack.url, store)
        for name in BEGINNINGS:
            assert send(bot, begun(name)) == 200
        until(lambda: slack.called("assistant.threads.setSuggestedPrompts"))
        for channel in ("D1", "D2", "D3"):
            assert "$400,000. [1]" in answered(bot, slack, said(Q, channel=channel)).shown
        if trouble in ("missing_scope", "unknown_method"):
            assert len(slack.called("assistant.threads.setStatus")) == 1  # it is not tried again and again
        bot.close(5)
        store.close()
    assert slack.faults == []


@pytest.mark.parametrize("odd", [{"assistant_thread": None}, {"assistant_thread": {"channel_id": 7}}, {"assistant_thread": {}}])
def test_a_malformed_beginning_does_no_harm(bot: Bot, slack: FakeSlack, odd: dict) -> None:  # type: ignore[type-arg]
    body = begun("an assistant's thread")
    body["event"].update(odd)
    assert send(bot, body) == 200
    assert slack.agent == []
