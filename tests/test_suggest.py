"""The nearest questions that the guidance answers."""

from __future__ import annotations

import pytest

from advisor.hashed import HashedEncoder
from advisor.suggest import MOST, Suggester, as_question

QUESTIONS = ["How much does a CMO earn?", "How much can a CMO earn?", "Do I need an MBA?", "What is a bonus?", "Who hires a CMO?"]


def test_the_nearest_come_first_and_none_twice() -> None:
    encoder = HashedEncoder()
    suggester = Suggester(QUESTIONS, encoder.encode(QUESTIONS), QUESTIONS)
    found = suggester.nearest(encoder.encode(["What does a CMO earn?"])[0])
    assert found[0] in QUESTIONS[:2]
    assert len(found) == len(set(found)) == MOST
    assert not set(QUESTIONS[:2]) <= set(found), "two that ask the same"


def test_what_to_ask_next_is_near_but_was_not_just_asked() -> None:
    encoder = HashedEncoder()
    suggester = Suggester(QUESTIONS, encoder.encode(QUESTIONS))
    found = suggester.following(encoder.encode([QUESTIONS[0]])[0])
    assert found
    assert QUESTIONS[0] not in found


def test_without_questions_nothing_is_suggested() -> None:
    encoder = HashedEncoder()
    empty = Suggester([], encoder.encode([]))
    assert empty.nearest(encoder.encode(["x"])[0]) == ()
    assert empty.following(encoder.encode(["x"])[0]) == ()
    assert empty.starters() == ()


@pytest.mark.parametrize(
    ("heading", "wanted"),
    [
        ("How long does it take?", "How long does it take?"),
        ("The way in", "What does the guidance say about the way in?"),
        ("MBA or not", "What does the guidance say about MBA or not?"),
        ("Medical Director", "What does the guidance say about Medical Director?"),
        ("", "Title"),
    ],
)
def test_a_heading_becomes_a_question(heading: str, wanted: str) -> None:
    assert as_question(heading, "Title") == wanted
