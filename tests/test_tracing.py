"""Traces say how long a request and its question took, to whom the operator names, and nothing of what was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.client import HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from advisor.apps import tracing
from advisor.apps.metrics import Steps
from advisor.doctor import examine
from advisor.types import Answer, Draft, Progress, Turn
from tests.api_world import until
from tests.page_world import Server, serving

QUESTION = "Do I need an MBA to become a CMO?"
CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SET_BACK = 5_000_000  # ns: spans are stamped by the system's clock, which may be set back a little between two of them


class Collector(ThreadingHTTPServer):
    """Takes spans as OpenTelemetry's protocol sends them."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.spans: list[Any] = []
        self.raw = b""
        self.status = 200

    def named(self, name: str) -> Any:
        return next((span for span in list(self.spans) if span.name == name), None)


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        from gzip import decompress

        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        body = self.rfile.read(int(self.headers["content-length"]))
        body = decompress(body) if self.headers.get("content-encoding") == "gzip" else body
        self.server.raw += body
        request = ExportTraceServiceRequest.FromString(body)
        self.server.spans += [span for r in request.resource_spans for s in r.scope_spans for span in s.spans]
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with Collector() as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{running.server_port}")
        monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
        yield running
        running.shutdown()


def ask(server: Server, question: str, **headers: str) -> HTTPResponse:
    body = json.dumps({"question": question, "conversation": "told-to-nobody"}).encode()
    return server.get("/api/ask", "POST", body, content_type="application/json", **headers)


def values(span: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in span.attributes}


def test_a_question_is_a_span_within_its_request_in_the_trace_of_who_called(collector: Collector, hashed_home: Path) -> None:
    with serving(hashed_home, embedding_model="hashed") as server:
        server.wait()
        reply = ask(server, QUESTION, traceparent=CALLER)
        until(lambda: collector.named("question") and collector.named("POST /api/ask"))
    request, question = collector.named("POST /api/ask"), collector.named("question")
    assert request.trace_id.hex() == CALLER.split("-")[1] == question.trace_id.hex()
    assert request.parent_span_id.hex() == CALLER.split("-")[2]
    assert question.parent_span_id == request.span_id
    assert values(request) == {
        "http.request.method": "POST",
        "http.route": "/api/ask",
        "http.response.status_code": 200,
        "advisor.request": reply.getheader("x-request-id"),
    }
    told = values(question)
    assert told["advisor.outcome"] == json.loads(reply.text)["outcome"]  # type: ignore[attr-defined]
    assert told["advisor.passages"] > 0
    assert 0 < told["advisor.seconds.retrieve"] <= told["advisor.seconds.total"]
    assert question.start_time_unix_nano > request.start_time_unix_nano - SET_BACK
    assert question.start_time_unix_nano < question.end_time_unix_nano < request.end_time_unix_nano + SET_BACK
    assert b"MBA" not in collector.raw
    assert b"told-to-nobody" not in collector.raw


def test_a_conversation_in_an_address_and_a_fault_stay_out_of_traces(collector: Collector, hashed_home: Path) -> None:
    with serving(hashed_home, embedding_model="hashed") as server:
        server.wait()
        assert server.get("/api/conversations/told-to-nobody").status == 404
        assert ask(server, "told " * 2000).status == 422
        until(lambda: collector.named("GET /api/conversations/{ident}") and collector.named("POST /api/ask"))
    assert b"told" not in collector.raw


def test_answers_come_as_fast_and_as_well_where_nobody_takes_the_traces(collector: Collector, hashed_home: Path) -> None:
    collector.status = 500
    with serving(hashed_home, embedding_model="hashed") as server:
        server.wait()
        assert ask(server, QUESTION).status == 200
        assert server.stop() == 0


def test_nothing_is_traced_unless_an_address_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in tracing.ADDRESSES:
        monkeypatch.delenv(name, raising=False)
    assert tracing.open_tracer() is None


def test_a_missing_extra_is_said_and_the_advisor_runs_without_traces(
    collector: Collector, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, hashed_settings: Any
) -> None:
    def state() -> tuple[str, str]:
        return next((state, remedy) for what, state, remedy in examine(hashed_settings)[0] if what == "traces")

    assert state() == ("✓ sent by OpenTelemetry", "")
    monkeypatch.setattr(tracing, "NEEDS", "opentelemetry.exporter.missing.http")
    assert tracing.open_tracer() is None
    assert "OTEL_EXPORTER_OTLP_ENDPOINT is set, but traces need an extra. Run: pip install 'cmo-advisor[otel]'" in caplog.text
    assert state() == ("! wanted, but none are sent", "Run: pip install 'cmo-advisor[otel]'")


@pytest.mark.parametrize(("taken", "outcome"), [(1, "stopped"), (2, "answered")])
def test_who_leaves_before_the_turn_has_stopped_it_and_who_leaves_after_has_not(collector: Collector, taken: int, outcome: str) -> None:
    def steps() -> Steps:
        yield Progress("retrieve", "Searching")
        yield Turn("t", "c", QUESTION, "", (), Draft("answered"), Answer("Yes.", "answered"))

    tracer = tracing.Tracer()
    traced = tracer.steps(steps())
    for _ in range(taken):
        next(traced)
    traced.close()
    tracer.close()
    assert values(collector.named("question"))["advisor.outcome"] == outcome
