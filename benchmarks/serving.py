"""Many at once: chats written by a scripted model, and quoted answers, over HTTP.

python -m benchmarks.serving
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil

from advisor.config import Settings
from benchmarks.latency import reached
from benchmarks.report import record
from evals.cases import FOLDER, read_cases
from tests.model_server import ModelServer, Reply, asked

Rows = list[tuple[str, str, object]]
FIRST, EACH = 0.3, 0.015  # seconds to a model's first token, and for each token
TOKENS = 150
_PASSAGE = re.compile(r"<(text-[0-9a-f]{12})>\n(.*?)\n</\1>", re.S)


def script(request: dict[str, Any]) -> Reply:
    """Sentences of the passages with their numbers, at a steady pace."""
    words: list[str] = []
    for number, (_, passage) in enumerate(_PASSAGE.findall(asked(request)[1]), start=1):
        for sentence in re.findall(r"[A-Z][^.!?\n]{30,}\.(?=\s|$)", passage)[:2]:
            words += f"{sentence[:-1]} [{number}].".split()
    begun = time.perf_counter()

    def paced() -> Iterator[str]:
        for n, word in enumerate(words[:TOKENS]):
            # By the clock and not by pauses: where the machine is busy, a late token does not make all others late.
            time.sleep(max(0.0, begun + FIRST + n * EACH - time.perf_counter()))
            yield word + " "

    return Reply(paced())  # type: ignore[arg-type]


def model(out: Any) -> None:
    """The scripted model in a process of its own; it says its address."""
    with ModelServer(script) as server:
        out.put(server.url)
        time.sleep(86_400)


@contextmanager
def served(**settings: str) -> Iterator[tuple[int, psutil.Process]]:
    """`advisor web` on a home of its own, with the guidance of the settings' home, and no limits of questions."""
    with tempfile.TemporaryDirectory() as home:
        subprocess.run(["cp", "-r", f"{Settings.load().home}/.", home], check=True)
        limits = {f"ADVISOR_RATE_{name}": "0" for name in ("MINUTE", "DAY", "ADDRESS", "MODEL_DAY")}
        chosen = {**os.environ, **limits, **settings, "ADVISOR_HOME": home, "ADVISOR_LOG_REQUESTS": "false"}
        command = [sys.executable, "-m", "advisor.cli", "web", "--port", "0"]
        with subprocess.Popen(command, env=chosen, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            try:
                assert server.stdout is not None
                address = next(m.group() for line in server.stdout if (m := re.search(r"http://127\.0\.0\.1:\d+", line)))
                reached(address + "/readyz", 300)
                yield int(address.rsplit(":", 1)[1]), psutil.Process(server.pid)
            finally:
                server.terminate()


async def sent(port: int, path: str, body: dict[str, Any] | None = None) -> tuple[int, bytes, float]:
    """Status, body and seconds of one request."""
    begun = time.perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    raw = json.dumps(body).encode() if body else b""
    head = f"{'POST' if body else 'GET'} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(raw)}\r\n" if body else ""
    writer.write(f"{head}\r\n".encode() + raw)
    whole = await reader.read(-1)
    writer.close()
    return int(whole[9:12]), whole, time.perf_counter() - begun


async def watched(port: int, taken: list[float], errors: Counter[str]) -> None:
    """Asks for a sign of life ten times a second."""
    while True:
        try:
            status, _, seconds = await sent(port, "/healthz")
            taken.append(seconds)
            errors["healthz"] += status != 200
        except OSError:
            errors["healthz"] += 1
        await asyncio.sleep(0.1)


async def chats(port: int, many: int, seconds: float, pause: float, questions: list[str]) -> Rows:
    """Chats that ask, read for a moment, and ask again."""
    errors: Counter[str] = Counter()
    added: list[float] = []
    alive: list[float] = []
    written = 0
    until = time.perf_counter() + seconds

    async def chat(number: int) -> None:
        nonlocal written
        await asyncio.sleep(pause * number / many)  # people do not begin at the same moment
        turn = number
        while time.perf_counter() < until:
            turn += many
            question = {"question": questions[turn % len(questions)], "stream": True}
            try:
                status, body, took = await sent(port, "/api/ask", question)
            except (OSError, ValueError):
                errors["connection"] += 1
                continue
            done = re.search(rb"event: turn\ndata: (.*?)\n\n", re.sub(rb"\r\n[0-9a-f]+\r\n", b"", body), re.S)
            if status != 200 or done is None:
                errors[f"status {status}"] += 1
                continue
            turn_shown = json.loads(done[1])
            if turn_shown["usage"].get("calls"):
                written += 1
                added.append(took - FIRST - EACH * (TOKENS - 1))
                errors["a model that failed"] += "model" in (turn_shown["note"] or "")
            await asyncio.sleep(pause)

    watching = asyncio.create_task(watched(port, alive, errors))
    await asyncio.gather(*(chat(number) for number in range(many)))
    watching.cancel()
    print(json.dumps({"written": written, "errors": dict(errors), "added p50": round(statistics.median(added), 3)}), flush=True)
    name = f"{many} chats at once for {seconds:.0f} s, {pause:g} s to read, scripted model"
    return [
        (f"{name}: errors (n={written})", "0", sum(errors.values())),
        (f"{name}: time added by us, p95 ms", "≤ 500", round(1000 * percentile(added, 95))),
        (f"{name}: /healthz, p99 ms", "≤ 250", round(1000 * percentile(alive, 99))),
    ]


async def quoted(port: int, process: psutil.Process, many: int, seconds: float, questions: list[str]) -> Rows:
    """Whole quoted answers, as fast as they come."""
    before = sum(process.cpu_times()[:2])
    taken: list[float] = []
    errors = 0
    begun = time.perf_counter()

    async def asker(number: int) -> None:
        nonlocal errors
        turn = number
        while time.perf_counter() - begun < seconds:
            turn += many
            status, _, took = await sent(port, "/api/ask", {"question": questions[turn % len(questions)]})
            errors += status != 200
            taken.append(took)

    await asyncio.gather(*(asker(number) for number in range(many)))
    spent = sum(process.cpu_times()[:2]) - before
    rate = len(taken) / (time.perf_counter() - begun)
    return [
        (f"quoted answers over HTTP, {many} at once, a second (n={len(taken)}, errors {errors})", "≥ 40", round(rate, 1)),
        (f"quoted answers over HTTP, {many} at once: processor time for each, ms", "≤ 50", round(1000 * spent / len(taken), 1)),
        (f"quoted answers over HTTP, {many} at once, p95 ms", "", round(1000 * percentile(taken, 95))),
    ]


def percentile(values: list[float], share: int) -> float:
    return sorted(values)[min(len(values) - 1, len(values) * share // 100)]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chats", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--pause", type=float, default=5.0)
    parser.add_argument("--quoted", type=float, default=30, help="seconds of quoted answers")
    options = parser.parse_args(arguments)
    questions = [c.question for c in read_cases(FOLDER / "answers.jsonl")]
    rows: Rows = []
    with served() as (port, process):
        asyncio.run(quoted(port, process, 2, 5, questions))
        rows += asyncio.run(quoted(port, process, 8, options.quoted, questions))
        rows.append(("resident memory after quoted answers, MB", "≤ 500", round(process.memory_info().rss / 1e6)))
    spawn = multiprocessing.get_context("spawn")
    out = spawn.Queue()
    writer = spawn.Process(target=model, args=(out,), daemon=True)
    writer.start()
    with served(ADVISOR_MODEL="openai:scripted", ADVISOR_MODEL_URL=out.get(timeout=60)) as (port, process):
        asyncio.run(sent(port, "/api/ask", {"question": questions[0]}))
        rows += asyncio.run(chats(port, options.chats, options.seconds, options.pause, questions))
        rows.append((f"resident memory after {options.chats} chats at once, MB", "≤ 500", round(process.memory_info().rss / 1e6)))
    writer.kill()
    load = os.getloadavg()[0]
    rows.append(("load of the machine while serving was measured, and its cores", "", f"{load:.1f} on {os.cpu_count()}"))
    record("serving", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
