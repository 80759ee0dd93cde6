"""What the page asks of the server, without a browser."""

from __future__ import annotations

import http.client
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from advisor.apps.starters import GENERAL, STAGES, starters
from advisor.apps.warm import Warm
from advisor.config import Settings
from advisor.corpus import Corpus, questions_of
from tests.api_world import MBA, client, listening, opened, slow, until


@pytest.fixture(scope="module")
def warm(hashed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    return opened(hashed_home, tmp_path_factory.mktemp("page-api") / "home")


@pytest.fixture
def asker(warm: Warm) -> TestClient:
    return client(warm)


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line.removeprefix("data: ")) for line in text.split("\n\n") if line.startswith("data: ")]


def test_an_answer_comes_as_events_and_is_kept_for_its_visitor(asker: TestClient) -> None:
    reply = asker.post("/api/page/ask", json={"question": MBA, "conversation": "mine"})
    told = events(reply.text)
    assert told[0]["state"] == "working"
    assert told[-1]["state"] == "answered"
    kept = asker.get("/api/page/conversations/mine").json()
    assert (kept["title"], kept["turns"][0]["id"]) == (MBA, told[-1]["id"])


def test_what_cannot_be_asked_is_an_event_too(asker: TestClient) -> None:
    told = events(asker.post("/api/page/ask", json={"question": "?!", "conversation": "mine"}).text)
    assert told[-1]["state"] == "failed"
    assert "holds no words" in told[-1]["line"]


def test_who_hangs_up_stops_the_answer_which_is_kept_as_stopped(warm: Warm) -> None:
    waiting, answerer = slow(warm)
    with listening(waiting) as port:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        body = json.dumps({"question": MBA, "conversation": "stopped"})
        line.request("POST", "/api/page/ask", body, {"Content-Type": "application/json"})
        reply = line.getresponse()
        owner = "visitor:" + reply.headers["set-cookie"].partition("=")[2].partition(".")[0]
        assert answerer.begun.acquire(timeout=20)
        reply.close()
        line.close()
        assert answerer.closed.wait(20)
        store: Any = waiting.advisor().store
        until(lambda: [entry.status for entry in store.turns("stopped", owner)] == ["stopped"])


def test_the_status_is_told_before_the_advisor_is_open(tmp_path: Path, asker: TestClient) -> None:
    closed = client(Warm(Settings(home=tmp_path / "none", embedding_model="hashed"))).get("/api/status").json()
    assert (closed["ready"], closed["guides"], closed["version"]) == (False, 0, version("cmo-advisor"))
    told = asker.get("/api/status").json()
    assert told["ready"]
    assert told["guides"] >= 60
    assert told["passages"] >= 500
    assert told["indexed"].startswith("20")
    assert (told["answerer"], told["model"], told["documents"]) == ("quotes", None, True)


def test_a_guide_to_read_has_sections_and_one_that_is_not_there_is_404(asker: TestClient) -> None:
    guide = asker.get("/api/page/guides/management-degree").json()
    assert len(guide["sections"]) > 3
    assert all(section["html"].startswith("<") and section["sources"] for section in guide["sections"])
    assert asker.get("/api/page/guides/none").status_code == 404


# ---- questions to start with


@pytest.fixture(scope="module")
def held(shipped_corpus: Corpus) -> set[str]:
    return {q for guide in shipped_corpus.guidance for q in questions_of(guide)}


@pytest.mark.parametrize("question", [*GENERAL, *(q for _, _, chosen in STAGES for q in chosen)])
def test_every_question_to_start_with_is_one_that_the_guidance_lists(held: set[str], question: str) -> None:
    assert question in held


def test_there_are_questions_for_everybody_and_for_each_stage(warm: Warm) -> None:
    offered = starters(warm)
    assert offered["starters"] == list(GENERAL)
    assert [stage["name"] for stage in offered["stages"]] == [name for _, name, _ in STAGES]
    assert all(len(stage["questions"]) == 6 for stage in offered["stages"])
