"""Documents over HTTP: sent, listed, read, deleted; whatever is sent, it is answered and nothing breaks."""

from __future__ import annotations

import http.client
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from starlette.testclient import TestClient

from advisor.apps.mydocuments import LARGEST, named
from advisor.apps.rates import Rates
from advisor.apps.warm import Warm
from tests.api_world import client, listening, opened, signed_in
from tests.test_access import _with
from tests.test_api import error
from tests.upload_world import CV, bombs, mutated, samples

OCTETS = {"content-type": "application/octet-stream"}
BUDGET = {"question": "What department budget was managed at Xylotron Hospital?"}


@pytest.fixture(scope="module")
def warm(hashed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    return opened(hashed_home, tmp_path_factory.mktemp("documents") / "home")


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """As many uploads as a test needs, and nothing left of them on the disk."""
    monkeypatch.setattr(Rates, "upload", lambda *_: None)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    yield
    assert not list(tmp_path.glob("advisor-*"))


def send(asker: TestClient, name: str, content: bytes, **headers: str) -> Any:
    return asker.post("/api/documents", params={"name": name}, content=content, headers={**OCTETS, **headers})


@pytest.mark.parametrize("name", samples())
def test_a_document_is_sent_listed_read_and_deleted(warm: Warm, name: str) -> None:
    asker = signed_in(warm, "anna")
    sent = send(asker, name, samples()[name])
    assert sent.status_code == 201, sent.text
    entry = sent.json()
    assert set(entry) == {"id", "name", "title", "words", "pages", "added"}
    assert (entry["name"], entry["pages"]) == (name, 2 if name.endswith(".pdf") else None)
    assert asker.get("/api/documents").json() == {"documents": [entry]}
    read = asker.get(f"/api/documents/{entry['id']}").json()
    assert {**entry, "text": read["text"]} == read
    assert asker.delete(f"/api/documents/{entry['id']}").json() == {"deleted": 1}
    assert asker.get("/api/documents").json() == {"documents": []}
    error(asker.delete(f"/api/documents/{entry['id']}"), 404)


def test_only_its_owners_answers_draw_on_it_whatever_the_protocol(warm: Warm) -> None:
    anna, berta, visitor = signed_in(warm, "anna"), signed_in(warm, "berta"), client(warm)
    ident = send(anna, "cv.md", CV.encode()).json()["id"]
    chat = {"messages": [{"role": "user", "content": BUDGET["question"]}]}
    turn = anna.post("/api/ask", json=BUDGET).json()
    assert ident in {c["document"]["id"] for c in turn["citations"]}
    text = anna.get(f"/api/documents/{ident}").json()["text"]
    assert all(text[c["start"] : c["end"]] == c["quote"] for c in turn["citations"] if c["document"]["id"] == ident)
    said = anna.post("/v1/chat/completions", json=chat).json()["choices"][0]["message"]
    assert "$42 million" in said["content"]
    assert "/#/documents" in str(said["annotations"])
    for other in (berta, visitor):
        assert "$42 million" not in other.post("/api/ask", json=BUDGET).text
        assert "$42 million" not in other.post("/v1/chat/completions", json=chat).text
        assert "$42 million" not in other.get("/api/search", params={"q": BUDGET["question"]}).text
        error(other.get(f"/api/documents/{ident}"), 404)
        error(other.get(f"/api/guides/{ident}"), 404)
    anna.delete(f"/api/documents/{ident}")


def test_a_visitor_is_known_again_by_the_cookie_that_comes_with_the_first_document(warm: Warm) -> None:
    asker = client(warm)
    sent = send(asker, "cv.md", CV.encode())
    assert "advisor_visitor" in sent.headers["set-cookie"]
    assert len(asker.get("/api/documents").json()["documents"]) == 1
    assert client(warm).get("/api/documents").json() == {"documents": []}


@pytest.mark.parametrize(
    ("settings", "status"),
    [({"documents": "off"}, 403), ({"access": "open-to-anyone"}, 403), ({"access": "open-to-anyone", "documents": "on"}, 201), ({}, 201)],
)
def test_documents_are_switched_by_the_settings(warm: Warm, settings: dict[str, str], status: int) -> None:
    asker = client(_with(warm, **settings))
    assert send(asker, "cv.md", CV.encode()).status_code == status
    assert asker.get("/api/documents").status_code == (200 if status == 201 else 403)


@pytest.mark.parametrize(
    ("name", "content", "status"),
    [
        ("cv.exe", b"MZ", 415), ("cv", b"x", 415), ("", b"x", 422), ("x" * 201, b"x", 422), ("cv.pdf", b"", 422), ("cv.txt", b" \n", 422),
        ("cv.pdf", b"hello", 422), ("cv.docx", b"PK\3\4", 422), ("cv.txt", b"word " * 100_000, 422), ("cv.txt", b"a\0b", 422),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_answered_with_the_reason(warm: Warm, name: str, content: bytes, status: int) -> None:
    error(send(client(warm), name, content), status)


def test_what_is_too_large_is_refused_before_it_is_read_and_while_it_is(warm: Warm) -> None:
    assert error(send(client(warm), "cv.txt", b"x", **{"content-length": str(LARGEST + 1)}), 413)
    with listening(warm) as port:
        asking = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        try:
            asking.request("POST", "/api/documents?name=cv.txt", (b"x" * 100_000 for _ in range(200)), OCTETS, encode_chunked=True)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it hung up before all was sent
        else:
            assert asking.getresponse().status == 413


@pytest.mark.parametrize("headers", [{"origin": "http://outside.test"}, {"sec-fetch-site": "cross-site"}, {"content-type": "text/plain"}])
def test_no_other_site_sends_or_deletes_documents(warm: Warm, headers: dict[str, str]) -> None:
    asker = signed_in(warm, "anna")
    assert send(asker, "cv.md", CV.encode(), **headers).status_code in (403, 415)
    assert asker.get("/api/documents").json() == {"documents": []}


TRAVERSALS = [
    "../../../../tmp/advisor-out.md", "..\\..\\advisor-out.md", "/etc/advisor-out.md", "C:\\advisor-out.md", "a/../../advisor-out.md",
    ".md",
    "%2e%2e%2fadvisor-out.md", "advisor-out.md/", "....//advisor-out.md", "\u202emd.exe.md", "a\nb.md", "con.md", "~/advisor-out.md",
    "file:///advisor-out.md", "$(touch advisor-out).md", "'; DROP TABLE uploads; --.md", "<img src=x onerror=alert(1)>.md",
]  # fmt: skip


@pytest.mark.parametrize("name", TRAVERSALS)
def test_a_name_is_only_a_name(warm: Warm, tmp_path: Path, name: str) -> None:
    asker = client(warm)
    before = set(warm.settings.home.rglob("*"))
    sent = send(asker, name, CV.encode())
    assert sent.status_code in (201, 415)
    if sent.status_code == 201:
        shown = sent.json()["name"]
        assert shown == named(name)
        assert not set(shown) & set("/\\\n\u202e")
    assert not list(tmp_path.rglob("*out*"))
    made = set(warm.settings.home.rglob("*")) - before
    assert not [path for path in made if path.name != "secret" and not path.name.startswith("advisor.db")]


def _harmless(reply: Any, what: str) -> None:
    """It was taken, or turned down with a reason."""
    if reply.status_code != 201:
        told = error(reply, reply.status_code)
        assert reply.status_code in (413, 415, 422), (what, told)
        assert told["remedy"].endswith(".")
    assert "root:" not in reply.text


@pytest.mark.parametrize(("what", "name", "content"), [pytest.param(*bomb, id=bomb[0]) for bomb in bombs()])
def test_no_bomb_goes_off(warm: Warm, what: str, name: str, content: bytes) -> None:
    asker = client(warm)
    assert len(content) <= LARGEST
    before, children = psutil.Process().memory_info().rss, psutil.Process().children()
    reply = send(asker, name, content)
    _harmless(reply, what)
    assert psutil.Process().memory_info().rss - before < 512_000_000
    if reply.status_code == 201:
        assert "root:" not in asker.get(f"/api/documents/{reply.json()['id']}").text
    assert not Path("/tmp/advisor-slipped").exists()
    assert psutil.Process().children() == children


@pytest.mark.thorough
def test_no_spoilt_document_makes_the_server_fail(warm: Warm) -> None:
    asker = client(warm)
    statuses = set()
    for name, content in mutated(30, seed=1):
        reply = send(asker, name, content)
        _harmless(reply, name)
        statuses.add(reply.status_code)
        if reply.status_code == 201:
            asker.delete(f"/api/documents/{reply.json()['id']}")
    assert statuses == {201, 422}
    assert asker.get("/api/documents").json() == {"documents": []}
