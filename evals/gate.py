"""Fails where a metric of the held-out cases falls below the committed baseline by more than its interval.

python -m evals.gate            compare with evals/baseline.json
python -m evals.gate --accept   write what is measured now as the baseline
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from advisor.assemble import open_advisor
from evals.metrics import interval, mean
from evals.run import run, suites

BASELINE = Path(__file__).parent / "baseline.json"
LOWER_IS_BETTER = {"falsely declined"}
NOT_JUDGED = {"words"}


def measured() -> dict[str, dict[str, float]]:
    """Each metric of the held-out suites with its mean and half the width of its interval, or one case if that is more."""
    advisor = open_advisor(remember=False)
    found: dict[str, dict[str, float]] = {}
    for suite, cases in suites("held-out").items():
        for metric, values in run(advisor, cases).items():
            low, high = interval(values)
            # Where all cases score alike the bootstrap sees no spread: a single case more or less is never a fall.
            margin = max((high - low) / 2, 1 / len(values))
            found[f"{suite}: {metric}"] = {"mean": round(mean(values), 4), "margin": round(margin, 4)}
    return found


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.gate", description="Compare the held-out suites with the baseline.")
    parser.add_argument("--accept", action="store_true", help="make what is measured now the baseline")
    options = parser.parse_args(arguments)
    now = measured()
    if options.accept:
        BASELINE.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    before = json.loads(BASELINE.read_text(encoding="utf-8"))
    failed = []
    for name, old in before.items():
        metric = name.split(": ")[1]
        value = now.get(name, {"mean": 0.0})["mean"]
        change = old["mean"] - value if metric in LOWER_IS_BETTER else value - old["mean"]
        bad = metric not in NOT_JUDGED and change < -old["margin"] - 1e-9
        print(f"{'✗' if bad else '✓'} {name:36} {value:8.3f}  baseline {old['mean']:.3f} ± {old['margin']:.3f}")
        if bad:
            failed.append(name)
    if failed:
        print(f"The gate fails: {', '.join(failed)} fell below the baseline by more than the interval.")
        return 1
    print("The gate passes.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
