"""How sentences are weighed, and what a sentence looks like when it is shown."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from advisor.evidence import FEATURES, NEARNESS, chance, claim_text, covered, is_listed, logistic, reranked, to_rank, weigh
from advisor.hashed import HashedEncoder
from advisor.query import analyse, stems_of
from advisor.types import Chunk, Document, Passage
from advisor.weights import learnt

TEXT = "The exam costs $900. It takes two days. Half of all candidates fly in.\n\n- Bring a badge.\n- Bring water.\n"
SENTENCES = ("The exam costs $900.", "It takes two days.", "Half of all candidates fly in.", "Bring a badge.", "Bring water.")
SPANS = tuple((TEXT.index(s), TEXT.index(s) + len(s)) for s in SENTENCES)


def _passages(encoder: HashedEncoder) -> list[Passage]:
    document = Document("exam", "Exam", TEXT)
    chunk = Chunk(1, document, 0, len(TEXT) - 1, "Exam", sentences=SPANS)
    return [Passage(chunk, 0.5, encoder.encode([TEXT[a:b] for a, b in SPANS]))]


def test_there_is_a_weight_for_each_feature() -> None:
    assert len(learnt()["sentence"]["weights"]) == len(FEATURES) == len(set(FEATURES))


def test_every_sentence_is_weighed_and_the_best_comes_first(encoder: HashedEncoder) -> None:
    query = analyse("What does the exam cost?", lambda word: 0.5)
    weighed = weigh(query, encoder.encode([query.text])[0], None, _passages(encoder))
    assert sorted((s.start, s.end) for s in weighed) == sorted(SPANS)
    assert [s.score for s in weighed] == sorted((s.score for s in weighed), reverse=True)
    assert weighed[0].text == "The exam costs $900."
    assert all(len(s.features) == len(FEATURES) and 0 <= s.score <= 1 for s in weighed)


@pytest.mark.parametrize(
    ("question", "feature", "sentence"),
    [
        ("How much does the exam cost?", "money asked and given", "The exam costs $900."),
        ("What share of people travel?", "share asked and given", "Half of all candidates fly in."),
        ("How long is the exam?", "time asked and given", "It takes two days."),
    ],
)
def test_a_figure_of_the_kind_that_is_asked_for_counts(encoder: HashedEncoder, question: str, feature: str, sentence: str) -> None:
    query = analyse(question, lambda word: 0.5)
    weighed = weigh(query, encoder.encode([question])[0], None, _passages(encoder))
    assert [s.text for s in weighed if s.features[FEATURES.index(feature)]] == [sentence]


def test_without_an_adapter_sentences_stay_in_their_order(encoder: HashedEncoder) -> None:
    query = analyse("What does the exam cost?", lambda word: 0.5)
    weighed = weigh(query, encoder.encode([query.text])[0], None, _passages(encoder))
    assert reranked(weighed) == weighed
    assert reranked([]) == []


def test_the_trees_see_how_near_a_sentence_is_beside_the_others(encoder: HashedEncoder) -> None:
    query = analyse("What does the exam cost?", lambda word: 0.5)
    [passage] = _passages(encoder)
    weighed = weigh(query, encoder.encode([query.text])[0], None, [replace(passage, near=np.array([0.1, 0.9, 0.2, 0.3, 0.4]))])
    seen = to_rank(weighed)
    assert seen.shape == (5, len(FEATURES) + len(NEARNESS))
    named = dict(zip(NEARNESS, seen[[s.index for s in weighed].index(1), len(FEATURES) :].tolist(), strict=True))
    assert named == pytest.approx(dict.fromkeys(NEARNESS, 0.0) | {"nearness": 0.9, "rank by nearness": 1.0})
    assert sorted(seen[:, FEATURES.index("cosine")]) == sorted(s.features[0] for s in weighed)
    assert {s.text for s in reranked(weighed)} == {s.text for s in weighed}


def test_items_of_a_list_are_known_as_such(encoder: HashedEncoder) -> None:
    chunk = _passages(encoder)[0].chunk
    assert [is_listed(chunk, start) for start, _ in SPANS] == [False, False, False, True, True]


def test_coverage_is_the_share_of_the_words_weight_and_like_words_count_for_most() -> None:
    terms = analyse("exam salary", lambda word: 0.5).terms
    assert covered(terms, stems_of("The exam pays a salary")) == 1.0
    assert covered(terms, stems_of("The exam")) == 0.5
    assert 0.5 < covered(terms, stems_of("The exam and the income")) < 1.0
    assert covered((), stems_of("anything")) == 0.0


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("A **bold** and `plain`\nline.", "A bold and plain line."),
        ("See [the rule](https://a.example/(x)).", "See the rule."),
        ("| MBA | two years |", "MBA; two years"),
        ("It said ``no''.", "It said ``no''."),
    ],
)
def test_a_sentence_is_shown_without_its_marks(raw: str, shown: str) -> None:
    assert claim_text(raw) == shown


def test_chances_lie_between_nothing_and_certainty() -> None:
    assert chance(0.0) == 0.5
    assert 0.0 < chance(-1e9) < 1e-9 < 1 - 1e-9 < chance(1e9) < 1.0
    assert logistic([1.0, 2.0], [3.0, -1.0], 0.5) == chance(1.5)
