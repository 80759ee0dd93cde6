"""The HTTP interface: questions, conversations, feedback and guidance, each for the owner who asks."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from itertools import islice
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import JSONResponse, PlainTextResponse, Response

from advisor.apps.desk import Desk, EventStream, turn_of, unless_gone
from advisor.apps.faults import AGAIN, Fault, noted, said
from advisor.apps.owners import Owners
from advisor.apps.routes import Route
from advisor.apps.warm import Warm
from advisor.chats import ChatStore, Conversation
from advisor.errors import UnknownConversation
from advisor.library import Library, Listed
from advisor.pipeline import Advisor
from advisor.render import as_json
from advisor.transcript import FORMS, as_entry, listed
from advisor.types import Bit, Passage, Progress, Turn

LONGEST_REASON = 2000
DEEPEST = 1000  # passages among which those of some guides are looked for
NAME = r"^[A-Za-z0-9_-]{1,64}$"
_TYPES = {"md": "text/markdown", "html": "text/html", "json": "application/json"}
Ident = Annotated[str, Path(pattern=NAME)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Question(_Body):
    question: str = Field(description="what to answer")
    conversation: str | None = Field(None, pattern=NAME, description="goes on with a conversation of yours; a new one if left out")
    stream: bool = Field(False, description="send server-sent events: progress, sentence, and at the end turn, or error")


class Title(_Body):
    title: str


class Feedback(_Body):
    thumb: int = Field(ge=-1, le=1, description="1, -1, or 0 to take it back")
    reason: str = Field("", max_length=LONGEST_REASON)


class Api:
    """The endpoints; what they need of the advisor is there when it is open, and a 503 until then."""

    def __init__(self, warm: Warm, desk: Desk, owners: Owners) -> None:
        self.warm, self.desk, self.owners = warm, desk, owners

    def routes(self) -> list[Route]:
        """All routes of this interface."""
        return [
            Route("GET", "/healthz", self.healthz),
            Route("GET", "/readyz", self.readyz),
            Route("GET", "/metrics", self.metrics, gives=("text/plain",)),
            Route("POST", "/api/ask", self.ask, owned=True, asks=True, gives=("application/json", "text/event-stream")),
            Route("GET", "/api/conversations", self.conversations, owned=True),
            Route("DELETE", "/api/conversations", self.delete_all, owned=True),
            Route("GET", "/api/conversations/{ident}", self.conversation, owned=True),
            Route("PATCH", "/api/conversations/{ident}", self.rename, owned=True),
            Route("DELETE", "/api/conversations/{ident}", self.delete, owned=True),
            Route("GET", "/api/conversations/{ident}/export", self.export, owned=True, gives=tuple(_TYPES.values())),
            Route("POST", "/api/turns/{ident}/feedback", self.feedback, owned=True),
            Route("GET", "/api/search", self.search),
            Route("GET", "/api/guides", self.guides),
            Route("GET", "/api/guides/{ident:path}", self.guide),
        ]

    # ---- how it is

    async def healthz(self) -> dict[str, bool]:
        """Says that the server runs."""
        return {"ok": True}

    async def readyz(self) -> JSONResponse:
        """Says whether questions can be answered yet, and why not."""
        if self.warm.ready:
            return JSONResponse({"ok": True})
        # A fault names folders of this machine, which is nobody else's business.
        fault = self.warm.error if self.warm.settings.access == "local" else None
        return JSONResponse({"ok": False, "why": str(fault or self.warm.line)}, status_code=503)

    async def metrics(self) -> PlainTextResponse:
        """Counts of requests, questions and model calls for Prometheus."""
        return PlainTextResponse(self.warm.metrics.text(), media_type="text/plain; version=0.0.4")

    # ---- questions

    async def ask(self, request: Request, body: Question) -> Response:
        """Answers one question: the JSON of a turn, or server-sent events."""
        self.advisor()
        owner, cookie = self.owners.welcome(request)  # whom the gate has looked up
        steps = self.desk.answer(lambda: self.warm.stream(body.question, body.conversation, owner), whole=not body.stream)
        if not body.stream:
            turn = await unless_gone(request, turn_of(steps))
            return JSONResponse(as_json(turn), headers=cookie)
        first = await unless_gone(request, anext(steps))  # type: ignore[arg-type]
        return EventStream(_events(request, first, steps), **cookie)

    def advisor(self) -> Advisor:
        """The open advisor; raises `Fault` (503) until there is one, and has it opened."""
        if not self.warm.ready:
            error, line = self.warm.error, self.warm.line
            self.warm.start()  # what failed before may have been mended
            if error is not None:
                raise error.with_traceback(None)
            raise Fault(503, "advisor", f"It is not ready yet: {line}.", "Ask again when /readyz says so.", retry_after=AGAIN)
        return self.warm.advisor()

    # ---- conversations

    def conversations(
        self,
        request: Request,
        search: Annotated[str, Query(max_length=200)] = "",
        limit: Annotated[int, Query(ge=1, le=200)] = 50,
        before: Annotated[str, Query(max_length=200, description="`next` of the page before")] = "",
    ) -> dict[str, Any]:
        """Your conversations, the latest first; `search` looks into titles, questions and answers."""
        chats, owner, after = self._chats(), self.owners.of(request), _cursor(before)
        if owner is None:
            return {"conversations": [], "next": None}
        found = chats.conversations(owner, search.replace("\0", ""), limit + 1, after)
        more = f"{found[limit - 1].updated!r}~{found[limit - 1].id}" if len(found) > limit else None
        return {"conversations": [listed(c) for c in found[:limit]], "next": more}

    def conversation(self, request: Request, ident: Ident) -> dict[str, Any]:
        """A conversation with its turns."""
        chats, owner, found = self.found(request, ident)
        return {**listed(found), "turns": [as_entry(entry) for entry in chats.turns(found.id, owner)]}

    def rename(self, request: Request, ident: Ident, body: Title) -> dict[str, Any]:
        """Gives a conversation another title."""
        chats, owner, _ = self.found(request, ident)
        chats.rename(ident, body.title, owner)
        return listed(chats.find(ident, owner))

    def delete(self, request: Request, ident: Ident) -> dict[str, int]:
        """Deletes a conversation for good."""
        chats, owner, _ = self.found(request, ident)
        chats.delete(ident, owner)
        return {"deleted": 1}

    def delete_all(self, request: Request) -> dict[str, int]:
        """Deletes all your conversations for good."""
        chats, owner = self._chats(), self.owners.of(request)
        return {"deleted": chats.delete_all(owner) if owner else 0}

    def export(self, request: Request, ident: Ident, form: Literal["md", "html", "json"] = "md") -> Response:
        """A conversation to take along, with numbered sources: Markdown, one HTML page, or JSON."""
        chats, owner, found = self.found(request, ident)
        made = FORMS[form](found, chats.turns(ident, owner))
        name = {"content-disposition": f"attachment; filename*=UTF-8''{quote(f'conversation-{ident[:12]}.{form}')}"}
        return Response(made.encode("utf-8", "replace"), media_type=_TYPES[form], headers=name)

    def feedback(self, request: Request, ident: Ident, body: Feedback) -> dict[str, Any]:
        """Notes what you think of an answer of yours."""
        chats, owner = self._chats(), self.owners.of(request)
        if owner is None:
            raise UnknownConversation(ident)
        chats.feedback(ident, body.thumb, body.reason, owner)
        return {"turn": ident, "thumb": body.thumb, "reason": body.reason if body.thumb else ""}

    def _chats(self) -> ChatStore:
        store = self.advisor().store
        if isinstance(store, ChatStore):
            return store
        raise Fault(503, "conversations", "The data folder cannot be written, so none are kept.", "Set ADVISOR_HOME to one that can be.")

    def found(self, request: Request, ident: str) -> tuple[ChatStore, str, Conversation]:
        """A conversation with its store and owner; raises `UnknownConversation` for one that is not the asker's."""
        chats, owner = self._chats(), self.owners.of(request)
        found = chats.find(ident, owner) if owner is not None else None
        if owner is None or found is None or found.id != ident:
            raise UnknownConversation(ident)
        return chats, owner, found

    # ---- guidance

    def search(
        self,
        request: Request,
        q: Annotated[str, Query(description="what to look for")],
        limit: Annotated[int, Query(ge=1, le=50)] = 10,
        stage: Annotated[str, Query(max_length=64, description="only in guides for this stage")] = "",
        setting: Annotated[str, Query(max_length=64, description="only in guides for this setting")] = "",
    ) -> dict[str, Any]:
        """The passages of the guidance that fit best, with their scores."""
        self.owners.of(request)
        advisor = self.advisor()
        query = advisor.taken(q)
        if not stage and not setting:
            return {"query": query, "passages": [passage(p) for p in advisor.retriever().search(query, limit)]}
        listed = [_listed(guide) for guide in self.library().listed()]
        fit = {g["id"] for g in listed if (not stage or stage in g["stage"]) and (not setting or setting in g["settings"])}
        found = (p for p in advisor.retriever().search(query, DEEPEST) if p.chunk.document.id in fit)
        return {"query": query, "passages": [passage(p) for p in islice(found, limit)]}

    def guides(self, request: Request) -> dict[str, Any]:
        """What is indexed."""
        self.owners.of(request)
        self.advisor()
        held = self.library().listed()
        return {"guides": [_listed(guide) for guide in held]}

    def guide(self, request: Request, ident: str) -> dict[str, Any]:
        """A guide's text, into which the places of citations point."""
        self.owners.of(request)
        self.advisor()
        found = self.library().document(ident)
        if found is None:
            raise Fault(404, "guide", "There is no such guide.", "List them with: GET /api/guides")
        as_of = str(found.metadata.get("as_of") or "") or None
        return {"id": found.id, "title": found.title, "url": found.url, "as_of": as_of, "text": found.text}

    def library(self) -> Library:
        """What is indexed; raises `Fault` (503) where there is nothing to read."""
        library = getattr(self.advisor().retriever(), "library", None)
        if not isinstance(library, Library):
            raise Fault(503, "guides", "This advisor has no library of guides.", "Ask it questions instead.")
        return library


def _listed(guide: Listed) -> dict[str, Any]:
    about = guide.metadata
    named = {key: about[key] if isinstance(about.get(key), list) else [] for key in ("stage", "settings")}
    return {
        "id": guide.id,
        "title": guide.title,
        "url": guide.url,
        "words": guide.words,
        "summary": str(about.get("summary") or ""),
        **named,
    }


def passage(found: Passage) -> dict[str, Any]:
    """The JSON of a passage that a search found."""
    chunk = found.chunk
    return {
        "document": {"id": chunk.document.id, "title": chunk.document.title, "url": chunk.document.url},
        "heading": chunk.heading,
        "score": round(found.score, 4),
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "page": chunk.page,
        "sources": [{"title": s.title, "publisher": s.publisher, "url": s.url, "date": s.date} for s in chunk.sources],
    }


def event(name: str, data: Any) -> str:
    """One server-sent event."""
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


Steps = AsyncGenerator[Progress | Bit | Turn, None]


async def _events(request: Request, first: Progress | Bit | Turn, steps: Steps) -> AsyncGenerator[str, None]:
    before: Any = None
    async with aclosing(steps):
        try:
            yield _shown(first, before)
            before = first
            async for step in steps:
                yield _shown(step, before)
                before = step
        except Exception as error:  # the reply has begun: a status can no longer say it
            yield event("error", said(noted(error, "POST", request.url.path))["error"])


def _shown(step: Progress | Bit | Turn, before: Any) -> str:
    if isinstance(step, Turn):
        return event("turn", as_json(step))
    if isinstance(step, Progress):
        # A sign of life says nothing new, but it shows that somebody still reads.
        return ": \n\n" if step == before else event("progress", {"stage": step.stage, "message": step.message})
    return event("sentence", {"text": step})


def _cursor(before: str) -> tuple[float, str] | None:
    if not before:
        return None
    updated, _, ident = before.partition("~")
    try:
        return float(updated), ident
    except ValueError:
        raise Fault(422, "request", "before: this is no cursor.", "Send `next` of the page before.") from None
