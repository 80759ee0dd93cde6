"""The page for tests: `advisor web` in a process of its own, and readers who drive it in a real Chromium."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

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
def serving(home: Path, at: int = 0, **settings: str) -> Iterator[Server]:
    """`advisor web` on a free port, or on one that was, stopped at the end."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ADVISOR_")}
    env |= {"OPENAI_API_KEY": "none", "ADVISOR_HOME": str(home), **{f"ADVISOR_{name.upper()}": value for name, value in settings.items()}}
    started = time.monotonic()
    command = [sys.executable, "-m", "advisor.cli", "web", "--port", str(at)]
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


@pytest.fixture(scope="session", name="server")
def page_server(indexed_home: Path) -> Iterator[Server]:
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


# A module at a time: as long as it runs, other tests of the process cannot have an event loop of their own.
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
        assert not reader.errors, reader.errors
        assert not reader.outside, reader.outside


@pytest.fixture
def reader(readers: Readers, server: Server) -> Reader:
    return readers().open(server.url)


def current(reader: Reader) -> str:
    """What the keyboard is on."""
    return str(reader.page.evaluate("document.activeElement.id || document.activeElement.className"))


def squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


# ---- what a page looks like

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
