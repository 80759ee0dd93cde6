"""Slack: events delivered four times, shuffled, to two processes that are killed and started again; hostile requests; speed.

    python -m benchmarks.slack --events 1000 --requests 2000 --kills 50

Everything runs against tests/fake_slack.py over real HTTP, with the advisor of the tests; speed with the quoting one.
"""

from __future__ import annotations

import argparse
import http.client
import json
import logging
import multiprocessing
import os
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benchmarks.report import record
from tests.fake_slack import FakeSlack
from tests.slack_world import SECRET, Talker, advisor_at, bot_at, mention, said, signed, store_at

LATENCY = 0.05  # seconds that every call to Slack takes


def serving(url: str, home: Path, out: Any, pause: float, latest: float) -> None:
    """A bot behind the guard, over HTTP, in a process of its own."""
    import asyncio
    import socket

    import uvicorn

    from advisor.apps.slack_guard import Guard

    logging.disable(logging.WARNING)
    bot = bot_at(url, store_at(home), Talker(pause), every=0.2, look=latest)
    listening = socket.create_server(("127.0.0.1", 0), backlog=512)
    out.put(listening.getsockname()[1])
    config = uvicorn.Config(Guard(lambda body: bot, SECRET), log_level="critical", lifespan="off", access_log=False)
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


class Front:
    """Two processes behind one address each; one is killed and started again on demand."""

    def __init__(self, url: str, home: Path, pause: float = 0.0) -> None:
        self._given = (url, home)
        self._pause = pause
        self._spawn = multiprocessing.get_context("spawn")
        self.running = [self._started() for _ in range(2)]

    def _started(self) -> tuple[Any, int]:
        out = self._spawn.Queue()
        process = self._spawn.Process(target=serving, args=(*self._given, out, self._pause, 1.0), daemon=True)
        process.start()
        return process, out.get(timeout=60)

    def kill(self, which: int) -> None:
        process, _ = self.running[which]
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        self.running[which] = self._started()

    def close(self) -> None:
        for process, _ in self.running:
            process.kill()

    def post(self, body: Any, chance: random.Random) -> tuple[int, float]:
        """Delivers as Slack does: again, until it is told that all is well; gives status and seconds."""
        for attempt in range(20):
            raw, headers = signed(body)
            begun = time.monotonic()
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.running[chance.randrange(2)][1], timeout=10)
                connection.request("POST", "/slack/events", raw, headers)
                status = connection.getresponse().status
                connection.close()
            except OSError:
                status = 0
            if status == 200:
                return status, time.monotonic() - begun
            time.sleep(0.2 * (attempt + 1))
        return status, 0.0


def once(events: int, seed: int) -> list[tuple[str, str, object]]:
    """Delivers every event four times, shuffled, with a kill and a restart on the way."""
    chance = random.Random(seed)
    bodies = [said(f"Question {n}?", channel=f"D{n % 97}", ts=f"18{n:08d}.000100") for n in range(events)]
    deliveries = bodies * 4
    chance.shuffle(deliveries)
    with tempfile.TemporaryDirectory() as folder, FakeSlack() as slack:
        front = Front(slack.url, Path(folder))
        with ThreadPoolExecutor(8) as pool:
            waiting = [pool.submit(front.post, body, random.Random(seed + n)) for n, body in enumerate(deliveries)]
            threading.Timer(5, front.kill, (0,)).start()
            done = [future.result() for future in waiting]
        _settled(slack, events)
        front.close()
        replies = Counter(m.thread for m in slack.replies())
        truthful = sum(bool(m.metadata) and not m.streaming for m in slack.replies())
    wrong = sum(replies[b["event"]["ts"]] != 1 for b in bodies) + len(slack.replies()) - truthful
    taken = sorted(seconds for status, seconds in done if status == 200)
    late = statistics.quantiles(taken, n=100)[98]
    print(json.dumps({"replies": len(slack.replies()), "wrong": wrong, "acknowledged": len(taken), "p99": round(late, 3)}), flush=True)
    return [
        (f"Slack: {events} events × 4 deliveries, two processes, one killed: not exactly one final reply", "0", wrong),
        ("Slack: acknowledgement, p99 s", "≤ 1", round(late, 3)),
    ]


def _settled(slack: FakeSlack, wanted: int, wait: float = 120) -> None:
    end = time.monotonic() + wait
    while time.monotonic() < end:
        final = sum(bool(m.metadata) and not m.streaming and m.text != "Searching the guidance…" for m in slack.replies())
        if final >= wanted:
            break
        time.sleep(0.2)
    time.sleep(2)


def kills(count: int, seed: int) -> list[tuple[str, str, object]]:
    """Kills a bot at random moments of its answers; every question must end with one final message."""
    chance = random.Random(seed)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder, FakeSlack(latency=0.01, streams=True) as slack:
        front = Front(slack.url, Path(folder), pause=0.05)
        asked = []
        for number in range(count):
            slack.streams = bool(number % 2)
            body = said(f"Question {number}?", channel=f"D{number}", ts=f"19{number:08d}.000100")
            asked.append(body["event"]["ts"])
            killer = threading.Timer(chance.uniform(0, 0.25), front.close)
            killer.start()
            raw, headers = signed(body)
            try:
                connection = http.client.HTTPConnection("127.0.0.1", front.running[0][1], timeout=5)
                connection.request("POST", "/slack/events", raw, headers)
                connection.getresponse().read()
            except OSError:
                pass
            killer.join()
            time.sleep(0.05)
            front.running = [front._started() for _ in range(1)] * 2
            front.post(body, chance)  # Slack tries again
        _settled(slack, count)
        front.close()
        for thread in asked:
            there = slack.replies(thread)
            wrong += len(there) != 1 or there[0].streaming or not there[0].metadata
        print(json.dumps({"kills": count, "wrong": wrong, "faults": slack.faults[:3]}), flush=True)
    return [(f"Slack: {count} kills within an answer: questions without exactly one final message", "0", wrong)]


def hostile(count: int, seed: int) -> list[tuple[str, str, object]]:
    """Sends hostile requests; none may get in, break anything or be logged."""
    from advisor.apps.slack_guard import Guard
    from tests.test_slack_guard import CANARY, _hostile, ask

    logged: list[str] = []
    listener = logging.Handler()
    listener.emit = lambda record: logged.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger().addHandler(listener)
    logging.getLogger().setLevel(logging.DEBUG)
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, FakeSlack() as slack:
        bot = bot_at(slack.url, store_at(Path(folder)))
        guard = Guard(lambda body: bot, SECRET)
        statuses: Counter[int] = Counter()
        for _ in range(count):
            raw, headers, more = _hostile(chance, slack)
            statuses[ask(guard, raw, headers, **more)[0]] += 1
        bot.desk.idle()
        posted = len(slack.replies()) + len(slack.whispers)
        bot.close(1)
    logging.getLogger().removeHandler(listener)
    logging.getLogger().setLevel(logging.WARNING)
    wrong = sum(n for status, n in statuses.items() if not 400 <= status < 500) + posted + sum(CANARY in line for line in logged)
    print(json.dumps({"statuses": dict(statuses), "posted": posted, "wrong": wrong}), flush=True)
    return [(f"Slack: {count} hostile HTTP requests: accepted, ≥ 500, or logged", "0", wrong)]


def speed(count: int) -> list[tuple[str, str, object]]:
    """From an event to the placeholder and to the first checked sentence, quoted answers of the shipped guidance."""
    from advisor.assemble import open_advisor
    from advisor.config import Settings

    advisor = open_advisor(Settings.load(), remember=False)
    first: dict[str, list[float]] = {"placeholder": [], "sentence": []}
    with tempfile.TemporaryDirectory() as folder, FakeSlack(latency=LATENCY) as slack:
        bot = bot_at(slack.url, store_at(Path(folder)))
        made = advisor_at(bot.store)
        bot.desk.advisor = type(made)(advisor.retriever, advisor.answerer, advisor.verifier, bot.store, advisor.declined)
        questions = ("Do I need an MBA to become a CMO?", "How do I prepare for a CMO interview?", "How much does a CMO earn?")
        bot.desk.advisor.ask(questions[0])
        for number in range(count):
            seen, begun = len(slack.calls), time.monotonic()
            bot.app.dispatch(_request(mention(questions[number % 3], channel=f"C{number}")))
            bot.desk.idle()
            calls = [(at, method) for at, method, _ in slack.calls[seen:]]
            first["placeholder"].append(next(at for at, method in calls if method == "chat.startStream") + LATENCY - begun)
            said_at = next(at for at, method in calls if method in ("chat.appendStream", "chat.stopStream"))
            first["sentence"].append(said_at + LATENCY - begun)
        bot.close(1)
    rows: list[tuple[str, str, object]] = []
    for what, bar in (("placeholder", 300), ("sentence", 600)):
        late = round(statistics.quantiles(first[what], n=20)[18] * 1000)
        name = "placeholder" if what == "placeholder" else "first checked sentence"
        rows.append((f"Slack: event to {name}, quoted, 50 ms latency, p95 ms", f"≤ {bar}", late))
    print(json.dumps(rows, ensure_ascii=False), flush=True)
    return rows


def _request(body: Any) -> Any:
    from slack_bolt import BoltRequest

    return BoltRequest(body=body, mode="socket_mode")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.slack", description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--questions", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = hostile(options.requests, options.seed) + once(options.events, options.seed) + kills(options.kills, options.seed)
    zeros = [row for row in rows if row[1] == "0"]
    rows += speed(options.questions)
    record("slack", rows)
    return 1 if any(measured for _, _, measured in zeros) else 0


if __name__ == "__main__":
    sys.exit(main())
