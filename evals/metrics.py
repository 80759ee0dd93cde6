"""Metrics as plain functions of a case and the turn that answered it.

None means that a metric does not apply; an answer that is missing scores the worst value.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from advisor.types import Chunk, Passage, Turn
from evals.cases import Case


def flat(text: str) -> str:
    """Lower case, one kind of blank, one kind of dash and quote: what facts are compared in."""
    text = text.lower().replace("’", "'").replace("–", "-").replace("—", "-").replace("‑", "-")
    return re.sub(r"\s+", " ", re.sub(r"\s*\[\d+\]", "", text))


def fact_recall(case: Case, text: str) -> float | None:
    """The share of the expected facts that the answer's text holds."""
    if not case.facts:
        return None
    held = flat(text)
    return sum(any(flat(a) in held for a in fact) for fact in case.facts) / len(case.facts)


def all_facts(case: Case, text: str) -> float | None:
    """1 if every expected fact is in the answer's text, else 0."""
    recall = fact_recall(case, text)
    return None if recall is None else float(recall == 1.0)


def passage_in(case: Case, passages: Sequence[Passage], k: int) -> float | None:
    """1 if one of the first k passages comes from a relevant section, else 0 (success at k)."""
    if not case.relevant:
        return None
    return float(bool({flat(r) for r in case.relevant} & {flat(section(p.chunk)) for p in passages[:k]}))


def section(chunk: Chunk) -> str:
    """The section a chunk comes from, as cases name it; text before the first heading belongs to the title."""
    return f"{chunk.document.id}#{chunk.heading or chunk.document.title}"


def quotes_exact(turn: Turn) -> float | None:
    """The share of citations whose quote stands in the document at the span named."""
    citations = turn.answer.citations
    if not citations:
        return None
    return sum(c.chunk.document.text[c.start : c.end] == c.quote and bool(c.quote) for c in citations) / len(citations)


def words(text: str) -> int:
    return len(re.sub(r"\[\d+\]", "", text).split())


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else float("nan")


def interval(values: Sequence[float], rounds: int = 1000, seed: int = 7) -> tuple[float, float]:
    """A 95 % bootstrap interval of the mean (percentile method)."""
    if not values:
        return float("nan"), float("nan")
    draw = random.Random(seed)
    means = sorted(mean(draw.choices(values, k=len(values))) for _ in range(rounds))
    return means[int(0.025 * rounds)], means[int(0.975 * rounds) - 1]


def rouge_l(candidate: str, reference: str) -> float:
    """ROUGE-L F1 on lower-cased words (Lin 2004, longest common subsequence, beta 1)."""
    a, b = (re.findall(r"\w+", t.lower()) for t in (candidate, reference))
    if not a or not b:
        return 0.0
    row = [0] * (len(b) + 1)
    for x in a:
        previous = 0
        for j, y in enumerate(b, start=1):
            previous, row[j] = row[j], previous + 1 if x == y else max(row[j], row[j - 1])
    common = row[-1]
    return 2 * common / (len(a) + len(b)) if common else 0.0
