"""The chat page as people use it: `advisor web` in a process of its own, driven by a real Chromium."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from advisor.apps.shield import refusal

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MBA = "Do I need an MBA to become a CMO?"
OUTSIDE = "What is the best pizza in Rome?"
HOSTILE = "<img src=x onerror=alert(1)>"


# ---- the server


@dataclass
class Server:
    url: str
    process: subprocess.Popen[str]
    home: Path
    seconds: float
    lines: list[str]

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def get(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> http.client.HTTPResponse:
        asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        asking.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        reply = asking.getresponse()
        reply.text = reply.read().decode("utf-8", "replace")  # type: ignore[attr-defined]
        return reply

    def wait(self, seconds: float = 60) -> None:
        end = time.monotonic() + seconds
        while self.get("/readyz").status != 200:
            assert time.monotonic() < end, self.lines
            time.sleep(0.1)

    def stop(self, sent: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(sent)
        return self.process.wait(20)


@contextmanager
def serving(home: Path, **settings: str) -> Iterator[Server]:
    """`advisor web` on a free port, stopped at the end."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ADVISOR_")}
    env |= {"ADVISOR_HOME": str(home), **{f"ADVISOR_{name.upper()}": value for name, value in settings.items()}}
    started = time.monotonic()
    command = [sys.executable, "-m", "advisor.cli", "web", "--port", "0"]
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    first = process.stdout.readline().strip()
    seconds = time.monotonic() - started
    lines = [first]
    reader = threading.Thread(target=lambda: lines.extend(process.stdout or ()), daemon=True)
    reader.start()
    server = Server(first, process, home, seconds, lines)
    try:
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", first), lines
        yield server
    finally:
        server.stop()
        reader.join(5)


@pytest.fixture(scope="module")
def server(indexed_home: Path) -> Iterator[Server]:
    with serving(indexed_home) as running:
        running.wait()
        yield running


# ---- the browser


@dataclass
class Reader:
    """Someone at a browser of their own, and what their browser noticed."""

    page: Any
    errors: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def open(self, url: str) -> Reader:
        self.page.goto(url)
        self.page.locator(".starters .chip").first.wait_for()
        return self

    @property
    def last(self) -> Any:
        return self.page.locator(".turn").last

    def ask(self, question: str) -> Any:
        before = self.page.locator(".turn").count()
        self.page.get_by_label("Your question").fill(question)
        self.page.keyboard.press("Enter")
        return self.answer(before + 1)

    def answer(self, number: int) -> Any:
        self.page.wait_for_function(
            "n => { const t = document.querySelectorAll('.turn'); return t.length === n && t[n - 1].dataset.state !== 'working' }",
            arg=number,
        )
        return self.last


Readers = Callable[..., Reader]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no Chromium on this machine: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield started
        started.close()


@pytest.fixture
def readers(browser: Any) -> Iterator[Readers]:
    """Makes readers; afterwards none may have seen an error, a dialog or a request to another host."""
    made: list[Reader] = []

    def make(width: int = 1280, height: int = 860, **options: Any) -> Reader:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        page = context.new_page()
        page.set_default_timeout(20_000)
        reader = Reader(page)
        page.on("console", lambda m: reader.errors.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: reader.errors.append(str(e)))
        page.on("dialog", lambda d: (reader.errors.append(f"dialog: {d.message}"), d.dismiss()))
        local = re.compile(r"(?:http://127\.0\.0\.1:\d+/|data:|blob:)")
        page.on("request", lambda r: reader.outside.append(r.url) if not local.match(r.url) else None)
        made.append(reader)
        return reader

    yield make
    for reader in made:
        reader.page.context.close()
        assert reader.errors == []
        assert reader.outside == []


@pytest.fixture
def reader(readers: Readers, server: Server) -> Reader:
    return readers().open(server.url)


def current(reader: Reader) -> str:
    """What the keyboard is on."""
    return str(reader.page.evaluate("document.activeElement.id || document.activeElement.className"))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


# ---- answers


def test_the_page_answers_with_a_mark_for_every_citation(reader: Reader) -> None:
    turn = reader.ask(MBA)
    assert turn.get_attribute("data-state") == "answered"
    marks = turn.locator("a.cite").all_inner_texts()
    assert marks == [f"[{n}]" for n in range(1, len(marks) + 1)]
    assert marks
    assert f"{len(marks)} checked citation" in turn.locator(".show-sources").inner_text()


def test_a_starter_question_is_asked_with_a_click(reader: Reader) -> None:
    assert reader.page.locator(".starters .chip").count() == 6
    reader.page.get_by_role("button", name=MBA).click()
    assert reader.answer(1).get_attribute("data-state") == "answered"
    assert reader.page.locator(".welcome").is_hidden()


def test_a_mark_opens_the_source_panel_at_the_quoted_words(reader: Reader) -> None:
    turn = reader.ask(MBA)
    mark = turn.locator("a.cite").nth(1)
    mark.click()
    panel = reader.page.get_by_role("dialog", name="Sources")
    quote = panel.locator("mark.current")
    quote.wait_for()
    assert squeezed(quote.inner_text()) in squeezed(turn.inner_text())
    assert quote.get_attribute("data-n") == "2"
    reader.page.wait_for_timeout(600)  # the panel scrolls there
    box, frame = quote.bounding_box(), panel.bounding_box()
    assert frame["y"] <= box["y"] < frame["y"] + frame["height"] - 20
    card = panel.locator(".source.current")
    assert card.locator("h3").inner_text()
    assert re.search(r"\d{4}|undated", card.locator(".works").inner_text())
    links = card.locator(".works a")
    assert all((link.get_attribute("rel") or "").startswith("noopener") for link in links.all())


def test_marks_of_older_answers_open_their_own_sources(reader: Reader) -> None:
    first = reader.ask(MBA)
    quoted = squeezed(first.locator(".text p").first.inner_text())
    reader.ask("What does a VPMA do?").locator("a.cite").first.click()
    reader.page.locator(".turn").first.locator("a.cite").first.click()
    assert squeezed(reader.page.locator("#sources mark.current").inner_text()) in quoted


def test_the_keyboard_opens_and_closes_the_panel_and_comes_back_to_the_mark(reader: Reader) -> None:
    mark = reader.ask(MBA).locator("a.cite").first
    name = mark.get_attribute("id")
    for _ in range(12):  # from the box backwards through the page
        reader.page.keyboard.press("Shift+Tab")
        if current(reader) == name:
            break
    assert current(reader) == name
    assert reader.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    reader.page.keyboard.press("Enter")
    assert reader.page.locator("#sources").is_visible()
    assert "source" in current(reader)
    reader.page.keyboard.press("Tab")
    assert current(reader) == "back"
    reader.page.keyboard.press("Escape")
    assert reader.page.locator("#sources").is_hidden()
    assert current(reader) == name
    reader.page.keyboard.press("Enter")
    reader.page.get_by_role("button", name="Close").press("Enter")
    assert current(reader) == name


def test_a_declined_question_looks_different_and_offers_questions_that_work(reader: Reader) -> None:
    turn = reader.ask(OUTSIDE)
    assert turn.get_attribute("data-state") == "declined"
    assert turn.locator("a.cite").count() == 0
    declined = turn.locator(".reply").evaluate("e => getComputedStyle(e).backgroundColor")
    chips = turn.get_by_role("list", name="The nearest questions it can answer").get_by_role("button")
    assert 1 <= chips.count() <= 3
    chosen = chips.first.inner_text()
    chips.first.click()
    turn = reader.answer(2)
    assert turn.locator(".question p").inner_text() == chosen
    assert turn.get_attribute("data-state") == "answered"
    assert turn.locator(".reply").evaluate("e => getComputedStyle(e).backgroundColor") != declined


def test_a_follow_up_goes_on_with_the_conversation_of_the_page_and_no_other(readers: Readers, server: Server) -> None:
    one, other = readers().open(server.url), readers().open(server.url)
    tag = time.time_ns()
    one.ask(f"What does a VPMA do? ({tag} one)")
    other.ask(f"How much does a CMO earn? ({tag} other)")
    one.ask(f"And what comes after it? ({tag} one)")
    with sqlite3.connect(server.home / "advisor.db") as database:
        rows = database.execute("SELECT conversation_id, record FROM turns WHERE record LIKE ?", (f"%{tag}%",)).fetchall()
    names = {conversation: " one" in json.loads(record)["question"] for conversation, record in rows}
    assert sorted(names.values()) == [False, True]
    assert len(rows) == 3
    assert "VPMA" not in other.page.locator(".log").inner_text().split("The advisor")[0]
    assert other.page.locator(".turn").count() == 1
    assert not any(name in other.page.content() + one.page.content() for name in names)  # the names never leave the server


def test_two_browsers_do_not_see_each_others_chat(readers: Readers, server: Server) -> None:
    one, other = readers().open(server.url), readers().open(server.url)
    one.ask("My secret is the word aardvark. Do I need an MBA?")
    other.ask("What is the CPE credential?")
    assert "aardvark" not in other.page.content()
    one.page.reload()
    one.page.locator(".starters .chip").first.wait_for()
    assert one.page.locator(".turn").count() == 0


def test_several_questions_at_once_are_all_answered(readers: Readers, server: Server) -> None:
    several = [readers().open(server.url) for _ in range(4)]
    for one in several:
        one.page.get_by_label("Your question").fill(MBA)
    for one in several:
        one.page.keyboard.press("Enter")
    assert [one.answer(1).get_attribute("data-state") for one in several] == ["answered"] * 4


def test_a_question_sent_while_another_is_answered_goes_next(reader: Reader) -> None:
    box = reader.page.get_by_label("Your question")
    for question in (MBA, "What does a VPMA do?"):
        box.fill(question)
        reader.page.keyboard.press("Enter")
    reader.answer(2)
    assert reader.page.locator(".question p").all_inner_texts() == [MBA, "What does a VPMA do?"]
    assert box.input_value() == ""


def test_answers_are_announced(reader: Reader) -> None:
    turn = reader.ask(MBA)
    heard = reader.page.locator(".heard")
    assert heard.get_attribute("aria-live") == "polite"
    assert heard.inner_text().startswith(squeezed(turn.locator(".text p").first.inner_text()).split("[")[0].strip()[:60])
    assert "[1]" not in heard.inner_text()
    assert reader.page.get_by_role("log", name="Conversation").count() == 1


# ---- faults


def test_hostile_input_stays_text_and_nothing_runs(reader: Reader) -> None:
    turn = reader.ask(f"{HOSTILE} <b>CMO</b> ${{alert(2)}} {{{{7*7}}}} <script>alert(3)</script> pay?")
    assert turn.locator(".question p").inner_text().startswith(HOSTILE)
    assert "${alert(2)} {{7*7}} <script>" in turn.inner_text()
    assert turn.locator("img, script, b").count() == 0


def test_markup_that_got_into_the_page_could_not_run(readers: Readers, server: Server) -> None:
    reader = readers().open(server.url)
    reader.page.evaluate("document.querySelector('.log').innerHTML = '<img src=\"/no\" onerror=\"window.ran = 1\">'")
    reader.page.evaluate("document.head.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = 2' }))")
    reader.page.evaluate("fetch('http://outside.test/').catch(() => 0)")
    reader.page.wait_for_timeout(500)
    assert reader.page.evaluate("window.ran === undefined")
    assert any("Content Security Policy" in error for error in reader.errors)
    reader.errors.clear()
    reader.outside.clear()  # asked for and refused by the browser


def test_a_question_that_cannot_be_taken_is_one_plain_line_in_the_chat(reader: Reader) -> None:
    for question, said in (("?!", "holds no words"), ("why " * 1200, "4000 are the most")):
        turn = reader.ask(question)
        assert turn.get_attribute("data-state") == "failed"
        assert said in turn.locator("p.text").inner_text()
    assert reader.page.locator(".toast-wrap:visible, .error:visible").count() == 0
    assert reader.ask(MBA).get_attribute("data-state") == "answered"


def test_a_page_without_an_index_waits_and_says_what_for(readers: Readers, tmp_path: Path) -> None:
    with serving(tmp_path / "empty", embedding_model="hashed") as server:
        assert json.loads(server.get("/healthz").text) == {"ok": True}  # type: ignore[attr-defined]
        assert server.get("/readyz").status == 503
        reader = readers()
        reader.page.goto(server.url)
        reader.page.get_by_label("Your question").fill(MBA)
        reader.page.keyboard.press("Enter")
        reader.page.locator(".turn[data-state=working] .progress").wait_for()
        assert reader.answer(1).get_attribute("data-state") in ("answered", "declined")
        server.wait()


def test_what_keeps_the_advisor_from_opening_is_said_in_the_chat_and_tried_again(readers: Readers, tmp_path: Path) -> None:
    with serving(tmp_path / "empty", embedding_model="hashed", auto_index="false") as server:
        reader = readers()
        reader.page.goto(server.url)
        reader.page.locator(".waiting.fault").wait_for()
        turn = reader.ask(MBA)
        assert turn.get_attribute("data-state") == "failed"
        assert "advisor index" in turn.locator("p.text").inner_text()
        assert server.get("/readyz").status == 503
        env = {**os.environ, "ADVISOR_HOME": str(server.home), "ADVISOR_EMBEDDING_MODEL": "hashed"}
        subprocess.run([sys.executable, "-m", "advisor.cli", "index"], env=env, check=True, capture_output=True, timeout=120)
        assert reader.ask(MBA).get_attribute("data-state") in ("answered", "declined")


def test_a_server_that_has_gone_is_said_in_the_chat(readers: Readers, indexed_home: Path) -> None:
    with serving(indexed_home) as server:
        reader = readers().open(server.url)
        server.stop(signal.SIGKILL)
        turn = reader.ask(MBA)
        assert "cannot be reached" in turn.inner_text()
        assert reader.page.get_by_label("Your question").input_value() == MBA
        assert reader.page.locator(".toast-wrap:visible").count() == 0
        reader.errors.clear()  # the browser's own, of refused connections


# ---- how it looks

# How wide the page is, and what in it can be scrolled sideways.
WIDTH = "document.documentElement.scrollWidth"
SIDEWAYS = """() => [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && e.scrollWidth > e.clientWidth + 1
  && ['auto', 'scroll'].includes(getComputedStyle(e).overflowX)).map(e => e.className)"""

# Every visible stretch of text with less contrast than 4.5 to what lies behind it.
FAINT = """() => {
  const channels = (c) => { const m = c.match(/[\\d.]+/g).map(Number); return c.startsWith('color(srgb') ? [m[0]*255, m[1]*255, m[2]*255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1] };
  const over = (t, b) => [0, 1, 2].map(i => t[i] * t[3] + b[i] * (1 - t[3])).concat(1);
  const light = (c) => { const [r, g, b] = c.slice(0, 3).map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126*r + .7152*g + .0722*b };
  const behind = (e) => { const stack = []; for (let n = e; n; n = n.parentElement) stack.push(channels(getComputedStyle(n).backgroundColor)); return stack.reverse().reduce((b, t) => over(t, b), [255, 255, 255, 1]) };
  const faint = [];
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !e.checkVisibility() || e.closest('.unseen, .heard, .sr-only, script, style')) continue;
    const back = behind(e), text = over(channels(getComputedStyle(e).color), back);
    const [a, b] = [light(text), light(back)].sort((x, y) => y - x), ratio = (a + .05) / (b + .05);
    if (ratio < 4.5) faint.push(`${ratio.toFixed(2)} ${e.className}: ${e.textContent.slice(0, 40)}`);
  }
  return faint;
}"""  # noqa: E501


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(readers: Readers, server: Server, scheme: str) -> None:
    reader = readers(color_scheme=scheme).open(server.url)
    assert reader.page.evaluate(FAINT) == []
    reader.ask(OUTSIDE)
    reader.ask("?!")
    reader.ask(MBA).locator("a.cite").first.click()
    reader.page.mouse.move(0, 400)
    reader.page.wait_for_timeout(400)
    assert reader.page.evaluate(FAINT) == []
    lightness = reader.page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    assert (lightness < 60) == (scheme == "dark")


@pytest.mark.parametrize("width", [390, 320])
def test_a_phone_shows_everything_without_scrolling_sideways(readers: Readers, server: Server, width: int) -> None:
    reader = readers(width, 844, has_touch=True, is_mobile=True).open(server.url)
    assert reader.page.evaluate(WIDTH) == width
    reader.ask(f"{'unbroken' * 30} {OUTSIDE}")
    turn = reader.ask(MBA)
    assert reader.page.evaluate(WIDTH) == width
    turn.locator("a.cite").first.tap()
    reader.page.wait_for_timeout(400)
    assert reader.page.evaluate(WIDTH) == width
    assert reader.page.evaluate(SIDEWAYS) == []
    sheet = reader.page.locator("#sources").bounding_box()
    assert sheet["x"] == 0
    assert sheet["width"] == width
    assert sheet["y"] > 80
    assert sheet["y"] + sheet["height"] == pytest.approx(844, abs=1)
    assert reader.page.locator("#sources").get_attribute("aria-modal") == "true"
    for _ in range(30):  # the keyboard stays in the sheet
        reader.page.keyboard.press("Tab")
        assert reader.page.evaluate("document.getElementById('sources').contains(document.activeElement)")
    reader.page.locator(".backdrop").tap(position={"x": 10, "y": 10})
    assert reader.page.locator("#sources").is_hidden()
    assert "mark-" in current(reader)


def test_the_side_panel_covers_none_of_the_conversation(reader: Reader) -> None:
    turn = reader.ask(MBA)
    turn.locator("a.cite").first.click()
    text, panel = turn.locator(".text").bounding_box(), reader.page.locator("#sources").bounding_box()
    assert text["x"] + text["width"] <= panel["x"]
    assert reader.page.locator("#sources").get_attribute("aria-modal") == "false"


def test_nothing_moves_for_those_who_ask_for_less_motion(readers: Readers, server: Server) -> None:
    reader = readers(reduced_motion="reduce").open(server.url)
    reader.ask(MBA).locator("a.cite").first.click()
    assert reader.page.evaluate("getComputedStyle(document.getElementById('sources')).animationName") == "none"


def test_the_page_says_what_it_is_and_is_not_and_has_no_gradio_footer(reader: Reader) -> None:
    text = reader.page.locator("body").inner_text()
    assert "CMO Advisor" in text
    assert "not clinical, legal, tax or immigration advice" in text
    assert reader.page.title() == "CMO Advisor"
    assert reader.page.locator("footer:visible").count() == 0


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
        "/redoc", "/docs/oauth2-redirect", "/monitoring", "/monitoring/summary", "/login", "/gradio_api/info", "/gradio_api/runs",
        "/gradio_api/openapi.json", "/gradio_api/upload_progress", "/gradio_api/file=/etc/passwd", "/gradio_api/user",
        "/gradio_api/file=https://outside.test/", "/gradio_api/proxy=https://outside.test/", "/gradio_api/deep_link",
        "/static/../config", "/page/../web.py", "/page/web.py", "/%2e%2e/etc/passwd", "//outside.test/",
    ],
)  # fmt: skip
def test_what_the_page_does_not_need_is_not_there(server: Server, path: str) -> None:
    assert server.get(path).status == 404


@pytest.mark.parametrize(
    "path", ["/gradio_api/upload", "/gradio_api/run/ask", "/gradio_api/call/ask", "/gradio_api/component_server", "/login", "/"]
)
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


def test_a_forged_request_cannot_name_a_conversation(server: Server) -> None:
    config = json.loads(server.get("/config").text)  # type: ignore[attr-defined]
    victim = f"victim-{time.time_ns()}"
    for number, _ in enumerate(config["dependencies"]):
        event = {"ask": f"What does a VPMA do? {victim}"}
        data = {"data": [victim], "event_data": event, "fn_index": number, "session_hash": "forged"}
        server.get("/gradio_api/queue/join", "POST", json.dumps(data).encode(), Content_Type="application/json")
    names: list[str] = []
    for _ in range(100):
        with sqlite3.connect(server.home / "advisor.db") as database:
            query = "SELECT conversation_id FROM turns WHERE record LIKE ?"
            names = [name for (name,) in database.execute(query, (f"%{victim}%",))]
        if names:
            break
        time.sleep(0.1)
    assert names  # it was asked
    assert victim not in names


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
    assert "no sign-in yet" in done.stderr
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
