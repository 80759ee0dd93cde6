"""What speaks OpenAI's chat protocol: the client holds the conversation, and nothing of it is kept here."""

from __future__ import annotations

import json
import re
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, Response

from advisor.apps.api import Api, Steps
from advisor.apps.desk import EventStream, turn_of, unless_gone
from advisor.apps.faults import Fault, noted, said
from advisor.apps.routes import Route
from advisor.forgetful import GivenStore
from advisor.types import MINE, Answer, Bit, Citation, Exchange, Progress, Turn

MODEL = "cmo-advisor"
SOURCES = "\n\nSources\n"
_MARK = re.compile(r"\[(\d+)\]")


class _Loose(BaseModel):
    """Fields that we have no use for, such as a temperature, are passed over: the answer does not depend on them."""

    model_config = ConfigDict(extra="ignore", strict=True)


class Part(_Loose):
    type: str
    text: str = ""


class Message(_Loose):
    role: str
    content: str | list[Part] | None = None


class StreamOptions(_Loose):
    include_usage: bool = False


class Chat(_Loose):
    messages: list[Message] = Field(min_length=1, max_length=200, description="the last of a user is the question")
    model: str = MODEL
    stream: bool = False
    n: int | None = Field(None, ge=1, le=1)
    stream_options: StreamOptions | None = None


class Completions:
    """The endpoints under /v1."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def routes(self) -> list[Route]:
        """All routes of this interface."""
        return [
            Route("POST", "/v1/chat/completions", self.complete, asks=True, gives=("application/json", "text/event-stream")),
            Route("GET", "/v1/models", self.models),
        ]

    def models(self, request: Request) -> dict[str, Any]:
        """The one model there is."""
        self.api.owners.of(request)
        return {"object": "list", "data": [{"id": MODEL, "object": "model", "created": 0, "owned_by": "cmo-advisor"}]}

    async def complete(self, request: Request, body: Chat) -> Response:
        """Answers the last message of the user; citations come as annotations and as a numbered list at the end."""
        owner = self.api.owners.of(request) or ""  # whom the gate has looked up
        if body.model != MODEL:
            raise Fault(404, "model", "There is no model of this name.", f"Ask for {MODEL}, as GET /v1/models lists it.")
        advisor = self.api.advisor()
        question, before = told(body.messages)
        advisor.taken(question)

        def steps() -> Any:
            answerer = advisor.answerer()
            resolved = getattr(getattr(answerer, "quoting", answerer), "resolved", None)
            return self.api.warm.stream(question, owner=owner, store=GivenStore(history(before, resolved)))

        answering = self.api.desk.answer(steps, whole=not body.stream)
        about = {"id": f"chatcmpl-{time.time_ns():x}", "created": int(time.time()), "model": MODEL}
        served = f"http://{request.headers['host']}/"
        if body.stream:
            first = await unless_gone(request, anext(answering))  # type: ignore[arg-type]
            usage = body.stream_options is not None and body.stream_options.include_usage
            return EventStream(_chunks(request, first, answering, about, served, usage))
        turn = await unless_gone(request, turn_of(answering))
        message = {"role": "assistant", "content": written(turn.answer), "refusal": None, "annotations": cited(turn.answer, served)}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return JSONResponse({**about, "object": "chat.completion", "choices": [choice], "usage": _usage(turn)})


def told(messages: Sequence[Message]) -> tuple[str, list[tuple[str, str]]]:
    """The question, and what was asked and answered before it; raises `Fault` where there is no question of words."""
    said_so_far: list[tuple[str, str]] = []
    question = ""
    for message in messages:
        words = _words(message)
        if message.role == "user":
            question = words
            said_so_far.append((words, ""))
        elif message.role == "assistant" and said_so_far:
            asked, answered = said_so_far[-1]
            said_so_far[-1] = (asked, f"{answered}\n\n{words}".strip())
    if not question:
        raise Fault(422, "messages", "There is no message of a user to answer.", 'Send one with "role": "user".')
    return question, said_so_far[:-1]


def history(before: Sequence[tuple[str, str]], resolved: Callable[[str, Sequence[Exchange]], str] | None) -> list[Exchange]:
    """What was said before as the advisor remembers it: each question made whole by those before it."""
    exchanges: list[Exchange] = []
    for question, answer in before[-12:]:
        text = answer.partition(SOURCES)[0]
        query = resolved(question, exchanges) if resolved else question
        # What was answered from the guidance has marks; a decline has none, and nothing leans on it.
        exchanges.append(Exchange(question, query, text, "answered" if _MARK.search(text) else "declined"))
    return exchanges


def written(answer: Answer) -> str:
    """An answer as one text, its sources numbered at the end."""
    return answer.text + _tail(answer)


def place_of(ident: str) -> str:
    """Where on the page a document can be read."""
    return "#/documents" if ident.startswith(MINE) else f"#/guidance/{quote(ident)}"


def cited(answer: Answer, served: str) -> list[dict[str, Any]]:
    """A citation of each mark in the text: where it stands, the guide, and the words that it quotes."""
    numbered = {c.number: c for c in answer.citations}
    found = []
    for mark in _MARK.finditer(answer.text):
        citation = numbered.get(int(mark[1]))
        if citation is not None:
            document = citation.chunk.document
            url = document.url if document.url.startswith(("http://", "https://")) else served + place_of(document.id)
            about = {"start_index": mark.start(), "end_index": mark.end(), "url": url, "title": _place(citation)}
            found.append({"type": "url_citation", "url_citation": {**about, "number": citation.number, "quote": citation.quote}})
    return found


def _words(message: Message) -> str:
    if isinstance(message.content, list):
        if any(part.type != "text" for part in message.content):
            raise Fault(422, "messages", "A message holds something other than text.", 'Send parts of "type": "text" only.')
        return "\n".join(part.text for part in message.content)
    return message.content or ""


def _tail(answer: Answer) -> str:
    tail = f"\n\n({answer.note})" if answer.note else ""
    if answer.suggestions and answer.outcome != "answered":
        tail += "\n\nYou could ask:\n" + "\n".join(f"- {s}" for s in answer.suggestions)
    if answer.citations:
        tail += SOURCES + "\n".join(f'{c.number}. {_place(c)}: "{" ".join(c.quote.split())}"' for c in answer.citations)
    return tail


def _place(citation: Citation) -> str:
    title, heading = citation.chunk.document.title, citation.chunk.heading
    return f"{title} › {heading}" if heading and heading != title else title


def _usage(turn: Turn) -> dict[str, int]:
    read, wrote = turn.usage.get("input_tokens", 0), turn.usage.get("output_tokens", 0)
    return {"prompt_tokens": read, "completion_tokens": wrote, "total_tokens": read + wrote}


async def _chunks(
    request: Request, first: Progress | Bit | Turn, steps: Steps, about: dict[str, Any], served: str, usage: bool
) -> AsyncGenerator[str, None]:
    sent = ""

    def chunk(delta: dict[str, Any], finish: str | None = None) -> str:
        return _data({**about, "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    def shown(step: Progress | Bit | Turn) -> str:
        nonlocal sent
        if isinstance(step, Progress):
            return ": \n\n"
        if isinstance(step, str):
            sent += step
            return chunk({"content": step})
        rest = written(step.answer).removeprefix(sent)
        out = chunk({"content": rest}) if rest else ""
        out += chunk({"annotations": cited(step.answer, served)}) + chunk({}, "stop")
        return out + (_data({**about, "object": "chat.completion.chunk", "choices": [], "usage": _usage(step)}) if usage else "")

    async with aclosing(steps):
        try:
            yield chunk({"role": "assistant", "content": ""})
            yield shown(first)
            async for step in steps:
                yield shown(step)
            yield "data: [DONE]\n\n"
        except Exception as error:  # the reply has begun: a status can no longer say it
            yield _data(said(noted(error, "POST", request.url.path), request.url.path))


def _data(value: Any) -> str:
    return f"data: {json.dumps(value, ensure_ascii=False)}\n\n"
