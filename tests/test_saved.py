"""Saved answers belong to who saved them, and go with their conversation. On both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.chats import ChatStore
from advisor.errors import UnknownConversation
from advisor.saved import SavedAnswers
from tests.chat_world import opened
from tests.slack_world import advisor_at


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[ChatStore]:
    made = opened(database, tmp_path)
    yield made
    made.close()


def asked(store: ChatStore, conversation: str, owner: str) -> str:
    return advisor_at(store).ask(f"How much is the pay in {conversation}?", conversation, owner).id


def test_an_answer_is_saved_once_and_listed_for_its_owner_alone(store: ChatStore) -> None:
    saved = SavedAnswers(store.engine, lambda: 1000.0)
    turn = asked(store, "a", "me")
    saved.save(turn, "me")
    saved.save(turn, "me")
    (one,) = saved.listed("me")
    assert (one.turn, one.conversation, one.question, one.saved) == (turn, "a", "How much is the pay in a?", 1000.0)
    assert saved.listed("you") == []


def test_nobody_saves_or_removes_what_is_anothers(store: ChatStore) -> None:
    saved = SavedAnswers(store.engine)
    turn = asked(store, "a", "me")
    for owner, which in (("you", turn), ("me", "no-such-turn")):
        with pytest.raises(UnknownConversation):
            saved.save(which, owner)
    saved.save(turn, "me")
    assert not saved.remove(turn, "you")
    assert len(saved.listed("me")) == 1
    assert saved.remove(turn, "me")
    assert not saved.remove(turn, "me")
    assert saved.listed("me") == []
    assert len(store.turns("a", "me")) == 1


def test_the_latest_are_listed_first_and_go_with_their_conversation(store: ChatStore) -> None:
    times = iter((1.0, 2.0, 3.0))
    saved = SavedAnswers(store.engine, lambda: next(times))
    turns = [asked(store, name, "me") for name in ("a", "b", "c")]
    for turn in (turns[1], turns[0], turns[2]):
        saved.save(turn, "me")
    assert [s.turn for s in saved.listed("me")] == [turns[2], turns[0], turns[1]]
    assert [s.turn for s in saved.listed("me", limit=1)] == [turns[2]]
    store.delete("c", "me")
    assert [s.conversation for s in saved.listed("me")] == ["a", "b"]
    store.delete_all("me")
    assert saved.listed("me") == []
