"""Codes that are good once and for a short while; of a code only a digest is kept."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable

from sqlalchemy import Connection, Engine, text

from advisor.database import writing


class Codes:
    """Codes for one purpose, each standing for a subject until it is used or its time is up."""

    def __init__(self, engine: Engine, purpose: str, seconds: float, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.purpose = purpose
        self.seconds = seconds
        self.clock = clock

    def keep(self, code: str, subject: str, *, alone: bool = False) -> None:
        """Lets a code stand for a subject from now on; `alone` ends the others that do."""
        now = self.clock()
        row = {"digest": self._digest(code), "purpose": self.purpose, "subject": subject, "expires": now + self.seconds}
        with writing(self.engine) as connection:
            connection.execute(text("DELETE FROM codes WHERE expires < :now"), {"now": now})
            if alone:
                others = "DELETE FROM codes WHERE purpose = :purpose AND subject = :subject"
                connection.execute(text(others), {"purpose": self.purpose, "subject": subject})
            kept = "INSERT INTO codes (digest, purpose, subject, expires) VALUES (:digest, :purpose, :subject, :expires)"
            connection.execute(text(kept), row)

    def use(self, code: str) -> str | None:
        """What a code stands for, once; None for one that is wrong, was used, or is too old."""
        with writing(self.engine) as connection:
            return self.use_in(connection, code)

    def use_in(self, connection: Connection, code: str) -> str | None:
        """The same within a transaction of the caller's: what is undone there leaves the code unused."""
        given = {"digest": self._digest(code), "now": self.clock()}
        found = connection.execute(text("SELECT subject FROM codes WHERE digest = :digest AND expires >= :now"), given).scalar()
        # Of two who come at once, one deletes it.
        gone = connection.execute(text("DELETE FROM codes WHERE digest = :digest"), {"digest": given["digest"]}).rowcount
        return str(found) if found is not None and gone else None

    def _digest(self, code: str) -> str:
        return hashlib.sha256(f"{self.purpose}:{code}".encode("utf-8", "replace")).hexdigest()
