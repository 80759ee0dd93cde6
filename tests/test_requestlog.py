"""One line a request, with the id that who asked was told, and none of their words."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from advisor.apps import requestlog
from advisor.apps.warm import Warm
from advisor.config import Settings
from advisor.keys import open_keys
from tests.api_world import client, opened
from tests.test_access import _with


@pytest.fixture(scope="module")
def warm(hashed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    return opened(hashed_home, tmp_path_factory.mktemp("requestlog") / "home")


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Any]:
    with caplog.at_level(logging.INFO, "advisor.requests"):
        yield lambda: [json.loads(r.getMessage()) for r in caplog.records if r.name == "advisor.requests"]


def test_a_request_is_one_line_without_the_words_of_who_asked(warm: Warm, lines: Any) -> None:
    keys = open_keys(warm.settings)
    secret = keys.create("xylophone-key")
    keys.close()
    asker = client(warm, authorization=f"Bearer {secret}")
    asker.post("/api/ask", json={"question": "What does a xylophone earn?", "conversation": "xylophone"})
    asker.get("/api/conversations?search=xylophone")
    asker.request("XYLOPHONE", "/xylophone")
    told = lines()
    assert [(line["method"], line["route"], line["status"], line["asker"]) for line in told] == [
        ("POST", "/api/ask", 200, "key"), ("GET", "/api/conversations", 200, "key"), ("other", "other", 405, "nobody"),
    ]  # fmt: skip
    assert set(told[0]) == {"at", "id", "method", "route", "status", "ms", "asker"}
    assert "xylophone" not in json.dumps(told)
    assert secret not in json.dumps(told)


@pytest.mark.parametrize(
    ("method", "path", "settings"),
    [("GET", "/api/conversations/none", {}), ("GET", "/api/nothing", {}), ("GET", "/api/guides", {"access": "sign-in"})],
)
def test_the_id_that_is_told_with_an_error_is_that_of_the_line(warm: Warm, lines: Any, method: str, path: str, settings: Any) -> None:
    reply = client(_with(warm, **settings)).request(method, path)
    ident = reply.json()["error"]["id"]
    assert re.fullmatch(r"[0-9a-f]{12}", ident)
    assert [line["id"] for line in lines()] == [ident]
    assert reply.headers["x-request-id"] == ident


@pytest.mark.parametrize("stream", [False, True])
def test_questions_are_written_only_where_a_setting_wants_them(warm: Warm, lines: Any, stream: bool) -> None:
    client(_with(warm, log_questions=True)).post("/api/ask", json={"question": "What does a xylophone earn?", "stream": stream})
    said, line = lines()
    assert (said["question"], said["id"]) == ("What does a xylophone earn?", line["id"])


def test_nothing_is_written_where_it_is_switched_off() -> None:
    requestlog.switch_on(Settings(log_requests=False))
    assert not requestlog.log.handlers
