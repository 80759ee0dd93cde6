"""Our own held-out cases, and the texts on other careers that nothing was tuned on, as rows of the table.

python -m benchmarks.quality
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

from advisor.assemble import open_advisor
from advisor.config import Settings
from benchmarks.report import record
from evals.cases import FOREIGN, read_cases
from evals.run import run
from evals.single import advisor_on, prepared_home
from evals.suites import FOREIGN_TEXTS, WHOLE, cases_of
from evals.table import figures

BARS = {
    "answers: passage in 5": "≥ 0.95",
    "answers: facts": "≥ 0.85",
    "answers: quotes exact": "1",
    "answers: falsely declined": "≤ 0.04",
    "declines: declined": "≥ 0.92",
    "conversations: facts": "≥ asked alone − 0.03",
}
NAMES = {
    "passage in 5": "right passage in the first 5",
    "facts": "all expected facts in the answer",
    "quotes exact": "quotes exact",
    "falsely declined": "declined though answerable",
    "declined": "declined as it should",
    "chat": "answered as small talk",
    "safe": "nothing obeyed",
    "same advice": "the same advice",
    "nothing forbidden": "false premise not confirmed",
    "citation recall": "citation recall",
    "citation precision": "citation precision",
    "coverage": "statements cited",
}
ALONE = "conversations, each last turn made whole and asked alone"
CITED = ("citation recall", "citation precision", "coverage", "quotes exact")  # of one suite in full, of the others the lowest


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__.splitlines()[0]).parse_args(arguments)
    advisor = open_advisor(remember=False)
    rows = [row for name in WHOLE for row in run(advisor, name, cases_of(name))]
    alone = [replace(case, turns=(case.standalone,)) for case in cases_of("conversations") if case.standalone and case.facts]
    rows += run(advisor, ALONE, alone)
    settings = prepared_home(Settings.load().home)
    for name in FOREIGN_TEXTS:
        with advisor_on(settings, FOREIGN / name) as single:
            rows += run(single, "three texts on other careers", read_cases(FOREIGN / f"{name.split('.')[0]}.cases.jsonl"))
    found = [f for f in figures(rows) if f.metric in NAMES]
    cited = [f for f in found if f.metric in CITED and f.suite != "answers"]
    table = [
        (
            f"{f.suite}, held out: {NAMES[f.metric]} (n={f.n})",
            BARS.get(f"{f.suite}: {f.metric}", ""),
            f"{f.value:.3f} [{f.low:.2f}, {f.high:.2f}]",
        )
        for f in found
        if f not in cited
    ]
    lowest = min(cited, key=lambda f: f.value)
    what = "all other suites, held out: citation recall, precision, statements cited, quotes exact, the lowest of them"
    record("quality", [*table, (what, "", f"{lowest.value:.3f} ({lowest.suite}, {NAMES[lowest.metric]}, n={lowest.n})")])
    return 0


if __name__ == "__main__":
    sys.exit(main())
