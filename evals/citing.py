"""Metrics of citations and of abstention, by the field's definitions.

Citation recall and precision are ALCE's (Gao et al. 2023, section 3.3) with the entailment given: containment
where answers are quotes, a verifier otherwise. Alone they say little: copying a passage scores 99 on both, so they
are shown beside fact recall and length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from advisor.evidence import claim_text
from advisor.sentences import split
from advisor.types import Turn

Entails = Callable[[str, str], bool]
_MARKS = re.compile(r"((?:\s*\[\d+\])+)")


def contains(evidence: str, claim: str) -> bool:
    """Entailment of a quote: the claim stands in the evidence, word for word, marks and blanks aside."""
    return bool(claim_text(claim)) and claim_text(claim) in claim_text(evidence)


def statements(text: str) -> list[tuple[str, tuple[int, ...]]]:
    """The sentences of an answer, each with the numbers it cites, before its full stop or after it.

    A line that only leads in to a list or a part, and so ends in a colon or is bold, states nothing.
    """
    found: list[tuple[str, tuple[int, ...]]] = []
    for line in text.splitlines():
        line = re.sub(r"^\s*(?:[-*]|\d+\.)\s+", "", line).strip()
        line = re.sub(r"^\*\*[^*]+\*\*:\s+(?=\S)", "", line)
        if re.fullmatch(r"\*\*[^*]+\*\*:?|[^\[\]]*:", line):
            continue
        parts = [*_MARKS.split(line), ""]
        for words, marks in zip(parts[::2], parts[1::2], strict=True):
            words = words.lstrip(" .;,!?")
            spans = [words[a:b] for a, b in split(words, 0, len(words))]
            found += [(s, ()) for s in spans]
            if marks and spans:
                found[-1] = (spans[-1], tuple(int(n) for n in re.findall(r"\d+", marks)))
    return found


def citation_scores(turn: Turn, entails: Entails = contains) -> tuple[float, float, float]:
    """(recall, precision, coverage) of an answer's citations; all 0 for an answer without statements.

    Recall is the share of sentences that what they cite entails; precision the share of citations that are needed or
    support alone; coverage the share of sentences that cite at all.
    """
    passages = {c.number: c.chunk.text for c in turn.answer.citations}
    said = statements(turn.answer.text)
    supported = precise = cited = covered = 0
    for sentence, numbers in said:
        known = [n for n in dict.fromkeys(numbers) if n in passages]
        whole = bool(known) and entails("\n".join(passages[n] for n in known), sentence)
        supported += whole
        covered += bool(known)
        cited += len(dict.fromkeys(numbers))
        for n in known:
            others = "\n".join(passages[m] for m in known if m != n)
            needless = len(known) > 1 and not entails(passages[n], sentence) and entails(others, sentence)
            precise += whole and not needless
    if not said:
        return 0.0, 0.0, 0.0
    return supported / len(said), precise / cited if cited else 0.0, covered / len(said)


def abstention(expected: Sequence[bool], declined: Sequence[bool]) -> dict[str, float]:
    """Precision, recall and F1 of declining, where `expected` says that a question was to be declined."""
    hit = sum(e and d for e, d in zip(expected, declined, strict=True))
    precision = hit / sum(declined) if any(declined) else 0.0
    recall = hit / sum(expected) if any(expected) else 0.0
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / (precision + recall) if hit else 0.0}


def risk_coverage(confidence: Sequence[float], right: Sequence[bool]) -> list[tuple[float, float]]:
    """The curve of (share answered, share of those that are wrong), the surest questions answered first.

    El-Yaniv and Wiener 2010; questions of one confidence are answered together.
    """
    order = sorted(zip(confidence, right, strict=True), key=lambda pair: -pair[0])
    curve: list[tuple[float, float]] = []
    wrong = 0
    for n, (sure, good) in enumerate(order, start=1):
        wrong += not good
        if n == len(order) or order[n][0] < sure:
            curve.append((n / len(order), wrong / n))
    return curve


def area(curve: Sequence[tuple[float, float]]) -> float:
    """The area under a risk-coverage curve, lower is better; steps, so that nothing is interpolated."""
    before = 0.0
    total = 0.0
    for covered, risk in curve:
        total += (covered - before) * risk
        before = covered
    return total


def cited_spans(turn: Turn) -> frozenset[tuple[str, int, int]]:
    """Where an answer's quotes stand: what two answers share when they give the same advice."""
    return frozenset((c.chunk.document.id, c.start, c.end) for c in turn.answer.citations)


def sameness(groups: Sequence[Sequence[frozenset[tuple[str, int, int]]]]) -> float:
    """The mean Jaccard overlap of the spans cited by each two answers of a group; two empty sets are the same."""
    overlaps = [len(a & b) / len(a | b) if a | b else 1.0 for group in groups for i, a in enumerate(group) for b in group[i + 1 :]]
    return sum(overlaps) / len(overlaps) if overlaps else 1.0
