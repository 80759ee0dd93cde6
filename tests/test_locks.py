"""The lock between processes."""

from __future__ import annotations

import errno
import subprocess
import sys
from pathlib import Path

import pytest

from advisor.locks import FileLock


def test_a_lock_is_let_go_when_its_holder_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from advisor.locks import FileLock\n"
        "lock = FileLock(Path(sys.argv[1])); assert lock.acquire(0); print('held', flush=True); time.sleep(60)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", script, str(tmp_path / "l")], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    lock = FileLock(tmp_path / "l")
    assert not lock.acquire(0.2)
    holder.kill()
    holder.wait()
    assert lock.acquire(5)
    lock.release()
    lock.release()


def test_a_lock_in_an_impossible_place_says_so() -> None:
    with pytest.raises(OSError, match="Not a directory"):
        FileLock(Path("/dev/null/x/lock")).acquire(0)


def test_a_file_system_without_locks_is_not_taken_for_a_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("advisor.locks.fcntl.flock", refuse)
    with pytest.raises(OSError, match="No locks available"):
        FileLock(tmp_path / "l").acquire(60)
