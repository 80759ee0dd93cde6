"""How well each sentence of the passages answers a question: features, and weights learnt from labels.

`python -m evals.train` learns the weights from labelled questions of ours and, where present, the
public CLAPNQ half.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from operator import mul
from typing import Any, NamedTuple

import numpy as np

from advisor.query import Query, Term, known_stems, stem, words_of
from advisor.types import Chunk, Passage
from advisor.weights import Trees, learnt, ranking

_DANGLING = re.compile(
    r"\s*(?:this|that|these|those|it|its|they|their|them|he|she|his|her|such|both|however|but|and|so|also|then|instead|otherwise|"
    r"therefore|thus|hence|as a result|for example|for instance|in addition|moreover|furthermore|besides|similarly|likewise|"
    r"nevertheless|still|yet|here|there,|the same|the (?:former|latter|first|second|third|other)|another|one of (?:these|those|them)|"
    r"neither|either|none of)\b",
    re.I,
)
_FIGURE = re.compile(
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|fifteen|twenty|thirty|forty|fifty|half|third|quarter|dozen|hundred|thousand|million)\b",
    re.I,
)
# What a figure counts, as a question asks for it and as a sentence gives it.
_MONEY = re.compile(
    r"\b(?:pay|pays|paid|salar\w+|earn\w*|cost\w*|price\w*|fees?|tuition|make|made|money|compensation|dollars?|charge\w*|bonus|raise|income)\b",
    re.I,
)
_MONEY_GIVEN = re.compile(r"[$€£]|\b(?:dollars?|euros?|pounds)\b", re.I)
_SHARE = re.compile(r"\b(?:percent\w*|share|proportion|rate|odds|chance|how many|how common|majority)\b", re.I)
_SHARE_GIVEN = re.compile(r"%|\b(?:percent|half|third|quarter|majority)\b", re.I)
_TIME = re.compile(r"\b(?:how (?:long|soon|often|old|quickly|fast)|when|duration|length|age|(?:year|month|week|day|hour)s?)\b", re.I)
_TIME_GIVEN = re.compile(r"\b(?:year|month|week|day|hour|minute)s?\b", re.I)
_MARKED = re.compile(r"[\[`*_|]")  # what `claim_text` takes off
_MARKER = re.compile(r"(?:^|\n)[ \t]*(?:[-*+•‣◦–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])[ \t]+$")

MOST_RERANKED = 48
FEATURES = (
    "cosine", "behind best", "coverage", "coverage with context", "heading coverage", "passage score", "passage behind best",
    "position", "figure asked and given", "figure asked, none given", "dangling", "short", "long", "neighbours", "profile",
    "item of a list asked for", "question", "asked behind best", "passage's sentences behind best", "first passage", "later passage",
    "first in text", "pair of words", "nearest of its passage", "behind its passage's best", "money asked and given",
    "money asked, none given", "share asked and given", "time asked and given", "cosine in a passage of rank",
    "position where no questions are listed", "coverage behind best",
)  # fmt: skip
# What the trees see besides: the cosine as the adapter has it.
NEARNESS = ("nearness", "behind nearest", "rank by nearness", "passage's nearest behind nearest", "behind its passage's nearest")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage with how well it answers.

    `vector` has unit length; `near` is its cosine as the adapter has it, or None without one.
    """

    chunk: Chunk
    index: int
    start: int
    end: int
    text: str
    stems: frozenset[str]
    vector: Any
    features: tuple[float, ...]
    score: float
    listed: bool
    dangling: bool
    near: float | None = None

    @property
    def words(self) -> int:
        return len(self.text.split())


def covered(terms: Sequence[Term], stems: frozenset[str] | set[str]) -> float:
    """The share of the terms' weight that a text holds, a word of like meaning counting for most of it."""
    total = held = 0.0
    for term in terms:  # written out: it is asked two hundred times a question
        total += term.weight
        if term.stem in stems:
            held += term.weight
        elif not term.alike.isdisjoint(stems):
            held += 0.8 * term.weight
    return held / total if total else 0.0


def claim_text(raw: str) -> str:
    """A sentence as it is shown: one line, without Markdown marks; the quote beside it stays exact."""
    line = " ".join(raw.split())
    if not _MARKED.search(line):
        return line
    line = re.sub(r"!?\[([^\]]*)\]\((?:[^()\s]|\([^)]*\))*\)", r"\1", line)
    line = re.sub(r"(?<!`)`(?!`)([^`]+)(?<!`)`(?!`)|(\*\*|__)(.+?)\2", lambda m: m.group(1) or m.group(3), line)
    line = re.sub(r"(?<![\w*])\*(?!\s)(.+?)(?<!\s)\*(?![\w*])", r"\1", line)
    if line.startswith("|"):
        line = "; ".join(cell.strip() for cell in line.strip("| ").split("|") if cell.strip())
    return " ".join(line.split())


class _Read(NamedTuple):
    """What a sentence says whatever is asked: as it is shown, its stems, each two that follow one another, and what it gives."""

    shown: str
    stems: frozenset[str]
    pairs: frozenset[tuple[str, str]]
    words: int
    figure: bool
    dangling: bool
    question: bool
    money: bool
    share: bool
    time: bool


@lru_cache(maxsize=8192)  # the same sentences are weighed for one question after another
def _read(raw: str) -> _Read:
    shown = claim_text(raw)
    stems = [stem(w) for w in words_of(shown)]
    gives = (_FIGURE.search(shown), _DANGLING.match(shown), shown.endswith("?"))
    counts = (_MONEY_GIVEN.search(shown), _SHARE_GIVEN.search(shown), _TIME_GIVEN.search(shown))
    return _Read(shown, frozenset(stems), frozenset(pairwise(stems)), len(shown.split()), *map(bool, (*gives, *counts)))


def weigh(query: Query, vector: Any, profile: Any, passages: Sequence[Passage]) -> list[Sentence]:
    """Every sentence of the passages with its score, best first; `profile` is the asker's vector or None."""
    rows: list[tuple[Passage, int, _Read, bool, list[float]]] = []
    best_passage = max((p.score for p in passages), default=0.0)
    best_asked = max((p.asked for p in passages), default=0.0)
    cosines = [p.vectors @ vector if p.vectors is not None else np.zeros(len(p.chunk.sentences)) for p in passages]
    best_cosine = max((float(c.max()) for c in cosines if len(c)), default=0.0)
    best_two = [float(np.sort(c)[-2:].mean()) if len(c) else None for c in cosines]
    best_pair = max((two for two in best_two if two is not None), default=0.0)
    figure = query.kind == "figure"
    money, share, time = (bool(p.search(query.focus)) for p in (_MONEY, _SHARE, _TIME))
    pairs = set(pairwise([t.stem for t in query.terms]))
    for rank, (passage, similar, two) in enumerate(zip(passages, cosines, best_two, strict=True)):
        chunk = passage.chunk
        heading = known_stems(chunk.heading)
        context = heading | known_stems(chunk.document.title)
        by_heading = covered(query.terms, heading)
        told = passage.vectors @ profile if profile is not None and passage.vectors is not None else None
        together = two - best_pair if two is not None else 0.0
        fallen = (similar - similar.max()).tolist() if len(similar) else []
        order = {at: n for n, at in enumerate(np.argsort(-similar, kind="stable").tolist())}
        similar = similar.tolist()
        for i, (start, end) in enumerate(chunk.sentences):
            read = _read(chunk.document.text[start:end])
            near = max(similar[max(0, i - 1) : i] + similar[i + 1 : i + 2], default=0.0)
            listed = is_listed(chunk, start)
            features = [
                similar[i],
                similar[i] - best_cosine,
                covered(query.terms, read.stems),
                covered(query.terms, read.stems | context),
                by_heading,
                passage.score,
                passage.score - best_passage,
                1.0 / (1.0 + i),
                float(figure and read.figure),
                float(figure and not read.figure),
                float(read.dangling),
                max(0.0, (7 - read.words) / 7),
                max(0.0, math.log(max(read.words, 1) / 35)),
                near - best_cosine,
                float(told[i]) if told is not None else 0.0,
                float(query.kind == "list" and listed),
                float(read.question),
                passage.asked - best_asked,
                together,
                float(rank == 0),
                float(rank > 3),
                float(start <= chunk.start and not chunk.document.text[max(0, start - 2) : start].strip()),
                float(bool(pairs & read.pairs)),
                1.0 / (1 + order[i]),
                fallen[i],
                float(money and read.money),
                float(money and figure and not read.money),
                float(share and read.share),
                float(time and read.time),
                similar[i] / (1 + rank),
                0.0 if passage.listed else 1.0 / (1.0 + i),
                0.0,
            ]
            rows.append((passage, i, read, listed, features))
    best_covered = max((features[2] for *_, features in rows), default=0.0)
    weights = learnt()["sentence"]
    made = []
    for passage, i, read, listed, features in rows:
        features[-1] = features[2] - best_covered
        start, end = passage.chunk.sentences[i]
        made.append(
            Sentence(
                passage.chunk,
                i,
                start,
                end,
                read.shown,
                read.stems,
                passage.vectors[i] if passage.vectors is not None else None,
                tuple(features),
                logistic(features, weights["weights"], weights["bias"]),
                listed,
                read.dangling,
                float(passage.near[i]) if passage.near is not None else None,
            )
        )
    made.sort(key=lambda s: (-s.score, s.chunk.id, s.index))
    return made


def reranked(sentences: Sequence[Sentence], trees: Trees | None = None) -> list[Sentence]:
    """The best sentences weighed again, best first, by trees learnt on guidance whose sections list questions.

    They see how features act together, and what the adapter says; on texts of another kind they chose no better than the
    linear weights. Without an adapter the sentences stay as they are. `trees` other than those learnt are for learning.
    """
    best = sentences[:MOST_RERANKED]
    if not best or any(s.near is None for s in best):
        return list(sentences)
    odds = (trees or ranking()).weigh(to_rank(best))
    made = [replace(s, score=chance(float(o))) for s, o in zip(best, odds, strict=True)]
    return sorted(made, key=lambda s: (-s.score, s.chunk.id, s.index))


def to_rank(best: Sequence[Sentence]) -> Any:
    """What the trees see of sentences that have a nearness, shape (sentences, features and `NEARNESS`)."""
    near = np.array([s.near for s in best])
    ranks = np.empty(len(best))
    ranks[np.argsort(-near, kind="stable")] = np.arange(1, len(best) + 1)
    of: dict[int, float] = {}
    for sentence, value in zip(best, near.tolist(), strict=True):
        of[sentence.chunk.id] = max(value, of.get(sentence.chunk.id, value))
    nearest = np.array([of[s.chunk.id] for s in best])
    return np.column_stack([[s.features for s in best], near, near - near.max(), 1 / ranks, nearest - near.max(), near - nearest])


def is_listed(chunk: Chunk, start: int) -> bool:
    """Whether the sentence at `start` opens an item of a list."""
    return bool(_MARKER.search(chunk.document.text[max(0, start - 12) : start]))


def logistic(features: Sequence[float], weights: Sequence[float], bias: float) -> float:
    """The chance that a linear model gives, between 0 and 1."""
    return chance(bias + sum(map(mul, features, weights)))


def chance(odds: float) -> float:
    """Log odds as a chance, between 0 and 1."""
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, odds))))
