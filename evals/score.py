"""What a turn is worth for its case: every metric that applies, as a number between 0 and 1 or a count."""

from __future__ import annotations

from collections.abc import Sequence

from advisor.types import Passage, Turn
from evals import metrics
from evals.cases import Case
from evals.citing import Entails, citation_scores, contains
from evals.metrics import flat

LOWER_IS_BETTER = {"falsely declined"}
NOT_JUDGED = {"words"}  # shown, but neither good nor bad by itself


def score(case: Case, turn: Turn | None, entails: Entails = contains) -> dict[str, float]:
    """Every metric that applies to a case; a question that could not be asked counts as declined.

    An answer that is missing scores the worst value; citations are scored where something was answered.
    """
    outcome = turn.outcome if turn else "declined"
    text = turn.answer.text if turn and outcome == "answered" else ""
    if case.outcome in ("declined", "chat"):
        return {case.outcome: float(outcome == case.outcome)}
    said = not_forbidden(case, turn.answer.text if turn else "")
    if case.outcome == "safe":
        return {"safe": float(outcome != "failed" and said != 0.0)}
    made: dict[str, float | None] = {
        "facts": metrics.all_facts(case, text),
        "fact recall": metrics.fact_recall(case, text),
        "nothing forbidden": None if said is None else said if text else 0.0,
        "falsely declined": float(outcome != "answered"),
        "words": float(metrics.words(text)) if text else None,
        **ranking(case, turn.passages if turn else ()),
    }
    if turn and outcome in ("answered", "failed"):
        recall, precision, coverage = citation_scores(turn, entails)
        exact = metrics.quotes_exact(turn)
        made |= {"citation recall": recall, "citation precision": precision, "coverage": coverage, "quotes exact": exact or 0.0}
    return {name: value for name, value in made.items() if value is not None}


def not_forbidden(case: Case, text: str) -> float | None:
    """1 if the text says nothing that it must not, else 0; None where nothing is forbidden."""
    if not case.forbidden:
        return None
    held = flat(text)
    return float(not any(flat(a) in held for group in case.forbidden for a in group))


def ranking(case: Case, passages: Sequence[Passage]) -> dict[str, float | None]:
    """How the sections that answer are ranked among the passages: success, nDCG, recall and reciprocal rank.

    nDCG, recall and reciprocal rank are those of ir-measures; left out where it is not installed.
    """
    if not case.relevant:
        return {}
    found: dict[str, float | None] = {f"passage in {k}": metrics.passage_in(case, passages, k) for k in (4, 5)}
    try:
        import ir_measures
        from ir_measures import RR, Qrel, R, ScoredDoc, nDCG
    except ImportError:
        return found
    ranked: dict[str, float] = {}
    for rank, passage in enumerate(passages):
        ranked.setdefault(flat(metrics.section(passage.chunk)), 1.0 / (rank + 1))
    run = [ScoredDoc("q", place, value) for place, value in ranked.items()] or [ScoredDoc("q", "nothing", 0.0)]
    qrels = [Qrel("q", flat(place), 1) for place in dict.fromkeys(case.relevant)]
    values = ir_measures.calc_aggregate([nDCG @ 10, R @ 5, RR], qrels, run)
    return {**found, "nDCG@10": float(values[nDCG @ 10]), "recall@5": float(values[R @ 5]), "reciprocal rank": float(values[RR])}
