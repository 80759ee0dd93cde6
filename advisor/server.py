"""PostgreSQL: conversations on a server, where several machines share them. Guidance stays in the local file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from sqlalchemy import Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from advisor.errors import MissingExtra, SettingsError, StorageError
from advisor.migrations import SERVER_MIGRATIONS

_MIGRATING = 5_304_829_117  # the number of the lock that a migration holds


def is_server(engine: Engine) -> bool:
    return engine.dialect.name == "postgresql"


def open_server(url: str) -> Engine:
    """An engine on a PostgreSQL server, its tables made and migrated if need be.

    Raises `MissingExtra` without a driver, `SettingsError` for an address that is none, `StorageError` where the
    server cannot be reached; no message holds the password.
    """
    if find_spec("psycopg") is None:
        raise MissingExtra("ADVISOR_DATABASE names a PostgreSQL server. Run: pip install 'cmo-advisor[postgres]'")
    try:
        address = make_url(url).set(drivername="postgresql+psycopg")
    except ArgumentError:
        raise SettingsError("ADVISOR_DATABASE is not an address. Write postgresql://user:password@host/database") from None
    patience = {} if "connect_timeout" in address.query else {"connect_timeout": 10}
    engine = create_engine(address, pool_pre_ping=True, hide_parameters=True, connect_args=patience)
    try:
        with serving(engine):
            _migrate(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def place(engine: Engine) -> str:
    """The address without password and options."""
    return engine.url.set(drivername="postgresql", password=None, query={}).render_as_string()


@contextmanager
def serving(engine: Engine) -> Iterator[None]:
    """Turns the server's faults into one line with a remedy and no password."""
    try:
        yield
    except (DBAPIError, PoolTimeout) as error:
        fault = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
        if engine.url.password:
            fault = fault.replace(str(engine.url.password), "***")
        raise StorageError(
            f"The database of ADVISOR_DATABASE ({place(engine)}) cannot be used: {fault.rstrip('.')}. "
            "See that the server runs and lets this user in, or change the setting."
        ) from error


def _migrate(engine: Engine) -> None:
    with engine.connect() as connection:
        if _version(connection) == len(SERVER_MIGRATIONS):
            return
    with engine.begin() as connection:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATING})")
        # Before the version is read: it also lets this session see what another has made while it waited.
        connection.exec_driver_sql("CREATE TABLE IF NOT EXISTS advisor_version (version INTEGER NOT NULL)")
        version = _version(connection)
        if version > len(SERVER_MIGRATIONS):
            raise StorageError(
                f"The database of ADVISOR_DATABASE ({place(engine)}) was written by a newer advisor. Install that version or name another."
            )
        for migration in SERVER_MIGRATIONS[version:]:
            migration(connection)
        connection.exec_driver_sql("DELETE FROM advisor_version")
        connection.exec_driver_sql(f"INSERT INTO advisor_version VALUES ({len(SERVER_MIGRATIONS)})")


def _version(connection: Connection) -> int:
    if connection.exec_driver_sql("SELECT to_regclass('advisor_version')").scalar_one() is None:
        return 0
    return int(connection.exec_driver_sql("SELECT max(version) FROM advisor_version").scalar_one() or 0)
