"""A conversation as a file: for who asked and nobody else, whole, and said so where Slack does not take it."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.apps.slack import Bot
from advisor.apps.slack_clicks import NO_TALK
from advisor.apps.slack_events import owner
from advisor.apps.slack_export import FAILED, HERE, NO_SCOPE
from tests.api_world import until
from tests.fake_slack import FakeSlack
from tests.slack_world import answered, bot_at, button, click, command, mention, said, send, store_at, view_click
from tests.test_slack_home import opened

Q = "How much is the pay?"


def test_the_asker_gets_the_whole_thread_as_a_file_with_numbered_sources(bot: Bot, slack: FakeSlack) -> None:
    first = said(Q)
    answered(bot, slack, first)
    message = answered(bot, slack, said("And the bonus?", thread=first["event"]["ts"]))
    send(bot, click(button(message, "export"), slack.url, channel="D1", ts=message.ts, thread=message.thread))
    until(lambda: slack.files)
    (file,) = slack.files
    assert (file["channel"], file["thread"]) == ("D1", first["event"]["ts"])
    assert file["name"].startswith("how-much-is-the-pay-")
    assert file["name"].endswith(".md")
    assert file["content"].startswith(f"# {Q}")
    assert "## And the bonus?" in file["content"]
    assert file["content"].count("**Sources**") == 2
    assert "> A CMO earns a salary of $400,000. [1]" in file["content"]


@pytest.mark.parametrize("where", ["mention", "command"])
def test_a_file_asked_for_in_a_channel_comes_as_a_direct_message(bot: Bot, slack: FakeSlack, where: str) -> None:
    if where == "mention":
        message = answered(bot, slack, mention(Q))
    else:
        send(bot, command(Q, slack.url))
        assert bot.desk.idle()
        message = slack.whispers[0]
    send(bot, click(button(message, "export"), slack.url, ts="1.1", is_ephemeral=where == "command"))
    until(lambda: slack.files)
    assert (slack.files[0]["channel"], slack.files[0]["thread"]) == ("DU1", "")
    assert [m.text for m in slack.replies(channel="DU1")] == [HERE]


def test_only_who_asked_can_export(bot: Bot, slack: FakeSlack) -> None:
    message = answered(bot, slack, mention(Q))
    send(bot, click(button(message, "export"), slack.url, user="U2"))
    until(lambda: slack.whispers)
    assert "Only who asked" in slack.whispers[0].text
    forged = {**button(message, "export")}
    forged["value"] = forged["value"].replace('"U1"', '"U2"')  # only Slack can send a value that it was not given; still
    send(bot, click(forged, slack.url, user="U2"))
    until(lambda: len(slack.whispers) == 2)
    assert slack.whispers[1].text == NO_TALK
    assert slack.files == []


def test_a_conversation_is_exported_from_app_home(bot: Bot, slack: FakeSlack) -> None:
    answered(bot, slack, said(Q))
    view = opened(bot, slack)
    send(bot, view_click(button(view, "export")))
    until(lambda: slack.files)
    assert slack.files[0]["channel"] == "DU1"
    bot.store.delete_all(owner("T1", "U1"))
    send(bot, view_click(button(view, "export")))
    until(lambda: slack.replies(channel="DU1")[-1].text == NO_TALK)


def test_a_missing_scope_is_named_in_place_of_the_file(bot: Bot, slack: FakeSlack) -> None:
    message = answered(bot, slack, said(Q))
    slack.scopes = "chat:write"
    send(bot, click(button(message, "export"), slack.url, channel="D1", ts=message.ts, thread=message.thread))
    until(lambda: slack.replies()[-1].text == NO_SCOPE)
    assert slack.files == []


@pytest.mark.parametrize("call", ["files.completeUploadExternal", "upload"])
def test_a_file_that_slack_does_not_take_is_said_to_be_missing(tmp_path: Path, call: str) -> None:
    with FakeSlack(trouble=lambda name, n, given: "500" if name == call else None) as slack:
        store = store_at(tmp_path)
        bot = bot_at(slack.url, store)
        message = answered(bot, slack, said(Q))
        send(bot, click(button(message, "export"), slack.url, channel="D1", ts=message.ts, thread=message.thread))
        until(lambda: slack.replies()[-1].text == FAILED)
        bot.close(5)
        store.close()
    assert slack.faults == []
