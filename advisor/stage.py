"""Advice that is addressed to people earlier in their career than the asker: who has practised for twelve years is no resident."""

from __future__ import annotations

import re

from advisor.words import SPECIALISTS

STUDENT, TRAINING, NEW, SETTLED = range(4)
FIRST_YEARS = 2  # of practice, in which an attending counts as new

_NUMBERS = {"a": 1, "one": 1, "two": 2, "a couple of": 2}
_KINDS = (
    r"(?:pre-?)?med(?:ical)? (?:school )?student",
    r"residents?|fellows?|interns?|trainees?|pgy",
    r"new attending|early[- ]career (?:physician|doctor)",
)
_TELLS = tuple(
    re.compile(rf"\b(?:i['’]?m|i am|as)(?: still| now| currently)?(?: an?| in)? (?:[\w-]+ ){{0,3}}?(?:{kind})\b", re.I) for kind in _KINDS
)
_STILL = re.compile(r"\b(?:in|during|finishing|ending|starting) (?:my )?(?:residency|fellowship|training)\b", re.I)
_YEARS = re.compile(r"\b(\d{1,2}|one|two|a couple of|a)[ -](?:years?|yrs?)[ -](?:in|out|into|of practice|after|post|since)\b", re.I)
_SETTLED = re.compile(
    rf"\b(?:years?|yrs?|attending|{SPECIALISTS}|director|chair|chief|vpma|cmio|cqo|practic\w+|partner|physician|doctor)\b",
    re.I,
)
_ADDRESSED = tuple(re.compile(rf"(?:as )?an? (?:{kind})\b", re.I) for kind in _KINDS)


def told(profile: str) -> int | None:
    """The stage that what people tell of themselves puts them in, or None where it says nothing of it."""
    for stage, pattern in enumerate(_TELLS):
        if pattern.search(profile):
            return stage
    if _STILL.search(profile):
        return TRAINING
    years = _YEARS.search(profile)
    if years:
        count = years[1].lower()
        return NEW if (int(count) if count.isdigit() else _NUMBERS[count]) <= FIRST_YEARS else SETTLED
    return SETTLED if _SETTLED.search(profile) else None


def addressed(sentence: str) -> int | None:
    """The stage of the people whom a sentence opens by naming, or None."""
    return next((stage for stage, pattern in enumerate(_ADDRESSED) if pattern.match(sentence)), None)


def is_for(sentence: str, stage: int | None) -> bool:
    """Whether a sentence may be advice to somebody at this stage: not where it is addressed to people at an earlier one."""
    if stage is None:
        return True
    to = addressed(sentence)
    return to is None or to >= stage
