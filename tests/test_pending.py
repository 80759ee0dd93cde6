"""Questions that wait for their turn: kept first, answered in the order of acceptance, whoever dies. On both databases."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from advisor import pending as module
from advisor.chats import ChatStore
from advisor.database import reading, writing
from advisor.pending import INTERRUPTED, Pending, is_alive, now_in
from benchmarks.chat_kills import trial
from benchmarks.races import race
from tests.chat_world import opened, say, turn

HELD = """
import sys, time
from pathlib import Path
from tests.chat_world import opened
pending = opened(sys.argv[1], Path(sys.argv[2])).begin("mine", "Held?")
print(pending.number, flush=True)
time.sleep(600)
"""


@pytest.fixture
def store(database: str, tmp_path: Path) -> Iterator[ChatStore]:
    made = opened(database, tmp_path)
    yield made
    made.close()


@pytest.fixture
def holder(database: str, tmp_path: Path, store: ChatStore) -> Iterator[subprocess.Popen[str]]:
    """Another process that answers a question for ever."""
    command = [sys.executable, "-c", HELD, database, str(tmp_path)]
    root = str(Path(__file__).resolve().parent.parent)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root, env={**os.environ, "PYTHONPATH": root})
    assert process.stdout is not None
    assert process.stdout.readline().strip().isdigit()
    yield process
    process.kill()
    process.communicate()


def _states(store: ChatStore) -> list[tuple[str, str]]:
    return [(e.question, e.status) for e in store.turns("mine")]


def _late(store: ChatStore, seconds: float) -> None:
    """Lets time pass, as far as leases go."""
    with writing(store.engine) as connection:
        connection.exec_driver_sql(f"UPDATE turns SET lease = lease - {seconds}")


def test_a_question_is_there_before_it_is_answered(store: ChatStore) -> None:
    with store.begin("mine", "Kept?") as pending:
        assert _states(store) == [("Kept?", "pending")]
        assert store.turns("mine")[0].turn is None
        assert store.history("mine") == []
        pending.keep(turn("Kept?", ident=pending.id))
    assert _states(store) == [("Kept?", "done")]


def test_the_second_waits_for_the_first_and_has_its_answer_in_its_history(store: ChatStore) -> None:
    first = store.begin("mine", "First?")
    second = store.begin("mine", "Second?")
    elsewhere = store.begin("yours", "Other?")
    assert elsewhere.history() == []
    found: list[list[str]] = []
    waiting = threading.Thread(target=lambda: found.append([e.question for e in second.history()]))
    waiting.start()
    waiting.join(0.3)
    assert waiting.is_alive()
    assert found == []
    first.keep(turn("First?", ident=first.id))
    waiting.join(10)
    assert found == [["First?"]]
    second.keep(turn("Second?", ident=second.id))
    assert _states(store) == [("First?", "done"), ("Second?", "done")]
    elsewhere.stop()


def test_a_later_question_is_not_in_the_history_of_an_earlier_one(store: ChatStore) -> None:
    first, second = store.begin("mine", "First?"), store.begin("mine", "Second?")
    second.keep(turn("Second?", ident=second.id))
    assert first.history() == []
    first.stop()


def test_questions_end_by_an_answer_a_stop_or_a_fault(store: ChatStore) -> None:
    with store.begin("mine", "Stopped?"):
        pass
    with store.begin("mine", "Half said?") as pending:
        pending.stop(turn("Half said?", ident=pending.id))
    store.begin("mine", "Failed?").fail("The model is away. Ask again.")
    assert _states(store) == [("Stopped?", "stopped"), ("Half said?", "stopped"), ("Failed?", "failed")]
    assert store.turns("mine")[2].fault == "The model is away. Ask again."
    assert [e.question for e in store.history("mine")] == ["Half said?"]


def test_who_was_killed_holds_nobody_up(store: ChatStore, holder: subprocess.Popen[str]) -> None:
    assert _states(store) == [("Held?", "pending")]
    holder.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # dead, and still there: a zombie is dead, too
    say(store, "Next?")
    with reading(store.engine) as connection:
        left = connection.exec_driver_sql(f"SELECT lease - {now_in(store.engine)} FROM turns WHERE question = 'Held?'").scalar_one()
    assert left > 0, "nobody waited for its lease to run out"
    assert _states(store) == [("Held?", "failed"), ("Next?", "done")]
    assert store.turns("mine")[0].fault == INTERRUPTED


def test_a_question_whose_process_died_is_shown_as_unanswered_at_once(store: ChatStore, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    assert [(e.question, e.status, e.fault) for e in store.turns("mine")] == [("Held?", "failed", INTERRUPTED)]


def test_a_holder_on_another_machine_is_waited_for_until_its_lease_is_over(store: ChatStore, monkeypatch: pytest.MonkeyPatch) -> None:
    held = store.begin("mine", "Held?")
    with writing(store.engine) as connection:
        connection.exec_driver_sql("UPDATE turns SET holder = 'elsewhere:1'")
    second = store.begin("mine", "Second?")
    assert not second._is_next()
    _late(store, module.LEASE + 1)
    assert second.history() == []
    second.keep(turn("Second?", ident=second.id))
    assert _states(store) == [("Held?", "failed"), ("Second?", "done")]
    # It was suspended, and is back: what it answered is kept in its place.
    held.keep(turn("Held?", ident=held.id))
    assert _states(store) == [("Held?", "done"), ("Second?", "done")]
    assert store.turns("mine")[0].fault == ""


def test_a_lease_is_renewed_while_its_question_is_answered_and_not_for_ever(store: ChatStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEASE", 1.5)
    held = store.begin("mine", "Held?")
    second = store.begin("mine", "Second?")
    time.sleep(2.5)
    assert not second._is_next()
    held.stop()
    monkeypatch.setattr(module, "LONGEST", 0.0)
    hung = store.begin("mine", "Hung?")
    third = store.begin("mine", "Third?")
    second.stop()
    time.sleep(1.8)
    assert third.history() == []
    third.stop()
    hung.stop()


def test_a_lease_that_cannot_be_renewed_holds_up_no_other(store: ChatStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LEASE", 1.5)
    renewed: list[str] = []

    def renew(pending: Pending) -> None:
        renewed.append(pending.id)
        raise RuntimeError("no connection is free")

    monkeypatch.setattr(Pending, "renew", renew)
    held = [store.begin("mine", "One?"), store.begin("other", "Two?")]
    time.sleep(4 * module.TICK)
    assert all(renewed.count(pending.id) >= 2 for pending in held)
    assert sum(thread.name == "leases" for thread in threading.enumerate()) == 1
    for pending in held:
        pending.stop()


def test_only_the_first_question_of_a_conversation_reads_no_history(store: ChatStore, monkeypatch: pytest.MonkeyPatch) -> None:
    first, other = store.begin("mine", "First?"), store.begin("other", "Elsewhere?")
    first.keep(turn("First?", ident=first.id))
    assert [e.question for e in store.begin("mine", "Second?").history()] == ["First?"]
    monkeypatch.setattr(module, "exchanges", None)
    assert other.history() == []


def test_an_answer_to_a_deleted_conversation_is_not_kept(store: ChatStore) -> None:
    pending = store.begin("mine", "Q?")
    store.delete("mine")
    pending.keep(turn("Q?", ident=pending.id))
    assert store.counts() == (0, 0)


def test_processes_are_looked_at_on_their_own_machine_only() -> None:
    here = module.holder()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = f"{module._machine()}:{gone.pid}"
    assert is_alive(here, 10.0, 5.0)
    assert not is_alive(here, 5.0, 10.0)
    assert not is_alive(here, None, 0.0)
    assert not is_alive(dead, 10.0, 5.0)
    assert is_alive(f"elsewhere:{gone.pid}", 10.0, 5.0)
    assert is_alive(f"{module._machine()}:1", 10.0, 5.0)
    assert is_alive(None, 10.0, 5.0)


@pytest.mark.thorough
def test_messages_sent_at_once_from_two_processes_are_all_answered_in_order(database: str, tmp_path: Path) -> None:
    done = race(12, 20261125, database, tmp_path / "home")
    assert done["messages"] >= 24
    assert (done["lost"], done["unanswered"], done["disordered"], done["faults"]) == (0, 0, 0, 0)


@pytest.mark.thorough
def test_kills_in_the_middle_of_chats_lose_nothing_acknowledged_and_leave_no_half_turn(database: str, tmp_path: Path) -> None:
    done = trial(4, 20261125, database, tmp_path / "home")
    assert done["kills"] == 4
    assert done["acknowledged"] > 0
