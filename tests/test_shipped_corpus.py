"""The guidance that ships: nothing to mend by its own check, enough of it, and none of it pasted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from advisor.catalog import counts
from advisor.chunking import pieces
from advisor.config import shipped
from advisor.corpus import Corpus, read_corpus, sections_of
from advisor.lint import check
from advisor.query import words_of
from advisor.sentences import split

CORPUS = read_corpus(shipped("corpus"))
FACTS = Path(__file__).resolve().parent.parent.parent / "shared" / "facts"
FILES = ("roles_credentials_quality.md", "skills_market_hard_questions.md")
PASTED = 12  # words in a row that two writers do not share by chance
needs_facts = pytest.mark.skipif(not FACTS.is_dir(), reason=f"the fact files that the guidance is written from are not at {FACTS}")


def test_the_guidance_has_nothing_to_mend() -> None:
    faults, _ = check(CORPUS.folder, date(2026, 11, 25))
    assert not [str(f) for f in faults]


def test_there_is_guidance_enough_to_plan_a_career_on() -> None:
    sums = list(counts(CORPUS))[-1]
    assert len(CORPUS.guidance) >= 45
    assert int(sums[2].replace(",", "")) >= 40_000


def test_lines_that_name_sources_or_questions_are_never_quoted() -> None:
    for guide in CORPUS.guidance:
        made = pieces(guide.document.text, lambda t: len(t.split()), guide.body, curated=True)
        assert made
        lines = r"^(?:Sources?|Asked|Review by):"
        assert not [p.heading for p in made if re.search(lines, guide.document.text[p.start : p.end], re.M)], guide.document.id


def test_the_corpus_fixture_is_the_shipped_one(shipped_corpus: Corpus) -> None:
    assert [g.document.id for g in shipped_corpus.guidance] == [g.document.id for g in CORPUS.guidance]


def _facts() -> Iterator[tuple[str, list[str]]]:
    """Each fact with the addresses it was read from; facts without one are left out."""
    for name in FILES:
        for line in (FACTS / name).read_text(encoding="utf-8").splitlines():
            addresses = [_plain(u) for u in re.findall(r"https?://[^\s,;>)]+", line)]
            if line.startswith("- ") and addresses:
                yield line[2:], addresses


def _plain(address: str) -> str:
    return re.sub(r"^https?://(?:www\.)?", "", address).rstrip("/.,;>)").lower()


@needs_facts
def test_every_fact_with_a_source_is_used_or_left_out_for_a_reason() -> None:
    used = {_plain(CORPUS.sources[k].url) for g in CORPUS.guidance for s in sections_of(g) for k in s.sources}
    page = (CORPUS.folder / "OMITTED.md").read_text(encoding="utf-8")
    omitted = {_plain(u) for u in re.findall(r"https?://[^\s,;>)]+", page)}
    facts = list(_facts())
    # An address may hold a comma or a parenthesis, at which the pattern stops.
    unused = [(fact, addresses) for fact, addresses in facts if not any(u.startswith(a) for a in addresses for u in used)]
    assert len(unused) <= 0.1 * len(facts), f"{len(unused)} of {len(facts)} facts are not used"
    assert not [fact for fact, addresses in unused if not omitted & set(addresses)], "say in OMITTED.md why"


@needs_facts
def test_no_sentence_is_pasted_from_the_fact_files() -> None:
    runs: set[tuple[str, ...]] = set()
    for name in FILES:
        for line in (FACTS / name).read_text(encoding="utf-8").splitlines():
            words = [w.lower() for w in words_of(re.split(r" — source", line)[0])]
            runs.update(tuple(words[i : i + PASTED]) for i in range(len(words) - PASTED + 1))
    pasted = []
    for guide in CORPUS.guidance:
        for section in sections_of(guide):
            for start, end in (span for block in section.blocks for span in split(guide.document.text, *block)):
                words = [w.lower() for w in words_of(guide.document.text[start:end])]
                if any(tuple(words[i : i + PASTED]) in runs for i in range(len(words) - PASTED + 1)):
                    pasted.append(guide.document.text[start:end])
    assert not pasted
