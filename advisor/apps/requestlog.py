"""One line of JSON for each request: when, what kind, how it ended; no address, key or word of who asked."""

from __future__ import annotations

import json
import logging
import sys
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from advisor.apps.faults import REQUEST
from advisor.apps.metrics import GONE, METHODS
from advisor.apps.owners import NOTED
from advisor.config import Settings

log = logging.getLogger("advisor.requests")


def switch_on(settings: Settings) -> None:
    """Has the lines written to standard error, where the settings want them."""
    if settings.log_requests and not log.handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(message)s"))
        log.addHandler(handler)
        log.propagate = False
        log.setLevel(logging.INFO)


class Logged:
    """Gives every request to an application an id, which its errors carry, too, and writes its line when it has ended."""

    def __init__(self, app: Any, pattern: Callable[[str], str]) -> None:
        self.app, self.pattern = app, pattern

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        ident, begun, status = uuid.uuid4().hex[:12], time.perf_counter(), GONE
        REQUEST.set(ident)

        async def watched(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message = {**message, "headers": [*message.get("headers", []), (b"x-request-id", ident.encode())]}
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            if log.isEnabledFor(logging.INFO):
                owner = scope.get(NOTED) or ""
                line = {
                    "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                    "id": ident,
                    "method": scope["method"] if scope["method"] in METHODS else "other",
                    "route": self.pattern(scope["path"]),
                    "status": status,
                    "ms": round(1000 * (time.perf_counter() - begun), 1),
                    "asker": owner.partition(":")[0] or "nobody",
                }
                log.info("%s", json.dumps(line))


def question(words: str) -> None:
    """Writes what was asked, under the id of its request; only called where a setting wants it."""
    log.info("%s", json.dumps({"id": REQUEST.get(), "question": words}, ensure_ascii=False))
