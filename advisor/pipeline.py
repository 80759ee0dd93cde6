"""Advisor: one question, one pass. Read this file first.

question ─ condense (with history) ─ retrieve ─ draft ─ check citations ─ Turn
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Protocol

from advisor.citations import Check
from advisor.errors import QuestionError
from advisor.laps import Laps
from advisor.types import Answer, Answerer, Bit, Draft, Exchange, Progress, Retriever, Turn, Verifier

STOPPED = "Stopped before the answer was complete."


class Pending(Protocol):
    """A question that is kept and not answered yet; leaving its `with` block ends it, in whatever way."""

    id: str

    def history(self) -> list[Exchange]: ...

    def keep(self, turn: Turn) -> None: ...

    def stop(self, turn: Turn | None = None) -> None: ...

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
    own: Callable[[str, Retriever], Retriever] = lambda owner, shared: shared  # adds what an owner has uploaded
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

    def stream(self, question: str, conversation: str | None = None, owner: str = "") -> Generator[Progress | Bit | Turn, None, None]:
        """Progress, then the answer's text bit by bit as it passes the check, then the turn.

        The bits put together are the answer's text. Who closes the stream stops the turn, which is kept as stopped.
        Questions of one conversation are answered one after the other: finish this, or close it, before the next is due.
        """
        question, conversation = self.taken(question), conversation or uuid.uuid4().hex
        with self.store.begin(conversation, question, owner) as pending:
            yield from self._answered(
                Turn(pending.id, conversation, question, "", (), Draft("failed"), Answer("", "failed")), pending, owner
            )

    def _answered(self, turn: Turn, pending: Pending, owner: str) -> Generator[Progress | Bit | Turn, None, None]:
        laps, check = Laps(), Check((), self.verifier)
        try:
            retriever, answerer = self.own(owner, self.retriever()), self.answerer()
            for said in answerer.condense(turn.question, pending.history()):
                if isinstance(said, Progress):
                    yield said
                else:
                    turn = replace(turn, query=said)
            laps.lap("condense")
            yield Progress("retrieve", f"Searching for: {turn.query}")
            turn = replace(turn, passages=tuple(retriever.search(turn.query, self.passages)))
            check = Check(turn.passages, self.verifier)
            laps.lap("retrieve")
            yield Progress("draft", f"Reading {len(turn.passages)} passages")
            for step in answerer.draft(turn.question, turn.query, turn.passages):
                laps.lap("draft")
                if isinstance(step, Draft):
                    turn = replace(turn, draft=step)
                elif isinstance(step, Progress):
                    yield step
                elif bit := check.show(step):
                    laps.lap("check")
                    yield bit
            if note := check.lacking(turn.draft):
                turn = replace(turn, draft=replace(turn.draft, note=note))
                yield from filter(None, map(check.show, turn.draft.instead))
            laps.lap("check")
        except GeneratorExit:
            pending.stop(_ended(turn, check, laps, stopped=True))
            raise
        turn = _ended(turn, check, laps, check.answer(turn.draft, self.declined))
        pending.keep(turn)
        yield turn

    def taken(self, question: str) -> str:
        """A question as it is taken: what cannot be printed is left out; raises `QuestionError` for one that is none."""
        taken = "".join(c for c in question if c.isprintable() or c in "\n\t").strip()
        if not any(c.isalnum() for c in taken):
            raise QuestionError("The question is empty or holds no words. Ask in a sentence or a few words.")
        if len(taken) > self.longest:
            raise QuestionError(f"The question has {len(taken)} characters; {self.longest} are the most. Shorten it.")
        return taken


def _ended(turn: Turn, check: Check, laps: Laps, answer: Answer | None = None, *, stopped: bool = False) -> Turn:
    """The turn with its answer; one that was stopped has what was shown of it."""
    draft, dropped = turn.draft, (*turn.draft.dropped, *check.dropped)
    if answer is None:
        shown = check.answer(Draft("answered", note=STOPPED), "")
        answer = shown if shown.citations else Answer(STOPPED, "failed")
    return replace(
        turn,
        answer=answer,
        model=draft.model,
        timings=laps.timings(),
        usage=draft.usage,
        prompts=draft.prompts,
        dropped=dropped,
        stopped=stopped,
    )
