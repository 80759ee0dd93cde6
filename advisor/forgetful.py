"""Conversations in memory only, for evaluations and read-only homes."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from advisor.pending import REMEMBERED
from advisor.types import Exchange, Turn


class ForgetfulStore:
    """Remembers conversations for as long as it lives."""

    def __init__(self) -> None:
        self._turns: dict[tuple[str, str], list[Exchange]] = {}

    def begin(self, conversation: str, question: str, owner: str = "") -> Forgotten:
        return Forgotten(self, conversation, owner)

    def history(self, conversation: str, owner: str = "") -> list[Exchange]:
        return self._turns.get((owner, conversation), [])[-REMEMBERED:]

    def keep(self, turn: Turn, owner: str = "") -> None:
        exchange = Exchange(turn.question, turn.query, turn.answer.text, turn.outcome)
        self._turns.setdefault((owner, turn.conversation), []).append(exchange)


class GivenStore(ForgetfulStore):
    """One question with the history that its asker brings along; nothing is kept."""

    def __init__(self, history: Sequence[Exchange]) -> None:
        super().__init__()
        self._given = list(history[-REMEMBERED:])

    def history(self, conversation: str, owner: str = "") -> list[Exchange]:
        return self._given

    def keep(self, turn: Turn, owner: str = "") -> None:
        pass


class Forgotten:
    """A question of which nothing but the answer is remembered, and that not for long."""

    def __init__(self, store: ForgetfulStore, conversation: str, owner: str) -> None:
        self.id = uuid.uuid4().hex
        self._store, self._conversation, self._owner = store, conversation, owner

    def history(self) -> list[Exchange]:
        return self._store.history(self._conversation, self._owner)

    def keep(self, turn: Turn) -> None:
        self._store.keep(turn, self._owner)

    def stop(self, turn: Turn | None = None) -> None:
        if turn is not None:
            self.keep(turn)

    def fail(self, why: str) -> None: ...

    def __enter__(self) -> Forgotten:
        return self

    def __exit__(self, *_: object) -> None: ...
