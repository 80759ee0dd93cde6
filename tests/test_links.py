"""A member of a messenger becomes a web user by a code that cannot be guessed, and takes along what they asked. On both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.chats import ChatStore
from advisor.errors import LinkFault
from advisor.links import ALL_TRIES, TRIES, WINDOW, Links
from advisor.saved import SavedAnswers
from tests.chat_world import opened
from tests.slack_world import advisor_at

ME = "slack:T1:U1"


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[ChatStore]:
    made = opened(database, tmp_path)
    yield made
    made.close()


def test_a_member_is_the_owner_that_made_the_code_until_they_part(store: ChatStore) -> None:
    links = Links(store.engine)
    assert links.owner(ME) == ME
    code = links.create("user:anna")
    assert re.fullmatch(r"[0-9A-Z]{5}-[0-9A-Z]{5}", code)
    assert links.redeem(code, ME) == 0
    assert (links.owner(ME), links.owner("slack:T2:U1"), links.owner("slack:T1:U2")) == ("user:anna", "slack:T2:U1", "slack:T1:U2")
    assert links.members("user:anna") == [ME]
    assert links.unlink(ME)
    assert not links.unlink(ME)
    assert links.owner(ME) == ME


def test_a_code_is_good_once_soon_and_alone(store: ChatStore) -> None:
    now = 1000.0
    links = Links(store.engine, lambda: now)
    first, second = links.create("user:anna"), links.create("user:anna")
    with pytest.raises(LinkFault, match="wrong, was used"):
        links.redeem(first, ME)
    links.redeem(second, ME)
    for member in (ME, "slack:T1:U2"):
        with pytest.raises(LinkFault):
            links.redeem(second, member)
    late = links.create("user:anna")
    now += 601
    with pytest.raises(LinkFault):
        links.redeem(late, ME)
    assert links.owner(ME) == "user:anna"


@pytest.mark.parametrize("written", [str.lower, lambda c: c.replace("-", " "), lambda c: c.replace("1", "l").replace("0", "O")])
def test_a_code_may_be_written_as_people_do(store: ChatStore, written: object) -> None:
    links = Links(store.engine)
    links.redeem(written(links.create("user:anna")), ME)  # type: ignore[operator]
    assert links.owner(ME) == "user:anna"


def test_after_some_wrong_codes_none_is_looked_at_for_a_while(store: ChatStore) -> None:
    now = 1000.0
    links = Links(store.engine, lambda: now)
    for _ in range(TRIES):
        with pytest.raises(LinkFault, match="This code is wrong"):
            links.redeem("AAAAA-AAAAA", ME)
    code = links.create("user:anna")
    with pytest.raises(LinkFault, match="Try again in 15 minutes"):
        links.redeem(code, ME)
    links.redeem(code, "slack:T1:U2")  # others are not held up
    now += WINDOW + 1
    links.redeem(links.create("user:anna"), ME)
    assert links.members("user:anna") == [ME, "slack:T1:U2"]


def test_many_members_cannot_guess_together(store: ChatStore) -> None:
    links = Links(store.engine)
    for number in range(ALL_TRIES):
        with pytest.raises(LinkFault, match="This code is wrong"):
            links.redeem("AAAAA-AAAAA", f"slack:T1:U{number}")
    with pytest.raises(LinkFault, match="Too many"):
        links.redeem(links.create("user:anna"), ME)
    assert links.owner(ME) == ME


def test_what_a_member_asked_goes_along_and_nothing_of_others(store: ChatStore) -> None:
    links, saved, advisor = Links(store.engine), SavedAnswers(store.engine), advisor_at(store)
    turn = advisor.ask("How much is the pay?", "thread", ME)
    advisor.ask("How much is the pay?", "thread", "slack:T1:U2")
    advisor.ask("How much is the bonus?", "page", "user:anna")
    saved.save(turn.id, ME)
    assert links.redeem(links.create("user:anna"), ME) == 1
    assert sorted(c.id for c in store.conversations("user:anna")) == ["page", "thread"]
    assert store.conversations(ME) == []
    assert [e.question for e in store.turns("thread", "user:anna")] == ["How much is the pay?"]
    assert [s.turn for s in saved.listed("user:anna")] == [turn.id]
    assert len(store.conversations("slack:T1:U2")) == 1
    assert store.delete_all("user:anna") == 2


@pytest.mark.parametrize("owner", ["", "slack:T1:U2"])
def test_nobody_is_linked_with_another_member_or_with_nobody(store: ChatStore, owner: str) -> None:
    with pytest.raises(LinkFault, match="cannot be linked"):
        Links(store.engine).create(owner)
