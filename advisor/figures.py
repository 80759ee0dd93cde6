"""The figures of a sentence, in digits and in words, with what they count, and whether one says the same as another.

"Two thirds" and 67 %, 72 hours and three days, "more than four fifths" and 86 % agree; 49 % and "more than half" do not.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from advisor.query import stem, words_of
from advisor.words import FUNCTION_WORDS

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
).split()
_WORDED = {w: float(n) for n, w in enumerate(_ONES)} | {
    "twenty": 20.0, "thirty": 30.0, "forty": 40.0, "fifty": 50.0, "sixty": 60.0, "seventy": 70.0, "eighty": 80.0, "ninety": 90.0,
    "dozen": 12.0, "both": 2.0, "twice": 2.0, "pair": 2.0, "couple": 2.0, "once": 1.0, "double": 2.0, "triple": 3.0,
}  # fmt: skip
_SHARES = {
    "half": 50.0,
    "halves": 50.0,
    "third": 100 / 3,
    "thirds": 100 / 3,
    "quarter": 25.0,
    "quarters": 25.0,
    "fifth": 20.0,
    "fifths": 20.0,
    "tenth": 10.0,
    "tenths": 10.0,
}
_SCALES = {"hundred": 100.0, "thousand": 1e3, "k": 1e3, "million": 1e6, "m": 1e6, "billion": 1e9, "bn": 1e9}
_TIMES = {"year": 12.0, "month": 1.0, "decade": 120.0}
_DAYS = {"hour": 1 / 24, "day": 1.0, "week": 7.0}
MONTH = 365.25 / 12  # days
_UNITS = (*_DAYS, "minute", "credit", "point", "mile", "bed", "question", "page")
_FIGURE = re.compile(
    r"(?P<money>[$€£])?\s?(?P<digits>\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?)(?P<ordinal>st|nd|rd|th)?(?:\s?(?P<scale>hundred|thousand|million|billion|bn|k|m)\b)?"
    r"|\b(?P<worded>"
    + "|".join([*_WORDED, *_SHARES])
    + r")\b(?:-(?P<second>"
    + "|".join(_ONES[1:10])
    + r")\b)?(?:\s(?P<scaled>hundred|thousand|million|billion)\b)?",
    re.I,
)
_AFTER = re.compile(
    r"\s?(%|percent\b|per cent\b|-?\s?(?:(?:calendar|full|whole|more) )?(?:" + "|".join([*_TIMES, *_UNITS]) + r")s?\b)", re.I
)
_PART_OF = re.compile(
    r"\b(?P<a>" + "|".join(_ONES[1:10]) + r"|\d+)[\s-](?:in|out of)[\s-](?:every\s)?(?P<b>" + "|".join(_ONES[2:]) + r"|\d+)\b", re.I
)
_PARTS = re.compile(r"\b(?P<a>a|one|two|three|four|seven|nine)[\s-](?P<b>third|quarter|fifth|tenth)s?\b", re.I)
# Whole phrases, with a value and a unit.
_PHRASES = (
    (re.compile(r"\bhalf a year\b", re.I), 6.0, "time"),
    (re.compile(r"\ba year and a half\b|\bone and a half years\b", re.I), 18.0, "time"),
    (re.compile(r"\ba decade\b", re.I), 120.0, "time"),
    (re.compile(r"\ba fortnight\b", re.I), 14.0, "day"),
    (re.compile(r"\bhalf a dozen\b", re.I), 6.0, ""),
    (re.compile(r"\bhalf a million dollars\b", re.I), 5e5, "$"),
    (re.compile(r"\ba quarter of a million dollars\b", re.I), 2.5e5, "$"),
)
# What stands before a figure that is not meant to the digit, by what may really be the case.
_LITTLE = r"(?:just|slightly|a little|a bit)"
_HEDGES = tuple(
    (name, re.compile(rf"\b(?:{words})(?: (?:a|an|one|the))?\s*$", re.I))
    for name, words in (
        ("just above", rf"{_LITTLE} (?:over|above|more than)"),
        ("just below", rf"nearly|almost|not quite|close to|{_LITTLE} (?:under|below|less than|short of)"),
        ("above", r"more than|over|above|upwards of|at least|no (?:fewer|less) than|exceed\w*"),
        ("below", r"fewer than|less than|under|below|at most|no more than|up to"),
        ("about", r"about|around|roughly|approximately|some"),
    )
)
ROUND, NEAR = 0.1, 4.0  # of a figure that is about right, and points of a share


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it counts, `""` where nothing says so; times are in months, or days where they are shorter, shares in percent.

    `least` and `most` are what it may stand for: a share in words for what it rounds to, "more than half" for all above.
    """

    value: float
    unit: str
    near: frozenset[str]
    least: float = math.nan
    most: float = math.nan

    @property
    def rounded(self) -> bool:
        """Whether it is not meant to the digit."""
        return not math.isnan(self.least)


@lru_cache(maxsize=4096)
def figures(text: str) -> tuple[Figure, ...]:
    """The figures of a text, those in words too."""
    found: list[Figure] = []
    taken: list[tuple[int, int]] = []

    def add(match: re.Match[str], value: float, unit: str, *, worded: bool = False) -> None:
        taken.append(match.span())
        around = text[max(0, match.start() - 60) : match.start()].split()[-5:] + text[match.end() : match.end() + 60].split()[:5]
        near = frozenset(stem(w) for w in words_of(" ".join(around)) if w not in FUNCTION_WORDS)
        found.append(Figure(value, unit, near, *_bounds(text[max(0, match.start() - 24) : match.start()], value, unit, worded)))

    def free(match: re.Match[str]) -> bool:
        return not any(a < match.end() and match.start() < b for a, b in taken)

    for pattern, value, unit in _PHRASES:
        for match in pattern.finditer(text):
            if free(match):
                add(match, value, unit)
    for match in _PART_OF.finditer(text):
        whole = _number(match["b"])
        if whole and free(match):
            add(match, 100 * _number(match["a"]) / whole, "%", worded=True)
    for match in _PARTS.finditer(text):
        if free(match):
            add(match, (1.0 if match["a"].lower() == "a" else _WORDED[match["a"].lower()]) * _SHARES[match["b"].lower()], "%", worded=True)
    for match in _FIGURE.finditer(text):
        if not free(match):
            continue
        if match["digits"]:
            value = float(match["digits"].replace(",", "")) * _SCALES.get((match["scale"] or "").lower(), 1.0)
        else:
            word = match["worded"].lower()
            if word in _SHARES:
                add(match, _SHARES[word], "%", worded=True)
                continue
            value = (_WORDED[word] + _WORDED.get((match["second"] or "").lower(), 0.0)) * _SCALES.get((match["scaled"] or "").lower(), 1.0)
        behind = _AFTER.match(text, match.end())
        unit = (behind.group(1).strip(" -").lower().rsplit(" ", 1)[-1].rstrip("s") if behind else "") or ""
        if match["money"]:
            unit = "$"
        elif unit in ("%", "percent", "cent"):
            unit = "%"
        elif unit in _TIMES:
            value, unit = value * _TIMES[unit], "time"
        elif not unit and match["digits"] and not match["scale"] and 1900 <= value <= 2100 and "," not in match["digits"]:
            unit = "year"
        add(match, value, unit)
    return tuple(found)


def _number(word: str) -> float:
    return float(word) if word.isdigit() else _WORDED.get(word.lower(), 0.0)


def _bounds(before: str, value: float, unit: str, worded: bool) -> tuple[float, float]:
    """What a figure may stand for after these words; no numbers where it is meant to the digit."""
    room = NEAR if unit == "%" else ROUND * value
    hedge = next((name for name, pattern in _HEDGES if pattern.search(before)), "")
    if unit == "year" or not (hedge or worded):
        return math.nan, math.nan
    least = {"just above": value, "above": value, "below": -math.inf}.get(hedge, value - room)
    most = {"just below": value, "below": value, "above": math.inf}.get(hedge, value + room)
    return least, most


def same(a: float, b: float) -> bool:
    """Whether two numbers are the same but for rounding."""
    return abs(a - b) <= max(1e-6, 0.006 * max(abs(a), abs(b)))


def close(a: Figure, b: Figure) -> bool:
    """Whether two figures are one, whatever they count."""
    if a.unit == b.unit == "%":
        return abs(a.value - b.value) <= 0.7
    if a.unit != b.unit and (days := _days(a)) and (others := _days(b)):
        return abs(days - others) <= 0.02 * max(days, others)  # three months are 90 days
    if "year" in (a.unit, b.unit) or max(a.value, b.value) < 1000:
        return abs(a.value - b.value) < 0.01
    return same(a.value, b.value)


def agree(a: Figure, b: Figure) -> bool:
    """Whether two figures are one that counts the same, as far as both say what."""
    return close(a, b) and (a.unit == b.unit or not a.unit or not b.unit or bool(_days(a) and _days(b)))


def covers(a: Figure, b: Figure) -> bool:
    """Whether a rounded figure may stand for another of its kind that is meant to the digit."""
    return a.rounded and not b.rounded and a.unit == b.unit and a.least <= b.value <= a.most


def _days(figure: Figure) -> float:
    """A time in days; 0 of what is none."""
    return figure.value * MONTH if figure.unit == "time" else figure.value * _DAYS.get(figure.unit, 0.0)


def worked_out(figure: Figure, held: Sequence[Figure]) -> bool:
    """Whether a figure follows from two of the evidence's: a sum, a difference, a ratio, the rest of a hundred."""
    values = [f.value for f in held if f.unit != "year"]
    if figure.unit == "%" and any(same(figure.value, 100 - f.value) or same(figure.value, 100 / max(f.value, 1e-9)) for f in held):
        return True
    if figure.unit == "%" and figure.rounded and any(f.unit == "%" and figure.least <= 100 - f.value <= figure.most for f in held):
        return True
    for i, a in enumerate(values):
        for b in values[i + 1 :]:
            if same(figure.value, a + b) or same(figure.value, abs(a - b)):
                return True
            if figure.unit in ("%", "") and a and b and any(abs(figure.value - r) <= 1 for r in (100 * a / b, 100 * b / a)):
                return True
    return False


_COUNTS = {word: int(value) for word, value in _WORDED.items() if value > 1 and (word in _ONES or word.endswith("ty"))}
_HEDGED = r"(?:about|around|roughly|approximately|nearly|almost|over|under|above|below|than|quite)"
_SAYINGS = tuple(
    (re.compile(rf"\b(?:{words})\b", re.I), digits)
    for words, digits in (
        (r"half a year", "6 months"),
        (r"a year and a half|one and a half years", "18 months"),
        (r"(?:a|one) decade", "10 years"),
        (r"(?:a|one) fortnight", "14 days"),
        (r"half a dozen", "6"),
        (r"a dozen", "12"),
        (r"half a million", "500,000"),
        (r"per ?cent", "%"),
    )
)
_PART = "third|quarter|fifth|tenth"
_SHARED = re.compile(
    rf"\b(?:(?P<many>two|three|four|seven|nine)[\s-](?P<parts>{_PART})s|(?:a|one)[\s-](?P<part>{_PART})(?= of\b)"
    rf"|(?P<hedge>{_HEDGED}) (?:(?:a|one)[\s-])?(?P<about>{_PART}|half)|(?P<half>half)(?= (?:of|the)\b))\b",
    re.I,
)
_COUNTED = re.compile(
    rf"\b(?P<count>{'|'.join(_COUNTS)})(?:-(?P<second>{'|'.join(_ONES[1:10])}))?(?: (?P<scale>hundred|thousand))?\b(?! (?:m|b)illion)", re.I
)
_LASTING = re.compile(r"\b(?P<count>\d+)(?P<between>[ -])(?P<unit>hour|week|month)(?P<many>s?)\b", re.I)
_LARGER = {"hour": (24, 1, "day"), "week": (1, 7, "day"), "month": (12, 1, "year")}  # so many are so many of the other unit


@lru_cache(maxsize=4096)
def in_digits(text: str) -> str:
    """The text with counts in digits, shares in percent and times in one unit, where that is plain: what says the same looks the same."""

    def share(match: re.Match[str]) -> str:
        if match["half"]:
            return "50%"
        if match["about"]:
            return f"{match['hedge']} {_SHARES[match['about'].lower()]:.0f}%"
        many = _WORDED[match["many"].lower()] if match["many"] else 1.0
        return f"{many * _SHARES[(match['parts'] or match['part']).lower()]:.0f}%"

    def part_of(match: re.Match[str]) -> str:
        whole = _number(match["b"])
        return f"{100 * _number(match['a']) / whole:.0f}%" if whole and _number(match["a"]) <= whole else match.group()

    def count(match: re.Match[str]) -> str:
        value = _COUNTS[match["count"].lower()] + int(_WORDED.get((match["second"] or "").lower(), 0))
        return f"{value * int(_SCALES.get((match['scale'] or '').lower(), 1)):,}"

    def time(match: re.Match[str]) -> str:
        every, times, unit = _LARGER[match["unit"].lower()]
        value = int(match["count"])
        if value % every or (match["unit"].lower() == "hour" and value < 48):
            return match.group()
        value = value // every * times
        return f"{value}{match['between']}{unit}{'s' if match['many'] and value > 1 else ''}"

    for pattern, said in _SAYINGS:
        text = pattern.sub(said, text)
    text = _PART_OF.sub(part_of, _SHARED.sub(share, text))
    text = re.sub(r"(?<=\d) %", "%", _COUNTED.sub(count, text))
    return _LASTING.sub(time, text)
