"""A sentence said in another order, or with its figures in other words; and false twins that look the same.

`evals.contrast` makes claims of them. Whoever has seen only true sentences moved about takes every moved one for true, and the other way
round, so each way to say the same has one that says something else.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from advisor.words import FUNCTION_WORDS

_NAMES = frozenset("Medicare Medicaid Congress Becker's Joint American California Texas Maryland Chartis Cejka Mayo Kaufman".split())
Rewording = Callable[[random.Random, str], str | None]
_JOINED = re.compile(
    r"^(?P<a>[A-Z][^,;:.]{15,}?),? (?P<word>because|although|while|whereas|if|when|unless|since|before|after) (?P<b>[^,;:.]{12,})\.$"
)
_LED = re.compile(r"^(?P<when>(?:In|Since|During|By|For|At|Under|From|According to|On) [^,]{3,45}), (?P<said>[^;:]{20,})\.$")
_TRAILED = re.compile(r"^(?P<said>[A-Z][^,;:]{20,}),? (?P<when>(?:in|since|during|according to) (?:the )?[A-Z0-9][\w'’ -]{2,30})\.$")
_LISTED = re.compile(r", (?P<b>[\w'’-]+(?: [\w'’-]+){0,2}) (?P<word>and|or) (?P<c>[\w'’-]+(?: [\w'’-]+){0,2})(?=[,.;])")
_THAN = re.compile(
    r"^(?P<a>[A-Z][^,;:.]{4,60}?) (?P<is>(?:is|are|was|were|earns?|earned|takes?|took|pays?|paid|has|have|had)\b[^,;:.]{0,30}"
    r"\b(?:more|less|fewer|\w+er)\b[^,;:.]{0,30}?) than (?P<b>[^,;:.]{4,60})\.$"
)
_NUMBER = r"\d[\d,]*(?:\.\d+)?%?"
_TWO = re.compile(rf"(?P<a>{_NUMBER})(?P<between>\D{{3,60}})(?P<b>{_NUMBER})")
_NAME = r"[A-Z]{2,6}s?\b|[A-Z][a-z]{2,}(?: [A-Z][a-z]+)*\b"
_NAMED = re.compile(rf"(?<=[a-z] )(?P<a>{_NAME})(?P<between>(?: [a-z][\w'’-]*,?)+ )(?P<b>{_NAME})")
_NOT_AFTER = r"(?<!about )(?<!than )(?<!over )(?<!nearly )(?<!under )(?<!most )(?<!least )(?<!some )(?<!to )(?<!or )(?<!and )"
_SHARE = re.compile(_NOT_AFTER + r"(?<![\d.,$])(?P<value>\d{1,2}(?:\.\d)?)\s?(?:%|percent\b|per cent\b)(?= of )")
_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_TIME = re.compile(
    rf"{_NOT_AFTER}(?<![\d.,$-])\b(?P<value>\d{{1,3}}|{'|'.join(_WORDS[2:])})[ -](?P<unit>hour|day|week|month|year)(?P<many>s?)\b"
)
_PARTS = (
    (10, "a tenth|one in ten"), (20, "a fifth|one in five"), (25, "a quarter|one in four"), (33.3, "a third|one in three"),
    (40, "two fifths|two in five"), (50, "half"), (60, "three fifths|three in five"), (66.7, "two thirds|two in three"),
    (75, "three quarters|three in four"), (80, "four fifths|four in five"), (90, "nine tenths|nine in ten"),
)  # fmt: skip
_LENGTHS = {"hour": 1, "day": 24, "week": 168, "month": 730.5, "year": 8766}


def moved(chance: random.Random, text: str) -> str | None:
    """The same in another order."""
    ways: list[Rewording] = [_cause_first, _when_last, _when_first, _list_turned]
    return _one_of(chance, ways, text)


def turned_round(chance: random.Random, text: str) -> str | None:
    """Something else in another order: cause and effect, two figures, two names or what is compared are exchanged."""
    ways: list[Rewording] = [_effect_for_cause, _figures_exchanged, _names_exchanged, _other_way_round]
    return _one_of(chance, ways, text)


def amounts(chance: random.Random, text: str) -> str | None:
    """The same with a figure in other words or another unit."""
    return _amounts(chance, text, true=True)


def other_amounts(chance: random.Random, text: str) -> str | None:
    """Something else, with a figure in other words or another unit."""
    return _amounts(chance, text, true=False)


def _one_of(chance: random.Random, ways: Sequence[Rewording], text: str) -> str | None:
    made = (way(chance, text) for way in chance.sample(ways, len(ways)))
    return next((said for said in made if said and said != text), None)


def _lower(text: str) -> str:
    """A sentence's beginning within another sentence; names and what is written in capitals stay."""
    first, _, rest = text.partition(" ")
    common = first.lower() in FUNCTION_WORDS
    named = first in _NAMES or (len(first) > 1 and not first[1:].islower()) or first.endswith(("'s", "’s")) or rest[:1].isupper()
    return text if named and not common else text[0].lower() + text[1:]


def _upper(text: str) -> str:
    return text[0].upper() + text[1:]


def _cause_first(chance: random.Random, text: str) -> str | None:
    match = _JOINED.match(text)
    return f"{_upper(match['word'])} {match['b']}, {_lower(match['a'])}." if match else None


def _effect_for_cause(chance: random.Random, text: str) -> str | None:
    match = _JOINED.match(text)
    if not match or match["word"] in ("while", "whereas", "although"):
        return None
    if match["word"] in ("before", "after") and chance.random() < 0.5:
        other = {"before": "after", "after": "before"}[match["word"]]
        return f"{_upper(other)} {match['b']}, {_lower(match['a'])}."
    if chance.random() < 0.5:
        return f"{_upper(match['word'])} {_lower(match['a'])}, {match['b']}."
    return f"{_upper(match['b'])} {match['word']} {_lower(match['a'])}."


def _when_last(chance: random.Random, text: str) -> str | None:
    match = _LED.match(text)
    return f"{_upper(match['said'])}, {match['when'][0].lower()}{match['when'][1:]}." if match else None


def _when_first(chance: random.Random, text: str) -> str | None:
    match = _TRAILED.match(text)
    return f"{_upper(match['when'])}, {_lower(match['said'])}." if match else None


def _list_turned(chance: random.Random, text: str) -> str | None:
    match = _LISTED.search(text)
    return f"{text[: match.start()]}, {match['c']} {match['word']} {match['b']}{text[match.end() :]}" if match else None


def _exchanged(pattern: re.Pattern[str], text: str) -> str | None:
    match = pattern.search(text)
    if not match or match["a"] == match["b"]:
        return None
    return text[: match.start()] + match["b"] + match["between"] + match["a"] + text[match.end() :]


def _figures_exchanged(chance: random.Random, text: str) -> str | None:
    return _exchanged(_TWO, text)


def _names_exchanged(chance: random.Random, text: str) -> str | None:
    match = _NAMED.search(text)
    # "The ACHE and the AAPL" exchanged say the same.
    listed = match is None or re.fullmatch(r",?(?: and| or|,)? (?:the |an? )?", match["between"])
    return None if listed else _exchanged(_NAMED, text)


def _other_way_round(chance: random.Random, text: str) -> str | None:
    match = _THAN.match(text)
    return f"{_upper(match['b'])} {match['is']} than {_lower(match['a'])}." if match else None


def _amounts(chance: random.Random, text: str, *, true: bool) -> str | None:
    places = [*_SHARE.finditer(text), *_TIME.finditer(text)]
    for place in chance.sample(places, len(places)):
        said = _share(chance, place, true=true) if place.re is _SHARE else _time(chance, place, true=true)
        if said:
            made = text[: place.start()] + said + text[place.end() :]
            return _upper(made) if place.start() == 0 else made
    return None


def _share(chance: random.Random, place: re.Match[str], *, true: bool) -> str | None:
    """A share as a part: one that it rounds to, or lies above or below of; or one that it does not."""
    value = float(place["value"])
    fitting: list[str] = []
    for part, words in _PARTS:
        far = value - part
        hedges = {
            "about |roughly |around |": abs(far) <= 2,
            "more than |over ": far >= 0.5,
            "fewer than |less than ": far <= -0.5,
            "just over |slightly more than ": 0.3 <= far <= 4,
            "nearly |almost |just under ": -4 <= far <= -0.3,
        }
        for hedge, holds in hedges.items():
            # What is true but far off nobody would say; what is false and far off is too easy.
            if holds == true and abs(far) <= (12 if true else 25) and (true or abs(far) > 4 or not hedge.startswith("about")):
                fitting += [one + word for one in hedge.split("|") for word in words.split("|")]
    if not fitting:
        return None
    return chance.choice(fitting)


def _time(chance: random.Random, place: re.Match[str], *, true: bool) -> str | None:
    """A time in another unit."""
    value = float(place["value"]) if place["value"].isdigit() else float(_WORDS.index(place["value"]))
    unit = place["unit"]
    hours = value * _LENGTHS[unit]
    made: list[str] = []
    for other, length in _LENGTHS.items():
        count = hours / length
        if other != unit and abs(count - round(count)) < 0.03 and 1 <= round(count) <= 100:
            many = round(count) if true else round(count) + chance.choice((-2, -1, 1, 2, 3))
            if many >= 1:
                word = _WORDS[many] if many < len(_WORDS) and chance.random() < 0.7 else str(many)
                made.append(f"{word} {other}{'s' if many > 1 and (place['many'] or not _attribute(place)) else ''}")
    return chance.choice(made) if made else None


def _attribute(place: re.Match[str]) -> bool:
    """Whether the time stands before what it measures: "a 49-day window"."""
    return not place["many"] and place["value"] not in ("1", "one")
