"""Streams of OpenAI's protocol, read in gulps: nothing is lost, and a fault that is told of within is one."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from advisor.streams import LONGEST_PAUSE, Completions, joined


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"role": "assistant", "content": said}, "finish_reason": None, **more}]}


class Response:
    """What was read of a response, piece by piece."""

    def __init__(self, *pieces: str) -> None:
        self._pieces = pieces
        self.closed = False
        self.http_response = self

    async def aiter_text(self) -> AsyncIterator[str]:
        for piece in self._pieces:
            yield piece

    async def aclose(self) -> None:
        self.closed = True


class Client:
    """Stands for the client's completions: each request gets the response."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self.with_raw_response = self

    async def create(self, **asked: Any) -> Response:
        return self._response


def read(*pieces: str) -> list[dict[str, Any]]:
    response = Response(*pieces)
    completions = Completions(Client(response))

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


@pytest.mark.parametrize("ending", ["data: [DONE]\n\n", "data:[DONE]\r\n\r\n", "", ": a comment\n\n"])
def test_a_last_event_without_a_line_behind_it_is_read(ending: str) -> None:
    assert read(ending + sent(text("Good.")).rstrip()) == [text("Good.")]


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
def test_a_fault_within_a_stream_is_one(fault: str) -> None:
    with pytest.raises(ValueError):
        read(sent(text("Pay ")), fault)


def test_the_more_streams_are_open_the_longer_between_two_readings(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def slept(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("advisor.streams.asyncio.sleep", slept)
    completions = Completions(Client(Response(sent(text("Pay")), sent(text("", finish_reason="stop")))))

    async def one() -> None:
        async with await completions.create() as events:
            async for _ in events:
                pass

    asyncio.run(one())
    completions.streams = 999
    asyncio.run(one())
    # Nothing is waited for behind the end.
    assert pauses == [pytest.approx(0.004), 0.0, LONGEST_PAUSE, 0.0]
