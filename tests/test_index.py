"""The vector cache: the same neighbours as the exact search, and nothing lost when it is ruined."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from advisor.config import silence_vendors
from advisor.index import MARK, ChromaIndex, ExactIndex, VectorIndex, open_index

silence_vendors()


def _vectors(count: int = 300, seed: int = 0, first: int = 1) -> Any:
    matrix = np.random.default_rng(seed).normal(size=(count, 64)).astype(np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return list(range(first, first + count)), matrix


def _folder(root: Path) -> Path:
    [folder] = [p for p in root.iterdir() if p.is_dir()]
    return folder


def _agrees(index: VectorIndex, vectors: Any) -> None:
    ids, matrix = vectors
    exact = ExactIndex(lambda: vectors)
    for query in [*matrix[::15], *_vectors(10, seed=9)[1]]:
        found, wanted = index.nearest(query, 10), exact.nearest(query, 10)
        assert [i for i, _ in found] == [i for i, _ in wanted]
        assert np.allclose([s for _, s in found], [s for _, s in wanted], atol=1e-5)
    assert index.nearest(matrix[7], 1)[0][0] == ids[7]


def test_chroma_finds_what_the_exact_search_finds(tmp_path: Path) -> None:
    vectors = _vectors()
    index = open_index(tmp_path, "one", lambda: vectors, own=True)
    assert isinstance(index, ChromaIndex)
    _agrees(index, vectors)
    assert len(index.nearest(vectors[1][0], 1000)) == 300
    index.close()


def test_a_whole_index_is_opened_again_and_not_built_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = _vectors()
    open_index(tmp_path, "one", lambda: vectors, own=True).close()
    monkeypatch.setattr("advisor.index._build", lambda *_: pytest.fail("built again"))
    index = open_index(tmp_path, "one", lambda: vectors, own=True)
    assert isinstance(index, ChromaIndex)
    _agrees(index, vectors)
    index.close()


@pytest.mark.parametrize("damage", ["emptied", "garbage", "cut", "gone"])
@pytest.mark.parametrize("pattern", ["chroma.sqlite3", "*.bin", "*.pickle", "whole"])
def test_a_damaged_folder_is_built_again(tmp_path: Path, damage: str, pattern: str) -> None:
    vectors = _vectors(1500)
    open_index(tmp_path, "one", lambda: vectors, own=True).close()
    paths = list(_folder(tmp_path).rglob(pattern))
    for path in paths:
        whole = path.read_bytes()
        ruined = {"emptied": b"", "garbage": b"\x07" * len(whole), "cut": whole[: len(whole) // 2], "gone": None}[damage]
        if ruined is None:
            path.unlink()
        else:
            path.write_bytes(ruined)
    index = open_index(tmp_path, "one", lambda: vectors, own=True)
    assert isinstance(index, ChromaIndex)
    _agrees(index, vectors)
    index.close()


def test_a_start_that_died_while_opening_builds_anew(tmp_path: Path) -> None:
    vectors = _vectors()
    open_index(tmp_path, "one", lambda: vectors, own=True).close()
    folder = _folder(tmp_path)
    (folder / MARK).unlink()
    (folder / "chroma.sqlite3").write_bytes(b"half written")
    index = open_index(tmp_path, "one", lambda: vectors, own=True)
    assert isinstance(index, ChromaIndex)
    _agrees(index, vectors)
    index.close()


def test_vectors_that_are_not_those_of_the_database_are_noticed(tmp_path: Path) -> None:
    open_index(tmp_path, "one", _vectors, own=True).close()
    for others in (_vectors(299), _vectors(300, seed=1)):
        index = open_index(tmp_path, "one", lambda others=others: others, own=True)
        assert isinstance(index, ChromaIndex)
        _agrees(index, others)
        index.close()


def test_a_second_process_searches_exactly(tmp_path: Path) -> None:
    vectors = _vectors()
    index = open_index(tmp_path, "one", lambda: vectors, own=True)
    second = open_index(tmp_path, "one", lambda: vectors, own=True)
    assert isinstance(second, ExactIndex)
    _agrees(second, vectors)
    second.close()
    index.close()
    third = open_index(tmp_path, "one", lambda: vectors, own=True)
    assert isinstance(third, ChromaIndex), "the folder is free again"
    third.close()


def test_one_who_does_not_own_the_folder_writes_nothing(tmp_path: Path) -> None:
    index = open_index(tmp_path / "never", "one", _vectors, own=False)
    assert isinstance(index, ExactIndex)
    assert not (tmp_path / "never").exists()


def test_old_generations_are_removed(tmp_path: Path) -> None:
    open_index(tmp_path, "one", _vectors, own=True).close()
    newer = _vectors(200, seed=3, first=500)
    index = open_index(tmp_path, "two", lambda: newer, own=True)
    _agrees(index, newer)
    assert [p.name.split("-")[0] for p in sorted(tmp_path.iterdir())] == ["owner.lock", "two"]
    index.close()


def test_a_place_that_cannot_be_written_gives_the_exact_search(caplog: pytest.LogCaptureFixture) -> None:
    vectors = _vectors()
    index = open_index(Path("/dev/null/index"), "one", lambda: vectors, own=True)
    assert isinstance(index, ExactIndex)
    _agrees(index, vectors)
    assert "searching the database instead" in caplog.text


def test_questions_under_way_while_it_is_closed_are_answered(tmp_path: Path) -> None:
    vectors = _vectors()
    index = open_index(tmp_path, "one", lambda: vectors, own=True)
    faults: list[BaseException] = []

    def ask() -> None:
        try:
            for _ in range(30):
                _agrees(index, vectors)
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    index.close()
    index.close()
    for thread in threads:
        thread.join()
    assert not faults


def test_an_empty_library_has_no_neighbours(tmp_path: Path) -> None:
    empty: Any = ([], np.zeros((0, 0), dtype=np.float32))
    query = _vectors(1)[1][0]
    assert ExactIndex(lambda: empty).nearest(query, 5) == []
    index = open_index(tmp_path, "one", lambda: empty, own=True)
    assert index.nearest(query, 5) == []
    index.close()
