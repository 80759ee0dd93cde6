"""Who asks: the owner of a key, a visitor by a signed cookie, or nobody yet."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import logging
import os
import re
import secrets
import tempfile
import threading
from pathlib import Path

from starlette.requests import Request

from advisor.apps.faults import Fault
from advisor.config import Settings
from advisor.errors import StorageError
from advisor.keys import KeyStore, open_keys

log = logging.getLogger(__name__)

COOKIE = "advisor_visitor"
YEAR = 31_536_000
_LENGTH = 32  # bytes of the secret
_VISITOR = re.compile(r"([0-9a-f]{32})\.([0-9a-f]{64})")


class Owners:
    """Tells by a request whose conversations it may see; the cookies' secret and the keys are read when first needed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = threading.Lock()
        self._secret: bytes | None = None
        self._keys: KeyStore | None = None

    def of(self, request: Request) -> str | None:
        """`key:NAME`, `visitor:ID`, or None; raises `Fault` (401) for a key that is none: it is never taken for a visitor."""
        given = request.headers.get("authorization")
        if given is not None:
            kind, _, secret = given.partition(" ")
            owner = self.keys.owner(secret.strip()) if kind.lower() == "bearer" else None
            if owner is None:
                raise Fault(
                    401,
                    "key",
                    "This key is not known or was revoked.",
                    "Send one made by `advisor keys create NAME` as `Authorization: Bearer KEY`, or none.",
                    www_authenticate="Bearer",
                )
            return owner
        match = _VISITOR.fullmatch(request.cookies.get(COOKIE, ""))
        if match is None or not hmac.compare_digest(self._signature(match[1]), match[2]):
            return None
        return f"visitor:{match[1]}"

    def welcome(self, request: Request) -> tuple[str, dict[str, str]]:
        """The owner of what is asked now, and the headers that let a new visitor come back as the same."""
        owner = self.of(request)
        if owner is not None:
            return owner, {}
        visitor = secrets.token_hex(16)
        cookie = f"{COOKIE}={visitor}.{self._signature(visitor)}; Path=/; Max-Age={YEAR}; HttpOnly; SameSite=Strict"
        return f"visitor:{visitor}", {"set-cookie": cookie}

    @property
    def keys(self) -> KeyStore:
        with self._lock:
            if self._keys is None:
                self._keys = open_keys(self.settings)
            return self._keys

    def _signature(self, visitor: str) -> str:
        with self._lock:
            if self._secret is None:
                self._secret = read_secret(self.settings.home / "secret")
        return hmac.new(self._secret, visitor.encode(), hashlib.sha256).hexdigest()


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
