"""A chat model's answer: checked sentence by sentence, quoted where it fails, stopped when it is told to."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from advisor.answer import ModelAnswerer
from advisor.calls import Calls
from advisor.citations import THIN, UNHELD
from advisor.config import shipped
from advisor.forgetful import ForgetfulStore
from advisor.impartial import impartial
from advisor.models import Delta
from advisor.pipeline import STOPPED, Advisor
from advisor.prompts import load_prompts
from advisor.types import Chunk, Document, Draft, Exchange, Part, Passage, Progress, Statement, Turn

TEXT = "A CMO earns a salary of $400,000. Bonuses follow quality goals."
CHUNK = Chunk(1, Document("pay", "Pay", TEXT), 0, len(TEXT), "How much?", sentences=((0, 33), (34, len(TEXT))))
OTHER = Chunk(2, Document("role", "Role", "A VPMA runs the medical staff."), 0, 30, sentences=((0, 30),))
QUOTED = "A CMO earns a salary of $400,000. [1]"


class Model:
    """Writes what it is told to, a few letters at a time; an exception among the bits is raised."""

    name = "scripted:model"

    def __init__(self, *answers: str | BaseException | Sequence[str | BaseException]) -> None:
        self.answers = list(answers)
        self.seen: list[tuple[str, str]] = []
        self.cancelled = False

    async def write(self, system: str, message: str, longest: int) -> AsyncIterator[Delta]:
        self.seen.append((system, message))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        for bit in [answer] if isinstance(answer, str | BaseException) else answer:
            if isinstance(bit, BaseException):
                raise bit
            if bit == "…":
                try:
                    await asyncio.sleep(30)
                except asyncio.CancelledError:
                    self.cancelled = True
                    raise
            yield Delta(bit, usage=(0, 1))
        yield Delta(end="stop", usage=(10, 0))


class Quoting:
    """Answers with the first sentence, declines questions about the weather, greets."""

    class replies:
        @staticmethod
        def to(question: str) -> object:
            return object() if question == "Hello" else None

        @staticmethod
        def decline() -> str:
            return "I cannot say."

    def resolved(self, question: str, history: Sequence[Exchange]) -> str:
        return f"{question} (ours)" if history else impartial(question)

    def nearest(self, query: str) -> tuple[str, ...]:
        return ("Nearest?",)

    def quote(self, question: str, query: str, passages: Sequence[Passage]) -> Draft:
        if "weather" in question:
            return Draft("declined", text="I cannot say.")
        return Draft("answered", (Part((Statement("A CMO earns a salary of $400,000.", CHUNK, 0, 33),)),), confidence=0.8)


class Judge:
    """Supports what is true of the two passages, and nothing that speaks of a million."""

    def support(self, claim: str, evidence: str, context: str = "") -> float:
        if claim in evidence:
            return 1.0
        return 0.9 if "million" not in claim and ("pay" in claim.lower()) == ("salary" in evidence) else 0.1


class Shelf:
    def search(self, query: str, k: int) -> Sequence[Passage]:
        return [Passage(CHUNK, 0.9), Passage(OTHER, 0.8)]


Ask = Callable[..., Turn]


def _advisor(model: Model, store: ForgetfulStore | None = None, seconds: float = 5, silence: float = 5) -> Advisor:
    prompts = load_prompts(shipped("prompts"))

    def answerer() -> ModelAnswerer:
        return ModelAnswerer(Quoting(), model, prompts, Calls(model, seconds, silence), 8, 100)  # type: ignore[arg-type]

    return Advisor(lambda: Shelf(), answerer, Judge(), store or ForgetfulStore(), "I cannot say.")


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.calls.PAUSES", (0.01, 0.01))
    monkeypatch.setattr("advisor.calls.BEAT", 0.02)


def test_what_is_streamed_put_together_is_the_answer() -> None:
    model = Model(
        ["The pay is good [1]. It is $2 mil", "lion [1]. Staff are ", "led by a VPMA [2].\n\n- Pay", " by goals [1]\n- Staff [2]"]
    )
    steps = list(_advisor(model).stream("What is the pay?"))
    turn = steps[-1]
    assert isinstance(turn, Turn)
    bits = [s for s in steps if isinstance(s, str)]
    assert len(bits) == 4
    assert "".join(bits) == turn.answer.text
    assert turn.answer.text == "The pay is good. [1] Staff are led by a VPMA. [2]\n\n- Pay by goals [3]\n- Staff [4]"
    assert [(d.text, d.why) for d in turn.dropped] == [("It is $2 million.", "its passage does not support it")]
    assert (turn.model, turn.usage["calls"], turn.answer.note) == ("scripted:model", 1, "")
    assert set(turn.prompts) == {"answer", "message", "condense"}
    assert all(c.support == "supported" for c in turn.answer.citations)


def test_an_answer_of_which_nothing_holds_is_quoted_and_says_so() -> None:
    turn = _advisor(Model("CMOs earn $2 million [1]. Ask at https://x.example [1].")).ask("What is the pay?")
    assert (turn.answer.text, turn.answer.note) == (QUOTED, UNHELD)
    assert {d.why for d in turn.dropped} == {"its passage does not support it", "it holds a link or markup"}


def test_an_answer_of_which_little_holds_is_filled_up_with_quotes() -> None:
    turn = _advisor(Model("The pay is good [1]. It is $2 million [1].")).ask("What is the pay?")
    assert turn.answer.text == "The pay is good. [1]\n\nA CMO earns a salary of $400,000. [2]"
    assert turn.answer.note == THIN


def test_a_model_that_fails_is_replaced_by_quotes_that_say_why() -> None:
    turn = _advisor(Model(ConnectionRefusedError())).ask("What is the pay?")
    assert turn.answer.text == QUOTED
    assert turn.answer.note == ("The model could not be reached: the connection was refused, so this answer is quoted from the guidance.")
    assert turn.usage["calls"] == 3


def test_a_model_that_breaks_off_keeps_what_was_shown_and_quotes_the_rest() -> None:
    model = Model(["The pay is good [1]. Staff are led", ConnectionResetError()])
    turn = _advisor(model).ask("What is the pay?")
    assert turn.answer.text == "The pay is good. [1]\n\nA CMO earns a salary of $400,000. [2]"
    assert turn.answer.note == "The model lost the connection, so the rest of this answer is quoted from the guidance."
    assert turn.usage["calls"] == 1


def test_the_next_question_works_after_a_failure() -> None:
    advisor = _advisor(Model(ConnectionResetError(), ConnectionResetError(), ConnectionResetError(), "The pay is good [1]."))
    assert advisor.ask("What is the pay?", "c").answer.note
    assert advisor.ask("What is the pay?").answer.text == "The pay is good. [1]"


def test_a_prompt_that_is_too_long_is_sent_again_with_half_the_passages() -> None:
    class TooLong(Exception):
        status_code = 400

    model = Model(TooLong("maximum context length is 10 tokens"), "The pay is good [1].")
    turn = _advisor(model).ask("What is the pay?")
    assert turn.answer.text == "The pay is good. [1]"
    assert ["Passage 2" in message for _, message in model.seen] == [True, False]


def test_a_model_that_finds_no_answer_declines() -> None:
    turn = _advisor(Model("NOT IN THE GUIDANCE")).ask("What is the pay?")
    assert (turn.outcome, turn.answer.text, turn.answer.suggestions) == ("declined", "I cannot say.", ("Nearest?",))


def test_what_is_declined_without_a_model_is_declined_with_one() -> None:
    model = Model("The weather is fine [1].")
    assert _advisor(model).ask("How is the weather?").outcome == "declined"
    assert not model.seen


def test_a_follow_up_is_searched_for_in_the_words_of_the_model() -> None:
    model = Model("The pay is good [1].", '"What is the pay of a CMO?"', "The pay is good [1].")
    advisor = _advisor(model)
    advisor.ask("What is the pay?", "c")
    turn = advisor.ask("And of a CMO?", "c")
    assert turn.query == "What is the pay of a CMO?"
    assert turn.usage["calls"] == 2
    assert "Asked: What is the pay?\nAnswered: The pay is good." in model.seen[1][1]


@pytest.mark.parametrize("written", ["See https://x.example", "word " * 200, "…?!"])
def test_a_query_that_is_none_is_replaced_by_ours(written: str) -> None:
    advisor = _advisor(Model("The pay is good [1].", written, "The pay is good [1]."))
    advisor.ask("What is the pay?", "c")
    assert advisor.ask("And of a CMO?", "c").query == "And of a CMO? (ours)"


def test_small_talk_in_a_conversation_needs_no_model() -> None:
    model = Model("The pay is good [1].")
    advisor = _advisor(model)
    advisor.ask("What is the pay?", "c")
    assert next(s for s in advisor.stream("Hello", "c") if isinstance(s, Progress)).stage == "retrieve"


def test_a_turn_that_is_stopped_is_kept_as_stopped_and_ends_the_call() -> None:
    kept: list[Turn] = []

    class Keeping(ForgetfulStore):
        def keep(self, turn: Turn, owner: str = "") -> None:
            kept.append(turn)
            super().keep(turn)

    model = Model(["The pay is good [1]. Staff", "…"])
    stream = _advisor(model, Keeping()).stream("What is the pay?")
    assert next(s for s in stream if isinstance(s, str)) == "The pay is good. [1]"
    stream.close()
    [turn] = kept
    assert (turn.stopped, turn.answer.text, turn.answer.note, turn.outcome) == (True, "The pay is good. [1]", STOPPED, "answered")
    for _ in range(100):
        if model.cancelled:
            break
        asyncio.run(asyncio.sleep(0.02))
    assert model.cancelled


def test_a_turn_that_is_stopped_before_its_first_sentence_says_so() -> None:
    kept: list[Turn] = []

    class Keeping(ForgetfulStore):
        def keep(self, turn: Turn, owner: str = "") -> None:
            kept.append(turn)

    stream = _advisor(Model(["…"]), Keeping()).stream("What is the pay?")
    assert any(isinstance(s, Progress) and s.message == "Waiting for the model" for s in stream)
    stream.close()
    assert [(t.stopped, t.outcome, t.answer.text) for t in kept] == [(True, "failed", STOPPED)]


def test_the_model_is_told_nothing_of_name_or_gender() -> None:
    model = Model("The pay is good [1].")
    _advisor(model).ask("My name is Maria Lopez and I am a woman and a cardiologist. What is the pay?")
    assert "Maria" not in model.seen[0][1]
    assert "cardiologist" in model.seen[0][1]


def test_passages_stand_between_fences_that_nobody_can_know() -> None:
    model = Model("The pay is good [1].")
    advisor = _advisor(model)
    advisor.ask("What is the pay?")
    advisor.ask("What is the pay?")
    fences = {message.split("</", 1)[1].split(">", 1)[0] for _, message in model.seen}
    assert len(fences) == 2
    assert all(dataclasses.is_dataclass(p) for p in Shelf().search("", 1))
