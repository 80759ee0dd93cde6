"""A budget of questions a day: never overspent, by whomever at once, and new every day. On both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor.budget import DAY, Budget
from advisor.chats import ChatStore
from tests.chat_world import opened


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[ChatStore]:
    made = opened(database, tmp_path)
    yield made
    made.close()


def test_each_owner_has_a_budget_of_their_own_every_day(store: ChatStore) -> None:
    now = 10 * DAY + 100.0
    budget = Budget(store.engine, 2, lambda: now)
    assert [budget.spend("me") for _ in range(3)] == [0.0, 0.0, DAY - 100.0]
    assert budget.spend("you") == 0.0
    assert Budget(store.engine, 2, lambda: now).spend("me") > 0  # another process
    now += DAY - 100
    assert budget.spend("me") == 0.0


def test_no_limit_counts_nothing(store: ChatStore) -> None:
    assert [Budget(store.engine, 0).spend("me") for _ in range(5)] == [0.0] * 5


def test_many_at_once_do_not_overspend(store: ChatStore) -> None:
    budget = Budget(store.engine, 7, lambda: 5.0 * DAY)
    spent: list[float] = []

    def ask() -> None:
        for _ in range(4):
            spent.append(budget.spend("me"))

    threads = [threading.Thread(target=ask) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert spent.count(0.0) == 7
    assert len(spent) == 20
