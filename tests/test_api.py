"""The HTTP interface: questions and their streams, conversations, guidance, faults, counts."""

from __future__ import annotations

import asyncio
import gc
import http.client
import json
import logging
import re
import shutil
import socket
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from advisor.apps.desk import Desk
from advisor.apps.shield import LARGEST_JSON
from advisor.apps.warm import Warm
from advisor.chats import ChatStore
from advisor.config import Settings
from advisor.forgetful import ForgetfulStore
from advisor.types import Bit, Progress
from tests.api_world import MBA, client, listening, opened, slow, until
from tests.chat_world import turn
from tests.model_server import ModelServer, Reply
from tests.page_world import serving


@pytest.fixture(scope="module")
def warm(hashed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    return opened(hashed_home, tmp_path_factory.mktemp("api") / "home")


@pytest.fixture
def asker(warm: Warm) -> TestClient:
    return client(warm)


def events(text: str) -> list[tuple[str, Any]]:
    """The events of a stream, without signs of life."""
    blocks = [b for b in text.split("\n\n") if b and not b.startswith(":")]
    return [(b.split("\n")[0].removeprefix("event: "), json.loads(b.split("\n", 1)[1].removeprefix("data: "))) for b in blocks]


def error(reply: Any, status: int) -> dict[str, str]:
    """What a refusal says; it has all that it should, and nothing that it should not."""
    assert reply.status_code == status, reply.text
    told: dict[str, str] = reply.json()["error"]
    assert {"what", "why", "remedy", "id"} <= set(told)
    assert told["why"].endswith(".")
    assert re.fullmatch(r"[0-9a-f]{12}", told["id"])
    assert "Traceback" not in reply.text
    return told


# ---- questions


def test_a_question_is_answered_with_the_json_of_its_turn(asker: TestClient) -> None:
    turn = asker.post("/api/ask", json={"question": MBA}).json()
    assert turn["outcome"] == "answered"
    assert len(turn["citations"]) >= 3
    for citation in turn["citations"]:
        guide = asker.get(f"/api/guides/{citation['document']['id']}").json()
        assert guide["text"][citation["start"] : citation["end"]] == citation["quote"]
    assert asker.post("/api/ask", json={"question": "What is the best pizza in Rome?"}).json()["outcome"] == "declined"


def test_a_stream_gives_progress_then_sentences_that_are_the_text_then_the_turn(asker: TestClient) -> None:
    reply = asker.post("/api/ask", json={"question": MBA, "stream": True})
    assert reply.headers["content-type"].startswith("text/event-stream")
    told = events(reply.text)
    names = [name for name, _ in told]
    assert names == sorted(names), "progress, sentence, turn"
    assert names.count("turn") == 1
    turn = told[-1][1]
    assert "".join(said["text"] for name, said in told if name == "sentence") == turn["text"]
    assert {"stage", "message"} == set(told[0][1])


def test_a_follow_up_leans_on_its_conversation_and_on_no_others(asker: TestClient, warm: Warm) -> None:
    first = asker.post("/api/ask", json={"question": MBA}).json()
    second = asker.post("/api/ask", json={"question": "And why?", "conversation": first["conversation"]}).json()
    assert second["conversation"] == first["conversation"]
    assert second["query"] != "And why?"
    other = client(warm).post("/api/ask", json={"question": "And why?", "conversation": first["conversation"]}).json()
    assert other["query"] == "And why?"


@pytest.mark.parametrize("stream", [False, True])
def test_who_hangs_up_ends_the_question_and_what_was_asked_is_kept_as_stopped(warm: Warm, stream: bool) -> None:
    waiting, answerer = slow(warm)
    with listening(waiting) as port:
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        question = f"Will this be {'streamed' if stream else 'whole'}?"
        body = json.dumps({"question": question, "stream": stream, "conversation": f"hung-up-{stream}"})
        asking.request("POST", "/api/ask", body, {"content-type": "application/json"})
        assert answerer.begun.acquire(timeout=20)
        if stream:
            assert asking.getresponse().readline() == b"event: progress\n"
        asking.sock.shutdown(socket.SHUT_RDWR)
        assert answerer.closed.wait(20)
        chats = waiting.advisor().store
        assert isinstance(chats, ChatStore)
        with chats.engine.connect() as connection:
            query = "SELECT status FROM turns WHERE question = ?"
            until(lambda: connection.exec_driver_sql(query, (question,)).scalar_one() == "stopped")
    until(lambda: 'advisor_questions_total{outcome="stopped"} 1' in waiting.metrics.text())
    assert "advisor_questions_running 0" in waiting.metrics.text()


def test_who_hangs_up_ends_the_call_to_the_model(hashed_home: Path, tmp_path: Path) -> None:
    with ModelServer(lambda _: Reply(["A management degree is strongly "], fault="silent within")) as model:
        warm = opened(hashed_home, tmp_path / "home", model="openai:any", model_url=model.url)
        with listening(warm) as port:
            asking = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
            asking.request("POST", "/api/ask", json.dumps({"question": MBA}), {"content-type": "application/json"})
            until(lambda: model.requests)
            asking.sock.shutdown(socket.SHUT_RDWR)
            assert model.gone.wait(20)


def test_ctrl_c_ends_an_open_stream_with_a_line_and_keeps_its_turn_as_stopped(hashed_home: Path, tmp_path: Path) -> None:
    shutil.copytree(hashed_home, tmp_path / "home")
    with ModelServer(lambda _: Reply(["A management degree is strongly "], fault="silent within")) as model:
        names = {"embedding_model": "hashed", "model": "openai:any", "model_url": model.url}
        with serving(tmp_path / "home", **names) as server:
            server.wait()
            asking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
            asking.request("POST", "/api/ask", json.dumps({"question": MBA, "stream": True}), {"content-type": "application/json"})
            reply = asking.getresponse()
            until(lambda: model.requests)
            assert server.stop() == 0
            name, told = events(reply.read().decode())[-1]
            assert (name, told["why"]) == ("error", "The advisor is stopping.")
        assert not any("Traceback" in line for line in server.lines)
    with sqlite3.connect(tmp_path / "home" / "advisor.db") as database:
        assert database.execute("SELECT status FROM turns ORDER BY created DESC").fetchone() == ("stopped",)


def test_a_full_queue_says_when_to_ask_again(warm: Warm) -> None:
    waiting, answerer = slow(warm)
    asker = client(waiting, Desk(at_once=2, waiting=1))
    with asker:
        replies: list[Any] = []
        ask = lambda: replies.append(asker.post("/api/ask", json={"question": "Is there room?"}))  # noqa: E731
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        until(lambda: "advisor_questions_running 3" in waiting.metrics.text())
        full = asker.post("/api/ask", json={"question": "Is there room?"})
        assert error(full, 503)["what"] == "queue"
        assert int(full.headers["retry-after"]) > 0
        assert answerer.begun.acquire(timeout=20)
        assert answerer.begun.acquire(timeout=20)
        assert not answerer.begun.acquire(timeout=0.1), "two are answered at once, the third waits"
        answerer.go.set()
        for thread in threads:
            thread.join(20)
        assert [reply.json()["text"] for reply in replies] == ["Done."] * 3
        assert asker.post("/api/ask", json={"question": "Is there room now?"}).status_code == 200


def test_whoever_waits_for_a_whole_answer_is_woken_once() -> None:
    done = turn("Why?")
    steps: list[Any] = [Progress("draft", "Reading"), Bit("Because."), done]

    async def heard(*, whole: bool) -> list[Any]:
        return [step async for step in Desk().answer(lambda: (step for step in steps), whole=whole)]

    assert asyncio.run(heard(whole=True)) == [done]
    assert asyncio.run(heard(whole=False)) == steps


def test_what_was_opened_is_not_looked_through_again_for_what_can_go(hashed_home: Path) -> None:
    gc.unfreeze()
    warm = Warm(Settings(home=hashed_home, embedding_model="hashed", auto_index=False))
    try:
        list(warm.wait())
        until(lambda: gc.get_freeze_count() > 10_000)
    finally:
        warm.close()
        gc.unfreeze()


# ---- what cannot be served

BAD = [
    (b"", 422), (b"{", 400), (b"[]", 422), (b"null", 422), (b'"text"', 422), (b"\xff\xfe", 400), (b'{"question": 1}', 422),
    (b'{"question": null}', 422), (b'{"question": ""}', 422), (b'{"question": "?!"}', 422), (b'{"question": "\\ud800"}', 422),
    (b'{"question": "Why?", "conversation": "../x"}', 422), (b'{"question": "Why?", "conversation": ""}', 422),
    (b'{"question": "Why?", "stream": "yes"}', 422), (b'{"question": "Why?", "owner": "other"}', 422), (b"[" * 60_000, 400),
    (b'{"question": %d}' % 10**4000, 422), (b'{"question": "' + b"why " * 2000 + b'"}', 422),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status"), BAD, ids=range(len(BAD)))
@pytest.mark.parametrize("stream", [False, True])
def test_what_is_no_question_is_turned_down_with_the_remedy(asker: TestClient, body: bytes, status: int, stream: bool) -> None:
    if stream:
        body = body.replace(b'{"question"', b'{"stream": true, "question"')
    error(asker.post("/api/ask", content=body, headers={"content-type": "application/json"}), status)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/api/ask", {"content-type": "text/plain"}, 415),
        ("POST", "/api/ask", {}, 415),
        ("POST", "/api/ask", {"content-type": "application/json", "content-length": "65537"}, 413),
        ("POST", "/api/ask", {"content-type": "application/json", "origin": "http://outside.test"}, 403),
        ("POST", "/api/ask", {"content-type": "application/json", "origin": "null"}, 403),
        ("POST", "/api/ask", {"content-type": "application/json", "sec-fetch-site": "cross-site"}, 403),
        ("POST", "/api/ask", {"content-type": "application/json", "sec-fetch-site": "same-site"}, 403),
        ("DELETE", "/api/conversations", {"sec-fetch-site": "cross-site"}, 403),
        ("GET", "/api/conversations", {"sec-fetch-site": "cross-site"}, 403),
        ("GET", "/api/conversations", {"host": "outside.test"}, 421),
        ("GET", "/api/ask", {}, 405),
        ("PUT", "/api/conversations", {}, 405),
        ("HEAD", "/api/conversations", {}, 405),
        ("OPTIONS", "/api/ask", {}, 405),
        ("GET", "/api/nothing", {}, 404),
        ("GET", "/api/conversations/a/b", {}, 404),
        ("GET", "/api/conversations?limit=0", {}, 422),
        ("GET", "/api/conversations?limit=x", {}, 422),
        ("GET", "/api/conversations?before=x", {}, 422),
        ("GET", "/api/search", {}, 422),
        ("GET", "/api/search?q=%3F", {}, 422),
        ("GET", "/api/guides/../secret", {}, 404),
        ("GET", "/api/guides/%2e%2e/%2e%2e/secret", {}, 404),
        ("GET", "/v1/nothing", {}, 404),
    ],
)
def test_what_may_not_pass_does_not(asker: TestClient, method: str, path: str, headers: dict[str, str], status: int) -> None:
    reply = asker.request(method, path, content=b"{}" if "content-length" not in headers else b"x", headers=headers)
    if method == "HEAD":
        assert reply.status_code == status
    else:
        error(reply, status)


def test_a_body_that_does_not_say_how_long_it_is_is_not_read_to_its_end(warm: Warm) -> None:
    with listening(warm) as port:
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        asking.putrequest("POST", "/api/ask")
        asking.putheader("content-type", "application/json")
        asking.putheader("transfer-encoding", "chunked")
        asking.endheaders()
        for _ in range(LARGEST_JSON // 10_000 + 1):
            asking.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        reply = asking.getresponse()  # the end is never sent
        assert (reply.status, json.loads(reply.read())["error"]["what"]) == (413, "body")


def test_a_fault_of_ours_is_an_id_that_the_log_has_without_the_question(
    warm: Warm, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    class Broken(ForgetfulStore):
        def begin(self, conversation: str, question: str, owner: str = "") -> Any:
            raise ValueError(f"cannot keep {question!r}")

    broken = Warm(warm.settings, replace(warm.advisor(), store=Broken()))
    asker = client(broken)
    with caplog.at_level(logging.DEBUG):
        for stream in (False, True):
            told = error(asker.post("/api/ask", json={"question": "Is xylophone secret?", "stream": stream}), 500)
            assert told["id"] in caplog.text
            assert "ValueError" not in str(told)
        asker.post("/api/ask", json={"question": "xylophone " * 500})
        asker.post("/api/ask", json={"question": "Why?", "xylophone": 1})
        asker.get("/api/guides/xylophone")
        asker.get("/api/search?q=xylophone&limit=xylophone")
    logged = "\n".join(record.getMessage() for record in caplog.records if not record.name.startswith("httpx"))
    assert "ValueError" in logged
    assert "in begin" in logged
    assert "xylophone" not in logged + "".join(capfd.readouterr())
    assert 'advisor_questions_total{outcome="error"} 2' in broken.metrics.text()


def test_an_error_after_the_first_event_is_an_event(warm: Warm) -> None:
    waiting, answerer = slow(warm)
    answerer.draft = lambda *_: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    told = events(client(waiting).post("/api/ask", json={"question": MBA, "stream": True}).text)
    assert told[-1][0] == "error"
    assert set(told[-1][1]) == {"what", "why", "remedy", "id"}


def test_before_the_advisor_is_open_everything_that_needs_it_says_so(tmp_path: Path) -> None:
    warm = Warm(Settings(home=tmp_path / "none", embedding_model="hashed", auto_index=False))
    asker = client(warm)
    assert asker.get("/healthz").status_code == 200
    assert asker.get("/readyz").status_code == 503
    assert asker.post("/api/ask", json={"question": MBA}).headers["retry-after"] == "5"
    until(lambda: warm.error)
    assert "advisor index" in error(asker.get("/api/guides"), 503)["remedy"]
    warm.close()


# ---- conversations


def test_conversations_are_listed_page_by_page_searched_renamed_and_deleted(asker: TestClient) -> None:
    questions = [MBA, "What does a VPMA do?", "How much does a CMO earn?"]
    names = [asker.post("/api/ask", json={"question": q}).json()["conversation"] for q in questions]
    first = asker.get("/api/conversations?limit=2").json()
    rest = asker.get("/api/conversations", params={"limit": 2, "before": first["next"]}).json()
    assert [c["id"] for c in first["conversations"] + rest["conversations"]] == names[::-1]
    assert rest["next"] is None
    found = asker.get("/api/conversations?search=vpma DO").json()["conversations"]
    assert [c["id"] for c in found] == [names[1]]
    renamed = asker.patch(f"/api/conversations/{names[0]}", json={"title": "Degrees"})
    assert renamed.json()["title"] == "Degrees"
    error(asker.patch(f"/api/conversations/{names[0]}", json={"title": " "}), 422)
    shown = asker.get(f"/api/conversations/{names[0]}").json()
    assert (shown["title"], [t["question"] for t in shown["turns"]]) == ("Degrees", [MBA])
    assert shown["turns"][0]["status"] == "done"
    error(asker.get(f"/api/conversations/{names[0][:8]}"), 404)
    assert asker.delete(f"/api/conversations/{names[0]}").json() == {"deleted": 1}
    error(asker.get(f"/api/conversations/{names[0]}"), 404)
    assert asker.delete("/api/conversations").json() == {"deleted": 2}
    assert asker.get("/api/conversations").json() == {"conversations": [], "next": None}


@pytest.mark.parametrize(("form", "kind", "holds"), [("md", "text/markdown", "# "), ("html", "text/html", "<!"), ("json", "json", "{")])
def test_a_conversation_can_be_taken_along(asker: TestClient, form: str, kind: str, holds: str) -> None:
    name = asker.post("/api/ask", json={"question": MBA}).json()["conversation"]
    reply = asker.get(f"/api/conversations/{name}/export?form={form}")
    assert kind in reply.headers["content-type"]
    assert reply.headers["content-disposition"].startswith("attachment")
    assert reply.text.startswith(holds)
    assert MBA in reply.text
    error(asker.get(f"/api/conversations/{name}/export?form=exe"), 422)


def test_feedback_is_noted_and_taken_back(asker: TestClient) -> None:
    turn = asker.post("/api/ask", json={"question": MBA}).json()
    thumb = lambda: asker.get(f"/api/conversations/{turn['conversation']}").json()["turns"][0]["feedback"]  # noqa: E731
    asker.post(f"/api/turns/{turn['id']}/feedback", json={"thumb": -1, "reason": "Too long"})
    assert thumb() == {"thumb": -1, "reason": "Too long"}
    asker.post(f"/api/turns/{turn['id']}/feedback", json={"thumb": 0})
    assert thumb() is None
    for body in ({"thumb": 2}, {"thumb": True}, {"thumb": "1"}, {}, {"thumb": 1, "reason": "x" * 2001}):
        error(asker.post(f"/api/turns/{turn['id']}/feedback", json=body), 422)
    error(asker.post("/api/turns/none/feedback", json={"thumb": 1}), 404)


def test_where_nothing_can_be_kept_conversations_say_so_and_questions_are_answered(warm: Warm) -> None:
    forgetful = Warm(warm.settings, replace(warm.advisor(), store=ForgetfulStore()))
    asker = client(forgetful)
    assert asker.post("/api/ask", json={"question": MBA}).status_code == 200
    assert error(asker.get("/api/conversations"), 503)["what"] == "conversations"


# ---- guidance


def test_guidance_is_searched_listed_and_read(asker: TestClient) -> None:
    found = asker.get("/api/search", params={"q": MBA, "limit": 3}).json()
    assert len(found["passages"]) == 3
    best = found["passages"][0]
    assert best["score"] >= found["passages"][2]["score"]
    guide = asker.get(f"/api/guides/{best['document']['id']}").json()
    assert guide["text"][best["start"] : best["end"]] == best["text"]
    listed = asker.get("/api/guides").json()["guides"]
    assert {"id", "title", "url", "words", "summary", "stage", "settings"} == set(listed[0])
    assert best["document"]["id"] in {g["id"] for g in listed}
    error(asker.get("/api/guides/none"), 404)


# ---- counts and descriptions


def test_what_is_counted_holds_nothing_that_a_user_wrote(hashed_home: Path, tmp_path: Path) -> None:
    asker = client(opened(hashed_home, tmp_path / "home"))
    asker.post("/api/ask", json={"question": "What does a xylophone earn?", "conversation": "xylophone"})
    asker.post("/api/ask", json={"question": "xylophone " * 900})
    for method, path in [("GET", "/api/conversations/xylophone"), ("GET", "/api/guides/xylophone"), ("XYLOPHONE", "/api/ask")]:
        asker.request(method, path)
    asker.get("/xylophone?xylophone")
    text = asker.get("/metrics").text
    assert "xylophone" not in text.lower()
    assert 'advisor_http_requests_total{route="/api/ask",method="POST",status="200"} 1' in text
    assert 'advisor_http_requests_total{route="/api/ask",method="POST",status="422"} 1' in text
    assert 'advisor_http_requests_total{route="/api/ask",method="other",status="405"} 1' in text
    assert 'advisor_http_requests_total{route="other",method="GET",status="404"} 1' in text
    assert 'advisor_http_request_seconds_bucket{route="/api/ask",le="+Inf"} 3' in text
    assert 'advisor_http_request_seconds_count{route="/api/ask"} 3' in text
    assert re.search(r'advisor_questions_total\{outcome="(answered|declined)"\} 1', text)
    assert 'advisor_questions_total{outcome="refused"} 1' in text
    assert "advisor_model_calls_total 0" in text
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) .+|\w+(\{\w+="[^"]*"(,\w+="[^"]*")*\})? [\d.e+-]+', line), line


def test_the_reference_needs_no_script_and_no_other_host(asker: TestClient) -> None:
    page = asker.get("/docs").text
    assert "/api/conversations/{ident}" in page
    assert not re.search(r"<script|<link|<img|https?://|@import|url\(", page)
    made = asker.get("/openapi.json").json()
    assert made["paths"]["/api/ask"]["post"]["requestBody"]
    assert set(made["components"]["securitySchemes"]) == {"key", "visitor"}


@pytest.mark.parametrize("path", ["/api/guides", "/api/nothing", "/docs", "/metrics", "/v1/models"])
def test_every_reply_carries_the_security_headers(asker: TestClient, path: str) -> None:
    headers = asker.get(path).headers
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers.get("access-control-allow-origin") is None
    assert headers.get("cache-control") == "no-store" or path == "/api/nothing"


@pytest.fixture(autouse=True)
def _no_thread_is_left(warm: Warm) -> Iterator[None]:
    yield
    until(lambda: not [t for t in threading.enumerate() if t.name == "question"])
