"""PostgreSQL: migrated once, found again after a restart, and faults of one line that hold no password."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from advisor import server
from advisor.chats import ChatStore
from advisor.config import Settings
from advisor.errors import MissingExtra, SettingsError, StorageError
from advisor.server import open_server
from benchmarks.postgres import Server
from benchmarks.postgres import server as serving
from tests.chat_world import opened, say

Run = Callable[..., "subprocess.CompletedProcess[str]"]
AWAY = "postgresql://advisor:hush%40hush@127.0.0.1:1/chats?connect_timeout=3"


def test_many_who_open_an_empty_server_at_once_make_its_tables_once(postgres: Server) -> None:
    url = postgres.database()
    made: list[Engine] = []
    threads = [threading.Thread(target=lambda: made.append(open_server(url))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(made) == 6
    with made[0].connect() as connection:
        assert connection.exec_driver_sql("SELECT version FROM advisor_version").scalars().all() == [len(server.SERVER_MIGRATIONS)]
    for engine in made:
        engine.dispose()
    postgres.drop(url)


def test_a_server_of_a_newer_advisor_is_left_alone(postgres: Server) -> None:
    url = postgres.database()
    engine = open_server(url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE advisor_version SET version = 99")
    with pytest.raises(StorageError, match="newer advisor"):
        open_server(url)
    engine.dispose()
    postgres.drop(url)


def test_a_migration_that_fails_changes_nothing(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(connection: object) -> None:
        raise RuntimeError("no")

    url = postgres.database()
    monkeypatch.setattr(server, "SERVER_MIGRATIONS", (*server.SERVER_MIGRATIONS, broken))
    with pytest.raises(RuntimeError):
        open_server(url)
    monkeypatch.undo()
    engine = open_server(url)
    assert ChatStore(engine).counts() == (0, 0)
    engine.dispose()
    postgres.drop(url)


def test_a_server_that_is_away_is_one_line_without_the_password(advisor: Run, hashed_home: Path) -> None:
    for command in (("ask", "Do I need an MBA?"), ("chats", "list")):
        done = advisor(*command, home=str(hashed_home), database=AWAY)
        assert done.returncode == 1
        assert done.stdout == ""
        fault = done.stderr.strip().splitlines()[-1]
        assert fault.startswith("advisor: The database of ADVISOR_DATABASE (postgresql://advisor:***@127.0.0.1:1/chats) cannot be used: ")
        assert "Connection refused" in fault
    examined = advisor("--verbose", "doctor", home=str(hashed_home), database=AWAY)
    assert examined.returncode == 1
    assert "chats\t✗ postgresql://advisor@127.0.0.1:1/chats cannot be used" in examined.stdout
    loud = advisor("--verbose", "ask", "Do I need an MBA?", home=str(hashed_home), database=AWAY)
    assert "Traceback" in loud.stderr
    assert "hush" not in "".join((done.stderr, examined.stdout, examined.stderr, loud.stderr))


def test_a_server_that_stops_and_comes_back_is_used_again(tmp_path: Path, postgres: Server) -> None:
    with serving(durable=False) as own:
        store = opened(own.url("postgres", "hush"), tmp_path)
        say(store, "Before?")
        pending = store.begin("mine", "Meanwhile?")
        own.stop()
        with pytest.raises(StorageError, match="ADVISOR_DATABASE") as caught:
            store.begin("mine", "Away?")
        assert "hush" not in str(caught.value)
        assert "\n" not in str(caught.value)
        with pytest.raises(StorageError):
            pending.fail("no")
        own.start()
        say(store, "After?", "other")
        assert [(e.question, e.status) for e in store.turns("mine")] == [("Before?", "done"), ("Meanwhile?", "pending")]
        store.close()


def test_a_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(database="postgresql://me:hush@db.test:5432/chats?sslmode=require&password=hush")
    assert settings.shown("database") == "postgresql://me@db.test:5432/chats"
    assert "hush" not in repr(settings)
    for bad in ("mysql://me:hush@h/x", "postgresql://me:hu#sh@h/x", "postgresql://me:1/hush@h/x", "postgresql://me:hush@h:no/x", "hush"):
        monkeypatch.setenv("ADVISOR_DATABASE", bad)
        with pytest.raises(
            SettingsError, match=r"^ADVISOR_DATABASE is not an address: .*postgresql://user:password@host/database"
        ) as caught:
            Settings.load()
        assert "hu" not in str(caught.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"pip install 'cmo-advisor\[postgres\]'"):
        open_server(AWAY)
