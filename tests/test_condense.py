"""Follow-ups are made whole; questions that stand on their own are left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from advisor.condense import aimed, condense
from advisor.resolve import EVEN, LEANING, Resolver
from advisor.types import Exchange, Outcome


def _asked(question: str, outcome: Outcome = "answered") -> Exchange:
    return Exchange(question, question, "…", outcome)


BEFORE = [_asked("How much does a medical director earn?")]


@pytest.mark.parametrize("question", ["And in Texas?", "Why?", "What about bonuses?", "Is it taxed?", "How long does that take?"])
def test_a_follow_up_brings_the_subject_along(question: str) -> None:
    query = condense(question, BEFORE)
    assert query.startswith(question)
    assert "medical director" in query


@pytest.mark.parametrize(
    "question",
    ["Which committees should a hospitalist join?", "How do search firms find candidates for CMO posts?", "What does a VPMA do?"],
)
def test_a_question_that_stands_alone_is_left_alone(question: str) -> None:
    assert condense(question, BEFORE) == question


def test_the_first_question_is_left_alone() -> None:
    assert condense("Why?", []) == "Why?"


def test_a_follow_up_leans_on_the_last_question_that_was_answered() -> None:
    history = [*BEFORE, _asked("What is the weather?", "declined"), _asked("thanks", "chat")]
    assert "director" in condense("Why?", history)
    assert condense("Why?", [_asked("What is the weather?", "declined")]) == "Why?"


class _Resolver:
    """Says at which bar it was asked."""

    def meant(self, question: str, queries: Sequence[str], bar: float) -> list[str]:
        return {LEANING: ["leaning"], EVEN: ["even"]}[bar]


@pytest.mark.parametrize(
    ("question", "query"),
    [
        ("How much does it cost?", "How much does it cost? (leaning)"),
        ("and for smaller rural hospitals in the west?", "and for smaller rural hospitals in the west? (leaning)"),
        ("Which committees should a hospitalist join?", "Which committees should a hospitalist join? (even)"),
        ("What does a CMO earn?", "What does a CMO earn?"),
        ("What does a CMO do there?", "What does a CMO do there? (leaning)"),
    ],
)
def test_a_question_that_seems_whole_takes_only_words_that_are_likelier_meant_than_not(question: str, query: str) -> None:
    assert condense(question, BEFORE, cast(Resolver, _Resolver())) == query


def test_noise_leans_on_nothing() -> None:
    assert condense("y" * 900, BEFORE) == "y" * 900


@pytest.mark.parametrize(
    "question",
    [
        "I'm a cardiologist, 12 years in, I chair our QI committee. What am I missing",
        "hospitalist, six years out, no admin experience. what should I do first",
        "I am a surgeon in private practice. Where do I start",
        "I've chaired credentials, what's next",
        "As a resident, where should I go from here",
    ],
)
def test_who_tells_of_their_post_and_asks_what_comes_next_means_the_way_to_cmo(question: str) -> None:
    assert aimed(f"{question}?") == f"{question} to become a CMO?"


@pytest.mark.parametrize(
    "question",
    [
        "What's next?",
        "I have chest pain. What should I do?",
        "I am seeing a cardiologist. What should I do next?",
        "My dishwasher won't drain. What should I try next?",
        "I'm a medical director. What do I still need to become CMO?",
        "I'm a hospitalist. What should I do about my contract?",
    ],
)
def test_no_goal_is_put_into_other_questions(question: str) -> None:
    assert aimed(question) == question
