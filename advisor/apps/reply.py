"""What the page draws: events as plain dictionaries, each the whole state of one turn."""

from __future__ import annotations

import sys
import uuid
from dataclasses import replace
from typing import Any

from advisor.apps.faults import fault_of
from advisor.chats import Entry
from advisor.render import as_html, as_text, sources_html
from advisor.transcript import note
from advisor.types import Answer, Bit, Progress, Turn

Event = dict[str, Any]


class Reply:
    """One question while it is answered; `event` gives what to show after each step."""

    def __init__(self, question: str) -> None:
        self.question = question
        self.name = f"t{uuid.uuid4().hex[:12]}"  # in the page, from the first event to the last
        self._shown = Answer("", "answered")

    def waiting(self, line: str) -> Event:
        """What to show while nothing of the answer is there."""
        return self._event("working", progress=line, **self._so_far())

    def event(self, step: Progress | Bit | Turn) -> Event:
        """What to show after a step of the answer."""
        if isinstance(step, Turn):
            return _answered(step, self.name)
        if isinstance(step, Progress):
            return self.waiting(_progress(step, self.question))
        self._shown = replace(self._shown, text=self._shown.text + step, citations=(*self._shown.citations, *step.citations))
        return self.waiting("Checking citations")

    def failed(self, error: BaseException) -> Event:
        """What to show where there will be no answer."""
        fault = fault_of(error)
        traced = f" Error {fault.id}." if fault.status == 500 else ""
        return self._event("failed", line=f"{fault.why} {fault.remedy}{traced}".strip())

    def _so_far(self) -> Event:
        return _cited(self._shown, self.name) if self._shown.text else {}

    def _event(self, state: str, **more: Any) -> Event:
        return {"turn": self.name, "question": self.question, "state": state, **more}


def kept(entry: Entry) -> Event:
    """What to show of a question that was asked before."""
    name = f"t{entry.id[:12]}"
    event: Event = {"turn": name, "id": entry.id, "question": entry.question, "state": entry.status, "line": note(entry)}
    if entry.turn is not None:
        event |= _answered(entry.turn, name)
        if entry.status == "stopped":
            event |= {"state": "stopped", "line": ""}  # the answer's own note says it
    return {**event, "thumb": entry.thumb, "reason": entry.reason}


def kept_all(entries: list[Entry]) -> list[Event]:
    """What to show of a conversation, oldest first."""
    return [kept(entry) for entry in entries]


def _answered(turn: Turn, name: str) -> Event:
    answer = turn.answer
    shown: Event = {
        "turn": name,
        "id": turn.id,
        "question": turn.question,
        "state": turn.outcome,
        "chips": list(answer.suggestions),
        "copy": as_text(replace(answer, suggestions=()), sys.maxsize),
        "instead": bool(answer.note) and not turn.stopped,
        **_cited(answer, name),
    }
    if answer.outcome != "chat" and turn.query.strip().casefold() != turn.question.strip().casefold():
        shown["read_as"] = turn.query
    return shown


def _cited(answer: Answer, name: str) -> Event:
    shown: Event = {"html": as_html(answer, name)}
    if answer.citations:
        places = {id(c.chunk) for c in answer.citations}
        shown["sources"] = sources_html(answer, name)
        shown["count"] = f"{_counted(len(answer.citations), 'checked citation')} from {_counted(len(places), 'passage')}"
    return shown


def _progress(step: Progress, question: str) -> str:
    # The search is named only where it says something that the question above it does not.
    return "Searching" if step.stage == "retrieve" and question in step.message else step.message


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
