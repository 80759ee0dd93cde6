"""Calls to a chat model within limits: at most three a turn, a time for all of them, and an end that is always known."""

from __future__ import annotations

import asyncio
import logging
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import replace
from functools import lru_cache
from typing import Any

from advisor.models import ChatModel, Delta

log = logging.getLogger(__name__)

MOST = 3  # calls in one turn, whatever fails
BEAT = 0.25  # seconds between signs of life, at each of which a turn can be stopped
PAUSES = (0.4, 1.2)  # before the second and the third call, unless the provider names a time

_ENDING = re.compile(r"[.!?…\]】\n]")  # behind which a sentence may be whole
_TOO_LONG = ("context length", "context_length", "too long", "maximum context", "too many tokens", "context window", "exceeds the context")


class ModelFault(Exception):
    """A call failed; the message ends a sentence that begins with "The model"."""

    def __init__(self, kind: str, message: str, *, again: bool = False, after: float = 0.0) -> None:
        super().__init__(message)
        self.kind = kind
        self.again = again
        self.after = after


class Calls:
    """One turn's calls: counted, timed, and ended when the turn is."""

    def __init__(self, model: ChatModel, seconds: float, silence: float) -> None:
        self._model = model
        self._ends = time.monotonic() + seconds
        self._silence = silence
        self.made = 0
        self.ended = ""  # why the last call ended: stop, length, or what its provider calls it
        self.tokens = [0, 0]

    @property
    def usage(self) -> dict[str, int]:
        return {"calls": self.made, "input_tokens": self.tokens[0], "output_tokens": self.tokens[1]}

    def write(self, system: str, message: str, *, longest: int, within: float | None = None) -> Iterator[str | None]:
        """The model's text bit by bit; None is a sign of life while there is none.

        A call that fails before its first word is made again where that can help. Raises `ModelFault`
        when no more calls are left, the time is up, or a stream breaks off.
        """
        ends = min(self._ends, time.monotonic() + within) if within else self._ends
        while True:
            begun = False
            try:
                for bit in self._once(system, message, longest, ends):
                    begun = begun or bool(bit)
                    yield bit
                if not begun:
                    raise ModelFault("empty", "gave an empty answer", again=True)
                return
            except ModelFault as fault:
                log.warning("call %d to %s failed: %s", self.made, self._model.name, fault.kind)
                pause = fault.after or PAUSES[min(self.made, len(PAUSES)) - 1]
                if begun or not fault.again or self.made >= MOST or time.monotonic() + pause >= ends:
                    raise
                yield from _rest(pause)

    def _once(self, system: str, message: str, longest: int, ends: float) -> Iterator[str | None]:
        if self.made >= MOST:
            raise ModelFault("calls", f"had failed {MOST} times already")
        self.made += 1
        said: queue.SimpleQueue[Delta | BaseException] = queue.SimpleQueue()
        call = _started(self._listen(said, system, message, longest, ends))
        try:
            while True:
                try:
                    heard = said.get(timeout=BEAT)
                except queue.Empty:
                    # For a model that does not let itself be interrupted.
                    if time.monotonic() > ends + 2 * BEAT:
                        raise ModelFault("time", "took too long") from None
                    yield None
                    continue
                if isinstance(heard, BaseException):
                    raise fault_of(heard) from heard
                self.tokens = [self.tokens[0] + heard.usage[0], self.tokens[1] + heard.usage[1]]
                if heard.text:
                    yield heard.text
                if heard.end == "broken":
                    raise ModelFault("broken", "broke off", again=True)
                if heard.end:
                    self.ended = heard.end
                    return
        finally:
            call.cancel()

    async def _listen(self, said: queue.SimpleQueue[Delta | BaseException], system: str, message: str, longest: int, ends: float) -> None:
        clock = asyncio.get_running_loop().time
        offset = clock() - time.monotonic()
        held, due = "", True
        try:
            async with asyncio.timeout_at(min(clock() + self._silence, ends + offset)) as limit:
                async for delta in self._model.write(system, message, longest):
                    limit.reschedule(min(clock() + self._silence, ends + offset))
                    held += delta.text
                    # Whoever reads is woken where a sentence may end, and by what comes right behind it, which shows that
                    # it did; woken at every token, many answers at once took turns so often that all of them came late.
                    ending = _ENDING.search(held) is not None
                    if delta.end or any(delta.usage) or (held and (due or ending)):
                        said.put(replace(delta, text=held))
                        due = ending or (due and not any(c.isalnum() for c in held))
                        held = ""
                if held:
                    said.put(Delta(held))
        except Exception as error:
            said.put(Delta(held))
            said.put(error)


def tried(model: ChatModel, seconds: float, silence: float) -> tuple[str, bool]:
    """One small question to a model: a line on how it went, and whether it did."""
    calls, started, first = Calls(model, seconds, silence), time.monotonic(), 0.0
    try:
        for bit in calls.write("Answer in one word.", "Which colour is a clear sky by day?", longest=20):
            first = first or (time.monotonic() - started if bit else 0.0)
    except ModelFault as fault:
        return f"{model.name} does not work. The model {fault}.", False
    return f"{model.name} works: first words after {first:.1f} s, {calls.tokens[0]} tokens read, {calls.tokens[1]} written.", True


def _rest(seconds: float) -> Iterator[None]:
    ends = time.monotonic() + seconds
    while (left := ends - time.monotonic()) > 0:
        yield None
        time.sleep(min(BEAT, left))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and all that led to it, once each."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def fault_of(error: BaseException) -> ModelFault:
    """What a provider's error means for us, in plain words that hold nothing the provider wrote."""
    if isinstance(error, ModelFault):
        return error
    causes = list(_causes(error))
    status = next((s for e in causes if isinstance(s := getattr(e, "status_code", None), int)), 0)
    if status:
        return _answered(status, error, causes)
    if any(isinstance(e, ssl.SSLError) or "CERTIFICATE_VERIFY" in str(e) for e in causes):
        return ModelFault("tls", "could not be reached safely: its certificate does not hold")
    if any(isinstance(e, socket.gaierror) or "name resolution" in str(e) or "Name or service" in str(e) for e in causes):
        return ModelFault("dns", "could not be found: its host name leads nowhere", again=True)
    if any(isinstance(e, ConnectionRefusedError) for e in causes):
        return ModelFault("refused", "could not be reached: the connection was refused", again=True)
    if any(isinstance(e, TimeoutError) or "Timeout" in type(e).__name__ for e in causes):
        return ModelFault("silence", "stayed silent for too long", again=True)
    if any(_is_connection(e) for e in causes):
        return ModelFault("reset", "lost the connection", again=True)
    log.debug("a model failed in an unknown way", exc_info=error)
    return ModelFault("malformed", "sent what could not be read", again=True)


def _is_connection(error: BaseException) -> bool:
    return isinstance(error, ConnectionError) or type(error).__name__ in (
        "APIConnectionError", "ConnectError", "ReadError", "RemoteProtocolError", "WriteError",
    )  # fmt: skip


def _answered(status: int, error: BaseException, causes: list[BaseException]) -> ModelFault:
    if status in (400, 413, 422) and any(sign in str(e).casefold() for e in causes for sign in _TOO_LONG):
        return ModelFault("length", "cannot read that much at once")
    if status in (401, 403):
        return ModelFault("key", f"refused the key ({status})")
    if status == 404:
        return ModelFault("name", "is not known to its provider (404)")
    if status == 429:
        return ModelFault("limit", "is over its limit of requests (429)", again=True, after=_retry_after(causes))
    if status >= 500:
        return ModelFault("server", f"had a fault of its own ({status})", again=True, after=_retry_after(causes))
    return ModelFault("request", f"refused the request ({status})")


def _retry_after(causes: list[BaseException]) -> float:
    """The seconds a provider asks us to wait; 0 where it names none that can be read."""
    for error in causes:
        headers = getattr(getattr(error, "response", None), "headers", None)
        try:
            return max(0.0, float(headers["retry-after"])) if headers and "retry-after" in headers else 0.0
        except ValueError:
            return 0.0
    return 0.0


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    """One event loop in a thread of its own: a call that waits there can be cancelled from anywhere."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="model-calls", daemon=True).start()
    return loop


def _started(work: Coroutine[Any, Any, None]) -> Future[None]:
    return asyncio.run_coroutine_threadsafe(work, _loop())
