"""A question that is kept and not yet answered, and whose turn it is.

The number of a question is the order in which it was accepted, within one conversation. A question is answered when all
before it have ended. Whoever answers it holds a lease that a thread renews; where the holder was killed, the lease is
over at once on the same machine, and after `LEASE` seconds for other machines. What was being answered then stays as a
question that has failed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Engine, text

from advisor.database import reading, writing
from advisor.errors import AdvisorError, StorageError
from advisor.record import record_of
from advisor.server import is_server
from advisor.types import Exchange, Turn

log = logging.getLogger(__name__)

REMEMBERED = 12  # turns that a follow-up can lean on
LEASE = 30.0  # seconds for which a holder that cannot be looked at is taken to be alive
TICK = 0.3  # seconds between two looks at which leases to renew
LONGEST = 900.0  # seconds after which a question that was never ended no longer holds up the next
INTERRUPTED = "The advisor was stopped before it had answered. Ask again."
FAULT = "Something went wrong in the advisor itself. Ask again."
_HERE = "owner = :owner AND conversation_id = :conversation"


def now_in(engine: Engine) -> str:
    """The database's own clock as SQL, in seconds: machines that share it may differ."""
    if is_server(engine):
        return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) AS DOUBLE PRECISION)"
    return "((julianday('now') - 2440587.5) * 86400.0)"


def accept(connection: Connection, row: dict[str, Any]) -> tuple[int, bool]:
    """Writes a question down, in the caller's transaction; gives its number, and whether it is the first of its conversation."""
    now = now_in(connection.engine)
    columns = "id, owner, conversation_id, created, status, question, holder, lease"
    values = f":id, :owner, :conversation, :now, 'pending', :question, :holder, {now} + {LEASE}"
    connection.execute(text(f"INSERT INTO turns ({columns}) VALUES ({values})"), {**row, "holder": holder()})
    before = f"SELECT 1 FROM turns b WHERE b.{_HERE.replace('AND ', 'AND b.')} AND b.number < turns.number"
    number, follows = connection.execute(text(f"SELECT number, EXISTS ({before}) FROM turns WHERE id = :id"), row).one()
    return int(number), not follows


def exchanges(connection: Connection, owner: str, conversation: str, before: int | None = None) -> list[Exchange]:
    """The last turns of a conversation that were answered, oldest first."""
    query = f"SELECT question, query, answer, outcome FROM turns WHERE {_HERE} AND record IS NOT NULL"
    if before is not None:
        query += f" AND number < {before:d}"
    rows = connection.execute(text(f"{query} ORDER BY number DESC LIMIT {REMEMBERED}"), {"owner": owner, "conversation": conversation})
    return [Exchange(question, asked, answer, outcome) for question, asked, answer, outcome in reversed(rows.all())]


def is_alive(holder: str | None, lease: float | None, now: float) -> bool:
    """Whether somebody may still be answering."""
    return lease is not None and lease > now and not _is_dead(holder or "")


class Pending:
    """A question of which the answer is being worked on; leaving its `with` block without an answer ends it, too."""

    def __init__(
        self, engine: Engine, ident: str, number: int, owner: str, conversation: str, clock: Callable[[], float], *, first: bool = False
    ) -> None:
        self.id = ident
        self.number = number
        self._engine = engine
        self._first = first  # of its conversation, so that nothing is to be waited for or read
        self._clock = clock
        self._place = {"owner": owner, "conversation": conversation}
        self._ended = threading.Event()
        now = time.monotonic()
        self._due, self._until = now + LEASE / 3, now + LONGEST
        _LEASES.add(self)

    def history(self) -> list[Exchange]:
        """What was said before in this conversation; waits until the questions before this one have ended."""
        if self._first:
            return []
        pause = 0.002
        while not self._is_next():
            time.sleep(pause)
            pause = min(pause * 1.5, 0.05)
        with reading(self._engine) as connection:
            return exchanges(connection, self._place["owner"], self._place["conversation"], self.number)

    def keep(self, turn: Turn) -> None:
        """Writes the answer to the disk; it is there when this returns, unless the conversation was deleted meanwhile."""
        self._end("done", turn)

    def stop(self, turn: Turn | None = None) -> None:
        """Ends a question that is no longer wanted, with what was said so far."""
        self._end("stopped", turn)

    def fail(self, why: str) -> None:
        """Ends a question that cannot be answered, with a line for people."""
        self._end("failed", None, why)

    def __enter__(self) -> Pending:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._ended.is_set():
            return
        with suppress(StorageError):  # the first fault is the one to tell; the lease runs out
            if error is None or isinstance(error, (GeneratorExit, KeyboardInterrupt)):
                self.stop()
            else:
                self.fail(str(error) if isinstance(error, AdvisorError) else FAULT)

    def _end(self, status: str, turn: Turn | None, fault: str | None = None) -> None:
        self._ended.set()
        row: dict[str, Any] = {"status": status, "fault": fault, "id": self.id}
        if turn is not None:
            said = {"query": turn.query, "outcome": turn.outcome, "answer": turn.answer.text, "record": json.dumps(record_of(turn))}
            row |= {key: value.replace("\0", "") for key, value in said.items()} | {"id": turn.id}
        setting = ", ".join(f"{name} = :{name}" for name in row)
        with writing(self._engine) as connection:
            # The conversation first, as whoever asks or deletes does: two who wait for each other would wait for ever.
            updated = f"UPDATE conversations SET updated = :now WHERE {_HERE.replace('conversation_id', 'id')}"
            connection.execute(text(updated), {**self._place, "now": self._clock()})
            ended = text(f"UPDATE turns SET {setting}, holder = NULL, lease = NULL WHERE number = :number AND status <> 'done'")
            if not connection.execute(ended, {**row, "number": self.number}).rowcount:
                log.info("a conversation was deleted while a question in it was answered")

    def _is_next(self) -> bool:
        query = f"SELECT number, holder, lease, {now_in(self._engine)} FROM turns WHERE {_HERE} AND status = 'pending' AND number < :number"
        with reading(self._engine) as connection:
            before = connection.execute(text(query), {**self._place, "number": self.number}).all()
        gone = [number for number, *held in before if not is_alive(*held)]
        for number in gone:
            lost = "UPDATE turns SET status = 'failed', fault = :fault, holder = NULL WHERE number = :number AND status = 'pending'"
            with writing(self._engine) as connection:
                connection.execute(text(lost), {"number": number, "fault": INTERRUPTED})
        return len(gone) == len(before)

    @property
    def is_held(self) -> bool:
        """Whether somebody still answers it, and not for longer than anybody would."""
        return not self._ended.is_set() and time.monotonic() < self._until

    def renew(self) -> None:
        """Holds on to the question for another while, if it is time for that."""
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + LEASE / 3
        renewed = f"UPDATE turns SET lease = {now_in(self._engine)} + {LEASE} WHERE number = :number AND status = 'pending'"
        try:
            with writing(self._engine) as connection:
                connection.execute(text(renewed), {"number": self.number})
        except StorageError as error:
            log.warning("%s", error)


class _Leases:
    """Renews all leases of this process in one thread, as long as there are any; a thread for each took part of its question's time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held: list[Pending] = []
        self._thread: threading.Thread | None = None

    def add(self, pending: Pending) -> None:
        with self._lock:
            self._held.append(pending)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._renew, name="leases", daemon=True)
                self._thread.start()

    def _renew(self) -> None:
        while held := self._still_held():
            for pending in held:
                try:
                    pending.renew()
                except Exception:  # whatever it is, the others go on
                    log.exception("the lease of a question could not be renewed")

    def _still_held(self) -> list[Pending]:
        """Those that are held after a while; where there are none, the thread that asked ends."""
        time.sleep(TICK)
        with self._lock:
            self._held = [pending for pending in self._held if pending.is_held]
            if not self._held:
                self._thread = None
            return list(self._held)


_LEASES = _Leases()


def holder() -> str:
    """This process, by a name that others can see is dead."""
    return f"{_machine()}:{os.getpid()}"


@lru_cache
def _machine() -> str:
    """Where process numbers mean the same: one machine, since it was started, and one container on it."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:16]


def _is_dead(holder: str) -> bool:
    machine, _, process = holder.partition(":")
    if os.name != "posix" or machine != _machine() or not process.isdigit():
        return False
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return True
    except OSError:  # another user's
        return False
    with suppress(OSError):  # killed, and its parent has not looked yet
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    return False
