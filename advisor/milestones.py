"""The path to CMO as a map: `path.yaml` beside the guides, with the sections that support each step.

Stages follow one another; milestones are what is reached in them, and where they matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from advisor.catalog import SETTINGS, STAGES
from advisor.corpus import Corpus, Problem, decode, load_yaml, places
from advisor.errors import CorpusError

PATH = "path.yaml"
NEEDS = ("required", "usual", "helpful")


@dataclass(frozen=True, slots=True)
class Years:
    """A range of years, the sources it was read from, and what it counts."""

    low: float
    high: float
    counts: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of the path: what it adds, how long it takes where that is known, and the sections that say so."""

    id: str
    title: str
    adds: str
    years: Years | None
    guides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Milestone:
    """Something reached on the path; `shown_by` is what proves it to those who hire."""

    id: str
    stage: str
    title: str
    shown_by: str
    need: str
    settings: tuple[str, ...]
    years: Years | None
    guides: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CareerPath:
    """The stages in order and the milestones of each."""

    stages: tuple[Stage, ...]
    milestones: tuple[Milestone, ...]


def read_path(folder: Path) -> CareerPath | None:
    """The map of a folder of guidance, or None where it has none; raises `CorpusError` naming the entry at fault."""
    file = folder / PATH
    if not file.is_file():
        return None
    try:
        held = load_yaml(decode(file))
    except CorpusError as error:
        raise CorpusError(f"{PATH}: {str(error).replace(' | ', '. ')}.") from None
    if not isinstance(held, dict):
        raise CorpusError(f"{PATH}: not a map. Give it `stages:` and `milestones:`, each a list.")
    stages = tuple(
        Stage(_text(row, "id"), _text(row, "title"), _text(row, "adds"), _years(row), _texts(row, "guides"))
        for row in _rows(held, "stages")
    )
    milestones = tuple(
        Milestone(
            _text(row, "id"), _text(row, "stage"), _text(row, "title"), _text(row, "shown_by"), _text(row, "need"),
            _texts(row, "settings"), _years(row), _texts(row, "guides"),
        )
        for row in _rows(held, "milestones")
    )  # fmt: skip
    return CareerPath(stages, milestones)


def check_path(corpus: Corpus) -> Iterator[Problem]:
    """The faults of the map: what it names must be there, and a range of years must have its sources."""
    try:
        path = read_path(corpus.folder)
    except CorpusError as error:
        fault, _, remedy = str(error).removeprefix(f"{PATH}: ").partition(". ")
        yield Problem(PATH, fault, remedy.rstrip(".") or "Mend it")
        return
    if path is None:
        return
    known = places(corpus)
    seen: set[str] = set()
    steps: list[Stage | Milestone] = [*path.stages, *path.milestones]
    for step in steps:
        if step.id in seen:
            yield Problem(PATH, f"{step.id!r} is there twice", "Give each stage and milestone an id of its own")
        seen.add(step.id)
        if not step.guides:
            yield Problem(PATH, f"{step.id!r} is supported by no section", "Name one under guides, as guide#Heading")
        for place in step.guides:
            if place not in known:
                yield Problem(PATH, f"{step.id!r} names the section {place!r}, which is not there", "Mend its name, as guide#Heading")
        if step.years:
            low, high = step.years.low, step.years.high
            if not 0 <= low <= high <= 50:
                yield Problem(PATH, f"{step.id!r} takes {low:g} to {high:g} years", "Write the lower number first, 50 at most")
            missing = [key for key in step.years.sources if key not in corpus.sources]
            if missing or not step.years.sources:
                yield Problem(PATH, f"the years of {step.id!r} name {missing or 'no source'}", "Name sources of sources.yaml")
    order = [s.id for s in path.stages]
    if order != [s for s in STAGES if s in order]:
        yield Problem(PATH, f"its stages are {', '.join(order)}", f"Use these, in this order: {', '.join(STAGES)}")
    for milestone in path.milestones:
        if milestone.stage not in order:
            yield Problem(PATH, f"{milestone.id!r} is of the stage {milestone.stage!r}", f"Use one of: {', '.join(order)}")
        if milestone.need not in NEEDS:
            yield Problem(PATH, f"the need of {milestone.id!r} is {milestone.need!r}", f"Use one of: {', '.join(NEEDS)}")
        for setting in milestone.settings or ("",):
            if setting not in SETTINGS:
                yield Problem(PATH, f"{milestone.id!r} names the setting {setting!r}", f"Use one of: {', '.join(SETTINGS)}")


def _rows(held: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    rows = held.get(key)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise CorpusError(f"{PATH}: {key} is not a list of entries. Open each with: - id:")
    return rows


def _text(row: Mapping[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise CorpusError(f"{PATH}: the entry {row.get('id', row)!r} has no {key}. Give it one.")
    return value


def _texts(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = row.get(key) or []
    if not isinstance(value, list):
        raise CorpusError(f"{PATH}: {key} of the entry {row.get('id', row)!r} is not a list. Write it as a list.")
    return tuple(str(v) for v in value)


def _years(row: Mapping[str, Any]) -> Years | None:
    value = row.get("years")
    if value is None:
        return None
    try:
        return Years(float(value["from"]), float(value["to"]), str(value["counts"]), tuple(str(k) for k in value["sources"]))
    except (KeyError, TypeError, ValueError):
        raise CorpusError(
            f"{PATH}: years of the entry {row.get('id')!r} cannot be read. Write: {{from: 5, to: 10, counts: what, sources: [key]}}."
        ) from None
