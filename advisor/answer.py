"""The answerer that prompts a chat model: better prose under the same checks, and quotes where the model fails."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from advisor.calls import Calls, ModelFault
from advisor.impartial import impartial
from advisor.models import ChatModel
from advisor.prompts import Prompt
from advisor.quote import QuotingAnswerer
from advisor.suggest import Suggester
from advisor.types import Draft, Exchange, Part, Passage, Progress
from advisor.writing import NOT_HELD, Writing

CONDENSE_SECONDS = 8.0
CONDENSE_TOKENS = 120
LONGEST_QUERY = 400
REMEMBERED = 4  # exchanges that a model is shown
REMEMBERED_CHARACTERS = 700
PROMPTS = ("answer", "message", "condense")
_MARKS = re.compile(r"\s*\[\d+\]")
INSTEAD = "The model {why}, so {what} quoted from the guidance."


@dataclass
class ModelAnswerer:
    """Answers in a chat model's words; what to decline, and what to say without a model, the quoting answerer decides.

    One is made for each turn, because it counts the turn's calls.
    """

    quoting: QuotingAnswerer
    model: ChatModel
    prompts: Mapping[str, Prompt]
    calls: Calls
    passages: int
    longest: int
    history: Sequence[Exchange] = ()

    @property
    def suggester(self) -> Suggester:
        return self.quoting.suggester

    def condense(self, question: str, history: Sequence[Exchange]) -> Iterator[Progress | str]:
        self.history = [e for e in history if e.outcome == "answered"][-REMEMBERED:]
        ours = self.quoting.resolved(question, history)
        if not self.history or self.quoting.replies.to(question):
            yield ours
            return
        yield Progress("condense", "Reading the question with what was said before")
        asked = f"{_told(self.history)}\nThe last question: {impartial(question)}"
        query = ""
        try:
            for bit in self.calls.write(self.prompts["condense"].text, asked, longest=CONDENSE_TOKENS, within=CONDENSE_SECONDS):
                if bit is None:
                    yield Progress("condense", "Reading the question with what was said before")
                else:
                    query += bit
        except ModelFault:
            query = ""
        yield _query(query) or ours

    def draft(self, question: str, query: str, passages: Sequence[Passage]) -> Iterator[Progress | Part | Draft]:
        quoted = self.quoting.quote(question, query, passages)
        if quoted.outcome != "answered":
            yield quoted
            return
        read = list(passages[: self.passages])
        writing, why, parts = Writing(read), "", list[Part]()
        yield Progress("draft", f"{self.model.name} reads {len(read)} passages")
        try:
            for step in self._written(writing, question, query, read):
                if isinstance(step, Part):
                    parts.append(step)
                yield step
        except ModelFault as fault:
            why = str(fault)
        draft = Draft(
            "answered",
            tuple(parts),
            suggestions=quoted.suggestions,
            model=self.model.name,
            confidence=quoted.confidence,
            instead=quoted.parts,
            note=INSTEAD.format(why=why, what="the rest of this answer is" if parts else "this answer is") if why else "",
            dropped=tuple(writing.dropped),
            usage=self.calls.usage,
            prompts={name: self.prompts[name].digest for name in PROMPTS},
        )
        if not parts and writing.refused:
            declined = self.quoting.replies.decline()
            draft = replace(draft, outcome="declined", text=declined, suggestions=self.quoting.nearest(query), instead=(), note="")
        yield draft

    def _written(self, writing: Writing, question: str, query: str, read: list[Passage]) -> Iterator[Progress | Part]:
        while True:
            message, begun = self._message(question, query, read), False
            try:
                for bit in self.calls.write(self.prompts["answer"].text, message, longest=self.longest):
                    if bit is None:
                        yield Progress("draft", "The model writes" if begun else "Waiting for the model")
                    else:
                        begun = True
                        yield from writing.add(bit)
                yield from writing.end(whole=self.calls.ended == "stop")
                return
            except ModelFault as fault:
                if fault.kind != "length" or len(read) < 2:
                    yield from writing.end(whole=False)
                    raise
                del read[len(read) // 2 :]  # the nearer half may still fit

    def _message(self, question: str, query: str, passages: Sequence[Passage]) -> str:
        # A fence that no passage and no asker can know: nothing within it can end it.
        fence = f"text-{secrets.token_hex(6)}"
        texts = "\n\n".join(
            f"Passage {n}, from the guide {p.chunk.document.title}, section {p.chunk.heading or '(none)'}:\n"
            f"<{fence}>\n{p.chunk.text}\n</{fence}>"
            for n, p in enumerate(passages, 1)
        )
        history = _told(self.history)
        return self.prompts["message"].fill(
            fence=fence, passages=texts, question=impartial(question), query=query, history=f"{history}\n" if history else ""
        )


def _told(history: Sequence[Exchange]) -> str:
    if not history:
        return ""
    most = REMEMBERED_CHARACTERS
    lines = [f"Asked: {impartial(e.question)[:most]}\nAnswered: {_MARKS.sub('', e.text)[:most]}" for e in history]
    return "The conversation so far:\n\n" + "\n\n".join(lines) + "\n"


def _query(written: str) -> str:
    """A model's query, or nothing where it is none: it must be a line of words without a link."""
    line = " ".join(written.split()).strip("\"'` ")
    if not any(c.isalpha() for c in line) or len(line) > LONGEST_QUERY or "http" in line or NOT_HELD in line:
        return ""
    return line
