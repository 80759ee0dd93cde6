"""What stands between the network and the application: which hosts and routes there are, and the security headers."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Protocol

from advisor.apps.faults import WHATS, Fault, body_of

log = logging.getLogger(__name__)

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST = 1_000_000  # bytes of a request's body
LARGEST_JSON = 65_536  # of one to the HTTP interface, which is read whole before it is parsed
SLOWEST = 20.0  # seconds that such a body may take
# All that the page needs of Gradio; uploads, files, proxies, API docs, monitoring and the rest do not exist here.
_READ = re.compile(
    r"/(?:config|theme\.css|favicon\.ico|manifest\.json|(?:page|assets|static)/[\w./-]+"
    r"|gradio_api/(?:queue/data|startup-events|heartbeat/\w+|theme\.css|app_id))?"
)
_WRITE = re.compile(r"/gradio_api/(?:queue/join|cancel|reset)/?")
NOTHING = "There is nothing here."
_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?", re.I)
_PREVIEWS = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')
_SCRIPTS = re.compile(rb"<script(?=[\s>])")

# Gradio compiles its templates with Function(), hence 'unsafe-eval'; inline scripts need this reply's own nonce.
_POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "frame-src 'none'; base-uri 'self'; object-src 'none'"
)
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


class Served(Protocol):
    """A method and the paths it is served at, and what its bodies may be; those that are `streamed` it reads itself."""

    @property
    def method(self) -> str: ...

    @property
    def pattern(self) -> re.Pattern[str]: ...

    @property
    def kind(self) -> str: ...

    @property
    def largest(self) -> int: ...

    @property
    def streamed(self) -> bool: ...


class Shield:
    """Lets through what the page needs and the routes that are `served`, from this machine's own pages, and signs every
    reply with security headers.

    `head` is put into the one HTML page that there is; `hosts` are names that it is served by beside this machine's own.
    """

    def __init__(self, app: App, head: bytes = b"", served: Sequence[Served] = (), hosts: Sequence[str] = ()) -> None:
        self.app = app
        self.head = head
        self.served = served
        self.hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        nonce = secrets.token_urlsafe(16)
        path = scope["path"]
        plain = not any(route.pattern.fullmatch(path) for route in self.served)
        signed = _signing(send, nonce, () if plain else ((b"cache-control", b"no-store"),))
        refused = refusal(scope["method"], path, headers, self.served, self.hosts)
        if refused:
            return await _refuse(signed, path, *refused)
        if any(route.streamed for route in self._at(scope)):
            return await self.app(scope, receive, signed)
        if not plain:
            try:
                async with asyncio.timeout(SLOWEST):
                    body = await _read(receive)
            except TimeoutError:
                return await _refuse(signed, path, 408, "The body came too slowly.")
            if body is None:
                return await _refuse(signed, path, 413, TOO_LARGE)
            return await self.app(scope, _again(body, receive), signed)
        if path == "/":
            scope = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k.lower() != b"accept-encoding"]}
            return await self.app(scope, receive, self._page(signed, nonce.encode()))
        await self.app(scope, _limited(receive), signed)

    def _at(self, scope: Scope) -> list[Served]:
        return [route for route in self.served if route.method == scope["method"] and route.pattern.fullmatch(scope["path"])]

    def _page(self, send: Send, nonce: bytes) -> Send:
        """Holds the HTML page back until it is whole, to put the nonce on its scripts and our files into its head."""
        start: Message = {}
        body = bytearray()

        async def held(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            page = _PREVIEWS.sub(b"", bytes(body)).replace(b"</head>", self.head + b"</head>", 1)
            page = _SCRIPTS.sub(b'<script nonce="' + nonce + b'"', page)
            kept = [(k, v) for k, v in start["headers"] if k.lower() not in (b"content-length", b"cache-control")]
            start["headers"] = [*kept, (b"content-length", str(len(page)).encode()), (b"cache-control", b"no-store")]
            await send(start)
            await send({"type": "http.response.body", "body": page})

        return held


TOO_LARGE = "The request is too large."


def refusal(
    method: str, path: str, headers: dict[str, str], served: Sequence[Served] = (), hosts: Sequence[str] = ()
) -> tuple[int, str] | None:
    """The status and reason a request is turned away with; None for one that may pass."""
    host = headers.get("host", "")
    if not _HOST.fullmatch(host) and not _named(host, hosts):
        only = "by the names in ADVISOR_HOSTS" if hosts else "pages of this machine"
        return 421, f"This address serves {only} only."
    routes = {route.method: route for route in served if ".." not in path and route.pattern.fullmatch(path)}
    if routes:
        if method not in routes:
            return 405, f"Only {', '.join(sorted(routes))} is served here."
        return _foreign(headers) or _unfit(routes[method], headers)
    if method in ("GET", "HEAD"):
        return None if ".." not in path and _READ.fullmatch(path) else (404, NOTHING)
    if method != "POST":
        return 405, "Only GET and POST are served."
    if not _WRITE.fullmatch(path):
        return 404, NOTHING
    return _foreign(headers) or _large(headers, LARGEST)


def _named(host: str, hosts: Sequence[str]) -> bool:
    """Whether a Host header is one of the names; a name without a port is good for any."""
    host = host.lower()
    return host in hosts or (re.sub(r":\d{1,5}$", "", host) in hosts)


def _foreign(headers: dict[str, str]) -> tuple[int, str] | None:
    """Why a request that another site's page may have sent is refused; programs send neither of these headers."""
    origin = headers.get("origin")
    if origin is not None and origin.split("://", 1)[-1].lower() != headers["host"].lower():
        return 403, "Requests from other pages are refused."
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return 403, "Requests from other pages are refused."
    return None


def _large(headers: dict[str, str], largest: int) -> tuple[int, str] | None:
    length = headers.get("content-length", "0")
    return None if length.isdigit() and int(length) <= largest else (413, TOO_LARGE)


def _unfit(route: Served, headers: dict[str, str]) -> tuple[int, str] | None:
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if route.method in ("POST", "PATCH") and kind != route.kind:
        form = "JSON" if route.kind == "application/json" else "a form" if "form" in route.kind else "the file's bytes"
        return 415, f"The body must be {form}, with the header Content-Type: {route.kind}."
    return _large(headers, route.largest)


async def _read(receive: Receive) -> bytes | None:
    """The whole body of a request, or None where it grows beyond what it may."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > LARGEST_JSON:
            return None
        if message["type"] != "http.request" or not message.get("more_body"):
            return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """A body that was read, handed on as if it had just come."""
    first = True

    async def replayed() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replayed


def _signing(send: Send, nonce: str, more: tuple[tuple[bytes, bytes], ...] = ()) -> Send:
    policy = (b"content-security-policy", _POLICY.format(nonce=nonce).encode())

    async def signed(message: Message) -> None:
        if message["type"] == "http.response.start":
            new = (policy, *_HEADERS, *more)
            kept = [(k, v) for k, v in message.get("headers", []) if k not in dict(more)]
            message = {**message, "headers": [*kept, *new]}
        await send(message)

    return signed


def _limited(receive: Receive) -> Receive:
    """The body of a request, cut off where it grows beyond what it may; for bodies that do not say their length."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        return {"type": "http.disconnect"} if taken > LARGEST else message

    return limited


async def _refuse(send: Send, path: str, status: int, reason: str) -> None:
    if path.startswith(("/api/", "/v1/")):
        fault = Fault(status, WHATS.get(status, "request"), reason, "See /docs.")
        log.warning("error %s: refused with %d (%s)", fault.id, status, fault.what)
        body, kind = body_of(fault, path), b"application/json"
    else:
        body, kind = reason.encode(), b"text/plain; charset=utf-8"
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    if status in (408, 413):  # the rest of the body is not read
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
