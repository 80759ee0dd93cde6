"""Counts for Prometheus: requests, questions and model calls. No label holds anything that a user wrote."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Generator
from typing import Any

from advisor.errors import QuestionError
from advisor.types import Bit, Progress, Turn

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
METHODS = ("GET", "HEAD", "POST", "PATCH", "DELETE")
GONE = 499  # what is noted of a client that hung up before it was answered
_HELP = {
    "advisor_http_requests_total": ("counter", "Requests by route, method and status."),
    "advisor_http_request_seconds": ("histogram", "Seconds from a request to the end of its reply."),
    "advisor_questions_total": ("counter", "Questions by what became of them."),
    "advisor_model_calls_total": ("counter", "Calls to the chat model."),
    "advisor_questions_running": ("gauge", "Questions that are being answered or wait for it, over HTTP."),
}
Labels = tuple[tuple[str, str], ...]
Steps = Generator[Progress | Bit | Turn, None, None]


class Metrics:
    """Counts since the process started; any thread may count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, Labels], float] = defaultdict(float)
        self.running: Callable[[], int] = lambda: 0
        self._counts["advisor_model_calls_total", ()] = 0

    def add(self, name: str, amount: float = 1, **labels: str) -> None:
        with self._lock:
            self._counts[name, tuple(labels.items())] += amount

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one request; `route` is a pattern of ours, never the address that was asked for."""
        method = method if method in METHODS else "other"
        self.add("advisor_http_requests_total", route=route, method=method, status=str(status))
        name = "advisor_http_request_seconds"
        for limit in BUCKETS:
            self.add(f"{name}_bucket", float(seconds <= limit), route=route, le=f"{limit:g}")
        self.add(f"{name}_bucket", route=route, le="+Inf")
        self.add(f"{name}_sum", seconds, route=route)
        self.add(f"{name}_count", route=route)

    def counted(self, steps: Steps) -> Steps:
        """The steps of an answer as they are; what becomes of it is counted."""
        outcome = "error"
        try:
            for step in steps:
                if isinstance(step, Turn):
                    outcome = step.outcome
                    self.add("advisor_model_calls_total", step.usage.get("calls", 0))
                yield step
        except GeneratorExit:
            outcome = "stopped" if outcome == "error" else outcome
            raise
        except QuestionError:
            outcome = "refused"
            raise
        finally:
            steps.close()
            self.add("advisor_questions_total", outcome=outcome)

    def text(self) -> str:
        """All of it in Prometheus' text format."""
        with self._lock:
            counts = dict(self._counts)
        counts["advisor_questions_running", ()] = self.running()
        lines: list[str] = []
        for family, (kind, what) in _HELP.items():
            lines += [f"# HELP {family} {what}", f"# TYPE {family} {kind}"]
            endings = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
            for (name, labels), value in counts.items():
                if name in [family + ending for ending in endings]:
                    marks = ",".join(f'{key}="{mark}"' for key, mark in labels)
                    lines.append(f"{name}{'{' + marks + '}' if marks else ''} {value:g}")
        return "\n".join(lines) + "\n"


class Observed:
    """Counts every request to an application by the pattern of its route."""

    def __init__(self, app: Any, metrics: Metrics, pattern: Callable[[str], str]) -> None:
        self.app, self.metrics, self.pattern = app, metrics, pattern

    async def __call__(self, scope: Any, receive: Any, send: Callable[[Any], Awaitable[None]]) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), GONE

        async def watched(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watched)
        finally:
            self.metrics.request(self.pattern(scope["path"]), scope["method"], status, time.perf_counter() - started)
