"""Two runs side by side, and runs for other tools."""

from __future__ import annotations

import json

from evals.cases import Case
from evals.compare import differences, flipped
from evals.export import exported
from evals.run import Row, run
from tests.eval_world import BONUS, SALARY, scripted

CASES = [Case(f"pay-{n}", ("What is the pay?",), "answered", (("$400,000",), ("quality goals",))) for n in range(20)]


def _run(*statements: object) -> list[Row]:
    return list(run(scripted({"What is the pay?": list(statements)} if statements else {}), "answers", CASES))  # type: ignore[dict-item]


def test_what_got_worse_is_told_from_chance() -> None:
    whole, half = _run(SALARY, BONUS), _run(SALARY)
    verdicts = {d.metric: d.verdict for d in differences(whole, half)}
    assert verdicts["facts"] == verdicts["fact recall"] == "worse"
    assert verdicts["quotes exact"] == verdicts["words"] == "same"
    assert {d.metric: d.verdict for d in differences(half, whole)}["facts"] == "better"
    one_of_twenty = [half[0], *whole[1:]]
    assert {d.metric: d.verdict for d in differences(whole, one_of_twenty)}["facts"] == "same"


def test_more_false_declines_are_worse() -> None:
    found = {d.metric: d for d in differences(_run(SALARY, BONUS), _run())}
    assert found["falsely declined"].verdict == "worse"
    assert (found["citation recall"].after, found["citation recall"].verdict) == (0.0, "worse"), "missing scores the worst"


def test_the_cases_that_flipped_are_listed_with_their_direction() -> None:
    whole, half = _run(SALARY, BONUS), _run(SALARY)
    assert [(new["id"], better) for _, new, better in flipped(whole, [*whole[:3], *half[3:5]])] == [("pay-3", False), ("pay-4", False)]
    assert all(better for *_, better in flipped(half, whole))
    assert not differences(whole, [])


def test_a_run_is_exported_for_other_tools() -> None:
    rows = _run(SALARY, BONUS)[:1]
    assert json.loads(exported("ragas", rows)) == {
        "user_input": "What is the pay?",
        "retrieved_contexts": [SALARY.chunk.text, SALARY.chunk.text],
        "response": rows[0]["text"],
        "reference": "$400,000; quality goals",
    }
    line = json.loads(exported("inspect", rows))
    assert (line["id"], line["input"], line["target"]) == ("pay-0", "What is the pay?", "$400,000; quality goals")
    assert line["metadata"]["answer"] == rows[0]["text"]
