"""OpenAI's streams, read in gulps: many answers written at once cost less than half of what they do token by token.

Its client makes objects of each token, of which LangChain makes others. With fifty chats that left the one thread that
reads all streams no time, and sentences came seconds late. Here the JSON is passed on as it came, to the same LangChain,
the bits that were read together as one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

PAUSE, LONGEST_PAUSE = 0.004, 0.08  # seconds between two readings of a stream, for each stream that is open, and at most


class Completions:
    """What `ChatOpenAI` takes as its `async_client`: the client's own completions, streamed as dicts."""

    def __init__(self, completions: Any) -> None:
        self._completions = completions
        self.streams = 0  # that are open

    async def create(self, **asked: Any) -> Events:
        """Asks for a stream; raises what the client raises."""
        return Events(self, (await self._completions.with_raw_response.create(**asked)).http_response)


class Events:
    """The events of one response; the more streams are open, the longer between two readings of one."""

    def __init__(self, completions: Completions, response: Any) -> None:
        self._completions = completions
        self._response = response

    async def __aenter__(self) -> Events:
        self._completions.streams += 1
        return self

    async def __aexit__(self, *_: object) -> None:
        self._completions.streams -= 1
        await self._response.aclose()

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        rest, ending = "", False
        async for read in self._response.aiter_text():
            *lines, rest = (rest + read).split("\n")
            for event in joined(_parsed(lines)):
                ending = ending or not _is_text(event)
                yield event
            # What comes behind the text says that it has ended, which is waited for.
            await asyncio.sleep(0.0 if ending else min(LONGEST_PAUSE, PAUSE * self._completions.streams))
        for event in _parsed([rest]):
            yield event


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


def _parsed(lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The JSON of lines of server-sent events; raises `ValueError` for what is none, and where it tells of a fault."""
    for line in lines:
        name, _, data = line.partition(":")
        if name != "data" or data.strip() == "[DONE]":
            continue
        event = json.loads(data)
        if not isinstance(event, dict) or event.get("error"):
            raise ValueError("the stream tells of a fault, or holds what is no event")
        yield event


def _is_text(event: dict[str, Any]) -> bool:
    """Whether an event is a bit of the one answer's text, and nothing else."""
    choices = list(event.get("choices") or [])
    if len(choices) != 1 or event.get("usage") or choices[0].get("finish_reason"):
        return False
    said = {name: value for name, value in (choices[0].get("delta") or {}).items() if value and name != "role"}
    return said.keys() == {"content"} and isinstance(said["content"], str)
