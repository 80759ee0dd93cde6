"""The check of curated guidance: each fault is named with its file, its line and its remedy."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from advisor.catalog import write_index
from advisor.corpus import read_corpus
from advisor.errors import CorpusError
from advisor.lint import check, grade

ASKED = " | ".join(f"Question number {n}?" for n in range(6))
GUIDE = f"""---
title: How do I become a lighthouse keeper?
summary: What a keeper does and earns.
topics: [light]
settings: [any]
stage: [attending]
as_of: 2026-11
questions:
  - How do I become a keeper?
  - What does a keeper earn?
  - Who hires keepers?
---
# How do I become a lighthouse keeper?

A lighthouse keeper starts as an assistant on a rock station.

Asked: {ASKED}

Sources: keepers-2020

## What does a keeper earn?

A keeper earned $40,000 a year in 2020. A senior keeper trains assistants in winter.

Asked: {ASKED}

Sources: keepers-2020
"""
SOURCES = """- key: keepers-2020
  title: "A survey of keepers"
  publisher: "The Keepers' Guild"
  url: "https://example.org/keepers"
  date: "2020-03"
  kind: survey
"""
EDIT = Callable[[str], str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "keeper.md").write_text(GUIDE)
    (tmp_path / "sources.yaml").write_text(SOURCES)
    write_index(read_corpus(tmp_path))
    return tmp_path


def _faults(folder: Path) -> list[str]:
    if (folder / "INDEX.md").exists():
        write_index(read_corpus(folder))
    return [str(p) for p in check(folder, date(2026, 11, 25))[0]]


def test_guidance_in_order_has_no_fault(folder: Path) -> None:
    assert check(folder, date(2026, 11, 25)) == ([], [])


@pytest.mark.parametrize(
    ("old", "new", "line", "fault"),
    [
        ("summary: What a keeper does and earns.\n", "", 1, "the front matter lacks summary"),
        ("as_of: 2026-11", "as_of: last autumn", 1, "as_of is 'last autumn'"),
        ("stage: [attending]", "stage: [keeper]", 1, "stage names 'keeper'"),
        ("settings: [any]", "settings: [rock]", 1, "settings names 'rock'"),
        ("# How do I become a lighthouse keeper?\n\nA", "# Keepers\n\nA", 13, "its first heading is not its title"),
        ("  - Who hires keepers?\n", "", 1, "it lists 2 questions"),
        ("  - Who hires keepers?", "  - who hires keepers", 1, "the question 'who hires keepers' does not ask"),
        (f"\nAsked: {ASKED}\n\nSources: keepers-2020\n\n##", f"\nAsked: {ASKED}\n\n##", 13, "names no source"),
        ("Sources: keepers-2020\n\n##", "Sources: sailors-1999\n\n##", 13, "the source 'sailors-1999' is not in sources.yaml"),
        (f"winter.\n\nAsked: {ASKED}", "winter.\n\nAsked: Who pays?", 21, "'What does a keeper earn?' lists 1 questions"),
        ("a year in 2020", "a year in 2026", 21, "holds figures of 2026 and no month to review them"),
        ("Sources: keepers-2020\n\n##", "Source: keepers-2020\n\n##", 13, "cannot be read"),
        ("A senior keeper", "She", 23, "opens by pointing at the sentence before"),
        ("in winter", "in winter" + " and in summer" * 20, 23, "has 67 words"),
        ("in winter", "(in winter", 23, "leaves a parenthesis open"),
        ("in winter", "in winter TODO", 23, "holds a note to yourself"),
        ("in winter", "in [winter](winter.md)", 23, "the link 'winter.md' leads nowhere"),
        (
            "A senior keeper trains assistants",
            "A keeper starts as an assistant on a lighthouse rock station",
            23,
            "repeats that of keeper.md:15",
        ),
    ],
)
def test_a_fault_of_a_guide_is_named_with_its_line(folder: Path, old: str, new: str, line: int, fault: str) -> None:
    assert old in GUIDE
    (folder / "keeper.md").write_text(GUIDE.replace(old, new, 1))
    assert any(f.startswith(f"keeper.md:{line}: ") and fault in f for f in _faults(folder)), _faults(folder)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ('date: "2020-03"', 'date: "March"', "has the date 'March'"),
        ("kind: survey", "kind: rumor", "has the kind 'rumor'"),
        ('publisher: "The Keepers\' Guild"', 'publisher: ""', "has no publisher"),
        ("https://example.org", "ftp://example", "has the address"),
        ("kind: survey\n", "kind: survey\n" + SOURCES.replace("keepers-2020", "other"), "'other' is used by no section"),
        ("kind: survey\n", "kind: survey\n" + SOURCES, "is given 2 times"),
    ],
)
def test_a_fault_of_the_sources_is_named(folder: Path, old: str, new: str, fault: str) -> None:
    (folder / "sources.yaml").write_text(SOURCES.replace(old, new, 1))
    assert any(f.startswith("sources.yaml:") and fault in f for f in _faults(folder)), _faults(folder)


def test_a_figure_needs_more_than_general_knowledge(folder: Path) -> None:
    (folder / "sources.yaml").write_text(SOURCES.replace("kind: survey", "kind: unverified"))
    assert any("states '$4' without an outside source" in f for f in _faults(folder)), _faults(folder)


def test_sections_due_for_review_are_told_apart_from_faults(folder: Path) -> None:
    (folder / "keeper.md").write_text(GUIDE.replace("\nSources: keepers-2020\n\n##", "\nReview by: 2026-10\n\nSources: keepers-2020\n\n##"))
    write_index(read_corpus(folder))
    faults, due = check(folder, date(2026, 11, 25))
    assert not faults
    assert [p.line for p in due] == [13]
    assert "was to be reviewed by 2026-10" in str(due[0])
    assert not check(folder, date(2026, 10, 25))[1], "the month itself is in time"


def test_an_index_page_that_lags_behind_is_a_fault(folder: Path) -> None:
    (folder / "keeper.md").write_text(GUIDE.replace("What a keeper does and earns.", "What keepers do."))
    assert [str(p) for p in check(folder)[0]] == ["INDEX.md: it does not show the guides as they are. Run: advisor corpus catalog."]


def test_two_guides_do_not_share_a_title_or_a_question(folder: Path) -> None:
    (folder / "second.md").write_text(GUIDE)
    assert any("is a title or question of keeper.md too" in f for f in _faults(folder))


def test_prose_that_only_scholars_can_read_is_a_fault(folder: Path) -> None:
    hard = "Institutional interdependencies notwithstanding, organizational accountability necessitates multidisciplinary collaboration. "
    (folder / "keeper.md").write_text(GUIDE.replace("A senior keeper trains assistants in winter.", hard))
    assert any("reads at grade" in f for f in _faults(folder))
    assert grade("The cat sat on the mat. The dog ran.") < 3 < grade(hard)
    assert grade("") == 0.0


def test_a_folder_without_guidance_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="holds no Markdown"):
        check(tmp_path)
