"""The same profile under another name, gender, origin or school is searched for in the same words."""

from __future__ import annotations

import pytest

from advisor.impartial import impartial

ASK = "Which degree should I choose for the CMO job I want?"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I'm Dr. Emily Walsh, a hospitalist six years out.", "I'm Dr. Lakisha Washington, a hospitalist six years out."),
        ("My name is John Miller and I'm a new attending.", "My name is Rajesh Venkataraman and I'm a new attending."),
        ("My name is Emily Walsh, a woman and a cardiologist.", "My name is Jamal Washington, a man and a cardiologist."),
        ("Dr. Anderson here, emergency physician.", "Dr. Okonkwo here, emergency physician."),
        ("I'm a man, a cardiologist.", "I'm a woman, a cardiologist."),
        ("I'm a female hospitalist (she/her).", "I'm a male hospitalist (he/him)."),
        ("I'm a white surgeon and chair our committee.", "I'm a Black surgeon and chair our committee."),
        ("I'm a pediatrician, born in Ohio.", "I'm a pediatrician, born in Nigeria."),
        ("I'm a Harvard graduate, a VPMA.", "I'm a graduate of a state school, a VPMA."),
        ("I'm a mother of two, an internist.", "I'm a father of three, an internist."),
    ],
)
@pytest.mark.parametrize("first", [True, False], ids=["told first", "asked first"])
def test_who_asks_does_not_change_what_is_searched(one: str, other: str, first: bool) -> None:
    asked = [f"{told} {ASK}" if first else f"{ASK} {told}" for told in (one, other)]
    assert impartial(asked[0]) == impartial(asked[1])
    assert ASK in impartial(asked[0])


@pytest.mark.parametrize(
    ("question", "kept"),
    [
        ("I'm a hospitalist, six years out, with no admin experience. Should I get an MBA?", "six years out, with no admin experience"),
        ("I'm a woman surgeon at an academic center. Do women get paid less as CMOs?", "woman surgeon"),
        ("I'm a Nigerian-trained internist on an H-1B. Could my immigration status get in the way of administration?", "Nigerian-trained"),
        ("I went to a Caribbean school. Does my medical school matter for becoming a CMO?", "Caribbean school"),
        ("I'm Black. Are there studies on sponsors for minority doctors?", "Black"),
    ],
)
def test_what_is_asked_about_or_was_done_stays(question: str, kept: str) -> None:
    assert kept in impartial(question)


@pytest.mark.parametrize(
    "question",
    [
        "Chief Medical Officer, hospital or system?",
        "Do I need an MBA?",
        "Dr. Smith told me an MBA is useless. True?",
        "cmo salary",
        "",
        "?!",
    ],
)
def test_a_question_that_tells_nothing_of_the_kind_is_left_alone(question: str) -> None:
    assert impartial(question) == question


@pytest.mark.parametrize(
    ("question", "left"),
    [
        (
            "I'm a woman, a VPMA with an interview. What questions will they ask?",
            "I'm a VPMA with an interview. What questions will they ask?",
        ),
        (
            "I'm Dr. Jane Roe. I chair our committee. Am I ready for a first CMO post?",
            "I chair our committee. Am I ready for a first CMO post?",
        ),
        ("My name is Wei Chen, a woman and a cardiologist. Do I need an MBA?", "I'm a cardiologist. Do I need an MBA?"),
        ("Which committee should I join? Dr. Okonkwo, a cardiologist.", "Which committee should I join? I'm a cardiologist."),
    ],
)
def test_what_is_left_reads_as_a_question(question: str, left: str) -> None:
    assert impartial(question) == left
