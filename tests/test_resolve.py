"""A follow-up is read with the questions before it, and brings along the words that it means and no others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from advisor.config import Settings
from advisor.encode import PACKAGED, export_folder, model_stamp
from advisor.reader import RESOLVER
from advisor.resolve import ALL, LEANING, MOST_CARRIED, Resolver, chosen, joined, open_resolver, placed, read_with, seen
from advisor.session import tokenizer_at


@pytest.fixture(scope="module")
def exported(indexed_home: Path) -> Path:
    return export_folder(Settings(home=indexed_home), model_stamp(PACKAGED))  # type: ignore[call-arg]


@pytest.fixture(scope="module")
def resolver(exported: Path) -> Resolver:
    opened = open_resolver(exported, model_stamp(PACKAGED))
    assert opened is not None
    return opened


@pytest.mark.parametrize(
    ("queries", "question", "meant", "other"),
    [
        (["What is throat cancer?"], "Is it treatable?", {"throat", "cancer"}, set()),
        (["How much does a medical director earn?"], "And in Texas?", {"medical", "director", "earn"}, set()),
        (["What does a VPMA do?", "And outside the hospital? (VPMA)"], "How is that different from a CQO?", {"VPMA"}, {"hospital"}),
        (
            ["Who founded Sikhism?", "Tell me about the Golden Temple."],
            "Are visitors given free meals there?",
            {"Golden", "Temple"},
            {"founded"},
        ),
    ],
)
def test_what_a_follow_up_means_is_carried_over(
    resolver: Resolver, queries: Sequence[str], question: str, meant: set[str], other: set[str]
) -> None:
    carried = set(resolver.meant(question, queries, LEANING))
    assert meant <= carried
    assert not other & carried


@pytest.mark.parametrize("question", ["What does a VPMA do?", "What is an ACO?", "How do search firms find candidates for CMO posts?"])
def test_a_question_that_is_whole_carries_nothing(resolver: Resolver, question: str) -> None:
    assert resolver.meant(question, ["How much does a medical director earn?"], LEANING) == []


def test_what_was_carried_before_is_carried_on(resolver: Resolver) -> None:
    queries = ["What is throat cancer?", "Is it treatable? (throat cancer)", "What about the cost? (throat cancer)"]
    assert {"throat", "cancer"} <= set(resolver.meant("And how long does that take?", queries, LEANING))


def test_there_is_no_resolver_for_another_embedding_model_or_without_its_export(exported: Path, tmp_path: Path) -> None:
    assert open_resolver(exported, "another@0123") is None
    assert open_resolver(tmp_path, model_stamp(PACKAGED)) is None
    assert RESOLVER.stat().st_size < 8_000_000


def test_the_latest_question_is_read_first_and_a_long_conversation_only_in_part(exported: Path) -> None:
    tokenizer = tokenizer_at(exported / "tokenizer.json")
    queries = [f"How do harbour pilots number {n} board ships in heavy fog at night?" for n in range(40)]
    read = read_with(tokenizer, "And by day?", queries)
    assert len(read.ids) == len(read.kinds) < ALL + 60
    assert next(place.word for place in read.places if place.word.isdigit()) == "39"
    assert all(place.token < len(read.ids) for place in read.places)


def test_each_word_stands_at_the_token_that_opens_it(exported: Path) -> None:
    tokenizer = tokenizer_at(exported / "tokenizer.json")
    read = read_with(tokenizer, "Why?", ["Is the readmission rate published? (CMS hospitals)"])
    opened = {place.word: tokenizer.id_to_token(read.ids[place.token]) for place in read.places}
    assert all(word.lower().startswith(token) for word, token in opened.items())
    assert set(opened) == {"readmission", "rate", "published"}  # what was only carried there was said before, or is forgotten


def test_words_of_one_stem_count_once_and_stand_in_the_order_in_which_they_were_last_said(exported: Path) -> None:
    read = read_with(tokenizer_at(exported / "tokenizer.json"), "Why?", ["What do boards of hospitals want?", "And the board of a school?"])
    words, rows = seen(read, [0.0] * len(read.ids))
    assert words == ["hospitals", "board", "school"]
    assert len({len(row) for row in rows}) == 1


def test_only_the_likeliest_words_are_carried_and_none_below_the_bar() -> None:
    assert chosen(["a", "b", "c"], [LEANING, LEANING - 0.1, 2.0], LEANING) == ["a", "c"]
    assert chosen([str(n) for n in range(99)], [float(n) for n in range(99)], LEANING) == [str(n) for n in range(99 - MOST_CARRIED, 99)]


def test_a_query_holds_what_was_carried_in_brackets() -> None:
    assert joined(" And why? ", ["hospital", "board"]) == "And why? (hospital board)"
    assert joined("And why?", []) == "And why?"
    assert placed("Is the 4-year MBA/MHA of use?") == [("4", 7), ("year", 9), ("MBA", 14), ("MHA", 18)]
