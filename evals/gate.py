"""Fails where a metric of the held-out cases falls below the committed baseline by more than its interval.

python -m evals.gate            compare with evals/baseline.json
python -m evals.gate --accept   write what is measured now as the baseline
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from advisor.assemble import open_advisor
from evals.run import run
from evals.score import LOWER_IS_BETTER, NOT_JUDGED
from evals.suites import WHOLE, cases_of
from evals.table import Row, figures

BASELINE = Path(__file__).parent / "baseline.json"
Baseline = dict[str, dict[str, float]]


def baseline_of(rows: Sequence[Row]) -> Baseline:
    """Each metric with its mean and by how much it may fall before that is no chance."""
    return {f"{f.suite}: {f.metric}": {"mean": round(f.value, 4), "margin": round(f.margin, 4)} for f in figures(rows)}


def fallen(before: Baseline, now: Mapping[str, Mapping[str, float]]) -> list[tuple[str, float, float, float, bool]]:
    """Each metric of the baseline as (name, value, baseline, margin, whether it fell); one that is gone has fallen to the worst."""
    found = []
    for name, old in before.items():
        metric = name.split(": ")[1]
        worst = 1.0 if metric in LOWER_IS_BETTER else 0.0
        value = now.get(name, {"mean": worst})["mean"]
        change = old["mean"] - value if metric in LOWER_IS_BETTER else value - old["mean"]
        found.append((name, value, old["mean"], old["margin"], metric not in NOT_JUDGED and change < -old["margin"] - 1e-9))
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.gate", description="Compare the held-out suites with the baseline.")
    parser.add_argument("--accept", action="store_true", help="make what is measured now the baseline")
    options = parser.parse_args(arguments)
    advisor = open_advisor(remember=False)
    rows = [row for name in WHOLE for row in run(advisor, name, cases_of(name))]
    now = baseline_of(rows)
    if options.accept:
        BASELINE.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    compared = fallen(json.loads(BASELINE.read_text(encoding="utf-8")), now)
    for name, value, old, margin, fell in compared:
        print(f"{'✗' if fell else '✓'} {name:36} {value:8.3f}  baseline {old:.3f} ± {margin:.3f}")
    failed = [name for name, *_, fell in compared if fell]
    if failed:
        print(f"The gate fails: {', '.join(failed)} fell below the baseline by more than the interval.")
        return 1
    print("The gate passes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
