"""Rows of a run as figures: means with bootstrap intervals by suite, and what only many cases together show."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evals.citing import abstention, area, risk_coverage, sameness
from evals.metrics import interval, mean
from evals.score import LOWER_IS_BETTER, NOT_JUDGED

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric of a suite: its mean, the ends of its 95 % bootstrap interval, and how many cases it is of."""

    suite: str
    metric: str
    value: float
    low: float
    high: float
    n: int

    @property
    def margin(self) -> float:
        """Half the width of the interval, or one case if that is more: a single case is never a fall."""
        return max((self.high - self.low) / 2, 1 / max(self.n, 1))


def figures(rows: Sequence[Row]) -> list[Figure]:
    """Every metric of every suite, in the order of the rows."""
    values: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    for row in rows:
        for metric, value in row["scores"].items():
            values[row["suite"], metric].append(value)
    for suite, same in same_advice(rows).items():
        values[suite, "same advice"] = same
    return [Figure(suite, metric, mean(v), *interval(v), len(v)) for (suite, metric), v in values.items()]


def same_advice(rows: Sequence[Row]) -> dict[str, list[float]]:
    """For each suite with groups, 1 a group whose answers have one outcome and quote the same sentences, else 0."""
    groups: defaultdict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        if row["group"]:
            groups[row["suite"], row["group"]].append(row)
    found: defaultdict[str, list[float]] = defaultdict(list)
    for (suite, _), some in groups.items():
        if len(some) > 1:
            found[suite].append(float(all((r["outcome"], r["spans"]) == (some[0]["outcome"], some[0]["spans"]) for r in some)))
    return dict(found)


def together(rows: Sequence[Row]) -> dict[str, float]:
    """What only many cases show: abstention, the risk-coverage area, overlap in groups, latency, tokens and cost."""
    judged = [r for r in rows if r["expected"] in ("answered", "declined")]
    found: dict[str, float] = {}
    if judged:
        scores = abstention([r["expected"] == "declined" for r in judged], [r["outcome"] != "answered" for r in judged])
        found |= {f"abstention {name}": value for name, value in scores.items()}
        found["risk-coverage area"] = area(curve(judged))
    groups: defaultdict[str, list[Any]] = defaultdict(list)
    for row in rows:
        if row["group"]:
            groups[row["group"]].append(frozenset(map(tuple, row["spans"])))
    if groups:
        found["overlap of citations in groups"] = sameness(list(groups.values()))
    times = sorted(1000 * r["seconds"] for r in rows if r["seconds"])
    if times:
        found["latency p50, ms"] = statistics.median(times)
        found["latency p95, ms"] = times[int(0.95 * (len(times) - 1))]
    for name in ("input_tokens", "output_tokens", "cost"):
        if any(name in r["usage"] for r in rows):
            found[name.replace("_", " ")] = sum(r["usage"].get(name, 0) for r in rows)
    return found


def curve(rows: Sequence[Row]) -> list[tuple[float, float]]:
    """The risk-coverage curve: right is an answer with all its facts, to a question that has one."""
    return risk_coverage(
        [r["confidence"] for r in rows], [r["expected"] == "answered" and r["scores"].get("facts", 1.0) == 1.0 for r in rows]
    )


def by_tag(rows: Sequence[Row], metric: str) -> list[tuple[str, float, int]]:
    """A metric's mean for each tag that three cases or more carry, lowest first."""
    values: defaultdict[str, list[float]] = defaultdict(list)
    for row in rows:
        if metric in row["scores"]:
            for tag in row["tags"]:
                values[tag].append(row["scores"][metric])
    return sorted(((tag, mean(v), len(v)) for tag, v in values.items() if len(v) >= 3), key=lambda item: item[1])


def worth(row: Row) -> float:
    """How good a row is, for showing the worst first."""
    scores = row["scores"]
    judged = [
        1 - v if name in LOWER_IS_BETTER else v for name, v in scores.items() if name not in NOT_JUDGED and not name.startswith("passage")
    ]
    return mean(judged) if judged else 1.0
