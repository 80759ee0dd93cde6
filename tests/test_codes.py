"""A code is good once, for its purpose, and for a while. On both databases."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from advisor.chats import ChatStore
from advisor.codes import Codes
from advisor.database import reading
from tests.chat_world import opened


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[ChatStore]:
    made = opened(database, tmp_path)
    yield made
    made.close()


def test_a_code_is_good_once_and_for_its_purpose(store: ChatStore) -> None:
    codes, others = Codes(store.engine, "link", 60), Codes(store.engine, "other", 60)
    codes.keep("abc", "me")
    assert others.use("abc") is None
    assert codes.use("abd") is None
    assert codes.use("abc") == "me"
    assert codes.use("abc") is None


def test_a_code_is_good_for_a_while_only(store: ChatStore) -> None:
    now = 1000.0
    codes = Codes(store.engine, "link", 60, lambda: now)
    codes.keep("abc", "me")
    now = 1061.0
    assert codes.use("abc") is None


def test_a_subject_can_have_one_code_alone(store: ChatStore) -> None:
    codes = Codes(store.engine, "link", 60)
    codes.keep("one", "me", alone=True)
    codes.keep("two", "me", alone=True)
    codes.keep("you", "you", alone=True)
    assert [codes.use(code) for code in ("one", "two", "you")] == [None, "me", "you"]


def test_of_many_who_use_a_code_at_once_one_does(store: ChatStore) -> None:
    codes = Codes(store.engine, "link", 60)
    for number in range(3):
        codes.keep(f"code-{number}", "me")
        used: list[str | None] = []
        threads = [threading.Thread(target=lambda n=number, u=used: u.append(codes.use(f"code-{n}"))) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(used, key=str) == [None] * 5 + ["me"]


def test_of_a_code_only_a_digest_is_kept(store: ChatStore) -> None:
    Codes(store.engine, "link", 60).keep("CANARY", "me")
    with reading(store.engine) as connection:
        assert "CANARY" not in str(connection.execute(text("SELECT * FROM codes")).all())
