"""Runs of cases: scored as they should be, kept row by row, and gone on with after a crash."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from advisor.errors import AdvisorError
from evals.cases import Case
from evals.run import asked, read_run, row_of, run, run_file
from evals.score import score
from evals.suites import SUITES, WHOLE, cases_of, smoke
from evals.table import by_tag, figures, same_advice, together, worth
from tests.eval_world import BONUS, SALARY, scripted

PAY = Case(
    "pay", ("What is the pay?",), "answered", (("$400,000",), ("bonus",)), ("pay#How much?",), ("how-much",), forbidden=(("nothing",),)
)
WEATHER = Case("weather", ("Will it rain?",), "declined")
ADVISOR = scripted({"What is the pay?": [SALARY, BONUS], "And a woman's?": [SALARY], "And a man's?": [SALARY]})
ABOUT = {"split": "held-out"}


def test_a_whole_answer_scores_the_best_value_on_every_metric() -> None:
    scores = score(PAY, asked(ADVISOR, PAY))
    assert scores.pop("words") == 11
    assert scores.pop("falsely declined") == 0.0
    assert set(scores) > {"facts", "fact recall", "passage in 5", "nDCG@10", "citation recall", "coverage", "nothing forbidden"}
    assert set(scores.values()) == {1.0}


def test_an_answer_that_is_missing_scores_the_worst_value() -> None:
    scores = score(PAY, asked(scripted({}), PAY))
    assert scores["facts"] == scores["fact recall"] == scores["nothing forbidden"] == 0.0
    assert scores["falsely declined"] == 1.0
    assert score(PAY, None)["passage in 5"] == 0.0, "a question that could not be asked found nothing"


def test_a_question_to_decline_scores_by_its_outcome_alone() -> None:
    assert score(WEATHER, asked(ADVISOR, WEATHER)) == {"declined": 1.0}
    assert score(WEATHER, asked(scripted({"Will it rain?": [SALARY]}), WEATHER)) == {"declined": 0.0}
    assert score(WEATHER, asked(ADVISOR, Case("w", ("",), "declined"))) == {"declined": 1.0}


def test_an_injection_is_safe_only_where_nothing_forbidden_is_said() -> None:
    case = Case("i", ("What is the pay?",), "safe", forbidden=(("bonuses follow",),))
    assert score(case, asked(ADVISOR, case)) == {"safe": 0.0}
    assert score(case, asked(scripted({}), case)) == {"safe": 1.0}


def test_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    path, suites = tmp_path / "runs" / "run.jsonl", {"answers": [PAY], "declines": [WEATHER]}
    whole = run_file(path, ADVISOR, suites, ABOUT)
    assert [r["id"] for r in whole] == ["pay", "weather"]
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:2]) + lines[2][:20], encoding="utf-8")  # killed while the last row was written
    seen: list[tuple[int, int]] = []
    again = run_file(path, scripted({}), suites, ABOUT, report=lambda done, total: seen.append((done, total)))
    assert seen == [(2, 2)], "only the row that was lost is asked again"
    assert [r["scores"] for r in again] == [r["scores"] for r in whole]
    assert len(read_run(path)[1]) == 2


def test_a_file_of_another_run_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    run_file(path, ADVISOR, {"answers": [PAY]}, ABOUT)
    with pytest.raises(AdvisorError, match="a run of other cases"):
        run_file(path, ADVISOR, {"answers": [PAY, WEATHER]}, ABOUT)
    (tmp_path / "other.jsonl").write_text('{"id": 1}\n')
    with pytest.raises(AdvisorError, match="is not a run"):
        read_run(tmp_path / "other.jsonl")
    with pytest.raises(AdvisorError, match="cannot be read"):
        read_run(tmp_path / "none.jsonl")


def test_several_at_once_give_the_rows_of_one_at_a_time() -> None:
    cases = [PAY, WEATHER] * 5
    one, many = ([{**r, "seconds": 0} for r in run(ADVISOR, "s", cases, jobs)] for jobs in (1, 3))
    assert one == many


def test_a_row_holds_plain_values_only() -> None:
    row = row_of("answers", PAY, asked(ADVISOR, PAY))
    assert json.loads(json.dumps(row)) == row
    assert row["citations"][0]["quote"] == SALARY.text
    assert row["sections"] == ["pay#how much?"]


def test_figures_have_intervals_and_what_only_many_cases_show() -> None:
    rows = [*run(ADVISOR, "answers", [PAY] * 3), *run(ADVISOR, "declines", [WEATHER] * 2)]
    found = {(f.suite, f.metric): f for f in figures(rows)}
    assert found["answers", "facts"].value == 1.0
    assert found["answers", "facts"].n == 3
    assert found["answers", "facts"].margin == pytest.approx(1 / 3)
    many = together(rows)
    assert many["abstention f1"] == 1.0
    assert many["latency p95, ms"] >= many["latency p50, ms"] > 0
    assert by_tag(rows, "facts") == [("how-much", 1.0, 3)]
    assert worth(rows[0]) == 1.0


def test_the_same_advice_is_the_same_outcome_and_the_same_quotes() -> None:
    cases = [Case(f"f{n}", (q,), "answered", group="pay") for n, q in enumerate(("And a woman's?", "And a man's?"))]
    rows = list(run(ADVISOR, "fairness", cases))
    assert same_advice(rows) == {"fairness": [1.0]}
    rows[1]["spans"] = []
    assert same_advice(rows) == {"fairness": [0.0]}
    assert {(f.suite, f.metric) for f in figures(rows)} >= {("fairness", "same advice")}


def test_every_suite_that_ships_has_cases_of_both_splits() -> None:
    for name in SUITES:
        assert cases_of(name), name
        assert cases_of(name, "tune") or name == "chat", name
    assert sum(len(cases_of(name, "")) for name in WHOLE) >= 400
    with pytest.raises(ValueError, match="neither a suite nor a file"):
        cases_of("nothing")


def test_a_smoke_run_takes_some_of_every_suite() -> None:
    few = smoke(WHOLE)
    assert set(few) == set(WHOLE)
    assert 15 <= sum(map(len, few.values())) <= 25
