"""Sentences said in another order or with other figures: the same, or something else that looks the same."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from advisor.figures import covers, figures
from evals.rewording import amounts, moved, other_amounts, turned_round


def _all(way: Callable[[random.Random, str], str | None], text: str) -> set[str]:
    return {said for seed in range(60) if (said := way(random.Random(seed), text))}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A CMO needs a mandate because chairs resist change.", "Because chairs resist change, a CMO needs a mandate."),
        (
            "In a 2005 survey, physician leaders gave little time to nursing.",
            "Physician leaders gave little time to nursing, in a 2005 survey.",
        ),
        (
            "Pay of medical directors fell slowly, according to Cejka Search.",
            "According to Cejka Search, pay of medical directors fell slowly.",
        ),
        ("The firm checks references, background and education.", "The firm checks references, education and background."),
    ],
)
def test_a_sentence_is_moved_about_and_says_the_same(text: str, said: str) -> None:
    assert said in _all(moved, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A CMO needs a mandate because chairs resist change.", "Because a CMO needs a mandate, chairs resist change."),
        ("The final exam comes after the course has ended.", "Before the course has ended, the final exam comes."),
        ("The survey grew from 29 questions to 32.", "The survey grew from 32 questions to 29."),
        ("The post of CMO reports to the CEO.", "The post of CEO reports to the CMO."),
        ("Group practice pays more than hospital work does.", "Hospital work does pays more than group practice."),
    ],
)
def test_a_sentence_is_turned_round_and_says_something_else(text: str, said: str) -> None:
    assert said in _all(turned_round, text)


def test_names_in_a_list_are_not_exchanged() -> None:
    assert not _all(turned_round, "Credentials come from ACHE and AAPL alone.")


def test_a_share_becomes_a_part_that_it_may_be_called_and_its_twin_one_that_it_may_not() -> None:
    text = "Of all, 41% of the boards agreed."
    true, false = _all(amounts, text), _all(other_amounts, text)
    assert min(len(true), len(false)) > 3
    assert "Of all, about two fifths of the boards agreed." in true
    held = figures("41%")[0]
    assert all(covers(figures(said)[0], held) for said in true)
    assert not any(covers(figures(said)[0], held) for said in false)


def test_a_time_is_given_in_another_unit() -> None:
    assert "The review takes seven weeks." in _all(amounts, "The review takes 49 days.")
    assert "The review takes seven weeks." not in _all(other_amounts, "The review takes 49 days.")
