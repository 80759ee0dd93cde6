"""What a messenger delivered and what is still owed for it, in the database: across restarts and between processes.

A delivery is taken once, whoever gets it and however often. What it owes, an answer in a channel, is written down with
it and struck off when that answer is posted; where its holder died in between, another takes it over.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Engine, text

from advisor.database import reading, writing
from advisor.pending import LEASE, holder, is_alive, now_in

DAY = 86_400.0
REMEMBERED = 3 * DAY  # a delivery is repeated for an hour, or for a day where the operator has asked for that
FOLLOWED = 90 * DAY  # how long a thread is followed after its last question


@dataclass(frozen=True, slots=True)
class Owed:
    """An answer that is owed: to whom, where, and the message it is written into once that is posted.

    `digest` tells which question it is, without keeping its words; `asker` is who wrote it, whoever its rows belong to.
    """

    id: str
    owner: str
    conversation: str
    channel: str
    thread: str
    digest: str
    message: str = ""
    created: float = 0.0
    asker: str = ""

    @property
    def member(self) -> str:
        """Who asked, by the messenger's names."""
        return self.asker or self.owner


@dataclass(frozen=True, slots=True)
class Thread:
    """A thread that the advisor takes part in: who asked last, whether it was told to be quiet, the number of the topic."""

    asker: str
    quiet: bool
    topic: int


def digest(words: str) -> str:
    """A name for words that does not hold them."""
    return hashlib.sha256(words.encode("utf-8", "replace")).hexdigest()[:32]


def digest_of(question: str) -> str:
    """The same for a question as it was sent and as it is kept."""
    return digest("".join(filter(str.isalnum, question)))


_FOLLOWED = """INSERT INTO threads (id, asker, quiet, topic, updated) VALUES (:id, :asker, 0, 0, :now)
               ON CONFLICT (id) DO UPDATE SET asker = excluded.asker, quiet = 0, updated = excluded.updated"""


class Deliveries:
    """Remembers what was delivered and what is owed."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.clock = clock

    def take(self, keys: Iterable[str], owed: Owed | None = None, thread: str = "") -> bool:
        """True for the first who brings all of these keys; what is owed, and the thread to follow, are written down with them."""
        keys = sorted(set(keys))
        if self._is_known(keys):  # without waiting for those who write: most of what is repeated ends here
            return False
        fresh = True
        with writing(self.engine) as connection:
            for key in keys:  # in order: two who wait for each other would wait for ever
                insert = "INSERT INTO deliveries (id, created) VALUES (:id, :now) ON CONFLICT (id) DO NOTHING"
                fresh &= connection.execute(text(insert), {"id": key, "now": self.clock()}).rowcount == 1
            if fresh and owed is not None:
                columns = "id, created, owner, conversation, channel, thread, message, digest, asker, holder, lease"
                values = (
                    f":id, :now, :owner, :conversation, :channel, :thread, '', :digest, :member, :holder, {now_in(self.engine)} + {LEASE}"
                )
                row = {name: getattr(owed, name) for name in ("id", "owner", "conversation", "channel", "thread", "digest", "member")}
                insert = f"INSERT INTO replies ({columns}) VALUES ({values}) ON CONFLICT (id) DO NOTHING"
                connection.execute(text(insert), {**row, "now": self.clock(), "holder": holder()})
            if fresh and owed is not None and thread:
                connection.execute(text(_FOLLOWED), {"id": thread, "asker": owed.member, "now": self.clock()})
        return fresh

    def posted(self, ident: str, channel: str, message: str) -> None:
        """Notes the message that the answer is written into."""
        self._write("UPDATE replies SET message = :message, channel = :channel WHERE id = :id", id=ident, channel=channel, message=message)

    def done(self, ident: str) -> None:
        """Strikes off what was answered."""
        self._write("DELETE FROM replies WHERE id = :id", id=ident)

    def release(self, ident: str) -> None:
        """Leaves an answer that could not be posted to whoever looks next."""
        self._write("UPDATE replies SET holder = NULL, lease = NULL WHERE id = :id", id=ident)

    def renew(self, idents: Iterable[str]) -> None:
        """Says that these are still being worked on."""
        with writing(self.engine) as connection:
            for ident in idents:
                renewed = f"UPDATE replies SET lease = {now_in(self.engine)} + {LEASE} WHERE id = :id"
                connection.execute(text(renewed), {"id": ident})

    def abandoned(self, within: str = "") -> list[Owed]:
        """Takes over what is owed and has nobody working on it, in the conversations whose names begin so; each goes to one caller."""
        columns = "id, owner, conversation, channel, thread, digest, message, created, asker"
        with reading(self.engine) as connection:
            query = f"""SELECT {columns}, holder, lease, {now_in(self.engine)} FROM replies
                        WHERE substr(conversation, 1, :n) = :within ORDER BY created"""
            rows = connection.execute(text(query), {"n": len(within), "within": within}).all()
        found = []
        for *fields, held, lease, now in rows:
            if held is not None and is_alive(held, lease, now):
                continue
            taken = f"""UPDATE replies SET holder = :me, lease = {now_in(self.engine)} + {LEASE} WHERE id = :id
                        AND coalesce(holder, '') = :held AND coalesce(lease, 0) = :lease"""
            with writing(self.engine) as connection:
                given = {"me": holder(), "id": fields[0], "held": held or "", "lease": lease or 0}
                if connection.execute(text(taken), given).rowcount:
                    found.append(Owed(*fields))
        return found

    def teams(self) -> list[str]:
        """The workspaces in which an answer is owed."""
        with reading(self.engine) as connection:
            found = connection.execute(text("SELECT DISTINCT conversation FROM replies")).scalars().all()
        return sorted({str(name).split(":")[1] for name in found if str(name).count(":") >= 2})

    def messages(self, channel: str) -> set[str]:
        """The messages in a channel that answers are being written into."""
        with reading(self.engine) as connection:
            found = connection.execute(text("SELECT message FROM replies WHERE channel = :channel"), {"channel": channel})
            return {str(message) for message in found.scalars()}

    def thread(self, ident: str) -> Thread | None:
        """A thread that was asked in."""
        with reading(self.engine) as connection:
            row = connection.execute(text("SELECT asker, quiet, topic FROM threads WHERE id = :id"), {"id": ident}).first()
        return None if row is None else Thread(row[0], bool(row[1]), row[2])

    def quieten(self, ident: str) -> None:
        """Speaks in a thread only when asked by name, from now on."""
        self._write("UPDATE threads SET quiet = 1 WHERE id = :id", id=ident)

    def new_topic(self, ident: str) -> None:
        """Lets the next question in a thread begin a conversation of its own."""
        self._write("UPDATE threads SET topic = topic + 1 WHERE id = :id", id=ident)

    def forget(self, owner: str) -> None:
        """Deletes what is kept here of an owner, or of who asked by this name."""
        with writing(self.engine) as connection:
            connection.execute(text("DELETE FROM replies WHERE owner = :owner OR asker = :owner"), {"owner": owner})
            connection.execute(text("DELETE FROM threads WHERE asker = :owner"), {"owner": owner})

    def prune(self) -> None:
        """Deletes what can no longer be repeated."""
        with writing(self.engine) as connection:
            connection.execute(text("DELETE FROM deliveries WHERE created < :cut"), {"cut": self.clock() - REMEMBERED})
            connection.execute(text("DELETE FROM threads WHERE updated < :cut"), {"cut": self.clock() - FOLLOWED})

    def _is_known(self, keys: list[str]) -> bool:
        with reading(self.engine) as connection:
            query = text("SELECT 1 FROM deliveries WHERE id = :id")
            return any(connection.execute(query, {"id": key}).first() is not None for key in keys)

    def _write(self, statement: str, **given: object) -> None:
        with writing(self.engine) as connection:
            connection.execute(text(statement), given)
