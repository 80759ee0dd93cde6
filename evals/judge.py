"""An optional judge: any chat model grades the answers of a run, yes or no. Advisory: no gate reads it.

What a judge is worth is how far it agrees with people, so labels of theirs are shown beside it where there are some.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from advisor.calls import Calls, ModelFault
from advisor.config import Settings, shipped
from advisor.errors import AdvisorError
from advisor.models import ChatModel, open_model
from advisor.prompts import load_prompts
from evals.table import Row

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """A judge's grades by (suite, case), how many calls failed, and how far people who labelled the same answers agree."""

    judge: str
    grades: Mapping[tuple[str, str], bool]
    failed: int
    labelled: int = 0
    agreement: float = 0.0
    kappa: float = 0.0


def judged(
    rows: Sequence[Row],
    settings: Settings,
    name: str,
    labels: Mapping[str, bool] | None = None,
    jobs: int = 1,
    report: Report | None = None,
) -> Verdicts:
    """Grades every answered row with the chat model `name`; `labels` are people's grades by case id."""
    model = open_model(settings.model_copy(update={"model": name}))
    assert model is not None
    prompt = load_prompts(shipped("prompts"))["judge_answer"].text
    answered = [row for row in rows if row["outcome"] == "answered" and row["expected"] == "answered"]

    def one(row: Row) -> bool | None:
        return _grade(model, prompt, row, settings)

    said: list[bool | None] = []
    with ThreadPoolExecutor(jobs) as pool:
        for grade in pool.map(one, answered):
            said.append(grade)
            if report:
                report(len(said), len(answered))
    grades = {(str(row["suite"]), str(row["id"])): grade for row, grade in zip(answered, said, strict=True) if grade is not None}
    both = [(grade, labels[case]) for (_, case), grade in grades.items() if labels and case in labels]
    return Verdicts(name, grades, said.count(None), len(both), *agreement(both))


def _grade(model: ChatModel, prompt: str, row: Row, settings: Settings) -> bool | None:
    facts = "\n".join(f"- {' or '.join(fact)}" for fact in row["facts"]) or "(none listed)"
    message = f"Question:\n{' / '.join(row['turns'])}\n\nFacts:\n{facts}\n\nAnswer:\n{row['text']}"
    try:
        said = "".join(bit or "" for bit in Calls(model, settings.model_seconds, settings.model_silence).write(prompt, message, longest=5))
    except ModelFault:
        return None
    word = said.strip().casefold()
    return True if word.startswith("yes") else False if word.startswith("no") else None


def agreement(pairs: Sequence[tuple[bool, bool]]) -> tuple[float, float]:
    """The share of equal grades, and Cohen's kappa (1960), which takes off what chance alone would give; 0 for none."""
    if not pairs:
        return 0.0, 0.0
    same = sum(a == b for a, b in pairs) / len(pairs)
    first, second = (sum(side) / len(pairs) for side in zip(*pairs, strict=True))
    chance = first * second + (1 - first) * (1 - second)
    return same, (same - chance) / (1 - chance) if chance < 1 else 1.0


def read_labels(path: Path) -> dict[str, bool]:
    """People's grades: lines of `{"id": case, "good": true}`; raises `AdvisorError` naming the line at fault."""
    labels: dict[str, bool] = {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise AdvisorError(f'{path} cannot be read ({error.strerror}). Give a file of lines {{"id": ..., "good": true}}.') from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            labels[str(row["id"])] = {True: True, False: False}[row["good"]]
        except (ValueError, KeyError, TypeError):
            raise AdvisorError(f'{path}, line {number}: write {{"id": "a case", "good": true}}, or false.') from None
    return labels
