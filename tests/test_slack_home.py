"""App Home: saved answers that open with their sources and can be removed, conversations, and nothing of anybody else."""

from __future__ import annotations

import json

from advisor.apps.slack import Bot
from advisor.apps.slack_clicks import GONE, REMOVED, SAVED
from advisor.apps.slack_events import owner
from advisor.apps.slack_home import SHOWN, home
from advisor.chats import Conversation
from advisor.saved import Saved
from tests.api_world import until
from tests.fake_slack import FakeSlack, broken, live, texts
from tests.slack_world import answered, button, click, command, said, send, view_click
from tests.test_slack_blocks import PAYLOADS

Q = "How much is the pay?"


def opened(bot: Bot, slack: FakeSlack, user: str = "U1") -> dict:  # type: ignore[type-arg]
    """App Home as a person sees it."""
    before = len(slack.views)
    event = said("", user=user)
    event["event"] = {"type": "app_home_opened", "tab": "home", "user": user, "channel": "D1"}
    assert send(bot, event) == 200
    until(lambda: len(slack.views) > before)
    return slack.views[-1]


def saved(bot: Bot, slack: FakeSlack) -> None:
    message = answered(bot, slack, said(Q))
    send(bot, click(button(message, "save"), slack.url, channel="D1"))
    until(lambda: slack.whispers and slack.whispers[-1].text == SAVED)


def test_a_saved_answer_is_listed_in_app_home_and_opens_with_its_sources(bot: Bot, slack: FakeSlack) -> None:
    assert "puts it here" in json.dumps(opened(bot, slack))
    saved(bot, slack)
    view = opened(bot, slack)
    assert Q in json.dumps(view)
    send(bot, view_click(button(view, "saved_open")))
    until(lambda: slack.views[-1]["type"] == "modal")
    shown = json.dumps(slack.views[-1])
    assert "$400,000. [1]" in shown
    assert "*A CMO earns a salary of $400,000.* *Bonuses follow quality goals.*" in shown


def test_a_saved_answer_can_be_removed_and_its_conversation_stays(bot: Bot, slack: FakeSlack) -> None:
    saved(bot, slack)
    send(bot, view_click(button(opened(bot, slack), "saved_open")))
    until(lambda: slack.views[-1]["type"] == "modal")
    send(bot, view_click(button(slack.views[-1], "saved_remove")))
    until(lambda: slack.views[-1]["type"] == "home" and REMOVED in json.dumps(slack.views[-2]))
    assert "puts it here" in json.dumps(slack.views[-1])
    assert len(bot.store.conversations(owner("T1", "U1"))) == 1


def test_a_whispered_answer_can_be_saved(bot: Bot, slack: FakeSlack) -> None:
    send(bot, command(Q, slack.url))
    assert bot.desk.idle()
    send(bot, click(button(slack.whispers[0], "save"), slack.url, is_ephemeral=True))
    until(lambda: len(slack.whispers) == 2)
    assert len(bot.clicks.saved.listed(owner("T1", "U1"))) == 1


def test_nobody_saves_or_opens_the_answer_of_another(bot: Bot, slack: FakeSlack) -> None:
    message = answered(bot, slack, said(Q))
    send(bot, click(button(message, "save"), slack.url, user="U2"))
    until(lambda: slack.whispers)
    assert "Only who asked" in slack.whispers[0].text
    assert "puts it here" in json.dumps(opened(bot, slack, "U2"))
    saved(bot, slack)
    send(bot, view_click(button(opened(bot, slack), "saved_open"), user="U2"))
    until(lambda: slack.views[-1]["type"] == "modal")
    assert GONE in json.dumps(slack.views[-1])


def test_saved_answers_go_with_everything_else(bot: Bot, slack: FakeSlack) -> None:
    saved(bot, slack)
    view = opened(bot, slack)
    send(bot, view_click(button(view, "delete_all")))
    until(lambda: "Nothing yet. *Save*" in json.dumps(slack.views[-1]))
    send(bot, view_click(button(view, "saved_open")))
    until(lambda: slack.views[-1]["type"] == "modal")
    assert GONE in json.dumps(slack.views[-1])


def test_nothing_of_a_payload_is_active_in_app_home_and_its_limits_are_kept() -> None:
    for payload in [*PAYLOADS, "& < > " * 900]:
        talks = [Conversation(f"c{n}", "o", payload[:200], 1.0, 2.0, n) for n in range(SHOWN)]
        kept = [Saved(f"t{n}", f"c{n}", payload, 3.0) for n in range(SHOWN)]
        view = home(talks, kept, "/cmo", "U1", "private")
        assert list(broken("views.publish", {"view": view})) == []
        found = [found for kind, text in texts(view) for found in live(text, kind)]
        assert all(tag.startswith("<!date^") for tag in found), found
