"""A call to a model ends, and ends truthfully, whatever its provider does."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from advisor.calls import MOST, Calls, ModelFault, tried
from advisor.config import Settings
from advisor.models import ChatModel, Delta, open_model
from tests.model_server import ModelServer, Reply

TRIALS = 25
GOOD = Reply(["Pay is ", "good [1]."])


def _model(url: str) -> ChatModel:
    made = open_model(Settings(model="openai:m", model_url=url, model_seconds=5))
    assert made is not None
    return made


@pytest.fixture(scope="module", autouse=True)
def _imported() -> None:
    """The first call of a process loads the provider's package, which takes seconds on a busy machine."""
    with ModelServer(lambda _: GOOD) as server:
        _write(Calls(_model(server.url), 60, 60))


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("advisor.calls.PAUSES", (0.05, 0.1))


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[int], Reply]], ModelServer]]:
    """Starts a server whose n-th reply is `replies(n)`."""
    running: list[ModelServer] = []

    def start(replies: Callable[[int], Reply]) -> ModelServer:
        server = ModelServer(lambda _: replies(len(server.requests)))
        running.append(server.__enter__())
        return server

    yield start
    for server in running:
        server.__exit__(None, None, None)


def _write(calls: Calls) -> str:
    return "".join(bit or "" for bit in calls.write("Be good.", "Pay?", longest=50))


FAULTS: dict[str, tuple[Reply | str, str, int]] = {
    "refused": ("http://127.0.0.1:9/v1", "refused", MOST),
    "no such host": ("http://no-such-host.invalid/v1", "dns", MOST),
    "certificate": ("https", "tls", 1),
    "401": (Reply(status=401), "key", 1),
    "429": (Reply(status=429), "limit", MOST),
    "429, wait a little": (Reply(status=429, headers={"retry-after": "0.2"}), "limit", MOST),
    "429, wait too long": (Reply(status=429, headers={"retry-after": "3600"}), "limit", 1),
    "500": (Reply(status=500), "server", MOST),
    "503": (Reply(status=503), "server", MOST),
    "silent": (Reply(fault="silent"), "silence", MOST),
    "silent within": (Reply(["Pay is "], "silent within"), "silence", 1),
    "reset": (Reply(["Pay is "], "reset"), "reset", 1),
    "truncated": (Reply(["Pay is "], "truncated"), "reset", 1),
    "no end": (Reply(["Pay is "], "no end"), "broken", 1),
    "malformed": (Reply(fault="malformed"), "malformed", MOST),
    "empty": (Reply(), "empty", MOST),
    "too long": (Reply(status=400, body='{"error": {"message": "maximum context length is 8 tokens"}}'), "length", 1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_ends_truthfully_within_three_calls(fault: str, serve: Callable[[Callable[[int], Reply]], ModelServer]) -> None:
    reply, kind, most = FAULTS[fault]
    server = serve(lambda _: reply if isinstance(reply, Reply) else GOOD)
    url = server.url if isinstance(reply, Reply) else server.url.replace("http:", "https:") if reply == "https" else reply
    model = _model(url)

    def trial(_: int) -> tuple[str, int, str]:
        # Long enough for a first word on a busy machine, where there is one.
        calls = Calls(model, seconds=8, silence={"silent": 1.0, "silent within": 3.0}.get(fault, 5))
        try:
            return "no fault", calls.made, _write(calls)
        except ModelFault as error:
            return error.kind, calls.made, str(error)

    with ThreadPoolExecutor(TRIALS) as pool:
        ends = list(pool.map(trial, range(TRIALS)))
    # A busy machine may be silent before it fails, or fail before the first word, and then the call is made again.
    others = {"dns": {"silence"}, "reset": {"silence"}}.get(kind, set())
    assert {found for found, _, _ in ends} <= {kind, *others}
    assert Counter(made for _, made, _ in ends).most_common(1)[0][0] == most
    assert max(made for _, made, _ in ends) <= MOST
    assert not [text for *_, text in ends if "secret" in text or not text]


def test_a_call_that_fails_before_its_first_word_is_made_again(serve: Callable[[Callable[[int], Reply]], ModelServer]) -> None:
    server = serve(lambda n: GOOD if n == MOST else Reply(status=503))
    calls = Calls(_model(server.url), 10, 5)
    assert _write(calls) == "Pay is good [1]."
    assert calls.usage == {"calls": 3, "input_tokens": 10, "output_tokens": 5}
    with pytest.raises(ModelFault, match="failed 3 times already"):
        _write(calls)


def test_the_time_for_all_calls_is_kept(serve: Callable[[Callable[[int], Reply]], ModelServer]) -> None:
    server = serve(lambda _: Reply(["word "] * 100, pause=0.1))
    started = time.monotonic()
    with pytest.raises(ModelFault, match=r"stayed silent|took too long"):
        _write(Calls(_model(server.url), seconds=0.6, silence=5))
    assert time.monotonic() - started < 3


def test_a_model_that_does_not_let_itself_be_interrupted_is_left_alone() -> None:
    class Deaf:
        name = "deaf"

        async def write(self, system: str, message: str, longest: int) -> object:
            time.sleep(2)
            yield

    started = time.monotonic()
    with pytest.raises(ModelFault, match="took too long"):
        _write(Calls(Deaf(), seconds=0.2, silence=5))  # type: ignore[arg-type]
    assert time.monotonic() - started < 1.5


def test_a_call_that_is_stopped_hangs_up(serve: Callable[[Callable[[int], Reply]], ModelServer]) -> None:
    server = serve(lambda _: Reply(["Pay is "], "silent within"))
    bits = Calls(_model(server.url), 10, 10).write("Be good.", "Pay?", longest=50)
    assert next(bit for bit in bits if bit) == "Pay is "
    bits.close()  # type: ignore[attr-defined]
    assert server.gone.wait(5)


class _Said:
    """A model that says these tokens, and then fails where it is told to."""

    name = "said"

    def __init__(self, tokens: list[str], fails: bool = False) -> None:
        self._tokens = tokens
        self._fails = fails

    async def write(self, system: str, message: str, longest: int) -> AsyncIterator[Delta]:
        for token in self._tokens:
            yield Delta(token)
        if self._fails:
            raise ConnectionResetError
        yield Delta(end="stop")


@pytest.mark.parametrize(
    ("tokens", "heard"),
    [
        (
            ["Pay ", "is ", "good", " [1]", ". ", "Hours ", "are ", "long", ".", " And", " more"],
            ["Pay ", "is good [1]", ". ", "Hours ", "are long.", " And", " more"],
        ),
        (
            ["Pay ", "is ", "good", ".", "【", "1", "】", " Hours", " are", " long."],
            ["Pay ", "is good.", "【", "1", "】", " Hours", " are long."],
        ),
        (["“Pay ", "is ", "good", ".", "”", " Hours", " are long."], ["“Pay ", "is good.", "”", " Hours", " are long."]),
    ],
)
def test_a_reader_is_woken_where_a_sentence_ends_and_by_what_shows_that_it_did(tokens: list[str], heard: list[str]) -> None:
    assert [bit for bit in Calls(_Said(tokens), 5, 5).write("", "", longest=50) if bit] == heard


def test_what_was_said_before_a_stream_broke_is_heard_before_its_fault() -> None:
    heard: list[str] = []
    with pytest.raises(ModelFault, match="lost the connection"):
        heard.extend(bit for bit in Calls(_Said(["Pay ", "is ", "good"], fails=True), 5, 5).write("", "", longest=50) if bit)
    assert "".join(heard) == "Pay is good"


def test_calls_at_once_do_not_wait_for_one_another(serve: Callable[[Callable[[int], Reply]], ModelServer]) -> None:
    together = threading.Barrier(4, timeout=10)

    def script(_: int) -> Reply:
        together.wait()
        return GOOD

    model = _model(serve(script).url)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: _write(Calls(model, 10, 5)), range(4))) == {"Pay is good [1]."}


def test_a_model_is_tried_with_one_small_question(serve: Callable[[Callable[[int], Reply]], ModelServer]) -> None:
    line, works = tried(_model(serve(lambda _: GOOD).url), 5, 5)
    assert works
    assert line.startswith("openai:m works: first words after ")
    line, works = tried(_model(serve(lambda _: Reply(status=401)).url), 5, 5)
    assert (line, works) == ("openai:m does not work. The model refused the key (401).", False)
