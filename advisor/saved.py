"""Answers that people have saved to find them again; they go with the conversation they belong to."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, text

from advisor.database import reading, writing
from advisor.errors import UnknownConversation


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved answer as it is listed: the turn it is in, and what was asked."""

    turn: str
    conversation: str
    question: str
    saved: float


class SavedAnswers:
    """Keeps which answers an owner has saved; nobody can save, see or remove another's."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.clock = clock

    def save(self, turn: str, owner: str = "") -> None:
        """Saves an answer, once however often; raises `UnknownConversation` for one that is not there or another's."""
        with writing(self.engine) as connection:
            mine = text("SELECT 1 FROM turns WHERE id = :turn AND owner = :owner AND record IS NOT NULL")
            if connection.execute(mine, {"turn": turn, "owner": owner}).first() is None:
                raise UnknownConversation(f"There is no answer {turn!r}. It was deleted, or is another's.")
            kept = "INSERT INTO saved (turn_id, created) VALUES (:turn, :now) ON CONFLICT (turn_id) DO NOTHING"
            connection.execute(text(kept), {"turn": turn, "now": self.clock()})

    def remove(self, turn: str, owner: str = "") -> bool:
        """Takes an answer off the list, its conversation stays; False where it was not on it."""
        gone = "DELETE FROM saved WHERE turn_id = :turn AND EXISTS (SELECT 1 FROM turns t WHERE t.id = :turn AND t.owner = :owner)"
        with writing(self.engine) as connection:
            return bool(connection.execute(text(gone), {"turn": turn, "owner": owner}).rowcount)

    def listed(self, owner: str = "", limit: int = 50) -> list[Saved]:
        """An owner's saved answers, the latest first."""
        query = """SELECT t.id, t.conversation_id, t.question, s.created FROM saved s JOIN turns t ON t.id = s.turn_id
                   WHERE t.owner = :owner ORDER BY s.created DESC, t.number DESC LIMIT :limit"""
        with reading(self.engine) as connection:
            return [Saved(*row) for row in connection.execute(text(query), {"owner": owner, "limit": limit})]
