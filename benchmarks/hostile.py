"""What anybody may send: cases made from the description of every route, spoilt documents, and bombs.

python -m benchmarks.hostile
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import psutil

from advisor.apps.mydocuments import LARGEST
from advisor.apps.rates import Rates
from advisor.apps.warm import Warm
from advisor.apps.web import share_arenas
from advisor.config import Settings
from benchmarks.report import record
from tests.api_world import MBA, client, opened
from tests.test_api_schema import UNLIMITED, kept, promised
from tests.test_mydocuments import send
from tests.upload_world import bombs, mutated

Rows = list[tuple[str, str, object]]


class Parsers(threading.Thread):
    """Looks a hundred times a second what the processes that parse hold in memory."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.done, self.heaviest = threading.Event(), 0

    def run(self) -> None:
        this = psutil.Process()
        while not self.done.wait(0.01):
            for child in this.children():
                try:
                    # Before it runs Python it still is this process, seen twice.
                    if "advisor.documents" in child.cmdline():
                        self.heaviest = max(self.heaviest, child.memory_info().rss)
                except psutil.Error:
                    continue


def promises(warm: Warm, cases: int) -> Rows:
    """Replies that break what the description says, or are faults of ours."""
    asker = client(warm)
    asker.post("/api/ask", json={"question": MBA})
    headers = {"cookie": "; ".join(f"{name}={value}" for name, value in asker.cookies.items())}
    statuses: Counter[int] = Counter()
    broken: list[str] = []
    routes = 0
    for name, operation in promised(warm):
        routes += 1
        try:
            statuses += kept(operation, cases, headers)
        except Exception as error:  # whatever the library finds, of whatever type
            broken.append(f"{name}: {str(error)[:300]}")
    print(json.dumps({"statuses": dict(statuses), "broken": broken}), flush=True)
    failed = sum(count for status, count in statuses.items() if status >= 500)
    what = f"HTTP: {routes} routes × {cases} cases from their description (n={sum(statuses.values())})"
    return [(f"{what}: replies ≥ 500", "0", failed), (f"{what}: routes that broke what they promise", "0", len(broken))]


def documents(warm: Warm, count: int, seed: int) -> Rows:
    """Spoilt documents and bombs: what was not answered with a reason, and what the worst of them took."""
    asker = client(warm)
    sent = [*((name, name, content) for name, content in mutated(count, seed)), *bombs()]
    parsers = Parsers()
    parsers.start()
    before = psutil.Process().memory_info().rss
    statuses: Counter[int] = Counter()
    silent, slowest, heaviest = 0, 0.0, 0
    for what, name, content in sent:
        assert len(content) <= LARGEST, what
        begun = time.perf_counter()
        reply = send(asker, name, content)
        took = time.perf_counter() - begun
        if took > slowest:
            slowest = took
            print(json.dumps({"slowest": what, "seconds": round(took, 1), "status": reply.status_code}), flush=True)
        heaviest = max(heaviest, psutil.Process().memory_info().rss - before)
        statuses[reply.status_code] += 1
        if reply.status_code == 201:
            asker.delete(f"/api/documents/{reply.json()['id']}")
        else:
            silent += not (400 <= reply.status_code < 500 and reply.json()["error"]["remedy"])
    parsers.done.set()
    print(json.dumps({"statuses": dict(statuses)}), flush=True)
    name = f"uploads: {count} spoilt documents and {len(sent) - count} bombs"
    return [
        (f"{name}: crashes, or answers without a reason", "0", silent),
        (f"{name}: slowest, s", "≤ 20", round(slowest, 1)),
        (f"{name}: memory of the parser, MB", "≤ 512", round(parsers.heaviest / 1e6)),
        (f"{name}: memory of the server beside it, MB", "≤ 512", round(heaviest / 1e6)),
    ]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.hostile", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=1000, help="for each route; 0 leaves them out")
    parser.add_argument("--documents", type=int, default=500, help="0 leaves them out")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    share_arenas()  # as the server does it
    Rates.upload = Rates.sign_in = lambda *_: None  # type: ignore[method-assign,assignment]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        warm = opened(Settings.load().home, home, embedding_model=Settings.load().embedding_model, **UNLIMITED)
        rows: Rows = []
        if options.cases:
            rows += (of_routes := promises(warm, options.cases))
            record("hostile", of_routes)
        if options.documents:
            rows += (of_documents := documents(warm, options.documents, options.seed))
            record("uploads", of_documents, "python -m benchmarks.hostile")
    return 1 if any(measured for _, bar, measured in rows if bar == "0") else 0


if __name__ == "__main__":
    sys.exit(main())
