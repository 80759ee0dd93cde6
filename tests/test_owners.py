"""Whose conversations are whose: every route, asked by everybody."""

from __future__ import annotations

import os
import stat
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient

from advisor.apps.sessions import COOKIE, SESSION, read_secret
from advisor.apps.warm import Warm
from advisor.apps.web import interface
from advisor.chats import ChatStore
from advisor.errors import StorageError
from advisor.keys import open_keys
from tests.api_world import MBA, client, opened, signed_in

OCTETS = {"content-type": "application/octet-stream"}
ASKED = {"question": MBA}
CHAT = {"model": "cmo-advisor", "messages": [{"role": "user", "content": MBA}]}


@dataclass(frozen=True)
class Cell:
    """A request, and the status for its owner and for all others; `body` fills in what a write needs."""

    path: str
    owner: int = 200
    others: int = 200
    body: Mapping[str, Any] | None = None
    form: Mapping[str, str] | None = None
    sent: bytes | None = None


# Every route there is. `{c}` is a conversation of the owner, `{t}` a turn in it, `{d}` a document of theirs.
MATRIX = {
    ("GET", "/healthz"): Cell("/healthz"),
    ("GET", "/readyz"): Cell("/readyz"),
    ("GET", "/metrics"): Cell("/metrics"),
    ("GET", "/openapi.json"): Cell("/openapi.json"),
    ("GET", "/docs"): Cell("/docs"),
    ("GET", "/api/documents"): Cell("/api/documents"),
    ("POST", "/api/documents"): Cell("/api/documents?name=new.md", owner=201, others=201, sent=b"Somebody wrote this sentence."),
    ("GET", "/api/documents/{ident}"): Cell("/api/documents/{d}", others=404),
    ("DELETE", "/api/documents/{ident}"): Cell("/api/documents/{d}", others=404),
    ("GET", "/login"): Cell("/login"),
    ("POST", "/login"): Cell("/login", owner=403, others=403, form={"name": "user:anna", "password": "wrong"}),
    ("POST", "/logout"): Cell("/logout", owner=303, others=303, form={}),
    ("GET", "/v1/models"): Cell("/v1/models"),
    ("POST", "/v1/chat/completions"): Cell("/v1/chat/completions", body=CHAT),
    ("GET", "/api/search"): Cell("/api/search?q=mba"),
    ("GET", "/api/guides"): Cell("/api/guides"),
    ("GET", "/api/guides/{ident:path}"): Cell("/api/guides/management-degree"),
    ("GET", "/api/status"): Cell("/api/status"),
    ("GET", "/api/page/guides/{ident:path}"): Cell("/api/page/guides/management-degree"),
    ("POST", "/api/page/ask"): Cell("/api/page/ask", body={**ASKED, "conversation": "{c}"}),
    ("GET", "/api/page/conversations/{ident}"): Cell("/api/page/conversations/{c}", others=404),
    ("POST", "/api/ask"): Cell("/api/ask", body={**ASKED, "conversation": "{c}"}),
    ("GET", "/api/conversations"): Cell("/api/conversations"),
    ("GET", "/api/conversations/{ident}"): Cell("/api/conversations/{c}", others=404),
    ("GET", "/api/conversations/{ident}/export"): Cell("/api/conversations/{c}/export?form=json", others=404),
    ("PATCH", "/api/conversations/{ident}"): Cell("/api/conversations/{c}", others=404, body={"title": "Changed"}),
    ("POST", "/api/turns/{ident}/feedback"): Cell("/api/turns/{t}/feedback", others=404, body={"thumb": 1}),
    ("DELETE", "/api/conversations/{ident}"): Cell("/api/conversations/{c}", others=404),
    ("DELETE", "/api/conversations"): Cell("/api/conversations"),
}


@pytest.fixture(scope="module")
def warm(hashed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    return opened(hashed_home, tmp_path_factory.mktemp("owners") / "home")


@pytest.fixture(scope="module")
def keyed(warm: Warm) -> Iterator[dict[str, str]]:
    keys = open_keys(warm.settings)
    yield {name: f"Bearer {keys.create(name)}" for name in ("one", "two")}
    keys.close()


@pytest.fixture(scope="module")
def sessions(warm: Warm) -> dict[str, str]:
    """The session cookies of users: signing in takes its time, and the cookie is good for every device."""
    return {name: signed_in(warm, name).cookies[SESSION] for name in ("anna", "berta")}


def _user(warm: Warm, session: str) -> TestClient:
    asker = client(warm)
    asker.cookies.set(SESSION, session, domain="127.0.0.1")
    return asker


def test_every_route_is_in_the_matrix(warm: Warm) -> None:
    assert {(route.method, route.path) for route in interface(warm)[1]} == set(MATRIX)


def _all(asker: TestClient, cell: Cell, method: str, place: dict[str, str]) -> Any:
    path, body = cell.path.format(**place) if "{" in cell.path else cell.path, cell.body
    if body and "conversation" in body:
        body = {**body, "conversation": place["c"]}
    if cell.form is not None:
        kind = {"content-type": "application/x-www-form-urlencoded"}
        return asker.request(method, path, content=urlencode(cell.form), headers=kind, follow_redirects=False)
    if cell.sent is not None:
        return asker.request(method, path, content=cell.sent, headers=OCTETS)
    return asker.request(method, path, json=body) if body is not None else asker.request(method, path)


@pytest.mark.parametrize("kind", ["cookie", "key", "user"])
@pytest.mark.parametrize("place", MATRIX, ids=" ".join)
def test_nobody_reads_or_writes_what_is_anothers(
    warm: Warm, keyed: dict[str, str], sessions: dict[str, str], place: tuple[str, str], kind: str
) -> None:
    cell, method = MATRIX[place], place[0]
    visitor, stranger = client(warm), client(warm)
    stranger.post("/api/ask", json=ASKED)
    assert COOKIE in stranger.cookies
    owners = {"cookie": visitor, "key": client(warm, authorization=keyed["one"]), "user": _user(warm, sessions["anna"])}
    owner = owners.pop(kind)
    turn = owner.post("/api/ask", json=ASKED).json()
    for upload in owner.get("/api/documents").json()["documents"]:
        owner.delete(f"/api/documents/{upload['id']}")
    secret = uuid.uuid4().hex
    sent = owner.post("/api/documents?name=mine.md", content=f"Only the owner may read {secret}.".encode(), headers=OCTETS).json()
    ids = {"c": turn["conversation"], "t": turn["id"], "d": sent["id"]}
    forged = client(warm)
    forged.cookies.set(COOKIE, f"{'0' * 32}.{'0' * 64}")
    others = {
        "anonymous": client(warm),
        "other cookie": stranger,
        "forged cookie": forged,
        "other key": client(warm, authorization=keyed["two"]),
        "other user": _user(warm, sessions["berta"]),
        **owners,
    }

    def held() -> list[Any]:
        return [owner.get(path).json() for path in (f"/api/conversations/{ids['c']}", "/api/documents", f"/api/documents/{ids['d']}")]

    before = held()
    for who, other in others.items():
        reply = _all(other, cell, method, ids)
        assert reply.status_code == cell.others, who
        if place[1] == "/logout":
            assert f"{SESSION}=;" in reply.headers["set-cookie"], who
        if not place[1].startswith(("/api/ask", "/v1")):
            assert ids["t"] not in reply.text, who
        assert ids["d"] not in reply.text or reply.status_code == 404, who
        assert secret not in reply.text, who
        assert held() == before, f"changed by {who}"
    unknown = client(warm, authorization="Bearer cmo_none")
    unknown.cookies.update(visitor.cookies)
    assert _all(unknown, cell, method, ids).status_code == (401 if place[1].startswith(("/api", "/v1")) else cell.others)
    assert held() == before
    assert _all(owner, cell, method, ids).status_code == cell.owner
    if place[1] == "/logout" and kind == "user":
        assert owner.get("/api/conversations").json()["conversations"] == []
        return
    after = held()
    assert ("error" in after[0]) == (method == "DELETE" and "conversations" in place[1])
    assert ("error" in after[2]) == (method == "DELETE" and "documents" in place[1])
    if method in ("PATCH", "POST") and place[1].startswith("/api"):
        assert after != before


def test_a_list_holds_ones_own_and_no_others(warm: Warm, keyed: dict[str, str]) -> None:
    asking = [client(warm), client(warm), *(client(warm, authorization=keyed[name]) for name in keyed)]
    for asker in asking:
        asker.delete("/api/conversations")
    names = [asker.post("/api/ask", json=ASKED).json()["conversation"] for asker in asking]
    for asker, name in zip(asking, names, strict=True):
        assert [c["id"] for c in asker.get("/api/conversations").json()["conversations"]] == [name]
        assert [c["id"] for c in asker.get("/api/conversations?search=MBA").json()["conversations"]] == [name]
    assert asking[0].delete("/api/conversations").json() == {"deleted": 1}
    assert [len(asker.get("/api/conversations").json()["conversations"]) for asker in asking] == [0, 1, 1, 1]
    assert client(warm).get("/api/conversations").json()["conversations"] == []


def test_the_machines_own_conversations_are_not_to_be_had_over_http(warm: Warm, keyed: dict[str, str]) -> None:
    turn = warm.advisor().ask(MBA, "own")
    for asker in (
        client(warm),
        client(warm, authorization=keyed["one"]),
        client(warm, authorization="Bearer "),
        client(warm, cookie=COOKIE),
    ):
        assert asker.get("/api/conversations/own").status_code in (401, 404)
        assert asker.post(f"/api/turns/{turn.id}/feedback", json={"thumb": 1}).status_code in (401, 404)
        asker.delete("/api/conversations")
    assert isinstance(warm.advisor().store, ChatStore)
    assert [entry.id for entry in warm.advisor().store.turns("own")] == [turn.id]  # type: ignore[attr-defined]


def test_a_visitor_is_known_by_a_cookie_that_no_script_and_no_other_site_can_use(warm: Warm) -> None:
    asker = client(warm)
    cookie = asker.post("/api/ask", json=ASKED).headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "set-cookie" not in asker.post("/api/ask", json=ASKED).headers
    assert "set-cookie" not in client(warm).get("/api/conversations").headers
    assert "set-cookie" in client(warm).post("/api/ask", json={**ASKED, "stream": True}).headers


@pytest.mark.parametrize("spoil", [lambda c: c[:-1] + ("0" if c[-1] != "0" else "1"), lambda c: "f" + c[1:], lambda c: c.upper(), lambda c: c + "0", lambda c: ""])  # fmt: skip # noqa: E501
def test_a_cookie_that_was_changed_is_nobodys(warm: Warm, spoil: Any) -> None:
    asker = client(warm)
    asker.post("/api/ask", json=ASKED)
    spoilt = spoil(asker.cookies[COOKIE])
    if spoilt == asker.cookies[COOKIE]:
        pytest.skip("nothing was changed")
    other = client(warm, cookie=f"{COOKIE}={spoilt}")
    assert other.get("/api/conversations").json()["conversations"] == []
    assert "set-cookie" in other.post("/api/ask", json=ASKED).headers


@pytest.mark.parametrize("sent", ["Bearer none", "Bearer ", "Basic YTpi", "", "Bearer \xe9"])
def test_what_is_no_key_is_never_taken_for_a_visitor(warm: Warm, sent: str) -> None:
    asker = client(warm)
    asker.post("/api/ask", json=ASKED)
    reply = asker.get("/api/conversations", headers={"authorization": sent.encode("latin-1")})
    assert reply.status_code == 401
    assert reply.headers["www-authenticate"] == "Bearer"
    assert "set-cookie" not in asker.post("/api/ask", json=ASKED, headers={"authorization": sent.encode("latin-1")}).headers


def test_a_revoked_key_opens_nothing_at_once(warm: Warm) -> None:
    keys = open_keys(warm.settings)
    asker = client(warm, authorization=f"Bearer {keys.create('gone')}")
    assert asker.post("/api/ask", json=ASKED).status_code == 200
    assert next(key.used for key in keys.listed() if key.name == "gone")
    keys.revoke("gone")
    assert asker.get("/api/conversations").status_code == 401
    keys.close()


def test_the_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "secret"
    read: list[bytes] = []
    threads = [threading.Thread(target=lambda: read.append(read_secret(path))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(read) == 16
    assert len(set(read)) == 1
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["secret"]
    path.chmod(0o644)
    assert read_secret(path) == read[0]
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    path.write_bytes(b"short")
    with pytest.raises(StorageError, match="Delete it"):
        read_secret(path)


def test_visitors_are_known_after_a_restart(hashed_home: Path, tmp_path: Path) -> None:
    warm = opened(hashed_home, tmp_path / "home")
    asker = client(warm)
    name = asker.post("/api/ask", json=ASKED).json()["conversation"]
    again = client(Warm(warm.settings, warm.advisor()))
    again.cookies.update(asker.cookies)
    assert [c["id"] for c in again.get("/api/conversations").json()["conversations"]] == [name]


def test_owners_are_kept_apart_in_every_database(hashed_home: Path, tmp_path: Path, database: str) -> None:
    warm = opened(hashed_home, tmp_path / "home", database=database)
    keys = open_keys(warm.settings)
    asking = [client(warm), client(warm), client(warm, authorization=f"Bearer {keys.create('one')}")]
    turns = [asker.post("/api/ask", json={**ASKED, "conversation": "same"}).json() for asker in asking]
    for asker, turn in zip(asking, turns, strict=True):
        assert [t["id"] for t in asker.get("/api/conversations/same").json()["turns"]] == [turn["id"]]
    asking[1].patch("/api/conversations/same", json={"title": "Changed"})
    titles = [asker.get("/api/conversations/same").json()["title"] for asker in asking]
    assert titles == [MBA, "Changed", MBA]
    assert asking[0].delete("/api/conversations/same").json() == {"deleted": 1}
    assert [asker.get("/api/conversations/same").status_code for asker in asking] == [404, 200, 200]
    keys.close()
    warm.advisor().store.close()  # type: ignore[attr-defined]
