"""Many questions from a file: JSON lines in, JSON lines out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from advisor.errors import QuestionError
from advisor.pipeline import Advisor
from advisor.render import as_json
from advisor.types import Turn


def as_line(turn: Turn) -> str:
    """The JSON of a turn on one line."""
    return _line(as_json(turn))


def answer_batch(advisor: Advisor, path: Path) -> Iterator[str]:
    """One JSON line for each line of the file; a line that cannot be asked gives outcome `failed` and why.

    Raises `QuestionError` where the file itself cannot be read.
    """
    try:
        # Not splitlines(): a JSON string may hold the other characters that it takes for a line's end.
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise QuestionError(f"{path} cannot be read ({error}). Give a UTF-8 file of JSON lines.") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        ident: Any = number
        try:
            case = _case(line, number)
            ident = case.get("id", number)
            yield _line({**as_json(_asked(advisor, case, number)), "id": ident})
        except QuestionError as error:
            yield _failed(ident, str(error))


def _case(line: str, number: int) -> dict[str, Any]:
    try:
        case = json.loads(line)
    except (ValueError, RecursionError) as error:  # not JSON, a number of 5,000 digits, a thousand brackets
        raise QuestionError(f"Line {number} is not valid JSON ({getattr(error, 'msg', error)}). Write one object a line.") from None
    if not isinstance(case, dict):
        raise QuestionError(f'Line {number} is not a JSON object. Write {{"id": .., "question": ..}}.')
    return case


def _asked(advisor: Advisor, case: dict[str, Any], number: int) -> Turn:
    turns = case.get("turns", [case.get("question")])
    if not isinstance(turns, list) or not turns or not all(isinstance(t, str) for t in turns):
        raise QuestionError(f'Line {number} has no question. Give "question" as text or "turns" as a list of texts.')
    conversation = uuid.uuid4().hex
    return [advisor.ask(text, conversation) for text in turns][-1]


def _failed(ident: Any, fault: str) -> str:
    return _line({"id": ident, "outcome": "failed", "text": fault, "citations": [], "suggestions": []})


def _line(record: Mapping[str, Any]) -> str:
    # Half of a surrogate pair, which JSON can spell, cannot be written as UTF-8.
    return json.dumps(record, ensure_ascii=False).encode("utf-8", "replace").decode()
