"""What stands between the network and Bolt: size, type, time, signature and replays, before anything in a request is read.

A request that does not pass gets a 4xx with a word of ours; its body is read by nobody and in no log.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

from slack_bolt import BoltRequest

from advisor.apps.shield import Message, Receive, Scope, Send
from advisor.apps.slack import KEYS, Bot
from advisor.apps.slack_events import keys_of
from advisor.apps.slack_mount import PATH

log = logging.getLogger(__name__)

LARGEST = 500_000  # bytes of a body
SLOWEST = 10.0  # seconds in which a body must be there
AGE = 300  # seconds that a request may be old
DEEPEST = 64  # brackets within brackets
_TYPES = ("application/json", "application/x-www-form-urlencoded")
_SIGNATURE = re.compile(rb"v0=[0-9a-f]{64}")


class Refusal(Exception):
    """A request is turned away: status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status, self.reason = status, reason


class Guard:
    """The ASGI application that takes Slack's requests, to be mounted anywhere; `bot` is asked for, by what it
    says, when one has passed."""

    def __init__(self, bot: Callable[[dict[str, Any]], Bot | None], secret: str, clock: Callable[[], float] = time.time) -> None:
        assert secret, "without a secret anybody could sign"
        self.bot = bot
        self.clock = clock
        self._secret = secret.encode()
        self._seen: dict[str, float] = {}  # signatures that have passed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "websocket":
                await send({"type": "websocket.close", "code": 1008})
            return
        try:
            status, kind, body = await self._answered(scope, receive)
        except Refusal as refusal:
            status, kind, body = refusal.status, "text/plain; charset=utf-8", refusal.reason.encode()
        except Exception as error:
            log.error("a request of Slack's could not be handled: %s", type(error).__name__)
            status, kind, body = 503, "text/plain; charset=utf-8", b"Try again later."
        headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()), (b"x-content-type-options", b"nosniff")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answered(self, scope: Scope, receive: Receive) -> tuple[int, str, bytes]:
        kind, signature, moment = self._headers(scope)
        raw = await _body(receive)
        self._verify(raw, signature, moment)
        body = _parsed(raw, kind)
        if body.get("type") == "url_verification":
            challenge = body.get("challenge")
            if not isinstance(challenge, str) or len(challenge) > 1000:
                raise Refusal(400, "There is no challenge.")
            return 200, "text/plain; charset=utf-8", challenge.encode("utf-8", "replace")
        if "ssl_check" in body:
            return 200, "text/plain; charset=utf-8", b""
        if not keys_of(body):
            raise Refusal(400, "This is no event, click or command.")
        name = f"signed:{hashlib.sha256(signature).hexdigest()[:40]}"
        self._remember(name)
        return await asyncio.to_thread(self._dispatched, body, name)

    def _headers(self, scope: Scope) -> tuple[str, bytes, bytes]:
        given: dict[bytes, list[bytes]] = {}
        for key, value in scope["headers"]:
            given.setdefault(key.lower(), []).append(value)
        if scope["path"] != PATH:
            raise Refusal(404, "There is nothing here.")
        if scope["method"] != "POST":
            raise Refusal(405, "Only POST is served.")
        length = given.get(b"content-length", [b"0"])
        if len(length) != 1 or not re.fullmatch(rb"\d{1,9}", length[0]):
            raise Refusal(400, "The length is not a number.")
        if int(length[0]) > LARGEST:
            raise Refusal(413, "The request is too large.")
        kinds = given.get(b"content-type", [])
        kind = kinds[0].partition(b";")[0].strip().lower().decode("latin-1") if len(kinds) == 1 else ""
        if kind not in _TYPES:
            raise Refusal(415, "This type of content is not taken.")
        moments, signatures = given.get(b"x-slack-request-timestamp", []), given.get(b"x-slack-signature", [])
        if len(moments) != 1 or not re.fullmatch(rb"\d{1,12}", moments[0]):
            raise Refusal(401, "There is no time.")
        if abs(self.clock() - int(moments[0])) > AGE:
            raise Refusal(401, "The request is not of now.")
        if len(signatures) != 1 or not _SIGNATURE.fullmatch(signatures[0]):
            raise Refusal(401, "There is no signature.")
        return kind, signatures[0], moments[0]

    def _verify(self, raw: bytes, signature: bytes, moment: bytes) -> None:
        expected = b"v0=" + hmac.new(self._secret, b"v0:" + moment + b":" + raw, hashlib.sha256).hexdigest().encode()
        if not hmac.compare_digest(expected, signature):
            raise Refusal(401, "The signature is wrong.")

    def _remember(self, name: str) -> None:
        """Turns a replay away; across processes and restarts the store does, to which the name goes with the delivery."""
        now = self.clock()
        self._seen = {known: when for known, when in self._seen.items() if now - when <= 2 * AGE}
        if name in self._seen:
            raise Refusal(409, "This was sent before.")
        self._seen[name] = now

    def _dispatched(self, body: dict[str, Any], name: str) -> tuple[int, str, bytes]:
        try:
            # As JSON: of a form that has the word "payload" anywhere in it Bolt would read nothing.
            request = BoltRequest(body=json.dumps(body), headers={"content-type": ["application/json"]}, context={KEYS: (name,)})
        except Exception:
            raise Refusal(400, "The request is malformed.") from None
        if (bot := self.bot(body)) is None:
            return 200, "text/plain; charset=utf-8", b""  # of a workspace that has removed the app, say: it need not come again
        response = bot.app.dispatch(request)
        if response.status == 503:
            self._seen.pop(name, None)
        if response.status >= 500 and response.status != 503:
            raise Refusal(400, "The request is malformed.")
        kind = (response.headers.get("content-type") or ["text/plain; charset=utf-8"])[0]
        return response.status, kind, (response.body or "").encode()


async def _body(receive: Receive) -> bytes:
    raw = bytearray()

    async def whole() -> None:
        while True:
            message: Message = await receive()
            if message["type"] == "http.disconnect":
                raise Refusal(400, "The request broke off.")
            raw.extend(message.get("body", b""))
            if len(raw) > LARGEST:
                raise Refusal(413, "The request is too large.")
            if not message.get("more_body"):
                return

    try:
        await asyncio.wait_for(whole(), SLOWEST)
    except TimeoutError:
        raise Refusal(408, "The request was too slow.") from None
    return bytes(raw)


def _parsed(raw: bytes, kind: str) -> dict[str, Any]:
    """The body as an object; raises `Refusal` for one that is none."""
    try:
        text = raw.decode("utf-8")
        if kind == "application/json":
            body = _object(text)
        else:
            form = {key: values[0] for key, values in parse_qs(text, max_num_fields=100, strict_parsing=bool(text)).items()}
            body = _object(form["payload"]) if "payload" in form else form
    except (ValueError, RecursionError):
        raise Refusal(400, "The request is malformed.") from None
    if not isinstance(body, dict):
        raise Refusal(400, "The request is malformed.")
    return body


def _object(text: str) -> Any:
    depth = deepest = 0
    for sign in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', text):
        depth += (sign in "[{") - (sign in "]}") if len(sign) == 1 else 0
        deepest = max(deepest, depth)
    if deepest > DEEPEST:
        raise ValueError("too deep")
    return json.loads(text)
