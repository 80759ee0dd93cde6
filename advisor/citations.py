"""Draft and passages to a checked answer: a statement without a citation that holds is not shown."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from advisor.types import Answer, Citation, Draft, Part, Passage, Statement, Verifier

log = logging.getLogger(__name__)

SUPPORTED = 0.5  # what a verifier must give a statement that is not a quote


def checked(draft: Draft, passages: Sequence[Passage], verifier: Verifier) -> Iterator[tuple[Part, tuple[Citation, ...]]]:
    """Each part of a draft with its statements that hold, and their citations, numbered as they come.

    A statement holds when its chunk is among the passages, its span lies in that chunk, and the
    verifier supports it by the words of the span.
    """
    found = {id(p.chunk) for p in passages}
    number = 0
    for part in draft.parts:
        kept: list[Statement] = []
        citations: list[Citation] = []
        for statement in part.statements:
            citation = _check(statement, found, verifier, number + 1)
            if citation is None:
                log.warning("dropped a statement that its passage does not support")
                continue
            number += 1
            kept.append(statement)
            citations.append(citation)
        if kept:
            yield Part(tuple(kept), part.lead, part.listed), tuple(citations)


def _check(statement: Statement, found: set[int], verifier: Verifier, number: int) -> Citation | None:
    chunk = statement.chunk
    if id(chunk) not in found or not chunk.start <= statement.start < statement.end <= chunk.end:
        return None
    quote = chunk.document.text[statement.start : statement.end]
    score = verifier.support(statement.text, quote)
    if score < SUPPORTED:
        return None
    return Citation(number, statement.text, chunk, statement.start, statement.end, "quoted" if score == 1.0 else "supported", score)


def written(part: Part, citations: Sequence[Citation]) -> str:
    """A part as Markdown, each statement followed by its `[n]`."""
    marked = [f"{s.text} [{c.number}]" for s, c in zip(part.statements, citations, strict=True)]
    if part.listed:
        body = "\n".join(f"- {line}" for line in marked)
        return f"{part.lead}:\n\n{body}" if part.lead else body
    body = " ".join(marked)
    return f"**{escape(part.lead)}**: {body}" if part.lead else body


def escape(line: str) -> str:
    """A line of a user's own words, without the marks that Markdown would read."""
    return "".join(" " if c in "*_`[]<>#|\n" else c for c in line)


def assemble(draft: Draft, pieces: Sequence[tuple[Part, tuple[Citation, ...]]], declined: str) -> Answer:
    """The answer of a draft; an answer of which nothing held is declined, with the words given."""
    if draft.outcome != "answered":
        return Answer(draft.text, draft.outcome, (), draft.suggestions)
    citations = tuple(c for _, found in pieces for c in found)
    if not citations:
        return Answer(declined, "declined", (), draft.suggestions)
    return Answer("\n\n".join(written(p, c) for p, c in pieces), "answered", citations, draft.suggestions)
