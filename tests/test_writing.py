"""A model's text, cut as it comes, to whole sentences with the passages they name."""

from __future__ import annotations

import pytest

from advisor.types import Chunk, Document, Passage, Statement
from advisor.writing import Writing

TEXTS = (
    "A CMO earns a salary of $400,000. Bonuses follow quality goals.",
    "A VPMA runs the medical staff office.",
    "Payers hire medical directors.",
)
PASSAGES = [Passage(Chunk(n, Document(f"d{n}", f"Guide {n}", t), 0, len(t)), 0.9) for n, t in enumerate(TEXTS, 1)]


def _read(text: str, size: int = 3, *, whole: bool = True) -> tuple[list[Statement], Writing]:
    writing = Writing(PASSAGES)
    parts = [p for i in range(0, len(text), size) for p in writing.add(text[i : i + size])]
    parts += writing.end(whole=whole)
    return [s for p in parts for s in p.statements], writing


def _cited(statement: Statement) -> list[str]:
    return [c.document.id for c in (statement.chunk, *(s.chunk for s in statement.also))]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A CMO earns $400,000 [1]. A VPMA runs the office [2].", [("A CMO earns $400,000.", ["d1"]), ("A VPMA runs the office.", ["d2"])]),
        ("A CMO earns $400,000. [1] A VPMA runs it. [2]", [("A CMO earns $400,000.", ["d1"]), ("A VPMA runs it.", ["d2"])]),
        ("Pay is good [1][3].", [("Pay is good.", ["d1", "d3"])]),
        ("Pay is good [1, 3].", [("Pay is good.", ["d1", "d3"])]),
        ("Pay is good【2】.", [("Pay is good.", ["d2"])]),
        ("Pay is good [Passage 2]. It is [^1].", [("Pay is good.", ["d2"]), ("It is.", ["d1"])]),
        ("**Pay** is `good` [1].", [("Pay is good.", ["d1"])]),
        ("Pay: \n\n- Salary [1]\n- A bonus. It varies [2]\n", [("Salary", ["d1"]), ("A bonus. It varies", ["d2"])]),
        ("1. Salary [1]\n2. Bonus [2]", [("Salary", ["d1"]), ("Bonus", ["d2"])]),
        ("# Heading\n\nPay is good [1].", [("Pay is good.", ["d1"])]),
        ("Dr. Lee of the U.S. earns 1.5 million [1].", [("Dr. Lee of the U.S. earns 1.5 million.", ["d1"])]),
        ("```\nprint(1)\n```\nPay is good [1].", [("Pay is good.", ["d1"])]),
        ("| a | b |\n|---|---|\nPay is good [1].", [("Pay is good.", ["d1"])]),
        ("Pay\u200b is\u202e good [1].", [("Pay is good.", ["d1"])]),
    ],
)
def test_sentences_are_the_same_however_the_text_is_cut(text: str, said: list[tuple[str, list[str]]], size: int) -> None:
    statements, _ = _read(text, size)
    assert [(s.text, _cited(s)) for s in statements] == said


def test_a_sentence_is_given_as_soon_as_the_next_one_begins() -> None:
    writing = Writing(PASSAGES)
    assert not list(writing.add("Pay is good [1]."))
    assert not list(writing.add(" "))
    assert [p.statements[0].text for p in writing.add("And")] == ["Pay is good."]


def test_a_last_sentence_that_broke_off_is_not_given() -> None:
    assert [s.text for s in _read("Pay is good [1]. It is about $4", whole=False)[0]] == ["Pay is good."]
    assert [s.text for s in _read("Pay is good [1].", whole=False)[0]] == ["Pay is good."]


@pytest.mark.parametrize(
    "sentence",
    [
        "See https://evil.example [1].",
        "See [this](http://evil.example) [1].",
        "![x](https://evil.example/a.png) [1].",
        "Write to pay@evil.example [1].",
        "<img src=x> Pay is good [1].",
        "See [this][a] [1].",
        "Go to www.evil.example [1].",
        "Click javascript:alert(1) [1].",
    ],
)
def test_a_sentence_with_a_link_or_markup_is_dropped_and_said_so(sentence: str) -> None:
    statements, writing = _read(f"Pay is good [1]. {sentence} A VPMA runs it [2].")
    assert [s.text for s in statements] == ["Pay is good.", "A VPMA runs it."]
    assert [d.why for d in writing.dropped] == ["it holds a link or markup"]


def test_a_sentence_that_cites_a_passage_that_was_not_given_is_dropped() -> None:
    statements, writing = _read("Pay is good [9]. A VPMA runs it [2][9].")
    assert [(s.text, _cited(s)) for s in statements] == [("A VPMA runs it.", ["d2"])]
    assert [d.why for d in writing.dropped] == ["it cites a passage that was not given"]


def test_a_sentence_without_a_number_is_held_against_the_nearest_passages() -> None:
    [statement], _ = _read("Payers hire medical directors.")
    assert _cited(statement)[0] == "d3"


def test_paragraphs_and_lists_keep_their_shape() -> None:
    writing = Writing(PASSAGES)
    parts = [*writing.add("One [1]. Two [1].\n\nThree [2].\n- Four [3]\n- Five [3]\n"), *writing.end(whole=True)]
    assert [(p.listed, p.joined) for p in parts] == [(False, False), (False, True), (False, False), (True, True), (True, True)]
