"""What is learnt from: cases as the advisor sees them up to the decision, and the sentences that hold their facts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from advisor.adapter import Adapter
from advisor.assemble import open_advisor
from advisor.config import Settings
from advisor.decide import FEATURES
from advisor.evidence import FEATURES as FEATURES_OF_SENTENCES
from advisor.evidence import NEARNESS
from advisor.pipeline import Advisor
from evals import train
from evals.cases import Case
from evals.learn import FOLDS

TO_ANSWER = Case(
    "t-1",
    ("What does a VPMA do?", "And how is that different from a CMO?"),
    "answered",
    facts=(("medical staff",),),
    relevant=("vpma-and-cmo#What is the difference between a VPMA and a CMO?",),
)
TO_DECLINE = Case("t-2", ("How much does a CMO in Atlantis earn?",), "declined", tags=("near-miss",))


@pytest.fixture(scope="module")
def advisor(hashed_home: Path) -> Advisor:
    return open_advisor(Settings(home=hashed_home, embedding_model="hashed"), remember=False)


def test_a_case_is_seen_alone_after_its_turns_and_with_its_sections_gone(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "own_cases", lambda: iter([TO_ANSWER, TO_DECLINE]))
    rows = list(train.own_rows(advisor))
    assert [(row.answered, row.judged) for row in rows] == [(True, True), (False, False), (True, True), (False, False), (False, True)]
    assert {len(row.features) for row in rows} == {len(FEATURES) - 3}, "the verdicts on the question alone are learnt later"
    assert rows[0].question != rows[2].question, "the second is what the turns before make of it"
    assert rows[-1].weight < rows[0].weight, "near misses are many"
    assert all(row.read[0] for row in rows)


def test_a_question_is_seen_with_what_was_learnt_without_it(advisor: Advisor) -> None:
    across = np.zeros((advisor.answerer().encoder.dimensions, 1), dtype=np.float32)  # type: ignore[attr-defined]
    folds = [train.Without(Adapter(f"fold {n}", across, across, across, across)) for n in range(FOLDS)]
    alone = Case("t-7", ("Do I need an MBA to become a CMO?",), "answered", facts=(("mba",),))
    [row] = train.fact_rows(advisor, [alone], folds=folds)
    assert row.group == "t-7"
    assert row.ranked.shape[1] == len(FEATURES_OF_SENTENCES) + len(NEARNESS), "the fold's adapter says how near sentences are"
    [other] = train.fact_rows(advisor, [alone])
    assert other.ranked is None, "this embedding model has none of its own"


def test_each_sentence_that_is_read_has_its_own_label_in_whatever_order_they_are_read(
    advisor: Advisor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train, "reranked", lambda sentences, _ranking: sentences[::-1])
    row = train.seen(advisor, "Do I need an MBA to become a CMO?", True, 1.0, lambda sentence: "MBA" in sentence.text)
    assert len(row.read[1]) == len(row.holding) == train.SENTENCES
    assert row.holding == tuple("MBA" in text.split(": ", 1)[-1] for text in row.read[1])
    assert row.holding != tuple(label for _, label in row.sentences[: train.SENTENCES])


def test_a_greeting_among_the_cases_teaches_nothing(advisor: Advisor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "own_cases", lambda: iter([Case("t-3", ("Hello!",), "answered"), Case("t-4", ("???",), "declined")]))
    assert list(train.own_rows(advisor)) == []


def test_a_sentence_holds_a_fact_only_in_a_section_that_is_relevant(advisor: Advisor) -> None:
    [row] = train.fact_rows(advisor, [Case("t-5", ("Do I need an MBA to become a CMO?",), "answered", facts=(("mba",),))])
    assert any(held for _, held in row.sentences)
    elsewhere = Case("t-6", ("Do I need an MBA to become a CMO?",), "answered", facts=(("mba",),), relevant=("nowhere#Nothing",))
    [row] = train.fact_rows(advisor, [elsewhere])
    assert not any(held for _, held in row.sentences)
