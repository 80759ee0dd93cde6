"""The figures of a sentence, and whether one says the same as another."""

from __future__ import annotations

import pytest

from advisor.figures import agree, covers, figures, worked_out


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It pays $95.5 thousand.", [(95_500, "$")]),
        ("It pays $95,500 a year.", [(95_500, "$")]),
        ("About 25% or a quarter or one in four.", [(25, "%"), (25, "%"), (25, "%")]),
        ("Two years, so 24 months.", [(24, "time"), (24, "time")]),
        ("In 2009, two-thirds agreed.", [(2009, "year"), (200 / 3, "%")]),
        ("A fee of $4.1 billion.", [(4.1e9, "$")]),
        ("Twenty-five hours and 12 beds.", [(25, "hour"), (12, "bed")]),
        ("No figure at all.", []),
    ],
)
def test_figures_are_read_with_what_they_count(text: str, found: list[tuple[float, str]]) -> None:
    assert sorted((round(f.value, 3), f.unit) for f in figures(text)) == sorted((round(v, 3), u) for v, u in found)


@pytest.mark.parametrize(
    ("said", "held"),
    [
        ("within 72 hours", "within three days"),
        ("for seven weeks", "for 49 days"),
        ("in half a year", "in six months"),
        ("the first three months", "the first 90 days"),
        ("within a fortnight", "within two weeks"),
        ("within seven calendar days", "within a single week, 7 days"),
        ("over a decade", "over 10 years"),
    ],
)
def test_the_same_time_in_other_units_agrees(said: str, held: str) -> None:
    assert agree(figures(said)[0], figures(held)[-1])


@pytest.mark.parametrize(
    ("said", "held", "covered"),
    [
        ("more than four fifths", "86%", True),
        ("about two fifths", "41%", True),
        ("roughly two thirds", "65%", True),
        ("fewer than one in five", "12%", True),
        ("nearly half", "49%", True),
        ("just over half", "53%", True),
        ("just under half a million dollars", "$475,000", True),
        ("more than half", "49%", False),
        ("about a third", "41%", False),
        ("fewer than one in five", "25%", False),
        ("nearly half", "53%", False),
        ("more than 20 beds", "30 pages", False),
        ("49%", "47%", False),
    ],
)
def test_a_rounded_figure_stands_for_those_it_may_mean(said: str, held: str, covered: bool) -> None:
    assert covers(figures(said)[0], figures(held)[0]) is covered


def test_a_rounded_share_may_be_the_rest_of_a_hundred() -> None:
    assert worked_out(figures("about a quarter lacked it")[0], figures("73% were certified"))
    assert not worked_out(figures("about half lacked it")[0], figures("73% were certified"))
