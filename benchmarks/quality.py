"""Our own held-out cases, and the texts on other careers that nothing was tuned on, as rows of the table.

python -m benchmarks.quality
"""

from __future__ import annotations

import argparse
import sys

from advisor.assemble import open_advisor
from advisor.config import Settings, silence_vendors
from benchmarks.report import record
from evals.cases import FOREIGN, read_cases
from evals.metrics import interval, mean
from evals.run import HELD_OUT_FOREIGN, Scores, run, suites
from evals.single import advisor_on, prepared_home

BARS = {
    "answers: passage in 5": "≥ 0.95",
    "answers: facts": "≥ 0.85",
    "answers: quotes exact": "1",
    "answers: falsely declined": "≤ 0.04",
    "declines: declined": "≥ 0.92",
}
NAMES = {
    "passage in 5": "right passage in the first 5",
    "facts": "all expected facts in the answer",
    "quotes exact": "quotes exact",
    "falsely declined": "declined though answerable",
    "declined": "declined as it should",
    "chat": "answered as small talk",
}


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__.splitlines()[0]).parse_args(arguments)
    silence_vendors()
    advisor = open_advisor(remember=False)
    table: dict[str, Scores] = {name: run(advisor, cases) for name, cases in suites("held-out").items()}
    settings = prepared_home(Settings.load().home)
    other: Scores = {}
    for name in HELD_OUT_FOREIGN:
        with advisor_on(settings, FOREIGN / name) as single:
            for metric, values in run(single, read_cases(FOREIGN / f"{name.split('.')[0]}.cases.jsonl")).items():
                other.setdefault(metric, []).extend(values)
    table["three texts on other careers"] = other
    rows = []
    for suite, scores in table.items():
        for metric, values in scores.items():
            if metric in NAMES:
                low, high = interval(values)
                figure = f"{mean(values):.3f} [{low:.2f}, {high:.2f}]"
                rows.append((f"{suite}, held out: {NAMES[metric]} (n={len(values)})", BARS.get(f"{suite}: {metric}", ""), figure))
    record("quality", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
