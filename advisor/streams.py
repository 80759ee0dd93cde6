"""OpenAI's streams, read in gulps: many answers written at once cost half of what they do token by token.

Its client makes objects of each token, of which LangChain makes others. With fifty chats that left the one thread that
reads all streams no time, and sentences came seconds late. Here the JSON is passed on as it came, to the same LangChain,
and the text that came together as one. Each event is taken to be one line of data, as every server writes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

PAUSE, LONGEST_PAUSE = 0.004, 0.08  # seconds between two readings of a stream, for each stream that is open, and at most
AWAKE = 1 / 8  # of a pause, after which the next one may come: what has come meanwhile is taken without one
DRAIN = 0.1  # seconds for what is behind the last event: a connection that was read to its end can be used again
DONE = "[DONE]"


class JsonCompletions:
    """What `ChatOpenAI` takes as its `async_client`: the client's own completions, streamed as dicts."""

    def __init__(self, completions: Any) -> None:
        self._completions = completions
        self.streams = 0  # that are open

    def __getattr__(self, name: str) -> Any:
        return getattr(self._completions, name)

    async def create(self, **asked: Any) -> Events:
        """Asks for a stream; raises what the client raises."""
        return Events(self, (await self._completions.with_raw_response.create(**asked)).http_response)


class Events:
    """The events of one response; the more streams are open, the longer between two readings of one."""

    def __init__(self, completions: JsonCompletions, response: Any) -> None:
        self._completions = completions
        self._response = response
        self._reading: asyncio.Task[None] | None = None
        response.encoding = "utf-8"  # which JSON is, whatever the server says of it

    async def __aenter__(self) -> Events:
        self._completions.streams += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self._completions.streams -= 1
        try:
            if self._reading is not None:
                # It has to have let go of the response before that is closed.
                self._reading.cancel()
                await asyncio.gather(self._reading, return_exceptions=True)
        finally:
            await self._response.aclose()

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        come, changed = list[dict[str, Any]](), asyncio.Event()
        self._reading = reading = asyncio.create_task(self._read(come, changed))
        reading.add_done_callback(lambda _: changed.set())
        done = False
        while not done:
            await changed.wait()
            changed.clear()
            done = reading.done()  # before the last is taken
            taken, come[:] = come[:], []
            for event in joined(taken):
                yield event
        reading.result()

    async def _read(self, come: list[dict[str, Any]], changed: asyncio.Event) -> None:
        """Puts events where they are waited for: those that came during a rest together, though a server may send each token as a piece."""
        clock = asyncio.get_running_loop().time
        rest, ending, rested = "", False, 0.0
        async with contextlib.aclosing(self._response.aiter_text()) as pieces:
            async for piece in pieces:
                *lines, rest = (rest + piece).split("\n")
                for data in _data(lines):
                    if data.startswith(DONE):
                        with contextlib.suppress(TimeoutError):
                            async with asyncio.timeout(DRAIN):
                                async for _ in pieces:
                                    pass
                        return
                    come.append(event := _parsed(data))
                    ending = ending or any(choice.get("finish_reason") for choice in event.get("choices") or ())
                changed.set()
                pause = min(LONGEST_PAUSE, PAUSE * self._completions.streams)
                # What comes behind the text says that it has ended, which is waited for.
                if not ending and clock() - rested >= pause * AWAKE:
                    await asyncio.sleep(pause)
                    rested = clock()
        come.extend(_parsed(data) for data in _data([rest]) if not data.startswith(DONE))


def joined(events: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The events in their order, those in a row that are nothing but text as one."""
    held: dict[str, Any] | None = None
    for event in events:
        if held is not None and _is_text(held) and _is_text(event):
            held["choices"][0]["delta"]["content"] += event["choices"][0]["delta"]["content"]
            continue
        if held is not None:
            yield held
        held = event
    if held is not None:
        yield held


def _data(lines: Iterable[str]) -> Iterator[str]:
    """The data of lines of server-sent events."""
    for line in lines:
        name, _, data = line.partition(":")
        if name == "data":
            yield data.strip()


def _parsed(data: str) -> dict[str, Any]:
    """The event that is written there; raises `ValueError` for what is none, and where it tells of a fault."""
    event = json.loads(data)
    if not isinstance(event, dict) or event.get("error"):
        raise ValueError("the stream tells of a fault, or holds what is no event")
    for choice in event.get("choices") or ():
        choice.setdefault("delta", None)  # Azure's filter sends choices without one, which LangChain stumbles over
    return event


def _is_text(event: dict[str, Any]) -> bool:
    """Whether an event is a bit of the one answer's text, and nothing else."""
    choices = list(event.get("choices") or [])
    if len(choices) != 1 or event.get("usage") or choices[0].get("finish_reason"):
        return False
    said = {name: value for name, value in (choices[0].get("delta") or {}).items() if value and name != "role"}
    return said.keys() == {"content"} and isinstance(said["content"], str)
