"""Answers with a thumb down become cases."""

from __future__ import annotations

from pathlib import Path

from advisor.chats import ChatStore
from advisor.database import open_database
from evals.cases import faults, read_cases
from evals.feedback import added
from tests.eval_world import SALARY, scripted


def test_disliked_answers_become_cases_once(tmp_path: Path) -> None:
    store = ChatStore(open_database(tmp_path / "advisor.db"))
    advisor = scripted({"What is the pay?": [SALARY]})
    advisor.store = store
    first = advisor.ask("What is the pay?", "c")
    second = advisor.ask("And the hours?", "c")
    advisor.ask("What is the pay?", "other")
    store.feedback(second.id, -1, "It should know.")
    store.feedback(first.id, 1)
    file = tmp_path / "cases.jsonl"
    assert added(file, store) == 1
    assert added(file, store) == 0
    [case] = read_cases(file)
    assert (case.turns, case.outcome, case.tags) == (("What is the pay?", "And the hours?"), "answered", ("feedback",))
    assert "It should know." in file.read_text(encoding="utf-8")
    assert any("names no facts yet" in fault for fault in faults(file))
