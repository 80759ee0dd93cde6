"""Document to chunks: never across a section, about 200 tokens, with exact spans.

Sections come from Markdown headings, from underlined headings, and, in plain text, from a
short line without a full stop that stands alone between blank lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from advisor.sentences import Span, split

VERSION = "2"  # part of what an index is stamped with: raise it when chunks come out differently

_ATX = re.compile(r"[ ]{0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_UNDERLINE = re.compile(r"[ ]{0,3}(=+|-{3,})[ \t]*$")
_SOURCES = re.compile(r"Sources:[ \t]+([a-z0-9][a-z0-9, \t-]*)$")
_ASKED = re.compile(r"Asked:[ \t]+(.+\?)[ \t]*$")
_REVIEW = re.compile(r"Review by:[ \t]+(\d{4}-\d\d)[ \t]*$")
_FENCE = re.compile(r"[ ]{0,3}(```|~~~)")
_TABLE_RULE = re.compile(r"[ \t|:+=-]+$")
_PAGE = "\f"


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with its path and the blocks of text below it; spans into the document."""

    heading: str
    path: tuple[str, ...]
    start: int
    blocks: tuple[Span, ...]
    sources: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()
    review_by: str = ""  # the month by which its facts want a new look, as 2027-06


@dataclass(frozen=True, slots=True)
class Piece:
    """A chunk before it has a document: its span, sentences, heading, source keys and questions."""

    start: int
    end: int
    sentences: tuple[Span, ...]
    heading: str
    path: tuple[str, ...]
    page: int | None
    sources: tuple[str, ...]
    asked: tuple[str, ...] = ()


def sections(text: str, start: int = 0, *, curated: bool = False) -> list[Section]:
    """The sections of a document from `start` on.

    In `curated` files a section may end with lines `Asked: question? | question?`, `Review by: 2027-06`
    and `Sources: key, key`; they are not guidance, so they are in no block.
    """
    found: list[Section] = []
    path: list[tuple[int, str]] = []
    heading, heading_at = "", start
    blocks: list[Span] = []
    keys: list[str] = []
    asked: list[str] = []
    review = ""

    def close() -> None:
        if blocks:
            names = tuple(name for _, name in path)
            found.append(Section(heading, names, heading_at, tuple(blocks), tuple(dict.fromkeys(keys)), tuple(asked), review))

    for block in _blocks(text, start):
        if isinstance(block, _Heading):
            close()
            blocks, keys, asked, review = [], [], [], ""
            while path and path[-1][0] >= block.level:
                path.pop()
            path.append((block.level, block.text))
            heading, heading_at = block.text, block.start
            continue
        a, b = block
        named = _SOURCES.match(text, a, b) if curated else None
        listed = _ASKED.match(text, a, b) if curated else None
        dated = _REVIEW.match(text, a, b) if curated else None
        if named:
            keys.extend(k.strip() for k in named.group(1).split(",") if k.strip())
        elif listed:
            asked.extend(q.strip() for q in listed.group(1).split("|") if q.strip())
        elif dated:
            review = dated.group(1)
        else:
            blocks.append(block)
    close()
    return found


def title_of(text: str, start: int = 0) -> str:
    """The first heading, or else the first line; empty for a text without words."""
    for block in _blocks(text, start):
        line = block.text if isinstance(block, _Heading) else text[slice(*block)].split("\n", 1)[0]
        line = line.strip(" \t#*_=-\f")
        if any(c.isalnum() for c in line):
            return line if len(line) <= 120 else line[:117].rsplit(" ", 1)[0] + "…"
    return ""


def pieces(
    text: str,
    count: Callable[[str], int],
    start: int = 0,
    *,
    limit: int = 200,
    curated: bool = False,
) -> list[Piece]:
    """Cuts a text into pieces of at most `limit` tokens, as `count` counts them, between sentences.

    A single sentence longer than the limit is a piece of its own: a quote is never cut.
    """
    made: list[Piece] = []
    paged = _PAGE in text
    for section in sections(text, start, curated=curated):
        held: list[Span] = []
        size = 0

        def flush(section: Section = section) -> None:
            nonlocal held, size
            if held:
                page = text.count(_PAGE, 0, held[0][0]) + 1 if paged else None
                made.append(
                    Piece(held[0][0], held[-1][1], tuple(held), section.heading, section.path, page, section.sources, section.asked)
                )
            held, size = [], 0

        for block in section.blocks:
            spans = split(text, *block)
            counts = [count(text[a:b]) for a, b in spans]
            # A page is cited with the quote, so a chunk lies on one.
            if held and paged and _PAGE in text[held[-1][1] : block[0]]:
                flush()
            # A paragraph that fits in a chunk of its own is not torn apart to fill the last one.
            if held and size + sum(counts) > limit and (sum(counts) <= limit or size > limit // 2):
                flush()
            for span, tokens in zip(spans, counts, strict=True):
                if held and size + tokens > limit:
                    flush()
                held.append(span)
                size += tokens
        flush()
    return made


@dataclass(frozen=True, slots=True)
class _Heading:
    level: int
    text: str
    start: int


def _blocks(text: str, start: int) -> Iterator[_Heading | Span]:
    """Headings, and paragraphs as spans; fenced code is one block, table rules are dropped."""
    lines: list[Span] = []
    position = start
    while position < len(text):
        newline = text.find("\n", position)
        stop = len(text) if newline < 0 else newline
        for a, b in _split_pages(text, position, stop):
            lines.append((a, b))
        position = stop + 1
    first: int | None = None
    fenced = False
    # Where headings are marked as such, a short line alone is a short line.
    marked = any(_ATX.match(text[a:b]) for a, b in lines)
    i = 0
    while i < len(lines):
        a, b = lines[i]
        line = text[a:b]
        blank = not line.strip()
        if _FENCE.match(line):
            fenced = not fenced
        atx = None if fenced else _ATX.match(line)
        underlined = (
            not fenced
            and not blank
            and first is None
            and i + 1 < len(lines)
            and _UNDERLINE.match(text[slice(*lines[i + 1])])
            and len(line.strip()) <= 120
            and not line.lstrip().startswith("|")
        )
        alone = not marked and not fenced and first is None and _is_lone_heading(text, lines, i)
        if blank or atx or underlined or alone:
            if first is not None:
                yield first, lines[i - 1][1]
                first = None
            if atx and atx.group(2).strip():
                yield _Heading(len(atx.group(1)), _plain(atx.group(2)), a)
            elif underlined:
                yield _Heading(1 if "=" in text[slice(*lines[i + 1])] else 2, _plain(line), a)
                i += 1
            elif alone:
                yield _Heading(1 if not text[start:a].strip() else 2, _plain(line), a)
        elif _TABLE_RULE.match(line) and not any(c.isalnum() for c in line):
            if first is not None:
                yield first, lines[i - 1][1]
                first = None
        elif first is None:
            first = a
        i += 1
    if first is not None:
        yield first, lines[-1][1]


def _split_pages(text: str, start: int, end: int) -> Iterator[Span]:
    """A page break ends a line, so that no sentence is quoted across two pages."""
    while (cut := text.find(_PAGE, start, end)) >= 0:
        yield start, cut
        yield cut, cut  # a blank line
        start = cut + 1
    yield start, end


def _is_lone_heading(text: str, lines: list[Span], i: int) -> bool:
    line = text[slice(*lines[i])].strip()
    if not line or len(line) > 90 or len(line.split()) > 14 or not any(c.isalpha() for c in line):
        return False
    if line[-1] in ".!;,…" or line[0] in '-*+•|>"“(' or line[0].islower():
        return False
    if line[-1] == ":" and len(line.split()) > 5:
        return False
    before = i == 0 or not text[slice(*lines[i - 1])].strip()
    after = i + 1 < len(lines) and not text[slice(*lines[i + 1])].strip()
    if not (before and after):
        return False
    # A heading heads something: a run of lone short lines is a list, not a row of headings.
    following = next((j for j in range(i + 1, len(lines)) if text[slice(*lines[j])].strip()), None)
    return following is not None


def _plain(line: str) -> str:
    """A heading without emphasis marks, numbering hashes or a closing colon."""
    return re.sub(r"[*_`]+", "", line).strip().strip("#").strip().rstrip(":").strip()
