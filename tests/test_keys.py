"""Keys: made once, kept as digests, revoked at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import text

from advisor.config import Settings
from advisor.database import reading
from advisor.errors import KeyFault
from advisor.keys import open_keys
from tests.conftest import Run


def _settings(database: str, tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home", database=database)


def test_a_key_is_its_own_owner_until_it_is_revoked(database: str, tmp_path: Path) -> None:
    keys = open_keys(_settings(database, tmp_path))
    first, second = keys.create("laptop"), keys.create("ci")
    assert re.fullmatch(r"cmo_[\w-]{43}", first)
    assert (keys.owner(first), keys.owner(second)) == ("key:laptop", "key:ci")
    assert keys.owner(first[:-1]) is None
    assert keys.owner("") is None
    assert keys.owner("\ud800\0") is None
    keys.revoke("laptop")
    assert keys.owner(first) is None
    assert keys.owner(second) == "key:ci"
    again = keys.create("laptop")
    assert (keys.owner(first), keys.owner(again)) == (None, "key:laptop")
    keys.close()


def test_no_secret_is_kept(database: str, tmp_path: Path) -> None:
    keys = open_keys(_settings(database, tmp_path))
    secret = keys.create("laptop")
    with reading(keys.engine) as connection:
        kept = str(connection.execute(text("SELECT * FROM api_keys")).all())
    assert "laptop" in kept
    assert secret.removeprefix("cmo_") not in kept
    keys.close()
    for file in (tmp_path / "home").glob("*") if database == "sqlite" else ():
        assert secret.removeprefix("cmo_").encode() not in file.read_bytes()


def test_a_use_is_noted_once_a_minute(tmp_path: Path) -> None:
    keys = open_keys(_settings("sqlite", tmp_path))
    now = 1000.0
    keys.clock = lambda: now
    secret = keys.create("laptop")
    assert keys.listed()[0].used is None
    used = []
    for now in (1001.0, 1030.0, 1062.0):  # noqa: B007
        keys.owner(secret)
        used.append(keys.listed()[0].used)
    assert used == [1001.0, 1001.0, 1062.0]
    keys.close()


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "a/b", "é", "a" * 65, "a\n", "a'; DROP TABLE api_keys; --"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    keys = open_keys(_settings("sqlite", tmp_path))
    with pytest.raises(KeyFault, match="1 to 64"):
        keys.create(name)
    keys.close()


def test_keys_are_made_listed_and_revoked_at_the_command_line(advisor: Run) -> None:
    assert "no keys yet" in advisor("keys", "list").stdout
    made = advisor("keys", "create", "laptop")
    assert made.stdout.startswith("cmo_")
    assert len(made.stdout.splitlines()) == 1
    taken = advisor("keys", "create", "laptop")
    assert taken.returncode == 1
    assert taken.stderr.startswith("advisor: There is a key 'laptop' already.")
    listed = advisor("keys", "list").stdout
    assert re.search(r"laptop.*never", listed)
    assert made.stdout.strip() not in listed
    assert advisor("keys", "revoke", "laptop").stdout == "Revoked 'laptop'.\n"
    gone = advisor("keys", "revoke", "laptop")
    assert (gone.returncode, len(gone.stderr.splitlines())) == (1, 1)
