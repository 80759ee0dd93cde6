"""Vectors kept by the content of their texts, so that a benchmark embeds its corpus once."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from advisor.types import Encoder


class KeptVectors:
    """An encoder that looks a text up before it encodes it; vectors of another model are never mixed in."""

    def __init__(self, encoder: Encoder, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._encoder = encoder
        self._kept = sqlite3.connect(path)
        self._kept.execute("CREATE TABLE IF NOT EXISTS vectors (hash BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        self.name, self.dimensions = encoder.name, encoder.dimensions
        self.count, self.rank = encoder.count, encoder.rank

    def encode(self, texts: Sequence[str]) -> Any:
        hashes = [hashlib.sha256(f"{self.name}\0{text}".encode()).digest() for text in texts]
        found: dict[bytes, bytes] = {}
        for first in range(0, len(hashes), 500):
            some = hashes[first : first + 500]
            found.update(self._kept.execute(f"SELECT hash, vector FROM vectors WHERE hash IN ({','.join('?' * len(some))})", some))
        missing = {h: text for h, text in zip(hashes, texts, strict=True) if h not in found}
        if missing:
            made = np.asarray(self._encoder.encode(list(missing.values())), dtype=np.float32)
            fresh = {h: vector.tobytes() for h, vector in zip(missing, made, strict=True)}
            with self._kept:
                self._kept.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", fresh.items())
            found.update(fresh)
        return np.frombuffer(b"".join(found[h] for h in hashes), dtype=np.float32).reshape(len(texts), self.dimensions)

    def close(self) -> None:
        self._kept.close()
