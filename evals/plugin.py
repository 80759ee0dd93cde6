"""A pytest plugin: `pytest --advisor-suite FILE` runs cases as tests in any project.

Each case is a test that passes when its outcome is right, every expected fact is there, nothing forbidden is said and
each citation holds. The advisor is the one that the environment sets up (`ADVISOR_HOME` and the others).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("advisor")
    group.addoption("--advisor-suite", action="append", default=[], metavar="FILE", help="a file of cases for the advisor, run as tests")


def pytest_collection(session: pytest.Session) -> None:
    """Names files that cannot be read before anything runs."""
    for name in session.config.getoption("--advisor-suite"):
        if not Path(name).is_file():
            raise pytest.UsageError(f"--advisor-suite: there is no file {name}")


def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    for name in config.getoption("--advisor-suite"):
        items.extend(Suite.from_parent(session, path=Path(name).resolve()).collect())


class Suite(pytest.File):
    def collect(self) -> Iterator[Question]:
        from evals.cases import read_cases

        try:
            cases = read_cases(self.path)
        except ValueError as error:
            raise pytest.UsageError(f"--advisor-suite: {error}") from None
        for case in cases:
            yield Question.from_parent(self, name=case.id, case=case)


class Question(pytest.Item):
    """One case as a test."""

    def __init__(self, *, case: Any, **rest: Any) -> None:
        super().__init__(**rest)
        self.case = case

    def runtest(self) -> None:
        from evals.run import asked, row_of

        row = row_of(self.path.stem, self.case, asked(_advisor(), self.case))
        faults = [name for name, bad in _judged(row).items() if bad]
        if faults:
            raise Wrong(f"{', '.join(faults)}\n  asked: {self.case.question}\n  {row['outcome']}: {row['text']}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        return str(excinfo.value) if isinstance(excinfo.value, Wrong) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name}: {self.case.id}"


class Wrong(Exception):
    """What a case found fault with."""


def _judged(row: dict[str, Any]) -> dict[str, bool]:
    scores = row["scores"]
    return {
        f"the outcome is {row['outcome']}, not {row['expected']}": bool(
            scores.get("falsely declined") or 0.0 in [scores.get(name) for name in ("declined", "chat", "safe")]
        ),
        "an expected fact is missing": scores.get("facts") == 0.0,
        "something forbidden is said": scores.get("nothing forbidden") == 0.0,
        "a citation does not hold": scores.get("citation recall", 1.0) < 1.0 or scores.get("quotes exact", 1.0) < 1.0,
    }


@lru_cache(maxsize=1)
def _advisor() -> Any:
    from advisor.assemble import open_advisor
    from advisor.config import silence_vendors

    silence_vendors()
    return open_advisor(remember=False)
