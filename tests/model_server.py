"""A server that speaks OpenAI's chat protocol over real HTTP, and writes, or fails, by a script."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

Script = Callable[[dict[str, Any]], "Reply"]


@dataclass(frozen=True)
class Reply:
    """What to send: bits of text, then an end. `fault` names what goes wrong, after `bits`."""

    bits: Sequence[str] = ()
    fault: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    pause: float = 0.0  # seconds before each bit


class ModelServer:
    """Serves `script(request)` on a free port of this machine; `requests` and `gone` (clients that hung up) are counted."""

    def __init__(self, script: Script) -> None:
        self.requests: list[dict[str, Any]] = []
        self.gone = threading.Event()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                request = json.loads(self.rfile.read(int(self.headers["content-length"])))
                server.requests.append(request)
                try:
                    _send(self, script(request))
                except (BrokenPipeError, ConnectionResetError):
                    server.gone.set()
                self.close_connection = True

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128  # many clients at once are not to wait for a place

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> ModelServer:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()


def _event(delta: dict[str, str], end: str | None = None, usage: dict[str, int] | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": end}
    event = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}
    return b"data: " + json.dumps({**event, **({"usage": usage} if usage else {})}).encode() + b"\n\n"


def _send(to: BaseHTTPRequestHandler, reply: Reply) -> None:
    if reply.fault == "silent":
        _wait_until_gone(to)
    if reply.status != 200:
        body = reply.body.encode() or json.dumps({"error": {"message": "sk-secret-key is wrong", "type": "x"}}).encode()
        to.send_response(reply.status)
        for name, value in {"content-type": "application/json", "content-length": str(len(body)), **reply.headers}.items():
            to.send_header(name, value)
        to.end_headers()
        to.wfile.write(body)
        return
    to.send_response(200)
    to.send_header("content-type", "text/event-stream")
    to.send_header("transfer-encoding", "chunked")
    to.end_headers()

    def write(data: bytes) -> None:
        to.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        to.wfile.flush()

    write(_event({"role": "assistant", "content": ""}))
    for bit in reply.bits:
        if reply.pause:
            time.sleep(reply.pause)
        write(_event({"content": bit}))
    if reply.fault == "silent within":
        _wait_until_gone(to)
    elif reply.fault == "reset":
        to.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        to.connection.close()
    elif reply.fault == "malformed":
        write(b'data: {"choices": [{"delta": {"content": "half\n\ndata: }{\n\n')
    elif reply.fault not in ("truncated", "no end"):
        write(_event({}, reply.fault or "stop", {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}) + b"data: [DONE]\n\n")
    if reply.fault not in ("reset", "truncated"):
        to.wfile.write(b"0\r\n\r\n")


def _wait_until_gone(to: BaseHTTPRequestHandler) -> None:
    to.connection.settimeout(30)
    if to.connection.recv(1) == b"":
        raise BrokenPipeError


def asked(request: dict[str, Any]) -> tuple[str, str]:
    """The instructions and the message of a request."""
    first, second = request["messages"]
    return str(first["content"]), str(second["content"])
