"""An optional judge grades answers, and is told apart from people."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor.config import Settings
from advisor.errors import AdvisorError
from evals.judge import agreement, judged, read_labels
from tests.model_server import ModelServer, Reply, asked


def _row(ident: str, text: str) -> dict[str, object]:
    return {"suite": "s", "id": ident, "turns": ["Q?"], "facts": [["pay"]], "text": text, "outcome": "answered", "expected": "answered"}


def test_a_judge_grades_every_answer_and_its_agreement_with_people_is_told() -> None:
    def script(request: dict[str, object]) -> Reply:
        _, message = asked(request)
        return Reply(status=401) if "broken" in message else Reply(["Yes." if "good" in message else "no"])

    rows = [_row("a", "good pay"), _row("b", "bad pay"), _row("c", "broken"), {**_row("d", "good"), "outcome": "declined"}]
    with ModelServer(script) as server:
        settings = Settings(model_url=server.url)
        found = judged(rows, settings, "openai:judge", {"a": True, "b": True}, jobs=2)
    assert found.grades == {("s", "a"): True, ("s", "b"): False}
    assert (found.failed, found.labelled, found.agreement) == (1, 2, 0.5)


def test_agreement_takes_off_what_chance_would_give() -> None:
    assert agreement([]) == (0.0, 0.0)
    assert agreement([(True, True), (False, False)]) == (1.0, 1.0)
    same, kappa = agreement([(True, True), (True, False), (False, True), (False, False)])
    assert (same, kappa) == (0.5, 0.0)


def test_labels_that_are_none_are_named(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text('{"id": "a", "good": true}\n\n{"id": "b", "good": "yes"}\n', encoding="utf-8")
    with pytest.raises(AdvisorError, match=r"labels.jsonl, line 3: write"):
        read_labels(file)
    with pytest.raises(AdvisorError, match="cannot be read"):
        read_labels(tmp_path / "none")
