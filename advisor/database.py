"""The SQLAlchemy engines, their transactions and their faults. The database is the truth."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DBAPIError

from advisor.errors import StorageError
from advisor.migrations import MIGRATIONS
from advisor.server import is_server, serving

PATIENCE = 15  # seconds that a writer waits for another
_LINES: WeakKeyDictionary[Engine, threading.Lock] = WeakKeyDictionary()
_LINES_LOCK = threading.Lock()


def open_database(path: Path) -> Engine:
    """An engine on the SQLite file at `path`, made and migrated if need be.

    A file in a folder that cannot be written is opened for reading. Raises `StorageError` where
    the folder cannot be made or the file is not a database.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(
            f"The data folder {path.parent} cannot be made ({error.strerror}). Set ADVISOR_HOME to a folder you may write."
        ) from None
    engine = create_engine(_address(path), connect_args={"timeout": PATIENCE}, hide_parameters=True)
    event.listen(engine, "connect", _prepare)
    with storage(path):
        _migrate(engine)
    return engine


def is_writable(path: Path) -> bool:
    """Whether a database at `path` can be written; it needs to write beside the file, too."""
    return os.access(path.parent, os.W_OK) and (not path.exists() or os.access(path, os.W_OK))


def _address(path: Path) -> str:
    log = path.with_name(path.name + "-wal")
    if not path.is_file() or is_writable(path) or (log.is_file() and log.stat().st_size):
        return f"sqlite:///{path}"
    # SQLite makes files beside the one it reads, unless it is told that nothing will change.
    return f"sqlite:///file:{quote(str(path))}?mode=ro&immutable=1&uri=true"


def _prepare(connection: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: BEGIN IMMEDIATE below takes the write lock at
    # once, so two writers wait for each other instead of failing half-way.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={PATIENCE * 1000}")
    try:
        cursor.execute("PRAGMA journal_mode=WAL")
    except Exception as error:  # a read-only home is still good for asking
        if "readonly" not in str(error):
            raise
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")
    cursor.close()


@contextmanager
def storage(path: Path | str) -> Iterator[None]:
    """Turns the database's faults into one line with a remedy."""
    try:
        yield
    except DBAPIError as error:
        fault = str(error.orig).lower()
        if "full" in fault or "disk i/o" in fault:
            raise StorageError(f"The disk that holds {path} is full or failing. Free some space and try again.") from error
        if "readonly" in fault or "unable to open" in fault:
            raise StorageError(f"{path} cannot be written. Check its permissions or set ADVISOR_HOME to a folder you may write.") from error
        if "locked" in fault or "busy" in fault:
            raise StorageError(f"{path} is in use by another process. Wait for it to finish and try again.") from error
        if "malformed" in fault or "not a database" in fault:
            raise StorageError(
                f"{path} is damaged or not a database. Move it away and run: advisor index (chats in it are lost)."
            ) from error
        raise StorageError(f"{path} could not be used ({error.orig}). Run: advisor doctor") from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is kept whole or not at all; in SQLite it holds the write lock from its start."""
    if is_server(engine):
        with serving(engine), engine.begin() as connection:
            yield connection
        return
    # Threads of this process wait in line: SQLite lets those who wait for its lock in by chance, and some of many not in time.
    with _line(engine), storage(str(engine.url.database)), engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:
            # Not the statement: on a full disk SQLite has rolled back already, and would complain.
            connection.connection.rollback()
            raise
        connection.exec_driver_sql("COMMIT")


def _line(engine: Engine) -> threading.Lock:
    with _LINES_LOCK:
        return _LINES.setdefault(engine, threading.Lock())


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A snapshot: all that is read within belongs to one state of the database."""
    if is_server(engine):
        with serving(engine), engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield connection
        return
    with storage(str(engine.url.database)), engine.connect() as connection:
        connection.exec_driver_sql("BEGIN")
        try:
            yield connection
        finally:
            connection.exec_driver_sql("ROLLBACK")


def scrub(engine: Engine) -> None:
    """Leaves no byte of what was deleted in an SQLite file or its log; a server is told to clear its tables.

    Raises `StorageError` where the disk is too full for it, or another process reads the old state for too long.
    """
    if is_server(engine):
        with serving(engine), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM conversations, turns, feedback, replies, threads, uploads, upload_chunks, saved")
        return
    path = engine.url.database
    with storage(str(path)), engine.connect() as connection:
        # Pages that were split or merged keep copies of rows beside the rows that count; written anew, they do not.
        connection.exec_driver_sql("VACUUM")
        until = time.monotonic() + PATIENCE
        while connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]:
            if time.monotonic() > until:
                raise StorageError(f"{path} is being read by another process. Stop it and run: advisor chats expire")
            time.sleep(0.05)


def plan_scrub(connection: Connection, now: float) -> None:
    """Notes, with a deletion, that its bytes are to go: whoever opens the chats next does it where this process is killed before."""
    plan = "INSERT INTO upkeep (task, due) VALUES ('scrub', :now) ON CONFLICT (task) DO UPDATE SET due = excluded.due"
    connection.execute(text(plan), {"now": now})


def finish_scrub(engine: Engine) -> None:
    """Does what was planned; raises `StorageError` where the rows are gone and their bytes are not yet."""
    try:
        scrub_due(engine)
    except StorageError as error:
        raise StorageError(f"Deleted, but not yet wiped off the disk: {error} It is tried again when the advisor next starts.") from error


def scrub_due(engine: Engine) -> None:
    """Scrubs where that was planned and has not been done."""
    with reading(engine) as connection:
        due = connection.execute(text("SELECT due FROM upkeep WHERE task = 'scrub'")).scalar()
    if due is None:
        return
    scrub(engine)
    with writing(engine) as connection:
        connection.execute(text("DELETE FROM upkeep WHERE task = 'scrub' AND due = :due"), {"due": due})


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
    if version > len(MIGRATIONS):
        raise StorageError(f"{engine.url.database} was written by a newer advisor. Install that version or set another ADVISOR_HOME.")
    if version == len(MIGRATIONS):
        return
    with writing(engine) as connection:
        version = int(connection.exec_driver_sql("PRAGMA user_version").scalar_one())
        for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
            migration(connection)
            connection.exec_driver_sql(f"PRAGMA user_version={number}")
