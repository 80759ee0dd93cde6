"""The answerer that needs no model: it picks the sentences that answer and sets them in order.

The direct reply comes first; steps and options are a list; where two things are compared each gets
its own part; a figure is sought where one is asked for; who asks counts. Nothing is reworded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from advisor import decide
from advisor.condense import aimed, condense
from advisor.evidence import Sentence, covered, reranked, weigh
from advisor.impartial import impartial
from advisor.query import Query, Term, analyse, terms_of
from advisor.reader import BEST, BEST_PLAIN, PLAIN, READER, Reader
from advisor.resolve import Resolver
from advisor.retrieve import direction
from advisor.session import WORKING
from advisor.smalltalk import Replies
from advisor.spelling import Speller
from advisor.stage import is_for, told
from advisor.suggest import Suggester
from advisor.types import MINE, Draft, Encoder, Exchange, Part, Passage, Progress, Statement

WORDS = 150  # an answer's length, unless a list needs more
LIST_WORDS = 190
MAX_SENTENCES = 8
MAX_ITEMS = 9
# Of the best sentence's score: what a further one must reach, in guidance whose sections list questions and in other texts.
ENOUGH, ENOUGH_PLAIN = 0.05, 0.2
FLOOR = 0.01
ALIKE = 0.92  # cosine above which two sentences say the same


@dataclass(frozen=True)
class QuotingAnswerer:
    """Answers with sentences of the guidance, or declines."""

    encoder: Encoder
    rarity: Callable[[str], float]
    frequency: Callable[[str], int]
    abbreviations: dict[str, str]
    suggester: Suggester
    replies: Replies
    speller: Speller
    reader: Reader | None = None  # of guidance that lists questions
    plain: Reader | None = None  # of guidance that lists none
    resolver: Callable[[], Resolver | None] = lambda: None  # opened for the first follow-up
    threshold: float | None = None  # the confidence below which to decline; as learnt where None

    def condense(self, question: str, history: Sequence[Exchange]) -> Iterator[Progress | str]:
        yield self.resolved(question, history)

    def draft(self, question: str, query: str, passages: Sequence[Passage]) -> Iterator[Progress | Part | Draft]:
        quoted = self.quote(question, query, passages)
        yield from quoted.parts
        yield quoted

    def resolved(self, question: str, history: Sequence[Exchange]) -> str:
        """The question to search for: spelt right, impartial, and whole by itself."""
        asked = self.speller.correct(impartial(question))
        return condense(aimed(asked) if self.frequency("cmo") else asked, history, self.resolver() if history else None)

    def quote(self, question: str, query: str, passages: Sequence[Passage]) -> Draft:
        """The answer in the words of the passages, or why there is none."""
        with WORKING:
            return self._quoted(question, query, passages)

    def _quoted(self, question: str, query: str, passages: Sequence[Passage]) -> Draft:
        reply = self.replies.to(question)
        if reply is not None:
            return Draft(reply.outcome, text=reply.text, suggestions=self.suggester.starters(), confidence=1.0)
        asked, vector, sentences = self.read(query, passages)
        listed = any(p.listed for p in passages)
        chosen = reranked(sentences) if listed else sentences
        sure = self._sure(asked, vector, passages, sentences, chosen, listed) if sentences else 0.0
        bar = decide.threshold() if self.threshold is None else self.threshold
        if sure < bar or (bar > 0 and not _own(passages) and decide.foreign(asked, self.frequency)):
            return Draft("declined", text=self.replies.decline(), suggestions=self.suggester.nearest(vector), confidence=sure)
        stage = told(asked.profile)
        chosen = [s for s in chosen if is_for(s.text, stage)] or chosen
        return Draft(
            "answered",
            compose(asked, chosen, ENOUGH if listed else ENOUGH_PLAIN),
            suggestions=self.suggester.following(vector),
            confidence=sure,
        )

    def nearest(self, query: str) -> tuple[str, ...]:
        """The questions nearest to a query that the guidance can answer."""
        return self.suggester.nearest(direction(self.encoder, query))

    def _sure(
        self,
        asked: Query,
        vector: Any,
        passages: Sequence[Passage],
        sentences: Sequence[Sentence],
        best: Sequence[Sentence],
        listed: bool,
    ) -> float:
        """The chance that an answer is there; a reader reads `best`.

        Where the guidance lists questions and no passage found does, as with documents of a user's own, nobody reads.
        """
        values = decide.features(asked, vector, self.encoder, passages, sentences, self.frequency)
        if _own(passages) and decide.all_said(values):
            return 1.0
        reader, most, learnt = (self.reader, BEST, READER) if listed else (self.plain, BEST_PLAIN, PLAIN)
        if reader is None:
            return decide.confidence(values)
        question, *texts = decide.to_read(asked, best[:most])
        return decide.confidence(values, (reader.read(question, text) for text in texts), learnt)

    def read(self, query: str, passages: Sequence[Passage]) -> tuple[Query, Any, list[Sentence]]:
        """The query as understood, its vector and the weighed sentences, best first."""
        asked = analyse(query, self.rarity, self.abbreviations)
        vector = direction(self.encoder, query)
        profile = self.encoder.encode([asked.profile])[0] if asked.profile else None
        return asked, vector, weigh(asked, vector, profile, passages)


def _own(passages: Sequence[Passage]) -> bool:
    """Whether all was found in the asker's own documents: the question is about them."""
    return bool(passages) and all(p.chunk.document.id.startswith(MINE) for p in passages)


def compose(query: Query, sentences: Sequence[Sentence], enough: float = ENOUGH) -> tuple[Part, ...]:
    """The parts of an answer, from weighed sentences, best first; at least one statement.

    `enough` is the share of the best sentence's score that a further one must reach.
    """
    if query.kind == "compare":
        parts = _comparison(query, sentences)
        if parts:
            return parts
    if query.kind == "list":
        parts = _listing(sentences)
        if parts:
            return parts
    return _plain(sentences, enough)


def _plain(sentences: Sequence[Sentence], enough: float) -> tuple[Part, ...]:
    chosen = _choose(sentences, MAX_SENTENCES, WORDS, enough=enough)
    return tuple(Part(tuple(_statement(s) for s in group)) for group in _grouped(chosen))


def _choose(sentences: Sequence[Sentence], most: int, words: int, taken: Sequence[Sentence] = (), enough: float = ENOUGH) -> list[Sentence]:
    """The best sentences that do not repeat one another, within a number of words."""
    chosen: list[Sentence] = []
    if not sentences:
        return chosen
    bar = max(FLOOR, enough * sentences[0].score)
    length = 0
    for sentence in sentences:
        if len(chosen) >= most or (chosen and sentence.score < bar):
            break
        if (sentence.words < 4 and not sentence.listed) or _repeats(sentence, [*taken, *chosen]):
            continue
        if chosen and length + sentence.words > words:
            continue
        before = _antecedent(sentence, sentences)
        if before is not None and not _repeats(before, chosen) and before not in chosen:
            if length + sentence.words + before.words > words and chosen:
                continue
            chosen.append(before)
            length += before.words
        chosen.append(sentence)
        length += sentence.words
    return chosen


def _antecedent(sentence: Sentence, sentences: Sequence[Sentence]) -> Sentence | None:
    """The sentence just before one that leans on it, so that it can be understood."""
    if not sentence.dangling or sentence.index == 0:
        return None
    return next((s for s in sentences if s.chunk is sentence.chunk and s.index == sentence.index - 1), None)


def _repeats(sentence: Sentence, others: Sequence[Sentence]) -> bool:
    for other in others:
        if sentence.text == other.text:
            return True
        shared = len(sentence.stems & other.stems) / max(1, len(sentence.stems | other.stems))
        if shared > 0.75:
            return True
        known = sentence.vector is not None and other.vector is not None
        if known and shared > 0.4 and float(sentence.vector @ other.vector) > ALIKE:
            return True
    return False


def _grouped(chosen: Sequence[Sentence]) -> list[list[Sentence]]:
    """Sentences by chunk, best chunk first; within one as they stand there, which is how they were written to be read."""
    groups: dict[int, list[Sentence]] = {}
    for sentence in chosen:
        groups.setdefault(sentence.chunk.id, []).append(sentence)
    ordered = [sorted(group, key=lambda s: s.index) for group in groups.values()]
    ordered.sort(key=lambda g: -max(s.score for s in g))
    return ordered


def _listing(sentences: Sequence[Sentence]) -> tuple[Part, ...]:
    """A list as the guidance has it, with the sentence that leads in; empty where the best section has none."""
    best = sentences[0]
    for lead in [s for s in sentences[:6] if s.chunk is best.chunk][:2]:
        items = sorted((s for s in sentences if s.chunk is lead.chunk and s.listed), key=lambda s: s.index)
        run = _run_of(items, lead)
        if len(run) < 2 or sum(s.score for s in run) / len(run) < 0.3 * best.score:
            continue
        opening = [] if lead in run else [lead]
        before = next((s for s in sentences if s.chunk is lead.chunk and s.index == run[0].index - 1), None)
        if before is not None and before not in opening and not before.listed and before.words > 3:
            opening.append(before)
        if best not in opening and best not in run:
            opening.insert(0, best)
        kept: list[Sentence] = []
        length = sum(s.words for s in opening)
        for item in run[:MAX_ITEMS]:
            if length + item.words <= LIST_WORDS:
                kept.append(item)
                length += item.words
        parts = []
        if opening:
            parts.append(Part(tuple(_statement(s) for s in opening)))
        parts.append(Part(tuple(_statement(s) for s in kept), listed=True))
        more = _choose([s for s in sentences if s not in kept and s not in opening], 2, max(0, WORDS - length), [*opening, *kept], 0.6)
        more = [s for s in more if s.score >= 0.6 * best.score]
        if more and length < WORDS:
            parts.append(Part(tuple(_statement(s) for s in more)))
        return tuple(parts)
    return ()


def _run_of(items: Sequence[Sentence], lead: Sentence) -> list[Sentence]:
    """The unbroken run of list items at, or after, the lead."""
    runs: list[list[Sentence]] = []
    for item in items:
        if runs and item.index - runs[-1][-1].index <= 3:
            runs[-1].append(item)
        else:
            runs.append([item])
    for run in runs:
        if run[0].index <= lead.index <= run[-1].index or run[0].index > lead.index:
            return run
    return runs[-1] if runs else []


def _comparison(query: Query, sentences: Sequence[Sentence]) -> tuple[Part, ...]:
    """What holds for both first, then one part for each side; empty where a side is not found."""
    sides = [terms_of(side, lambda w: 0.5) for side in query.sides]
    if not all(sides):
        return ()
    about: list[list[Sentence]] = [[], []]
    shared: list[Sentence] = []
    best = sentences[0].score
    for sentence in sentences:
        if sentence.score < 0.2 * best:
            continue
        on = [_mentions(side, sentence) for side in sides]
        if all(on):
            shared.append(sentence)
        elif any(on):
            about[on.index(True)].append(sentence)
    if not shared and not all(about):
        return ()
    opening = _choose(shared, 2, 70)
    parts = [Part(tuple(_statement(s) for s in opening))] if opening else []
    used = list(opening)
    for side, found in zip(query.sides, about, strict=True):
        picked = _choose(found, 2, 55, used)
        used += picked
        if picked:
            parts.append(Part(tuple(_statement(s) for s in sorted(picked, key=lambda s: (s.chunk.id, s.index))), lead=_titled(side)))
    return tuple(parts)


def _mentions(side: Sequence[Term], sentence: Sentence) -> bool:
    return covered(side, sentence.stems) >= 0.75


def _titled(side: str) -> str:
    return side if side[:1].isupper() else side[:1].upper() + side[1:]


def _statement(sentence: Sentence) -> Statement:
    return Statement(sentence.text, sentence.chunk, sentence.start, sentence.end)
