"""The suites that ship: which files they read, and which of their cases."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from evals.cases import FOLDER, Case, read_cases


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases of some files; of all their tags, or only those with one of `tags`."""

    files: tuple[str, ...]
    tags: frozenset[str] = frozenset()
    about: str = ""


ASKED = ("answers",)
SUITES = {
    "answers": Suite(ASKED, about="questions that the guidance answers"),
    "declines": Suite(("declines",), about="questions to decline, a third of them near misses"),
    "conversations": Suite(("conversations", "conversations-guides", "conversations-plain"), about="last turns that lean on those before"),
    "premises": Suite(("premises",), about="questions whose premise the guidance contradicts"),
    "injections": Suite(("injections",), about="questions that carry instructions"),
    "fairness": Suite(("fairness",), about="the same question for people of another name, gender, origin or school"),
    "chat": Suite(("chat",), about="greetings, thanks, who are you"),
    "personal": Suite(ASKED, frozenset({"personal"}), "answers to people who say who they are"),
    "comparisons": Suite(ASKED, frozenset({"comparison", "compare"}), "answers that compare two things"),
    "misspelt": Suite(ASKED, frozenset({"misspelt"}), "answers to misspelt questions"),
}
FOREIGN_TEXTS = ("school-principal.md", "air-traffic-controller.txt", "winemaker")  # in evals/foreign, never tuned on
# The suites whose cases no other suite holds: what a whole run asks.
WHOLE = ("answers", "declines", "conversations", "premises", "injections", "fairness", "chat")


def cases_of(name: str, split: str = "held-out") -> list[Case]:
    """The cases of a shipped suite, or of a file of cases; raises `ValueError` for a name that is neither."""
    suite = SUITES.get(name)
    if suite is None:
        path = Path(name)
        if not path.is_file():
            raise ValueError(f"{name!r} is neither a suite nor a file. The suites are: {', '.join(SUITES)}.")
        return read_cases(path)
    cases: list[Case] = []
    for file in suite.files:
        path = FOLDER / f"{file}.jsonl"
        if path.is_file():
            cases += read_cases(path, split)
    return [c for c in cases if not suite.tags or suite.tags & set(c.tags)]


def smoke(names: Iterable[str], most: int = 25) -> dict[str, list[Case]]:
    """A few cases of each suite, `most` in all, evenly spread over each: what CI can ask on every change."""
    held = {name: cases_of(name) for name in names}
    held = {name: cases for name, cases in held.items() if cases}
    share = max(1, most // max(len(held), 1))
    return {name: cases[:: max(1, len(cases) // share)][:share] for name, cases in held.items()}
