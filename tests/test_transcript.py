"""Conversations to take along: numbered sources in every form, and nothing hostile in any."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from advisor.chats import Conversation, Entry
from advisor.render import as_json
from advisor.transcript import FORMS, as_data, as_markdown, as_page
from advisor.types import Chunk, Document, Source
from tests.chat_world import TEXT, turn

ABOUT = Conversation("mine", "", "On pay", 1_700_000_000.0, 1_700_000_100.0, 3)
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[a](javascript:alert(1))",
    "![a](http://outside.test/a.png)",
    "[1]: http://outside.test",
    '"><svg/onload=alert(1)>',
    "</title></style><b>",
    "# **x** `y`",
)


def _entries(question: str = "What does a CMO earn?") -> Sequence[Entry]:
    return (
        Entry("t-1", question, "done", 1_700_000_000.0, turn(question), "", -1, "out of date"),
        Entry("t-2", "And then?", "failed", 1_700_000_050.0, None, "The model is away. Ask again."),
        Entry("t-3", "And now?", "pending", 1_700_000_100.0, None),
    )


class Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def _seen(page: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Seen()
    parser.feed(page)
    return parser.tags


def test_a_page_needs_nothing_else_and_its_marks_lead_to_its_sources() -> None:
    page = as_page(ABOUT, _entries())
    tags = _seen(page)
    ids = [a["id"] for _, a in tags if "id" in a]
    assert len(ids) == len(set(ids))
    inner = [str(a["href"])[1:] for t, a in tags if t == "a" and str(a["href"]).startswith("#")]
    assert "source-t1-2" in inner
    assert set(inner) <= set(ids)
    assert page.count("<mark") == 2
    assert not {t for t, _ in tags} & {"script", "link", "img", "iframe", "object", "form", "base"}
    policy = next(a["content"] for t, a in tags if a.get("http-equiv") == "Content-Security-Policy")
    assert str(policy).startswith("default-src 'none'")
    assert "@media print" in page
    assert "prefers-color-scheme: dark" in page
    assert "url(" not in page
    assert "@import" not in page


def test_markdown_has_each_question_its_answer_and_its_numbered_sources_with_the_words() -> None:
    made = as_markdown(ABOUT, _entries())
    assert made.startswith("# On pay\n\n")
    assert "## What does a CMO earn?\n\nA CMO earns a salary. [1]" in made
    assert "**Sources**\n\n[1][2] What does a CMO earn? › How much?, page 3. Rests on: A survey, A publisher, 2026-01" in made
    assert "\n\n> A CMO earns a salary. [1]\n\n" in made
    assert "*Not answered. The model is away. Ask again.*" in made
    assert "*Being answered.*" in made


def test_json_holds_the_turns_as_the_command_line_gives_them() -> None:
    made = json.loads(as_data(ABOUT, _entries()))
    assert (made["id"], made["title"], made["created"]) == ("mine", "On pay", "2023-11-14T22:13:20.000+00:00")
    first, second, _ = made["turns"]
    assert as_json(turn()).items() <= first.items()
    assert (first["status"], first["feedback"]) == ("done", {"thumb": -1, "reason": "out of date"})
    assert (second["question"], second["status"], second["fault"]) == ("And then?", "failed", "The model is away. Ask again.")


@pytest.mark.parametrize("hostile", HOSTILE)
def test_nothing_hostile_becomes_markup(hostile: str) -> None:
    """Neither from a question and a title, nor from a guide's words, heading, title and sources."""
    text = f"{hostile} is said. {TEXT}"
    bad = Chunk(1, Document("d", hostile, text, hostile), 0, len(text), hostile, None, (Source(hostile, hostile, hostile, hostile),))
    given = turn(hostile)
    first = replace(given.answer.citations[0], chunk=bad, start=0, end=len(hostile))
    said = replace(given.answer, text=f"{hostile} is said. [1]", citations=(first,))
    entries = [Entry("t", hostile, "failed", 0.0, replace(given, answer=said), hostile)]
    about = replace(ABOUT, title=hostile)
    allowed = {"html", "head", "meta", "title", "style", "body", "main", "h1", "h2", "h3", "h4", "p", "section", "div", "a", "article"}
    tags = _seen(as_page(about, entries))
    assert {t for t, _ in tags} <= allowed | {"header", "blockquote", "mark", "span", "ul", "li", "em", "strong", "br"}
    assert not [a for _, a in tags if any(k.startswith("on") for k in a) or "javascript:" in str(a.get("href"))]
    made = as_markdown(about, entries)
    assert not re.search(r"<[a-z/!]", made)
    assert not re.search(r"(?<!\\)\](?=[(:])", made), "no links"
    assert as_data(about, entries)


def test_a_question_of_several_lines_stays_one_heading() -> None:
    made = as_markdown(ABOUT, _entries("One?\n# Two\n- three\n1. four"))
    assert "## One? \\# Two - three 1. four\n" in made


def test_every_form_takes_an_empty_conversation() -> None:
    assert all(form(ABOUT, []) for form in FORMS.values())
