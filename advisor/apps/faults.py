"""What is said when a request cannot be served: one JSON object with an id that the log has too, and no traceback."""

from __future__ import annotations

import json
import logging
import traceback
import uuid
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from advisor.errors import AdvisorError, IndexUnavailable, QuestionError, StorageError, UnknownConversation, UnknownDocument

log = logging.getLogger(__name__)
REQUEST: ContextVar[str] = ContextVar("request", default="")  # the id of the request that is being served
AGAIN = "5"  # seconds after which it may be worth asking again
WHATS = {
    400: "request",
    401: "key",
    403: "origin",
    404: "address",
    405: "method",
    408: "body",
    413: "body",
    415: "content-type",
    421: "host",
    422: "request",
    429: "rate",
    503: "advisor",
}
OURS = ("Something went wrong in the advisor itself.", "Ask again; the log has the error under this id.")


class Fault(Exception):
    """A request that is turned down: `what` names the thing, `why` the fault, `remedy` what to do about it."""

    def __init__(self, status: int, what: str, why: str, remedy: str, **headers: str) -> None:
        super().__init__(f"{why} {remedy}")
        self.status, self.what, self.why, self.remedy = status, what, why, remedy
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.id = REQUEST.get() or uuid.uuid4().hex[:12]


def fault_of(error: BaseException) -> Fault:
    """An error as what is said of it; what we did not foresee says nothing of itself."""
    if isinstance(error, Fault):
        return error
    if isinstance(error, QuestionError):
        return Fault(422, "question", *parted(str(error)))
    if isinstance(error, UnknownConversation):
        return Fault(404, "conversation", "There is no such conversation or turn of yours.", "List them with: GET /api/conversations")
    if isinstance(error, UnknownDocument):
        return Fault(404, "document", *parted(str(error)))
    if isinstance(error, (StorageError, IndexUnavailable)):
        what = "storage" if isinstance(error, StorageError) else "index"
        return Fault(503, what, *parted(str(error)), retry_after=AGAIN)
    if isinstance(error, AdvisorError):
        return Fault(503, "setting", *parted(str(error)))
    return Fault(500, "advisor", *OURS)


def parted(line: str) -> tuple[str, str]:
    """One of our lines as the fault and, its last sentence, the remedy."""
    why, full_stop, remedy = line.rpartition(". ")
    return (why + ".", remedy) if full_stop else (line, "")


def noted(error: BaseException, method: str, route: str) -> Fault:
    """The fault of an error, written to the log under its id: without the words of who asked."""
    fault = fault_of(error)
    log.warning("error %s: %s %s gave %d (%s)", fault.id, method, route, fault.status, fault.what)
    if fault.status == 500:  # where it happened, but not the message: it may quote the question
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error("error %s is a %s:\n%s", fault.id, type(error).__name__, frames.rstrip())
    return fault


def said(fault: Fault, path: str = "/api") -> dict[str, Any]:
    """The JSON of a fault; under /v1 with the fields that OpenAI's clients look for, too."""
    told: dict[str, Any] = {"what": fault.what, "why": fault.why, "remedy": fault.remedy, "id": fault.id}
    if path.startswith("/v1/"):
        kind = "server_error" if fault.status >= 500 else "invalid_request_error"
        told |= {"message": str(fault), "type": kind, "code": fault.what, "param": None}
    return {"error": told}


def body_of(fault: Fault, path: str = "/api") -> bytes:
    return json.dumps(said(fault, path), ensure_ascii=False).encode("utf-8", "replace")


def invalid(problems: Sequence[Any]) -> Fault:
    """What is wrong with the first field that does not hold; its value is not repeated."""
    problem = problems[0] if problems else {}
    place = ".".join(str(part) for part in problem.get("loc", ())[1:]) or "body"
    if problem.get("type") == "json_invalid":
        return Fault(400, "body", "The body is not JSON.", "Send one JSON object in UTF-8.")
    why = str(problem.get("msg", "cannot be used")).removeprefix("Value error, ")
    return Fault(422, "request", f"{_safe(place)}: {why}.", "See /docs for what this route takes.")


def _safe(place: str) -> str:
    return "".join(c for c in place if c.isprintable())[:80]
