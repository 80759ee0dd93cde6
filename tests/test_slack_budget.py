"""Who has asked as much as one may in a day is told so, alone and once, and nobody else is held up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from advisor.apps.slack import Bot, spoken
from advisor.chats import ChatStore
from tests.fake_slack import FakeSlack
from tests.slack_world import Talker, bot_at, command, mention, said, send, submission

Q = "How much is the pay?"
TOLD = "you have asked 2 today"


@pytest.fixture
def bot(slack: FakeSlack, store: ChatStore, talker: Talker) -> Iterator[Bot]:
    running = bot_at(slack.url, store, talker, a_day=2)
    yield running
    running.close(5)


@pytest.mark.parametrize("ask", ["said", "mention", "command", "submission"])
def test_over_budget_the_asker_alone_is_told_once(bot: Bot, slack: FakeSlack, talker: Talker, ask: str) -> None:
    for _ in range(2):
        send(bot, said(Q))
    assert bot.desk.idle()
    body = {
        "said": lambda: said(Q),
        "mention": lambda: mention(Q),
        "command": lambda: command(Q, slack.url),
        "submission": lambda: submission("ask_about", Q),
    }[ask]()
    for _ in range(3):
        assert send(bot, body) == 200
    assert bot.desk.idle()
    told = [w.shown for w in slack.whispers] + [m.shown for m in slack.replies(channel="DU1")]
    assert len(told) == 1
    assert TOLD in told[0]
    assert len(talker.heard) == 2
    assert len(slack.replies()) == 2 + (ask == "submission")
    assert bot.deliveries.messages("D1") == set()


def test_what_is_delivered_again_costs_nothing_and_others_have_budgets_of_their_own(bot: Bot, slack: FakeSlack, talker: Talker) -> None:
    bodies = [said(Q), said(Q), said(Q, user="U2")]
    for body in bodies * 4:
        send(bot, body)
    assert bot.desk.idle()
    assert (len(talker.heard), len(slack.replies()), slack.whispers) == (3, 3, [])


def test_a_linked_person_has_one_budget_whoever_they_are_in_slack(bot: Bot, slack: FakeSlack, talker: Talker) -> None:
    for member in ("slack:T1:U1", "slack:T1:U2"):
        bot.links.redeem(bot.links.create("user:anna"), member)
    for user in ("U1", "U2", "U1", "U2"):
        send(bot, said(Q, user=user))
        assert bot.desk.idle()
    assert (len(talker.heard), len(slack.whispers)) == (2, 2)


@pytest.mark.parametrize(
    ("seconds", "words"), [(1, "1 minute"), (61, "2 minutes"), (5400, "90 minutes"), (5401, "2 hours"), (86400, "24 hours")]
)
def test_a_while_is_told_as_people_say_it(seconds: int, words: str) -> None:
    assert spoken(seconds) == words
