"""Cases: one JSON object a line, written by people who know the subject.

    {"id": "a-001", "question": "Do I need an MBA?", "outcome": "answered", "facts": [["not required", "no"]],
     "relevant": ["management-degree#Is an MBA required?"], "tags": ["yes-no"], "split": "held-out"}

`facts` holds what a good answer says, each fact as a list of alternatives; `relevant` names sections
as `document#heading`, so that cutting chunks otherwise does not spoil the labels. Cases of the split
`tune` may be looked at while weights are chosen; those of `held-out` only measure.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "cases"
FOREIGN = Path(__file__).parent / "foreign"


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked, and what a good answer holds; `turns` ends with the question that is judged."""

    id: str
    turns: tuple[str, ...]
    outcome: str
    facts: tuple[tuple[str, ...], ...] = ()
    relevant: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    split: str = ""
    standalone: str = ""

    @property
    def question(self) -> str:
        return self.turns[-1]


def read_cases(path: Path, split: str = "") -> list[Case]:
    """The cases of a file, of one split or all; raises `ValueError` naming the file, line and fault."""
    cases = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            case = Case(
                str(row["id"]),
                tuple(row.get("turns") or [row["question"]]),
                str(row["outcome"]),
                tuple(tuple(a) for a in row.get("facts", [])),
                tuple(row.get("relevant", [])),
                tuple(row.get("tags", [])),
                str(row.get("split", "")),
                str(row.get("standalone", "")),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{path.name}, line {number}: {error}. See evals/README.md for the form of a case.") from None
        if not split or case.split in (split, ""):
            cases.append(case)
    return cases
