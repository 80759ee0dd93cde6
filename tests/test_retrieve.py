"""Lexical and dense search as one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from advisor.corpus import read_corpus
from advisor.hashed import HashedEncoder
from advisor.index import ExactIndex
from advisor.library import Library
from advisor.retrieve import HybridRetriever

Written = Callable[[Mapping[str, str]], Path]
GUIDES = {
    "pay.md": "# Pay\n\nA medical director earns a stipend. A CMO earns a salary.\n\n## Bonus\n\nBonuses follow quality goals.\n",
    "degree.md": "# Degree\n\nAn MBA takes two years. An MMM is open to physicians only.\n",
    "law.md": "# Law\n\nThe Stark law limits payments to physicians who refer patients.\n",
}


@pytest.fixture
def retriever(library: Library, written: Written, encoder: HashedEncoder) -> HybridRetriever:
    library.update(read_corpus(written(GUIDES)), encoder, limit=60)
    return HybridRetriever(library, ExactIndex(library.vectors), encoder)


@pytest.mark.parametrize(
    ("query", "heading"),
    [("What do bonuses follow?", "Bonus"), ("How long does an MBA take?", "Degree"), ("Stark law", "Law"), ("MMM", "Degree")],
)
def test_the_passage_with_the_words_comes_first(retriever: HybridRetriever, query: str, heading: str) -> None:
    passages = retriever.search(query, 3)
    assert passages[0].chunk.heading == heading
    scores = [p.score for p in passages]
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= s <= 1.0 for s in scores)
    assert all(len(p.vectors) == len(p.chunk.sentences) for p in passages)


def test_no_more_passages_come_than_were_asked_for(retriever: HybridRetriever) -> None:
    assert len(retriever.search("physicians", 1)) == 1
    assert len(retriever.search("physicians", 50)) == 4


def test_the_same_question_finds_the_same_passages(retriever: HybridRetriever) -> None:
    found = [[(p.chunk.id, p.score) for p in retriever.search("physicians and pay", 4)] for _ in range(3)]
    assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("query", ["the of and", "zzzz qqqq", '" OR 1=1 --', "*", "🙂", "NEAR(a b)", "a" * 3000])
def test_odd_queries_find_something_or_nothing_and_never_fail(retriever: HybridRetriever, query: str) -> None:
    assert len(retriever.search(query, 3)) <= 3


def test_an_empty_library_gives_no_passages(library: Library, encoder: HashedEncoder) -> None:
    retriever = HybridRetriever(library, ExactIndex(library.vectors), encoder)
    assert list(retriever.search("anything", 5)) == []


LISTED = {
    "days.md": "---\ntitle: Days\n---\n# Days\n\nThe first weeks belong to listening.\n\n"
    "Asked: What do I do before rounds? | Whom do I greet at breakfast?\n",
    "plan.md": "---\ntitle: Plan\n---\n# Plan\n\nThe plan names three aims.\n\n"
    "Asked: Is there a plan for breakfast? | Which aims come first? | Who signs?\n",
    "rest.md": "# Rest\n\nRest matters.\n",
}


@pytest.fixture
def listed(library: Library, written: Written, encoder: HashedEncoder) -> HybridRetriever:
    library.update(read_corpus(written(LISTED)), encoder, limit=60)
    return HybridRetriever(library, ExactIndex(library.vectors), encoder)


def test_words_that_only_a_listed_question_holds_lead_to_its_section(listed: HybridRetriever) -> None:
    assert listed.library.lexical(["rounds"], 3)
    assert listed.search("rounds with whom?", 3)[0].chunk.document.title == "Days"
    assert "rounds" not in listed.search("rounds with whom?", 3)[0].chunk.text


def test_several_listed_questions_count_as_their_nearest_three(listed: HybridRetriever, encoder: HashedEncoder) -> None:
    vector = encoder.encode(["Which aims come first?"])[0]
    near = {p.chunk.document.title: p.chunk.id for p in listed.search("aims", 3)}
    nearest, several = (dict(zip(listed._ids, values.tolist(), strict=True)) for values in listed._asked(vector))
    cosines = sorted((encoder.encode(["Plan", "Is there a plan for breakfast?", "Which aims come first?", "Who signs?"]) @ vector).tolist())
    assert nearest[near["Plan"]] == pytest.approx(1.0, abs=1e-5)
    assert several[near["Plan"]] == pytest.approx(sum(cosines[-3:]) / 3, abs=1e-5)
    assert several[near["Rest"]] == 0.0


def test_a_section_that_lists_questions_is_one_however_far_they_are_from_what_is_asked(
    listed: HybridRetriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = listed._asked
    monkeypatch.setattr(listed, "_asked", lambda vector: (asked(vector)[0], asked(vector)[1] * -1.0))
    found = {p.chunk.document.title: p.listed for p in listed.search("aims", 3)}
    assert found == {"Days": True, "Plan": True, "Rest": False}


def test_what_is_kept_at_hand_never_outlives_the_guidance(written: Written, library: Library, encoder: HashedEncoder) -> None:
    folder = written({"pay.md": "# Pay\n\nA keeper earns forty coins."})
    library.update(read_corpus(folder), encoder, limit=200)
    first = HybridRetriever(library, ExactIndex(library.vectors), encoder)
    assert "forty" in first.search("What does a keeper earn?", 3)[0].chunk.text
    assert library.frequency("forty") == 1
    written({"pay.md": "# Pay\n\nA keeper earns fifty coins."})
    library.update(read_corpus(folder), encoder, limit=200)
    assert library.frequency("forty") == 0
    again = HybridRetriever(library, ExactIndex(library.vectors), encoder)
    assert "fifty" in again.search("What does a keeper earn?", 3)[0].chunk.text
