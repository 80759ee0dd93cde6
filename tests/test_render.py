"""Answers and their sources as text and HTML: escaped, linked to their citations and to nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from advisor.render import as_html, as_text, source_line, sources_html
from advisor.types import Answer, Chunk, Citation, Document, Source, Support

TEXT = "A degree is favored. It is not required.\n\n- An MBA costs time.\n- An MHA costs less.\n\nAsk <b>first</b> & decide."


def chunk(text: str = TEXT, heading: str = "Which degree?", sources: tuple[Source, ...] = (), page: int | None = None) -> Chunk:
    document = Document("guide.md", "Do I need a degree?", text, metadata={"as_of": "2026-11"})
    return Chunk(1, document, 0, len(text), heading, page, sources)


def citation(number: int, words: str, of: Chunk, support: Support = "quoted") -> Citation:
    start = of.document.text.index(words)
    return Citation(number, words, of, start, start + len(words), support, 1.0)


def answered(text: str, *citations: Citation) -> Answer:
    return Answer(text, "answered", citations)


def test_a_mark_links_to_its_source_and_names_it() -> None:
    made = as_html(answered("A degree is favored. [1]", citation(1, "A degree is favored.", chunk())), "t1")
    assert 'href="#source-t1-1"' in made
    assert 'id="mark-t1-1"' in made
    assert 'aria-label="Source 1: Do I need a degree?"' in made
    assert ">[1]</a>" in made


def test_a_mark_without_a_citation_stays_text() -> None:
    assert as_html(answered("So it is. [9]"), "t1") == "<p>So it is. [9]</p>"


def test_bullets_become_a_list_and_bold_leads_stay_bold() -> None:
    made = as_html(answered("**VPMA**: one.\n\n- first\n- second\n\nlast\nline"), "t1")
    assert made == "<p><strong>VPMA</strong>: one.</p><ul><li>first</li><li>second</li></ul><p>last<br>line</p>"


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[a](javascript:alert(1))",
        "![a](http://outside.test/a.png)",
        '"><svg/onload=alert(1)>',
        "**<b>**",
        "&lt;script&gt;",
    ],
)
def test_nothing_hostile_becomes_markup(hostile: str) -> None:
    of = chunk(f"{hostile} is what it says.", heading=hostile, sources=(Source(hostile, hostile, hostile, hostile),))
    found = citation(1, f"{hostile} is what it says.", of)
    made = as_html(answered(f"{hostile} [1]\n\n- {hostile}", found), "t1") + sources_html(answered("", found), "t1")
    tags = set(re.findall(r"<\s*/?\s*([a-zA-Z0-9]+)", made))
    assert tags <= {"p", "a", "ul", "li", "strong", "article", "header", "h3", "h4", "blockquote", "span", "mark", "br"}
    assert set(re.findall(r'href="([^"]*)"', made)) == {"#source-t1-1", "#mark-t1-1"}
    assert not re.search(r"<[^>]*\s(?:on\w+|src|style)\s*=", re.sub(r'"[^"]*"', '""', made))


def test_a_card_shows_the_whole_passage_with_the_quoted_words_marked() -> None:
    of = chunk()
    made = sources_html(answered("", citation(1, "It is not required.", of)), "t1")
    assert '<span id="source-t1-1"></span><mark data-n="1">It is not required.</mark>' in made
    assert "A degree is favored. <span" in made
    assert "<br>• An MBA costs time.<br>• An MHA costs less.<br><br>Ask &lt;b&gt;first&lt;/b&gt; &amp; decide." in made


def test_citations_of_one_passage_share_a_card() -> None:
    of, other = chunk(), chunk()
    made = sources_html(answered("", citation(1, "A degree is favored.", of), citation(2, "It", other), citation(3, "It is", of)), "t1")
    assert made.count("<article") == 2
    assert 'aria-label="Source 1 and 3: Do I need a degree?"' in made
    assert made.index('data-n="1"') < made.index('data-n="3"') < made.index('data-n="2"')


def test_overlapping_quotes_are_each_marked_and_no_word_is_doubled() -> None:
    of = chunk("one two three four")
    made = sources_html(answered("", citation(1, "one two three", of), citation(2, "two three four", of)), "t1")
    assert re.findall(r'<mark data-n="([\d ]+)">([^<]*)</mark>', made) == [("1", "one "), ("1 2", "two three"), ("2", " four")]
    assert made.count('id="source-t1-1"') == made.count('id="source-t1-2"') == 1


def test_outside_works_carry_publisher_and_date_and_only_web_addresses_are_links() -> None:
    works = (
        Source("A survey", "A journal", "https://journal.test/a?b=1&c=2", "2009-05"),
        Source("A talk", "A society", "javascript:alert(1)", "undated"),
    )
    made = sources_html(answered("", citation(1, "It", chunk(sources=works))), "t1")
    link = '<a href="https://journal.test/a?b=1&amp;c=2" target="_blank" rel="noopener noreferrer">A survey</a>'
    assert f'<li>{link}, A journal, <span class="date">2009-05</span></li>' in made
    assert '<li>A talk, A society, <span class="date">undated</span></li>' in made


def test_a_card_says_where_it_stands_how_it_was_checked_and_as_of_when() -> None:
    made = sources_html(answered("", citation(1, "It", chunk(page=7))), "t1")
    assert '<p class="section">Which degree?</p>' in made
    assert "Quoted word for word · page 7 · guide as of 2026-11" in made
    assert "Checked against these words" in sources_html(answered("", citation(1, "It", chunk(), "supported")), "t1")


def test_a_section_named_like_its_guide_is_not_said_twice() -> None:
    assert "section" not in sources_html(answered("", citation(1, "It", chunk(heading="Do I need a degree?"))), "t1")


def test_text_for_a_terminal_lists_the_sources_under_the_answer() -> None:
    of = chunk(sources=(Source("A survey", "A journal", "", "2009-05"),))
    said = as_text(answered("**So**: it is not required. [1]", citation(1, "It is not required.", of)))
    assert said.startswith("So: it is not required. [1]\n\nSources\n[1] Do I need a degree? › Which degree?")
    assert "A survey, A journal, 2009-05" in said


def test_text_of_a_declined_question_names_what_could_be_asked() -> None:
    assert as_text(Answer("Not known.", "declined", (), ("What is an MBA?",))) == "Not known.\n\nYou could ask:\n- What is an MBA?"


def test_a_source_line_joins_the_marks_of_one_passage() -> None:
    of = chunk()
    line = source_line([citation(1, "A degree", of), citation(2, "It is", of)])
    assert line == "[1][2] Do I need a degree? › Which degree?"


def test_a_card_says_how_each_of_its_citations_was_checked() -> None:
    of = chunk()
    first, second = citation(1, "A degree is favored.", of), citation(2, "It is not required.", of, "supported")
    assert "Quoted word for word · guide as of 2026-11" in sources_html(answered("", first), "t1")
    assert "[1] quoted word for word, [2] checked against these words" in sources_html(answered("", first, second), "t1")


def test_a_users_own_document_is_marked_as_that() -> None:
    of = chunk()
    mine = replace(of, document=Document("mine:7", "My CV", TEXT))
    assert "Your own document" in sources_html(answered("", citation(1, "A degree is favored.", mine)), "t1")
    assert "Your own document" not in sources_html(answered("", citation(1, "A degree is favored.", of)), "t1")
