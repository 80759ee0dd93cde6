"""What a benchmark gives back: our figures, and published ones to read them beside."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Figure:
    """One number: what it is, its value, and over how many questions."""

    what: str
    value: float
    n: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """Our figures, the published ones as (who, what, value), and how the data differs from the original."""

    name: str
    figures: tuple[Figure, ...]
    published: tuple[tuple[str, str, str], ...] = ()
    note: str = ""


class BenchError(Exception):
    """A benchmark that cannot run, in a line that says what is missing."""


def records(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines; raises `BenchError` naming the file and line."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}). Give --data the folder that holds it.") from None
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except ValueError as error:
                raise BenchError(f"{path.name}, line {number}: not JSON ({error}). Mend or fetch the file again.") from None
            if not isinstance(row, dict):
                raise BenchError(f"{path.name}, line {number}: not an object. Mend or fetch the file again.")
            yield row


def columns(path: Path, *names: str) -> Iterator[tuple[str, ...]]:
    """The named columns of a tab-separated file with a header; raises `BenchError` where one is missing."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BenchError(f"{path} cannot be read ({error.strerror}). Give --data the folder that holds it.") from None
    header = lines[0].split("\t") if lines else []
    missing = [name for name in names if name not in header]
    if missing:
        raise BenchError(f"{path.name} has no column {missing[0]!r}; its header is {header}.")
    places = [header.index(name) for name in names]
    for line in lines[1:]:
        cells = line.split("\t")
        if len(cells) >= len(header):
            yield tuple(cells[p] for p in places)
