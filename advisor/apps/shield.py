"""What stands between the network and the page: which hosts and routes there are, and the security headers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGEST = 1_000_000  # bytes of a request's body
# All that the page needs of Gradio; uploads, files, proxies, API docs, monitoring and the rest do not exist here.
_READ = re.compile(
    r"/(?:healthz|readyz|config|theme\.css|favicon\.ico|manifest\.json|(?:page|assets|static)/[\w./-]+"
    r"|gradio_api/(?:queue/data|startup-events|heartbeat/\w+|theme\.css|app_id))?"
)
_WRITE = re.compile(r"/gradio_api/(?:queue/join|cancel|reset)/?")
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


class Shield:
    """Lets through what the page needs, from this machine's own pages, and signs every reply with security headers.

    `head` is put into the one HTML page that there is.
    """

    def __init__(self, app: App, head: bytes = b"") -> None:
        self.app = app
        self.head = head

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        headers = {k.decode("latin-1").lower(): v.decode("latin-1") for k, v in scope["headers"]}
        nonce = secrets.token_urlsafe(16)
        signed = _signing(send, nonce)
        refused = refusal(scope["method"], scope["path"], headers)
        if refused:
            return await _refuse(signed, *refused)
        if scope["path"] == "/":
            scope = {**scope, "headers": [(k, v) for k, v in scope["headers"] if k.lower() != b"accept-encoding"]}
            return await self.app(scope, receive, self._page(signed, nonce.encode()))
        await self.app(scope, _limited(receive), signed)

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


def refusal(method: str, path: str, headers: dict[str, str]) -> tuple[int, str] | None:
    """The status and reason a request is turned away with; None for one that may pass."""
    if not _HOST.fullmatch(headers.get("host", "")):
        return 421, "This address serves pages of this machine only."
    if method in ("GET", "HEAD"):
        return None if ".." not in path and _READ.fullmatch(path) else (404, "There is nothing here.")
    if method != "POST":
        return 405, "Only GET and POST are served."
    if not _WRITE.fullmatch(path):
        return 404, "There is nothing here."
    origin = headers.get("origin")
    if origin is not None and origin.split("://", 1)[-1].lower() != headers["host"].lower():
        return 403, "Requests from other pages are refused."
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return 403, "Requests from other pages are refused."
    length = headers.get("content-length", "0")
    if not length.isdigit() or int(length) > LARGEST:
        return 413, "The request is too large."
    return None


def _signing(send: Send, nonce: str) -> Send:
    policy = (b"content-security-policy", _POLICY.format(nonce=nonce).encode())

    async def signed(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", []), policy, *_HEADERS]}
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


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = reason.encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
