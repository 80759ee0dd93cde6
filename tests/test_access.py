"""Who may come in: this machine, who signs in, whom a proxy names, or anyone, as the settings say and no other way."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from advisor.apps.access import FREE, check
from advisor.apps.warm import Warm
from advisor.apps.web import interface
from advisor.config import Settings
from advisor.errors import SettingsError
from advisor.keys import open_keys
from tests.api_world import MBA, client, opened, signed_in
from tests.test_owners import MATRIX

SECRET = "a-secret-of-the-proxy-0123456789"
ASKED = {"question": MBA}


def _with(warm: Warm, **settings: Any) -> Warm:
    """The same advisor under other settings."""
    return Warm(Settings(**{**warm.settings.model_dump(), **settings}), warm.advisor())


@pytest.fixture(scope="module")
def warm(hashed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    return opened(hashed_home, tmp_path_factory.mktemp("access") / "home")


@pytest.fixture(scope="module")
def key(warm: Warm) -> str:
    keys = open_keys(warm.settings)
    secret = keys.create("program")
    keys.close()
    return f"Bearer {secret}"


@pytest.mark.parametrize(
    ("settings", "host", "fault"),
    [
        ({}, "0.0.0.0", "ADVISOR_ACCESS"),
        ({}, "outside.test", "no sign-in is set up"),
        ({"access": "sign-in"}, "0.0.0.0", "ADVISOR_HOSTS is empty"),
        ({"access": "open-to-anyone"}, "0.0.0.0", "ADVISOR_HOSTS is empty"),
        ({"access": "sign-in", "hosts": "https://x.org"}, "0.0.0.0", "no name of a host"),
        ({"access": "proxy", "hosts": "x.org"}, "127.0.0.1", "ADVISOR_PROXY_SECRET"),
    ],
)
def test_nothing_is_opened_to_others_by_mistake(settings: dict[str, str], host: str, fault: str) -> None:
    with pytest.raises(SettingsError, match=fault):
        check(Settings(**settings), host)


@pytest.mark.parametrize(
    ("settings", "host"),
    [
        ({}, "127.0.0.1"),
        ({}, "::1"),
        ({"access": "sign-in"}, "127.0.0.1"),
        ({"access": "sign-in", "hosts": "advisor.example.org, 10.0.0.5:7860, [::2]"}, "0.0.0.0"),
        ({"access": "open-to-anyone", "hosts": "x.org"}, "0.0.0.0"),
        ({"access": "proxy", "hosts": "x.org", "proxy_secret": SECRET}, "10.0.0.5"),
    ],
)
def test_what_was_said_in_words_is_served(settings: dict[str, str], host: str) -> None:
    check(Settings(**settings), host)


@pytest.mark.parametrize("place", MATRIX, ids=" ".join)
@pytest.mark.parametrize("access", ["sign-in", "proxy"])
def test_who_is_not_let_in_gets_nothing_of_any_route(warm: Warm, place: tuple[str, str], access: str) -> None:
    closed = _with(warm, access=access, proxy_secret=SECRET)
    visitor = client(warm)
    visitor.post("/api/ask", json=ASKED)
    forged = {"x-forwarded-user": "anna", "x-proxy-secret": "wrong"}
    for asker in (client(closed), client(closed, **forged), client(closed, authorization="Bearer cmo_none")):
        asker.cookies.update(visitor.cookies)
        kind = "application/x-www-form-urlencoded" if place[1] in ("/login", "/logout") else "application/json"
        kind = "application/octet-stream" if place == ("POST", "/api/documents") else kind
        path = MATRIX[place].path.format(c="any", t="any", d="any")
        reply = asker.request(place[0], path, headers={"content-type": kind}, content=b"", follow_redirects=False)
        if FREE.fullmatch(place[1]):
            assert reply.status_code in (200, 303, 403)
        else:
            assert reply.status_code == 401
            assert "set-cookie" not in reply.headers
            assert reply.headers["www-authenticate"] == "Bearer"


def test_every_way_in_that_needs_no_sign_in_is_known() -> None:
    free = {path for _, path in MATRIX if FREE.fullmatch(path)}
    assert free == {"/healthz", "/readyz", "/login", "/logout"}


def test_who_has_signed_in_or_sends_a_key_is_let_in(warm: Warm, key: str) -> None:
    closed = _with(warm, access="sign-in")
    for asker in (signed_in(closed, "anna"), client(closed, authorization=key)):
        assert asker.post("/api/ask", json=ASKED).json()["outcome"] == "answered"
        assert asker.get("/metrics").status_code == 200


def test_who_has_not_signed_in_is_shown_the_way(warm: Warm) -> None:
    app, routes = interface(_with(warm, access="sign-in"))
    reply = TestClient(app, "http://127.0.0.1", follow_redirects=False).get("/")
    assert (reply.status_code, reply.headers["location"]) == (303, "/login")
    assert routes


def test_a_proxy_with_the_secret_says_who_it_is_and_their_conversations_are_theirs(warm: Warm) -> None:
    behind = _with(warm, access="proxy", proxy_secret=SECRET)
    proxy = {"x-proxy-secret": SECRET}
    anna, berta = (client(behind, **proxy, **{"x-forwarded-user": name}) for name in ("Anna", "berta"))
    name = anna.post("/api/ask", json=ASKED).json()["conversation"]
    assert client(behind, **proxy, **{"x-forwarded-user": "anna"}).get(f"/api/conversations/{name}").status_code == 200
    assert berta.get(f"/api/conversations/{name}").status_code == 404
    assert "set-cookie" not in anna.post("/api/ask", json=ASKED).headers
    for nobody in ({}, {"x-forwarded-user": ""}, {"x-forwarded-user": "x" * 200}):
        assert client(behind, **proxy, **nobody).get("/api/conversations").status_code == 401


def test_a_header_of_a_proxy_means_nothing_where_there_is_none(warm: Warm) -> None:
    asker = client(warm, **{"x-forwarded-user": "anna", "x-proxy-secret": ""})
    assert "advisor_visitor" in asker.post("/api/ask", json=ASKED).headers["set-cookie"]


def test_open_to_anyone_opens_all_but_the_counts(warm: Warm, key: str) -> None:
    anyone = _with(warm, access="open-to-anyone")
    assert client(anyone).post("/api/ask", json=ASKED).status_code == 200
    assert client(anyone).get("/metrics").status_code == 401
    assert client(anyone, authorization=key).get("/metrics").status_code == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("advisor.example.org", 200), ("ADVISOR.example.org:443", 200), ("10.0.0.5:7860", 200), ("127.0.0.1", 200),
        ("10.0.0.5", 421), ("10.0.0.5:1", 421), ("example.org", 421), ("x.advisor.example.org", 421), ("advisor.example.org.x", 421),
    ],
)  # fmt: skip
def test_only_the_names_that_are_set_are_served(warm: Warm, host: str, status: int) -> None:
    named = _with(warm, access="open-to-anyone", hosts="advisor.example.org, 10.0.0.5:7860")
    assert client(named, host=host).get("/healthz").status_code == status


def test_a_sign_of_life_says_nothing_of_this_machine_to_others(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "none", embedding_model="hashed", auto_index=False, access="sign-in")
    broken = Warm(settings)
    broken.start()
    assert broken._thread is not None
    broken._thread.join(20)
    assert broken.error is not None
    assert str(tmp_path) not in client(broken).get("/readyz").text
    broken.close()


def test_a_refusal_at_the_gate_has_an_id_and_the_remedy(warm: Warm) -> None:
    told = client(_with(warm, access="sign-in")).get("/api/guides").json()["error"]
    assert told["remedy"].startswith("Sign in at /login")
    assert re.fullmatch(r"[0-9a-f]{12}", told["id"])
