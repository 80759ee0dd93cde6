"""How long questions take, warm and cold, and what serving weighs.

python -m benchmarks.latency
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from functools import partial
from pathlib import Path

import psutil

from advisor.assemble import open_advisor
from advisor.config import Settings, shipped
from advisor.corpus import read_corpus
from advisor.encode import open_trainer
from advisor.library import Library
from benchmarks.report import record
from evals.cases import FOLDER, read_cases
from tests.page_world import CHROMIUM, QUIET

Rows = list[tuple[str, str, object]]


def timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def warm() -> Rows:
    """A question after warming, and its embedding alone, in milliseconds."""
    advisor = open_advisor(remember=False)
    questions = [c.question for c in read_cases(FOLDER / "answers.jsonl")]
    for question in questions[:20]:
        advisor.ask(question)
    asked = sorted(timed(partial(advisor.ask, q)) * 1000 for q in questions)
    encoder = advisor.answerer().encoder  # type: ignore[attr-defined]
    embedded = sorted(timed(partial(encoder.encode, [q])) * 1000 for q in questions)
    return [
        ("warm question, p50 ms", "≤ 40", round(statistics.median(asked), 1)),
        ("warm question, p95 ms", "≤ 100", round(asked[int(0.95 * len(asked))], 1)),
        ("embedding one question, p50 ms", "≤ 10", round(statistics.median(embedded), 1)),
    ]


def cold(command: list[str]) -> float:
    """The wall time of a whole process, median of five, in seconds."""
    return statistics.median(timed(lambda: subprocess.run(command, capture_output=True, check=True)) for _ in range(5))


def serving() -> Rows:
    """Seconds from start to the first page, and the memory of the process after questions were answered."""
    start = time.perf_counter()
    # Its own session, so that all of it can be stopped.
    with subprocess.Popen(
        [sys.executable, "-m", "advisor.cli", "web", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as server:
        try:
            assert server.stdout is not None
            address = next(m.group() for line in server.stdout if (m := re.search(r"http://127\.0\.0\.1:\d+", line)))
            reached(address + "/")
            served = time.perf_counter() - start
            reached(address + "/readyz")
            time.sleep(2)
            memory = psutil.Process(server.pid).memory_info().rss / 1e6
        finally:
            server.terminate()
    return [("page served, s after start", "≤ 6", round(served, 1)), ("resident memory while serving, MB", "≤ 500", round(memory))]


def in_a_browser() -> Rows:
    """Seconds from start to the first answer that a reader sees, in a Chromium that is open already and loads the page at once."""
    if not Path(CHROMIUM).exists():
        return [("start to the first answer in the browser, s", "≤ 8", "there is no Chromium on this machine")]
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "advisor.cli", "web", "--port", "0"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        page = browser.new_page()
        start = time.perf_counter()
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
            try:
                assert server.stdout is not None
                page.goto(next(m.group() for line in server.stdout if (m := re.search(r"http://127\.0\.0\.1:\d+", line))))
                page.get_by_label("Your question").fill("Do I need an MBA to become a CMO?")
                page.keyboard.press("Enter")
                page.locator(".turn[data-state=answered]").wait_for(timeout=60_000)
                seen = time.perf_counter() - start
            finally:
                server.terminate()
        browser.close()
    return [("start to the first answer in the browser, s", "≤ 8", round(seen, 1))]


def reached(url: str, seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                answer.read()
            return
        except (urllib.error.URLError, OSError):
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def indexing() -> Rows:
    """The texts of the shipped guidance through the encoder alone and through a whole update, in one run."""
    settings = Settings.load()
    encoder = open_trainer(settings)
    encoder.encode(["warm"] * 32)
    batches: list[list[str]] = []

    class Recorder:
        name, dimensions = encoder.name, encoder.dimensions
        count, rank = encoder.count, encoder.rank

        def encode(self, texts: list[str]) -> object:
            batches.append(list(texts))
            return encoder.encode(texts)

    with tempfile.TemporaryDirectory() as scratch:
        library = Library(Path(scratch) / "advisor.db")
        corpus = read_corpus(shipped("corpus"))
        whole = timed(lambda: library.update(corpus, Recorder(), limit=settings.chunk_tokens))  # type: ignore[arg-type]
    alone = timed(lambda: [encoder.encode(batch) for batch in batches])
    return [("indexing, share of the encoder's own throughput", "≥ 0.90", round(alone / whole, 3))]


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(prog="python -m benchmarks.latency", description=__doc__.splitlines()[0]).parse_args(arguments)
    cli = [sys.executable, "-m", "advisor.cli"]
    rows = warm()
    rows.append(("cold `advisor ask`, s", "≤ 3", round(cold([*cli, "ask", "Do I need an MBA to become a CMO?"]), 2)))
    rows.append(("`advisor --help`, s", "≤ 0.3", round(cold([*cli, "--help"]), 2)))
    rows += serving()
    rows += in_a_browser()
    rows += indexing()
    rows.append(("cores", "", os.cpu_count()))
    record("latency", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
