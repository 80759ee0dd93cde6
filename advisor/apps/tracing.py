"""Traces for OpenTelemetry, where its extra is installed and an address is configured: a span a request, one within it a question.

They hold times, counts and kinds; no word of a question, no address, no name of a person or a conversation.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from typing import Any

from advisor.apps.faults import REQUEST
from advisor.apps.metrics import METHODS, Steps
from advisor.config import has_variable
from advisor.types import Turn

log = logging.getLogger(__name__)

ADDRESSES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")  # where to; OpenTelemetry reads them by itself
NEEDS = "opentelemetry.exporter.otlp.proto.http"
FAILED = 500  # the status from which a request counts as failed


def wanted() -> bool:
    """Whether the environment says where traces are sent."""
    return any(map(has_variable, ADDRESSES))


def possible() -> bool:
    """Whether the extra is installed."""
    try:
        return find_spec(NEEDS) is not None
    except ModuleNotFoundError:
        return False


class Tracer:
    """Sends spans in batches from a thread of its own; what cannot be delivered is dropped, and no request waits for it.

    The provider is ours alone: dependencies that trace themselves find the global one, which stays empty.
    """

    def __init__(self) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        self._provider = TracerProvider(resource=Resource.create({"service.name": "cmo-advisor"}), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("advisor")

    def span(self, name: str, **options: Any) -> Any:
        """A span in what is going on, to be used with `with`."""
        # Not with its exception, whose message may quote the question.
        return self._tracer.start_as_current_span(name, record_exception=False, set_status_on_exception=False, **options)

    def steps(self, steps: Steps) -> Steps:
        """The steps of an answer as they are; a span says how long each kind took and how it ended."""
        from opentelemetry.trace import Status, StatusCode

        # Not made the current span: the steps are taken by turns, and what runs between two is not part of this.
        span, ended = self._tracer.start_span("question"), False
        try:
            for step in steps:
                if isinstance(step, Turn):
                    span.set_attributes(told(step))
                    ended = True
                yield step
        except GeneratorExit:
            if not ended:  # who has the turn need not ask whether there is more
                span.set_attribute("advisor.outcome", "stopped")
            raise
        except Exception as error:
            span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            steps.close()
            span.end()

    def close(self) -> None:
        """Sends what is left."""
        self._provider.shutdown()


def told(turn: Turn) -> dict[str, str | int | float]:
    """What a span tells of a turn."""
    return {
        "advisor.outcome": turn.outcome,
        "advisor.model": turn.model or "",
        "advisor.passages": len(turn.passages),
        "advisor.citations": len(turn.answer.citations),
        "advisor.dropped": len(turn.dropped),
        "advisor.calls": turn.usage.get("calls", 0),
        **{f"advisor.seconds.{step}": seconds for step, seconds in turn.timings.items()},
    }


def open_tracer() -> Tracer | None:
    """Where traces are wanted and can be made; says in the log where the extra is missing."""
    if not wanted():
        return None
    if not possible():
        log.warning("%s is set, but traces need an extra. Run: pip install 'cmo-advisor[otel]'", next(filter(has_variable, ADDRESSES)))
        return None
    return Tracer()


class Traced:
    """Puts every request to an application into a span, part of the trace that its `traceparent` names."""

    def __init__(self, app: Any, tracer: Tracer, pattern: Callable[[str], str]) -> None:
        self.app, self.tracer, self.pattern = app, tracer, pattern

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        method, route = scope["method"] if scope["method"] in METHODS else "other", self.pattern(scope["path"])
        caller = dict(scope["headers"]).get(b"traceparent", b"").decode("latin-1")
        before = TraceContextTextMapPropagator().extract({"traceparent": caller})
        with self.tracer.span(f"{method} {route}", context=before, kind=SpanKind.SERVER) as span:
            span.set_attributes({"http.request.method": method, "http.route": route, "advisor.request": REQUEST.get()})

            async def watched(message: Any) -> None:
                if message["type"] == "http.response.start":
                    span.set_attribute("http.response.status_code", message["status"])
                    if message["status"] >= FAILED:
                        span.set_status(Status(StatusCode.ERROR))
                await send(message)

            await self.app(scope, receive, watched)
