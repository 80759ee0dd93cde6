"""One person, one memory: somebody in a messenger proves with a one-time code to be a user of the web page.

Until then each has rows of their own. From then on what is asked in the messenger belongs to the web user, and so does
what was asked there before.
"""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine, text

from advisor.codes import Codes
from advisor.config import Settings
from advisor.database import open_database, reading, writing
from advisor.errors import LinkFault
from advisor.server import open_server

GOOD_FOR = 600.0  # seconds that a code can be used
WINDOW = 900.0  # seconds in which wrong codes are counted
TRIES, ALL_TRIES = 5, 200  # wrong codes in that time: of one person, and of all together
_SIGNS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # without those that are mistaken for others
_LENGTH = 10  # 50 bits: at 200 tries a window nobody guesses one
_MISREAD = str.maketrans("OIL", "011")


class Links:
    """Which members of messengers are which users; a member is named as its owner is, `slack:TEAM:USER`."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.clock = clock
        self._codes = Codes(engine, "link", GOOD_FOR, clock)

    def create(self, owner: str) -> str:
        """A code by which a member becomes this owner, once and soon; the owner's code before it is good no more."""
        if not owner or owner.startswith("slack:"):
            raise LinkFault(f"{owner!r} cannot be linked. Give the owner of a web user or key, such as user:NAME or key:NAME.")
        code = "".join(secrets.choice(_SIGNS) for _ in range(_LENGTH))
        self._codes.keep(code, owner, alone=True)
        return f"{code[:5]}-{code[5:]}"

    def redeem(self, code: str, member: str) -> int:
        """Makes a member the owner that a code stands for; gives how many conversations that owner has got by it.

        Raises `LinkFault` for a code that is none, and for any after too many of those.
        """
        plain = "".join(c for c in code.upper() if c.isalnum()).translate(_MISREAD)
        with writing(self.engine) as connection:
            wait = self._wait(connection, member)
            owner = self._codes.use_in(connection, plain) if not wait else None
            moved = 0
            if owner is not None:
                linked = """INSERT INTO links (member, owner, created) VALUES (:member, :owner, :now)
                            ON CONFLICT (member) DO UPDATE SET owner = excluded.owner, created = excluded.created"""
                connection.execute(text(linked), {"member": member, "owner": owner, "now": self.clock()})
                connection.execute(text("DELETE FROM link_tries WHERE member = :member"), {"member": member})
                moved = _move(connection, member, owner)
            elif not wait:
                tried = "INSERT INTO link_tries (member, created) VALUES (:member, :now)"
                connection.execute(text(tried), {"member": member, "now": self.clock()})
        if wait:
            raise LinkFault(f"Too many codes were wrong. Try again in {wait} minute{'' if wait == 1 else 's'}.")
        if owner is None:
            raise LinkFault("This code is wrong, was used, or is older than ten minutes. Make a new one and send it as it is shown.")
        return moved

    def unlink(self, member: str) -> bool:
        """Gives a member rows of their own again, empty ones; False where there was no link."""
        with writing(self.engine) as connection:
            return bool(connection.execute(text("DELETE FROM links WHERE member = :member"), {"member": member}).rowcount)

    def owner(self, member: str) -> str:
        """Whose rows are a member's: those of the user they are linked with, else their own."""
        with reading(self.engine) as connection:
            found = connection.execute(text("SELECT owner FROM links WHERE member = :member"), {"member": member}).scalar()
        return str(found) if found is not None else member

    def members(self, owner: str) -> list[str]:
        """The members that are linked with an owner."""
        with reading(self.engine) as connection:
            rows = connection.execute(text("SELECT member FROM links WHERE owner = :owner ORDER BY member"), {"owner": owner})
            return [str(member) for member in rows.scalars()]

    def close(self) -> None:
        self.engine.dispose()

    def _wait(self, connection: Connection, member: str) -> int:
        """Minutes until the next code is looked at; 0 where it is now."""
        now = self.clock()
        connection.execute(text("DELETE FROM link_tries WHERE created < :cut"), {"cut": now - WINDOW})
        for most, where in ((TRIES, "WHERE member = :member"), (ALL_TRIES, "")):
            tries = connection.execute(text(f"SELECT count(*), min(created) FROM link_tries {where}"), {"member": member} if where else {})
            count, first = tries.one()
            if count >= most:
                return max(1, math.ceil((float(first) + WINDOW - now) / 60))
        return 0


def open_links(settings: Settings) -> Links:
    """The links, where the settings have the chats."""
    return Links(open_database(settings.file) if settings.database == "sqlite" else open_server(settings.database))


def _move(connection: Connection, member: str, owner: str) -> int:
    """Gives all that was a member's to an owner, in the caller's transaction."""
    given = {"old": member, "new": owner}
    # The conversations first, as whoever asks does: two who wait for each other would wait for ever.
    copied = """INSERT INTO conversations (owner, id, title, created, updated)
                SELECT :new, id, title, created, updated FROM conversations WHERE owner = :old ON CONFLICT (owner, id) DO NOTHING"""
    moved = connection.execute(text(copied), given).rowcount
    connection.execute(text("UPDATE turns SET owner = :new WHERE owner = :old"), given)
    connection.execute(text("UPDATE replies SET owner = :new WHERE owner = :old"), given)
    connection.execute(text("DELETE FROM conversations WHERE owner = :old"), {"old": member})
    return int(moved)
