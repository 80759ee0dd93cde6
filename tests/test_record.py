"""Turns as plain data: all that is shown comes back, whatever version wrote it."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from advisor.record import Excerpt, record_of, turn_of
from advisor.render import as_html, as_json, as_text, sources_html
from advisor.types import Draft, Passage, Turn
from tests.chat_world import CHUNK, END, START, TEXT, turn


def _kept(given: Turn) -> Turn:
    return turn_of(json.loads(json.dumps(record_of(given))))


def test_a_turn_that_was_kept_is_shown_as_it_was() -> None:
    before, after = turn(), _kept(turn())
    assert as_text(after.answer) == as_text(before.answer)
    assert as_html(after.answer, "t") == as_html(before.answer, "t")
    assert sources_html(after.answer, "t") == sources_html(before.answer, "t")
    assert "<mark" in sources_html(after.answer, "t")
    assert "guide as of 2026-11" in sources_html(after.answer, "t")
    assert as_json(after) == as_json(before)


def test_passages_and_drafts_come_back_with_the_chunks_they_share() -> None:
    after = _kept(turn())
    assert [(p.score, p.asked, p.listed) for p in after.passages] == [(0.25, 0.0, False), (0.9, 0.5, True)]
    assert after.passages[1].chunk is after.answer.citations[0].chunk is after.answer.citations[1].chunk
    assert after.draft.parts[0].statements[0].chunk is after.passages[1].chunk
    assert (after.draft.parts[0].lead, after.draft.confidence) == ("Pay", 0.75)
    assert (after.passages[1].chunk.text, after.passages[1].chunk.page) == (CHUNK.text, 3)


def test_only_the_words_of_the_passages_are_kept() -> None:
    kept = json.dumps(record_of(turn()))
    assert "Before it all" not in kept
    assert "After it" not in kept
    assert kept.count("A CMO earns a salary. Bonuses") == 1, "a passage is kept once, however often it is cited"


def test_every_field_of_a_turn_is_kept_by_its_name() -> None:
    assert {f.name for f in fields(Turn)} <= set(record_of(turn()))


def test_numbers_of_numpy_are_kept_as_numbers() -> None:
    odd = replace(turn(), passages=(Passage(CHUNK, np.float32(0.5), np.ones((1, 2))),), draft=Draft("chat", confidence=np.float64(0.25)))  # type: ignore[arg-type]
    after = _kept(odd)
    assert (after.passages[0].score, after.passages[0].vectors, after.draft.confidence) == (0.5, None, 0.25)


def test_what_another_version_kept_is_read() -> None:
    record: dict[str, Any] = record_of(turn())
    record |= {"dreamt": [1, {"of": 2}]}
    record["draft"]["mood"] = "good"
    record["chunks"][0]["colour"] = "red"
    for name in ("usage", "prompts", "model"):
        del record[name]
    after = turn_of(record)
    assert (after.usage, after.prompts, after.model) == ({}, {}, None)
    assert as_text(after.answer) == as_text(turn().answer)


@pytest.mark.parametrize("record", [{}, {"answer": None}, {"answer": {"citations": [{"number": 1, "chunk": 99}]}}, {"chunks": [{}]}])
def test_what_is_missing_is_empty_and_no_fault(record: dict[str, Any]) -> None:
    after = turn_of(record)
    assert as_text(after.answer) is not None
    assert sources_html(after.answer, "t") is not None
    assert as_json(after)["question"] == ""


def test_an_excerpt_answers_to_the_places_of_the_whole() -> None:
    excerpt = Excerpt(TEXT[START:END], START)
    assert excerpt[START:END] == TEXT[START:END]
    assert excerpt[START + 2 : START + 5] == "CMO"
    assert excerpt[0:START] == ""
    assert excerpt[START:] == TEXT[START:END]
    assert excerpt[-1] == "."
