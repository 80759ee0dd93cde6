"""`advisor web` as a process: what it lets through, how it starts and stops, how small it stays."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from advisor.apps.shield import refusal
from tests.page_world import MBA, Reader, Server, serving

# ---- the network


@pytest.mark.parametrize("path", ["/", "/page/page.js", "/healthz", "/nothing", "/gradio_api/info"])
def test_every_reply_carries_the_security_headers(server: Server, path: str) -> None:
    headers = server.get(path).headers
    policy = headers["content-security-policy"]
    assert "script-src 'self' 'nonce-" in policy
    assert "'unsafe-inline'" not in policy.split("style-src")[0]
    assert {"frame-ancestors 'none'", "object-src 'none'", "connect-src 'self'"} <= set(policy.split("; "))
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["server"] is None


def test_the_page_names_no_other_host(server: Server) -> None:
    first, second = (server.get("/") for _ in range(2))
    hosts = set(re.findall(r"(?:https?:)?//([\w.-]+\.[a-z]{2,})", first.text))  # type: ignore[attr-defined]
    assert hosts <= {"www.w3.org"}
    assert first.headers["content-security-policy"] != second.headers["content-security-policy"]  # a nonce serves once


@pytest.mark.parametrize(
    "path",
    [
        "/redoc", "/docs/oauth2-redirect", "/monitoring", "/monitoring/summary", "/gradio_api/info", "/gradio_api/runs",
        "/gradio_api/openapi.json", "/gradio_api/upload_progress", "/gradio_api/file=/etc/passwd", "/gradio_api/user",
        "/gradio_api/file=https://outside.test/", "/gradio_api/proxy=https://outside.test/", "/gradio_api/deep_link",
        "/static/../config", "/page/../web.py", "/page/web.py", "/%2e%2e/etc/passwd", "//outside.test/",
    ],
)  # fmt: skip
def test_what_the_page_does_not_need_is_not_there(server: Server, path: str) -> None:
    assert server.get(path).status == 404


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/run/ask", "/gradio_api/call/ask", "/gradio_api/component_server", "/"])
def test_nothing_but_questions_can_be_sent(server: Server, path: str) -> None:
    assert server.get(path, "POST", b"{}", Content_Type="application/json").status == 404


def test_only_this_machines_own_pages_may_ask() -> None:
    plain = {"host": "127.0.0.1:7860"}
    assert refusal("POST", "/gradio_api/queue/join", plain) is None
    assert refusal("POST", "/gradio_api/queue/join", {**plain, "origin": "http://127.0.0.1:7860"}) is None
    refused = {
        403: [{**plain, "origin": "http://outside.test"}, {**plain, "origin": "null"}, {**plain, "sec-fetch-site": "cross-site"}],
        413: [{**plain, "content-length": "1000001"}, {**plain, "content-length": "-1"}],
        421: [{"host": "outside.test"}, {"host": "127.0.0.1.outside.test"}, {"host": "127.0.0.1:80@outside.test"}, {}],
    }
    for status, cases in refused.items():
        for headers in cases:
            found = refusal("POST", "/gradio_api/queue/join", headers)
            assert found is not None, headers
            assert found[0] == status, headers
    assert (refusal("DELETE", "/", plain) or (0,))[0] == 405


def test_a_body_that_does_not_say_how_long_it_is_is_cut_off(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as line:
        line.sendall(b"POST /gradio_api/queue/join HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(40):
                line.sendall(b"10000\r\n" + b"x" * 65536 + b"\r\n")
            reply = line.recv(100)
        except OSError:
            reply = b""
    assert not reply.startswith(b"HTTP/1.1 2")
    assert server.get("/healthz").status == 200


def test_a_request_that_names_anothers_conversation_gets_one_of_its_own(server: Server) -> None:
    victim, words = f"victim-{time.time_ns()}", {"Content_Type": "application/json"}
    body = json.dumps({"question": MBA, "conversation": victim}).encode()
    owned = server.get("/api/page/ask", "POST", body, **words)
    assert '"state": "answered"' in owned.text  # type: ignore[attr-defined]
    forged = server.get("/api/page/ask", "POST", json.dumps({"question": "And why?", "conversation": victim}).encode(), **words)
    assert "MBA" not in forged.text  # type: ignore[attr-defined]
    cookies = [reply.headers["set-cookie"].partition(";")[0] for reply in (owned, forged)]
    kept = [json.loads(server.get(f"/api/conversations/{victim}", Cookie=c).text)["turns"] for c in cookies]  # type: ignore[attr-defined]
    assert [[turn["question"] for turn in turns] for turns in kept] == [[MBA], ["And why?"]]


def test_the_page_makes_a_visitor_known_once_and_never_from_another_sites_link(server: Server) -> None:
    first = server.get("/").headers["set-cookie"]
    assert {"HttpOnly", "SameSite=Strict"} <= set(first.split("; "))
    assert "set-cookie" not in server.get("/", Cookie=first.partition(";")[0]).headers
    # The browser keeps the cookie back then: a new one would take the visitor's conversations away.
    assert "set-cookie" not in server.get("/", Sec_Fetch_Site="cross-site").headers
    assert "set-cookie" not in server.get("/healthz").headers


# ---- the process


def test_the_page_is_there_in_seconds_and_the_server_stays_small(server: Server, reader: Reader) -> None:
    assert server.seconds < 12  # about 2.5; the rest is room for a busy machine
    reader.ask(MBA)
    process = psutil.Process(server.process.pid)
    assert process.memory_info().rss < 500_000_000
    if hasattr(process, "memory_maps"):
        assert not any("libtorch" in part.path for part in process.memory_maps())


def test_ctrl_c_stops_the_server_cleanly(indexed_home: Path) -> None:
    with serving(indexed_home) as server:
        server.wait()
        assert server.stop() == 0
    assert server.lines[-1].strip() == "Stopped."
    assert not any("Traceback" in line for line in server.lines)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.7", "outside.test"])
def test_the_page_is_served_to_this_machine_only(advisor: Callable[..., subprocess.CompletedProcess[str]], host: str) -> None:
    done = advisor("web", "--host", host)
    assert done.returncode == 1
    assert "no sign-in is set up" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_port_in_use_is_one_line_with_the_remedy(advisor: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = advisor("web", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "is in use" in done.stderr
    assert "--port" in done.stderr
    assert len(done.stderr.splitlines()) == 1
