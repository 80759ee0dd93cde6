"""The database file: migrated, kept whole, and never a traceback."""

from __future__ import annotations

import os
import random
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import text

from advisor import database
from advisor.database import MIGRATIONS, is_writable, open_database, reading, scrub, storage, writing
from advisor.errors import StorageError
from tests.chat_world import later_tables


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "folder" / "advisor.db"


def _version(path: Path) -> int:
    with sqlite3.connect(path) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def test_a_new_database_has_every_migration(path: Path) -> None:
    open_database(path).dispose()
    assert _version(path) == len(MIGRATIONS)
    open_database(path).dispose()


def test_an_older_database_is_migrated_and_keeps_what_it_held(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "MIGRATIONS", MIGRATIONS[:1])
    engine = open_database(path)
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO embeddings VALUES ('kept', x'00', x'00')"))
    engine.dispose()
    assert _version(path) == 1
    monkeypatch.setattr(database, "MIGRATIONS", MIGRATIONS)
    engine = open_database(path)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT hash FROM embeddings")).scalar_one() == "kept"
        assert connection.execute(text("SELECT count(*) FROM turns")).scalar_one() == 0
    assert _version(path) == len(MIGRATIONS)


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_database(path).dispose()

    def broken(connection: object) -> None:
        connection.execute(text("CREATE TABLE half (x)"))  # type: ignore[attr-defined]
        raise RuntimeError("no")

    monkeypatch.setattr(database, "MIGRATIONS", (*MIGRATIONS, broken))
    with pytest.raises(RuntimeError):
        open_database(path)
    with sqlite3.connect(path) as connection:
        assert not connection.execute("SELECT * FROM sqlite_master WHERE name = 'half'").fetchall()
    assert _version(path) == len(MIGRATIONS)


def test_a_database_of_a_newer_advisor_is_left_alone(path: Path) -> None:
    open_database(path).dispose()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StorageError, match="newer advisor"):
        open_database(path)


def test_what_is_written_survives_a_crash_of_the_machine(path: Path) -> None:
    """As far as the settings go: a log written ahead, and synced at every commit."""
    engine = open_database(path)
    with reading(engine) as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1


def test_a_write_is_kept_whole_or_not_at_all(path: Path) -> None:
    engine = open_database(path)

    def fail() -> None:
        with writing(engine) as connection:
            connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM meta")).scalar_one() == 0
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))


def test_the_first_fault_is_told_where_sqlite_rolled_back_by_itself(path: Path) -> None:
    engine = open_database(path)

    def fail() -> None:
        with writing(engine) as connection:
            connection.exec_driver_sql("ROLLBACK")
            raise RuntimeError("the first fault")

    with pytest.raises(RuntimeError, match="the first fault"):
        fail()


def test_a_reader_keeps_its_snapshot(path: Path) -> None:
    engine = open_database(path)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM meta")).scalar_one() == 0
        with writing(engine) as other:
            other.execute(text("INSERT INTO meta VALUES ('a', 'b')"))
        assert connection.execute(text("SELECT count(*) FROM meta")).scalar_one() == 0
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM meta")).scalar_one() == 1


def test_a_writer_waits_for_another(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_database(path)
    with writing(engine), engine.connect() as other:
        other.exec_driver_sql("PRAGMA busy_timeout=50")
        with pytest.raises(StorageError, match="in use by another process"), storage(path):
            other.exec_driver_sql("BEGIN IMMEDIATE")


@pytest.mark.parametrize("content", [b"not a database at all\n" * 500, os.urandom(9000)])
def test_a_damaged_file_is_named_with_a_remedy(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"advisor\.db is damaged or not a database\. Move it away"):
        open_database(path)
    assert path.read_bytes() == content, "what may be rescued is left as it is"


def test_places_that_cannot_hold_a_database_are_named(path: Path, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="Set ADVISOR_HOME"):
        open_database(Path("/dev/null/home/advisor.db"))
    path.mkdir(parents=True)
    with pytest.raises(StorageError, match="ADVISOR_HOME"):
        open_database(path)


def test_a_folder_that_cannot_be_written_is_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_database(path)
    with writing(engine) as connection:
        connection.execute(text("INSERT INTO meta VALUES ('a', 'b')"))
    engine.dispose()
    assert is_writable(path)
    monkeypatch.setattr(database.os, "access", lambda *_: False)
    engine = open_database(path)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT value FROM meta")).scalar_one() == "b"
    with pytest.raises(StorageError, match="cannot be written"), writing(engine) as connection:
        connection.execute(text("DELETE FROM meta"))
    assert sorted(p.name for p in path.parent.iterdir()) == ["advisor.db"]


def test_a_database_of_the_first_version_is_taken_along_and_its_guidance_indexed_anew(tmp_path: Path) -> None:
    path = tmp_path / "advisor.db"
    engine = open_database(path)
    with writing(engine) as connection:
        connection.execute(text("DROP TABLE search"))
        connection.execute(text("CREATE VIRTUAL TABLE search USING fts5(title, heading, body)"))
        connection.execute(text("INSERT INTO meta VALUES ('generation', 'old')"))
        connection.execute(text("INSERT INTO embeddings VALUES ('kept', x'00', x'00')"))
        for table in later_tables(connection):
            connection.execute(text(f"DROP TABLE {table}"))
        MIGRATIONS[1](connection)
        connection.execute(text("INSERT INTO conversations VALUES ('kept', 'then')"))
        connection.execute(text("PRAGMA user_version=2"))
    engine.dispose()
    open_database(path).dispose()
    with sqlite3.connect(path) as plain:
        assert plain.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert plain.execute("SELECT count(*) FROM meta").fetchone() == (0,)
        assert plain.execute("SELECT hash FROM embeddings").fetchall() == [("kept",)]
        assert plain.execute("SELECT id FROM conversations").fetchall() == [("kept",)]
        plain.execute("SELECT asked FROM search")


def test_scrubbing_leaves_no_copy_where_pages_were_split_and_merged(path: Path) -> None:
    """Overwriting what is deleted (`secure_delete`) is not enough: names stayed behind in the indexes."""
    engine = open_database(path)
    for seed in range(3):
        chance = random.Random(seed)
        with writing(engine) as connection:
            for number in range(chance.randint(50, 600)):
                kind = chance.choice(("doomed", "lasting"))
                row = {
                    "name": f"{kind}{chance.randint(0, 40)}{'x' * chance.randint(0, 60)}", "id": f"{chance.getrandbits(128):032x}",
                    "title": f"{kind}-title " * chance.randint(1, 9), "question": f"{kind}-question " * chance.randint(1, 200),
                    "record": f"{kind}-record " * chance.randint(1, 900), "reason": f"{kind}-reason " * chance.randint(1, 50),
                }  # fmt: skip
                for statement in (
                    "INSERT OR REPLACE INTO conversations VALUES ('', :name, :title, 0, 0)" if number % 5 == 0 else
                    "INSERT OR IGNORE INTO conversations VALUES ('', :name, :title, 0, 0)",
                    """INSERT INTO turns (id, owner, conversation_id, created, status, question)
                       VALUES (:id, '', :name, 0, 'failed', :question)""",
                    "UPDATE turns SET record = :record WHERE id = :id",
                    "INSERT INTO feedback VALUES (:id, 0, 1, :reason)",
                ):  # fmt: skip
                    connection.execute(text(statement), row)
        with writing(engine) as connection:
            connection.execute(text("DELETE FROM conversations WHERE id LIKE 'doomed%'"))
        scrub(engine)
        left = b"".join(p.read_bytes() for p in path.parent.iterdir())
        assert b"doomed" not in left, seed
        assert b"lasting" in left
