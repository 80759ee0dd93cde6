"""Runs cases through `Advisor` and scores the turns; no second pipeline.

A run is a file of JSON lines: a head that says what was run, then a row a case, written as soon as it is known.
Run again with the same file, it goes on where it stopped.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from advisor.citations import SUPPORTED
from advisor.config import Settings, shipped
from advisor.encode import export_folder, model_stamp
from advisor.errors import AdvisorError, QuestionError
from advisor.pipeline import Advisor
from advisor.resolve import Resolver, open_resolver
from advisor.types import Exchange, Turn
from evals.cases import Case
from evals.citing import Entails, cited_spans, contains
from evals.metrics import flat, section
from evals.score import score
from evals.table import Row

Report = Callable[[int, int], None]


def asked(advisor: Advisor, case: Case) -> Turn | None:
    """The turn of a case's last question; None where it cannot be asked at all."""
    conversation = uuid.uuid4().hex
    turn = None
    for text in case.turns:
        try:
            turn = advisor.ask(text, conversation)
        except QuestionError:
            turn = None
    return turn


def whole(turns: Sequence[str], condense: Callable[[str, Sequence[Exchange]], str]) -> str:
    """The last of some questions as it is searched after the ones before it, each of which was answered."""
    history: list[Exchange] = []
    for turn in turns[:-1]:
        history.append(Exchange(turn, condense(turn, history), "", "answered"))
    return condense(turns[-1], history)


def shipped_resolver() -> Resolver | None:
    """What makes follow-ups whole, as it is exported in the data folder; None where it is not."""
    settings = Settings.load()
    stamp = model_stamp(settings.embedding_model)
    return open_resolver(export_folder(settings, stamp), stamp)


def row_of(suite: str, case: Case, turn: Turn | None, entails: Entails = contains) -> Row:
    """All that reports, comparisons and gates need of a case: plain values, no spans into anything."""
    answer = turn.answer if turn else None
    return {
        "suite": suite,
        "id": case.id,
        "group": case.group,
        "tags": list(case.tags),
        "turns": list(case.turns),
        "expected": case.outcome,
        "facts": [list(f) for f in case.facts],
        "outcome": turn.outcome if turn else "not asked",
        "query": turn.query if turn else "",
        "text": answer.text if answer else "",
        "citations": [
            {
                "number": c.number,
                "quote": c.quote,
                "claim": c.claim,
                "title": c.chunk.document.title,
                "heading": c.chunk.heading,
                "passage": c.chunk.text,
            }
            for c in (answer.citations if answer else ())
        ],
        "spans": sorted(map(list, cited_spans(turn))) if turn else [],
        "sections": list(dict.fromkeys(flat(section(p.chunk)) for p in turn.passages))[:10] if turn else [],
        "confidence": turn.draft.confidence if turn else 0.0,
        "seconds": turn.timings["total"] if turn else 0.0,
        "usage": dict(turn.usage or {}) if turn else {},
        "scores": score(case, turn, entails),
    }


def run(advisor: Advisor, suite: str, cases: Sequence[Case], jobs: int = 1, entails: Entails = contains) -> Iterator[Row]:
    """A row a case, in order; with several `jobs` that many are asked at once, which pays where a model is waited for."""

    def one(case: Case) -> Row:
        return row_of(suite, case, asked(advisor, case), entails)

    if jobs <= 1:
        yield from map(one, cases)
        return
    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(one, cases)


def verified(advisor: Advisor) -> Entails:
    """Entailment by the verifier of an advisor, at the score from which it shows a sentence."""
    return lambda evidence, claim: advisor.verifier.support(claim, evidence) >= SUPPORTED


def run_file(
    path: Path,
    advisor: Advisor,
    suites: Mapping[str, Sequence[Case]],
    about: Mapping[str, Any],
    jobs: int = 1,
    report: Report | None = None,
) -> list[Row]:
    """Runs the suites into a file and returns all rows; rows that an earlier try left there are kept and not asked again.

    Raises `AdvisorError` where the file holds a run of something else.
    """
    head = {"about": {**about, "cases": fingerprint(suites)}, "started": datetime.now(UTC).isoformat(timespec="seconds")}
    rows: list[Row] = []
    if path.is_file():
        first, rows = read_run(path)
        if first.get("about") != head["about"]:
            raise AdvisorError(f"{path} holds a run of other cases or another advisor. Name another file, or remove it.")
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(head) + "\n", encoding="utf-8")
    # Quotes are held by the passage that contains them; what a model wrote, by the advisor's own verifier.
    entails = contains if about.get("answerer", "quote") == "quote" else verified(advisor)
    done = {(row["suite"], row["id"]) for row in rows}
    total = sum(map(len, suites.values()))
    with path.open("a", encoding="utf-8") as file:
        for suite, cases in suites.items():
            for row in run(advisor, suite, [c for c in cases if (suite, c.id) not in done], jobs, entails):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
                file.flush()
                rows.append(row)
                if report:
                    report(len(rows), total)
    return rows


def read_run(path: Path) -> tuple[dict[str, Any], list[Row]]:
    """The head and rows of a run; a last line that was cut off by a crash is dropped from the file too."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AdvisorError(f"{path} cannot be read ({error}). Name a file written by: advisor eval run --out FILE") from None
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        path.write_text(whole, encoding="utf-8")
    try:
        head, *rows = [json.loads(line) for line in whole.splitlines() if line.strip()] or [{}]
        if "about" not in head or any("scores" not in row for row in rows):
            raise ValueError("no head of a run, or no scores")
    except (ValueError, TypeError, AttributeError) as error:
        raise AdvisorError(f"{path} is not a run ({error}). Name a file written by: advisor eval run --out FILE") from None
    return head, rows


def fingerprint(suites: Mapping[str, Iterable[Case]]) -> str:
    """Changes when any case does."""
    import hashlib

    text = json.dumps({name: [asdict(c) for c in cases] for name, cases in suites.items()}, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def commit() -> str:
    """The commit of the checkout that is run, marked where files were changed since; empty outside of one."""
    import subprocess

    command = ["git", "-C", str(shipped("corpus").parent), "describe", "--always", "--dirty"]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""
