"""Metrics of answers, by worked examples."""

from __future__ import annotations

from evals import metrics
from evals.cases import Case


def _case(*facts: tuple[str, ...]) -> Case:
    return Case("x", ("Why?",), "answered", facts)


def test_a_fact_may_be_said_in_any_of_its_ways() -> None:
    case = _case(("five years", "60 months"), ("never",))
    assert metrics.fact_recall(case, "It took Five\nYears [1], no more.") == 0.5
    assert metrics.all_facts(case, "It took 60 months and never less.") == 1.0
    assert metrics.fact_recall(case, "") == 0.0
    assert metrics.fact_recall(_case(), "anything") is None


def test_rouge_l_is_the_longest_common_subsequence_of_words() -> None:
    assert metrics.rouge_l("the cat sat", "the cat sat") == 1.0
    assert metrics.rouge_l("police killed the gunman", "police kill the gunman") == 0.75
    assert metrics.rouge_l("", "words") == 0.0


def test_an_interval_holds_its_mean_and_narrows_with_more_cases() -> None:
    few, many = metrics.interval([0.0, 1.0] * 10), metrics.interval([0.0, 1.0] * 200)
    assert few[0] < 0.5 < few[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert metrics.interval([1.0] * 5) == (1.0, 1.0)
