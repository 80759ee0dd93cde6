"""A question to what the page shows of it: events as plain dictionaries, each the whole state of one turn."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from advisor.apps.warm import Warm
from advisor.errors import AdvisorError
from advisor.render import as_html, sources_html
from advisor.types import Answer, Progress, Turn

log = logging.getLogger(__name__)
Event = dict[str, Any]

FAULT = "Something went wrong on the server and was written to its log. Please ask again."
SHOWN_FIRST = 6
STARTERS = (
    "Do I need an MBA to become a CMO?",
    "How do I become a Chief Medical Officer?",
    "What is the difference between a CMO and a VPMA?",
    "How many years of clinical practice do I need to become a CMO?",
    "How much does a Chief Medical Officer earn?",
    "How do I prepare for a CMO interview?",
)


def replies(warm: Warm, question: str, conversation: str) -> Iterator[Event]:
    """What to show for one question, from the first progress line to the answer or the fault."""
    turn = f"t{uuid.uuid4().hex[:12]}"

    def event(state: str, **more: Any) -> Event:
        return {"turn": turn, "question": question, "state": state, **more}

    yield event("working", progress="Searching")
    shown = Answer("", "answered")
    try:
        for line in warm.wait():
            yield event("working", progress=line)
        # Closed with this generator, so that a turn that nobody waits for any more is stopped and kept as that.
        with closing(warm.stream(question, conversation)) as steps:
            for step in steps:
                if isinstance(step, Turn):
                    yield event(step.outcome, **_shown(step, turn))
                elif isinstance(step, Progress):
                    yield event("working", progress=_progress(step, question))
                else:
                    shown = replace(shown, text=shown.text + step, citations=(*shown.citations, *step.citations))
                    yield event("working", progress="Checking citations", html=as_html(shown, turn))
    except AdvisorError as fault:
        yield event("failed", line=str(fault))
    except Exception:
        log.exception("a question failed")
        yield event("failed", line=FAULT)


def opening(warm: Warm) -> Iterator[Event]:
    """What the page shows before the first question: what it waits for, then questions to start with."""
    try:
        for line in warm.wait():
            yield {"waiting": line}
        yield {"starters": list(starters(warm))}
    except AdvisorError as fault:
        yield {"waiting": str(fault), "fault": True}


def starters(warm: Warm) -> Sequence[str]:
    """Questions to start with that the indexed guidance holds: our choice first, then each guide's own first."""
    suggester = getattr(warm.advisor().answerer(), "suggester", None)
    if suggester is None:
        return STARTERS
    held = set(suggester.questions)
    chosen = [q for q in STARTERS if q in held]
    chosen += [q for q in suggester.first if q not in chosen]
    return chosen[:SHOWN_FIRST]


def _progress(step: Progress, question: str) -> str:
    # The search is named only where it says something that the question above it does not.
    return "Searching" if step.stage == "retrieve" and question in step.message else step.message


def _shown(turn: Turn, shown_as: str) -> Event:
    answer = turn.answer
    shown: Event = {"html": as_html(answer, shown_as), "chips": list(answer.suggestions)}
    if answer.citations:
        places = {id(c.chunk) for c in answer.citations}
        shown["sources"] = sources_html(answer, shown_as)
        shown["count"] = f"{_counted(len(answer.citations), 'checked citation')} from {_counted(len(places), 'passage')}"
    if answer.outcome != "chat" and turn.query.strip().casefold() != turn.question.strip().casefold():
        shown["read_as"] = turn.query
    return shown


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
