"""The documents that people bring: sent, listed, read and deleted, each by its owner."""

from __future__ import annotations

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from fastapi import Query, Request
from starlette.requests import ClientDisconnect
from starlette.responses import JSONResponse

from advisor.apps.api import Api
from advisor.apps.desk import HungUp
from advisor.apps.faults import AGAIN, Fault
from advisor.apps.rates import Rates
from advisor.apps.routes import Route
from advisor.apps.shield import TOO_LARGE
from advisor.corpus import MARKUP, PARSED, PLAIN
from advisor.errors import CorpusError, UnknownDocument
from advisor.personal import Personal
from advisor.uploads import Upload, cut_up, text_of

LARGEST = 10_000_000  # bytes of one document
SLOWEST = 60.0  # seconds that one may take to come
AT_ONCE = 2  # that are read and embedded at the same time
COMING = 16  # that may be on their way or wait
OCTETS = "application/octet-stream"
_BODY = {"requestBody": {"required": True, "content": {OCTETS: {"schema": {"type": "string", "format": "binary"}}}}}

_NAMED: dict[str, Any] = {"pattern": r"\.(pdf|docx|md|markdown|txt|text|html|htm)$", "description": "the file's name, which says its kind"}


class MyDocuments:
    """The endpoints under /api/documents."""

    def __init__(self, api: Api, rates: Rates) -> None:
        self.api, self.rates = api, rates
        self.settings = api.warm.settings
        self._reading = asyncio.Semaphore(AT_ONCE)
        self._coming = 0

    def routes(self) -> list[Route]:
        """All routes of this interface."""
        return [
            Route("GET", "/api/documents", self.listed, owned=True),
            Route("POST", "/api/documents", self.add, owned=True, kind=OCTETS, largest=LARGEST, streamed=True, status=201, described=_BODY),
            Route("GET", "/api/documents/{ident}", self.document, owned=True),
            Route("DELETE", "/api/documents/{ident}", self.delete, owned=True),
        ]

    def listed(self, request: Request) -> dict[str, Any]:
        """Your documents, the latest first."""
        personal, owner = self._personal(), self.api.owners.of(request)
        return {"documents": [entry(upload) for upload in personal.uploads.listed(owner)] if owner else []}

    async def add(
        self, request: Request, name: Annotated[str, Query(min_length=1, max_length=200, json_schema_extra=_NAMED)]
    ) -> JSONResponse:
        """Takes a PDF, DOCX, Markdown, text or HTML file, sent as it is; only your own answers draw on it."""
        personal = self._personal()
        name = named(name)
        if Path(name).suffix.lower() not in PARSED | MARKUP | PLAIN:
            raise Fault(415, "document", "Files of this kind are not read.", "Send PDF, DOCX, Markdown, text or HTML.")
        if self._coming >= COMING:
            raise Fault(503, "documents", "Others are sending as many documents as can be read.", "Send it again soon.", retry_after=AGAIN)
        self._coming += 1
        try:
            owner, cookie = await asyncio.to_thread(self.api.owners.welcome, request)
            self.rates.upload(owner, self.api.owners.address(request))
            with tempfile.TemporaryDirectory(prefix="advisor-") as folder:
                # Of the name that was sent only the suffix, one of ours, ever reaches the disk.
                path = Path(folder) / f"document{Path(name).suffix.lower()}"
                await _received(request, path)
                async with self._reading:
                    kept = await asyncio.to_thread(self._kept, personal, owner, path, name)
        finally:
            self._coming -= 1
        return JSONResponse(entry(kept), 201, cookie)

    def document(self, request: Request, ident: str) -> dict[str, Any]:
        """A document of yours with its text, into which the places of citations point."""
        personal, owner = self._personal(), self._owner(request)
        found, text = personal.uploads.find(owner, ident)
        return {**entry(found), "text": text}

    def delete(self, request: Request, ident: str) -> dict[str, int]:
        """Deletes a document of yours for good; what answers have quoted of it stays in their conversations."""
        personal, owner = self._personal(), self._owner(request)
        personal.uploads.delete(owner, ident)
        return {"deleted": 1}

    def _kept(self, personal: Personal, owner: str, path: Path, name: str) -> Upload:
        try:
            text = text_of(path, name, seconds=self.settings.parse_seconds, megabytes=self.settings.parse_megabytes)
            cut = cut_up(text, name, personal.encoder, paged=path.suffix == ".pdf")
            return personal.uploads.add(owner, name, cut)
        except CorpusError as error:
            why, _, remedy = str(error).partition(" | ")
            raise Fault(422, "document", f"{why[:1].upper()}{why[1:]}.", f"{remedy or 'Send another file'}.") from None

    def _personal(self) -> Personal:
        if not self.settings.uploads:
            raise Fault(403, "documents", "Documents of one's own are switched off here.", "Ask without one.")
        personal = self.api.advisor().own
        if isinstance(personal, Personal):
            return personal
        raise Fault(503, "documents", "The data folder cannot be written, so none are kept.", "Set ADVISOR_HOME to one that can be.")

    def _owner(self, request: Request) -> str:
        owner = self.api.owners.of(request)
        if owner is None:
            raise UnknownDocument("There is no such document of yours. List them with: GET /api/documents")
        return owner


def entry(upload: Upload) -> dict[str, Any]:
    """The JSON of a document as it is listed."""
    return {
        "id": upload.id,
        "name": upload.name,
        "title": upload.title,
        "words": upload.words,
        "pages": upload.pages,
        "added": datetime.fromtimestamp(upload.added, UTC).isoformat(timespec="seconds"),
    }


def named(name: str) -> str:
    """A file's name as it is shown: the last part of a path, without what cannot be printed."""
    last = name.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable()).strip()[-100:]


async def _received(request: Request, path: Path) -> None:
    size = 0
    try:
        async with asyncio.timeout(SLOWEST):
            with path.open("wb") as file:
                async for piece in request.stream():
                    size += len(piece)
                    if size > LARGEST:
                        raise Fault(413, "document", TOO_LARGE, f"Send at most {LARGEST // 1_000_000} MB.", connection="close")
                    file.write(piece)
    except TimeoutError:
        raise Fault(408, "document", "The document came too slowly.", "Send it again.", connection="close") from None
    except ClientDisconnect:
        raise HungUp from None
    if not size:
        raise Fault(422, "document", "The file is empty.", "Send one with text.")
