"""A small advisor that answers by a script, for the tests of the evaluations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from advisor.forgetful import ForgetfulStore
from advisor.pipeline import Advisor
from advisor.types import Chunk, Document, Draft, Exchange, Part, Passage, Progress, Statement
from advisor.verify import QuoteVerifier

TEXT = "A CMO earns a salary of $400,000. Bonuses follow quality goals."
DOCUMENT = Document("pay", "Pay", TEXT)
CHUNK = Chunk(1, DOCUMENT, 0, len(TEXT), "How much?", sentences=((0, 33), (34, len(TEXT))))
SALARY = Statement("A CMO earns a salary of $400,000.", CHUNK, 0, 33)
BONUS = Statement("Bonuses follow quality goals.", CHUNK, 34, len(TEXT))


class Shelf:
    def search(self, query: str, k: int) -> Sequence[Passage]:
        return [Passage(CHUNK, 0.9)][:k]


class Script:
    """Says the statements set down for a question, and declines every other one."""

    def __init__(self, said: Mapping[str, Sequence[Statement]]) -> None:
        self.said = said

    def condense(self, question: str, history: Sequence[Exchange]) -> Iterator[Progress | str]:
        yield question

    def draft(self, question: str, query: str, passages: Sequence[Passage]) -> Iterator[Progress | Part | Draft]:
        if question not in self.said:
            yield Draft("declined", confidence=0.1)
            return
        part = Part(tuple(self.said[question]))
        yield part
        yield Draft("answered", (part,), confidence=0.9)


def scripted(said: Mapping[str, Sequence[Statement]]) -> Advisor:
    script = Script(said)
    return Advisor(lambda: Shelf(), lambda: script, QuoteVerifier(), ForgetfulStore(), "I cannot say.")
