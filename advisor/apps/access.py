"""Who may come in: nobody but this machine, whoever signs in, whom a proxy names, or anyone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from advisor.apps.faults import Fault, fault_of, noted, said
from advisor.apps.owners import Owners
from advisor.apps.rates import Rates
from advisor.apps.routes import Route, route_of
from advisor.apps.sessions import SESSION
from advisor.config import Settings
from advisor.errors import SettingsError

# What says nothing of anybody and takes no question: a sign of life, the way in, and the looks of it.
FREE = re.compile(r"/healthz|/readyz|/login|/logout|/page/[\w.-]+|/favicon\.ico")
LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1"}
HOST = re.compile(r"(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\])(?::\d{1,5})?")


def check(settings: Settings, host: str) -> None:
    """Raises `SettingsError` where the settings let in others than they say, or nobody."""
    if settings.access == "local":
        if host not in LOOPBACK:
            raise SettingsError(
                f"The page cannot be served on {host}: no sign-in is set up, so it listens on this machine only. "
                "Use --host 127.0.0.1, localhost or ::1, or set ADVISOR_ACCESS to sign-in, proxy, or in words open-to-anyone."
            )
        return
    names = hosts(settings)
    for name in names:
        if not HOST.fullmatch(name):
            raise SettingsError(f"ADVISOR_HOSTS holds {name!r}, which is no name of a host. Write such as: advisor.example.org,10.0.0.5")
    if not names and host not in LOOPBACK:
        raise SettingsError("ADVISOR_HOSTS is empty. Set it to the names that people reach the advisor by, such as advisor.example.org")
    if settings.access == "proxy" and not settings.proxy_secret.get_secret_value():
        raise SettingsError("ADVISOR_PROXY_SECRET is not set. Have the proxy send it as X-Proxy-Secret, and set it here, too.")


def hosts(settings: Settings) -> list[str]:
    """The names that the advisor is served by beside those of this machine."""
    return [name for name in (part.strip().lower() for part in settings.hosts.split(",")) if name]


class Gate:
    """Lets in who may come, and as often as they may; finds out who asks once for all that follows."""

    def __init__(self, app: Any, owners: Owners, rates: Rates, routes: Sequence[Route]) -> None:
        self.app, self.owners, self.rates, self.routes = app, owners, rates, routes
        self.settings = owners.settings

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            request = Request(scope)
            try:
                await self._let_in(request)
            except Exception as error:
                await self._turned_away(request, error)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    async def _let_in(self, request: Request) -> None:
        path, method, access = request.scope["path"], request.method, self.settings.access
        asks = any(route.asks and route.method == method and route.pattern.fullmatch(path) for route in self.routes)
        public = access in ("local", "open-to-anyone") and not (path == "/metrics" and access == "open-to-anyone")
        if FREE.fullmatch(path) or (public and not asks):
            return
        owner = await self._owner(request)
        if not public and (owner is None or owner.startswith("visitor:")):
            raise Fault(401, "sign-in", *self._remedy(path), www_authenticate="Bearer")
        if asks:
            self.rates.question(owner, self.owners.address(request))

    async def _owner(self, request: Request) -> str | None:
        # Keys and sessions are looked up in the database, which must not hold up the others.
        if "authorization" in request.headers or SESSION in request.cookies:
            return await asyncio.to_thread(self.owners.of, request)
        return self.owners.of(request)

    def _remedy(self, path: str) -> tuple[str, str]:
        if path == "/metrics" and self.settings.access == "open-to-anyone":
            return "The counts are not open to anyone.", "Send a key as `Authorization: Bearer KEY`."
        if self.settings.access == "proxy":
            return "Nobody has signed in at the proxy.", "Come by the proxy, or send a key as `Authorization: Bearer KEY`."
        return "Nobody has signed in.", "Sign in at /login, or send a key as `Authorization: Bearer KEY`."

    def _turned_away(self, request: Request, error: Exception) -> Response:
        path = request.scope["path"]
        if fault_of(error).status == 401 and request.method == "GET" and path == "/" and self.settings.access == "sign-in":
            return RedirectResponse("/login", 303)
        fault = noted(error, request.method, route_of(self.routes, path))
        if path.startswith(("/api/", "/v1/")):
            return JSONResponse(said(fault, path), fault.status, fault.headers)
        return PlainTextResponse(f"{fault} ({fault.id})\n", fault.status, fault.headers)
