"""Follow-up questions, made whole from what was asked before, without a model.

The topic is followed through the conversation: a question that introduces one sets it, a question that only points
at it or asks for an aspect of it (its cost, its duration) keeps it. A follow-up that points or leaves the topic out
gets it; a mere fragment ("And in Texas?") gets all that the question before it asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from advisor.query import stem, terms_of, words_of
from advisor.types import Exchange
from advisor.words import ASPECTS, FUNCTION_WORDS, GENERIC_WORDS

LONGEST_WORD = 45  # letters in the longest word of English: what is longer is noise and leans on nothing
RARE = 0.5  # from this rarity on a word names a topic by itself
COMMON = 0.3  # below it a word is too common to name one
MOST_CARRIED = 8  # words

_ASPECT_STEMS = frozenset(stem(w) for w in ASPECTS)
_OPENS = re.compile(
    r"^\s*(?:and|or|but|so|then|also|what about|how about|what else|anything else|why|how so|how come|since when|tell me more|more|go on|"
    r"which one|the (?:first|second|third|last|other|latter|former)|same|ok|okay|really|what if|any|for|in|at|on|with|versus|vs|compared)\b",
    re.I,
)
_POINTS = re.compile(
    r"\b(?:it|its|it['’]s|they|them|their|theirs|he|him|his|she|her|hers|this|that|these|those|there|ones?|such|both|"
    r"the (?:former|latter|same|first|second|third|last|other)|the (?:role|job|post|degree|program|exam|course))\b",
    re.I,
)
# Where those words point at nothing that was said before.
_POINTS_NOWHERE = re.compile(
    r"\bthere (?:is|are|was|were|be|a|any)\b|\b(?:is|are|was|were|be) there\b|\b(?:this|these|those|that) (?:year|week|month|decade|century|day)s?\b"
    r"|\bit (?:true|possible|worth|hard|easy|necessary|better|normal|common|realistic)\b|\b(?:does|did|will|would|can) it take\b"
    r"|\bthat (?:is|are|was|were|can|will|would|could|have|has|had|a|the|i|you|we|they)\b",
    re.I,
)
_INTRODUCES = re.compile(
    r"^\s*(?:tell me (?:more )?about|describe|explain|define|what causes?|what (?:is|are|was|were)|who (?:is|are|was|were)|what['’]s|who['’]s)\s+(.+)",
    re.I,
)
_ENDS = re.compile(
    r"\s*(?:[?.!,;:]|\b(?:that|which|who|when|where|if|because|compared?|than|like|used|known|called|do|does|did|is|are|was|were|has|have|can|will|would|should)\b)"
)
_BETWEEN = re.compile(r"\b(?:for|to|in|on|from|between|during|with|by|as|at|into)\b")
_VERB = re.compile(r"\b(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|should|must|may|need|\w+(?:ed|ing))\b", re.I)
Rarity = Callable[[str], float]


def condense(question: str, history: Sequence[Exchange], rarity: Rarity = lambda word: RARE) -> str:
    """The question to search for: as asked, or with what it leaves out of the questions before it that were answered."""
    answered = [e for e in history if e.outcome == "answered"]
    if not answered or any(len(word) > LONGEST_WORD for word in words_of(question)):
        return question
    topic: list[str] = []
    for exchange in answered:
        topic = _next(topic, exchange.question, rarity)
    if not _leans(question, rarity):
        return question
    have = {stem(w) for w in words_of(question)}
    carried = _content(answered[-1].query) if _is_fragment(question) or not topic else topic
    missing = [w for w in dict.fromkeys(carried) if stem(w) not in have][:MOST_CARRIED]
    return f"{question.strip()} ({' '.join(missing)})" if missing else question


def _content(text: str) -> list[str]:
    return [t.word for t in terms_of(text, lambda w: 0.5) if t.weight > 0.15]


def _strong(text: str) -> list[str]:
    """The words that can name a topic: neither small words nor an aspect that every topic has."""
    kept = (w for w in words_of(text) if w.lower() not in FUNCTION_WORDS and w.lower() not in GENERIC_WORDS)
    return [w for w in kept if stem(w) not in _ASPECT_STEMS]


def _is_named(question: str) -> bool:
    """Whether a name stands in it, behind its first word."""
    return any(w.lower() not in FUNCTION_WORDS for w in re.findall(r"(?<!^)\b[A-Z][\w'’.-]*", question.strip()))


def _points(question: str) -> bool:
    return bool(_POINTS.search(_POINTS_NOWHERE.sub(" ", question)))


def _is_fragment(question: str) -> bool:
    return not _VERB.search(question) and len(words_of(question)) <= 4


def _focus(question: str) -> list[str]:
    """The words of what a question is about: behind "what is", "tell me about" and the like, else all that can name a topic."""
    match = _INTRODUCES.match(question)
    if not match:
        return _strong(question)[:6]
    phrase = match.group(1)
    if end := _ENDS.search(phrase):
        phrase = phrase[: end.start()] or phrase
    for joint in (re.compile(r"\bof\b"), _BETWEEN):  # "the history of toilets" is about toilets
        head, *tail = joint.split(phrase, maxsplit=1)
        if tail and not _strong(head):
            phrase = tail[0]
    return _strong(phrase)[:6] or _strong(question)[:6]


def _introduces(question: str, rarity: Rarity) -> bool:
    if _points(question):
        return False
    if _is_named(question):
        return True
    match = _INTRODUCES.match(question)
    return bool(match) and any(rarity(w.lower()) >= RARE for w in _focus(question))


def _leans(question: str, rarity: Rarity) -> bool:
    if _points(question) or _is_fragment(question):
        return True
    if _introduces(question, rarity):
        return False
    if _OPENS.match(question):
        return True
    strong = _strong(question)
    return not strong or (len(strong) < 3 and not any(rarity(w.lower()) >= RARE for w in strong))


def _next(topic: list[str], question: str, rarity: Rarity) -> list[str]:
    """The topic after a question: its own where it introduces one, else the one before it."""
    focus = _focus(question)
    if not topic:
        return [w for w in focus if rarity(w.lower()) >= COMMON] or _content(question)
    same = {stem(w) for w in focus} <= {stem(w) for w in topic}
    if not focus or same or (_leans(question, rarity) and not _introduces(question, rarity)):
        return topic
    return focus
