"""Streams of OpenAI's protocol, read in gulps: nothing is lost, and a fault that is told of within is one."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from advisor.streams import LONGEST_PAUSE, JsonCompletions, joined

HELD_OPEN = "held open"
DONE = "data: [DONE]\n\n"


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"role": "assistant", "content": said}, "finish_reason": None, **more}]}


class Response:
    """What was read of a response, piece by piece."""

    def __init__(self, *pieces: str) -> None:
        self._pieces = pieces
        self.closed = self.read = False
        self.encoding = ""
        self.http_response = self

    async def aiter_text(self) -> AsyncIterator[str]:
        assert self.encoding == "utf-8"
        self.read = True
        try:
            for piece in self._pieces:
                if piece == HELD_OPEN:
                    await asyncio.sleep(60)
                yield piece
        finally:
            self.read = False

    async def aclose(self) -> None:
        assert not self.read, "it is closed while somebody reads it"
        self.closed = True


class Client:
    """Stands for the client's completions: each request gets the response."""

    parse = "the client's own"

    def __init__(self, response: Response) -> None:
        self._response = response
        self.with_raw_response = self

    async def create(self, **asked: Any) -> Response:
        return self._response


def read(*pieces: str) -> list[dict[str, Any]]:
    response = Response(*pieces)
    completions = JsonCompletions(Client(response))

    async def all_of_it() -> list[dict[str, Any]]:
        async with await completions.create(stream=True) as events:
            assert completions.streams == 1
            return [event async for event in events]

    try:
        return asyncio.run(all_of_it())
    finally:
        assert response.closed
        assert completions.streams == 0


def sent(*events: dict[str, Any]) -> str:
    return "".join(f"data: {json.dumps(event)}\n\n" for event in events)


def test_bits_that_were_read_together_are_one() -> None:
    found = read(sent(text("Pay "), text("is ")), sent(text("good.")))
    assert [event["choices"][0]["delta"]["content"] for event in found] == ["Pay is ", "good."]


def test_an_event_that_was_cut_between_two_readings_is_whole() -> None:
    whole = sent(text("Pay is good."))
    assert read(whole[:30], whole[30:]) == [text("Pay is good.")]


@pytest.mark.parametrize("before", ["", ": a comment\n\n", "event: x\r\nid: 1\r\n"])
def test_a_last_event_without_a_line_behind_it_is_read(before: str) -> None:
    assert read(before + sent(text("Good.")).rstrip()) == [text("Good.")]


@pytest.mark.parametrize("done", [DONE, "data:[DONE]\r\n\r\n"])
def test_nothing_is_read_or_waited_for_behind_the_end(done: str) -> None:
    begun = time.monotonic()
    assert read(sent(text("Good.")), done + "data: }{\n\n", "data: }{\n\n", HELD_OPEN) == [text("Good.")]
    assert time.monotonic() - begun < 10


def test_who_stops_reading_lets_go_of_the_response_before_it_is_closed() -> None:
    response = Response(sent(text("Good.")), HELD_OPEN)

    async def some_of_it() -> None:
        async with await JsonCompletions(Client(response)).create() as events:
            async for _ in events:
                return

    asyncio.run(some_of_it())
    assert response.closed


def test_what_is_not_streamed_is_the_client_s_own() -> None:
    assert JsonCompletions(Client(Response())).parse == "the client's own"


def test_a_choice_without_a_delta_is_one_with_none() -> None:
    assert read(sent({"choices": [{"index": 0, "finish_reason": None}]})) == [
        {"choices": [{"index": 0, "finish_reason": None, "delta": None}]}
    ]


@pytest.mark.parametrize(
    "other",
    [
        text("", finish_reason="stop"),
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}},
        {**text("more"), "usage": {"prompt_tokens": 3}},
        {"choices": [{"index": 0, "delta": {"content": "", "tool_calls": [{"id": "x"}]}}]},
        {"choices": [{"index": 0, "delta": {"content": None}}]},
    ],
)
def test_what_is_more_than_text_stays_an_event_of_its_own(other: dict[str, Any]) -> None:
    assert list(joined([text("Pay "), other, text("is"), text(" good")])) == [text("Pay "), other, text("is good")]


@pytest.mark.parametrize("fault", ['data: {"error": {"message": "overloaded"}}\n\n', "data: }{\n\n", "data: 7\n\n"])
@pytest.mark.parametrize("at_once", [True, False])
def test_what_came_before_a_fault_within_a_stream_comes_before_it(fault: str, at_once: bool) -> None:
    pieces = [sent(text("Pay ")), fault]
    found: list[dict[str, Any]] = []

    async def all_of_it() -> None:
        async with await JsonCompletions(Client(Response(*(["".join(pieces)] if at_once else pieces)))).create() as events:
            async for event in events:
                found.append(event)

    with pytest.raises(ValueError):
        asyncio.run(all_of_it())
    assert found == [text("Pay ")]


@pytest.mark.parametrize("opening", [text(""), {"choices": [], "prompt_filter_results": []}])
def test_the_more_streams_are_open_the_longer_between_two_readings(opening: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    slept = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await slept(seconds)

    monkeypatch.setattr("advisor.streams.asyncio.sleep", sleep)

    async def one(streams: int) -> None:
        # Twenty tokens that have come already, each as a piece of its own, and what tells of their end.
        pieces = [sent(event) for event in (opening, *[text("Pay ")] * 20, text("", finish_reason="stop"), text(""))]
        completions = JsonCompletions(Client(Response(*pieces)))
        completions.streams = streams
        async with await completions.create() as events:
            async for _ in events:
                pass

    asyncio.run(one(4))
    # A rest behind the first piece; all others have come meanwhile, and behind the end nothing is waited for.
    assert set(pauses) == {0.02}
    assert len(pauses) <= 2
    pauses.clear()
    asyncio.run(one(999))
    assert pauses == [LONGEST_PAUSE]
