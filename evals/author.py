"""A question turned into a case, in a talk: `advisor eval new`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import typer

from advisor.assemble import open_advisor
from evals.cases import made, read_cases, split_of
from evals.metrics import section


def author(file: Path) -> None:
    """Asks for a question and what a good answer says, shows our answer, and adds the case to the file."""
    taken = {case.id for case in read_cases(file)} if file.is_file() else set()
    advisor = open_advisor(remember=False)
    question = typer.prompt("The question, as someone would ask it").strip()
    turn = advisor.ask(question)
    said = " ".join(c.claim for c in turn.answer.citations) or turn.answer.text
    typer.echo(f"\nOurs ({turn.outcome}): {said}\n")
    row: dict[str, object] = {"id": _free(file.stem, taken), "question": question}
    if typer.confirm("Does the guidance hold an answer?", default=turn.outcome == "answered"):
        row["outcome"] = "answered"
        facts = []
        typer.echo("What must a good answer say? One fact a line, its alternatives parted by |; an empty line ends.")
        while fact := typer.prompt("Fact", default="", show_default=False).strip():
            facts.append([a.strip() for a in fact.split("|") if a.strip()])
        row["facts"] = facts
        chunks = [p.chunk for p in turn.passages[:8]]
        places = list(dict.fromkeys(section(c) for c in chunks))
        for number, place in enumerate(places, start=1):
            typer.echo(f"  {number}. {place}")
        chosen = typer.prompt("Which of these sections answer it? Numbers, parted by commas", default="", show_default=False)
        row["relevant"] = [places[int(n) - 1] for n in re.findall(r"\d+", chosen) if 0 < int(n) <= len(places)]
    else:
        row["outcome"] = "declined"
    row["tags"] = [t for t in re.split(r"[,\s]+", typer.prompt("Tags", default="", show_default=False)) if t]
    row["split"] = split_of(str(row["id"]))
    made(row)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    typer.echo(f"Added {row['id']} to {file}.")


def _free(stem: str, taken: set[str]) -> str:
    number = len(taken) + 1
    while f"{stem}-{number:03}" in taken:
        number += 1
    return f"{stem}-{number:03}"
