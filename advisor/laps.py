"""The seconds that each step of a turn took."""

from __future__ import annotations

import time


class Laps:
    """Adds up time by step; what passes between two laps belongs to the step that the second one names."""

    def __init__(self) -> None:
        self._started = self._mark = time.perf_counter()
        self._seconds: dict[str, float] = {}

    def lap(self, step: str) -> None:
        now = time.perf_counter()
        self._seconds[step] = self._seconds.get(step, 0.0) + now - self._mark
        self._mark = now

    def timings(self) -> dict[str, float]:
        """Seconds by step, and in all."""
        return {**self._seconds, "total": time.perf_counter() - self._started}
