"""Follow-up questions, made whole from what was asked before, without a model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from advisor.query import terms_of, words_of
from advisor.resolve import EVEN, LEANING, Resolver, joined
from advisor.types import Exchange
from advisor.words import SPECIALISTS

LONGEST_WORD = 45  # letters in the longest word of English: what is longer is noise and leans on nothing
_LEANS = re.compile(
    r"^\s*(?:and|or|but|so|then|also|what about|how about|what else|anything else|why|how so|how come|since when|tell me more|more|go on|"
    r"which one|the (?:first|second|third|last|other)|same|ok|okay|really)\b",
    re.I,
)
_POINTS = re.compile(
    r"\b(?:it|its|that|this|these|those|they|them|their|one|ones|he|she|there|both|the (?:former|latter|same|first|second|third|other|role|job|post|degree|program|exam|course))\b",
    re.I,
)


# "What does a VPMA do?" is whole, though it holds but one word of content.
_NAMED = re.compile(r"^\s*(?i:what(?:['’]s| is| are| does| do)|who(?:['’]s| is| are)) (?:an? |the )?[A-Z]{2,6}s?\b(?! (?:one|ones)\b)")
# What people ask who have told of themselves and take the goal for granted.
_OPEN = re.compile(
    r"(?:what (?:am i|do i|are we) (?:still )?(?:missing|lack(?:ing)?|need)|what (?:should|can|could|do|would) i (?:do|try|work on|focus on)(?: next| now| first)?|"
    r"what(?:'|’)?s (?:my )?next(?: step| move)?|what is (?:my |the )?next(?: step| move)?|where (?:do|should|can) i (?:start|begin|go)(?: next| now| from here)?|"
    r"what(?: comes| else|,? now)|how do i (?:start|begin|get there|go on))\s*\?*\s*$",
    re.I,
)
# "I'm a cardiologist", "I chair our QI committee"; not "I have chest pain", nor "I am seeing a cardiologist".
_IN_PRACTICE = re.compile(
    r"\b(?:i(?:['’]?m| am| was|['’]ve been| have been) (?:now |currently |still |only |already )?(?:an? |the |in )?|as an? )(?:[\w-]+ ){0,3}?"
    rf"(?:physicians?|doctor|md|resident|residency|fellow|attending|{SPECIALISTS}|director|chief|chair|chairman|president|executive|lead|leader|vpma|cmio|cqo|practice|officer|advisor)\b"
    r"|\bi(?:['’]ve)? (?:now |currently |have )?(?:chair(?:ed)?|lead|led|head(?:ed)?|run|direct(?:ed)?|sit on|serve(?:d)? on) "
    r"|\b(?:physician|hospitalist|resident|attending|[a-z]+ologist|surgeon|internist|director),? (?:\w+ ){1,2}(?:years?|yrs?)\b",
    re.I,
)
_SEEN = re.compile(r"\b(?:seeing|see|saw|seen by|told by|patient of)\b", re.I)
_AIMED = re.compile(r"\bcmos?\b|chief medical", re.I)
GOAL = "to become a CMO"


def aimed(question: str) -> str:
    """The question with the goal in it, where people tell of their post and only ask what comes next."""
    told = _IN_PRACTICE.search(question)
    if not told or _SEEN.search(told.group()) or not _OPEN.search(question) or _AIMED.search(question):
        return question
    return f"{question.rstrip(' ?')} {GOAL}?"


def condense(question: str, history: Sequence[Exchange], resolver: Resolver | None = None) -> str:
    """The question to search for: as asked, or with the words of earlier questions that it means; by rules without a resolver."""
    answered = [exchange.query for exchange in history if exchange.outcome == "answered"]
    if not answered or any(len(word) > LONGEST_WORD for word in words_of(question)):
        return question
    points = bool(_POINTS.search(question))
    if _NAMED.match(question) and not points:
        return question
    own = [t for t in terms_of(question, lambda w: 0.5) if t.weight > 0.15]
    leans = bool(_LEANS.match(question)) or len(own) < 2 or (len(own) <= 4 and points)
    if resolver:
        return joined(question, resolver.meant(question, answered, LEANING if leans else EVEN))
    stems = {t.stem for t in own}
    subject = [t.word for t in terms_of(answered[-1], lambda w: 0.5) if t.stem not in stems and t.weight > 0.15]
    return joined(question, subject[:8] if leans else [])
