"""Many questions from a file: one line out for every line in, whatever is in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from advisor.batch import answer_batch
from advisor.errors import QuestionError
from advisor.pipeline import Advisor
from tests.test_pipeline import TRUE, Part, _advisor


@pytest.fixture
def advisor() -> Advisor:
    return _advisor(Part((TRUE,)))[0]


def _answers(advisor: Advisor, path: Path, *lines: str | bytes) -> list[dict[str, Any]]:
    path.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines))
    found = list(answer_batch(advisor, path))
    assert all("\n" not in line for line in found)
    for line in found:
        line.encode()
    return [json.loads(line) for line in found]


def test_every_line_is_answered_under_its_id(advisor: Advisor, tmp_path: Path) -> None:
    found = _answers(
        advisor, tmp_path / "b", '{"id": "a", "question": "One?"}', "", '{"question": "Two?"}', '{"id": [1], "question": "Three?"}'
    )
    assert [(r["id"], r["outcome"]) for r in found] == [("a", "answered"), (3, "answered"), ([1], "answered")]


def test_the_turns_of_a_line_are_one_conversation(advisor: Advisor, tmp_path: Path) -> None:
    found = _answers(advisor, tmp_path / "b", '{"id": 1, "turns": ["One?", "Two?"]}', '{"id": 2, "question": "Three?"}')
    assert [r["query"] for r in found] == ["Two? (1)", "Three? (0)"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "Line 1 is not valid JSON"),
        ("not json", "Line 1 is not valid JSON"),
        ("[" * 100_000, "Line 1 is not valid JSON"),
        ('{"id": ' + "9" * 5000 + "}", "Line 1 is not valid JSON"),
        ("[1]", "Line 1 is not a JSON object"),
        ('"text"', "Line 1 is not a JSON object"),
        ("{}", "Line 1 has no question"),
        ('{"question": 7}', "Line 1 has no question"),
        ('{"turns": []}', "Line 1 has no question"),
        ('{"turns": null}', "Line 1 has no question"),
        ('{"turns": ["One?", 2]}', "Line 1 has no question"),
        ('{"question": ""}', "The question is empty"),
        ('{"question": "' + "a" * 500 + '"}', "500 characters"),
    ],
)
def test_a_line_that_cannot_be_asked_fails_and_the_rest_go_on(advisor: Advisor, tmp_path: Path, line: str, fault: str) -> None:
    bad, good = _answers(advisor, tmp_path / "b", line, '{"id": "next", "question": "Two?"}')
    assert bad["outcome"] == "failed"
    assert fault in bad["text"]
    assert (bad["citations"], bad["suggestions"]) == ([], [])
    assert (good["id"], good["outcome"]) == ("next", "answered")


def test_characters_that_end_lines_elsewhere_end_none_here(advisor: Advisor, tmp_path: Path) -> None:
    [found] = _answers(advisor, tmp_path / "b", '{"id": "\u2028\x85", "question": "One\u2028two?"}')
    assert (found["id"], found["outcome"]) == ("\u2028\x85", "answered")


def test_half_a_surrogate_pair_is_no_fault(advisor: Advisor, tmp_path: Path) -> None:
    assert _answers(advisor, tmp_path / "b", '{"id": "\\ud800", "question": "One?\\ud800"}')[0]["outcome"] == "answered"


def test_newlines_of_any_kind_and_a_mark_of_byte_order_are_read(advisor: Advisor, tmp_path: Path) -> None:
    assert len(_answers(advisor, tmp_path / "b", b'\xef\xbb\xbf{"question": "One?"}\r\n{"question": "Two?"}\r\n')) == 2


def test_an_empty_file_has_no_answers(advisor: Advisor, tmp_path: Path) -> None:
    assert _answers(advisor, tmp_path / "b") == []


@pytest.mark.parametrize("raw", [None, b"\xff\xfe\xfd"])
def test_a_file_that_cannot_be_read_is_named(advisor: Advisor, tmp_path: Path, raw: bytes | None) -> None:
    path = tmp_path / "b"
    if raw:
        path.write_bytes(raw)
    with pytest.raises(QuestionError, match=r"b cannot be read .*UTF-8"):
        list(answer_batch(advisor, path))
