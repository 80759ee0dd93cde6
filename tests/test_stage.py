"""Advice to people at an earlier stage than the asker's is left out."""

from __future__ import annotations

import pytest

from advisor.pipeline import Advisor
from advisor.stage import NEW, SETTLED, STUDENT, TRAINING, addressed, is_for, told


@pytest.mark.parametrize(
    ("profile", "stage"),
    [
        ("I'm a medical student.", STUDENT),
        ("I'm a third-year resident in surgery.", TRAINING),
        ("I am a PGY-2.", TRAINING),
        ("I'm still in residency", TRAINING),
        ("I'm a new attending.", NEW),
        ("I'm a hospitalist two years out of residency.", NEW),
        ("I am an internist, a couple of years out.", NEW),
        ("I'm a cardiologist, 12 years in, I chair our QI committee.", SETTLED),
        ("I'm a hospitalist six years out of residency with no admin experience.", SETTLED),
        ("I am a medical director.", SETTLED),
        ("I like hiking.", None),
        ("", None),
    ],
)
def test_what_people_tell_says_where_they_stand(profile: str, stage: int | None) -> None:
    assert told(profile) == stage


@pytest.mark.parametrize(
    ("sentence", "stage"),
    [
        ("A resident who wants to become a CMO should join one committee.", TRAINING),
        ("A new attending should volunteer for projects.", NEW),
        ("As a medical student, look at the whole hospital.", STUDENT),
        ("A medical director answers for one service.", None),
        ("Most residents see little of committees.", None),
    ],
)
def test_a_sentence_is_addressed_to_whom_it_opens_by_naming(sentence: str, stage: int | None) -> None:
    assert addressed(sentence) == stage


def test_advice_for_later_stages_stays_and_who_tells_nothing_hears_all() -> None:
    resident = "A resident should join one committee."
    assert not is_for(resident, SETTLED)
    assert not is_for(resident, NEW)
    assert is_for(resident, TRAINING)
    assert is_for(resident, STUDENT)
    assert is_for(resident, None)
    assert is_for("A medical director answers for one service.", STUDENT)


def test_a_cardiologist_of_twelve_years_is_not_told_what_residents_should_do(shipped_advisor: Advisor) -> None:
    told_of = "I'm a cardiologist, 12 years in, I chair our QI committee. What am I missing?"
    answer = shipped_advisor.ask(told_of).answer
    assert answer.citations
    assert "A resident who" not in answer.text
    assert "A new attending" not in answer.text
    assert "resident" in shipped_advisor.ask("I'm a resident. How do I get there, to become a CMO?").answer.text
