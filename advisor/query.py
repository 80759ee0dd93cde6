"""What a question asks for: its content words and their rarity, its kind, and who is asking.

Rarity comes from the embedding model's own vocabulary, which is ordered by how common words are;
it serves a single article, whose own word counts say little, as well as a large corpus.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from advisor.words import FUNCTION_WORDS, GENERIC_WORDS, GROUPS

Kind = Literal["plain", "figure", "list", "compare"]

_WORD = re.compile(r"[A-Za-z0-9À-ÿ]+(?:['’.&/-][A-Za-z0-9À-ÿ]+)*")
_JOINT = re.compile(r"[/&’'-]")
_ABOUT_ME = re.compile(
    r"\b(?:i['’]?m|i am|i['’]ve|i have|i was|i work|i run|i chair|i lead|i did|i finished|i completed|i graduated|i trained|i practi[cs]e"
    r"|i currently|i serve|i hold|i just|i['’]d|i only|i never|i love|i like|i hate|i (?:don['’]?t|do not) have|my \w+ (?:is|are|was|has|have)|as an? \w+"
    r"|me:|we are|we have)\b",
    re.I,
)
_ASKS = re.compile(
    r"\?|\b(?:what|which|who|whom|whose|when|where|why|how|should|could|can i|do i|does|is it|am i|are there|will i|would|tell me|explain|"
    r"give me|list|compare|need to know|wondering|advice|help|want to (?:be|become|move|get|know)|next step)\b",
    re.I,
)
_OPENS_WITH_ME = re.compile(r"\s*(?:as an?\s|i['’]?m\s|i am\s|i['’]ve\s|i have\s|with my\s|given\s|after\s)", re.I)
_VERB = re.compile(r"\b(?:is|are|was|were|has|have|had|do|does|did|will|would|can|could|should|\w+(?:ed|ing|s))\b", re.I)
_LEANS_ON_TOLD = re.compile(r"\b(?:that|this|it|them|they|he|him|she|her|there)\b", re.I)
_FIGURE = re.compile(
    r"\bhow (?:long|much|many|often|old|far|big|large|soon|quickly|fast|high|late|early)\b|\bwhat (?:percent|percentage|share|proportion|number|age|year|salary)\b"
    r"|\b(?:salary|salaries|cost|costs|price|fee|fees|tuition|duration|deadline|percent|percentage|how long|pay range|years needed|hours needed)\b|\bwhen (?:did|was|were|does|do|is|will)\b|\$",
    re.I,
)
_LIST = re.compile(
    r"\b(?:steps?|list|ways|options|requirements?|criteria|qualifications|skills|competenc\w+|kinds?|types?|examples|questions (?:to|should|do|will|are)|"
    r"duties|responsibilities|tasks|stages|checklist|tips|which (?:committees|credentials|degrees|programs|skills|roles|courses)|prepare|what (?:should|must|do|does|can) (?:i|you|we|one|a|an)\b.*\b(?:do|ask|learn|bring|avoid|need|include|show|know|look)|"
    r"what are|what (?:does|do) .{3,60} (?:do|involve|include|cover)|how (?:do|can|should|would) (?:i|you|one|we|a|an|someone)|how to)\b",
    re.I,
)
_SIDES = (
    re.compile(r"\b(?:difference|differences|differ|distinction|compare[sd]?|comparison)\b.*?\b(?:between|of)\s+(.+?)\s+(?:and|vs\.?|versus|or|with|to)\s+(.+?)[?.!]*$", re.I),
    re.compile(r"\bcompare\s+(.+?)\s+(?:and|vs\.?|versus|with|to)\s+(.+?)[?.!]*$", re.I),
    re.compile(r"\bhow (?:is|are|does|do)\s+(.+?)\s+(?:different|differ|distinct|compare[sd]?)\s+(?:from|to|with|than)\s+(.+?)[?.!]*$", re.I),
    re.compile(r"^(.{2,60}?)\s+(?:vs\.?|versus)\s+(.{2,60}?)(?:[?.!,:;]|$)", re.I),
    re.compile(r"\b(?:better|worse|harder|easier|longer|more|first|choose|pick|prefer|worth|should i|is it|go for|get|take|become)\b.*?[:,]?\s+(?:an?\s+|the\s+)?([\w./& -]{2,40}?)\s+or\s+(?:an?\s+|the\s+)?([\w./& -]{2,40}?)[?.!]*$", re.I),
    re.compile(r"^(?:an?\s+|the\s+)?([\w./& -]{2,30}?)\s+or\s+(?:an?\s+|the\s+)?([\w./& -]{2,30}?)[?.!]*$", re.I),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    """A content word: its stem, the stems that mean the same, and its rarity from 0 to 1."""

    word: str
    stem: str
    alike: frozenset[str]
    weight: float
    named: bool = False  # a capital inside the question, an acronym or a number: it stands for itself


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is searched. `focus` asks, `profile` tells who asks; the terms are the focus's."""

    text: str
    focus: str
    profile: str
    terms: tuple[Term, ...]
    profile_terms: tuple[Term, ...]
    kind: Kind
    sides: tuple[str, ...] = ()
    expansions: tuple[str, ...] = ()


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """The stem of a lower-case word; possessives and the dots of `Ph.D.` are dropped."""
    bare = word.lower().replace("’", "'").removesuffix("'s").replace(".", "").strip("'&/-")
    return str(_stemmer().stemWord(bare)) if bare.isalpha() else bare


_OWN = threading.local()  # a stemmer keeps state while it works: shared by threads, it returns wrong stems


def _stemmer() -> Any:
    if not hasattr(_OWN, "stemmer"):
        import snowballstemmer

        _OWN.stemmer = snowballstemmer.stemmer("english")
    return _OWN.stemmer


def words_of(text: str) -> list[str]:
    """The words of a text; `QI/PI` and `board-certified` come apart, `U.S.` and `Ph.D.` do not."""
    found: list[str] = []
    for match in _WORD.finditer(text):
        word = match.group()
        # Nearly all are letters alone, and to split them took most of the time.
        found += (word,) if word.isalnum() else _JOINT.split(word)
    return [word for word in found if word and word != "s"]


def stems_of(text: str) -> set[str]:
    return {stem(w) for w in words_of(text)}


@lru_cache(maxsize=4096)
def known_stems(text: str) -> frozenset[str]:
    """The stems of a text of the guidance, which is looked at for one question after another."""
    return frozenset(stems_of(text))


def terms_of(text: str, rarity: Callable[[str], float]) -> tuple[Term, ...]:
    """The content words of a text in order, each once, weighed by rarity."""
    found: dict[str, Term] = {}
    for position, word in enumerate(words_of(text)):
        lower, root = word.lower(), stem(word)
        if lower in FUNCTION_WORDS or not root or root in found or (len(root) == 1 and not root.isdigit()):
            continue
        acronym = word.isupper() and len(word) > 1 and not word.isdigit()
        named = acronym or word.isdigit() or (position > 0 and word[0].isupper() and not text.isupper() and not text.istitle())
        weight = rarity(lower)
        if root in _GENERIC or lower in GENERIC_WORDS:
            weight = min(weight, 0.15)
        found[root] = Term(word, root, ALIKE.get(root, frozenset()) | {root}, max(0.05, weight), named)
    return tuple(found.values())


def analyse(question: str, rarity: Callable[[str], float], abbreviations: Mapping[str, str] | None = None) -> Query:
    """Reads a question: who asks, what for, in which words; abbreviations are those of the corpus."""
    focus, profile = parted(question)
    sides = _sides(focus)
    kind: Kind = "compare" if sides else "figure" if _FIGURE.search(focus) else "list" if _LIST.search(focus) else "plain"
    known = abbreviations or {}
    long_forms = tuple(
        dict.fromkeys(
            known[w.upper()] for w in words_of(question) if w.upper() in known and (w.isupper() or w.lower() not in FUNCTION_WORDS)
        )
    )
    return Query(question, focus, profile, terms_of(focus, rarity), terms_of(profile, rarity), kind, sides, long_forms)


def parted(question: str) -> tuple[str, str]:
    """The asking and the telling part of a question; the telling is empty where it cannot be spared.

    What people say of themselves helps to choose an answer but is not what they ask. It stays in
    the asking part where little would be left without it ("Will that hold me back?").
    """
    focus, profile = asked_and_told(question)
    content = [w for w in words_of(focus) if w.lower() not in FUNCTION_WORDS and w.lower() not in GENERIC_WORDS]
    if len(content) < 2 or (len(content) < 4 and _LEANS_ON_TOLD.search(focus)):
        return question.strip(), ""
    return focus, profile


def asked_and_told(question: str) -> tuple[str, str]:
    """The clauses that ask and those that tell, each joined, however little either holds."""
    clauses = [c.strip() for c in re.split(r"(?<=[.!?;])\s+|\n+|\s+[–—]\s+", question.strip()) if c.strip()]
    asking: list[str] = []
    telling: list[str] = []
    for clause in clauses:
        head, comma, tail = clause.rpartition(", ")
        if not _ASKS.search(clause) and (_ABOUT_ME.search(clause) or not _VERB.search(clause)):
            telling.append(clause)
        elif comma and _OPENS_WITH_ME.match(clause) and _ASKS.search(tail):
            # "I'm a hospitalist six years out, what should I do next?" tells and asks in one breath.
            telling.append(head)
            asking.append(tail)
        else:
            asking.append(clause)
    return " ".join(asking), " ".join(telling)


def _sides(focus: str) -> tuple[str, ...]:
    for pattern in _SIDES:
        match = pattern.search(focus)
        if match:
            sides = tuple(
                re.sub(r"^(?:an?|the|being an?|becoming an?|to be an?)\s+", "", s.strip(" ?.,!:;"), flags=re.I) for s in match.groups()
            )
            if all(s and len(s.split()) <= 7 for s in sides) and sides[0].lower() != sides[1].lower():
                return sides
    return ()


def abbreviations_of(texts: Iterable[str]) -> dict[str, str]:
    """The abbreviations a corpus explains itself, as in `Vice President of Medical Affairs (VPMA)`."""
    found: dict[str, str] = {}
    for text in texts:
        for match in re.finditer(r"\(([A-Z][A-Za-z&]{1,7}s?)\)", text):
            short = match.group(1)
            letters = [c.lower() for c in short if c.isupper()]
            if len(letters) < 2 or short.upper().rstrip("S") in found:
                continue
            before = re.findall(r"[\w'’-]+", text[max(0, match.start() - 120) : match.start()])
            long_form = _spelt_out(letters, before)
            if long_form:
                found[short.rstrip("s").upper() if short.endswith("s") else short.upper()] = long_form
    return found


def _spelt_out(letters: list[str], before: list[str]) -> str:
    """The last words whose initials spell the letters, small words passed over."""
    parts = [p for w in before for p in w.split("-") if p]
    left = list(letters)
    start = len(parts)
    for i in range(len(parts) - 1, -1, -1):
        if not left:
            break
        word = parts[i].lower()
        if word[:1] == left[-1]:
            left.pop()
            start = i
        elif word not in ("of", "and", "for", "the", "in", "to", "on", "with"):
            return ""
    return " ".join(parts[start:]) if not left else ""


def _alike() -> dict[str, frozenset[str]]:
    table: dict[str, set[str]] = {}
    for group in GROUPS:
        roots = {stem(w) for w in group.split()}
        for root in roots:
            table.setdefault(root, set()).update(roots)
    return {root: frozenset(roots) for root, roots in table.items()}


ALIKE = _alike()
_GENERIC = frozenset(stem(w) for w in GENERIC_WORDS)
