"""The HTTP interface for tests: in this process without a network, or on a socket of its own."""

from __future__ import annotations

import asyncio
import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from advisor.apps.desk import Desk
from advisor.apps.warm import Warm
from advisor.apps.web import interface, listen, shielded
from advisor.assemble import open_advisor
from advisor.config import Settings
from advisor.pipeline import Advisor
from advisor.types import Draft, Exchange, Part, Passage, Progress
from advisor.users import open_users

URL = "http://127.0.0.1"
PASSWORD = "four words and more"
MBA = "Do I need an MBA to become a CMO?"


def opened(hashed_home: Path, home: Path, **settings: Any) -> Warm:
    """An open advisor on a copy of the indexed home."""
    home.mkdir(parents=True)
    shutil.copy(hashed_home / "advisor.db", home)
    chosen = Settings(home=home, **{"embedding_model": "hashed", **settings})
    return Warm(chosen, open_advisor(chosen))


def client(warm: Warm, desk: Desk | None = None, **headers: str) -> TestClient:
    """Someone who asks; cookies are kept from one request to the next."""
    app, routes = interface(warm, desk)
    return TestClient(shielded(app, routes, warm), URL, headers=headers, raise_server_exceptions=False)


def signed_in(warm: Warm, name: str, **headers: str) -> TestClient:
    """Somebody who has signed in by a name; the user is added where there is none."""
    users = open_users(warm.settings)
    if users.stamp(name) is None:
        users.add(name, PASSWORD)
    users.close()
    asker = client(warm, **headers)
    reply = sign_in(asker, name, PASSWORD)
    assert reply.status_code == 303, reply.text
    return asker


def sign_in(asker: TestClient, name: str, password: str, **headers: str) -> Any:
    """What the form of the page at /login sends."""
    return asker.post("/login", data={"name": name, "password": password}, follow_redirects=False, headers=headers)


@contextmanager
def listening(warm: Warm, desk: Desk | None = None) -> Iterator[int]:
    """The interface on a port of this machine, by uvicorn in a thread."""
    import uvicorn

    app, routes = interface(warm, desk)
    opened_socket = listen("127.0.0.1", 0)
    config = uvicorn.Config(shielded(app, routes, warm), log_level="warning", ws="none", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[opened_socket])), daemon=True)
    thread.start()
    try:
        until(lambda: server.started)
        yield int(opened_socket.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(10)


def until(true: Any, seconds: float = 20) -> None:
    """Waits until something is so; a test that waits in vain fails."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


class Slow:
    """An answerer that says it is at work until it is let go, and notes who was stopped."""

    def __init__(self) -> None:
        self.go, self.begun, self.closed = threading.Event(), threading.Semaphore(0), threading.Event()

    def condense(self, question: str, history: Sequence[Exchange]) -> Iterator[Progress | str]:
        yield question

    def draft(self, question: str, query: str, passages: Sequence[Passage]) -> Iterator[Progress | Part | Draft]:
        self.begun.release()
        try:
            while not self.go.wait(0.01):
                yield Progress("draft", "Thinking")
            yield Draft("chat", text="Done.")
        except GeneratorExit:
            self.closed.set()
            raise


def slow(warm: Warm) -> tuple[Warm, Slow]:
    """The same advisor with an answerer that waits."""
    answerer = Slow()
    old = warm.advisor()
    return Warm(warm.settings, Advisor(old.retriever, lambda: answerer, old.verifier, old.store, old.declined)), answerer
