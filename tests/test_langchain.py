"""The advisor inside LangChain."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.output_parsers import StrOutputParser
from langchain_core.runnables import RunnableLambda

from advisor.assemble import open_advisor
from advisor.chats import ChatStore
from advisor.config import Settings
from advisor.errors import QuestionError
from advisor.langchain import AdvisorRunnable, GuidanceRetriever
from advisor.pipeline import Advisor
from tests.api_world import MBA, opened


@pytest.fixture(scope="module")
def asked(hashed_home: Path) -> Advisor:
    return open_advisor(Settings(home=hashed_home, embedding_model="hashed"), remember=False)


def test_passages_are_documents_with_their_place(asked: Advisor) -> None:
    found = GuidanceRetriever(advisor=asked, k=3).invoke(MBA)
    assert len(found) == 3
    texts = {p.chunk.document.id: p.chunk.document.text for p in asked.retriever().search(MBA, 3)}
    for document in found:
        about = document.metadata
        assert texts[about["document"]][about["start"] : about["end"]] == document.page_content
    assert found[0].metadata["score"] >= found[2].metadata["score"]


def test_an_answer_is_a_message_with_its_turn(asked: Advisor) -> None:
    message = AdvisorRunnable(asked).invoke(MBA)
    turn = message.response_metadata["turn"]
    assert message.content == turn["text"]
    assert turn["citations"]


@pytest.mark.parametrize("question", [MBA, "What is the best pizza in Rome?", "Hello"])
def test_the_bits_of_a_stream_are_the_answer(asked: Advisor, question: str) -> None:
    runnable = AdvisorRunnable(asked)
    bits = list(runnable.stream(question))
    whole = bits[0]
    for bit in bits[1:]:
        whole += bit
    assert whole.content == runnable.invoke(question).content
    assert bits[-1].response_metadata["turn"]["text"] == whole.content
    assert len(bits) > 1 or question != MBA


def test_it_is_put_together_with_other_parts(asked: Advisor) -> None:
    chain = RunnableLambda(lambda topic: f"Do I need {topic} to become a CMO?") | AdvisorRunnable(asked) | StrOutputParser()
    assert "[1]" in chain.invoke("an MBA")


def test_a_conversation_is_gone_on_with(asked: Advisor) -> None:
    runnable = AdvisorRunnable(asked)
    runnable.invoke({"question": MBA, "conversation": "mine"})
    turn = runnable.invoke({"question": "And why?", "conversation": "mine"}).response_metadata["turn"]
    assert turn["query"] != "And why?"


def test_no_question_is_the_advisors_own_error(asked: Advisor) -> None:
    with pytest.raises(QuestionError):
        AdvisorRunnable(asked).invoke("?!")
    with pytest.raises(QuestionError):
        GuidanceRetriever(advisor=asked).invoke("?!")


def test_who_stops_reading_stops_the_turn(hashed_home: Path, tmp_path: Path) -> None:
    advisor = opened(hashed_home, tmp_path / "home").advisor()
    steps = AdvisorRunnable(advisor).stream({"question": MBA, "conversation": "mine"})
    assert next(steps).content
    steps.close()  # type: ignore[attr-defined]
    assert isinstance(advisor.store, ChatStore)
    assert [entry.status for entry in advisor.store.turns("mine")] == ["stopped"]
