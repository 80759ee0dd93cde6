"""How often who may ask: counted per owner, per address and for all together, by the library `limits`."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from typing import TypeVar

from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerMinute
from limits.storage import storage_from_string
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter, RateLimiter

from advisor.apps.faults import Fault
from advisor.config import Settings
from advisor.errors import SettingsError

log = logging.getLogger(__name__)
T = TypeVar("T")

UPLOADS = 10  # a minute, of one owner, and from one address
SIGN_INS = 10  # in five minutes, from one address
SIGN_INS_OF_ONE = 30  # in five minutes, for one name
NO_STORE = ("The counts of questions cannot be reached.", "See that the server of ADVISOR_RATE_STORE runs.")


class Rates:
    """Counts what was asked, and says when to come again; raises `Fault` (429) for what is too much."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        try:
            store = storage_from_string(settings.rate_store)
        except Exception as error:  # the library has a kind of error for each thing that may be wrong with an address
            raise SettingsError(
                f"ADVISOR_RATE_STORE cannot be used ({type(error).__name__}). Write memory://, or redis://HOST:PORT "
                "after: pip install 'cmo-advisor[redis]'"
            ) from None
        self._sliding: RateLimiter = MovingWindowRateLimiter(store)
        self._fixed: RateLimiter = FixedWindowRateLimiter(store)

    def question(self, owner: str | None, address: str) -> None:
        """Counts one question; who is not known by a key or a sign-in is counted by their address as well."""
        s = self.settings
        known = owner is not None and not owner.startswith("visitor:")
        minute, day = RateLimitItemPerMinute, RateLimitItemPerDay
        if not known:
            self._take(self._sliding, minute, s.rate_address, "questions a minute from one address", "address", address)
        if owner is not None:
            self._take(self._sliding, minute, s.rate_minute, "questions a minute", "minute", owner)
            self._take(self._fixed, day, s.rate_day, "questions a day", "day", owner)
        if s.model:
            self._take(self._fixed, day, s.rate_model_day, "questions a day for all together", "model", "all")

    def upload(self, owner: str | None, address: str) -> None:
        """Counts one document that is sent: to read one costs far more than a question."""
        for who in filter(None, (owner, address if owner is None or owner.startswith("visitor:") else None)):
            self._take(self._sliding, RateLimitItemPerMinute, UPLOADS, "documents a minute", "upload", who)

    def sign_in(self, name: str, address: str) -> None:
        """Counts one attempt to sign in, before the password is looked at."""
        what = "attempts to sign in within five minutes"
        five = lambda amount: RateLimitItemPerMinute(amount, 5)  # noqa: E731
        self._take(self._sliding, five, SIGN_INS, what, "sign-in", address)
        self._take(self._sliding, five, SIGN_INS_OF_ONE, what, "sign-in-as", name)

    def _take(self, limiter: RateLimiter, kind: Callable[[int], RateLimitItem], most: int, what: str, *place: str) -> None:
        if not most:
            return
        item = kind(most)
        if not _counted(lambda: limiter.hit(item, *place)):
            again = math.ceil(_counted(lambda: limiter.get_window_stats(item, *place)).reset_time - time.time())
            wait = max(1, again)
            raise Fault(429, "rate", f"{most} {what} are the most.", f"Come again in {_spoken(wait)}.", retry_after=str(wait))


def _counted(work: Callable[[], T]) -> T:
    try:
        return work()
    except Exception as error:  # whatever the client of a server raises: nobody is let past a limit for it
        log.error("the counts of ADVISOR_RATE_STORE cannot be reached (%s)", type(error).__name__)
        raise Fault(503, "rate", *NO_STORE, retry_after="5") from None


def _spoken(seconds: int) -> str:
    if seconds < 120:
        return f"{seconds} second{'' if seconds == 1 else 's'}"
    minutes = math.ceil(seconds / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{math.ceil(minutes / 60)} hours"
