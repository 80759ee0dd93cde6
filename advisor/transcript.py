"""A conversation to take along: Markdown, one HTML page that needs nothing else, or JSON, with numbered sources."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from advisor.chats import Conversation, Entry
from advisor.render import as_html, as_json, source_line, sources_html
from advisor.types import Citation, Turn

_STATES = {"pending": "Being answered.", "stopped": "Stopped before the end.", "failed": "Not answered."}
# No script, no image, no font, no request: what a hostile guide could smuggle in has nowhere to go.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf6; --ink: #1c2930; --soft: #54636b; --line: #dedacd; --accent: #0e5a61; --quote: #fbe9ad; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12191d; --ink: #e6ebec; --soft: #a5b3b9; --line: #303d44; --accent: #86ccce; --quote: #4c4118; }
}
body { max-width: 46rem; margin: 2rem auto; padding: 0 1.25rem; font: 1rem/1.6 system-ui, sans-serif; }
body { background: var(--paper); color: var(--ink); }
h1 { font-size: 1.5rem; line-height: 1.3; } h2 { font-size: 1.15rem; margin: 0; }
h3 { font-size: 1rem; margin: 0; } h4 { margin: .75rem 0 0; }
h2, h3, p, li, blockquote { overflow-wrap: anywhere; }
.turn { border-top: 1px solid var(--line); margin-top: 2rem; padding-top: 1.5rem; }
.soft, .section, .how { color: var(--soft); font-size: .9rem; margin: .15rem 0; }
a { color: var(--accent); } a.cite, a.back { text-decoration: none; } .backs { float: right; margin: 0; }
mark { background: var(--quote); color: inherit; }
.source { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; margin: .75rem 0; font-size: .93rem; }
blockquote { margin: .75rem 0; padding-left: .9rem; border-left: 3px solid var(--line); }
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --accent: #000; --quote: #eee; }
  body { max-width: none; margin: 0; padding: 0; font-size: 10.5pt; }
  h2 { break-after: avoid; } .source { break-inside: avoid; } mark { text-decoration: underline; }
}
"""


def as_page(conversation: Conversation, entries: Sequence[Entry]) -> str:
    """One HTML page: every turn with its sources, the quoted words highlighted; light, dark and on paper."""
    title = html.escape(conversation.title)
    turns = []
    for number, entry in enumerate(entries, start=1):
        name = f"t{number}"
        line = note(entry)
        said = ""
        if entry.turn is not None:
            said = f'<div class="answer">{as_html(entry.turn.answer, name)}</div>'
            if entry.turn.answer.citations:
                said += f"<h3>Sources</h3>{sources_html(entry.turn.answer, name)}"
        turns.append(
            f'<section class="turn"><h2>{html.escape(entry.question)}</h2><p class="soft">{_day(entry.created)}</p>{said}'
            + (f'<p class="soft"><em>{html.escape(line)}</em></p>' if line else "")
            + "</section>"
        )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}"><meta name="referrer" content="no-referrer">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head>\n'
        f'<body><main><h1>{title}</h1><p class="soft">CMO Advisor, {_counted(len(entries))}, {_day(conversation.created)}</p>\n'
        + "\n".join(turns)
        + "\n</main></body></html>\n"
    )


def as_markdown(conversation: Conversation, entries: Sequence[Entry]) -> str:
    """Markdown: a heading for each question, the answer, and its sources with the words quoted."""
    out = [f"# {_safe(conversation.title)}", f"CMO Advisor, {_counted(len(entries))}, {_day(conversation.created)}"]
    for entry in entries:
        out.append(f"## {_safe(' '.join(entry.question.split()))}")
        if entry.turn is not None:
            out.append(_linkless(entry.turn.answer.text))
            out += _sources(entry.turn)
        if line := note(entry):
            out.append(f"*{_safe(line)}*")
    return "\n\n".join(out) + "\n"


def as_data(conversation: Conversation, entries: Sequence[Entry]) -> str:
    """JSON: the conversation, and its turns as the command line and HTTP give them, each with what became of it."""
    about = {"id": conversation.id, "title": conversation.title, "created": _moment(conversation.created)}
    turns = [as_entry(entry) for entry in entries]
    return json.dumps({**about, "updated": _moment(conversation.updated), "turns": turns}, ensure_ascii=False, indent=1) + "\n"


FORMS = {"md": as_markdown, "html": as_page, "json": as_data}


def listed(conversation: Conversation) -> dict[str, Any]:
    """A conversation as `advisor chats list --json` gives it."""
    about = {"id": conversation.id, "title": conversation.title, "turns": conversation.turns}
    return {**about, "created": _moment(conversation.created), "updated": _moment(conversation.updated)}


def as_entry(entry: Entry) -> dict[str, Any]:
    """The JSON of a question: that of its turn where it has one, with what became of it and what was thought of it."""
    said: dict[str, Any] = as_json(entry.turn) if entry.turn is not None else {"id": entry.id, "question": entry.question}
    return {
        **said,
        "status": entry.status,
        "created": _moment(entry.created),
        "fault": entry.fault or None,
        "feedback": {"thumb": entry.thumb, "reason": entry.reason} if entry.thumb else None,
    }


def _sources(turn: Turn) -> list[str]:
    groups: dict[int, list[Citation]] = {}
    for citation in turn.answer.citations:
        groups.setdefault(id(citation.chunk), []).append(citation)
    if not groups:
        return []
    out = ["**Sources**"]
    for group in groups.values():
        out.append(_safe(source_line(group)))
        out += ["> " + f"{_safe(c.quote)} [{c.number}]".replace("\n", "\n> ") for c in group]
    return out


def note(entry: Entry) -> str:
    """What is to be said of a question that has no whole answer; nothing of one that has."""
    return " ".join(part for part in (_STATES.get(entry.status, ""), entry.fault) if part)


def _safe(line: str) -> str:
    """Words of others in Markdown, shown as they are, whatever marks they hold."""
    return re.sub(r"([\\`*_#|~!]|^\s*(?:[-+=]|\d+(?=[.)])))", r"\\\1", _linkless(line), flags=re.M)


def _linkless(text: str) -> str:
    """Markdown of which no part is a link, an image or HTML; a `[n]` stays as it is."""
    return re.sub(r"\](?=[(:])", r"\]", text.replace("&", "&amp;").replace("<", "&lt;"))


def _counted(turns: int) -> str:
    return f"{turns} question{'' if turns == 1 else 's'}"


def _day(moment: float) -> str:
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")


def _moment(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
