"""A question and the best sentence are read together where the rest leaves the decision unsure, and only there."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from advisor import decide, reader
from advisor.config import Settings
from advisor.encode import PACKAGED, export_folder, model_stamp
from advisor.evidence import chance
from advisor.pipeline import Advisor
from advisor.quote import QuotingAnswerer
from advisor.weights import decision


@pytest.fixture(scope="module")
def exported(indexed_home: Path) -> Path:
    return export_folder(Settings(home=indexed_home), model_stamp(PACKAGED))  # type: ignore[call-arg]


def test_the_index_exports_the_reader_and_the_advisor_reads_with_it(exported: Path, shipped_advisor: Advisor) -> None:
    assert reader.exported(exported).is_file()
    answerer = shipped_advisor.answerer()
    assert isinstance(answerer, QuotingAnswerer)
    assert answerer.reader is not None


def test_a_sentence_that_answers_reads_better_than_one_that_does_not(exported: Path) -> None:
    opened = reader.open_reader(exported, model_stamp(PACKAGED))
    assert opened is not None
    question = "How many CMOs still see patients?"
    answer = "How many CMOs still see patients?: In the 2009 survey 27% of CMOs still saw patients."
    other = "What is the TEAM model?: The TEAM bundle covers five kinds of surgery."
    assert opened.read(question, answer) > opened.read(question, other)


@pytest.fixture
def _half(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar at even odds, and a reader that counts fully within one of it."""
    monkeypatch.setattr(decide, "threshold", lambda: 0.5)
    monkeypatch.setattr(reader, "learnt", lambda _path: reader.Learnt(PACKAGED, 1.0, 0.5, 1.0))


@pytest.mark.usefixtures("_half")
@pytest.mark.parametrize(("odds", "expected"), [(0.9, 3.4), (-0.9, 1.6), (1.1, 1.1), (-1.1, -1.1)])
def test_the_reader_is_asked_only_near_the_bar(odds: float, expected: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(decision()), "weigh", lambda self, values: odds)
    assert decide.confidence([], [3.0]) == pytest.approx(chance(expected))
    assert decide.confidence([]) == pytest.approx(chance(odds))


@pytest.mark.usefixtures("_half")
@pytest.mark.parametrize(("verdicts", "expected", "read"), [((3.0, 9.0), 2.5, 1), ((-3.0, 2.0), 1.5, 2), ((-3.0, -2.0), -2.5, 2)])
def test_another_sentence_is_read_before_a_question_is_declined(
    verdicts: tuple[float, ...], expected: float, read: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(decision()), "weigh", lambda self, values: 0.0)
    asked = iter(verdicts)
    assert decide.confidence([], asked) == pytest.approx(chance(expected))
    assert len(list(asked)) == len(verdicts) - read


class Recorded:
    """A reader that finds an answer nowhere, and what it read."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def read(self, _question: str, text: str) -> float:
        self.texts.append(text)
        return -9.0


@pytest.mark.parametrize(("listed", "most"), [(True, reader.BEST), (False, reader.BEST_PLAIN)])
def test_another_reader_reads_where_no_section_lists_questions(
    shipped_advisor: Advisor, monkeypatch: pytest.MonkeyPatch, listed: bool, most: int
) -> None:
    known = reader.Learnt(PACKAGED, 1.0, 0.0, np.inf)
    monkeypatch.setattr(reader, "learnt", lambda path: replace(known, shift=0.0 if path == reader.READER else 100.0))
    question, listing, plain = "Do I need an MBA to become a CMO?", Recorded(), Recorded()
    answerer = shipped_advisor.answerer()
    assert isinstance(answerer, QuotingAnswerer)
    passages = [replace(p, listed=listed) for p in shipped_advisor.retriever().search(question, 8)]
    draft = replace(answerer, reader=listing, plain=plain).quote(question, question, passages)  # type: ignore[arg-type]
    read, unread = (listing, plain) if listed else (plain, listing)
    assert (len(read.texts), unread.texts) == (most, [])
    assert draft.outcome == "declined"
    assert (draft.confidence < 1e-12) is not listed, "each is weighed by what it has learnt itself"


def test_there_is_no_reader_for_another_embedding_model_or_without_its_export(exported: Path, tmp_path: Path) -> None:
    assert reader.open_reader(exported, "another@0123") is None
    assert reader.open_reader(tmp_path, model_stamp(PACKAGED)) is None


def test_a_damaged_export_is_dropped_and_the_decision_made_without_it(
    tmp_path: Path, exported: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.copy(exported / "tokenizer.json", tmp_path)
    reader.exported(tmp_path).write_bytes(b"no model")
    assert reader.open_reader(tmp_path, model_stamp(PACKAGED)) is None
    assert "advisor index" in caplog.text
    assert not reader.exported(tmp_path).exists()


@pytest.mark.parametrize("path", [reader.READER, reader.PLAIN])
def test_what_was_learnt_fits_the_embedding_model_and_stays_small(path: Path) -> None:
    changed = reader.differences(path)
    assert {name.split(".")[2] for name in changed if name.startswith("encoder.")} == {"2", "3", "4", "5"}
    assert changed["head.weight"].shape == (1, 384)
    assert all(np.isfinite(values).all() for values in changed.values())
    assert path.stat().st_size < 8_000_000
