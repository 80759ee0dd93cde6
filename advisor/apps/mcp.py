"""A server of the Model Context Protocol over stdin and stdout: JSON-RPC 2.0, a message a line."""

from __future__ import annotations

import json
import logging
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import closing, redirect_stdout
from importlib.metadata import version
from typing import Any, BinaryIO

from advisor.errors import AdvisorError
from advisor.library import Library
from advisor.pipeline import Advisor
from advisor.render import as_json, as_text
from advisor.types import Progress, Turn

log = logging.getLogger(__name__)

VERSIONS = ("2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05")  # the latest first, as of November 2026
LONGEST = 1_000_000  # bytes of a message
PATIENCE = 10.0  # seconds for what was asked before the input ended
AT_ONCE = 4  # tools called at the same time
PARSE, REQUEST, METHOD, PARAMS, INTERNAL = -32700, -32600, -32601, -32602, -32603
_TEXT = {"type": "string", "minLength": 1}
TOOLS: list[dict[str, Any]] = [
    {
        "name": "ask",
        "title": "Ask the CMO Advisor",
        "description": "Answers a career question of a physician who wants to become a Chief Medical Officer, from curated guidance. "
        "Every statement has a checked citation; what the guidance does not hold is declined.",
        "inputSchema": {
            "type": "object",
            "properties": {
                "question": _TEXT,
                "conversation": {**_TEXT, "description": "Any name; the same again makes a follow-up of the question."},
            },
            "required": ["question"],
        },
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    },
    {
        "name": "search_guidance",
        "title": "Search the guidance",
        "description": "Gives the passages of the guidance that fit a query best, with guide, section and score.",
        "inputSchema": {
            "type": "object",
            "properties": {"query": _TEXT, "limit": {"type": "integer", "minimum": 1, "maximum": 20, "default": 5}},
            "required": ["query"],
        },
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    },
    {
        "name": "read_guide",
        "title": "Read a guide",
        "description": "Gives the whole text of a guide by its id, or the ids and titles of all guides where none is named.",
        "inputSchema": {"type": "object", "properties": {"guide": _TEXT}},
        "annotations": {"readOnlyHint": True, "openWorldHint": False},
    },
]


class Refused(Exception):
    """A message that cannot be served; `code` is JSON-RPC's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def serve(advisor: Advisor, read: BinaryIO | None = None, write: BinaryIO | None = None) -> None:
    """Serves one client until its input ends; nothing but messages goes to the output."""
    server = Server(advisor, write or sys.stdout.buffer)
    with redirect_stdout(sys.stderr):
        server.run(read or sys.stdin.buffer)


class Server:
    """One client's session."""

    def __init__(self, advisor: Advisor, write: BinaryIO) -> None:
        self.advisor = advisor
        self._write = write
        self._lock = threading.Lock()
        self._running: dict[str, threading.Event] = {}
        self._tools: dict[str, Callable[..., dict[str, Any]]] = {
            "ask": self._ask,
            "search_guidance": self._search,
            "read_guide": self._read,
        }

    def run(self, read: BinaryIO) -> None:
        """Reads messages to the end of the input; calls of tools run beside one another, and have a while to end after it."""
        pool = ThreadPoolExecutor(AT_ONCE, "tool")
        called: set[Future[None]] = set()
        try:
            while line := read.readline(LONGEST + 1):
                if len(line) > LONGEST:
                    while line and not line.endswith(b"\n"):
                        line = read.readline(LONGEST)
                    self._send(_fault(None, PARSE, f"A message has at most {LONGEST} bytes."))
                elif line.strip() and (work := self._taken(line)) is not None:
                    called = {call for call in called if not call.done()} | {pool.submit(work)}
            wait(called, PATIENCE)
        finally:
            for unwanted in list(self._running.values()):
                unwanted.set()
            pool.shutdown()

    def _taken(self, line: bytes) -> Callable[[], None] | None:
        """What a line asks for that may take long; what is quick is answered at once."""
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            self._send(_fault(None, PARSE, "This line is not JSON."))
            return None
        if isinstance(message, list):
            if message:
                return lambda: self._batch(message)
            self._send(_fault(None, REQUEST, "A batch holds at least one message."))
        elif isinstance(message, dict) and message.get("method") == "tools/call" and _is_id(message.get("id")):
            self._running[_key(message["id"])] = threading.Event()  # before the next line, which may cancel it
            return lambda: self._reply(message)
        else:
            self._reply(message)
        return None

    def _batch(self, messages: list[Any]) -> None:
        replies = [reply for message in messages if (reply := self.answer(message)) is not None]
        if replies:
            self._send(replies)

    def _reply(self, message: Any) -> None:
        reply = self.answer(message)
        if reply is not None:
            self._send(reply)

    def answer(self, message: Any) -> dict[str, Any] | None:
        """The reply to one message; None where it wants none."""
        ident = message.get("id") if isinstance(message, dict) else None
        if not isinstance(message, dict) or message.get("jsonrpc") != "2.0" or ("id" in message and not _is_id(ident)):
            return _fault(ident if _is_id(ident) else None, REQUEST, "This is no message of JSON-RPC 2.0.")
        if "method" not in message and ("result" in message or "error" in message):
            return None  # a reply, but nothing was asked
        call = _key(ident) if message.get("method") == "tools/call" else ""
        unwanted = self._running.setdefault(call, threading.Event()) if call else threading.Event()
        try:
            result = self._result(message, unwanted)
        except Refused as refused:
            return None if "id" not in message else _fault(ident, refused.code, str(refused))
        except Exception:
            log.error("a message of the client failed", exc_info=True)
            return None if "id" not in message else _fault(ident, INTERNAL, "Something went wrong in the advisor itself.")
        finally:
            self._running.pop(call, None)
        return None if "id" not in message or unwanted.is_set() else {"jsonrpc": "2.0", "id": ident, "result": result}

    def _result(self, message: dict[str, Any], unwanted: threading.Event) -> Any:
        method, params = message.get("method"), message.get("params", {})
        if not isinstance(method, str) or not isinstance(params, (dict, list)):
            raise Refused(REQUEST, "A message has a method, and params that are an object.")
        if not isinstance(params, dict):
            raise Refused(PARAMS, "The params are an object.")
        if method == "initialize":
            return self._initialized(params)
        if method == "ping":
            return {}
        if method == "tools/list":
            return {"tools": TOOLS}
        if method == "tools/call":
            return self._called(params, unwanted)
        if method == "notifications/cancelled" and _is_id(params.get("requestId")):
            if (running := self._running.get(_key(params["requestId"]))) is not None:
                running.set()
            return None
        if method.startswith("notifications/"):
            return None
        raise Refused(METHOD, "There is no such method. There are initialize, ping, tools/list and tools/call.")

    def _initialized(self, params: dict[str, Any]) -> dict[str, Any]:
        wanted = params.get("protocolVersion")
        return {
            "protocolVersion": wanted if wanted in VERSIONS else VERSIONS[0],
            "capabilities": {"tools": {"listChanged": False}},
            "serverInfo": {"name": "cmo-advisor", "title": "CMO Advisor", "version": version("cmo-advisor")},
            "instructions": "Ask whole questions; quote the numbered sources with the answer.",
        }

    def _called(self, params: dict[str, Any], unwanted: threading.Event) -> dict[str, Any]:
        name, given, meta = str(params.get("name")), params.get("arguments") or {}, params.get("_meta")
        tool = next((t for t in TOOLS if t["name"] == name), None)
        if tool is None:
            raise Refused(PARAMS, f"There is no such tool. There are {', '.join(self._tools)}.")
        if fault := _unfit(tool["inputSchema"], given):
            return _text(fault, isError=True)
        token = meta.get("progressToken") if isinstance(meta, dict) else None
        try:
            return self._tools[name](given, unwanted, token if _is_id(token) else None)
        except AdvisorError as error:
            return _text(str(error), isError=True)

    # ---- the tools

    def _ask(self, given: dict[str, Any], unwanted: threading.Event, token: Any) -> dict[str, Any]:
        done = 0
        with closing(self.advisor.stream(given["question"], given.get("conversation"))) as steps:
            for step in steps:
                if isinstance(step, Turn):
                    return _text(as_text(step.answer, 10_000), structuredContent=as_json(step))
                if unwanted.is_set():
                    break
                if token is not None and isinstance(step, Progress):
                    done += 1
                    about = {"progressToken": token, "progress": done, "message": step.message}
                    self._send({"jsonrpc": "2.0", "method": "notifications/progress", "params": about})
        return _text("Stopped.", isError=True)

    def _search(self, given: dict[str, Any], *_: Any) -> dict[str, Any]:
        found = self.advisor.retriever().search(self.advisor.taken(given["query"]), given.get("limit", 5))
        lines = [
            f"[{p.score:.2f}] {p.chunk.document.title} › {p.chunk.heading} (guide {p.chunk.document.id})\n{p.chunk.text}" for p in found
        ]
        return _text("\n\n".join(lines) or "No passage fits.")

    def _read(self, given: dict[str, Any], *_: Any) -> dict[str, Any]:
        library = getattr(self.advisor.retriever(), "library", None)
        if not isinstance(library, Library):
            return _text("This advisor has no library of guides.", isError=True)
        if "guide" not in given:
            return _text("\n".join(f"{guide.id}: {guide.title}" for guide in library.listed()))
        found = library.document(given["guide"])
        if found is None:
            return _text("There is no such guide. Call read_guide without a name for the list.", isError=True)
        return _text(f"{found.title}\n\n{found.text}")

    def _send(self, message: Any) -> None:
        # One line, whatever is in it: ASCII has no line ends of its own.
        line = json.dumps(message).encode() + b"\n"
        with self._lock:
            try:
                self._write.write(line)
                self._write.flush()
            except (OSError, ValueError):  # the client is gone
                log.info("a reply could not be written")


def _text(text: str, **more: Any) -> dict[str, Any]:
    return {"content": [{"type": "text", "text": text}], **more}


def _fault(ident: Any, code: int, message: str) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": ident, "error": {"code": code, "message": message}}


def _is_id(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _key(ident: Any) -> str:
    return json.dumps(ident)  # 1 and "1" are two


def _unfit(schema: dict[str, Any], given: Any) -> str:
    """What is wrong with a tool's arguments; nothing where they fit."""
    if not isinstance(given, dict):
        return "The arguments are an object."
    for name in schema.get("required", ()):
        if name not in given:
            return f"The argument {name} is missing."
    for name, value in given.items():
        wanted = schema["properties"].get(name)
        if wanted is None:
            return f"There is no such argument. There are {', '.join(schema['properties'])}."
        if wanted["type"] == "string" and not (isinstance(value, str) and value):
            return f"The argument {name} is a text that is not empty."
        if wanted["type"] == "integer" and (type(value) is not int or not wanted["minimum"] <= value <= wanted["maximum"]):
            return f"The argument {name} is a whole number from {wanted['minimum']} to {wanted['maximum']}."
    return ""
