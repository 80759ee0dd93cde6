"""Advisor: one question, one pass. Read this file first.

question ─ condense (with history) ─ retrieve ─ draft ─ check citations ─ Turn
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Protocol

from advisor.citations import Check
from advisor.errors import QuestionError
from advisor.types import Answer, Answerer, Draft, Exchange, Part, Passage, Progress, Retriever, Turn, Verifier

UNHELD = "Nothing that the model wrote held up against the guidance, so this answer is quoted from it."
THIN = "Little of what the model wrote held up against the guidance; the rest of this answer is quoted from it."
STOPPED = "Stopped before the answer was complete."


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

    def stream(self, question: str, conversation: str | None = None) -> Generator[Progress | str | Turn, None, None]:
        """Progress, then the answer's text bit by bit as it passes the check, then the turn.

        The bits put together are the answer's text. Who closes the stream stops the turn, which is kept as stopped.
        """
        turn = Turn(
            uuid.uuid4().hex, conversation or uuid.uuid4().hex, self._taken(question), "", (), Draft("failed"), Answer("", "failed")
        )
        clock = _Clock()
        check = Check((), self.verifier)
        try:
            retriever, answerer = self.retriever(), self.answerer()
            for said in answerer.condense(turn.question, self.store.history(turn.conversation)):
                if isinstance(said, Progress):
                    yield said
                else:
                    turn = replace(turn, query=said)
            clock.lap("condense")
            yield Progress("retrieve", f"Searching for: {turn.query}")
            found: tuple[Passage, ...] = tuple(retriever.search(turn.query, self.passages))
            turn, check = replace(turn, passages=found), Check(found, self.verifier)
            clock.lap("retrieve")
            yield Progress("draft", f"Reading {len(found)} passages")
            for step in answerer.draft(turn.question, turn.query, found):
                if isinstance(step, Draft):
                    turn = replace(turn, draft=step)
                    clock.lap("draft")
                elif isinstance(step, Part):
                    clock.lap("draft")
                    bit = check.show(step)
                    clock.lap("check")
                    if bit:
                        yield bit
                else:
                    yield step
            if note := _quoted_instead(turn.draft, check):
                turn = replace(turn, draft=replace(turn.draft, note=note))
                yield from filter(None, map(check.show, turn.draft.instead))
            clock.lap("check")
        except GeneratorExit:
            self.store.keep(_stopped(turn, check, clock))
            raise
        turn = _ended(turn, check, clock, check.answer(turn.draft, self.declined))
        self.store.keep(turn)
        yield turn

    def _taken(self, question: str) -> str:
        taken = "".join(c for c in question if c.isprintable() or c in "\n\t").strip()
        if not any(c.isalnum() for c in taken):
            raise QuestionError("The question is empty or holds no words. Ask in a sentence or a few words.")
        if len(taken) > self.longest:
            raise QuestionError(f"The question has {len(taken)} characters; {self.longest} are the most. Shorten it.")
        return taken


def _quoted_instead(draft: Draft, check: Check) -> str:
    """Why the quoted answer stands in for what a model wrote, or follows it; empty where it does not."""
    if not draft.instead or draft.note:
        return draft.note
    held = sum(len(part.statements) for part, _ in check.pieces)
    return UNHELD if not held else THIN if held < 2 and check.dropped else ""


def _ended(turn: Turn, check: Check, clock: _Clock, answer: Answer) -> Turn:
    draft = turn.draft
    dropped = (*draft.dropped, *check.dropped)
    return replace(
        turn, answer=answer, model=draft.model, timings=clock.timings(), usage=draft.usage, prompts=draft.prompts, dropped=dropped
    )


def _stopped(turn: Turn, check: Check, clock: _Clock) -> Turn:
    answer = check.answer(Draft("answered"), "")
    if not answer.citations:
        answer = Answer(STOPPED, "failed")
    return replace(_ended(turn, check, clock, replace(answer, note=STOPPED if answer.citations else "")), stopped=True)


class _Clock:
    """The seconds spent in each step; a step may come again."""

    def __init__(self) -> None:
        self._started = self._mark = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self._laps[step] = self._laps.get(step, 0.0) + now - self._mark
        self._mark = now

    def timings(self) -> dict[str, float]:
        return {**self._laps, "total": time.perf_counter() - self._started}
