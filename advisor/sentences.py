"""Text to sentences with exact spans.

Answers quote sentences, so a wrong cut is a wrong answer: "$95.5 thousand", "U.S. hospitals",
"e.g. an MBA", "Ph.D." and "No. 5" must not be cut, and a list item is a sentence of its own.
No library found keeps exact spans through all of these, so the rules are ours, with their
table of cases in `tests/test_sentences.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Span = tuple[int, int]

_END = re.compile(r"""[.!?…]+(?:['"”’)\]]|'')*(?=\s|$)""")
_OPENER = re.compile(r"""\s+(?:(?:[“"‘'(\[`]|``)\s*)*([A-Z0-9À-Þ$€£•–-])""")
_LAST_WORD = re.compile(r"[\w.&'’-]*$")
_WORD = re.compile(r"[\w'’]+")
_REST_IS_BLANK = re.compile(r"\s*\Z")
LONGEST_WORD = 100  # characters that are looked back: a text without an end of a sentence takes no longer for its length
_LIST_ITEM = re.compile(r"[ \t]*(?:[-*+•‣◦–]|\(?\d{1,3}[.)]|\(?[a-zA-Z][.)])[ \t]+(?=\S)")
_BLANK = re.compile(r"\n[ \t]*\n[ \t\n]*")

# Words that a full stop does not end, whatever follows.
_NEVER_LAST = frozenset(
    "dr mr mrs ms prof st v vs cf fig figs eq ca approx dept est gen gov hon rep sen rev capt col sgt lt maj"
    " e.g i.e eg ie viz al ed eds pp vol messrs mt".split()
)
# Abbreviations that may end a sentence; a capital after them decides only if it opens one.
_MAYBE_LAST = frozenset(
    "inc ltd co corp llc jr sr etc u.s u.k u.n e.u d.c m.d d.o ph.d m.b.a m.h.a m.p.h b.s m.s b.a m.a r.n d.n.p pharm.d j.d"
    " a.m p.m no nos jan feb mar apr jun jul aug sep sept oct nov dec".split()
)
_STARTERS = frozenset(
    "the a an in on at for from with to by as if when while where who what why how after before because although since"
    " it its this that these those there he she they we you i his her their our your my one some many most all both each"
    " no not but and or so then also however thus yes most more ask".split()
)


def split(text: str, start: int = 0, end: int | None = None) -> list[Span]:
    """The sentences of `text[start:end]`, in order, as spans into `text` without outer blanks."""
    stop = len(text) if end is None else end
    spans: list[Span] = []
    for a, b in _units(text, start, stop):
        spans.extend(_in_unit(text, a, b))
    return spans


def _units(text: str, start: int, end: int) -> Iterator[Span]:
    """Stretches no sentence crosses: paragraphs, list items, rows, lines that stand as lines."""
    position = start
    for blank in [*_BLANK.finditer(text, start, end), None]:
        stop = blank.start() if blank else end
        yield from _lines(text, position, stop)
        position = blank.end() if blank else end


def _lines(text: str, start: int, end: int) -> Iterator[Span]:
    lines: list[Span] = []
    position = start
    while position < end:
        newline = text.find("\n", position, end)
        stop = end if newline < 0 else newline
        lines.append((position, stop))
        position = stop + 1
    if not lines:
        return
    widest = max(b - a for a, b in lines)
    unit_start = None
    for i, (a, b) in enumerate(lines):
        item = _item(text, a, b)
        if unit_start is None or item or _stands_alone(text, lines[i - 1], (a, b), widest):
            if unit_start is not None:
                yield unit_start, lines[i - 1][1]
            unit_start = item.end() if item else a
    if unit_start is not None:
        yield unit_start, lines[-1][1]


def _item(text: str, start: int, end: int) -> re.Match[str] | None:
    """The mark of a list item; `C. Everett Koop` has one only where a `B.` or a `D.` stands near."""
    mark = _LIST_ITEM.match(text, start, end)
    if mark and (letter := re.fullmatch(r"([A-Z])\.", mark.group().strip())):
        beside = "".join(chr(ord(letter.group(1)) + step) for step in (-1, 1))
        near = text[max(0, start - 2000) : end + 2000]
        return mark if re.search(rf"^[ \t]*[{re.escape(beside)}]\.[ \t]", near, re.M) else None
    return mark


def _stands_alone(text: str, previous: Span, line: Span, widest: int) -> bool:
    """Whether a line break is meant: the line before is short and this one opens anew."""
    before, now = text[slice(*previous)].strip(), text[slice(*line)].strip()
    if not before or not now:
        return True
    if before.startswith("|") or now.startswith("|"):
        return True
    opens = now[0].isupper() or now[0].isdigit() or now[0] in "“\"'"
    return opens and len(before) < 0.6 * widest and before[-1] not in ",;(-–" and len(before.split()) <= 12


def _in_unit(text: str, start: int, end: int) -> Iterator[Span]:
    position = start
    for match in _END.finditer(text, start, end):
        if match.start() >= position and _is_boundary(text, position, match, end):
            yield from _trimmed(text, position, match.end())
            position = match.end()
    yield from _trimmed(text, position, end)


def _is_boundary(text: str, start: int, match: re.Match[str], end: int) -> bool:
    opener = _OPENER.match(text, match.end(), end)
    if _REST_IS_BLANK.match(text, match.end(), end):
        return True
    if opener is None:
        return False
    if match.group().rstrip("\"'”’)]") != ".":
        return True
    found = _LAST_WORD.search(text, max(start, match.start() - LONGEST_WORD), match.start())
    word = found.group() if found else ""
    bare = word.lower().strip(".'’-")
    following = _WORD.match(text, opener.start(1), end)
    next_word = following.group() if following else ""
    opens = next_word.lower() in _STARTERS and next_word != "I"
    if bare in ("no", "nos"):
        return not next_word[:1].isdigit()
    if bare in _NEVER_LAST:
        return False
    if bare in _MAYBE_LAST or (len(word) == 1 and word.isupper()) or re.fullmatch(r"(?:[A-Za-z]\.)+[A-Za-z]", word):
        months = {"jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec"}
        if bare in months:
            return not next_word[:1].isdigit()
        return opens
    return True


def _trimmed(text: str, start: int, end: int) -> Iterator[Span]:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    if any(c.isalnum() for c in text[start:end]):
        yield start, end
