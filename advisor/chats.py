"""Conversations and their turns, in the database; a turn is kept before it is called done."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sqlalchemy import Engine, text

from advisor.database import reading, writing
from advisor.render import as_json
from advisor.types import Exchange, Turn

REMEMBERED = 12  # turns that a follow-up can lean on


class ChatStore:
    """Keeps every turn of every conversation until it is deleted."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def history(self, conversation: str) -> list[Exchange]:
        """The last turns of a conversation, oldest first; none for one that does not exist."""
        query = "SELECT record FROM turns WHERE conversation_id = :c ORDER BY number DESC LIMIT :n"
        with reading(self.engine) as connection:
            records = connection.execute(text(query), {"c": conversation, "n": REMEMBERED}).scalars().all()
        turns = [json.loads(r) for r in reversed(records)]
        return [Exchange(t["question"], t["query"], t["text"], t["outcome"]) for t in turns]

    def keep(self, turn: Turn) -> None:
        """Writes a turn and its conversation to the disk; both are there when this returns."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        with writing(self.engine) as connection:
            connection.execute(text("INSERT OR IGNORE INTO conversations VALUES (:c, :t)"), {"c": turn.conversation, "t": now})
            connection.execute(
                text("INSERT INTO turns (id, conversation_id, created, record) VALUES (:i, :c, :t, :r)"),
                {"i": turn.id, "c": turn.conversation, "t": now, "r": json.dumps(as_json(turn))},
            )


class ForgetfulStore:
    """Keeps conversations in memory only, for evaluations and read-only homes."""

    def __init__(self) -> None:
        self._turns: dict[str, list[Exchange]] = {}

    def history(self, conversation: str) -> list[Exchange]:
        return self._turns.get(conversation, [])[-REMEMBERED:]

    def keep(self, turn: Turn) -> None:
        exchange = Exchange(turn.question, turn.query, turn.answer.text, turn.outcome)
        self._turns.setdefault(turn.conversation, []).append(exchange)
