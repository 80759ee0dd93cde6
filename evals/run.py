"""Runs suites of cases through `Advisor` and scores the turns; no second pipeline.

python -m evals.run                    every suite, held-out cases, a table
python -m evals.run --split tune       the cases that weights may be chosen on
python -m evals.run --json FILE        one line a case, for looking at
"""

from __future__ import annotations

import argparse
import json
import sys
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path

from advisor.assemble import open_advisor
from advisor.config import Settings
from advisor.errors import QuestionError
from advisor.pipeline import Advisor
from advisor.types import Turn
from evals import metrics
from evals.cases import FOLDER, FOREIGN, Case, read_cases
from evals.single import advisor_on, prepared_home

HELD_OUT_FOREIGN = ("school-principal.md", "air-traffic-controller.txt", "winemaker")
Scores = dict[str, list[float]]


def asked(advisor: Advisor, case: Case) -> Turn | None:
    """The turn of a case's last question; None where it cannot be asked at all."""
    conversation = uuid.uuid4().hex
    turn = None
    for text in case.turns:
        try:
            turn = advisor.ask(text, conversation)
        except QuestionError:
            turn = None
    return turn


def score(case: Case, turn: Turn | None) -> dict[str, float]:
    """Every metric that applies to a case; a question that could not be asked counts as declined."""
    outcome = turn.outcome if turn else "declined"
    if case.outcome == "declined":
        return {"declined": float(outcome == "declined")}
    if case.outcome == "chat":
        return {"chat": float(outcome == "chat")}
    text = turn.answer.text if turn and outcome == "answered" else ""
    applied = {
        "facts": metrics.all_facts(case, text),
        "fact recall": metrics.fact_recall(case, text),
        "passage in 5": metrics.passage_in(case, turn.passages, 5) if turn else 0.0,
        "passage in 4": metrics.passage_in(case, turn.passages, 4) if turn else 0.0,
        "falsely declined": float(outcome != "answered"),
        "quotes exact": metrics.quotes_exact(turn) if turn else None,
        "words": float(metrics.words(text)) if text else None,
    }
    return {name: value for name, value in applied.items() if value is not None}


def run(advisor: Advisor, cases: Iterable[Case], keep: Callable[[Case, Turn | None, dict[str, float]], None] | None = None) -> Scores:
    """The scores of all cases by metric."""
    scores: Scores = {}
    for case in cases:
        turn = asked(advisor, case)
        made = score(case, turn)
        if keep:
            keep(case, turn, made)
        for name, value in made.items():
            scores.setdefault(name, []).append(value)
    return scores


def suites(split: str) -> dict[str, list[Case]]:
    """The suites on the shipped guidance, by name."""
    files = {"answers": "answers", "declines": "declines", "conversations": "conversations", "chat": "chat"}
    return {name: read_cases(FOLDER / f"{file}.jsonl", split) for name, file in files.items()}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.run", description="Run the evaluation suites.")
    parser.add_argument("--split", default="held-out", choices=["held-out", "tune", ""], help="which half of the cases")
    parser.add_argument("--foreign", action="store_true", help="also the three foreign texts that nothing was tuned on")
    parser.add_argument("--json", type=Path, help="write one line a case to this file")
    options = parser.parse_args(arguments)
    lines: list[str] = []

    def keep(case: Case, turn: Turn | None, made: dict[str, float]) -> None:
        text = turn.answer.text if turn else ""
        lines.append(json.dumps({"id": case.id, "question": case.question, "outcome": turn.outcome if turn else "", "text": text, **made}))

    table: dict[str, Scores] = {}
    with_shipped = open_advisor(remember=False)
    for name, cases in suites(options.split).items():
        table[name] = run(with_shipped, cases, keep)
    if options.foreign:
        settings = prepared_home(Settings.load().home)
        for name in HELD_OUT_FOREIGN:
            with advisor_on(settings, FOREIGN / name) as advisor:
                table[name] = run(advisor, read_cases(FOREIGN / f"{name.split('.')[0]}.cases.jsonl"), keep)
    for name, scores in table.items():
        for metric, values in scores.items():
            low, high = metrics.interval(values)
            print(f"{name:24} {metric:18} {metrics.mean(values):8.3f}  [{low:.3f}, {high:.3f}]  n={len(values)}")
    if options.json:
        options.json.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
