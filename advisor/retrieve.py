"""Lexical and dense search, fused by score.

Each chunk is weighed by BM25, by the cosine of its text, of its best sentence, and of the best of its
heading and the questions its section answers. The weights were chosen on the training questions of
SciFact and on our own questions of the split `tune`; `benchmarks/` runs the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from advisor.index import VectorIndex
from advisor.library import Library
from advisor.query import parted, words_of
from advisor.types import Encoder, Passage
from advisor.words import FUNCTION_WORDS

POOL = 100  # candidates each search proposes
LEXICAL, DENSE, SENTENCE, ASKED = 0.39, 0.27, 0.12, 0.22  # of the fused score


class HybridRetriever:
    """BM25 from the database and cosine from the vector index, over the same chunks."""

    def __init__(self, library: Library, index: VectorIndex, encoder: Encoder) -> None:
        self.library = library
        self.index = index
        self.encoder = encoder
        self._asked_of, self._asks = library.asks()

    def search(self, query: str, k: int) -> Sequence[Passage]:
        """The k best passages; their scores are comparable between queries."""
        vector = direction(self.encoder, query)
        terms = [w.lower() for w in words_of(query)]
        lexical = dict(self.library.lexical([t for t in terms if t not in FUNCTION_WORDS] or terms, POOL))
        dense = dict(self.index.nearest(vector, POOL))
        asked = self._asked(vector)
        rough = {
            i: LEXICAL * lexical.get(i, 0.0) + DENSE * dense.get(i, 0.0) + ASKED * asked.get(i, 0.0)
            for i in {*lexical, *dense, *sorted(asked, key=lambda i: -asked[i])[:20]}
        }
        # Sentences are weighed for what the rest found good, not for the whole pool.
        shortlist = sorted(rough, key=lambda i: (-rough[i], i))[: max(3 * k, 40)]
        passages: list[Passage] = []
        for i, (chunk, whole, sentences) in self.library.chunks(shortlist).items():
            cosine = float(whole @ vector)
            closest = float((sentences @ vector).max()) if len(sentences) else cosine
            # A chunk whose section lists no questions is not worse for it: its text stands in for them.
            nearest = max(cosine, asked.get(i, 0.0))
            score = LEXICAL * lexical.get(i, 0.0) + DENSE * cosine + SENTENCE * closest + ASKED * nearest
            passages.append(Passage(chunk, max(0.0, score), sentences, nearest))
        passages.sort(key=lambda p: (-p.score, p.chunk.id))
        return passages[:k]

    def _asked(self, vector: Any) -> dict[int, float]:
        """For each chunk the cosine of the nearest of its heading and questions."""
        if not len(self._asked_of):
            return {}
        best: dict[int, float] = {}
        for chunk, cosine in zip(self._asked_of.tolist(), (self._asks @ vector).tolist(), strict=True):
            if cosine > best.get(chunk, -1.0):
                best[chunk] = cosine
        return best


def direction(encoder: Encoder, query: str) -> Any:
    """The vector a query is searched by; where the asker tells of themselves, what is asked counts twice."""
    focus, profile = parted(query)
    if not profile:
        return encoder.encode([query])[0]
    both = encoder.encode([query, focus]).sum(axis=0)
    return both / np.linalg.norm(both)
