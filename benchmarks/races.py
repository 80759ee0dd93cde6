"""Messages sent to one conversation at once, from two processes: all kept, all answered, in the order of acceptance.

    python -m benchmarks.races --races 200

Each race sends 2 to 20 messages, every one from a thread of its own. An answer notes the questions that its history
held; read back, that must be the questions before it. PostgreSQL is raced where it is installed.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from advisor.chats import ChatStore, open_chats
from advisor.config import Settings
from advisor.pending import REMEMBERED
from advisor.pipeline import Advisor
from advisor.types import Draft, Exchange, Part, Passage, Progress
from advisor.verify import QuoteVerifier
from benchmarks.postgres import NoServer, server
from benchmarks.report import record


class Listener:
    """An answerer that says what it was told before."""

    def __init__(self, slowest: float) -> None:
        self.slowest = slowest

    def search(self, query: str, k: int) -> Sequence[Passage]:
        return ()

    def condense(self, question: str, history: Sequence[Exchange]) -> Iterator[Progress | str]:
        yield json.dumps([e.question for e in history])

    def draft(self, question: str, query: str, passages: Sequence[Passage]) -> Iterator[Progress | Part | Draft]:
        time.sleep(random.uniform(0, self.slowest))
        yield Draft("chat", text=f"Heard: {question}")


def listening(database: str, home: Path, slowest: float = 0.01) -> Advisor:
    """An advisor that keeps its conversations in `database` and needs no guidance."""
    store = open_chats(Settings(home=home, database=database))
    listener = Listener(slowest)
    return Advisor(lambda: listener, lambda: listener, QuoteVerifier(), store, "I cannot say.")


def _racer(database: str, home: Path, tasks: Any, results: Any, start: Any) -> None:
    advisor = listening(database, home)
    for conversation, questions in iter(tasks.get, None):
        faults: list[str] = []

        def ask(question: str, conversation: str = conversation, faults: list[str] = faults) -> None:
            try:
                advisor.ask(question, conversation)
            except Exception as error:
                faults.append(f"{type(error).__name__}: {error}")

        threads = [threading.Thread(target=ask, args=(question,)) for question in questions]
        start.wait()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        results.put(faults)


def judged(store: ChatStore, conversation: str, sent: Sequence[str]) -> dict[str, int]:
    """What went wrong in one conversation, counted."""
    entries = store.turns(conversation)
    asked = [entry.question for entry in entries]
    disordered = 0
    for place, entry in enumerate(entries):
        heard = json.loads(entry.turn.query) if entry.turn is not None else None
        disordered += heard != asked[max(place - REMEMBERED, 0) : place]
    return {
        "lost": len(set(sent) - set(asked)) + len(asked) - len(set(asked)),
        "unanswered": sum(entry.status != "done" for entry in entries),
        "disordered": disordered,
    }


def race(races: int, seed: int, database: str, home: Path) -> dict[str, Any]:
    """Runs races on one database; counts what was lost, unanswered, out of order, or ended in a fault."""
    chance = random.Random(seed)
    spawn = multiprocessing.get_context("spawn")
    tasks, results, start = [spawn.Queue(), spawn.Queue()], spawn.Queue(), spawn.Barrier(2)
    racers = [spawn.Process(target=_racer, args=(database, home, queue, results, start), daemon=True) for queue in tasks]
    for racer in racers:
        racer.start()
    store = open_chats(Settings(home=home, database=database))
    counts = {"races": races, "messages": 0, "lost": 0, "unanswered": 0, "disordered": 0, "faults": 0}
    begun = time.perf_counter()
    for number in range(races):
        sent = [f"Message {n}?" for n in range(chance.randint(2, 20))]
        for which, queue in enumerate(tasks):
            queue.put((f"race-{number}", sent[which::2]))
        faults = [fault for _ in racers for fault in results.get(timeout=120)]
        for fault in faults:
            print(fault, file=sys.stderr)
        counts["messages"] += len(sent)
        counts["faults"] += len(faults)
        for what, failures in judged(store, f"race-{number}", sent).items():
            counts[what] += failures
    for queue in tasks:
        queue.put(None)
    for racer in racers:
        racer.join(30)
    store.close()
    return {**counts, "seconds": round(time.perf_counter() - begun, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.races", description=__doc__.splitlines()[0])
    parser.add_argument("--races", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    done: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        done["SQLite"] = race(options.races, options.seed, "sqlite", Path(folder))
        try:
            with server() as running:
                done["PostgreSQL"] = race(options.races, options.seed, running.database(), Path(folder) / "elsewhere")
        except NoServer as error:
            print(f"PostgreSQL was left out: {error}", file=sys.stderr)
    rows = []
    for name, counts in done.items():
        print(name, json.dumps(counts))
        wrong = sum(counts[what] for what in ("lost", "unanswered", "disordered", "faults"))
        rows.append((f"{counts['messages']} messages in {counts['races']} races, {name}: lost, unanswered or out of order", "0", wrong))
    record("races", rows)
    return 1 if any(wrong for _, _, wrong in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
