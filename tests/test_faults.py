"""kill -9 while indexing: the library holds the whole old corpus or the whole new one, always."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.kills import trial

CORPUS = Path(__file__).resolve().parent.parent / "corpus"


@pytest.mark.thorough
def test_twenty_kills_while_indexing_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    done = trial(20, seed=20261123, source=CORPUS, folder=tmp_path)
    assert done["kills"] == 20
    assert done["old_kept"] > 0
