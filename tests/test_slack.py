"""The advisor in Slack, against a Slack of our own: asked, answered once, followed up, rated, shared, forgotten."""

from __future__ import annotations

import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from advisor.apps.slack import QUIET, Bot
from advisor.apps.slack_blocks import FAULT, PLACEHOLDER
from advisor.apps.slack_events import owner
from advisor.chats import ChatStore
from advisor.config import Settings
from tests.api_world import until
from tests.fake_slack import BOT, FakeSlack, Message
from tests.slack_world import Talker, answered, bot_at, button, click, command, mention, said, send, store_at, submission

MINE = owner("T1", "U1")
Q = "How much is the pay?"


def test_a_direct_message_is_answered_in_its_thread_with_numbered_sources(bot: Bot, slack: FakeSlack) -> None:
    body = said(Q)
    message = answered(bot, slack, body)
    assert message.thread == body["event"]["ts"]
    assert not message.streaming
    assert "$400,000. [1]" in message.shown
    assert "*Sources*\n[1][2] Pay › How much?" in message.shown
    assert {e["action_id"] for b in message.blocks for e in b.get("elements", [])} == {"sources", "save", "export", "new_topic", "thumb"}


def test_without_streams_a_placeholder_is_updated_until_it_is_the_answer(tmp_path: Path) -> None:
    with FakeSlack(streams=False) as slack:
        store = store_at(tmp_path)
        bot = bot_at(slack.url, store)
        message = answered(bot, slack, said(Q))
        bot.close(5)
        store.close()
    assert slack.called("chat.postMessage")[0]["text"] == PLACEHOLDER
    assert [c["text"] for c in slack.called("chat.update")][-1].startswith("A CMO earns")
    assert message.shown.count("$400,000. [1]") == 1
    assert "*Sources*" in message.shown
    assert len(slack.called("chat.startStream")) == 1  # it is not tried again and again
    assert slack.faults == []


def test_an_update_comes_once_a_second_at_most(tmp_path: Path) -> None:
    with FakeSlack(streams=False) as slack:
        store = store_at(tmp_path)
        bot = bot_at(slack.url, store, every=3600)
        answered(bot, slack, said(Q))
        bot.close(5)
        store.close()
    assert len(slack.called("chat.update")) == 2  # the first sentence, and the end


def test_a_mention_is_answered_and_its_thread_followed_without_one(bot: Bot, slack: FakeSlack, talker: Talker) -> None:
    first = mention(Q)
    answered(bot, slack, first)
    follow = said("And the bonus?", channel="C1", thread=first["event"]["ts"])
    message = answered(bot, slack, follow)
    assert message.thread == first["event"]["ts"]
    assert talker.heard[-1] == ("And the bonus?", (Q,))


def test_a_channel_is_not_followed_outside_of_threads_it_was_asked_in(bot: Bot, slack: FakeSlack) -> None:
    assert send(bot, said("Anybody for lunch?", channel="C1")) == 200
    assert send(bot, said("Anybody for lunch?", channel="C1", thread="1600000000.000100")) == 200
    assert bot.desk.idle()
    assert slack.replies() == []


def test_it_is_quiet_when_told_until_it_is_mentioned(bot: Bot, slack: FakeSlack) -> None:
    first = mention(Q)
    answered(bot, slack, first)
    thread = first["event"]["ts"]
    assert send(bot, said("Stop, please.", channel="C1", thread=thread)) == 200
    until(lambda: slack.whispers)
    assert slack.whispers[0].text == QUIET
    assert send(bot, said("And the bonus?", channel="C1", thread=thread)) == 200
    assert bot.desk.idle()
    assert len(slack.replies()) == 1
    answered(bot, slack, mention("And the bonus?", thread=thread))


@pytest.mark.parametrize("between", [{"user": "U2"}, {"text": "<@U2> what do you think?"}])
def test_it_is_quiet_when_people_talk_to_each_other(bot: Bot, slack: FakeSlack, between: dict[str, str]) -> None:
    first = mention(Q)
    answered(bot, slack, first)
    thread = first["event"]["ts"]
    for more in (between, {}):
        assert send(bot, said(**{"text": "I got less.", "channel": "C1", "thread": thread, **more})) == 200
    assert bot.desk.idle()
    assert len(slack.replies()) == 1


def test_two_people_and_two_workspaces_never_share_a_conversation(bot: Bot, slack: FakeSlack, store: ChatStore, talker: Talker) -> None:
    first = mention(Q)
    answered(bot, slack, first)
    answered(bot, slack, mention("And the bonus?", user="U2", thread=first["event"]["ts"]))
    assert talker.heard[-1] == ("And the bonus?", ())
    answered(bot, slack, mention("And the bonus?", user_team="T2", thread=first["event"]["ts"]))
    assert talker.heard[-1] == ("And the bonus?", ())
    assert [len(store.conversations(o)) for o in (MINE, owner("T1", "U2"), owner("T2", "U1"))] == [1, 1, 1]


@pytest.mark.parametrize(
    "more",
    [
        {"subtype": "message_changed"}, {"subtype": "message_deleted"}, {"subtype": "bot_message"}, {"bot_id": "B9"},
        {"user": BOT}, {"user": "USLACKBOT"}, {"edited": {"user": "U1", "ts": "1.2"}}, {"user": None}, {"channel": "c-1"}, {"ts": "now"},
    ],
)  # fmt: skip
def test_edits_bots_and_malformed_messages_are_passed_over(bot: Bot, slack: FakeSlack, more: dict[str, object]) -> None:
    body = said(Q)
    body["event"].update(more)
    assert send(bot, body) in (200, 400)
    assert bot.desk.idle()
    assert slack.replies() == []


def test_a_question_without_words_is_told_so(bot: Bot, slack: FakeSlack) -> None:
    assert "The question is empty" in answered(bot, slack, mention("")).shown


def test_a_fault_ends_in_one_truthful_message(bot: Bot, slack: FakeSlack) -> None:
    assert answered(bot, slack, said("fail")).shown.strip() == FAULT


def test_a_fault_in_showing_an_answer_ends_in_one_truthful_message(bot: Bot, slack: FakeSlack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.apps.slack_blocks.answered", lambda *_, **__: 1 / 0)
    assert answered(bot, slack, said(Q)).shown.strip() == FAULT
    assert bot.deliveries.messages("D1") == set()


def test_a_command_is_answered_to_the_asker_alone_and_shared_once_by_a_button(bot: Bot, slack: FakeSlack) -> None:
    assert send(bot, command(Q, slack.url)) == 200
    assert bot.desk.idle()
    (whisper,) = slack.whispers
    assert (whisper.to, slack.replies()) == ("ephemeral", [])
    assert "$400,000. [1]" in whisper.shown
    share = button(whisper, "share")
    for _ in range(2):
        assert send(bot, click(share, slack.url, is_ephemeral=True)) == 200
    until(lambda: len(slack.whispers) == 2)
    time.sleep(0.1)
    (shared,) = slack.whispers[1:]
    assert shared.to == "in_channel"
    assert shared.shown.startswith(f"\n*You asked:* {Q}")
    assert "share" not in json.dumps(shared.blocks)


def test_somebody_else_cannot_share_or_rate_an_answer(bot: Bot, slack: FakeSlack, store: ChatStore) -> None:
    send(bot, command(Q, slack.url))
    assert bot.desk.idle()
    (whisper,) = slack.whispers
    send(bot, click(button(whisper, "share"), slack.url, user="U2"))
    message = answered(bot, slack, mention(Q))
    thumb = {"action_id": "thumb", "value": _thumb(message, "positive_button")}
    send(bot, click(thumb, slack.url, user="U2"))
    until(lambda: len(slack.whispers) == 2)
    assert "Only who asked" in slack.whispers[1].text
    (conversation, *_) = store.conversations(MINE)
    assert [e.thumb for e in store.turns(conversation.id, MINE)] == [0]


def _thumb(message: Message, which: str) -> str:
    (thumbs,) = [e for b in message.blocks for e in b.get("elements", []) if e["action_id"] == "thumb"]
    return str(thumbs[which]["value"])


def test_a_thumb_and_its_reason_are_kept(bot: Bot, slack: FakeSlack, store: ChatStore) -> None:
    message = answered(bot, slack, said(Q))
    send(bot, click({"action_id": "thumb", "value": _thumb(message, "negative_button")}, slack.url, channel="D1"))
    until(lambda: slack.views)
    (view,) = slack.views
    assert send(bot, submission("reason", "Too old", view["private_metadata"])) == 200
    (conversation,) = store.conversations(MINE)
    (entry,) = store.turns(conversation.id, MINE)
    assert (entry.thumb, entry.reason) == (-1, "Too old")


def test_sources_open_in_a_modal_with_the_quoted_words_bold(bot: Bot, slack: FakeSlack, store: ChatStore) -> None:
    message = answered(bot, slack, mention(Q))
    send(bot, click(button(message, "sources"), slack.url, user="U2"))  # who sees the answer may see its sources
    until(lambda: slack.views)
    assert "*A CMO earns a salary of $400,000.* *Bonuses follow quality goals.*" in json.dumps(slack.views[0])
    store.delete_all(MINE)
    send(bot, click(button(message, "sources"), slack.url))
    until(lambda: len(slack.views) == 2)
    assert "not there any more" in json.dumps(slack.views[1])


def test_a_new_topic_begins_in_the_same_thread(bot: Bot, slack: FakeSlack, talker: Talker) -> None:
    first = said(Q)
    message = answered(bot, slack, first)
    send(bot, click(button(message, "new_topic"), slack.url, channel="D1"))
    until(lambda: slack.whispers)
    answered(bot, slack, said("And the bonus?", thread=first["event"]["ts"]))
    assert talker.heard[-1] == ("And the bonus?", ())


def test_what_could_be_asked_instead_is_asked_by_a_button_once(bot: Bot, slack: FakeSlack) -> None:
    first = said("decline")
    declined = answered(bot, slack, first)
    assert "I cannot say." in declined.shown
    ask = button(declined, "ask_0")
    for _ in range(2):
        send(bot, click(ask, slack.url, channel="D1", ts=declined.ts, thread=declined.thread))
    assert bot.desk.idle()
    (_, message) = slack.replies()
    assert message.thread == first["event"]["ts"]
    assert "*You asked:* How much is the pay?" in message.shown


def test_a_shortcut_asks_about_a_message_privately(bot: Bot, slack: FakeSlack) -> None:
    words = {"type": "message", "text": f"{Q} <!channel> &amp; more", "ts": "1.1", "user": "U9"}
    body = click({}, slack.url)
    assert send(bot, {**body, "type": "message_action", "callback_id": "ask_about", "message": words}) == 200
    until(lambda: slack.views)
    assert slack.views[0]["blocks"][0]["element"]["initial_value"].replace("\N{WORD JOINER}", "") == f"{Q} @channel & more"
    message = answered(bot, slack, submission("ask_about", Q))
    assert message.channel == "DU1"
    assert f"*You asked:* {Q}" in message.shown


def test_the_home_lists_what_is_remembered_and_deletes_it(bot: Bot, slack: FakeSlack, store: ChatStore) -> None:
    answered(bot, slack, said(Q))
    opened = said("", kind="app_home_opened")
    opened["event"]["tab"] = "home"
    assert send(bot, opened) == 200
    until(lambda: slack.views)
    assert Q in json.dumps(slack.views[0])
    send(bot, click({"action_id": "delete_all", "value": "all"}, slack.url))
    until(lambda: len(slack.views) == 2)
    assert store.conversations(MINE) == []
    assert "Nothing yet" in json.dumps(slack.views[1])


@pytest.mark.thorough
@pytest.mark.parametrize("streams", [True, False])
def test_a_hundred_events_delivered_four_times_shuffled_to_two_workers_get_one_reply_each(tmp_path: Path, streams: bool) -> None:
    chance = random.Random(1)
    bodies = []
    for n in range(50):
        text, ts = f"Question {n}?", f"18{n:08d}.000100"
        bodies.append(mention(text, channel=f"C{n % 7}", ts=ts))
        bodies.append(said(f"<@{BOT}> {text}", channel=f"C{n % 7}", ts=ts))  # the same message, as Slack has it for channels
    deliveries = bodies * 4
    chance.shuffle(deliveries)
    with FakeSlack(streams=streams) as slack:
        stores = [store_at(tmp_path), store_at(tmp_path)]
        bots = [bot_at(slack.url, store) for store in stores]
        with ThreadPoolExecutor(6) as pool:
            statuses = list(pool.map(lambda body: send(chance.choice(bots), body), deliveries))
        assert all(bot.desk.idle() for bot in bots)
        replies = slack.replies()
        for bot in bots:
            bot.close(5)
        for store in stores:
            store.close()
    assert set(statuses) == {200}
    assert sorted(m.thread for m in replies) == sorted(b["event"]["ts"] for b in bodies[::2])
    assert all("$400,000. [1]" in m.shown and not m.streaming for m in replies)
    assert slack.faults == []


def test_what_was_answered_is_not_answered_again_after_a_restart(bot: Bot, slack: FakeSlack, tmp_path: Path) -> None:
    body = said(Q)
    answered(bot, slack, body)
    again = store_at(tmp_path)
    other = bot_at(slack.url, again)
    assert send(other, {**body, "event_id": "EvOther"}) == 200
    assert other.desk.idle()
    other.close(5)
    again.close()
    assert len(slack.replies()) == 1


def test_questions_of_a_thread_are_answered_in_order_and_no_thread_starves(bot: Bot, slack: FakeSlack, talker: Talker) -> None:
    talker.pause = 0.005
    roots = [f"19{n:08d}.000100" for n in range(50)]
    for round_ in range(2):
        for n, root in enumerate(roots):
            send(bot, said(f"Question {n} {round_}?", channel=f"D{n}", thread=root))
    assert bot.desk.idle(60)
    for n, root in enumerate(roots):
        assert [q for q, _ in talker.heard if q.startswith(f"Question {n} ")] == [f"Question {n} {r}?" for r in range(2)]
        assert len(slack.replies(root)) == 2


def test_socket_mode_takes_what_comes_down_a_real_websocket(bot: Bot, slack: FakeSlack) -> None:
    from advisor.apps.slack_serve import connect

    handler = connect(Settings(slack_app_token="xapp-valid"), bot)  # type: ignore[arg-type]
    try:
        assert slack.connected.wait(10)
        for attempt in range(3):
            retry = {"retry_attempt": attempt, "retry_reason": "timeout"} if attempt else {}
            body = said(Q, ts="1900000000.000100")
            slack.deliver({"type": "events_api", "envelope_id": f"e{attempt}", "accepts_response_payload": False, "payload": body, **retry})
        slack.deliver({"type": "slash_commands", "envelope_id": "c", "accepts_response_payload": True, "payload": command(Q, slack.url)})
        until(lambda: len(slack.acknowledged) == 4)
        assert bot.desk.idle()
    finally:
        handler.close()
    assert len(slack.replies()) == 1
    assert len(slack.whispers) == 1


def test_nothing_of_a_question_is_logged(bot: Bot, slack: FakeSlack, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    answered(bot, slack, said("My secret canary salary?"))
    send(bot, {"type": "event_callback", "team_id": 7, "event": {"type": "message", "text": "canary"}, "event_id": "Ev0"})
    send(bot, {"type": "unheard_of", "text": "canary"})
    assert threading.active_count() > 1
    assert "canary" not in caplog.text
    assert "xoxb" not in caplog.text
