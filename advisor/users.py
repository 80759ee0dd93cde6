"""Who may sign in at the page: names with passwords, kept as slow digests."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, text

from advisor.config import Settings
from advisor.database import open_database, reading, writing
from advisor.errors import UserFault
from advisor.server import open_server

SHORTEST, LONGEST = 10, 1000  # characters of a password
_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")
# What OWASP allows for scrypt in 16 MB: a fifth of a second on one core, and many guesses at once still fit into memory.
_COST = {"n": 2**14, "r": 8, "p": 5}
_AT_ONCE = threading.BoundedSemaphore(2)
_NOBODY = base64.b64encode(bytes(16)).decode() + "$" + base64.b64encode(bytes(32)).decode()


@dataclass(frozen=True, slots=True)
class User:
    """A user as they are listed; `created` in seconds since 1970."""

    name: str
    created: float


class UserStore:
    """Users in the database of the chats; whoever signs in is the owner `user:NAME`."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.clock = clock

    def add(self, name: str, password: str) -> None:
        """Lets somebody sign in; raises `UserFault` for a name that is taken, or a password that is too short."""
        name, digest = _named(name), digest_of(_fit(name, password))
        row = {"name": name, "digest": digest, "stamp": secrets.token_hex(8), "now": self.clock()}
        made = """INSERT INTO users (name, digest, stamp, created) VALUES (:name, :digest, :stamp, :now) ON CONFLICT (name) DO NOTHING"""
        with writing(self.engine) as connection:
            if not connection.execute(text(made), row).rowcount:
                raise UserFault(f"There is a user {name!r} already. Choose another name, or run: advisor users password {name}")

    def password(self, name: str, password: str) -> None:
        """Gives a user another password; whoever is signed in by that name has to sign in again."""
        name, digest = _named(name), digest_of(_fit(name, password))
        row = {"name": name, "digest": digest, "stamp": secrets.token_hex(8)}
        with writing(self.engine) as connection:
            if not connection.execute(text("UPDATE users SET digest = :digest, stamp = :stamp WHERE name = :name"), row).rowcount:
                raise UserFault(_unknown(name))

    def remove(self, name: str) -> None:
        """Ends a user's sign-in at once, on every device."""
        with writing(self.engine) as connection:
            if not connection.execute(text("DELETE FROM users WHERE name = :name"), {"name": _named(name)}).rowcount:
                raise UserFault(_unknown(name))

    def listed(self) -> list[User]:
        """All users by name."""
        with reading(self.engine) as connection:
            return [User(*row) for row in connection.execute(text("SELECT name, created FROM users ORDER BY name"))]

    def signed_in(self, name: str, password: str) -> tuple[str, str] | None:
        """The user's name and the stamp of their password, or None; an unknown name takes as long as a wrong password."""
        name = name.strip().lower()
        with reading(self.engine) as connection:
            query = text("SELECT digest, stamp FROM users WHERE name = :name")
            found = connection.execute(query, {"name": name if _NAME.fullmatch(name) else ""}).first()
        fits = _holds(found.digest if found else _NOBODY, password[:LONGEST])
        return (name, str(found.stamp)) if found and fits else None

    def stamp(self, name: str) -> str | None:
        """What changes with a user's password; None for one who is not, or no longer, a user."""
        with reading(self.engine) as connection:
            found = connection.execute(text("SELECT stamp FROM users WHERE name = :name"), {"name": name}).scalar()
        return None if found is None else str(found)

    def close(self) -> None:
        self.engine.dispose()


def open_users(settings: Settings) -> UserStore:
    """The users, where the settings have the chats."""
    return UserStore(open_database(settings.file) if settings.database == "sqlite" else open_server(settings.database))


def owner_of(name: str) -> str:
    """The owner of what a user asks."""
    return f"user:{name}"


def digest_of(password: str, salt: bytes | None = None) -> str:
    """A password as it is kept: the salt and what scrypt makes of both."""
    salt = salt or secrets.token_bytes(16)
    with _AT_ONCE:
        made = hashlib.scrypt(_plain(password), salt=salt, maxmem=64_000_000, dklen=32, **_COST)
    return base64.b64encode(salt).decode() + "$" + base64.b64encode(made).decode()


def _holds(digest: str, password: str) -> bool:
    return hmac.compare_digest(digest_of(password, base64.b64decode(digest.partition("$")[0])), digest)


def _plain(password: str) -> bytes:
    # The same password typed on another keyboard may come as other code points.
    return unicodedata.normalize("NFC", password).encode("utf-8", "replace")


def _named(name: str) -> str:
    lower = name.strip().lower()
    if not _NAME.fullmatch(lower):
        raise UserFault("A user's name has 1 to 64 letters, digits, dots, dashes, underscores, + and @. Choose such a name.")
    return lower


def _fit(name: str, password: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST or password.lower() == name:
        raise UserFault(f"A password has {SHORTEST} to {LONGEST} characters and is not the name. Choose a longer one, such as four words.")
    return password


def _unknown(name: str) -> str:
    return f"There is no user {name!r}. List them with: advisor users list"
