"""Advisor: one question, one pass. Read this file first.

question ─ condense (with history) ─ retrieve ─ draft ─ check citations ─ Turn
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol

from advisor.citations import assemble, checked, written
from advisor.errors import QuestionError
from advisor.types import Answerer, Exchange, Passage, Progress, Retriever, Turn, Verifier


class Pending(Protocol):
    """A question that is kept and not answered yet; leaving its `with` block ends it, in whatever way."""

    id: str

    def history(self) -> list[Exchange]: ...

    def keep(self, turn: Turn) -> None: ...

    def __enter__(self) -> Pending: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


class Store(Protocol):
    """Keeps conversations: a question before it is answered, a turn before it is shown as done."""

    def begin(self, conversation: str, question: str, owner: str = "") -> Pending: ...


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

    def ask(self, question: str, conversation: str | None = None, owner: str = "") -> Turn:
        """Answers, or declines, one question; raises `QuestionError` for one that is empty or too long."""
        return next(step for step in self.stream(question, conversation, owner) if isinstance(step, Turn))

    def stream(self, question: str, conversation: str | None = None, owner: str = "") -> Iterator[Progress | str | Turn]:
        """Progress, then the parts of the answer as they pass the check, then the turn.

        Questions of one conversation are answered one after the other: finish this, or close it, before the next is due.
        """
        question, conversation = self._taken(question), conversation or uuid.uuid4().hex
        with self.store.begin(conversation, question, owner) as pending:
            yield from self._answer(question, conversation, pending)

    def _answer(self, question: str, conversation: str, pending: Pending) -> Iterator[Progress | str | Turn]:
        started, timings = time.perf_counter(), {}
        retriever, answerer = self.retriever(), self.answerer()
        query = answerer.condense(question, pending.history())
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
        turn = Turn(pending.id, conversation, question, query, passages, draft, answer, draft.model, timings)
        pending.keep(turn)
        yield turn

    def _taken(self, question: str) -> str:
        taken = "".join(c for c in question if c.isprintable() or c in "\n\t").strip()
        if not any(c.isalnum() for c in taken):
            raise QuestionError("The question is empty or holds no words. Ask in a sentence or a few words.")
        if len(taken) > self.longest:
            raise QuestionError(f"The question has {len(taken)} characters; {self.longest} are the most. Shorten it.")
        return taken
