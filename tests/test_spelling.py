"""Misspelt words are put right by the guidance's own words, and nothing else is touched."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from advisor.spelling import Speller, edits, letters

WORDS = {"director": 9, "fellowship": 4, "committee": 7, "salary": 5, "physician": 20, "hospital": 12}
ENGLISH = {"weather", "doctor", "hospice", "celery", "directory"}
SPELLER = Speller(WORDS, ENGLISH.__contains__)


@pytest.mark.parametrize(
    ("written", "meant"),
    [("medical directer", "medical director"), ("felowship", "fellowship"), ("comittee work", "committee work"), ("slaary", "salary")],
)
def test_a_misspelt_word_becomes_the_word_of_the_guidance(written: str, meant: str) -> None:
    assert SPELLER.correct(written) == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [("do i ned a degree", "do i need a degree"), ("wat is teh pay", "what is the pay"), ("wich committee", "which committee")],
)
def test_slips_in_the_words_that_frame_a_question_are_put_right(written: str, meant: str) -> None:
    assert SPELLER.correct(written) == meant


@pytest.mark.parametrize(
    "text", ["Ned", "dose", "form", "weather", "celery", "Hospice directory", "DIRECTER", "VPMA", "physicians", "xqzjw", "pay", "", "42 %"]
)
def test_words_that_are_known_or_like_nothing_stay(text: str) -> None:
    assert SPELLER.correct(text) == text


@given(st.text("abcd", max_size=7), st.text("abcd", max_size=7))
def test_edits_are_the_same_both_ways_and_none_for_equal_words(a: str, b: str) -> None:
    assert edits(a, b, 9) == edits(b, a, 9) <= max(len(a), len(b))
    assert (edits(a, b, 9) == 0) == (a == b)


def test_a_swap_of_neighbours_is_one_edit_and_more_than_the_limit_is_cut_off() -> None:
    assert edits("slaary", "salary", 2) == 1
    assert edits("abcdef", "uvwxyz", 2) == 3


@given(st.text("abcde", max_size=7), st.text("abcde", max_size=7))
def test_an_edit_changes_two_letters_at_most(a: str, b: str) -> None:
    assert (letters(a) ^ letters(b)).bit_count() <= 2 * edits(a, b, 9)
