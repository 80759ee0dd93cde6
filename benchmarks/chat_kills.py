"""Kills a process in the middle of a chat with SIGKILL, at random moments, and looks at what was kept.

    python -m benchmarks.chat_kills --kills 40

What was shown as answered must be kept whole; what was accepted must be there as a question; nothing may be there by
half; and the next process must be able to go on. It ends with exit code 1 at the first failure.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from advisor.chats import ChatStore, open_chats
from advisor.config import Settings
from advisor.types import Turn
from benchmarks.postgres import NoServer, server
from benchmarks.report import record

CONVERSATION = "killed"
_TALK = """
import sys
from pathlib import Path
from advisor.types import Progress, Turn
from benchmarks.races import listening
advisor = listening(sys.argv[1], Path(sys.argv[2]), 0.02)
for number in range(10_000):
    question = f"Question {sys.argv[3]}-{number}?"
    for step in advisor.stream(question, "killed"):
        if isinstance(step, Progress) and step.stage == "retrieve":
            print("accepted", question, flush=True)
        elif isinstance(step, Turn):
            print("answered", question, flush=True)
"""


def talk(database: str, home: Path, name: int) -> subprocess.Popen[str]:
    """A process that asks and answers; it says what it has accepted and what it has shown as answered."""
    root = Path(__file__).resolve().parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", _TALK, database, str(home), str(name)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def look(store: ChatStore, answered: set[str], accepted: set[str]) -> None:
    """Raises AssertionError unless all that was said to be kept is there, and whole."""
    with store.engine.connect() as connection:
        if store.engine.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        half = "SELECT count(*) FROM turns WHERE (status = 'done') <> (record IS NOT NULL) OR (record IS NULL) <> (answer IS NULL)"
        assert connection.exec_driver_sql(half).scalar() == 0, "half a turn"
    entries = store.turns(CONVERSATION)
    whole = {e.question for e in entries if isinstance(e.turn, Turn) and e.turn.answer.text == f"Heard: {e.question}"}
    assert len({e.question for e in entries}) == len(entries), "a question is there twice"
    assert answered <= whole, f"acknowledged and lost: {sorted(answered - whole)}"
    assert accepted <= {e.question for e in entries}, "accepted and lost"
    assert all(e.status == "failed" and e.fault for e in entries if e.turn is None), "unanswered, and not said so"


def trial(kills: int, seed: int, database: str, home: Path) -> dict[str, Any]:
    """Kills `kills` chats; raises AssertionError at the first that is not whole."""
    chance = random.Random(seed)
    answered: set[str] = set()
    accepted: set[str] = set()
    for number in range(kills):
        process = talk(database, home, number)
        assert process.stdout is not None
        said = [process.stdout.readline()]  # the work has begun
        assert said[0], "a chat could not go on after a kill"
        time.sleep(chance.uniform(0, 0.4))
        process.send_signal(signal.SIGKILL)
        said += process.stdout.read().split("\n")[:-1]  # what has no end of line was not said
        process.wait()
        for line in said:
            state, _, question = line.strip().partition(" ")
            (answered if state == "answered" else accepted).add(question)
        store = open_chats(Settings(home=home, database=database))
        look(store, answered, accepted)
        store.close()
    return {"kills": kills, "answered": len(answered), "accepted": len(accepted), "acknowledged": len(answered | accepted), "seed": seed}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.chat_kills", description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=40, help="on each database")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            print("SQLite", json.dumps(trial(options.kills, options.seed, "sqlite", Path(folder))))
            rows.append((f"{options.kills} kills in chats, SQLite: failures", "0", 0))
            try:
                with server() as running:
                    print("PostgreSQL", json.dumps(trial(options.kills, options.seed, running.database(), Path(folder) / "elsewhere")))
                rows.append((f"{options.kills} kills in chats, PostgreSQL: failures", "0", 0))
            except NoServer as error:
                print(f"PostgreSQL was left out: {error}", file=sys.stderr)
        except AssertionError as error:
            print(f"failed: {error}", file=sys.stderr)
            return 1
    record("chat_kills", rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
