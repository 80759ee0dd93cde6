"""A guide to read: its sections as safe HTML, the questions each answers, and the outside works it rests on."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from advisor.chunking import Section, sections
from advisor.corpus import front_matter
from advisor.types import Chunk, Document, Source

SHOWN = 5  # questions of a section that are offered
_LEANS = re.compile(r"\b(?:it|its|they|them|their|this|that|these|those|there)\b", re.I)
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+")


def guide_json(document: Document, chunks: Sequence[Chunk]) -> dict[str, Any]:
    """The JSON of a guide as the page draws it."""
    about, body = front_matter(document.text)
    parts = sections(document.text, body, curated=bool(about))
    ends = [part.start for part in parts[1:]] + [len(document.text)]
    return {
        "id": document.id,
        "title": document.title,
        "summary": str(about.get("summary") or ""),
        "as_of": str(about.get("as_of") or ""),
        "sections": [
            _section(part, document, [c for c in chunks if part.start <= c.start < end]) for part, end in zip(parts, ends, strict=True)
        ],
    }


def _section(part: Section, document: Document, chunks: Sequence[Chunk]) -> dict[str, Any]:
    works: dict[Source, None] = {source: None for chunk in chunks for source in chunk.sources}
    return {
        "heading": "" if part.heading == document.title else part.heading,
        "html": "".join(block_html(document.text[start:end]) for start, end in part.blocks),
        "asked": _whole(part),
        "sources": [{"title": s.title, "publisher": s.publisher, "url": s.url, "date": s.date} for s in works],
    }


def _whole(part: Section) -> list[str]:
    """Questions that a section answers and that can be asked by themselves, its heading first where that is one."""
    heading = [part.heading] if part.heading.endswith("?") else []
    return list(dict.fromkeys([*heading, *(q for q in part.asked if not _LEANS.search(q))]))[:SHOWN]


def block_html(block: str) -> str:
    """A block of Markdown as safe HTML: a list or a paragraph, bold words, and nothing else."""
    lines = block.strip().split("\n")
    if not _ITEM.match(lines[0]):
        return f"<p>{_inline(' '.join(lines))}</p>"
    items: list[str] = []
    for line in lines:
        if _ITEM.match(line):
            items.append(_ITEM.sub("", line, count=1))
        else:
            items[-1] += f" {line.strip()}"
    return "<ul>" + "".join(f"<li>{_inline(item)}</li>" for item in items) + "</ul>"


def _inline(text: str) -> str:
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(text))
