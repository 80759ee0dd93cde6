"""The guides counted and listed."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.catalog import INDEX, counts, index_page, write_index
from advisor.corpus import read_corpus
from advisor.errors import CorpusError

GUIDE = """---
title: {title}
summary: A summary.
settings: [hospital, payer]
stage: attending
as_of: 2026-11
questions: ['Why?', 'How?']
---
# {title}

Three plain words.

Asked: Who? | When?

Review by: 2027-06

Sources: a, b
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("One", "Two"):
        (tmp_path / f"{name.lower()}.md").write_text(GUIDE.format(title=name))
    rows = "".join(f"- {{key: {key}, title: T, publisher: P, url: 'https://example.org', date: '2020', kind: study}}\n" for key in "ab")
    (tmp_path / "sources.yaml").write_text(rows)
    return tmp_path


def test_what_a_guide_holds_is_counted_without_its_questions_and_sources(folder: Path) -> None:
    rows = list(counts(read_corpus(folder)))
    assert rows[0] == ("one.md", "1", "3", "4", "2", "2027-06")
    assert rows[-1] == ("2 guides", "2", "6", "8", "2", "")


def test_the_index_page_lists_guides_by_stage_and_setting(folder: Path) -> None:
    page = index_page(read_corpus(folder))
    assert "- [One](one.md): A summary." in page
    assert "### Attending physicians\n\n- [One](one.md)\n- [Two](two.md)" in page
    assert page.count("](two.md)") == 4, "once in all, once by stage, once for each setting"
    assert "### Residents" not in page


def test_the_index_page_is_no_guidance_itself(folder: Path) -> None:
    path = write_index(read_corpus(folder))
    assert path == folder / INDEX
    again = read_corpus(folder)
    assert [g.document.id for g in again.guidance] == ["one", "two"]
    assert path.read_text() == index_page(again)


def test_a_page_that_cannot_be_written_is_named(folder: Path) -> None:
    (folder / INDEX).mkdir()
    with pytest.raises(CorpusError, match=r"INDEX\.md cannot be written"):
        write_index(read_corpus(folder))
