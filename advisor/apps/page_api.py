"""What the page asks of the server beside the HTTP interface: answers, conversations and guides as HTML of our own making."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from advisor.apps.api import NAME, Api, Ident
from advisor.apps.desk import EventStream
from advisor.apps.faults import Fault, noted
from advisor.apps.guide import guide_json
from advisor.apps.metrics import Steps
from advisor.apps.reply import Event, Reply, kept_all
from advisor.apps.routes import Route
from advisor.personal import Personal
from advisor.transcript import listed
from advisor.types import Bit, Progress, Turn


class Asked(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    question: str = Field(description="what to answer")
    conversation: str = Field(pattern=NAME, description="a conversation of yours, or a name for a new one")


class PageApi:
    """The endpoints of the page."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def routes(self) -> list[Route]:
        """All routes of this interface."""
        return [
            Route("GET", "/api/status", self.status),
            Route("POST", "/api/page/ask", self.ask, owned=True, asks=True, gives=("text/event-stream",)),
            Route("GET", "/api/page/conversations/{ident}", self.conversation, owned=True),
            Route("GET", "/api/page/guides/{ident:path}", self.guide),
        ]

    def status(self, request: Request) -> dict[str, Any]:
        """Says what is indexed, who answers, and which version this is."""
        self.api.owners.of(request)
        warm, settings = self.api.warm, self.api.warm.settings
        told: dict[str, Any] = {
            "version": version("cmo-advisor"),
            "ready": warm.ready,
            "answerer": "model" if settings.model else "quotes",
            "model": settings.model or None,
            "embedding_model": settings.embedding_model,
            "access": settings.access,
            "documents": False,
            "guides": 0,
            "passages": 0,
            "indexed": None,
        }
        if warm.ready:
            library = self.api.library()
            held, when = library.listed(), library.meta().get("indexed")
            told["documents"] = settings.uploads and isinstance(warm.advisor().own, Personal)
            told |= {"guides": len(held), "passages": sum(guide.chunks for guide in held)}
            told["indexed"] = datetime.fromtimestamp(float(when), UTC).isoformat() if when else None
        return told

    async def ask(self, request: Request, body: Asked) -> Response:
        """Answers one question for the page: server-sent events, each the whole state of the turn."""
        owner, cookie = self.api.owners.welcome(request)  # whom the gate has looked up
        return EventStream(self._drawn(body, owner), **cookie)

    async def _drawn(self, body: Asked, owner: str) -> AsyncGenerator[str, None]:
        reply, before = Reply(body.question), None
        yield _line(reply.waiting("Searching"))
        try:
            async with aclosing(self.api.desk.answer(lambda: self._steps(body, owner))) as steps:
                async for step in steps:
                    # A sign of life says nothing new, but it shows that somebody still reads.
                    yield ": \n\n" if isinstance(step, Progress) and step == before else _line(reply.event(step))
                    before = step
        except Exception as error:
            noted(error, "POST", "/api/page/ask")
            yield _line(reply.failed(error))

    def _steps(self, body: Asked, owner: str) -> Steps:
        yield from _waited(self.api.warm.wait())
        yield from self.api.warm.stream(body.question, body.conversation, owner)

    def conversation(self, request: Request, ident: Ident) -> dict[str, Any]:
        """A conversation as the page draws it."""
        chats, owner, found = self.api.found(request, ident)
        return {**listed(found), "turns": kept_all(chats.turns(found.id, owner))}

    def guide(self, request: Request, ident: str) -> dict[str, Any]:
        """A guide as the page draws it: its sections, what each answers and what it rests on."""
        self.api.owners.of(request)
        library = self.api.library()
        found = library.document(ident)
        if found is None:
            raise Fault(404, "guide", "There is no such guide.", "List them with: GET /api/guides")
        return guide_json(found, library.chunks_of(ident))


def _waited(said: Iterator[str]) -> Iterator[Progress | Bit | Turn]:
    return (Progress("condense", line) for line in said)


def _line(event: Event) -> str:
    return f"data: {json.dumps(event, ensure_ascii=False)}\n\n"
