"""A guide as the page shows it."""

from __future__ import annotations

import pytest

from advisor.apps.guide import block_html, guide_json
from advisor.types import Chunk, Document, Source

TEXT = """---
title: Pay
summary: What it pays.
as_of: 2026-11
---
# Pay

It is **good**.

Sources: one

## How much is it?

- First
  goes on
- <b>Second</b>

Asked: What is the pay? | is it much? | What is a bonus?

Review by: 2027-01

Sources: one, two
"""


def test_a_guide_has_its_sections_without_what_is_for_curators() -> None:
    document = Document("pay", "Pay", TEXT)
    one, two = Source("One", "Press", "https://one.test/", "2026"), Source("Two")
    chunks = [Chunk(n, document, TEXT.index(words), len(TEXT), sources=works) for n, (words, works) in enumerate([("It is", (one,)), ("- First", (one, two))])]  # fmt: skip # noqa: E501
    made = guide_json(document, chunks)
    assert (made["title"], made["summary"], made["as_of"]) == ("Pay", "What it pays.", "2026-11")
    first, second = made["sections"]
    assert (first["heading"], first["html"]) == ("", "<p>It is <strong>good</strong>.</p>")
    assert (second["heading"], second["html"]) == ("How much is it?", "<ul><li>First goes on</li><li>&lt;b&gt;Second&lt;/b&gt;</li></ul>")
    assert [work["title"] for work in second["sources"]] == ["One", "Two"]


def test_questions_that_lean_on_what_was_said_before_are_not_offered() -> None:
    document = Document("pay", "Pay", TEXT)
    assert guide_json(document, [])["sections"][1]["asked"] == ["How much is it?", "What is the pay?", "What is a bonus?"]


@pytest.mark.parametrize(
    ("block", "wanted"),
    [
        ("One\ntwo", "<p>One two</p>"),
        ("1. One\n2. Two", "<ul><li>One</li><li>Two</li></ul>"),
        ("2026 was a year", "<p>2026 was a year</p>"),
        ("<script>1</script> & [a](b)", "<p>&lt;script&gt;1&lt;/script&gt; &amp; [a](b)</p>"),
    ],
)
def test_a_block_is_a_paragraph_or_a_list_and_never_markup(block: str, wanted: str) -> None:
    assert block_html(block) == wanted
