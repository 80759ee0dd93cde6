"""An encoder without a model: bags of hashed stems as unit vectors.

Texts are alike when they share words, whatever the words mean. It needs no weights, loads at once
and always gives the same vectors, so it serves for trying the advisor on a machine without the
model (`ADVISOR_EMBEDDING_MODEL=hashed`) and for tests of everything that is not about meaning.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from advisor.query import stem, words_of
from advisor.words import FUNCTION_WORDS, GENERIC_WORDS

_TOKEN = re.compile(r"\w+|[^\w\s]")


class HashedEncoder:
    """Adds up one signed direction a stem, common words left out; equal texts get equal vectors."""

    def __init__(self, dimensions: int = 256) -> None:
        self.dimensions = dimensions
        self.name = f"hashed-{dimensions}"

    def encode(self, texts: Sequence[str]) -> Any:
        made = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in enumerate(texts):
            words = [w.lower() for w in words_of(text)]
            held = [w for w in words if w not in FUNCTION_WORDS] or words or [text]
            for root, times in Counter(stem(w) or w for w in held).items():
                place, sign = _direction(root, self.dimensions)
                made[row, place] += sign * times**0.5
            length = float(np.linalg.norm(made[row]))
            if length:
                made[row] /= length
            else:  # two stems that cancel out, or none: any unit vector will do
                made[row, 0] = 1.0
        return made

    def count(self, text: str) -> int:
        return len(_TOKEN.findall(text))

    def rank(self, word: str) -> int | None:
        return _COMMON.get(word)


@lru_cache(maxsize=100_000)
def _direction(root: str, dimensions: int) -> tuple[int, float]:
    digest = hashlib.blake2b(root.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest[:4], "big") % dimensions, 1.0 if digest[4] & 1 else -1.0


_COMMON = {word: place for place, word in enumerate([*sorted(FUNCTION_WORDS), *sorted(GENERIC_WORDS - FUNCTION_WORDS)])}
