"""Citations and abstention by the field's definitions, on worked examples."""

from __future__ import annotations

import pytest

from advisor.types import Answer, Chunk, Citation, Document, Draft, Turn
from evals.citing import abstention, area, citation_scores, cited_spans, contains, risk_coverage, sameness, statements

SAID = ("A CMO leads.", "A CMO earns.", "A CMO rests.")
DOCUMENT = Document("d", "D", " ".join(SAID))


def _turn(text: str, passages: dict[int, str]) -> Turn:
    citations = []
    for number, passage in passages.items():
        start = DOCUMENT.text.index(passage)
        chunk = Chunk(number, DOCUMENT, start, start + len(passage))
        citations.append(Citation(number, passage, chunk, start, start + len(passage), "quoted", 1.0))
    return Turn("t", "c", "Q?", "Q?", (), Draft("answered"), Answer(text, "answered", tuple(citations)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One thing. [1] Two things. [2]", [("One thing.", (1,)), ("Two things.", (2,))]),
        ("One thing [1]. Two things [2][3].", [("One thing", (1,)), ("Two things", (2, 3))]),
        ("One thing. Two things. [1]", [("One thing.", ()), ("Two things.", (1,))]),
        ("The steps:\n- First step [1]\n- Second step [2]", [("First step", (1,)), ("Second step", (2,))]),
        ("**VPMA**\nA vice president. [1]", [("A vice president.", (1,))]),
        ("**VPMA**: A vice president. [1]", [("A vice president.", (1,))]),
        ("", []),
    ],
)
def test_statements_are_sentences_with_what_they_cite(text: str, expected: list[tuple[str, tuple[int, ...]]]) -> None:
    assert statements(text) == expected


def test_citation_scores_follow_alce() -> None:
    # Three sentences: one supported, one supported with a needless second citation, one not supported at all.
    turn = _turn(f"{SAID[0]} [1] {SAID[1]} [2][3] It never ends. [1]", {1: SAID[0], 2: SAID[1], 3: SAID[2]})
    recall, precision, coverage = citation_scores(turn)
    assert recall == pytest.approx(2 / 3)
    assert precision == pytest.approx(2 / 4), "the second of [2][3] and the last [1] are not needed or do not support"
    assert coverage == 1.0


def test_a_sentence_without_a_citation_lowers_recall_and_coverage() -> None:
    assert citation_scores(_turn(f"{SAID[0]} [1] {SAID[1]}", {1: SAID[0]})) == (0.5, 1.0, 0.5)
    assert citation_scores(_turn("", {})) == (0.0, 0.0, 0.0)
    assert citation_scores(_turn(f"{SAID[0]} [9]", {})) == (0.0, 0.0, 0.0), "a number that nothing stands behind"


def test_the_entailment_is_the_caller_s() -> None:
    turn = _turn("Something else. [1]", {1: SAID[0]})
    assert citation_scores(turn, lambda evidence, claim: True) == (1.0, 1.0, 1.0)
    assert contains("A CMO\nleads. So it is.", "A CMO leads.")
    assert not contains("A CMO leads.", "")


def test_abstention_counts_declines_against_what_was_to_be_declined() -> None:
    scores = abstention([True, True, False, False], [True, False, True, False])
    assert scores == {"precision": 0.5, "recall": 0.5, "f1": 0.5}
    assert abstention([False], [False])["f1"] == 0.0


def test_the_risk_coverage_curve_answers_the_surest_first() -> None:
    curve = risk_coverage([0.9, 0.8, 0.8, 0.1], [True, True, False, False])
    assert curve == [(0.25, 0.0), (0.75, pytest.approx(1 / 3)), (1.0, 0.5)]
    assert area(curve) == pytest.approx(0.5 / 3 + 0.125)
    assert area([(1.0, 0.0)]) == 0.0


def test_answers_are_the_same_where_they_quote_the_same_spans() -> None:
    one, two = cited_spans(_turn(f"{SAID[0]} [1]", {1: SAID[0]})), cited_spans(_turn(f"{SAID[1]} [1]", {1: SAID[1]}))
    assert sameness([[one, one]]) == 1.0
    assert sameness([[one, two]]) == 0.0
    assert sameness([[one, one | two]]) == 0.5
    assert sameness([[frozenset(), frozenset()]]) == 1.0
