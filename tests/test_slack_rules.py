"""Whether and to whom the advisor speaks in a channel: each rule is obeyed, and nobody who asked is left without a word."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.apps.slack import NEVER, NEVER_SHARED, Bot
from advisor.apps.slack_blocks import FAULT, RESTARTED, UNCITED
from advisor.apps.slack_events import owner
from advisor.chats import ChatStore
from tests.api_world import until
from tests.conftest import Run
from tests.fake_slack import FakeSlack
from tests.slack_world import Talker, answered, bot_at, button, click, command, mention, said, send, store_at
from tests.test_slack_faults import killed

Q = "How much is the pay?"


@pytest.fixture
def bot(slack: FakeSlack, store: ChatStore) -> Iterator[Bot]:
    running = bot_at(slack.url, store, visibility="")  # as it is when nobody has set anything
    yield running
    running.close(5)


def sent(bot: Bot, *bodies: dict) -> None:  # type: ignore[type-arg]
    for body in bodies:
        assert send(bot, body) == 200
    assert bot.desk.idle()


def test_in_a_channel_only_who_asked_sees_the_answer_until_they_share_it(bot: Bot, slack: FakeSlack) -> None:
    first = mention(Q)
    sent(bot, first)
    (whisper,) = slack.whispers
    assert (whisper.to, whisper.channel, whisper.thread) == ("U1", "C1", first["event"]["ts"])
    assert "$400,000. [1]" in whisper.shown
    assert slack.replies() == []
    send(bot, click(button(whisper, "share"), slack.url, is_ephemeral=True, thread=whisper.thread))
    until(lambda: len(slack.whispers) == 2)
    assert (slack.whispers[1].to, slack.whispers[1].thread) == ("in_channel", whisper.thread)


def test_a_private_talk_in_a_thread_goes_on_without_a_mention(bot: Bot, slack: FakeSlack) -> None:
    first = mention(Q)
    sent(bot, first, said("And the bonus?", channel="C1", thread=first["event"]["ts"]))
    assert [(w.to, w.thread) for w in slack.whispers] == [("U1", first["event"]["ts"])] * 2
    (talk,) = bot.store.conversations(owner("T1", "U1"))
    assert talk.turns == 2


def test_where_a_workspace_shares_everybody_sees_the_answer(bot: Bot, slack: FakeSlack) -> None:
    bot.rules.set("T1", visibility="shared")
    bot.rules.set("T1", "C2", visibility="private")
    sent(bot, mention(Q), mention(Q, channel="C2"))
    assert [m.channel for m in slack.replies()] == ["C1"]
    assert [w.channel for w in slack.whispers] == ["C2"]


def test_always_answers_what_begins_a_thread_and_names_nobody_else(bot: Bot, slack: FakeSlack) -> None:
    bot.rules.set("T1", "C1", "always", "shared")
    asked = said(Q, channel="C1")
    sent(bot, asked, said("<@U2> lunch?", channel="C1"), said("Anyone?", channel="C1", thread="1600000000.000100"))
    sent(bot, said(Q, channel="C2"))
    assert [m.thread for m in slack.replies()] == [asked["event"]["ts"]]
    assert slack.whispers == []


def test_when_mentioned_it_does_not_answer_others(bot: Bot, slack: FakeSlack) -> None:
    bot.rules.set("T1", "", "mentioned", "shared")
    asked = mention(Q)
    sent(bot, said(Q, channel="C1"), asked)
    assert [m.thread for m in slack.replies()] == [asked["event"]["ts"]]


def test_cited_shows_only_answers_with_citations_and_tells_the_asker_alone_of_others(bot: Bot, slack: FakeSlack) -> None:
    bot.rules.set("T1", "", "cited", "shared")
    asked = mention(Q)
    sent(bot, asked, mention("decline"), mention("fail", user="U2"))
    assert [m.thread for m in slack.replies()] == [asked["event"]["ts"]]
    assert "$400,000. [1]" in slack.replies()[0].shown
    assert sorted((w.to, UNCITED in w.shown, "I cannot say." in w.shown) for w in slack.whispers) == [
        ("U1", True, True),
        ("U2", True, False),
    ]


def test_a_fault_in_showing_an_answer_is_told_to_the_asker_alone_where_only_cited_ones_are_shown(
    bot: Bot, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot.rules.set("T1", "", "cited", "shared")
    monkeypatch.setattr("advisor.apps.slack_blocks.answered", lambda *_, **__: 1 / 0)
    sent(bot, mention(Q))
    assert slack.replies() == []
    assert [(w.to, w.shown.strip()) for w in slack.whispers] == [("U1", FAULT)]


def test_never_answers_nobody_and_tells_who_mentions_it(bot: Bot, slack: FakeSlack) -> None:
    first = mention(Q, channel="C9")
    bot.rules.set("T1", "C1", "never", "shared")
    sent(bot, mention(Q), said(Q, channel="C1"))
    assert [(w.to, w.shown.strip()) for w in slack.whispers] == [("U1", NEVER)]
    sent(bot, first)
    bot.rules.set("T1", "C9", "never")
    sent(bot, said("And the bonus?", channel="C9", thread=first["event"]["ts"]))  # a thread that it took part in
    assert len(slack.whispers) == 2
    assert slack.replies() == []


def test_direct_messages_and_commands_are_answered_whatever_the_rules(bot: Bot, slack: FakeSlack) -> None:
    bot.rules.set("T1", "", "never", "shared")
    message = answered(bot, slack, said(Q))
    assert "$400,000. [1]" in message.shown
    sent(bot, command(Q, slack.url))
    assert "$400,000. [1]" in slack.whispers[0].shown


@pytest.mark.parametrize(("rule", "question", "why"), [("never", Q, NEVER_SHARED), ("cited", "decline", UNCITED)])
def test_what_a_channel_must_not_see_cannot_be_shared_there(bot: Bot, slack: FakeSlack, rule: str, question: str, why: str) -> None:
    bot.rules.set("T1", "", rule)
    sent(bot, command(question, slack.url))
    send(bot, click(button(slack.whispers[0], "share"), slack.url, is_ephemeral=True))
    until(lambda: len(slack.whispers) == 2)
    assert (slack.whispers[1].to, slack.whispers[1].text) == ("ephemeral", why)


def test_a_suggestion_that_is_clicked_obeys_the_rule_of_its_channel(bot: Bot, slack: FakeSlack) -> None:
    bot.rules.set("T1", "C1", visibility="shared")
    declined = answered(bot, slack, mention("decline"))
    bot.rules.set("T1", "C1", visibility="private")
    sent(bot, click(button(declined, "ask_0"), slack.url, ts=declined.ts, thread=declined.thread))
    assert len(slack.replies()) == 1
    assert "$400,000. [1]" in slack.whispers[0].shown


def test_where_slack_allows_no_whisper_the_answer_comes_as_a_direct_message(tmp_path: Path) -> None:
    with FakeSlack(trouble=lambda name, n, given: "user_not_in_channel" if name == "chat.postEphemeral" else None) as slack:
        store = store_at(tmp_path)
        bot = bot_at(slack.url, store, visibility="")
        sent(bot, mention(Q))
        (message,) = slack.replies()
        bot.close(5)
        store.close()
    assert (message.channel, "$400,000. [1]" in message.shown) == ("DU1", True)
    assert slack.faults == []


@pytest.mark.parametrize(("rule", "stage", "channel", "after"), [
    ("private", "working", "DU1", RESTARTED), ("private", "kept", "DU1", "$400,000. [1]"),
    ("cited", "working", "", RESTARTED), ("cited", "kept", "C1", "$400,000. [1]"),
])  # fmt: skip
def test_after_a_kill_the_rule_is_obeyed_too(tmp_path: Path, rule: str, stage: str, channel: str, after: str) -> None:
    with FakeSlack() as slack:
        store = store_at(tmp_path)
        bot = bot_at(slack.url, store, visibility="private" if rule == "private" else "shared")
        bot.rules.set("T1", "", "cited" if rule == "cited" else "mentioned")
        bot.close(1)
        killed(tmp_path, slack, stage, f"mention-{rule}")
        again = bot_at(slack.url, store, Talker(), visibility="")
        until(lambda: any(after in m.shown for m in slack.replies()) or slack.whispers, 20)
        again.close(5)
        store.close()
    told = [(m.channel, m.shown) for m in slack.replies()] + [("", w.shown) for w in slack.whispers]
    assert [where for where, _ in told] == [channel]
    assert after in told[0][1]
    assert slack.faults == []


def test_rules_are_set_and_listed_on_the_command_line(advisor: Run, tmp_path: Path) -> None:
    with FakeSlack() as slack:
        given = {"home": str(tmp_path), "slack_url": slack.url, "slack_bot_token": "xoxb-valid-1"}
        assert "private" in advisor("slack", "rules", **given).stdout
        done = advisor("slack", "rules", "--channel", "C123", "--answer", "never", **given)
        assert done.returncode == 0, done.stderr
        done = advisor("slack", "rules", "--team", "T2", "--visibility", "shared", home=str(tmp_path))
        assert done.stdout.splitlines()[-3].split() == ["T1", "C123", "never"]
        assert done.stdout.splitlines()[-2].split() == ["T2", "all", "others", "shared"]
        done = advisor("slack", "rules", "--channel", "C123", "--reset", **given)
        assert "C123" not in done.stdout
        for wrong, why in (
            ("--channel #general", "no channel's ID"),
            ("--answer sometimes", "Take one of"),
            ("--team x --reset", "workspace's ID"),
        ):
            done = advisor("slack", "rules", *wrong.split(), *(["--reset"] if "--channel" in wrong else []), **given)
            assert (done.returncode, why in done.stderr) == (1, True), done.stderr
        done = advisor("slack", "rules", "--answer", "never", home=str(tmp_path))
        assert "ADVISOR_SLACK_BOT_TOKEN is not set" in done.stderr
