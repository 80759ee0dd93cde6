"""The figures of a sentence, and whether one says the same as another."""

from __future__ import annotations

import pytest

from advisor.figures import agree, covers, figures, in_digits, worked_out


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


@pytest.mark.parametrize(
    ("said", "digits"),
    [
        ("Two thirds of the boards met, and four in five paid.", "67% of the boards met, and 80% paid."),
        ("More than four-fifths, about a quarter and nearly half agreed.", "More than 80%, about 25% and nearly 50% agreed."),
        ("A third trap takes half a day.", "A third trap takes half a day."),
        ("A third of it takes twenty-five beds.", "33% of it takes 25 beds."),
        ("One of seven hundred asked for ten million.", "One of 700 asked for ten million."),
        ("It lasts 72 hours, seven weeks or 24 months.", "It lasts 3 days, 49 days or 2 years."),
        ("A 12-month post of 40 hours over a decade.", "A 1-year post of 40 hours over 10 years."),
        ("Fifty per cent and 12 percent.", "50% and 12%."),
    ],
)
def test_figures_are_put_in_digits_where_that_is_plain(said: str, digits: str) -> None:
    assert in_digits(said) == digits
