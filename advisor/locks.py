"""A lock between processes, let go by the operating system when its holder dies."""

from __future__ import annotations

import time
from pathlib import Path
from typing import IO

try:
    import fcntl
except ModuleNotFoundError:  # pragma: no cover - Windows has another way
    fcntl = None  # type: ignore[assignment]


class FileLock:
    """Held by one process at a time; `kill -9` frees it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None

    def acquire(self, wait: float) -> bool:
        """Takes the lock within `wait` seconds; False if another process still holds it.

        Raises OSError where the file cannot be made or the file system knows no locks.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = open(self.path, "a")  # noqa: SIM115 - kept open for as long as the lock is held
        until = time.monotonic() + wait
        while True:
            try:
                if fcntl is None:  # pragma: no cover
                    import msvcrt

                    msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
                else:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._file = file
                return True
            except (BlockingIOError, PermissionError):
                if time.monotonic() >= until:
                    file.close()
                    return False
                time.sleep(0.1)

    def release(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
