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
