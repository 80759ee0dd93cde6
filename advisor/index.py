"""Chroma, the vector cache: built from the database's vectors, owned by one process, swapped whole.

Chroma does not survive a kill in the middle of a write, nor two processes on one folder. So each
generation of the library is written once into a folder of its own and marked when it is whole; a
lock gives the folder to one process; every other process searches the same vectors exactly,
straight from the database.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
import threading
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from advisor.locks import FileLock

log = logging.getLogger(__name__)

COLLECTION = "guidance"
MARK = "whole"  # a file with a digest of the others, written once they are all there
_BATCH = 5000
Vectors = Callable[[], tuple[list[int], Any]]


class VectorIndex(Protocol):
    """Nearest chunks by cosine."""

    def nearest(self, vector: Any, k: int) -> list[tuple[int, float]]: ...

    def close(self) -> None: ...


class ExactIndex:
    """Compares with every vector: exact, and quicker than a graph up to some ten thousand chunks."""

    def __init__(self, vectors: Vectors) -> None:
        self._ids, self._matrix = vectors()

    def nearest(self, vector: Any, k: int) -> list[tuple[int, float]]:
        if not self._ids:
            return []
        scores = self._matrix @ np.asarray(vector, dtype=np.float32)
        best = np.argsort(-scores, kind="stable")[:k]
        return [(self._ids[i], float(scores[i])) for i in best]

    def close(self) -> None:
        pass


class ChromaIndex:
    """One generation of the library in Chroma; raises where the folder is damaged.

    Closed while a question is under way in another thread, it goes on with the exact search.
    """

    def __init__(self, folder: Path, lock: FileLock, vectors: Vectors) -> None:
        self._lock = lock
        self._vectors = vectors
        self._guard = threading.Lock()
        # Damage can end the whole process, so the mark stands again only when a search went well:
        # a start that died here finds no mark the next time, and builds anew.
        whole = (folder / MARK).read_text() == _digest(folder)
        (folder / MARK).unlink()
        if not whole:
            raise ValueError("its files are not as they were written")
        self._client: Any = _client(folder)
        try:
            self._collection = self._client.get_collection(COLLECTION, embedding_function=None)
            self._count = self._collection.count()
            ids, matrix = vectors()
            if self._count != len(ids):
                raise ValueError(f"{self._count} of {len(ids)} vectors")
            if ids and self._search(matrix[-1], 1)[0][1] < 0.999:
                raise ValueError("a vector does not find itself")
        except BaseException:
            self._client.close()
            raise
        (folder / MARK).write_text(_digest(folder))  # Chroma writes to small indexes when it opens them

    def nearest(self, vector: Any, k: int) -> list[tuple[int, float]]:
        with self._guard:
            if self._client is not None:
                return self._search(vector, k)
        return ExactIndex(self._vectors).nearest(vector, k)

    def _search(self, vector: Any, k: int) -> list[tuple[int, float]]:
        if not self._count:
            return []
        found = self._collection.query(
            query_embeddings=[np.asarray(vector, dtype=np.float32)], n_results=min(k, self._count), include=["distances"]
        )
        distances = found["distances"] or [[]]
        return [(int(i), 1.0 - float(d)) for i, d in zip(found["ids"][0], distances[0], strict=True)]

    def close(self) -> None:
        with self._guard:
            if self._client is not None:
                self._client.close()
                self._client = None
                self._lock.release()


def open_index(root: Path, generation: str, vectors: Vectors, *, own: bool) -> VectorIndex:
    """The vector index of a generation, built if it is missing or damaged.

    `own=False`, a folder owned by another process, or one that cannot be written gives the exact search.
    """
    if not own:
        return ExactIndex(vectors)
    try:
        root.mkdir(parents=True, exist_ok=True)
        lock = FileLock(root / "owner.lock")
        if not lock.acquire(wait=0):
            return ExactIndex(vectors)
        try:
            for _attempt in range(2):
                folder = next((p.parent for p in root.glob(f"{generation}-*/{MARK}")), None) or _build(root, generation, vectors)
                try:
                    opened = ChromaIndex(folder, lock, vectors)
                    _drop_others(root, keep=folder)
                    return opened
                except Exception as error:  # Chroma's faults have no common type; the cache is made anew
                    log.warning("the vector index is damaged (%s); building it again from the database", error)
                    (folder / MARK).unlink(missing_ok=True)
        except BaseException:
            lock.release()
            raise
        lock.release()
    except OSError as error:
        log.warning("the vector index cannot be kept at %s (%s); searching the database instead", root, error.strerror)
    return ExactIndex(vectors)


def _build(root: Path, generation: str, vectors: Vectors) -> Path:
    # Never at a place used before: Chroma keeps what it has open by its path, damaged or not.
    folder = root / f"{generation}-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True)
    ids, matrix = vectors()
    client = _client(folder)
    try:
        collection = client.create_collection(
            COLLECTION,
            embedding_function=None,
            configuration={"hnsw": {"space": "cosine", "ef_search": 200, "ef_construction": 200, "max_neighbors": 32}},
        )
        for first in range(0, len(ids), _BATCH):
            collection.add(ids=[str(i) for i in ids[first : first + _BATCH]], embeddings=matrix[first : first + _BATCH])
    finally:
        client.close()
    (folder / MARK).write_text(_digest(folder))
    return folder


def _digest(folder: Path) -> str:
    """Of all files but the one that checks itself, and that Chroma writes to when it pleases."""
    made = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != MARK and not p.name.startswith("chroma.sqlite3")):
        made.update(f"{path.relative_to(folder)} {path.stat().st_size}\n".encode())
        with open(path, "rb") as file:
            made.update(hashlib.file_digest(file, "sha256").digest())
    return made.hexdigest()


def _drop_others(root: Path, keep: Path) -> None:
    for other in root.iterdir():
        if other.is_dir() and other != keep:
            shutil.rmtree(other, ignore_errors=True)


def _client(folder: Path) -> Any:
    import chromadb
    from chromadb.config import Settings

    return chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
