"""Signing in: a form, a cookie that only this server can make, and patience with those who guess."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from advisor.apps.rates import SIGN_INS
from advisor.apps.sessions import COOKIE, FORTNIGHT, SESSION, Cookies
from advisor.apps.warm import Warm
from advisor.config import Settings
from advisor.users import UserStore, open_users
from tests.api_world import MBA, PASSWORD, client, opened, sign_in, signed_in
from tests.page_world import CHROMIUM, QUIET, serving

ASKED = {"question": MBA}


@pytest.fixture(scope="module")
def warm(hashed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    return opened(hashed_home, tmp_path_factory.mktemp("login") / "home")


@pytest.fixture
def users(warm: Warm) -> Iterator[UserStore]:
    opened_users = open_users(warm.settings)
    yield opened_users
    opened_users.close()


def test_a_users_conversations_are_there_on_every_device(warm: Warm) -> None:
    name = signed_in(warm, "anna").post("/api/ask", json=ASKED).json()["conversation"]
    assert signed_in(warm, "anna").get(f"/api/conversations/{name}").status_code == 200
    assert signed_in(warm, "berta").get(f"/api/conversations/{name}").status_code == 404
    assert client(warm).get(f"/api/conversations/{name}").status_code == 404


def test_the_cookie_is_for_this_site_and_no_script_and_for_tls_where_there_is_some(warm: Warm) -> None:
    signed_in(warm, "anna")
    plain = sign_in(client(warm), "anna", PASSWORD)
    assert plain.headers["location"] == "/"
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(plain.headers["set-cookie"].split("; "))
    assert "Secure" not in plain.headers["set-cookie"]
    over_tls = sign_in(client(warm), "anna", PASSWORD, origin="https://127.0.0.1")
    assert "Secure" in over_tls.headers["set-cookie"].split("; ")
    asked = client(warm).post("/api/ask", json=ASKED, headers={"origin": "https://127.0.0.1"})
    assert "Secure" in asked.headers["set-cookie"].split("; ")


def test_a_wrong_password_and_an_unknown_name_are_told_alike(warm: Warm) -> None:
    signed_in(warm, "anna")
    replies = [sign_in(client(warm), name, "wrong") for name in ("anna", "nobody")]
    assert [reply.status_code for reply in replies] == [403, 403]
    assert replies[0].text.replace("anna", "nobody") == replies[1].text
    assert all(SESSION not in str(reply.headers) for reply in replies)


def test_what_was_typed_is_shown_as_text(warm: Warm) -> None:
    page = sign_in(client(warm), '"><script>alert(1)</script>', "wrong").text
    assert "<script" not in page
    assert "wrong" not in page


def test_no_other_site_can_sign_anybody_in(warm: Warm) -> None:
    signed_in(warm, "anna")
    for headers in ({"origin": "http://outside.test"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}):
        assert sign_in(client(warm), "anna", PASSWORD, **headers).status_code == 403
    assert client(warm).post("/login", json={"name": "anna", "password": PASSWORD}).status_code == 415
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert client(warm).post("/login", content="name=" + "x" * 9000, headers=form).status_code == 413
    assert client(warm).post("/login", content=b"\xff%00&&&=&" * 5, headers=form).status_code in (403, 422)


@pytest.mark.parametrize("right", [False, True])
def test_who_guesses_is_slowed_and_told_when_to_come_again(warm: Warm, right: bool) -> None:
    signed_in(warm, "anna")
    guesser = client(warm)
    tried = [sign_in(guesser, "anna", f"wrong {n}").status_code for n in range(SIGN_INS)]
    assert tried == [403] * SIGN_INS
    late = sign_in(guesser, "anna", PASSWORD if right else "wrong")
    assert late.status_code == 429
    assert 0 < int(late.headers["retry-after"]) <= 300
    assert "set-cookie" not in late.headers


def test_a_session_ends_with_the_password_with_the_user_and_when_they_sign_out(warm: Warm, users: UserStore) -> None:
    asker = signed_in(warm, "carla")
    asker.post("/api/ask", json=ASKED)
    mine = lambda: len(asker.get("/api/conversations").json()["conversations"])  # noqa: E731
    assert mine() == 1
    users.password("carla", "quite another one")
    assert mine() == 0
    sign_in(asker, "carla", "quite another one")
    assert mine() == 1
    kept = asker.cookies[SESSION]
    asker.post("/logout", data={}, headers={"content-type": "application/x-www-form-urlencoded"}, follow_redirects=False)
    assert SESSION not in asker.cookies
    asker.cookies.set(SESSION, kept)
    users.remove("carla")
    assert mine() == 0


def _request() -> Request:
    return Request({"type": "http", "headers": []})


def test_a_session_is_over_after_a_fortnight(tmp_path: Path) -> None:
    now = 1000.0
    cookies = Cookies(tmp_path / "secret", lambda: now)
    made = cookies.new_session(_request(), "anna", "stamp").partition(";")[0].partition("=")[2]
    assert cookies.signed_in(made, lambda name: "stamp") == "anna"
    now += FORTNIGHT + 1
    assert cookies.signed_in(made, lambda name: "stamp") is None


def test_nobody_can_make_a_session_or_change_one(tmp_path: Path) -> None:
    cookies, others = Cookies(tmp_path / "secret"), Cookies(tmp_path / "other")
    value = lambda cookie: cookie.partition(";")[0].partition("=")[2]  # noqa: E731
    made = value(cookies.new_session(_request(), "anna", "stamp"))
    name, until, signature = made.split(".")
    spoilt = [
        f"{name}.{int(until) + 1}.{signature}", f"YmVydGE.{until}.{signature}", f"{name}.{until}.{'0' * 64}", made + "0", made.upper(), "",
        f"!.{until}.{signature}", f"__.{until}.{signature}", value(others.new_session(_request(), "anna", "stamp")),
    ]  # fmt: skip
    assert [cookies.signed_in(cookie, lambda name: "stamp") for cookie in spoilt] == [None] * len(spoilt)
    assert cookies.signed_in(made, lambda name: "another") is None
    visitor = value(cookies.new_visitor(_request())[1])
    assert cookies.signed_in(visitor, lambda name: "stamp") is None
    assert cookies.visitor(made) is None


def test_the_page_needs_no_script_and_no_other_host(warm: Warm) -> None:
    page = client(warm).get("/login")
    assert not re.search(r"<script|https?://|@import|url\(", page.text)
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_a_key_is_not_outdone_by_a_session(warm: Warm) -> None:
    asker = signed_in(warm, "anna")
    reply: Any = asker.get("/api/conversations", headers={"authorization": "Bearer cmo_none"})
    assert reply.status_code == 401
    assert COOKIE not in asker.cookies


def test_people_sign_in_and_out_in_a_browser(hashed_home: Path, tmp_path: Path) -> None:
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import sync_playwright

    shutil.copytree(hashed_home, tmp_path / "home")
    users = open_users(Settings(home=tmp_path / "home"))
    users.add("anna", PASSWORD)
    users.close()
    settings = {"embedding_model": "hashed", "access": "sign-in"}
    with serving(tmp_path / "home", **settings) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        page.goto(server.url)
        assert page.url == f"{server.url}/login"
        faults = Axe().run(page).response["violations"]
        assert not [fault["id"] for fault in faults if fault["impact"] in ("serious", "critical")]
        for password in ("wrong", PASSWORD):
            page.get_by_label("Name").fill("anna")
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Sign in").click()
            if password == "wrong":
                page.get_by_role("alert").wait_for()
        page.wait_for_url(f"{server.url}/")
        kept = {cookie["name"]: cookie for cookie in page.context.cookies()}[SESSION]
        assert (kept["httpOnly"], kept["sameSite"]) == (True, "Strict")
        asked = "fetch('/api/conversations').then((reply) => reply.status)"
        assert page.evaluate(asked) == 200
        page.locator(".starters .chip").first.wait_for()
        page.get_by_label("Your question").fill(MBA)
        page.keyboard.press("Enter")
        page.locator(".turn a.cite").first.wait_for()
        talk = page.evaluate("location.hash")
        page.goto(f"{server.url}/#/status")
        assert "wherever you sign in" in page.locator(".yours p").inner_text()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/login")
        assert page.evaluate(asked) == 401

        page.goto(f"{server.url}/{talk}")  # the link to a conversation outlives the signing in
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.locator(".turn").filter(has_text=MBA).wait_for()

        page.context.clear_cookies()  # as when a session has ended
        page.get_by_label("Your question").fill("What does a VPMA do?")
        page.keyboard.press("Enter")
        page.get_by_label("Password").wait_for()
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.locator(".turn").filter(has_text=MBA).wait_for()
        page.wait_for_function("document.querySelector('#ask textarea')?.value === 'What does a VPMA do?'")
        browser.close()
