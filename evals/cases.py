"""Cases: what is asked and what a good answer holds, written by people who know the subject.

A file holds one JSON object a line, or a YAML list. `facts` is what a good answer says, each fact as a list of
alternatives; `forbidden` is what it must not say; `relevant` names sections as `document#heading`, so that
cutting chunks otherwise does not spoil the labels. Cases of one `group` ask the same in other words or for another
person. Cases of the split `tune` may be looked at while weights are chosen; those of `held-out` only measure.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "cases"
FOREIGN = Path(__file__).parent / "foreign"
OUTCOMES = ("answered", "declined", "chat", "safe")  # safe: answered or declined, and nothing forbidden said
KNOWN = {"id", "question", "turns", "outcome", "facts", "forbidden", "relevant", "tags", "split", "standalone", "group", "note"}
HELP = "See evals/README.md for the form of a case."


@dataclass(frozen=True, slots=True)
class Case:
    """What is asked, and what a good answer holds; `turns` ends with the question that is judged."""

    id: str
    turns: tuple[str, ...]
    outcome: str
    facts: tuple[tuple[str, ...], ...] = ()
    relevant: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    split: str = ""
    standalone: str = ""
    forbidden: tuple[tuple[str, ...], ...] = ()
    group: str = ""

    @property
    def question(self) -> str:
        return self.turns[-1]


def split_of(ident: str) -> str:
    """The split that a case belongs to by its id alone, so that nobody chooses it."""
    return "held-out" if hashlib.sha256(ident.encode()).digest()[0] % 2 else "tune"


def read_cases(path: Path, split: str = "") -> list[Case]:
    """The cases of a file, of one split or all; raises `ValueError` naming the file, place and fault."""
    cases = []
    for place, row in _rows(path):
        try:
            case = made(row)
        except ValueError as error:
            raise ValueError(f"{path.name}, {place}: {error}. {HELP}") from None
        if not split or case.split in (split, ""):
            cases.append(case)
    return cases


def made(row: Any) -> Case:
    """A case from what a line holds; raises `ValueError` naming the field at fault."""
    if not isinstance(row, dict):
        raise ValueError("not an object with fields")
    if not row.get("id"):
        raise ValueError("no id")
    turns = row.get("turns") or [row.get("question")]
    if not isinstance(turns, list) or not all(isinstance(t, str) and t.strip() for t in turns):
        raise ValueError("neither a question nor turns, each a text")
    if row.get("outcome") not in OUTCOMES:
        raise ValueError(f"outcome is {row.get('outcome')!r}, not one of {', '.join(OUTCOMES)}")
    return Case(
        str(row["id"]),
        tuple(turns),
        row["outcome"],
        _alternatives(row, "facts"),
        _texts(row, "relevant"),
        _texts(row, "tags"),
        str(row.get("split") or ""),
        str(row.get("standalone") or ""),
        _alternatives(row, "forbidden"),
        str(row.get("group") or ""),
    )


def faults(path: Path, places: Collection[str] = ()) -> Iterator[str]:
    """What is wrong with a file of cases, a line each; `places` are the sections there are, where they are known."""
    seen: set[str] = set()
    asked: dict[str, str] = {}
    for place, row in _rows(path):
        try:
            case = made(row)
        except ValueError as error:
            yield f"{path.name}, {place}: {error}. {HELP}"
            continue
        where = f"{path.name}, {place} ({case.id})"
        if unknown := sorted(set(row) - KNOWN):
            yield f"{where}: {unknown[0]!r} is no field of a case. The fields are: {', '.join(sorted(KNOWN))}."
        if case.id in seen:
            yield f"{where}: the id is taken. Give each case its own."
        seen.add(case.id)
        twin = asked.setdefault("\n".join(case.turns).lower(), case.id)
        if twin != case.id:
            yield f"{where}: asks the same as {twin}. Drop one of them."
        if case.outcome == "declined" and (case.facts or case.relevant):
            yield f"{where}: is to be declined, yet names facts or sections. Drop them, or expect an answer."
        if len(case.turns) > 1 and not case.standalone:
            yield f"{where}: has turns but no standalone question. Say what the last turn asks, made whole."
        if "feedback" in case.tags and case.outcome == "answered" and not case.facts:
            yield f"{where}: comes from feedback and names no facts yet. Say what a good answer holds, or expect it declined."
        for section in case.relevant:
            if places and section.lower() not in {p.lower() for p in places}:
                yield f"{where}: there is no section {section!r}. Write it as document#heading; advisor corpus stats lists the guides."


def _rows(path: Path) -> Iterator[tuple[str, Any]]:
    """Each case with where it stands."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} cannot be read ({error}). Name a file of cases.") from None
    if path.suffix in (".yaml", ".yml"):
        from advisor.corpus import load_yaml
        from advisor.errors import CorpusError

        try:
            rows = load_yaml(text)
        except CorpusError as error:
            raise ValueError(f"{path.name}: {str(error).replace(' | ', '. ')}.") from None
        if not isinstance(rows, list):
            raise ValueError(f"{path.name}: not a list of cases. {HELP}")
        yield from ((f"case {n}", row) for n, row in enumerate(rows, start=1))
        return
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            try:
                yield f"line {number}", json.loads(line)
            except ValueError as error:
                raise ValueError(f"{path.name}, line {number}: not JSON ({error}). {HELP}") from None


def _texts(row: dict[str, Any], key: str) -> tuple[str, ...]:
    value = row.get(key) or []
    if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
        raise ValueError(f"{key} is not a list of texts")
    return tuple(value)


def _alternatives(row: dict[str, Any], key: str) -> tuple[tuple[str, ...], ...]:
    value = row.get(key) or []
    if not isinstance(value, list) or not all(isinstance(v, list) and v and all(isinstance(a, str) for a in v) for v in value):
        raise ValueError(f"{key} is not a list of lists of alternatives")
    return tuple(tuple(v) for v in value)
