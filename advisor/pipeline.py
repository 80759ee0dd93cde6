"""Advisor: one question, one pass. Read this file first.

question ─ condense (with history) ─ retrieve ─ draft ─ check citations ─ Turn
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from advisor.citations import assemble, checked, written
from advisor.errors import QuestionError
from advisor.types import Answerer, Exchange, Passage, Progress, Retriever, Turn, Verifier


class Store(Protocol):
    """Keeps conversations; a turn is kept before it is shown as done."""

    def history(self, conversation: str) -> list[Exchange]: ...

    def keep(self, turn: Turn) -> None: ...


@dataclass
class Advisor:
    """Answers questions from guidance, every statement with a citation that was checked."""

    retriever: Callable[[], Retriever]
    answerer: Callable[[], Answerer]
    verifier: Verifier
    store: Store
    declined: str
    passages: int = 12
    longest: int = 4000

    @classmethod
    def open(cls) -> Advisor:
        """The advisor as the environment sets it up; builds the index of the shipped corpus if there is none."""
        from advisor.assemble import open_advisor

        return open_advisor()

    def ask(self, question: str, conversation: str | None = None) -> Turn:
        """Answers, or declines, one question; raises `QuestionError` for one that is empty or too long."""
        return next(step for step in self.stream(question, conversation) if isinstance(step, Turn))

    def stream(self, question: str, conversation: str | None = None) -> Iterator[Progress | str | Turn]:
        """Progress, then the parts of the answer as they pass the check, then the turn."""
        question, started, timings = self._taken(question), time.perf_counter(), {}
        conversation = conversation or uuid.uuid4().hex
        retriever, answerer = self.retriever(), self.answerer()
        query = answerer.condense(question, self.store.history(conversation))
        timings["condense"] = time.perf_counter() - started
        yield Progress("retrieve", f"Searching for: {query}")
        mark = time.perf_counter()
        passages: tuple[Passage, ...] = tuple(retriever.search(query, self.passages))
        timings["retrieve"] = time.perf_counter() - mark
        yield Progress("draft", f"Reading {len(passages)} passages")
        mark = time.perf_counter()
        draft = answerer.draft(question, query, passages)
        timings["draft"] = time.perf_counter() - mark
        mark, pieces = time.perf_counter(), []
        for part, citations in checked(draft, passages, self.verifier):
            pieces.append((part, citations))
            yield written(part, citations)
        answer = assemble(draft, pieces, self.declined)
        timings["check"] = time.perf_counter() - mark
        timings["total"] = time.perf_counter() - started
        turn = Turn(uuid.uuid4().hex, conversation, question, query, passages, draft, answer, draft.model, timings)
        self.store.keep(turn)
        yield turn

    def _taken(self, question: str) -> str:
        taken = "".join(c for c in question if c.isprintable() or c in "\n\t").strip()
        if not any(c.isalnum() for c in taken):
            raise QuestionError("The question is empty or holds no words. Ask in a sentence or a few words.")
        if len(taken) > self.longest:
            raise QuestionError(f"The question has {len(taken)} characters; {self.longest} are the most. Shorten it.")
        return taken
