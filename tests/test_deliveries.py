"""Deliveries are taken once, what is owed is taken over from the dead, threads are followed. On both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from advisor.chats import ChatStore
from advisor.database import writing
from advisor.deliveries import DAY, FOLLOWED, REMEMBERED, Deliveries, Owed, digest_of
from tests.chat_world import opened


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[ChatStore]:
    made = opened(database, tmp_path)
    yield made
    made.close()


@pytest.fixture
def deliveries(store: ChatStore) -> Deliveries:
    return Deliveries(store.engine, lambda: 1000.0)


def owed(ident: str = "r-1", owner: str = "slack:T1:U1") -> Owed:
    return Owed(ident, owner, "a conversation", "C1", "1.1", digest_of("Q?"), created=1000.0)


def test_a_delivery_is_taken_once_by_any_of_its_names(deliveries: Deliveries) -> None:
    assert deliveries.take(["event:1", "message:1"], owed())
    assert not deliveries.take(["event:1"])
    assert not deliveries.take(["event:2", "message:1"], owed("r-2"))
    assert deliveries.take(["event:3"])
    assert deliveries.abandoned() == []


def test_of_many_who_take_at_once_one_does(deliveries: Deliveries) -> None:
    for number in range(5):
        taken: list[bool] = []
        start = threading.Barrier(6)

        def take(names: list[str], taken: list[bool] = taken, start: threading.Barrier = start) -> None:
            start.wait()
            taken.append(deliveries.take(names))

        names = [f"b{number}", f"a{number}"]
        threads = [threading.Thread(target=take, args=(names[:: 1 if n % 2 else -1],)) for n in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(taken) == [False] * 5 + [True]


def test_what_a_dead_process_owes_is_given_to_one_other(deliveries: Deliveries, store: ChatStore) -> None:
    deliveries.take(["event:1"], owed())
    deliveries.posted("r-1", "D1", "5.5")
    assert deliveries.abandoned() == []  # this process is alive
    with writing(store.engine) as connection:
        connection.execute(text("UPDATE replies SET lease = 1"))
    (found,) = deliveries.abandoned()
    assert (found.id, found.channel, found.message, found.digest) == ("r-1", "D1", "5.5", digest_of("Q?"))
    assert deliveries.messages("D1") == {"5.5"}
    assert deliveries.abandoned() == []
    deliveries.release("r-1")
    assert len(deliveries.abandoned()) == 1
    deliveries.done("r-1")
    deliveries.release("r-1")
    assert deliveries.abandoned() == []


def test_what_is_renewed_is_not_given_away(deliveries: Deliveries, store: ChatStore) -> None:
    deliveries.take(["event:1"], owed())
    with writing(store.engine) as connection:
        connection.execute(text("UPDATE replies SET lease = 1"))
    deliveries.renew(["r-1"])
    assert deliveries.abandoned() == []


def test_a_thread_is_followed_quietened_and_given_a_new_topic(deliveries: Deliveries) -> None:
    assert deliveries.thread("t") is None
    deliveries.take(["event:1"], owed(owner="me"), "t")
    deliveries.quieten("t")
    deliveries.new_topic("t")
    thread = deliveries.thread("t")
    assert thread is not None
    assert (thread.asker, thread.quiet, thread.topic) == ("me", True, 1)
    deliveries.take(["event:2"], owed("r-2", owner="you"), "t")
    again = deliveries.thread("t")
    assert again is not None
    assert (again.asker, again.quiet, again.topic) == ("you", False, 1)


def test_old_deliveries_and_threads_go(deliveries: Deliveries) -> None:
    deliveries.take(["event:1"], owed(), "t")
    deliveries.clock = lambda: 1000.0 + REMEMBERED + DAY
    deliveries.prune()
    assert deliveries.take(["event:1"])
    assert deliveries.thread("t") is not None
    deliveries.clock = lambda: 1000.0 + FOLLOWED + DAY
    deliveries.prune()
    assert deliveries.thread("t") is None


def test_what_belongs_to_one_is_forgotten_and_nothing_else(deliveries: Deliveries) -> None:
    deliveries.take(["event:1"], owed(), "mine")
    deliveries.take(["event:2"], owed("r-2", "slack:T1:U11"), "other")
    deliveries.forget("slack:T1:U1")
    deliveries.release("r-1")
    deliveries.release("r-2")
    assert [o.id for o in deliveries.abandoned()] == ["r-2"]
    assert deliveries.thread("mine") is None
    assert deliveries.thread("other") is not None


def test_a_question_is_named_alike_as_it_was_sent_and_as_it_is_kept() -> None:
    assert digest_of(" What\N{ZERO WIDTH SPACE} pay?\n") == digest_of("What pay?")
    assert digest_of("What pay?") != digest_of("What day?")
