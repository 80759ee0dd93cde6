"""Lets a visitor be known from the page's first visit on, so that all its requests belong to one owner."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from starlette.requests import Request

from advisor.apps.faults import Fault
from advisor.apps.owners import Owners
from advisor.errors import AdvisorError


class Visited:
    """An application whose page sets the visitor's cookie where there is none."""

    def __init__(self, app: Any, owners: Owners) -> None:
        self.app, self.owners = app, owners

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] != "GET":
            await self.app(scope, receive, send)
            return
        request = Request(scope)
        # Behind a link on another site the browser keeps a strict cookie back: what looks new may be known, and must not be replaced.
        cookie = (
            {} if request.headers.get("sec-fetch-site") in ("cross-site", "same-site") else await asyncio.to_thread(self._cookie, request)
        )
        more = [(name.encode(), value.encode()) for name, value in cookie.items()]

        async def known(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *more]}
            await send(message)

        await self.app(scope, receive, known)

    def _cookie(self, request: Request) -> dict[str, str]:
        try:
            return self.owners.welcome(request)[1]
        except (Fault, AdvisorError):  # said where a question is asked
            return {}
