"""Tokens of workspaces are kept encrypted, one a workspace, and are of no use without the key. On both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from advisor.chats import ChatStore
from advisor.database import reading, writing
from advisor.errors import SettingsError
from advisor.installations import Installation, Installations, new_key
from tests.chat_world import opened

TOKEN = "xoxb-canary"


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[ChatStore]:
    made = opened(database, tmp_path)
    yield made
    made.close()


def test_a_token_is_given_back_for_its_workspace_and_listed_nowhere(store: ChatStore) -> None:
    kept = Installations(store.engine, new_key(), lambda: 5.0)
    kept.save("T1", "One", "U1", "xoxb-old")
    kept.save("T1", "One", "U2", TOKEN)
    kept.save("T2", "Two", "U1", "xoxb-2")
    assert [kept.token(team) for team in ("T1", "T2", "T3")] == [TOKEN, "xoxb-2", None]
    assert kept.listed() == [Installation("T1", "One", "U2", 5.0), Installation("T2", "Two", "U1", 5.0)]
    assert (kept.created("T1"), kept.created("T3")) == (5.0, 0.0)
    assert kept.remove("T1")
    assert not kept.remove("T1")
    assert kept.token("T1") is None


def test_no_token_is_in_the_database_in_clear(store: ChatStore, tmp_path: Path) -> None:
    Installations(store.engine, new_key()).save("T1", "One", "U1", TOKEN)
    with reading(store.engine) as connection:
        assert "canary" not in str(connection.execute(text("SELECT * FROM installations")).all())
    assert all(b"canary" not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())


def test_another_key_is_told_and_an_earlier_one_can_be_kept_beside_the_new(store: ChatStore) -> None:
    old, new = new_key(), new_key()
    Installations(store.engine, old).save("T1", "One", "U1", TOKEN)
    with pytest.raises(SettingsError, match="ADVISOR_SLACK_TOKEN_KEY") as caught:
        Installations(store.engine, new).token("T1")
    assert old not in str(caught.value) + new
    both = Installations(store.engine, f"{new}, {old}")
    assert both.token("T1") == TOKEN
    both.save("T1", "One", "U1", TOKEN)
    assert Installations(store.engine, new).token("T1") == TOKEN


def test_a_token_that_was_moved_to_another_workspace_is_not_given_out(store: ChatStore) -> None:
    kept = Installations(store.engine, new_key())
    kept.save("T1", "One", "U1", TOKEN)
    with writing(store.engine) as connection:
        connection.execute(text("UPDATE installations SET team = 'T2'"))
    assert kept.token("T2") is None
