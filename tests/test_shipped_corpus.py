"""The guidance that ships: every section sourced, every source used, nothing left hanging."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from advisor.chunking import Section, pieces, sections
from advisor.config import shipped
from advisor.corpus import Corpus, Guidance, questions_of, read_corpus
from advisor.sentences import split

CORPUS = read_corpus(shipped("corpus"))
IDS = [g.document.id for g in CORPUS.guidance]
GUIDES = [pytest.param(g, id=g.document.id) for g in CORPUS.guidance]
WEAK = {"unverified", "founding"}
KINDS = {"survey", "study", "report", "rule", "guidance", "notice", "article", "organization", "reference", *WEAK}
DATE = re.compile(r"(?:c\. )?\d{4}s?(?:-\d\d(?:-\d\d)?)?(?:[-–/].+)?|undated")
FIGURE = re.compile(r"[$€£]\s?\d|\d\s?%|\bpercent\b|\b\d{1,3}(?:,\d{3})+\b|\b\d+(?:\.\d+)?\s?(?:million|billion|thousand)\b")
# A sentence is quoted alone, so it must not open by pointing at the one before it.
PRONOUN = re.compile(r"(?:It|They|He|She|This|That|These|Those|Its|Their|His|Her|Such|Both|Here|There it)\b(?!\s+(?:is|are)\s+no\b)")


def _sections(guidance: Guidance) -> list[Section]:
    return sections(guidance.document.text, guidance.body, curated=guidance.curated)


def _text(guidance: Guidance, section: Section) -> str:
    return "\n".join(guidance.document.text[a:b] for a, b in section.blocks)


def _sentences(guidance: Guidance) -> Iterator[str]:
    for section in _sections(guidance):
        for a, b in section.blocks:
            yield from (guidance.document.text[x:y] for x, y in split(guidance.document.text, a, b))


def test_there_are_guides_enough_and_all_can_be_read() -> None:
    assert len(CORPUS.guidance) >= 14
    assert not CORPUS.problems
    assert len(set(IDS)) == len(IDS)
    titles = [g.document.title for g in CORPUS.guidance]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("guidance", GUIDES)
def test_a_guide_has_its_front_matter(guidance: Guidance) -> None:
    held = guidance.document.metadata
    assert guidance.curated
    assert {"title", "summary", "topics", "stage", "as_of", "questions"} <= set(held)
    assert re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])(-\d\d)?", str(held["as_of"]))
    assert f"# {held['title']}\n" in guidance.document.text, "the first heading is the title"


@pytest.mark.parametrize("guidance", GUIDES)
def test_the_questions_of_a_guide_ask(guidance: Guidance) -> None:
    questions = list(questions_of(guidance))
    assert len(questions) >= 3
    assert all(q == q.strip() and q.endswith("?") and q[0].isupper() and len(q) <= 140 for q in questions), questions
    assert len(set(questions)) == len(questions)


@pytest.mark.parametrize("guidance", GUIDES)
def test_every_section_names_sources_that_exist(guidance: Guidance) -> None:
    for section in _sections(guidance):
        assert section.sources, f"{section.heading!r} names no source"
        missing = set(section.sources) - set(CORPUS.sources)
        assert not missing, f"{section.heading!r} names {missing}"


@pytest.mark.parametrize("guidance", GUIDES)
def test_a_section_with_a_figure_names_an_outside_source(guidance: Guidance) -> None:
    for section in _sections(guidance):
        found = FIGURE.search(_text(guidance, section))
        strong = [k for k in section.sources if CORPUS.sources[k].kind not in WEAK]
        assert not found or strong, f"{section.heading!r} states {found.group() if found else ''} and names only {section.sources}"


@pytest.mark.parametrize("guidance", GUIDES)
def test_lines_that_name_sources_are_never_quoted(guidance: Guidance) -> None:
    made = pieces(guidance.document.text, lambda t: len(t.split()), guidance.body, curated=True)
    assert made
    assert not [p.heading for p in made if re.search(r"^Sources?:", guidance.document.text[p.start : p.end], re.M)]


@pytest.mark.parametrize("guidance", GUIDES)
def test_no_sentence_opens_by_pointing_at_the_one_before(guidance: Guidance) -> None:
    hanging = [s for s in _sentences(guidance) if PRONOUN.match(s)]
    assert not hanging


@pytest.mark.parametrize("guidance", GUIDES)
def test_sentences_are_whole_and_plain(guidance: Guidance) -> None:
    for sentence in _sentences(guidance):
        assert "\n#" not in sentence
        assert sentence.count("(") == sentence.count(")"), sentence
        assert not re.search(r"[\u200b-\u200f\u202a-\u202e\ufeff\x00-\x08]", sentence), repr(sentence)
        assert not re.search(r"\b(?:TODO|FIXME|XXX|lorem ipsum)\b|\[\d+\]", sentence), sentence
        assert len(sentence.split()) <= 75, sentence


def test_every_source_says_what_and_from_when_it_is() -> None:
    for key, source in CORPUS.sources.items():
        assert re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", key), key
        assert source.title.strip() == source.title != "", key
        assert DATE.fullmatch(source.date), f"{key}: {source.date}"
        assert source.kind in KINDS, f"{key}: {source.kind}"
        assert source.publisher or source.kind in WEAK, key


def test_every_source_has_an_address_of_the_web() -> None:
    for key, source in CORPUS.sources.items():
        if source.kind in WEAK and not source.url:
            continue
        parts = urlsplit(source.url)
        assert parts.scheme in ("http", "https"), key
        assert re.fullmatch(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", parts.netloc), f"{key}: {parts.netloc}"
        assert not re.search(r"[\s<>\"'`]", source.url), key


def test_every_source_is_used() -> None:
    used = {k for g in CORPUS.guidance for s in _sections(g) for k in s.sources}
    assert not set(CORPUS.sources) - used


def test_no_key_is_given_twice() -> None:
    keys = re.findall(r"^- key:\s*(\S+)", (shipped("corpus") / "sources.yaml").read_text(), re.M)
    assert len(keys) == len(set(keys)) == len(CORPUS.sources)


def test_the_corpus_fixture_is_the_shipped_one(shipped_corpus: Corpus) -> None:
    assert [g.document.id for g in shipped_corpus.guidance] == IDS
