"""The metrics by worked examples, and the cases: each can be read, and what it expects is in the guidance."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from advisor.corpus import Corpus
from evals import gate, metrics
from evals.cases import FOLDER, FOREIGN, Case, read_cases
from evals.metrics import flat

ALL = sorted(FOLDER.glob("*.jsonl"))


def _case(*facts: tuple[str, ...]) -> Case:
    return Case("x", ("Why?",), "answered", facts)


def test_a_fact_may_be_said_in_any_of_its_ways() -> None:
    case = _case(("five years", "60 months"), ("never",))
    assert metrics.fact_recall(case, "It took Five\nYears [1], no more.") == 0.5
    assert metrics.all_facts(case, "It took 60 months and never less.") == 1.0
    assert metrics.fact_recall(case, "") == 0.0
    assert metrics.fact_recall(_case(), "anything") is None


def test_rouge_l_is_the_longest_common_subsequence_of_words() -> None:
    assert metrics.rouge_l("the cat sat", "the cat sat") == 1.0
    assert metrics.rouge_l("police killed the gunman", "police kill the gunman") == 0.75
    assert metrics.rouge_l("", "words") == 0.0


def test_an_interval_holds_its_mean_and_narrows_with_more_cases() -> None:
    few, many = metrics.interval([0.0, 1.0] * 10), metrics.interval([0.0, 1.0] * 200)
    assert few[0] < 0.5 < few[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert metrics.interval([1.0] * 5) == (1.0, 1.0)


@pytest.mark.parametrize("path", ALL, ids=lambda p: p.name)
def test_cases_can_be_read_and_no_two_are_called_the_same(path: Path) -> None:
    names = [c.id for c in read_cases(path)]
    assert len(names) == len(set(names)) > 0


def test_a_fault_in_a_case_names_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"id": "a", "question": "Q?", "outcome": "declined"}\n{"id": "b"}\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"bad\.jsonl, line 2"):
        read_cases(path)


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


def test_there_are_cases_enough_and_half_of_the_judged_ones_are_held_out() -> None:
    answers, declines = (read_cases(FOLDER / f"{name}.jsonl") for name in ("answers", "declines"))
    assert len(answers) >= 150
    assert len(declines) >= 100
    for cases in (answers, declines):
        assert sum(c.split == "held-out" for c in cases) * 2 == len(cases)
    assert sum("near-miss" in c.tags for c in declines) * 3 >= len(declines)


def test_no_question_is_both_tuned_on_and_held_out() -> None:
    tuned = {flat(c.question) for path in ALL for c in read_cases(path) if c.split == "tune"}
    held_out = {flat(c.question) for path in ALL for c in read_cases(path) if c.split == "held-out" and len(c.turns) == 1}
    foreign = {flat(c.question) for path in FOREIGN.glob("*.jsonl") for c in read_cases(path)}
    assert not tuned & held_out
    assert not {flat(c.question) for path in (FOREIGN / "tune").glob("*.jsonl") for c in read_cases(path)} & foreign


def test_no_held_out_question_is_listed_in_a_guide(shipped_corpus: Corpus) -> None:
    listed = flat(" ".join(g.document.text for g in shipped_corpus.guidance))
    held_out = [c.question for path in ALL for c in read_cases(path) if c.split == "held-out" and c.outcome == "answered"]
    assert [q for q in held_out if len(q.split()) > 4 and flat(q).rstrip("?") in listed] == []


def test_the_gate_fails_where_a_metric_fell_by_more_than_its_interval(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = {"answers: facts": {"mean": 0.8, "margin": 0.05}, "answers: falsely declined": {"mean": 0.04, "margin": 0.02}}
    monkeypatch.setattr(gate, "measured", lambda: now)
    monkeypatch.setattr(gate, "BASELINE", tmp_path / "baseline.json")
    assert gate.main(["--accept"]) == 0
    now["answers: facts"]["mean"] = 0.76
    assert gate.main([]) == 0
    now["answers: facts"]["mean"] = 0.74
    assert gate.main([]) == 1
    now["answers: facts"]["mean"] = 0.8
    now["answers: falsely declined"]["mean"] = 0.07
    assert gate.main([]) == 1
    assert "falsely declined" in capsys.readouterr().out
    json.loads((tmp_path / "baseline.json").read_text(encoding="utf-8"))
