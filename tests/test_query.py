"""What a question asks for, who asks, and in which words."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from advisor.query import Query, abbreviations_of, analyse, parted, stem, stems_of, terms_of, words_of


def _read(question: str) -> Query:
    return analyse(question, lambda w: min(1.0, len(w) / 10), {"VPMA": "vice president of medical affairs"})


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("How much does a CMO earn?", "figure"), ("What salary can I expect?", "figure"),
        ("Which steps lead to CMO?", "list"), ("How do I prepare for the interview?", "list"),
        ("VPMA or CQO?", "compare"), ("What is the difference between an MBA and an MMM?", "compare"),
        ("Do CMOs see patients?", "plain"),
    ],
)  # fmt: skip
def test_the_kind_of_question_is_told(question: str, kind: str) -> None:
    assert _read(question).kind == kind


@pytest.mark.parametrize(
    ("question", "sides"),
    [
        ("VPMA or CQO?", ("VPMA", "CQO")), ("MBA vs MMM", ("MBA", "MMM")),
        ("How does a VPMA differ from a CMO?", ("VPMA", "CMO")), ("Compare the MHA and the MBA", ("MHA", "MBA")),
    ],
)  # fmt: skip
def test_both_sides_of_a_comparison_are_named(question: str, sides: tuple[str, str]) -> None:
    assert _read(question).sides == sides


def test_what_people_tell_of_themselves_is_kept_apart_from_what_they_ask() -> None:
    focus, profile = parted("I'm a hospitalist, six years out, no admin experience. Which committees should I join first?")
    assert focus == "Which committees should I join first?"
    assert "hospitalist" in profile
    assert parted("I'm a surgeon, which degree pays off for a CMO?")[0] == "which degree pays off for a CMO?"


def test_what_is_told_stays_where_the_question_leans_on_it() -> None:
    question = "I have a malpractice settlement. Will that hold me back?"
    assert parted(question) == (question, "")


def test_common_words_are_no_terms_and_each_stem_counts_once() -> None:
    terms = terms_of("What are the directors and a director of the MBA?", lambda w: 0.5)
    assert [t.stem for t in terms] == ["director", "mba"]
    assert [t.named for t in terms] == [False, True]


def test_words_of_like_meaning_are_alike() -> None:
    (pay,) = terms_of("salary", lambda w: 0.5)
    assert {stem("pay"), stem("compensation")} <= pay.alike


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("QI/PI board-certified", ["QI", "PI", "board", "certified"]),
        ("U.S. Ph.D.", ["U.S", "Ph.D"]),
        ("a physician’s pay", ["a", "physician", "pay"]),
    ],
)
def test_words_come_apart_where_they_are_two(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_abbreviations_are_those_the_corpus_explains() -> None:
    found = abbreviations_of(["A Vice President of Medical Affairs (VPMA) leads. Stay tuned (NASA)."])
    assert list(found) == ["VPMA"]
    assert "Medical Affairs" in found["VPMA"]
    assert _read("What is a VPMA?").expansions == ("vice president of medical affairs",)


def test_threads_do_not_spoil_one_anothers_stems() -> None:
    words = [f"{root}{ending}" for root in ("direct", "lead", "govern", "relat") for ending in ("ing", "ed", "s", "ion", "ional", "ations")]
    stem.cache_clear()
    alone = {w: stem(w) for w in words}
    for _ in range(20):
        stem.cache_clear()
        with ThreadPoolExecutor(8) as pool:
            assert dict(zip(words * 8, pool.map(stem, words * 8), strict=True)) == alone


@pytest.mark.parametrize("question", ["?", "???", "vs", " or ", "a", "é" * 500, "((((", "\\b.*", "1 2 3", "I", "MBA " * 900])
def test_any_text_can_be_read(question: str) -> None:
    read = _read(question)
    assert read.text == question
    assert all(0 < t.weight <= 1 for t in read.terms)
    assert stems_of(question) is not None
