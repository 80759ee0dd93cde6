"""Answers as Slack shows them: mrkdwn, Markdown for streams, blocks and modals, within Slack's limits.

What comes from people, guides or a model is text and stays text: no mention, no link, no markup of theirs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from advisor.render import source_line
from advisor.types import Answer, Citation, Source, Turn

Block = dict[str, Any]

SECTION = 3000  # characters in a section
MESSAGE = 11_000  # characters in all blocks of a message; Slack takes some 12,000
BLOCKS, MODAL_BLOCKS = 50, 100
BUTTON, VALUE = 75, 2000
NOTICE = 150  # characters that a notification shows
PLACEHOLDER = "Searching the guidance…"
UNCITED = "Only you see this: in this channel, answers are shown to all only where they have sources."
RESTARTED = "The advisor was restarted before it had answered. Please ask again."
FAULT = "Something went wrong in the advisor itself, and was written to its log. Please ask again."
AWAY = "The advisor cannot answer right now; its log tells whoever runs it why. Please ask again later."

_JOINER = "\N{WORD JOINER}"
# Where Slack's marks could begin or end a format they are replaced by signs that look like them.
_MARKS = re.compile(r"[*~`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_LOOKS = str.maketrans({"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"})
_LIVE = re.compile(r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=mailto)(?=:)|(?<=tel)(?=:)|(?<=@)(?=\w)|(?<=:)(?=[\w+'-]+:)|^(?=>)", re.I | re.M)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~])")
_CITED = re.compile(r"\\\[(\d+)\\\]")


def plain(text: str) -> str:
    """Words of others for a field that Slack does not parse."""
    kept = "".join(c for c in text if c.isprintable() or c == "\n")
    return _LIVE.sub(_JOINER, kept)


def escaped(text: str) -> str:
    """Words of others in mrkdwn: shown as they are, whatever marks they hold."""
    safe = _MARKS.sub(lambda m: m.group().translate(_LOOKS), plain(text))
    return safe.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def mrkdwn(text: str) -> str:
    """An answer's text, of which only `**bold**` and lists are marks."""
    return "\n".join(_line(line, escaped, "*") for line in text.split("\n"))


def markdown(text: str) -> str:
    """The same for a stream, which takes Markdown."""

    def safe(words: str) -> str:
        marked = _CITED.sub(r"[\1]", _MARKDOWN.sub(r"\\\1", plain(words)))
        return marked.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")

    return "\n".join(_line(line, safe, "**") for line in text.split("\n"))


def _line(line: str, safe: Any, strong: str) -> str:
    mark, rest = ("• " if strong == "*" else "- ", line[2:]) if line.startswith("- ") else ("", line)
    pieces = re.split(r"\*\*(.+?)\*\*", rest)
    return mark + "".join(f"{strong}{safe(p)}{strong}" if n % 2 and p.strip() == p else safe(p) for n, p in enumerate(pieces))


def split(text: str, limit: int = SECTION) -> list[str]:
    """A text in parts of at most `limit` characters, cut between paragraphs, else sentences, else words."""
    parts: list[str] = []
    rest = text.strip()
    while len(rest) > limit:
        head = rest[: limit + 1]
        cut = max(head.rfind("\n\n"), head.rfind("\n"))
        if cut < limit // 2:
            cut = max((m.end() for m in re.finditer(r"[.!?](?: ?\[\d+\])*(?=\s)", head)), default=-1)
        if cut < limit // 4:
            cut = head.rfind(" ")
        if cut <= 0:
            cut = limit
            while cut > limit - 8 and "&" in rest[cut - 6 : cut] and ";" not in rest[cut - 6 : cut]:
                cut -= 1  # not within an entity
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest else parts


def section(text: str) -> Block:
    """Text of one section; verbatim, so that Slack makes no links of it."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def sections(text: str) -> list[Block]:
    return [section(part) for part in split(text)]


def notice(text: str) -> str:
    """What a notification says: the beginning of a text, in one line."""
    line = " ".join(re.sub(r"\s*\[\d+\]", "", text.replace("**", "")).split())
    cut = line if len(line) <= NOTICE else line[: NOTICE - 1].rsplit(" ", 1)[0] + "…"
    return escaped(cut) or PLACEHOLDER


def button(text: str, action: str, value: str, **more: Any) -> Block:
    label = text if len(text) <= BUTTON else text[: BUTTON - 1].rsplit(" ", 1)[0] + "…"
    shown = {"type": "plain_text", "text": plain(label), "emoji": False}
    return {"type": "button", "text": shown, "action_id": action, "value": value[:VALUE], **more}


def place_of(turn: Turn, user: str) -> str:
    """What a button of an answer carries: where the answer is kept."""
    return json.dumps({"turn": turn.id, "conversation": turn.conversation, "user": user}, separators=(",", ":"))


def answered(turn: Turn, user: str, *, shared: bool = True, question: str = "") -> list[list[Block]]:
    """An answer as blocks, message by message; `shared` says that whoever asked needs no button to share it."""
    return _paged([*_asked(question), *sections(mrkdwn(turn.answer.text))], footer(turn, user, shared=shared))


def footer(turn: Turn, user: str, *, shared: bool = True) -> list[Block]:
    """What stands below an answer's text: a note, the numbered sources, buttons."""
    answer, value = turn.answer, place_of(turn, user)
    below: list[Block] = []
    if answer.note:
        below += sections(f"_{escaped(answer.note)}_")
    if answer.citations:
        below += sections("*Sources*\n" + "\n".join(escaped(source_line(group)) for group in _groups(answer)))
    if answer.suggestions and answer.outcome == "declined":
        asks = [button(q, f"ask_{n}", q) for n, q in enumerate(answer.suggestions[:5])]
        below += [section("*You could ask*"), {"type": "actions", "elements": asks}]
    if answer.outcome in ("answered", "declined"):
        buttons = [button("Sources", "sources", value), button("Save", "save", value)] if answer.citations else []
        buttons += [] if shared else [button("Share in this channel", "share", value)]
        buttons += [button("Export", "export", value), button("New topic", "new_topic", value)]
        below.append({"type": "actions", "elements": buttons})
        below.append({"type": "context_actions", "elements": [_thumbs(value)]})
    return below


def _thumbs(value: str) -> Block:
    def thumb(text: str, sign: str) -> Block:
        return {"text": {"type": "plain_text", "text": text}, "value": f"{sign}{value}"}

    good, bad = thumb("Helpful", "+"), thumb("Not helpful", "-")
    return {"type": "feedback_buttons", "action_id": "thumb", "positive_button": good, "negative_button": bad}


def _asked(question: str) -> list[Block]:
    return sections(f"*You asked:* {escaped(' '.join(question.split()))}") if question else []


def _paged(text: Sequence[Block], below: Sequence[Block]) -> list[list[Block]]:
    """Blocks as messages that each keep the limits; what stands below stays with the last text where it fits."""
    pages: list[list[Block]] = [[]]
    for block in (*text, *below):
        size = len(json.dumps(block))
        if pages[-1] and (len(pages[-1]) == BLOCKS or sum(len(json.dumps(b)) for b in pages[-1]) + size > MESSAGE):
            pages.append([])
        pages[-1].append(block)
    return pages


def told(line: str, question: str = "") -> list[Block]:
    """A line of our own as blocks."""
    return [*_asked(question), *sections(escaped(line))]


def _groups(answer: Answer) -> list[list[Citation]]:
    groups: dict[int, list[Citation]] = {}
    for citation in answer.citations:
        groups.setdefault(id(citation.chunk), []).append(citation)
    return list(groups.values())


def sources_modal(turn: Turn) -> dict[str, Any]:
    """The passages of an answer, the quoted words bold, with their outside sources and dates."""
    return modal("Sources", fitting(passages(turn)))


def passages(turn: Turn) -> list[Block]:
    """The passages that an answer cites, each with what it rests on."""
    blocks: list[Block] = []
    for group in _groups(turn.answer):
        chunk = group[0].chunk
        marks = "".join(f"[{c.number}]" for c in group)
        place = " › ".join(dict.fromkeys(p for p in (chunk.document.title, chunk.heading) if p))
        about = [
            f"page {chunk.page}" if chunk.page else "",
            f"guide as of {as_of}" if (as_of := chunk.document.metadata.get("as_of")) else "",
        ]
        note = " · ".join(escaped(a) for a in about if a)
        blocks += sections(f"*{marks} {escaped(place)}*" + (f"\n{note}" if note else ""))
        blocks += sections(_highlighted(group))
        if chunk.sources:
            blocks += sections("*Rests on*\n" + "\n".join(f"• {_work(s)}" for s in chunk.sources))
        blocks.append({"type": "divider"})
    return blocks[:-1]


def fitting(blocks: list[Block]) -> list[Block]:
    """As many of the blocks as a modal can hold."""
    if len(blocks) <= MODAL_BLOCKS:
        return blocks
    return [*blocks[: MODAL_BLOCKS - 1], section("There is more than Slack can show here.")]


def _highlighted(citations: Iterable[Citation]) -> str:
    cited = list(citations)
    chunk = cited[0].chunk
    edges = sorted({chunk.start, chunk.end, *(c.start for c in cited), *(c.end for c in cited)})
    out = []
    for start, end in pairwise(edges):
        words = chunk.document.text[start:end]
        quoted = any(c.start <= start and end <= c.end for c in cited)
        lines = escaped(words.replace("**", "")).split("\n")
        # A format ends where its line does, and holds no space at its edges.
        out.append("\n".join(re.sub(r"^(\s*)(.*?)(\s*)$", r"\1*\2*\3", line) if quoted and line.strip() else line for line in lines))
    return re.sub(r"\*\*", f"*{_JOINER}*", "".join(out))


def _work(source: Source) -> str:
    title = escaped(source.title)
    if re.fullmatch(r"https?://[^\s\"'<>|]+", source.url):
        title = f"<{source.url.replace('&', '&amp;')}|{title}>"
    return ", ".join(p for p in (title, escaped(source.publisher) if source.publisher != source.title else "", escaped(source.date)) if p)


def modal(title: str, blocks: Sequence[Block], submit: str = "", callback: str = "", private: str = "") -> dict[str, Any]:
    """A modal with a title of at most 24 characters."""
    view: dict[str, Any] = {"type": "modal", "title": _label(title), "close": _label("Close"), "blocks": list(blocks)}
    if submit:
        view |= {"submit": _label(submit), "callback_id": callback, "private_metadata": private}
    return view


def field(label: str, initial: str = "", *, optional: bool = False) -> Block:
    """A field for a few lines of text, in a modal."""
    element: dict[str, Any] = {"type": "plain_text_input", "action_id": "text", "multiline": True, "max_length": SECTION}
    if initial:
        element["initial_value"] = initial[:SECTION]
    return {"type": "input", "block_id": "text", "label": _label(label), "element": element, "optional": optional}


def _label(text: str) -> Block:
    return {"type": "plain_text", "text": text}
