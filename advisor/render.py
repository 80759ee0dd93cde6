"""Answers as text, Markdown, HTML and JSON. HTML is ours: escaped first, a small subset after."""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from advisor.types import MINE, Answer, Citation, Source, Turn

_MARK = re.compile(r"\[(\d+)\]")
_HOW = {"quoted": "Quoted word for word", "supported": "Checked against these words"}


def as_text(answer: Answer, width: int = 92) -> str:
    """An answer for a terminal or a printout: wrapped text, then its numbered sources."""
    out = "\n".join(wrapped(answer.text, width))
    if answer.note:
        out += "\n\n" + textwrap.fill(f"({answer.note})", width)
    if answer.citations:
        groups: dict[int, list[Citation]] = {}
        for citation in answer.citations:
            groups.setdefault(id(citation.chunk), []).append(citation)
        lines = [source_line(group) for group in groups.values()]
        out += "\n\nSources\n" + "\n".join(textwrap.fill(line, width, subsequent_indent="    ") for line in lines)
    if answer.suggestions and answer.outcome != "answered":
        out += "\n\nYou could ask:\n" + "\n".join(f"- {s}" for s in answer.suggestions)
    return out


def wrapped(text: str, width: int) -> list[str]:
    """An answer's text as lines of a terminal, list items indented, without the marks of Markdown."""
    lines: list[str] = []
    for line in text.replace("**", "").split("\n"):
        lines += textwrap.wrap(line, width, subsequent_indent="  " if line.startswith("- ") else "") or [""]
    return lines


def source_line(citations: Sequence[Citation]) -> str:
    """Citations of one passage in a line: numbers, guide, section, and the outside works with their dates."""
    chunk = citations[0].chunk
    place = chunk.document.title
    if chunk.heading and chunk.heading != place:
        place += f" › {chunk.heading}"
    if chunk.page:
        place += f", page {chunk.page}"
    works = "; ".join(work_line(s) for s in chunk.sources)
    marks = "".join(f"[{c.number}]" for c in citations)
    return f"{marks} {place}" + (f"{'' if place.endswith('?') else '.'} Rests on: {works}" if works else "")


def work_line(source: Source) -> str:
    parts = [source.title, source.publisher if source.publisher != source.title else "", source.date]
    return ", ".join(p for p in parts if p)


def as_html(answer: Answer, turn: str) -> str:
    """An answer as safe HTML; each `[n]` is a link to `#source-<turn>-<n>`."""
    titles = {c.number: c.chunk.document.title for c in answer.citations}

    def mark(match: re.Match[str]) -> str:
        n = int(match.group(1))
        if n not in titles:
            return match.group()
        label = html.escape(f"Source {n}: {titles[n]}", quote=True)
        return f'<a class="cite" href="#source-{turn}-{n}" id="mark-{turn}-{n}" aria-label="{label}">[{n}]</a>'

    def inline(text: str) -> str:
        safe = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(text))
        # A mark stays on the line of the word before it.
        return re.sub(r" (?=<a class=)", "\N{NO-BREAK SPACE}", _MARK.sub(mark, safe))

    out: list[str] = []
    for block in answer.text.split("\n\n"):
        lines = block.split("\n")
        if lines and all(line.startswith("- ") for line in lines):
            out.append("<ul>" + "".join(f"<li>{inline(line[2:])}</li>" for line in lines) + "</ul>")
        else:
            out.append("<p>" + "<br>".join(inline(line) for line in lines) + "</p>")
    if answer.note:
        out.append(f'<p class="note">{html.escape(answer.note)}</p>')
    return "".join(out)


def sources_html(answer: Answer, turn: str) -> str:
    """The sources of an answer as safe HTML, a card for each passage: its words with the quotes highlighted, the
    guide and section they stand in, and the outside works with their dates. Quote n has the id `source-<turn>-<n>`."""
    groups: dict[int, list[Citation]] = {}
    for citation in answer.citations:
        groups.setdefault(id(citation.chunk), []).append(citation)
    return "".join(_card(group, turn) for group in groups.values())


def _card(citations: Sequence[Citation], turn: str) -> str:
    chunk = citations[0].chunk
    title = chunk.document.title
    numbers = " and ".join(str(c.number) for c in citations)
    backs = "".join(
        f'<a class="back" href="#mark-{turn}-{c.number}" aria-label="Back to mark {c.number} in the answer">[{c.number}]</a>'
        for c in citations
    )
    section = f'<p class="section">{html.escape(chunk.heading)}</p>' if chunk.heading and chunk.heading != title else ""
    as_of = chunk.document.metadata.get("as_of")
    notes = [
        "Your own document" if chunk.document.id.startswith(MINE) else "",
        _checked(citations),
        f"page {chunk.page}" if chunk.page else "",
        f"guide as of {as_of}" if as_of else "",
    ]
    works = "".join(f"<li>{_work_html(s)}</li>" for s in chunk.sources)
    return (
        f'<article class="source" tabindex="-1" aria-label="Source {numbers}: {html.escape(title, quote=True)}">'
        f'<header><p class="backs">{backs}</p><h3>{html.escape(title)}</h3>{section}'
        f'<p class="how">{html.escape(" · ".join(n for n in notes if n))}</p></header>'
        f"<blockquote>{_highlighted(citations, turn)}</blockquote>"
        + (f'<h4>Rests on</h4><ul class="works">{works}</ul>' if works else "")
        + "</article>"
    )


def _checked(citations: Sequence[Citation]) -> str:
    """How the citations of a passage were checked; number by number where not all alike."""
    if len({c.support for c in citations}) == 1:
        return _HOW[citations[0].support]
    return ", ".join(f"[{c.number}] {_HOW[c.support].lower()}" for c in citations)


def _highlighted(citations: Sequence[Citation], turn: str) -> str:
    """The words of a passage, those that are cited in `<mark>`; spans may touch or overlap."""
    chunk = citations[0].chunk
    text = chunk.document.text
    edges = sorted({chunk.start, chunk.end, *(c.start for c in citations), *(c.end for c in citations)})
    named: set[int] = set()
    out: list[str] = []
    for start, end in pairwise(edges):
        words = _prose(text[start:end])
        covering = [c.number for c in citations if c.start <= start and end <= c.end]
        if not covering:
            out.append(words)
            continue
        new = [n for n in covering if n not in named]
        named.update(new)
        anchors = "".join(f'<span id="source-{turn}-{n}"></span>' for n in new)
        out.append(f'{anchors}<mark data-n="{" ".join(map(str, covering))}">{words}</mark>')
    return "".join(out)


def _prose(text: str) -> str:
    safe = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(text))
    return safe.replace("\n\n- ", "<br>• ").replace("\n- ", "<br>• ").replace("\n\n", "<br><br>").replace("\n", " ")


def _work_html(source: Source) -> str:
    title = html.escape(source.title)
    if re.match(r"https?://[^\s\"'<>]+$", source.url):
        title = f'<a href="{html.escape(source.url, quote=True)}" target="_blank" rel="noopener noreferrer">{title}</a>'
    publisher = html.escape(source.publisher) if source.publisher != source.title else ""
    date = f'<span class="date">{html.escape(source.date)}</span>' if source.date else ""
    return ", ".join(p for p in (title, publisher, date) if p)


def as_json(turn: Turn) -> dict[str, Any]:
    """The JSON of a turn, as the command line and HTTP return it; a stable contract."""
    return {
        "id": turn.id,
        "conversation": turn.conversation,
        "question": turn.question,
        "query": turn.query,
        "outcome": turn.outcome,
        "text": turn.answer.text,
        "citations": [_citation(c) for c in turn.answer.citations],
        "suggestions": list(turn.answer.suggestions),
        "note": turn.answer.note,
        "stopped": turn.stopped,
        "dropped": [{"text": d.text, "why": d.why} for d in turn.dropped],
        "model": turn.model,
        "timings": dict(turn.timings),
        "usage": dict(turn.usage),
        "prompts": dict(turn.prompts),
    }


def _citation(citation: Citation) -> Mapping[str, Any]:
    chunk = citation.chunk
    return {
        "number": citation.number,
        "claim": citation.claim,
        "quote": citation.quote,
        "support": citation.support,
        "score": round(citation.score, 4),
        "document": {"id": chunk.document.id, "title": chunk.document.title, "url": chunk.document.url},
        "heading": chunk.heading,
        "start": citation.start,
        "end": citation.end,
        "page": chunk.page,
        "passage": chunk.text,
        "sources": [{"title": s.title, "publisher": s.publisher, "url": s.url, "date": s.date} for s in chunk.sources],
    }
