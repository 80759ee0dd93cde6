"""Linked by a code, a person has the same conversations in Slack and on the web page; unlinked, they are apart."""

from __future__ import annotations

import json
from pathlib import Path

from advisor.apps.slack import NOT_LINKED, UNLINKED, Bot
from advisor.apps.slack_events import owner
from tests.api_world import until
from tests.conftest import Run
from tests.fake_slack import FakeSlack
from tests.slack_world import Talker, answered, bot_at, button, click, command, said, store_at, view_click
from tests.test_slack_faults import CHILD, killed
from tests.test_slack_home import opened

Q = "How much is the pay?"
MINE = owner("T1", "U1")


def told(bot: Bot, slack: FakeSlack, words: str, user: str = "U1") -> str:
    """What is said at once to a command."""
    from slack_bolt import BoltRequest

    reply = bot.app.dispatch(BoltRequest(body=command(words, slack.url, user=user), mode="socket_mode"))
    return str(json.loads(reply.body)["text"]) if reply.body else ""


def test_after_a_link_slack_and_the_web_page_have_the_same_conversations(bot: Bot, slack: FakeSlack) -> None:
    first = said(Q)
    message = answered(bot, slack, first)
    assert "1 of yours from here went along" in told(bot, slack, f"link {bot.links.create('user:anna')}")
    answered(bot, slack, said("And the bonus?", thread=first["event"]["ts"]))
    (talk,) = bot.store.conversations("user:anna")
    assert talk.turns == 2
    assert bot.store.conversations(MINE) == []
    send_click = click(button(message, "sources"), slack.url)
    assert bot.app.dispatch(_request(send_click)).status == 200
    until(lambda: slack.views)
    assert "$400,000" in json.dumps(slack.views[0])
    assert "Linked with anna" in json.dumps(opened(bot, slack))


def _request(body: object) -> object:
    from slack_bolt import BoltRequest

    return BoltRequest(body=body, mode="socket_mode")  # type: ignore[arg-type]


def test_a_link_belongs_to_one_member_of_one_workspace(bot: Bot, slack: FakeSlack) -> None:
    told(bot, slack, f"link {bot.links.create('user:anna')}")
    answered(bot, slack, said(Q, user="U2"))
    answered(bot, slack, said(Q, user_team="T2"))
    assert bot.store.conversations("user:anna") == []


def test_unlinked_what_is_asked_is_kept_apart_again(bot: Bot, slack: FakeSlack) -> None:
    assert told(bot, slack, "unlink") == NOT_LINKED
    told(bot, slack, f"LINK {bot.links.create('user:anna').lower()}")
    answered(bot, slack, said(Q))
    assert told(bot, slack, "unlink") == UNLINKED
    answered(bot, slack, said("And the bonus?"))
    assert [len(bot.store.conversations(o)) for o in ("user:anna", MINE)] == [1, 1]


def test_a_wrong_code_links_nobody_and_is_told(bot: Bot, slack: FakeSlack) -> None:
    assert "This code is wrong" in told(bot, slack, "link AAAAA-AAAAA")
    for _ in range(4):
        told(bot, slack, "link AAAAA-AAAAA")
    assert "Too many codes were wrong" in told(bot, slack, f"link {bot.links.create('user:anna')}")
    assert bot.owner("T1", "U1") == MINE
    assert slack.replies() == []


def test_a_question_about_links_is_a_question(bot: Bot, slack: FakeSlack) -> None:
    told(bot, slack, "link between pay and quality?")
    assert bot.desk.idle()
    assert "$400,000. [1]" in slack.whispers[0].shown


def test_delete_everything_deletes_what_is_on_the_web_page_too(bot: Bot, slack: FakeSlack) -> None:
    told(bot, slack, f"link {bot.links.create('user:anna')}")
    answered(bot, slack, said(Q))
    bot.desk.advisor.ask(Q, "page", "user:anna")
    view = opened(bot, slack)
    assert "on the web page." in json.dumps(view["blocks"][-3])  # said before it is done
    bot.app.dispatch(_request(view_click(button(view, "delete_all"))))
    until(lambda: 'Nothing yet."' in json.dumps(slack.views[-1]))
    assert bot.store.conversations("user:anna") == []


def test_an_answer_that_a_kill_cut_off_reaches_a_linked_asker(tmp_path: Path) -> None:
    assert "said(" in CHILD
    with FakeSlack() as slack:
        store = store_at(tmp_path)
        bot = bot_at(slack.url, store)
        told(bot, slack, f"link {bot.links.create('user:anna')}")
        bot.close(1)
        killed(tmp_path, slack, "kept")
        again = bot_at(slack.url, store, Talker())
        until(lambda: any(m.metadata and "$400,000. [1]" in m.shown for m in slack.replies()), 20)
        again.close(5)
        assert len(store.conversations("user:anna")) == 1
        store.close()
    assert len(slack.replies()) == 1
    assert slack.faults == []


def test_a_code_is_made_on_the_command_line(advisor: Run, tmp_path: Path) -> None:
    done = advisor("slack", "link", "user:anna", home=str(tmp_path))
    assert done.returncode == 0
    store = store_at(tmp_path)
    with FakeSlack() as slack:
        bot = bot_at(slack.url, store)
        assert "Linked" in told(bot, slack, f"link {done.stdout.strip()}")
        bot.close(1)
    store.close()
    assert "cannot be linked" in advisor("slack", "link", "slack:T1:U1", home=str(tmp_path)).stderr
