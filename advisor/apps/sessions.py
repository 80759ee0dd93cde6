"""What a browser shows to be known again: cookies that this server has signed, for visitors and for who has signed in."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import logging
import os
import re
import secrets
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from starlette.requests import Request

from advisor.errors import StorageError

log = logging.getLogger(__name__)

COOKIE = "advisor_visitor"
SESSION = "advisor_session"
YEAR = 31_536_000
FORTNIGHT = 1_209_600
_LENGTH = 32  # bytes of the secret
_VISITOR = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{64})")
_SIGNED_IN = re.compile(r"([A-Za-z0-9_-]{2,90})\.(\d{1,12})\.([0-9a-f]{64})")


class Cookies:
    """Makes and reads signed cookies; the secret is read when it is first needed."""

    def __init__(self, secret: Path, clock: Callable[[], float] = time.time) -> None:
        self._path, self._clock = secret, clock
        self._lock = threading.Lock()
        self._secret: bytes | None = None

    def visitor(self, cookie: str) -> str | None:
        """The id in a visitor's cookie, or None for one that we did not sign."""
        match = _VISITOR.fullmatch(cookie)
        return match[1] if match and hmac.compare_digest(self._signature(match[1]), match[2]) else None

    def new_visitor(self, request: Request) -> tuple[str, str]:
        """A new visitor's id, and the cookie that brings it back."""
        visitor = secrets.token_hex(16)
        return visitor, cookie_of(request, COOKIE, f"{visitor}.{self._signature(visitor)}", YEAR)

    def signed_in(self, cookie: str, stamp: Callable[[str], str | None]) -> str | None:
        """The name in a session's cookie; None for one that we did not sign, that is over, or that an older password opened."""
        match = _SIGNED_IN.fullmatch(cookie)
        if match is None or int(match[2]) < self._clock():
            return None
        name = _decoded(match[1])
        mark = stamp(name) if name else None
        return name if mark and hmac.compare_digest(self._session(name, match[2], mark), match[3]) else None

    def new_session(self, request: Request, name: str, stamp: str) -> str:
        """The cookie of somebody who has signed in."""
        until = str(int(self._clock()) + FORTNIGHT)
        coded = base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")
        return cookie_of(request, SESSION, f"{coded}.{until}.{self._session(name, until, stamp)}", FORTNIGHT)

    def _session(self, name: str, until: str, stamp: str) -> str:
        return self._signature(f"session\n{name}\n{until}\n{stamp}")  # a visitor's is of 32 digits only, so none serves as the other

    def _signature(self, words: str) -> str:
        with self._lock:
            if self._secret is None:
                self._secret = read_secret(self._path)
        return hmac.new(self._secret, words.encode(), hashlib.sha256).hexdigest()


def cookie_of(request: Request, name: str, value: str, seconds: int) -> str:
    """A cookie that no script reads and no other site sends; only over TLS where the browser has come by it."""
    # A browser names its page's scheme with whatever it posts; that host and page are one was checked before.
    secure = "; Secure" if request.headers.get("origin", "").startswith("https://") else ""
    return f"{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"


def _decoded(coded: str) -> str:
    try:
        return base64.urlsafe_b64decode(coded + "=" * (-len(coded) % 4)).decode()
    except ValueError:
        return ""


def read_secret(path: Path) -> bytes:
    """The random bytes at `path`, which only its owner may read; made where there are none yet, by one process once.

    In a home that cannot be written they last as long as the process. Raises `StorageError` for a file that is damaged.
    """
    try:
        if not path.exists():
            _make(path)
        secret = path.read_bytes()
        with contextlib.suppress(OSError):  # a home that can only be read
            path.chmod(0o600)
    except OSError as error:
        log.warning("%s cannot be kept (%s): visitors are known until the server stops", path, error.strerror)
        return secrets.token_bytes(_LENGTH)
    if len(secret) != _LENGTH:
        raise StorageError(f"{path} is damaged. Delete it; visitors' conversations can then no longer be opened by them.")
    return secret


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, scratch = tempfile.mkstemp(prefix="secret-", dir=path.parent)  # 0600 from the start
    try:
        os.write(handle, secrets.token_bytes(_LENGTH))
        os.fsync(handle)
        os.link(scratch, path)  # whole or not at all, and never over another's
    except FileExistsError:
        pass
    finally:
        os.close(handle)
        os.unlink(scratch)
