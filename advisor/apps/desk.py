"""Questions answered in threads, some at once and a few waiting; who hangs up ends their question."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing, closing
from contextvars import copy_context
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from advisor.apps.faults import AGAIN, Fault
from advisor.apps.metrics import Steps
from advisor.types import Bit, Progress, Turn

AT_ONCE = 8  # questions that are answered at the same time
WRITTEN_AT_ONCE = 64  # where a model writes them: most of the time goes by in waiting for it
WAITING = 32  # questions that wait for one of them to end
STOPPING = (503, "advisor", "The advisor is stopping.", "Ask again when it runs.")
T = TypeVar("T")


class HungUp(Exception):
    """Nobody is there any more to read the reply."""


class Desk:
    """Takes questions as long as there is room for them; a place is free again when its thread has ended."""

    def __init__(self, at_once: int = AT_ONCE, waiting: int = WAITING) -> None:
        self._free = asyncio.Semaphore(at_once)
        self._room = at_once + waiting
        self.here = 0
        self._closed = False
        self._made: set[asyncio.Queue[Any]] = set()

    async def answer(self, steps: Callable[[], Steps], *, whole: bool = False) -> AsyncGenerator[Progress | Bit | Turn, None]:
        """The steps of an answer as a thread makes them, or of a `whole` answer the turn alone; closing this closes them.

        Raises `Fault` (503) where the queue is full, and what the steps raise.
        """
        if self._closed:
            raise Fault(*STOPPING)
        if self.here >= self._room:
            raise Fault(503, "queue", "The advisor has as many questions as it can take.", "Ask again in some seconds.", retry_after=AGAIN)
        self.here += 1
        try:
            await self._free.acquire()
        except BaseException:
            self.here -= 1
            raise
        if self._closed:
            self._leave()
            raise Fault(*STOPPING)
        loop, made, unwanted = asyncio.get_running_loop(), asyncio.Queue[Any](), threading.Event()

        def later(call: Callable[..., None], *given: Any) -> None:
            with contextlib.suppress(RuntimeError):  # the server has stopped meanwhile
                loop.call_soon_threadsafe(call, *given)

        def work() -> None:
            said: Progress | None = None
            try:
                with closing(steps()) as running:
                    for step in running:
                        # The same progress once more is a sign of life, at which to stop; nobody has to be told.
                        if isinstance(step, Turn) or not (whole or step == said):
                            later(made.put_nowait, step)
                        said = step if isinstance(step, Progress) else None
                        if unwanted.is_set():
                            break
            except BaseException as error:
                later(made.put_nowait, error)
            finally:
                later(self._leave)
                later(made.put_nowait, None)

        threading.Thread(target=copy_context().run, args=(work,), name="question", daemon=True).start()
        self._made.add(made)
        try:
            while (step := await made.get()) is not None:
                if isinstance(step, BaseException):
                    raise step
                yield step
        finally:
            unwanted.set()
            self._made.discard(made)

    def close(self) -> None:
        """Ends what is being answered and what waits, each with a line for who asked; for a server that stops."""
        self._closed = True
        for made in self._made:
            made.put_nowait(Fault(*STOPPING))
        for _ in range(self.here):
            self._free.release()

    def _leave(self) -> None:
        self.here -= 1
        self._free.release()


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What the work gives; it is cancelled, and `HungUp` raised, when the client goes away before that."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working, leaving = asyncio.create_task(work), asyncio.create_task(gone())
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise HungUp
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def turn_of(steps: AsyncGenerator[Progress | Bit | Turn, None]) -> Turn:
    """The turn that steps end with."""
    async with aclosing(steps):
        async for step in steps:
            if isinstance(step, Turn):
                return step
    raise RuntimeError("an answer ended without a turn")


class EventStream(StreamingResponse):
    """Server-sent events; what makes them is closed when they end, in whatever way."""

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[str, None], **headers: str) -> None:
        super().__init__(events, headers={"cache-control": "no-store", "x-accel-buffering": "no", **headers})
        self._events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with aclosing(self._events):
            await super().__call__(scope, receive, send)
