"""Two runs side by side: paired differences with intervals, the cases that flipped, and whether it got worse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evals.metrics import interval, mean
from evals.score import LOWER_IS_BETTER, NOT_JUDGED
from evals.table import Row


@dataclass(frozen=True, slots=True)
class Difference:
    """A metric over the cases that both runs have: its mean in each, and the interval of the mean paired difference."""

    suite: str
    metric: str
    before: float
    after: float
    low: float
    high: float
    n: int

    @property
    def verdict(self) -> str:
        """`worse` or `better` where the whole interval lies on one side of no change, else `same`."""
        if self.metric in NOT_JUDGED:
            return "same"
        low, high = (-self.high, -self.low) if self.metric in LOWER_IS_BETTER else (self.low, self.high)
        return "worse" if high < 0 else "better" if low > 0 else "same"


def differences(before: Sequence[Row], after: Sequence[Row]) -> list[Difference]:
    """One a suite and metric, in the order of the first run; a score missing on one side counts as the worst there."""
    later = {(r["suite"], r["id"]): r for r in after}
    pairs: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for old in before:
        new = later.get((old["suite"], old["id"]))
        if new is None:
            continue
        for metric in {**old["scores"], **new["scores"]}:
            if metric in NOT_JUDGED and not (metric in old["scores"] and metric in new["scores"]):
                continue
            worst = 1.0 if metric in LOWER_IS_BETTER else 0.0
            pairs.setdefault((old["suite"], metric), []).append((old["scores"].get(metric, worst), new["scores"].get(metric, worst)))
    found = []
    for (suite, metric), both in pairs.items():
        low, high = interval([b - a for a, b in both])
        found.append(Difference(suite, metric, mean([a for a, _ in both]), mean([b for _, b in both]), low, high, len(both)))
    return found


def flipped(before: Sequence[Row], after: Sequence[Row]) -> list[tuple[Row, Row, bool]]:
    """The cases whose outcome or whose facts went from right to wrong or back, with whether they got better."""
    later = {(r["suite"], r["id"]): r for r in after}
    both = [(old, later[key]) for old in before if (key := (old["suite"], old["id"])) in later]
    return [(old, new, right(new)) for old, new in both if right(old) != right(new)]


def right(row: Row) -> bool:
    """Whether all that is judged by yes and no about a case is as it should be."""
    scores = row["scores"]
    plain = ("facts", "declined", "chat", "safe", "nothing forbidden")
    return all(scores.get(name, 1.0) == 1.0 for name in plain) and not scores.get("falsely declined", 0.0)
