"""Turns that people marked with a thumb down, made into cases: `advisor eval from-feedback`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from advisor.chats import ChatStore
from evals.cases import read_cases, split_of

PAGE = 100


def added(file: Path, store: ChatStore, owner: str = "") -> int:
    """Adds a line to the file of cases for each turn with a thumb down that it does not hold yet; gives their number.

    A line holds the questions up to that turn, what was answered and why it was disliked. What a good answer
    says is for a person to fill in: `advisor eval check` names what is missing.
    """
    taken = {case.id for case in read_cases(file)} if file.is_file() else set()
    rows = [row for row in _disliked(store, owner) if row["id"] not in taken]
    with file.open("a", encoding="utf-8") as lines:
        for row in rows:
            lines.write(json.dumps(row, ensure_ascii=False) + "\n")
    return len(rows)


def _disliked(store: ChatStore, owner: str) -> Iterator[dict[str, Any]]:
    before = None
    while page := store.conversations(owner, limit=PAGE, before=before):
        for conversation in page:
            asked: list[str] = []
            for entry in store.turns(conversation.id, owner):
                asked.append(entry.question)
                if entry.thumb >= 0 or entry.turn is None:
                    continue
                ident = f"feedback-{entry.id[:12]}"
                what = {"turns": list(asked)} if len(asked) > 1 else {"question": entry.question}
                # Declined and disliked: somebody thinks that the guidance holds it.
                yield {
                    "id": ident, **what, "outcome": "answered", "facts": [], "tags": ["feedback"], "split": split_of(ident),
                    "note": f"Disliked{f' ({entry.reason})' if entry.reason else ''}: {entry.turn.answer.text}",
                }  # fmt: skip
        before = page[-1].cursor
