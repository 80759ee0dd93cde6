"""Quoted answers: the direct reply first, lists as lists, both sides of a comparison, the figure where one is asked for."""

from __future__ import annotations

import re
import threading
from types import SimpleNamespace

import pytest

from advisor.answer import ModelAnswerer
from advisor.config import cores
from advisor.pipeline import Advisor
from advisor.session import CHECKING, WORKING
from advisor.types import Turn


def _answered(advisor: Advisor, question: str) -> Turn:
    turn = advisor.ask(question)
    assert turn.outcome == "answered", turn.answer.text
    return turn


@pytest.mark.parametrize(
    "question",
    [
        "Do I need an MBA to become a CMO?",
        "Should I stop seeing patients?",
        "Is the CPE worth it?",
        "What is a medical director responsible for?",
    ],
)
def test_an_answer_is_a_few_sentences_each_cited_once_and_none_said_twice(shipped_advisor: Advisor, question: str) -> None:
    answer = _answered(shipped_advisor, question).answer
    words = len(re.sub(r"\[\d+\]", "", answer.text).split())
    assert 30 <= words <= 160
    assert [int(n) for n in re.findall(r"\[(\d+)\]", answer.text)] == [c.number for c in answer.citations]
    assert len({c.claim for c in answer.citations}) == len(answer.citations)


def test_the_direct_reply_comes_first(shipped_advisor: Advisor) -> None:
    first = _answered(shipped_advisor, "Do I need an MBA to become a CMO?").answer.citations[0]
    assert first.chunk.document.id == "management-degree"


def test_two_things_compared_get_a_part_each(shipped_advisor: Advisor) -> None:
    text = _answered(shipped_advisor, "VPMA or CQO?").answer.text
    assert "**VPMA**:" in text
    assert "**CQO**:" in text


def test_a_list_stays_a_list(shipped_advisor: Advisor) -> None:
    turn = _answered(shipped_advisor, "Which questions will they ask me in a CMO interview?")
    assert turn.answer.text.count("\n- ") >= 3


@pytest.mark.parametrize(
    ("question", "figure"),
    [
        ("How much does a Chief Medical Officer earn?", r"\$\d"),
        ("What does the CPE cost?", r"\$\d"),
        ("What share of CMOs are women?", r"\d ?%|\bfifth\b"),
        ("How long do CMOs stay in the post?", r"\byears?\b"),
    ],
)
def test_a_figure_is_given_where_one_is_asked_for(shipped_advisor: Advisor, question: str, figure: str) -> None:
    assert re.search(figure, _answered(shipped_advisor, question).answer.text)


def test_what_people_tell_of_themselves_chooses_what_applies(shipped_advisor: Advisor) -> None:
    text = _answered(shipped_advisor, "I'm a hospitalist, six years out, no admin experience. Where do I start?").answer.text
    assert "committee" in text


def test_misspelt_and_telegraphic_questions_work(shipped_advisor: Advisor) -> None:
    assert "MBA" in _answered(shipped_advisor, "do i ned an mba to becom cheif medical oficer").answer.text
    assert "$" in _answered(shipped_advisor, "cmo salary").answer.text


def test_the_same_profile_under_another_name_or_gender_gets_the_same_answer(shipped_advisor: Advisor) -> None:
    asked = "My name is {}, {} and a cardiologist with twelve years of practice. Do I need an MBA to become a CMO?"
    people = [("Emily Walsh", "a woman"), ("Jamal Washington", "a man"), ("Wei Chen", "a woman"), ("Jakub Nowak", "a man")]
    answers = {_answered(shipped_advisor, asked.format(*who)).answer.citations[0].claim for who in people}
    assert len(answers) == 1


def test_no_more_questions_are_worked_on_at_once_than_there_are_cores(shipped_advisor: Advisor) -> None:
    done: list[Turn] = []
    asking = threading.Thread(target=lambda: done.append(shipped_advisor.ask("What does a CMO do?")))
    held = [WORKING.acquire(timeout=10) for _ in range(cores())]
    try:
        asking.start()
        asking.join(0.5)
        assert all(held)
        assert not done
    finally:
        for _ in held:
            WORKING.release()
    asking.join(30)
    assert done[0].outcome == "answered"


@pytest.mark.parametrize("step", ["quote", "draft", "check"])
def test_each_step_that_computes_waits_for_a_place(shipped_advisor: Advisor, step: str) -> None:
    question, passages = "What does a CMO do?", tuple(shipped_advisor.retriever().search("What does a CMO do?", 12))
    quoting = shipped_advisor.answerer()
    claim = passages[0].chunk.text[:80] + " as it is said."
    steps = {
        "quote": lambda: list(quoting.draft(question, question, passages)),
        "draft": lambda: next(
            iter(ModelAnswerer(quoting, SimpleNamespace(name="any"), {}, None, 8, 700).draft(question, question, passages))
        ),  # type: ignore[arg-type]
        "check": lambda: shipped_advisor.verifier.support(claim, passages[0].chunk.text),
    }
    done = threading.Event()
    working = threading.Thread(target=lambda: (steps[step](), done.set()))
    held = [WORKING.acquire(timeout=10) for _ in range(cores())]
    try:
        working.start()
        assert all(held)
        assert not done.wait(0.3)
    finally:
        for _ in held:
            WORKING.release()
    assert done.wait(30)


def test_a_search_does_not_wait_behind_checks(shipped_advisor: Advisor) -> None:
    passage, done = shipped_advisor.retriever().search("What does a CMO do?", 1)[0].chunk.text, threading.Event()
    checking = threading.Thread(target=lambda: (shipped_advisor.verifier.support(passage[:80] + " as it is said.", passage), done.set()))
    held = [CHECKING.acquire(timeout=10) for _ in range(max(1, cores() - 1))]
    try:
        checking.start()
        assert all(held)
        assert shipped_advisor.ask("What does a CMO do?").outcome == "answered"
        assert not done.is_set()
    finally:
        for _ in held:
            CHECKING.release()
    assert done.wait(30)
