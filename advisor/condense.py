"""Follow-up questions, made whole from what was asked before, without a model."""

from __future__ import annotations

import re
from collections.abc import Sequence

from advisor.query import terms_of, words_of
from advisor.types import Exchange

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


def condense(question: str, history: Sequence[Exchange]) -> str:
    """The question to search for: as asked, or with the subject of the question before it."""
    previous = next((e for e in reversed(history) if e.outcome == "answered"), None)
    if previous is None or any(len(word) > LONGEST_WORD for word in words_of(question)):
        return question
    own = [t for t in terms_of(question, lambda w: 0.5) if t.weight > 0.15]
    leans = bool(_LEANS.match(question)) or len(own) < 2 or (len(own) <= 4 and bool(_POINTS.search(question)))
    if not leans:
        return question
    stems = {t.stem for t in own}
    subject = [t.word for t in terms_of(previous.query, lambda w: 0.5) if t.stem not in stems and t.weight > 0.15]
    return f"{question.strip()} ({' '.join(subject[:8])})" if subject else question
