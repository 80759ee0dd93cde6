"""Who asks: the owner of a key, who has signed in, a visitor by a signed cookie, or nobody yet."""

from __future__ import annotations

import hmac
import threading

from starlette.requests import Request

from advisor.apps.faults import Fault
from advisor.apps.sessions import COOKIE, SESSION, Cookies
from advisor.config import Settings
from advisor.keys import KeyStore, open_keys
from advisor.users import UserStore, owner_of

PROXY_SECRET = "x-proxy-secret"
LONGEST_NAME = 100  # characters of a name that a proxy gives
NOTED = "advisor.owner"  # in a request's scope, once it is known who asks


class Owners:
    """Tells by a request whose conversations it may see; the cookies' secret and the keys are read when first needed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cookies = Cookies(settings.home / "secret")
        self._lock = threading.Lock()
        self._keys: KeyStore | None = None

    def of(self, request: Request) -> str | None:
        """`key:NAME`, `user:NAME`, `visitor:ID`, or None; raises `Fault` (401) for a key that is none: it is never taken for a visitor."""
        if NOTED not in request.scope:
            request.scope[NOTED] = self._found(request)
        found: str | None = request.scope[NOTED]
        return found

    def _found(self, request: Request) -> str | None:
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
        if self.settings.access == "proxy":
            return self._named_by_proxy(request)
        name = self.cookies.signed_in(request.cookies.get(SESSION, ""), lambda name: self.users.stamp(name))
        if name is not None:
            return owner_of(name)
        visitor = self.cookies.visitor(request.cookies.get(COOKIE, ""))
        return None if visitor is None else f"visitor:{visitor}"

    def welcome(self, request: Request) -> tuple[str, dict[str, str]]:
        """The owner of what is asked now, and the headers that let a new visitor come back as the same."""
        owner = self.of(request)
        if owner is not None:
            return owner, {}
        visitor, cookie = self.cookies.new_visitor(request)
        return f"visitor:{visitor}", {"set-cookie": cookie}

    def address(self, request: Request) -> str:
        """The network that a request comes from; a proxy's word for it counts where it sends its secret."""
        address = request.client.host if request.client else ""
        if self.from_proxy(request):
            address = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip() or address
        # Whoever has one address of the new kind has a whole network of them.
        return ":".join(address.split(":")[:4]) if address.count(":") > 1 and "." not in address else address[:64]

    def from_proxy(self, request: Request) -> bool:
        """Whether a request carries the secret of the proxy."""
        secret = self.settings.proxy_secret.get_secret_value()
        return bool(secret) and hmac.compare_digest(request.headers.get(PROXY_SECRET, "").encode(), secret.encode())

    def _named_by_proxy(self, request: Request) -> str | None:
        name = request.headers.get(self.settings.proxy_header, "").strip().lower() if self.from_proxy(request) else ""
        return owner_of(name) if name and name.isprintable() and len(name) <= LONGEST_NAME else None

    @property
    def keys(self) -> KeyStore:
        with self._lock:
            if self._keys is None:
                self._keys = open_keys(self.settings)
            return self._keys

    @property
    def users(self) -> UserStore:
        return UserStore(self.keys.engine)
