"""The map of the path: read whole or refused by name, and checked against the guides."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.config import shipped
from advisor.corpus import read_corpus
from advisor.errors import CorpusError
from advisor.milestones import check_path, read_path

PATH = """stages:
  - id: resident
    title: Resident
    adds: A trade.
    guides: ['keeper#How long?']
  - id: attending
    title: Practicing physician
    adds: Standing.
    years: {from: 5, to: 10, counts: years of practice that notices ask for, sources: [keepers]}
    guides: ['keeper#How long?']
milestones:
  - id: license
    stage: resident
    title: A license
    shown_by: The license itself.
    need: required
    settings: [any]
    guides: ['keeper#How long?']
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "keeper.md").write_text("---\ntitle: Keepers\n---\n# Keepers\n\nA keeper waits.\n\n## How long?\n\nTen years.\n")
    (tmp_path / "sources.yaml").write_text("- {key: keepers, title: T}\n")
    (tmp_path / "path.yaml").write_text(PATH)
    return tmp_path


def _faults(folder: Path) -> list[str]:
    return [str(p) for p in check_path(read_corpus(folder))]


def test_a_map_is_read_with_its_ranges_of_years(folder: Path) -> None:
    path = read_path(folder)
    assert path is not None
    assert [s.id for s in path.stages] == ["resident", "attending"]
    assert path.stages[0].years is None
    assert path.stages[1].years is not None
    assert (path.stages[1].years.low, path.stages[1].years.high) == (5, 10)
    assert path.milestones[0].settings == ("any",)
    assert not _faults(folder)


def test_a_folder_without_a_map_has_none(folder: Path) -> None:
    (folder / "path.yaml").unlink()
    assert read_path(folder) is None
    assert not _faults(folder)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("guides: ['keeper#How long?']\nmile", "guides: ['keeper#How short?']\nmile", "names the section 'keeper#How short?'"),
        ("    guides: ['keeper#How long?']\nmile", "mile", "'attending' is supported by no section"),
        ("from: 5", "from: 15", "'attending' takes 15 to 10 years"),
        ("sources: [keepers]", "sources: [sailors]", r"the years of 'attending' name ['sailors']"),
        ("sources: [keepers]", "sources: []", "the years of 'attending' name no source"),
        ("- id: attending", "- id: resident", "'resident' is there twice"),
        ("- id: attending", "- id: keeper", "its stages are resident, keeper"),
        ("stage: resident", "stage: cmo", "'license' is of the stage 'cmo'"),
        ("need: required", "need: nice", "the need of 'license' is 'nice'"),
        ("settings: [any]", "settings: [rock]", "'license' names the setting 'rock'"),
        ("    title: A license\n", "", "the entry 'license' has no title"),
        ("from: 5, ", "", "years of the entry 'attending' cannot be read"),
        ("stages:", "steps:", "stages is not a list of entries"),
        ("stages:", "stages: [", "not valid YAML"),
    ],
)
def test_a_fault_of_the_map_is_named(folder: Path, old: str, new: str, fault: str) -> None:
    assert old in PATH
    (folder / "path.yaml").write_text(PATH.replace(old, new, 1))
    assert any(f.startswith("path.yaml: ") and fault in f for f in _faults(folder)), _faults(folder)


def test_a_map_that_is_no_map_is_refused(folder: Path) -> None:
    (folder / "path.yaml").write_text("- one\n- two\n")
    with pytest.raises(CorpusError, match="not a map"):
        read_path(folder)


def test_the_shipped_map_leads_from_residency_to_the_post() -> None:
    path = read_path(shipped("corpus"))
    assert path is not None
    assert [s.id for s in path.stages][-1] == "cmo"
    assert len(path.milestones) >= 20
    assert {m.stage for m in path.milestones} == {s.id for s in path.stages}
