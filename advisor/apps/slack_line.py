"""Calls to Slack's Web API: no faster than Slack allows, again where that can help, and never twice the same post."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from http.client import HTTPException
from typing import Any
from urllib.request import Request, urlopen

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

log = logging.getLogger(__name__)

GAP = 1.0  # seconds between two posts in a channel
PATIENCE = 120.0  # seconds that a call which must succeed is tried again for
_FAULTS = ("internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org")


class Refused(Exception):
    """Slack has understood a call and refuses it; `args[0]` is its name for the reason."""


class Unreachable(Exception):
    """Slack could not be reached in time, or did not say what became of a call."""


class Line:
    """A workspace's Web API, for many threads at once.

    Posts in one channel queue up, a second apart; after a 429 every call of that kind waits as long as Slack says.
    """

    def __init__(self, client: WebClient, *, gap: float = GAP, patience: float = PATIENCE) -> None:
        self.client = client
        self.gap = gap
        self.patience = patience
        self.closed = threading.Event()
        self._lock = threading.Lock()
        self._free: dict[str, float] = defaultdict(float)  # when the next post in a channel is due
        self._held: dict[str, float] = defaultdict(float)  # until when a kind of call has to wait

    def call(self, method: str, given: dict[str, Any], *, again: bool = True, form: bool = False) -> dict[str, Any]:
        """Calls a method and gives what Slack returns; raises `Refused` or `Unreachable`.

        Without `again` it is tried once and at once, or not at all while Slack wants to be left alone.
        """
        return self._until_done(method, method, given, again=again, form=form)

    def post(
        self, method: str, given: dict[str, Any], found: Callable[[], dict[str, Any] | None] | None = None, *, again: bool = True
    ) -> dict[str, Any]:
        """Posts in a channel when it is its turn; `found` looks whether a post that Slack was silent on is there."""
        channel = str(given["channel"])
        with self._lock:
            due = max(self._free[channel], time.monotonic())
            self._free[channel] = due + self.gap
        self._sleep(due - time.monotonic())
        return self._until_done(method, f"{method} {channel}", given, again=again, found=found)

    def upload(self, url: str, content: bytes) -> None:
        """Sends the bytes of a file to the address that Slack gave for it; raises `Unreachable`."""
        if not url.startswith(("https://", "http://")):
            raise Unreachable("upload: Slack gave no address")
        try:
            with urlopen(Request(url, content, {"content-type": "application/octet-stream"}), timeout=60) as reply:
                reply.read()
        except (OSError, HTTPException, ValueError) as error:
            raise Unreachable(f"upload: {type(error).__name__}") from None

    def _until_done(
        self,
        method: str,
        kind: str,
        given: dict[str, Any],
        *,
        again: bool,
        form: bool = False,
        found: Callable[[], dict[str, Any] | None] | None = None,
    ) -> dict[str, Any]:
        until = time.monotonic() + self.patience
        pause = 0.25
        while True:
            wait = self._held[kind] - time.monotonic()
            if wait > 0:
                if not again or time.monotonic() + wait > until:
                    raise Unreachable(f"{method}: Slack asks to wait")
                self._sleep(wait)
            try:
                done = self.client.api_call(method, params=given) if form else self.client.api_call(method, json=given)
                data = done.data
                return data if isinstance(data, dict) else {}
            except SlackApiError as error:
                status, reason = error.response.status_code, _reason(error)
                if status == 429 or reason in ("ratelimited", "rate_limited"):
                    self._held[kind] = time.monotonic() + _retry_after(error)
                    continue
                if status < 500 and reason not in _FAULTS and re.fullmatch(r"\w+", reason):
                    raise Refused(reason) from None
                why = f"{method}: {status} {reason}"
            except (OSError, HTTPException, SlackClientError, ValueError) as error:
                why = f"{method}: {type(error).__name__}"
            log.info("Slack did not answer, %s", why)
            if not again or time.monotonic() + pause > until or self.closed.is_set():
                raise Unreachable(why)
            self._sleep(pause)
            pause = min(pause * 2, 10.0)
            if found is not None and (there := found()) is not None:
                return there

    def _sleep(self, seconds: float) -> None:
        if seconds > 0 and self.closed.wait(seconds):
            raise Unreachable("the advisor is stopping")


def _reason(error: SlackApiError) -> str:
    data = error.response.data
    return str(data.get("error", "unknown")) if isinstance(data, dict) else "unreadable"


def _retry_after(error: SlackApiError) -> float:
    headers = {str(k).lower(): v for k, v in (error.response.headers or {}).items()}
    value = headers.get("retry-after", "1")
    try:
        return max(float(value[0] if isinstance(value, list) else value), 0.05)
    except ValueError:
        return 1.0
