"""Conversations: kept before they are called done, in order, never another's."""

from __future__ import annotations

import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from advisor.chats import REMEMBERED, ChatStore, ForgetfulStore
from advisor.database import open_database
from advisor.types import Answer, Draft, Turn


def _turn(number: int, conversation: str = "mine", text: str = "Text {{}} [1] 🙂") -> Turn:
    draft = Draft("chat", text=text)
    return Turn(f"{conversation}-{number}", conversation, f"Question {number}?", f"query {number}", (), draft, Answer(text, "chat"))


@pytest.fixture(params=["kept", "forgotten"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ChatStore | ForgetfulStore:
    return ChatStore(open_database(tmp_path / "advisor.db")) if request.param == "kept" else ForgetfulStore()


def test_a_conversation_is_remembered_in_order(store: ChatStore | ForgetfulStore) -> None:
    for number in range(REMEMBERED + 3):
        store.keep(_turn(number))
    found = store.history("mine")
    assert [e.question for e in found] == [f"Question {n}?" for n in range(3, REMEMBERED + 3)]
    assert (found[0].query, found[0].text, found[0].outcome) == ("query 3", "Text {{}} [1] 🙂", "chat")


def test_conversations_do_not_mix(store: ChatStore | ForgetfulStore) -> None:
    for name in ("u1", "u11", "u1%", "' OR 1=1 --"):
        store.keep(_turn(1, name, text=name))
    for name in ("u1", "u11", "u1%", "' OR 1=1 --"):
        assert [e.text for e in store.history(name)] == [name]
    assert store.history("u") == []


def test_what_was_kept_is_there_after_a_restart(tmp_path: Path) -> None:
    ChatStore(open_database(tmp_path / "advisor.db")).keep(_turn(1))
    assert len(ChatStore(open_database(tmp_path / "advisor.db")).history("mine")) == 1


def _keep(path: str, name: str, barrier: Any) -> None:
    store = ChatStore(open_database(Path(path)))
    barrier.wait()
    for number in range(40):
        store.keep(_turn(number, name))
        store.keep(_turn(int(name) * 1000 + number, "shared"))


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "advisor.db"
    engine = open_database(path)
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(3)
    processes = [spawn.Process(target=_keep, args=(str(path), str(n), barrier)) for n in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(100)
    assert [p.exitcode for p in processes] == [0, 0, 0]
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT conversation_id, count(*) FROM turns GROUP BY 1 ORDER BY 1").all()
    assert [tuple(r) for r in rows] == [("0", 40), ("1", 40), ("2", 40), ("shared", 120)]
