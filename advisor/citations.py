"""Draft and passages to a checked answer: a statement without a citation that holds is not shown."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from advisor.query import known_stems, stems_of
from advisor.types import Answer, Bit, Chunk, Citation, Draft, Dropped, Part, Passage, PassageVerifier, Span, Statement, Verifier

log = logging.getLogger(__name__)

SUPPORTED = 0.8  # what a verifier must give a statement that is not a quote: more than likely, because a wrong one costs more
WINDOWS = 4  # stretches of a passage that are read for a statement, those that share most words with it

UNHELD = "Nothing that the model wrote held up against the guidance, so this answer is quoted from it."
THIN = "Little of what the model wrote held up against the guidance; the rest of this answer is quoted from it."

Piece = tuple[Part, tuple[tuple[Citation, ...], ...]]


class Check:
    """Checks the parts of one answer as they come, and numbers the citations that hold.

    A statement holds when its chunk is among the passages, its span lies in that chunk, and the
    verifier supports it by the words of the span, or by a sentence or two of it. `dropped` is the rest.
    """

    def __init__(self, passages: Sequence[Passage], verifier: Verifier) -> None:
        self._found = {id(p.chunk): p for p in passages}
        self._verifier = verifier
        self._numbers = 0
        self.pieces: list[Piece] = []
        self.bits: list[Bit] = []
        self.dropped: list[Dropped] = []

    def show(self, part: Part) -> Bit:
        """What to show of a part, to be put right behind what was shown before; empty where nothing holds."""
        kept: list[Statement] = []
        citations: list[tuple[Citation, ...]] = []
        for statement in part.statements:
            found = self._check(statement)
            if found:
                kept.append(statement)
                citations.append(found)
            else:
                log.warning("dropped a statement that its passage does not support")
                self.dropped.append(Dropped(statement.text, "its passage does not support it"))
        if not kept:
            return Bit("")
        piece = (Part(tuple(kept), part.lead, part.listed, part.joined and bool(self.pieces)), tuple(citations))
        bit = Bit(
            _between(self.pieces[-1][0] if self.pieces else None, piece[0]) + written(*piece),
            tuple(c for found in citations for c in found),
        )
        self.pieces.append(piece)
        self.bits.append(bit)
        return bit

    def _check(self, statement: Statement) -> tuple[Citation, ...]:
        spans = [Span(statement.chunk, statement.start, statement.end), *statement.also]
        spans = [s for s in spans if id(s.chunk) in self._found and s.chunk.start <= s.start < s.end <= s.chunk.end]
        best = [self._best(statement.text, span) for span in spans]
        holding = [(span, score) for span, score in best if score >= SUPPORTED]
        if not holding and len(best) > 1:
            together = "\n".join(_words(span) for span, _ in best)
            score = self._verifier.support(statement.text, together, _context(best[0][0].chunk))
            holding = [(span, score) for span, _ in best] if score >= SUPPORTED else []
        elif any(score == 1.0 for _, score in holding):
            holding = [next(h for h in holding if h[1] == 1.0)]
        return tuple(self._cite(statement.text, span, score) for span, score in holding)

    def _best(self, claim: str, span: Span) -> tuple[Span, float]:
        """The stretch within a span that supports a claim: the nearest that does, or of those that do not the likeliest."""
        within = [s for s in span.chunk.sentences if span.start <= s[0] and s[1] <= span.end]
        if len(within) < 2:
            return span, self._verifier.support(claim, _words(span), _context(span.chunk))
        wanted = stems_of(claim)
        shared = [wanted & known_stems(_words(Span(span.chunk, *s))) for s in within]
        stretches = [
            (len(set().union(*shared[first : first + many])), Span(span.chunk, start, end))
            for many in (1, 2, 3)
            for first, ((start, _), (_, end)) in enumerate(zip(within, within[many - 1 :], strict=False))
        ]
        # The shorter of two that are as near first: it is the closer quote.
        near = [s for _, s in sorted(stretches, key=lambda found: (-found[0], found[1].end - found[1].start))]
        at, score = self._likeliest(claim, self._found[id(span.chunk)], [_words(s) for s in near[:WINDOWS]])
        return near[at], score

    def _likeliest(self, claim: str, passage: Passage, stretches: Sequence[str]) -> tuple[int, float]:
        """The first stretch of a passage that supports a claim, or of those that do not the likeliest, and how likely."""
        context = _context(passage.chunk)
        if isinstance(self._verifier, PassageVerifier):
            self._verifier.meet(passage)
            return self._verifier.likeliest(claim, stretches, context)
        scores: list[float] = []
        for stretch in stretches:
            scores.append(self._verifier.support(claim, stretch, context))
            if scores[-1] >= SUPPORTED:
                break
        best = max(range(len(scores)), key=scores.__getitem__)
        return best, scores[best]

    def _cite(self, claim: str, span: Span, score: float) -> Citation:
        self._numbers += 1
        return Citation(self._numbers, claim, span.chunk, span.start, span.end, "quoted" if score == 1.0 else "supported", score)

    def lacking(self, draft: Draft) -> str:
        """Why the quoted answer stands in for what a model wrote, or follows it; empty where it does not."""
        if not draft.instead or draft.note:
            return draft.note
        held = sum(len(part.statements) for part, _ in self.pieces)
        return UNHELD if not held else THIN if held < 2 and self.dropped else ""

    def answer(self, draft: Draft, declined: str) -> Answer:
        """The answer of a draft; an answer of which nothing held is declined, with the words given."""
        if draft.outcome != "answered":
            return Answer(draft.text, draft.outcome, (), draft.suggestions, draft.note)
        if not self.pieces:
            return Answer(declined, "declined", (), draft.suggestions)
        citations = tuple(c for bit in self.bits for c in bit.citations)
        return Answer("".join(self.bits), "answered", citations, draft.suggestions, draft.note)


def _words(span: Span) -> str:
    return span.chunk.document.text[span.start : span.end]


def _context(chunk: Chunk) -> str:
    return f"{chunk.document.title}\n{chunk.heading}"


def _between(before: Part | None, part: Part) -> str:
    if before is None:
        return ""
    if not part.joined or before.listed is not part.listed:
        return "\n\n"
    return "\n" if part.listed else " "


def written(part: Part, citations: Sequence[Sequence[Citation]]) -> str:
    """A part as Markdown, each statement followed by its `[n]`."""
    marked = [f"{s.text} {''.join(f'[{c.number}]' for c in found)}" for s, found in zip(part.statements, citations, strict=True)]
    if part.listed:
        body = "\n".join(f"- {line}" for line in marked)
        return f"{part.lead}:\n\n{body}" if part.lead else body
    body = " ".join(marked)
    return f"**{escape(part.lead)}**: {body}" if part.lead else body


def escape(line: str) -> str:
    """A line of a user's own words, without the marks that Markdown would read."""
    return "".join(" " if c in "*_`[]<>#|\n" else c for c in line)
