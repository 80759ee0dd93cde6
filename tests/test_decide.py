"""What the guidance holds is answered, what it does not hold is declined; similarity alone could not tell."""

from __future__ import annotations

import pytest

from advisor import decide
from advisor.pipeline import Advisor
from advisor.query import analyse


@pytest.mark.parametrize(
    "question",
    [
        "What is the weather in Boston today?",
        "How do I treat atrial fibrillation in a dialysis patient?",
        "What does a chief marketing officer do?",
        "How do I become an airline pilot?",
        "What is the home address of the CMO of the Cleveland Clinic?",
        "What will the average CMO salary be in 2035?",
        "Write me a cover letter for a CMO post.",
        "What is the pass rate of the CPE capstone?",
        "asdf qwer zxcv",
    ],
)
def test_what_the_guidance_does_not_hold_is_declined_with_what_it_can_answer(shipped_advisor: Advisor, question: str) -> None:
    turn = shipped_advisor.ask(question)
    assert turn.outcome == "declined", turn.answer.text
    assert not turn.answer.citations
    assert turn.answer.suggestions


@pytest.mark.parametrize("suggested", ["What does a chief marketing officer do?", "What is the weather in Boston today?"])
def test_what_a_declined_question_offers_instead_is_answered(shipped_advisor: Advisor, suggested: str) -> None:
    for question in shipped_advisor.ask(suggested).answer.suggestions:
        assert shipped_advisor.ask(question).outcome == "answered", question


@pytest.mark.parametrize(
    "question",
    [
        "Do I need an MBA to become a CMO?",
        "Do CMOs still see patients?",
        "cmo salary",
        "How many years of practice first?",
        "Can an international graduate become a CMO?",
        "What do I wear out my welcome with in the first 100 days?",
    ],
)
def test_short_and_plain_questions_are_answered(shipped_advisor: Advisor, question: str) -> None:
    assert shipped_advisor.ask(question).outcome == "answered"


def test_without_a_bar_everything_that_finds_a_sentence_is_answered(shipped_advisor: Advisor) -> None:
    import dataclasses

    willing = dataclasses.replace(shipped_advisor.answerer(), threshold=0.0)  # type: ignore[type-var]
    turn = dataclasses.replace(shipped_advisor, answerer=lambda: willing).ask("What is the pass rate of the CPE capstone?")
    assert turn.outcome == "answered"


def test_a_role_or_a_year_that_is_nowhere_in_the_guidance_is_foreign() -> None:
    def known(word: str) -> int:
        return int(word in ("chief medical officer", "medical officer"))

    def foreign(question: str) -> bool:
        return decide.foreign(analyse(question, lambda word: 0.5), known)

    assert foreign("How do I become a nurse anesthetist?")
    assert foreign("What did a CMO earn in 2031?")
    assert not foreign("How do I become a chief medical officer?")
    assert not foreign("I trained in 1998, is that too long ago?")


def test_the_wording_of_a_question_is_its_stems_and_pairs() -> None:
    assert decide.wordings("pass rates?") == ["pass", "rate", "pass rate"]
    assert decide.wordings("") == []
