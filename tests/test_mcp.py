"""The server for the Model Context Protocol: a client's session, and everything that is no message."""

from __future__ import annotations

import io
import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from advisor.apps.mcp import LONGEST, VERSIONS, Server
from advisor.assemble import open_advisor
from advisor.config import Settings
from advisor.pipeline import Advisor
from tests.api_world import MBA, Slow, until
from tests.conftest import Run


@pytest.fixture(scope="module")
def asked(hashed_home: Path) -> Advisor:
    return open_advisor(Settings(home=hashed_home, embedding_model="hashed"), remember=False)


def lines(*messages: Any) -> bytes:
    return b"".join(m if isinstance(m, bytes) else json.dumps(m).encode() + b"\n" for m in messages)


def request(ident: Any, method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": ident, "method": method, "params": params}


def call(ident: Any, tool: str, **arguments: Any) -> dict[str, Any]:
    return request(ident, "tools/call", name=tool, arguments=arguments)


def talk(advisor: Advisor, *messages: Any) -> list[Any]:
    """What the server writes to these lines."""
    out = io.BytesIO()
    Server(advisor, out).run(io.BytesIO(lines(*messages)))
    return [json.loads(line) for line in out.getvalue().splitlines()]


def one(advisor: Advisor, message: Any) -> Any:
    (reply,) = talk(advisor, message)
    return reply


def test_a_client_asks_searches_and_reads_at_the_command_line(advisor: Run, hashed_home: Path) -> None:
    session = lines(
        request(0, "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "test", "version": "1"}),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        request(1, "tools/list"),
        call(2, "ask", question=MBA),
        call("three", "search_guidance", query="MBA", limit=2),
        call(4, "read_guide", guide="management-degree"),
        call(5, "read_guide"),
    )
    done = advisor("mcp", sent=session, home=str(hashed_home))
    assert done.returncode == 0, done.stderr
    replies = {reply["id"]: reply["result"] for reply in map(json.loads, done.stdout.splitlines())}
    assert set(replies) == {0, 1, 2, "three", 4, 5}
    assert replies[0]["protocolVersion"] == "2025-06-18"
    assert replies[0]["serverInfo"]["name"] == "cmo-advisor"
    assert [tool["name"] for tool in replies[1]["tools"]] == ["ask", "search_guidance", "read_guide"]
    answer = replies[2]
    assert "[1]" in answer["content"][0]["text"]
    assert "Sources" in answer["content"][0]["text"]
    assert answer["structuredContent"]["outcome"] == "answered"
    assert replies[4]["content"][0]["text"].startswith("Do I need a management degree")
    assert replies["three"]["content"][0]["text"].count("(guide ") == 2
    assert "management-degree: " in replies[5]["content"][0]["text"]


@pytest.mark.parametrize("version", [*VERSIONS, "1999-01-01", "", None, 7])
def test_the_version_is_the_clients_where_it_is_known_and_the_latest_otherwise(asked: Advisor, version: Any) -> None:
    reply = one(asked, request(1, "initialize", protocolVersion=version))
    assert reply["result"]["protocolVersion"] == (version if version in VERSIONS else VERSIONS[0])


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"{\n", -32700), (b"\xff\xfe\n", -32700), (b"[" * 100_000 + b"\n", -32700), (b"x" * (LONGEST + 5) + b"\n", -32700),
        (b"null\n", -32600), (b"7\n", -32600), (b"[]\n", -32600), (b"{}\n", -32600),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}\n', -32600),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "ping"}\n', -32600), (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}\n', -32600),
        (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}\n', -32600), (b'{"jsonrpc": "2.0", "id": 1, "method": 7}\n', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": 7}\n', -32600),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": []}\n', -32602),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "resources/list"}\n', -32601),
        (lines(request(1, "tools/call", name="rm")), -32602), (lines(request(1, "tools/call", name=["ask"])), -32602),
        (lines(request(1, "tools/call")), -32602),
    ],
)  # fmt: skip
def test_a_malformed_line_gets_an_error_and_the_next_is_served(asked: Advisor, line: bytes, code: int) -> None:
    bad, good = talk(asked, line, request(9, "ping"))
    assert bad["error"]["code"] == code
    assert bad["error"]["message"].endswith(".")
    assert good == {"jsonrpc": "2.0", "id": 9, "result": {}}


@pytest.mark.parametrize(
    ("tool", "arguments", "why"),
    [
        ("ask", {}, "question is missing"), ("ask", {"question": ""}, "not empty"), ("ask", {"question": 7}, "not empty"),
        ("ask", {"question": "?!"}, "holds no words"), ("ask", {"question": "why " * 2000}, "are the most"),
        ("ask", {"question": "Why?", "owner": "x"}, "no such argument"), ("search_guidance", {"query": "pay", "limit": 0}, "from 1 to 20"),
        ("search_guidance", {"query": "pay", "limit": True}, "from 1 to 20"), ("search_guidance", {"query": "\0"}, "holds no words"),
        ("read_guide", {"guide": "../../secret"}, "no such guide"), ("read_guide", {"guide": "\0"}, "no such guide"),
    ],
)  # fmt: skip
def test_what_a_tool_cannot_do_is_said_to_the_model(asked: Advisor, tool: str, arguments: dict[str, Any], why: str) -> None:
    result = one(asked, call(1, tool, **arguments))["result"]
    assert result["isError"]
    assert why in result["content"][0]["text"]


def test_notifications_and_stray_replies_get_no_reply(asked: Advisor) -> None:
    silent = [
        {"jsonrpc": "2.0", "method": "notifications/initialized"}, {"jsonrpc": "2.0", "method": "notifications/none"},
        {"jsonrpc": "2.0", "method": "none"}, {"jsonrpc": "2.0", "id": 3, "result": {}}, b"\n", b"  \r\n",
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 99}},
    ]  # fmt: skip
    assert talk(asked, *silent) == []


def test_a_batch_is_answered_as_one(asked: Advisor) -> None:
    batch = [request(1, "ping"), {"jsonrpc": "2.0", "method": "notifications/none"}, 7, call(2, "search_guidance", query="pay", limit=1)]
    (replies,) = talk(asked, batch)
    assert [reply.get("id") for reply in replies] == [1, None, 2]


def test_a_ping_is_answered_while_a_question_is_and_a_question_can_be_cancelled(asked: Advisor) -> None:
    answerer = Slow()
    advisor = Advisor(asked.retriever, lambda: answerer, asked.verifier, asked.store, asked.declined)
    reading, writing = os.pipe()
    out = io.BytesIO()
    with os.fdopen(reading, "rb") as read, os.fdopen(writing, "wb", buffering=0) as write:
        running = threading.Thread(target=Server(advisor, out).run, args=(read,), daemon=True)
        running.start()
        asks = call(1, "ask", question=MBA)
        asks["params"]["_meta"] = {"progressToken": "p"}
        write.write(lines(asks))
        assert answerer.begun.acquire(timeout=20)
        write.write(lines(request(2, "ping")))
        until(lambda: b'"id": 2' in out.getvalue())
        write.write(lines({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}))
        assert answerer.closed.wait(20)
        write.close()
        running.join(20)
    written = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [m["id"] for m in written if "id" in m] == [2]
    told = [m["params"] for m in written if m.get("method") == "notifications/progress"]
    assert told
    assert [t["progress"] for t in told] == sorted({t["progress"] for t in told})


def test_a_fault_of_ours_is_an_error_without_details(asked: Advisor) -> None:
    def broken() -> Any:
        raise ValueError("xylophone")

    advisor = Advisor(broken, asked.answerer, asked.verifier, asked.store, asked.declined)
    reply = one(advisor, call(1, "search_guidance", query="pay"))
    assert reply["error"]["code"] == -32603
    assert "xylophone" not in str(reply)


NAMES = st.sampled_from(["jsonrpc", "id", "method", "params", "name", "arguments", "question", "query", "limit", "_meta", "requestId"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)
METHODS = st.sampled_from(["initialize", "ping", "tools/list", "tools/call", "notifications/cancelled"])
MESSAGE = st.fixed_dictionaries({"jsonrpc": st.just("2.0"), "id": JSON, "method": METHODS, "params": JSON})


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(JSON, MESSAGE, st.lists(MESSAGE, max_size=3)))
def test_whatever_is_sent_the_server_goes_on(asked: Advisor, message: Any) -> None:
    replies = talk(asked, message, request("last", "ping"))
    assert {"jsonrpc": "2.0", "id": "last", "result": {}} in replies
    assert "-32603" not in str(replies)
