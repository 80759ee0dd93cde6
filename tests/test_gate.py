"""The gate: it falls for planted regressions and for nothing less than the interval."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from advisor.pipeline import Advisor
from advisor.types import Draft, Part, Passage, Progress, Statement
from evals import gate
from evals.cases import Case
from evals.gate import baseline_of, fallen
from evals.run import run
from tests.eval_world import BONUS, CHUNK, SALARY, Script, scripted

CASES = [Case(f"pay-{n}", ("What is the pay?",), "answered", (("$400,000",), ("quality goals",)), ("pay#How much?",)) for n in range(20)]
DECLINES = [Case(f"no-{n}", ("Will it rain?",), "declined") for n in range(20)]
GOOD = scripted({"What is the pay?": [SALARY, BONUS]})
# A document whose spans are one character off: what a fault in cutting chunks does to citations.
SHIFTED = dataclasses.replace(SALARY, start=1, end=34)


def _rows(advisor: Advisor) -> list[dict[str, Any]]:
    return [*run(advisor, "answers", CASES), *run(advisor, "declines", DECLINES)]


def _without_the_first_passage() -> Advisor:
    class Empty:
        def search(self, query: str, k: int) -> Sequence[Passage]:
            return []

    script = Script({})
    return dataclasses.replace(GOOD, retriever=lambda: Empty(), answerer=lambda: script)


def _never_declining() -> Advisor:
    class Willing(Script):
        def draft(self, question: str, query: str, passages: Sequence[Passage]) -> Iterator[Progress | Part | Draft]:
            return super().draft("What is the pay?", query, passages)

    willing = Willing({"What is the pay?": [SALARY, BONUS]})
    return dataclasses.replace(GOOD, answerer=lambda: willing)


REGRESSIONS: list[tuple[str, Callable[[], Advisor], str]] = [
    ("the top passage removed", _without_the_first_passage, "answers: passage in 5"),
    ("citations shifted by one", lambda: scripted({"What is the pay?": [SHIFTED, BONUS]}), "answers: facts"),
    ("answers truncated", lambda: scripted({"What is the pay?": [SALARY]}), "answers: facts"),
    ("abstention off", _never_declining, "declines: declined"),
]


@pytest.mark.parametrize(("what", "worse", "metric"), REGRESSIONS, ids=[what for what, *_ in REGRESSIONS])
def test_a_planted_regression_is_caught(what: str, worse: Callable[[], Advisor], metric: str) -> None:
    before = baseline_of(_rows(GOOD))
    assert not [name for name, *_, fell in fallen(before, before) if fell]
    assert metric in [name for name, *_, fell in fallen(before, baseline_of(_rows(worse()))) if fell]


def test_a_citation_of_other_words_never_reaches_the_gate() -> None:
    turn = scripted({"What is the pay?": [SHIFTED, Statement("A CMO rests.", CHUNK, 0, 33)]}).ask("What is the pay?")
    assert not turn.answer.citations


def test_a_metric_falls_only_by_more_than_its_interval() -> None:
    before = {"answers: facts": {"mean": 0.8, "margin": 0.05}, "answers: falsely declined": {"mean": 0.04, "margin": 0.02}}

    def fell(facts: float, declined: float) -> list[str]:
        now = {"answers: facts": {"mean": facts}, "answers: falsely declined": {"mean": declined}}
        return [name for name, *_, bad in fallen(before, now) if bad]

    assert fell(0.76, 0.05) == []
    assert fell(0.74, 0.04) == ["answers: facts"]
    assert fell(0.9, 0.07) == ["answers: falsely declined"]
    assert [bad for *_, bad in fallen(before, {})] == [True, True], "what is no longer measured has fallen"
    assert not any(bad for *_, bad in fallen({"answers: words": {"mean": 100, "margin": 1}}, {"answers: words": {"mean": 10}}))


def test_the_gate_accepts_what_is_measured_and_then_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(gate, "BASELINE", tmp_path / "baseline.json")
    monkeypatch.setattr(gate, "cases_of", lambda name: {"answers": CASES, "declines": DECLINES}.get(name, []))
    monkeypatch.setattr(gate, "open_advisor", lambda **_: GOOD)
    assert gate.main(["--accept"]) == 0
    assert json.loads((tmp_path / "baseline.json").read_text())["answers: facts"]["mean"] == 1.0
    monkeypatch.setattr(gate, "open_advisor", lambda **_: scripted({}))
    assert gate.main([]) == 1
    assert "The gate fails: answers: facts" in capsys.readouterr().out
