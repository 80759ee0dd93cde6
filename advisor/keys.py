"""Keys of the HTTP interface: a name each, made once, shown once, kept as a digest."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Engine, text

from advisor.config import Settings
from advisor.database import open_database, reading, writing
from advisor.errors import KeyFault, StorageError
from advisor.server import open_server

MARK = "cmo_"  # what a key begins with, so that one that was published is recognised
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_NOTED = 60.0  # seconds within which a use is not noted again


@dataclass(frozen=True, slots=True)
class Key:
    """A key as it is listed; times in seconds since 1970, None for one that was never used."""

    name: str
    created: float
    used: float | None


class KeyStore:
    """Keys in the database of the chats; whoever sends one is the owner `key:NAME`."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.clock = clock

    def create(self, name: str) -> str:
        """Makes a key and gives its secret, which nobody can look up afterwards; raises `KeyFault` for a name that is taken."""
        if not _NAME.fullmatch(name):
            raise KeyFault("A key's name has 1 to 64 letters, digits, dots, dashes and underscores. Choose such a name.")
        secret = MARK + secrets.token_urlsafe(32)
        made = """INSERT INTO api_keys (name, digest, created) VALUES (:name, :digest, :now) ON CONFLICT (name) DO NOTHING"""
        with writing(self.engine) as connection:
            if not connection.execute(text(made), {"name": name, "digest": _digest(secret), "now": self.clock()}).rowcount:
                raise KeyFault(f"There is a key {name!r} already. Choose another name, or run: advisor keys revoke {name}")
        return secret

    def listed(self) -> list[Key]:
        """All keys by name, without their secrets."""
        with reading(self.engine) as connection:
            return [Key(*row) for row in connection.execute(text("SELECT name, created, used FROM api_keys ORDER BY name"))]

    def revoke(self, name: str) -> None:
        """Ends a key at once; what was asked with it stays until a key of the same name deletes it or it expires."""
        with writing(self.engine) as connection:
            if not connection.execute(text("DELETE FROM api_keys WHERE name = :name"), {"name": name}).rowcount:
                raise KeyFault(f"There is no key {name!r}. List them with: advisor keys list")

    def owner(self, secret: str) -> str | None:
        """The owner that a secret stands for, or None for one that is not, or no longer, a key."""
        now = self.clock()
        with reading(self.engine) as connection:
            query = text("SELECT name, used FROM api_keys WHERE digest = :digest")
            found = connection.execute(query, {"digest": _digest(secret)}).first()
        if found is None:
            return None
        if found.used is None or found.used < now - _NOTED:
            # A key is good even where the disk is full or the home can only be read.
            with suppress(StorageError), writing(self.engine) as connection:
                connection.execute(text("UPDATE api_keys SET used = :now WHERE name = :name"), {"now": now, "name": found.name})
        return f"key:{found.name}"

    def close(self) -> None:
        self.engine.dispose()


def open_keys(settings: Settings) -> KeyStore:
    """The keys, where the settings have the chats."""
    return KeyStore(open_database(settings.file) if settings.database == "sqlite" else open_server(settings.database))


def _digest(secret: str) -> str:
    # 32 random bytes cannot be guessed, so a quick digest without salt keeps them as well as a slow one.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
