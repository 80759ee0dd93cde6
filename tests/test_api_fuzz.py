"""Whatever is sent to whichever route, the server never fails and never says more than it should."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from advisor.apps.warm import Warm
from advisor.apps.web import interface
from tests.api_world import client, opened

TEXT = st.text(max_size=20) | st.sampled_from(["", "mine", "Why?", "../..", "%", "\0", "\ud800", "'; DROP TABLE turns; --", "9" * 400])
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("question", "conversation", "stream", "title", "thumb", "reason", "messages", "model", "role", "content", "n", "stream_options")
MESSAGE = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system"]) | TEXT, "content": TEXT | VALUE})
BODY = (
    st.dictionaries(st.sampled_from(FIELDS), VALUE, max_size=4)
    | st.fixed_dictionaries({"question": TEXT}, optional={"conversation": TEXT, "stream": st.booleans()})
    | st.fixed_dictionaries({"messages": st.lists(MESSAGE, max_size=4)}, optional={"stream": st.booleans(), "model": TEXT})
    | VALUE
)
QUERY = st.dictionaries(st.sampled_from(["q", "limit", "before", "search", "form"]), TEXT | st.integers().map(str), max_size=3)
HEADERS = st.dictionaries(
    st.sampled_from(["authorization", "cookie", "origin", "content-type", "sec-fetch-site"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20) | st.sampled_from(["Bearer x", "advisor_visitor=x.y", "null"]),
    max_size=1,
)


@pytest.fixture(scope="module")
def warm(hashed_home: Path, tmp_path_factory: pytest.TempPathFactory) -> Warm:
    return opened(hashed_home, tmp_path_factory.mktemp("fuzz") / "home")


@pytest.fixture(scope="module")
def asker(warm: Warm) -> TestClient:
    made = client(warm)
    made.post("/api/ask", json={"question": "Do I need an MBA?", "conversation": "mine"})
    return made


@pytest.mark.thorough
def test_no_request_makes_the_server_fail(warm: Warm, asker: TestClient) -> None:
    routes = sorted({(route.method, route.path) for route in interface(warm)[1]})

    @settings(max_examples=400, deadline=None)
    @given(st.sampled_from(routes), TEXT, st.data())
    def send(route: tuple[str, str], ident: str, data: Any) -> None:
        method, path = route
        path = re.sub(r"\{ident(:path)?\}", quote(ident.encode("utf-8", "replace"), safe="/") or "mine", path)
        headers = {"content-type": "application/json", **data.draw(HEADERS)}
        body = json.dumps(data.draw(BODY)).encode() if data.draw(st.integers(0, 9)) else data.draw(st.binary(max_size=40))
        query = {name: value.encode("utf-8", "replace").decode() for name, value in data.draw(QUERY).items()}
        reply = asker.request(method, path, params=query, content=body if method != "GET" else None, headers=headers)
        assert reply.status_code < 500, (reply.status_code, reply.text)
        assert "Traceback" not in reply.text
        if reply.status_code >= 400 and reply.request.url.path.startswith(("/api/", "/v1/")):
            assert {"what", "why", "remedy", "id"} <= set(reply.json()["error"])

    send()
    counted = warm.metrics.text()
    assert re.search(r'advisor_questions_total\{outcome="\w+"\} [1-9]', counted), "questions were among them"
    assert 'status="5' not in counted
