"""The advisor as parts of LangChain: a retriever of its passages, and a runnable that answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import Runnable, RunnableConfig

from advisor.pipeline import Advisor
from advisor.render import as_json
from advisor.types import Passage, Turn

Asked = str | dict[str, str]  # a question, or {"question": …, "conversation": …}


class GuidanceRetriever(BaseRetriever):
    """The passages of the guidance that fit a query best, as LangChain documents with their place and score."""

    advisor: Any
    k: int = 5

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        found = self.advisor.retriever().search(self.advisor.taken(query), self.k)
        return [_document(passage) for passage in found]


class AdvisorRunnable(Runnable[Asked, AIMessage]):
    """Answers a question as a message whose `response_metadata["turn"]` is the JSON of the turn, citations included.

    `stream` gives the text bit by bit as it passes the check; closing it stops the turn. Raises `QuestionError` for no question.
    """

    def __init__(self, advisor: Advisor) -> None:
        self.advisor = advisor

    def invoke(self, input: Asked, config: RunnableConfig | None = None, **kwargs: Any) -> AIMessage:
        return self._call_with_config(self._answer, input, config, **kwargs)

    def stream(self, input: Asked, config: RunnableConfig | None = None, **kwargs: Any) -> Iterator[AIMessageChunk]:
        yield from cast("Iterator[AIMessageChunk]", self._transform_stream_with_config(iter([input]), self._bits, config, **kwargs))

    def _answer(self, asked: Asked) -> AIMessage:
        question, conversation = _parts(asked)
        turn = self.advisor.ask(question, conversation)
        return AIMessage(content=turn.answer.text, id=turn.id, response_metadata={"turn": as_json(turn)})

    def _bits(self, inputs: Iterator[Asked]) -> Iterator[AIMessageChunk]:
        for asked in inputs:
            question, conversation = _parts(asked)
            sent = ""
            with closing(self.advisor.stream(question, conversation)) as steps:
                for step in steps:
                    if isinstance(step, Turn):
                        # What was not shown in bits, such as a decline, comes with the end.
                        rest = step.answer.text.removeprefix(sent)
                        yield AIMessageChunk(content=rest, response_metadata={"turn": as_json(step)})
                    elif isinstance(step, str):
                        sent += step
                        yield AIMessageChunk(content=step)


def _parts(asked: Asked) -> tuple[str, str | None]:
    return (asked, None) if isinstance(asked, str) else (asked["question"], asked.get("conversation"))


def _document(passage: Passage) -> Document:
    chunk = passage.chunk
    about = {
        "document": chunk.document.id,
        "title": chunk.document.title,
        "url": chunk.document.url,
        "heading": chunk.heading,
        "start": chunk.start,
        "end": chunk.end,
        "page": chunk.page,
        "score": passage.score,
    }
    return Document(page_content=chunk.text, metadata=about)
