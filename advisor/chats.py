"""Conversations, their turns and feedback, in the database; a question is kept before it is answered.

Everything belongs to an owner, '' on one's own machine, and nothing is read or changed but by its owner.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, text

from advisor.config import Settings
from advisor.database import finish_scrub, open_database, plan_scrub, reading, scrub_due, writing
from advisor.errors import QuestionError, StorageError, UnknownConversation
from advisor.pending import INTERRUPTED, Pending, accept, exchanges, is_alive, now_in
from advisor.record import turn_of
from advisor.server import open_server
from advisor.types import Exchange, Turn

log = logging.getLogger(__name__)

LONGEST_NAME = 200  # characters in the name of a conversation or an owner
LONGEST_TITLE = 80
DAY = 86_400.0
HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation as it is listed; times in seconds since 1970."""

    id: str
    owner: str
    title: str
    created: float
    updated: float
    turns: int

    @property
    def cursor(self) -> tuple[float, str]:
        """What `before` takes to list those that come after this one."""
        return self.updated, self.id


@dataclass(frozen=True, slots=True)
class Entry:
    """A question with what became of it: `pending`, `done`, `stopped` or `failed`; thumb is 1, -1 or 0."""

    id: str
    question: str
    status: str
    created: float
    turn: Turn | None
    fault: str = ""
    thumb: int = 0
    reason: str = ""


class ChatStore:
    """Keeps every question and answer of every conversation, until it is deleted or its time is up.

    `retention` is in days, 0 for ever; what is too old goes when the store opens, and every hour while it is used.
    """

    def __init__(self, engine: Engine, retention: int = 0, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.retention = retention
        self.clock = clock
        self.expired = 0  # conversations that went since it was opened
        self._keep_house()

    def begin(self, conversation: str, question: str, owner: str = "") -> Pending:
        """Writes a question to the disk; it is there, with its number, when this returns.

        Raises `QuestionError` for a name that cannot be one.
        """
        for what, name in (("conversation", conversation), ("owner", owner)):
            if len(name) > LONGEST_NAME or not name.isprintable() or not (name or what == "owner"):
                raise QuestionError(f"A name of {len(name)} characters cannot be that of a {what}. Take 1 to {LONGEST_NAME} plain ones.")
        if self.clock() - self._expired > HOUR:
            self._keep_house()
        ident = uuid.uuid4().hex
        place = {"owner": owner, "conversation": conversation, "now": self.clock()}
        with writing(self.engine) as connection:
            connection.execute(
                text(
                    """INSERT INTO conversations (owner, id, title, created, updated) VALUES (:owner, :conversation, :title, :now, :now)
                       ON CONFLICT (owner, id) DO UPDATE SET updated = excluded.updated"""
                ),
                {**place, "title": shortened(question)},
            )
            number, first = accept(connection, {**place, "id": ident, "question": question})
        return Pending(self.engine, ident, number, owner, conversation, self.clock, first=first)

    def history(self, conversation: str, owner: str = "") -> list[Exchange]:
        """The last turns of a conversation, oldest first; none for one that does not exist."""
        with reading(self.engine) as connection:
            return exchanges(connection, owner, conversation)

    def conversations(
        self, owner: str = "", search: str = "", limit: int = 50, before: tuple[float, str] | None = None
    ) -> list[Conversation]:
        """An owner's conversations, the latest first; `search` looks into titles, questions and answers."""
        where = ["c.owner = :owner"]
        given: dict[str, Any] = {"owner": owner, "limit": limit}
        if before is not None:
            where.append("(c.updated, c.id) < (:updated, :id)")
            given |= {"updated": before[0], "id": before[1]}
        if search:
            found = "lower({}) LIKE lower(:search) ESCAPE '!'"
            said = f"SELECT 1 FROM turns t WHERE {_OF} AND ({found.format('t.question')} OR {found.format('t.answer')})"
            where.append(f"({found.format('c.title')} OR EXISTS ({said}))")
            given["search"] = f"%{search.replace('!', '!!').replace('%', '!%').replace('_', '!_')}%"
        query = f"SELECT {_LISTED} FROM conversations c WHERE {' AND '.join(where)} ORDER BY c.updated DESC, c.id DESC LIMIT :limit"
        with reading(self.engine) as connection:
            return [Conversation(*row) for row in connection.execute(text(query), given)]

    def find(self, prefix: str, owner: str = "") -> Conversation:
        """The conversation of this name, or the only one whose name begins so; raises `UnknownConversation`."""
        query = f"SELECT {_LISTED} FROM conversations c WHERE c.owner = :owner AND substr(c.id, 1, :length) = :prefix ORDER BY c.id LIMIT 4"
        with reading(self.engine) as connection:
            rows = connection.execute(text(query), {"owner": owner, "prefix": prefix, "length": len(prefix)})
            found = [Conversation(*row) for row in rows]
        exact = [c for c in found if c.id == prefix] or found
        if not found or not prefix:
            raise UnknownConversation(f"There is no conversation {prefix!r}. List them with: advisor chats list")
        if len(exact) > 1:
            raise UnknownConversation(f"Several conversations begin with {prefix!r}: {', '.join(c.id for c in found)}. Give more of it.")
        return exact[0]

    def turns(self, conversation: str, owner: str = "") -> list[Entry]:
        """All questions of a conversation in order, with their answers as they were given."""
        query = f"""SELECT t.id, t.question, t.status, t.created, t.record, t.fault, f.thumb, f.reason,
                    t.holder, t.lease, {now_in(self.engine)} FROM turns t LEFT JOIN feedback f ON f.turn_id = t.id
                    WHERE t.owner = :owner AND t.conversation_id = :conversation ORDER BY t.number"""
        with reading(self.engine) as connection:
            rows = connection.execute(text(query), {"owner": owner, "conversation": conversation}).all()
        return [_entry(*row) for row in rows]

    def rename(self, conversation: str, title: str, owner: str = "") -> None:
        """Gives a conversation another title."""
        title = " ".join("".join(c for c in title if c.isprintable() or c.isspace()).split())
        if not title or len(title) > LONGEST_NAME:
            raise QuestionError(f"A title has 1 to {LONGEST_NAME} characters; this one has {len(title)}.")
        self._change("UPDATE conversations SET title = :title WHERE owner = :owner AND id = :id", conversation, owner, title=title)

    def feedback(self, turn: str, thumb: int, reason: str = "", owner: str = "") -> None:
        """Notes what the owner thinks of an answer: 1, -1, or 0 to take it back."""
        if thumb not in (-1, 0, 1):
            raise QuestionError(f"A thumb is 1, -1 or 0, not {thumb}.")
        with writing(self.engine) as connection:
            mine = text("SELECT 1 FROM turns WHERE id = :turn AND owner = :owner")
            if connection.execute(mine, {"turn": turn, "owner": owner}).first() is None:
                raise UnknownConversation(f"There is no turn {turn!r}. The JSON of an answer has its id.")
            connection.execute(text("DELETE FROM feedback WHERE turn_id = :turn"), {"turn": turn})
            if thumb:
                kept = text("INSERT INTO feedback (turn_id, created, thumb, reason) VALUES (:turn, :now, :thumb, :reason)")
                connection.execute(kept, {"turn": turn, "now": self.clock(), "thumb": thumb, "reason": reason.replace("\0", "")})

    def delete(self, conversation: str, owner: str = "") -> None:
        """Deletes a conversation for good: its bytes too, see `advisor.database.scrub`."""
        self._change("DELETE FROM conversations WHERE owner = :owner AND id = :id", conversation, owner, scrubbed=True)
        finish_scrub(self.engine)

    def delete_all(self, owner: str = "") -> int:
        """Deletes all conversations of an owner for good; gives their number."""
        return self._delete("owner = :owner", {"owner": owner})

    def expire(self, now: float | None = None) -> int:
        """Deletes for good the conversations in which nothing was said for as many days as are kept; gives their number.

        Documents go with them where their owner has asked nothing for as long.
        """
        if not self.retention:
            return 0
        cut = {"cut": (self.clock() if now is None else now) - self.retention * DAY}
        with reading(self.engine) as connection:
            old = f"SELECT 1 FROM conversations WHERE updated < :cut UNION ALL SELECT 1 FROM uploads WHERE {_SILENT} LIMIT 1"
            if connection.execute(text(old), cut).first() is None:
                return 0
        expired = self._delete("updated < :cut", cut)
        self._delete(_SILENT, cut, "uploads")
        self.expired += expired
        return expired

    def counts(self) -> tuple[int, int]:
        """How many conversations and turns there are, of all owners."""
        with reading(self.engine) as connection:
            query = "SELECT (SELECT count(*) FROM conversations), (SELECT count(*) FROM turns)"
            conversations, turns = connection.execute(text(query)).one()
        return int(conversations), int(turns)

    def close(self) -> None:
        self.engine.dispose()

    def _keep_house(self) -> None:
        self._expired = self.clock()
        try:
            self.expire()
            scrub_due(self.engine)
        except StorageError as error:  # a full disk, say: what is kept can still be read
            log.warning("%s", error)

    def _change(self, statement: str, conversation: str, owner: str, *, scrubbed: bool = False, **more: str) -> None:
        with writing(self.engine) as connection:
            if not connection.execute(text(statement), {"owner": owner, "id": conversation, **more}).rowcount:
                raise UnknownConversation(f"There is no conversation {conversation!r}. List them with: advisor chats list")
            if scrubbed:
                plan_scrub(connection, self.clock())

    def _delete(self, where: str, given: dict[str, Any], table: str = "conversations") -> int:
        with writing(self.engine) as connection:
            deleted = connection.execute(text(f"DELETE FROM {table} WHERE {where}"), given).rowcount
            if deleted:
                plan_scrub(connection, self.clock())
        if deleted:
            finish_scrub(self.engine)
        return int(deleted)


_OF = "t.owner = c.owner AND t.conversation_id = c.id"
# What somebody brought goes when they have asked nothing for as long.
_SILENT = "added < :cut AND NOT EXISTS (SELECT 1 FROM conversations c WHERE c.owner = uploads.owner AND c.updated >= :cut)"
_LISTED = f"c.id, c.owner, c.title, c.created, c.updated, (SELECT count(*) FROM turns t WHERE {_OF})"


def _entry(
    ident: str, question: str, status: str, created: float, record: str | None, fault: str | None, thumb: int | None, reason: str | None,
    holder: str | None, lease: float | None, now: float,
) -> Entry:  # fmt: skip
    if status == "pending" and not is_alive(holder, lease, now):
        status, fault = "failed", INTERRUPTED
    return Entry(ident, question, status, created, turn_of(json.loads(record)) if record else None, fault or "", thumb or 0, reason or "")


def open_chats(settings: Settings, engine: Engine | None = None) -> ChatStore:
    """The conversations, where the settings have them; `engine` is that of the local file where it is open already."""
    where = (engine or open_database(settings.file)) if settings.database == "sqlite" else open_server(settings.database)
    return ChatStore(where, settings.retention_days)


def shortened(question: str) -> str:
    """A question as a title: one line, cut between words."""
    line = " ".join(question.split())
    if len(line) <= LONGEST_TITLE:
        return line
    return line[: LONGEST_TITLE - 1].rsplit(" ", 1)[0].rstrip(" ,;:.-") + "…"
