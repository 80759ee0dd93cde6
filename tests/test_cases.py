"""The cases: each can be read, mistakes are explained, and what they expect is in the guidance."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from advisor.corpus import Corpus, places
from evals.cases import FOLDER, FOREIGN, faults, read_cases, split_of
from evals.metrics import flat

ALL = sorted(FOLDER.glob("*.jsonl"))


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.name)
def test_cases_can_be_read_and_no_two_are_called_the_same(path: Path) -> None:
    names = [c.id for c in read_cases(path)]
    assert len(names) == len(set(names)) > 0


def test_a_fault_in_a_case_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"id": "a", "question": "Q?", "outcome": "declined"}\n{"id": "b"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.jsonl, line 2"):
        read_cases(path)


def test_cases_may_be_written_as_yaml(tmp_path: Path) -> None:
    path = tmp_path / "cases.yaml"
    path.write_text("- id: a\n  question: Why?\n  outcome: answered\n  facts: [[because, since]]\n")
    assert read_cases(path)[0].facts == (("because", "since"),)
    path.write_text("id: a\n")
    with pytest.raises(ValueError, match=r"cases\.yaml: not a list of cases"):
        read_cases(path)


GOOD = {"id": "a", "question": "Why?", "outcome": "answered", "facts": [["because"]], "relevant": ["pay#How much?"]}


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"id": ""}, "no id"),
        ({"question": ""}, "neither a question nor turns"),
        ({"outcome": "maybe"}, "outcome is 'maybe'"),
        ({"facts": ["because"]}, "facts is not a list of lists"),
        ({"relevant": "pay"}, "relevant is not a list of texts"),
        ({"fact": []}, "'fact' is no field of a case"),
        ({"outcome": "declined"}, "is to be declined, yet names facts"),
        ({"turns": ["Why?", "And?"]}, "has turns but no standalone question"),
        ({"relevant": ["pay#Who?"]}, "there is no section 'pay#Who?'"),
    ],
)
def test_a_mistake_in_a_case_is_explained(tmp_path: Path, change: dict[str, object], fault: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps({**GOOD, **change}) + "\n")
    assert any(fault in line and line.startswith("cases.jsonl, line 1") for line in faults(path, {"pay#How much?"}))


def test_cases_in_order_have_no_mistakes_and_twins_are_named(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps(GOOD) + "\n")
    assert not list(faults(path, {"pay#How much?"}))
    path.write_text(json.dumps(GOOD) + "\n" + json.dumps({**GOOD, "id": "b"}) + "\n" + json.dumps({**GOOD, "question": "How?"}) + "\n")
    found = list(faults(path))
    assert "asks the same as a" in found[0]
    assert "the id is taken" in found[1]


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.name)
def test_the_shipped_cases_are_in_order(path: Path, shipped_corpus: Corpus) -> None:
    assert not list(faults(path, places(shipped_corpus)))


def test_the_split_of_a_new_case_follows_from_its_id() -> None:
    assert {split_of(f"x-{n}") for n in range(20)} == {"tune", "held-out"}
    assert split_of("x-1") == split_of("x-1")


def test_what_cases_expect_is_in_the_sections_they_name(shipped_corpus: Corpus) -> None:
    sections: dict[str, str] = {}
    for guidance in shipped_corpus.guidance:
        text = guidance.document.text
        found = [(m.group(1).strip(), m.end()) for m in re.finditer(r"^#{1,6} +(.+)$", text, re.M)]
        for (heading, start), end in zip(found, [e for _, e in found[1:]] + [len(text)], strict=True):
            sections[flat(f"{guidance.document.id}#{heading}")] = flat(text[start:end])
    wrong = []
    for path in ALL:
        for case in read_cases(path):
            missing = [r for r in case.relevant if flat(r) not in sections]
            held = " ".join(sections.get(flat(r), "") for r in case.relevant)
            facts = [fact for fact in case.facts if not any(flat(a) in held for a in fact)]
            if missing or facts:
                wrong.append((case.id, missing, facts))
    assert not wrong


def test_there_are_cases_enough_and_their_ids_hold_half_of_them_out() -> None:
    answers, declines = (read_cases(FOLDER / f"{name}.jsonl") for name in ("answers", "declines"))
    assert len(answers) >= 150
    assert len(declines) >= 100
    for cases in (answers, declines):
        assert all(c.split == split_of(c.id) for c in cases)
        assert 0.4 < sum(c.split == "held-out" for c in cases) / len(cases) < 0.6
    held_out = [c for c in declines if c.split == "held-out"]
    assert sum("near-miss" in c.tags for c in held_out) / len(held_out) == pytest.approx(1 / 3, abs=0.02)


def test_no_question_is_both_tuned_on_and_held_out() -> None:
    tuned = {flat(c.question) for path in ALL for c in read_cases(path) if c.split == "tune"}
    held_out = {flat(c.question) for path in ALL for c in read_cases(path) if c.split == "held-out" and len(c.turns) == 1}
    foreign = {flat(c.question) for path in FOREIGN.glob("*.jsonl") for c in read_cases(path)}
    assert not tuned & held_out
    assert not {flat(c.question) for path in (FOREIGN / "tune").glob("*.jsonl") for c in read_cases(path)} & foreign


def test_no_held_out_question_is_listed_in_a_guide(shipped_corpus: Corpus) -> None:
    listed = flat(" ".join(g.document.text for g in shipped_corpus.guidance))
    held_out = [
        c.question for path in ALL for c in read_cases(path) if c.split == "held-out" and c.outcome == "answered" and len(c.turns) == 1
    ]
    assert [q for q in held_out if len(q.split()) > 4 and flat(q).rstrip("?") in listed] == []
