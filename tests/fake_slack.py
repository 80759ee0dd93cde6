"""A Slack of our own: the Web API over real HTTP and Socket Mode over a real websocket.

It records every call, refuses what breaks a documented limit (and keeps that in `faults`), and fails, waits, limits rates
or loses replies as a test tells it to.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs

from websockets.sync.server import Server, ServerConnection, serve

BOT, TEAM, BOT_ID = "UBOT", "T1", "BBOT"
SCOPES = "app_mentions:read,assistant:write,channels:history,chat:write,commands,files:write,groups:history,im:history"
Payload = dict[str, Any]
# What to do to a call in place of, or after, answering it: "429:SECONDS", "500", "drop", "lost" (done, but answered by a 500), a name.
Trouble = Callable[[str, int, Payload], str | None]


@dataclass
class Message:
    """A message as it stands in a channel."""

    channel: str
    ts: str
    thread: str
    text: str = ""
    blocks: list[Payload] = field(default_factory=list)
    streaming: bool = False
    markdown: str = ""
    metadata: Payload = field(default_factory=dict)
    to: str = ""  # the only person who sees it

    @property
    def shown(self) -> str:
        """Everything that people read, as one text."""
        return "\n".join([self.markdown, *(text for _, text in texts(self.blocks))] if self.blocks or self.markdown else [self.text])


class FakeSlack:
    """One workspace; `with FakeSlack() as slack` serves it at `slack.url`."""

    def __init__(self, *, trouble: Trouble | None = None, latency: float = 0.0, streams: bool = True, a_second: bool = False) -> None:
        self.trouble, self.latency, self.streams, self.a_second = trouble, latency, streams, a_second
        self.calls: list[tuple[float, str, Payload]] = []
        self.messages: dict[tuple[str, str], Message] = {}
        self.whispers: list[Message] = []  # by response_url or chat.postEphemeral
        self.views: list[Payload] = []
        self.files: list[Payload] = []  # as they were shared: name, title, content, channel, thread
        self.installed = 0  # codes that were changed for tokens
        self.dead: set[str] = set()  # workspaces that have removed the app
        self.agent: list[tuple[str, Payload]] = []  # statuses and prompts that were set
        self._uploads: dict[str, Payload] = {}
        self.faults: list[str] = []  # limits that were broken
        self.acknowledged: dict[str, float] = {}  # envelopes, and when
        self.scopes = SCOPES
        self._lock = threading.RLock()
        self._counts: dict[str, int] = {}
        self._posted: dict[str, float] = {}
        self._ts = 1_800_000_000
        self._sockets: list[ServerConnection] = []
        self.connected = threading.Event()

    def __enter__(self) -> FakeSlack:
        slack = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None: ...

            def do_POST(self) -> None:
                slack._served(self)

        class Threads(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 256

        self._http = Threads(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._http.server_port}/api/"
        self._ws: Server = serve(self._socket, "127.0.0.1", 0)
        threading.Thread(target=self._ws.serve_forever, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ws.shutdown()
        self._http.shutdown()
        self._http.server_close()

    def deliver(self, envelope: Payload) -> None:
        """Sends an envelope down one of the open sockets, as Slack does."""
        with self._lock:
            socket = self._sockets[len(self.acknowledged) % len(self._sockets)]
        socket.send(json.dumps(envelope))

    def called(self, method: str) -> list[Payload]:
        return [given for _, name, given in self.calls if name == method]

    def replies(self, thread: str = "", channel: str = "") -> list[Message]:
        """Messages of the bot, in order."""
        with self._lock:
            found = [m for m in self.messages.values() if (not thread or m.thread == thread) and (not channel or m.channel == channel)]
        return sorted(found, key=lambda m: float(m.ts))

    def _socket(self, connection: ServerConnection) -> None:
        with self._lock:
            self._sockets.append(connection)
        connection.send(json.dumps({"type": "hello", "num_connections": 1}))
        self.connected.set()
        for received in connection:
            with suppress(ValueError, KeyError):
                self.acknowledged[json.loads(received)["envelope_id"]] = time.monotonic()

    def _served(self, to: BaseHTTPRequestHandler) -> None:
        sent_in = to.rfile.read(int(to.headers.get("content-length") or 0))
        method = to.path.removeprefix("/api/").partition("?")[0]
        if method.startswith("upload/"):
            self._uploads[method.removeprefix("upload/")]["content"] = sent_in.decode()
        raw = "" if method.startswith("upload/") else sent_in.decode()
        method = "upload" if method.startswith("upload/") else method
        given: Payload = json.loads(raw) if raw.startswith("{") else {k: v[0] for k, v in parse_qs(raw).items()}
        with self._lock:
            self._counts[method] = number = self._counts.get(method, 0) + 1
            self.calls.append((time.monotonic(), method, given))
        if self.latency:
            time.sleep(self.latency)
        what = self.trouble(method, number, given) if self.trouble else None
        if what == "drop":
            to.close_connection = True
            to.connection.close()
            return
        status, headers = 200, {"x-oauth-scopes": self.scopes}
        body: Payload = {"ok": True}
        if what and what.startswith("429"):
            status, headers, body = 429, {"Retry-After": what.partition(":")[2] or "1"}, {"ok": False, "error": "ratelimited"}
        elif what == "500":
            status, body = 500, {"ok": False, "error": "internal_error"}
        elif what and what != "lost":
            body = {"ok": False, "error": what}
        else:
            with self._lock:
                status, body = self._done(method, given, to.headers.get("authorization", ""))
            headers = {**headers, **({"Retry-After": "1"} if status == 429 else {})}
            if what == "lost":
                status, body = 500, {"ok": False, "error": "internal_error"}
        sent = json.dumps(body).encode()
        to.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": str(len(sent)), **headers}.items():
            to.send_header(name, value)
        to.end_headers()
        with suppress(OSError):
            to.wfile.write(sent)

    def _done(self, method: str, given: Payload, token: str) -> tuple[int, Payload]:
        def no(reason: str) -> tuple[int, Payload]:
            return 200, {"ok": False, "error": reason}

        if method.startswith("respond/"):
            self._check(method, given)
            said = (given.get("text", ""), given.get("blocks", []))
            self.whispers.append(Message("", "", given.get("thread_ts", ""), *said, to=given.get("response_type", "")))
            return 200, {"ok": True}
        if method == "upload":
            return 200, {"ok": True}
        if method == "oauth.v2.access":
            return self._granted(given, token)
        if any(token.endswith(f"-{team}") for team in self.dead):
            return no("account_inactive")
        if not token.startswith("Bearer xoxb-valid") and not (method == "apps.connections.open" and token == "Bearer xapp-valid"):
            return no("invalid_auth")
        if broken := self._check(method, given):
            return no(broken)
        if method in ("chat.postMessage", "chat.startStream"):
            return self._post(method, given)
        if method in ("chat.update", "chat.appendStream", "chat.stopStream"):
            return self._change(method, given)
        if method == "conversations.replies":
            there = [m for m in self.messages.values() if m.channel == given["channel"] and given["ts"] in (m.thread, m.ts)]
            return 200, {"ok": True, "messages": [self._listed(m) for m in there]}
        if method == "conversations.history":
            return 200, {"ok": True, "messages": [self._listed(m) for m in self.messages.values() if m.channel == given["channel"]]}
        if method == "chat.postEphemeral":
            if not given["channel"].startswith(("C", "D", "G")):
                return no("channel_not_found")
            said = (given["text"], given.get("blocks", []))
            self.whispers.append(Message(given["channel"], "", given.get("thread_ts", ""), *said, to=given["user"]))
        if method.startswith("assistant.threads."):
            if "assistant:write" not in self.scopes.split(","):
                return no("missing_scope")
            self.agent.append((method.rpartition(".")[2], given))
            return 200, {"ok": True}
        if method.startswith("files."):
            return self._file(method, given)
        if method in ("views.open", "views.publish", "views.update"):
            self.views.append(given["view"])
        team = token.rpartition("-")[2] if token.startswith("Bearer xoxb-valid-T") else TEAM
        more = {
            "auth.test": {"team_id": team, "user_id": BOT, "bot_id": BOT_ID, "user": "cmo", "team": "Test", "url": "https://t.slack.test/"},
            "apps.connections.open": {"url": f"ws://127.0.0.1:{self._ws.socket.getsockname()[1]}/link"},
        }
        known = ("auth.test", "apps.connections.open", "chat.postEphemeral", "views.open", "views.publish", "views.update")
        return (200, {"ok": True, **more.get(method, {})}) if method in known else no("unknown_method")

    def _granted(self, given: Payload, token: str) -> tuple[int, Payload]:
        """A token for a code `good-TEAM` of the app `app` with the secret `secret`."""
        if token != "Basic " + base64.b64encode(b"app:secret").decode() or not given.get("code", "").startswith("good-"):
            return 200, {"ok": False, "error": "invalid_code"}
        self.installed += 1
        team = given["code"].removeprefix("good-")
        made = {"access_token": f"xoxb-valid-{team}", "team": {"id": team, "name": f"Team <{team}>"}, "authed_user": {"id": "U1"}}
        return 200, {"ok": True, "token_type": "bot", "is_enterprise_install": team.startswith("E"), **made}

    def _file(self, method: str, given: Payload) -> tuple[int, Payload]:
        if "files:write" not in self.scopes.split(","):
            return 200, {"ok": False, "error": "missing_scope"}
        if method == "files.getUploadURLExternal":
            ident = f"F{len(self._uploads) + 1}"
            self._uploads[ident] = {"name": given["filename"], "length": int(given["length"])}
            return 200, {"ok": True, "upload_url": f"{self.url}upload/{ident}", "file_id": ident}
        if not re.fullmatch(r"[CDGZ][A-Z0-9]*", given["channel_id"]):
            return 200, {"ok": False, "error": "invalid_arguments"}  # a person is no place for a file
        for file in given["files"]:
            upload = self._uploads[file["id"]]
            if len(upload["content"].encode()) != upload["length"]:
                return 200, {"ok": False, "error": "length_mismatch"}
            shared = {"title": file["title"], "channel": given["channel_id"], "thread": given.get("thread_ts", "")}
            self.files.append({**upload, **shared})
        return 200, {"ok": True, "files": given["files"]}

    def _post(self, method: str, given: Payload) -> tuple[int, Payload]:
        channel = given["channel"] if not given["channel"].startswith("U") else "D" + given["channel"]
        now = time.monotonic()
        if self.a_second and now - self._posted.get(channel, 0.0) < 0.98:
            return 429, {"ok": False, "error": "ratelimited"}
        if method == "chat.startStream" and not self.streams:
            return 200, {"ok": False, "error": "unknown_method"}
        self._posted[channel] = now
        self._ts += 1
        ts = f"{self._ts}.000001"
        made = Message(channel, ts, given.get("thread_ts", ts), given.get("text", ""), given.get("blocks", []))
        made.metadata = given.get("metadata", {})
        made.streaming = method == "chat.startStream"
        self._append(made, given)
        self.messages[channel, ts] = made
        return 200, {"ok": True, "channel": channel, "ts": ts}

    def _change(self, method: str, given: Payload) -> tuple[int, Payload]:
        message = self.messages.get((given["channel"], given["ts"]))
        if message is None:
            return 200, {"ok": False, "error": "message_not_found"}
        if method == "chat.update":
            if message.streaming:
                return 200, {"ok": False, "error": "streaming_state_conflict"}
            message.text, message.blocks, message.markdown = given.get("text", ""), given.get("blocks", []), ""
        elif not message.streaming:
            return 200, {"ok": False, "error": "message_not_in_streaming_state"}
        else:
            self._append(message, given)
            if method == "chat.stopStream":
                message.streaming, message.blocks = False, given.get("blocks", [])
        message.metadata = given.get("metadata", message.metadata)
        return 200, {"ok": True, "channel": message.channel, "ts": message.ts}

    @staticmethod
    def _append(message: Message, given: Payload) -> None:
        message.markdown += given.get("markdown_text", "")
        message.markdown += "".join(chunk["text"] for chunk in given.get("chunks", []) if chunk["type"] == "markdown_text")

    @staticmethod
    def _listed(message: Message) -> Payload:
        shown = {"ts": message.ts, "thread_ts": message.thread, "text": message.markdown or message.text, "bot_id": BOT_ID, "user": BOT}
        return {**shown, **({"metadata": message.metadata} if message.metadata else {})}

    def _check(self, method: str, given: Payload) -> str:
        faults = list(broken(method, given))
        self.faults += [f"{method}: {fault}" for fault in faults]
        return "invalid_blocks" if faults else ""


def texts(blocks: Any) -> Iterator[tuple[str, str]]:
    """Every text in blocks, with its type."""
    if isinstance(blocks, dict):
        if blocks.get("type") in ("mrkdwn", "plain_text") and isinstance(blocks.get("text"), str):
            yield blocks["type"], blocks["text"]
        blocks = list(blocks.values())
    if isinstance(blocks, list):
        for inner in blocks:
            yield from texts(inner)


_BLOCKS = {"section", "divider", "actions", "context", "context_actions", "header", "input", "markdown", "rich_text"}


def broken(method: str, given: Payload) -> Iterator[str]:
    """Documented limits that a call breaks."""
    view = given.get("view") or {}
    blocks: list[Payload] = view.get("blocks") or given.get("blocks") or []
    if len(blocks) > (100 if view else 50):
        yield f"{len(blocks)} blocks"
    if method in ("chat.postMessage", "chat.postEphemeral") and (
        given.get("unfurl_links") is not False or given.get("unfurl_media") is not False
    ):
        yield "it may unfurl links"
    if method in ("chat.postMessage", "chat.update", "chat.postEphemeral") and not given.get("text"):
        yield "there is no text for notifications"
    if len(given.get("text", "")) > 4000:
        yield "a text of more than 4,000 characters"
    if not view and sum(len(text) for _, text in texts(blocks)) > 13_000:
        yield "blocks with more than 13,000 characters"
    for chunk in given.get("chunks", []):
        if chunk["type"] not in ("markdown_text", "task_update", "blocks") or len(chunk.get("text", "")) > 12_000:
            yield f"a chunk {chunk['type']} of {len(chunk.get('text', ''))} characters"
    if method == "assistant.threads.setSuggestedPrompts" and not 1 <= len(given["prompts"]) <= 4:
        yield f"{len(given['prompts'])} prompts"
    if method == "assistant.threads.setStatus" and not (given.get("thread_ts") and len(given.get("loading_messages", [])) <= 10):
        yield "a status without a thread, or with too many lines"
    if method == "chat.startStream" and not (given.get("thread_ts") and given.get("recipient_user_id") and given.get("recipient_team_id")):
        yield "a stream without thread or recipient"
    if view and view["type"] == "modal":
        for name in ("title", "close", "submit"):
            if name in view and len(view[name]["text"]) > 24:
                yield f"a {name} of more than 24 characters"
        if len(view.get("private_metadata", "")) > 3000 or (any(b["type"] == "input" for b in blocks) and "submit" not in view):
            yield "a modal that is not whole"
    names = [e.get("action_id") for b in blocks for e in b.get("elements", [])]
    if len(names) != len(set(names)):
        yield "an action_id twice"
    for block in blocks:
        yield from _broken(block)


def _broken(block: Payload) -> Iterator[str]:
    if block.get("type") not in _BLOCKS:
        yield f"a block {block.get('type')}"
    if block.get("type") == "section" and not 1 <= len(block["text"]["text"]) <= 3000:
        yield f"a section of {len(block['text']['text'])} characters"
    elements = [*block.get("elements", []), *([block["accessory"]] if "accessory" in block else [])]
    if "elements" in block and not 1 <= len(elements) <= {"context_actions": 5, "context": 10}.get(block["type"], 25):
        yield f"{len(elements)} elements"
    for element in elements:
        label = element.get("text", {}).get("text", "") if isinstance(element.get("text"), dict) else ""
        values = [element.get("value", ""), *(element.get(n, {}).get("value", "") for n in ("positive_button", "negative_button"))]
        if element["type"] == "button" and not 1 <= len(label) <= 75:
            yield f"a button of {len(label)} characters"
        if max(map(len, values)) > 2000 or len(element.get("action_id", "")) > 255:
            yield "a value or an action_id that is too long"
    if block.get("type") == "input" and len(block["element"].get("initial_value", "")) > 3000:
        yield "an initial value that is too long"


def live(text: str, kind: str = "mrkdwn") -> list[str]:
    """What Slack would make active in a text: mentions, links, and markup that is not ours in Markdown."""
    if kind == "plain_text":
        return []  # is never parsed
    found = re.findall(r"<(?:[@#!]|[a-z]+:)[^>]*>|(?:https?|ftp)://\S+|www\.\S+|mailto:\S+|@(?:here|channel|everyone)\b", text, re.I)
    if kind == "markdown":
        found += re.findall(r"(?<!\\)!?\[[^\]\n]*[^\\\d\]\n][^\]\n]*(?<!\\)\]\(|<[a-z!/][^>]*>|(?m:^#{1,6} )|^\s*```", text)
    return found
