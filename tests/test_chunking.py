"""Chunks: exact spans, never across a section, within the limit of tokens."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from advisor.chunking import Piece, pieces, sections, title_of

GUIDE = """# Pay of a CMO

A CMO earns a salary. Most earn a bonus too.

Sources: survey-2020, study-2019

## Bonus

Bonuses follow quality goals.

- First goal
- Second goal

Sources: study-2019

### Detail

A detail of bonuses.
"""


def _count(text: str) -> int:
    return len(text.split())


def _cut(text: str, limit: int = 50, *, curated: bool = False) -> list[Piece]:
    return pieces(text, _count, limit=limit, curated=curated)


def test_sections_follow_markdown_headings_with_their_path() -> None:
    found = sections(GUIDE, curated=True)
    assert [(s.heading, s.path) for s in found] == [
        ("Pay of a CMO", ("Pay of a CMO",)),
        ("Bonus", ("Pay of a CMO", "Bonus")),
        ("Detail", ("Pay of a CMO", "Bonus", "Detail")),
    ]


def test_sources_lines_name_sources_and_are_not_text_in_curated_guides() -> None:
    assert [s.sources for s in sections(GUIDE, curated=True)] == [("survey-2020", "study-2019"), ("study-2019",), ()]
    assert not [p for p in _cut(GUIDE, curated=True) if "Sources" in GUIDE[p.start : p.end]]
    assert _cut(GUIDE, curated=True)[0].sources == ("survey-2020", "study-2019")


def test_sources_lines_of_other_people_are_text() -> None:
    assert all(s.sources == () for s in sections(GUIDE))
    assert [p for p in _cut(GUIDE) if "Sources: survey" in GUIDE[p.start : p.end]]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Title\n=====\n\nText here.\n\nPart\n----\n\nMore text.", ["Title", "Part"]),
        ("The title\n\nText goes on here.\n\nA lone heading\n\nMore text follows.", ["The title", "A lone heading"]),
        ("## Closed ##\n\nText.", ["Closed"]),
        ("# *Emphasis* and `code`:\n\nText.", ["Emphasis and code"]),
        ("#alone\n\nThis is text.", ["alone"]),
        ("```\n# not a heading\n```\n\nThis is text.", [""]),
        ("# Marked\n\nShort line alone\n\nThis is text.", ["Marked"]),
        ("Just a paragraph of text that ends.", [""]),
    ],
)
def test_headings_are_found_in_every_form(text: str, wanted: list[str]) -> None:
    assert [s.heading for s in sections(text)] == wanted


def test_a_heading_that_ends_the_text_heads_nothing() -> None:
    assert [text for s in sections("# One\n\nText.\n\n# Two\n") for text in [s.heading]] == ["One"]


def test_no_chunk_crosses_a_section_whatever_the_limit() -> None:
    for limit in (3, 10, 1000):
        for piece in _cut(GUIDE, limit, curated=True):
            inside = GUIDE[piece.start : piece.end]
            assert "#" not in inside
            assert not ("salary" in inside and "quality" in inside)


def test_chunks_keep_to_the_limit_and_sentences_stay_whole() -> None:
    sentences = [f"Sentence number {i} has a few words." for i in range(40)]
    text = "# Long\n\n" + " ".join(sentences)
    made = _cut(text, 50)
    assert len(made) > 3
    assert all(_count(text[p.start : p.end]) <= 50 for p in made)
    assert [text[a:b] for p in made for a, b in p.sentences] == sentences


def test_a_sentence_longer_than_the_limit_is_a_chunk_of_its_own() -> None:
    long = "This sentence " + "goes on and " * 40 + "ends."
    made = _cut(f"Short one. {long} Short two.", 20)
    assert [len(p.sentences) for p in made] == [1, 1, 1]


def test_pages_are_counted_and_never_crossed() -> None:
    text = "First page text is here.\fSecond page text goes\fon here."
    made = _cut(text)
    assert {p.page for p in _cut("No pages here.")} == {None}
    assert not [p for p in made for a, b in p.sentences if "\f" in text[a:b]]
    assert [p.page for p in _cut("# One\n\nFirst.\f# Two\n\nSecond.\f\f# Four\n\nFourth.")] == [1, 2, 4]


def test_rules_of_tables_are_no_text() -> None:
    made = _cut("# T\n\n| Role | Pay |\n|------|-----|\n| CMO | high |\n")
    assert "---" not in "".join("| Role | Pay |" for p in made for _ in p.sentences)
    assert len([s for p in made for s in p.sentences]) == 2


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("# The title\n\nText.", "The title"),
        ("\n\nFirst line of text.\nSecond.", "First line of text."),
        ("Title\n=====\n", "Title"),
        ("---\n***\n# Real", "Real"),
        ("word " * 60, None),
        ("", ""),
        ("!!!\n???", ""),
    ],
)
def test_a_title_is_found(text: str, wanted: str | None) -> None:
    found = title_of(text)
    assert len(found) <= 120
    assert wanted is None or found == wanted


LINES = st.sampled_from(
    ["# One", "## Two", "A lone line", "Text ends here.", "text goes on", "", "", "- item", "1. item", "| a | b |", "|---|---|", "=====",
     "-----", "```", "Sources: key-one, key-two", "Sources: BAD",
     "\fNew page", "> quote", "$95.5 thousand. Then", "  indented", "####### seven"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=300), st.lists(LINES, max_size=40).map("\n".join)), st.integers(1, 30), st.booleans())
def test_chunks_and_sentences_are_exact_spans_in_order(text: str, limit: int, curated: bool) -> None:
    position = 0
    for piece in pieces(text, _count, limit=limit, curated=curated):
        assert position <= piece.start < piece.end <= len(text)
        assert piece.sentences[0][0] == piece.start
        assert piece.sentences[-1][1] == piece.end
        inside = piece.start
        for a, b in piece.sentences:
            assert inside <= a < b <= piece.end
            inside = b
        counted = sum(_count(text[a:b]) for a, b in piece.sentences)
        assert counted <= limit or len(piece.sentences) == 1
        position = piece.end
