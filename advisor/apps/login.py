"""The page to sign in at: one form, no script, and a cookie for whoever has the password."""

from __future__ import annotations

import asyncio
import html
from urllib.parse import parse_qs

from fastapi import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from advisor.apps.faults import Fault
from advisor.apps.owners import Owners
from advisor.apps.rates import Rates
from advisor.apps.routes import Route
from advisor.apps.sessions import SESSION, cookie_of

FORM = "application/x-www-form-urlencoded"
LARGEST = 8192  # bytes of the form
_FIELDS = {"type": "object", "required": ["name", "password"], "properties": {f: {"type": "string"} for f in ("name", "password")}}
_BODY = {"requestBody": {"required": True, "content": {FORM: {"schema": _FIELDS}}}}
WRONG = "This name and password do not fit."
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Sign in · CMO Advisor</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="referrer" content="same-origin">
<link rel="icon" type="image/svg+xml" href="/page/icon.svg"><style>
:root { color-scheme: light dark; --line: #8886; --ink: CanvasText; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1rem/1.5 system-ui, sans-serif; }
main { width: min(20rem, calc(100vw - 3rem)); } h1 { font-size: 1.375rem; font-weight: 650; margin: 0 0 .25rem; }
p { margin: 0 0 1.25rem; opacity: .8; } label { display: block; font-size: .875rem; margin: 0 0 .875rem; }
input { box-sizing: border-box; width: 100%; margin-top: .25rem; padding: .625rem .75rem; font: inherit; color: inherit;
  background: Field; border: 1px solid var(--line); border-radius: .5rem; }
button { width: 100%; padding: .625rem; font: inherit; font-weight: 600; color: Canvas; background: var(--ink); border: 0;
  border-radius: .5rem; cursor: pointer; } :focus-visible { outline: 2px solid Highlight; outline-offset: 2px; }
.fault { opacity: 1; color: #b3261e; } @media (prefers-color-scheme: dark) { .fault { color: #f2b8b5; } }
</style></head><body><main><h1>CMO Advisor</h1>SAID<form method="post">
<label>Name <input name="name" autocomplete="username" autocapitalize="none" spellcheck="false" required autofocus value="NAME"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button>Sign in</button></form></main></body></html>"""


class Login:
    """The endpoints to sign in and out."""

    def __init__(self, owners: Owners, rates: Rates) -> None:
        self.owners, self.rates = owners, rates

    def routes(self) -> list[Route]:
        """All routes of this interface."""
        return [
            Route("GET", "/login", self.page, gives=("text/html",)),
            Route("POST", "/login", self.sign_in, kind=FORM, largest=LARGEST, status=303, gives=("text/html",), described=_BODY),
            Route("POST", "/logout", self.sign_out, kind=FORM, largest=LARGEST, status=303, gives=("text/html",)),
        ]

    async def page(self) -> HTMLResponse:
        """The form to sign in with."""
        return _page("<p>Sign in to ask and to see your conversations.</p>")

    async def sign_in(self, request: Request) -> Response:
        """Signs in by a form with `name` and `password`: a session cookie, and on to the page."""
        fields = parse_qs((await request.body()).decode("utf-8", "replace"), keep_blank_values=True)
        name, password = (fields.get(field, [""])[0] for field in ("name", "password"))
        try:
            self.rates.sign_in(name.strip().lower()[:64], self.owners.address(request))
        except Fault as fault:
            return _page(f'<p class="fault" role="alert">{html.escape(str(fault))}</p>', name, fault.status, fault.headers)
        found = await asyncio.to_thread(self.owners.users.signed_in, name, password)
        if found is None:
            return _page(f'<p class="fault" role="alert">{WRONG}</p>', name, 403)
        return RedirectResponse("/", 303, {"set-cookie": self.owners.cookies.new_session(request, *found)})

    async def sign_out(self, request: Request) -> Response:
        """Forgets who is signed in at this browser."""
        return RedirectResponse("/login", 303, {"set-cookie": cookie_of(request, SESSION, "", 0)})


def _page(said: str, name: str = "", status: int = 200, headers: dict[str, str] | None = None) -> HTMLResponse:
    made = _PAGE.replace("SAID", said, 1).replace("NAME", html.escape(name[:100]), 1)
    return HTMLResponse(made, status, headers)
