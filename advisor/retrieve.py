"""Lexical and dense search, fused by score.

Each chunk is weighed by BM25 over its text and the questions its section answers, by the cosine of its
best sentence, of the nearest of those questions and its heading, and of the nearest three of them; where
its section lists no questions, by its text's and its best sentence's in their place. Where it does list
some, sentences are compared as the adapter has them. The weights were chosen on the training questions of
SciFact and on our own questions of the split `tune`; `benchmarks/` runs the others.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from advisor.adapter import Adapter, adapter_for
from advisor.index import VectorIndex
from advisor.library import Library
from advisor.query import parted, words_of
from advisor.types import Chunk, Encoder, Passage
from advisor.words import FUNCTION_WORDS

POOL = 100  # candidates each search proposes
# Shares of BM25, the chunk's cosine, its best sentence's, the nearest question's and the mean of the nearest few.
LISTED = (0.30, 0.0, 0.30, 0.20, 0.20)
PLAIN = (0.39, 0.27, 0.12, 0.22, 0.0)  # where a section lists no questions
MOST_HELD = 2000  # chunks kept at hand, with their vectors
SEVERAL = 3  # of a section's questions: their mean says more than the nearest alone


# A chunk, its vector, its sentences' and those as a question is compared with them.
_Held = tuple[Chunk, Any, Any, Any]


class HybridRetriever:
    """BM25 from the database and cosine from the vector index, over the same chunks."""

    def __init__(self, library: Library, index: VectorIndex, encoder: Encoder, adapter: Adapter | None = None) -> None:
        self.library = library
        self.index = index
        self.encoder = encoder
        self._asked_of, self._asks = library.asks()
        self._places = _by_chunk(self._asked_of)
        lists = bool((self._places[2] > 1).any())  # where no section lists questions, nobody asks for what the adapter says
        self.adapter = (adapter or adapter_for(encoder)) if lists else None
        self._held: dict[int, _Held] = {}

    def search(self, query: str, k: int) -> Sequence[Passage]:
        """The k best passages; their scores are comparable between queries."""
        vector = direction(self.encoder, query)
        terms = [w.lower() for w in words_of(query)]
        lexical = dict(self.library.lexical([t for t in terms if t not in FUNCTION_WORDS] or terms, POOL))
        dense = dict(self.index.nearest(vector, POOL))
        asked = self._asked(vector)
        pool = {*lexical, *dense, *sorted(asked, key=lambda i: -asked[i][0])[:20]}
        # Sentences are weighed for what the rest found good, not for the whole pool: the chunk stands in for its best one.
        rough = {i: fused(lexical.get(i, 0.0), dense.get(i, 0.0), dense.get(i, 0.0), *asked.get(i, (0.0, 0.0))) for i in pool}
        shortlist = sorted(rough, key=lambda i: (-rough[i], i))[: max(3 * k, 40)]
        passages: list[Passage] = []
        adapted = self.adapter.question(vector) if self.adapter else vector
        for i, (chunk, whole, sentences, compared) in self._chunks(shortlist).items():
            cosine = float(whole @ vector)
            near = compared @ adapted
            # A chunk whose section lists no questions is not worse for it: its text stands in for them.
            one, several = asked.get(i, (0.0, 0.0))
            nearest = max(cosine, one)
            closest = near if several or not self.adapter else sentences @ vector
            score = fused(lexical.get(i, 0.0), cosine, float(closest.max()) if len(closest) else cosine, nearest, several)
            passages.append(Passage(chunk, max(0.0, score), sentences, nearest, bool(several), near if self.adapter else None))
        passages.sort(key=lambda p: (-p.score, p.chunk.id))
        return passages[:k]

    def _chunks(self, ids: Sequence[int]) -> dict[int, _Held]:
        """Chunks by id, those seen before from memory; an id never comes to stand for another chunk."""
        held = self._held  # another thread may set a new one
        if len(held) > MOST_HELD:
            held = self._held = {}
        missing = [i for i in ids if i not in held]
        for i, (chunk, whole, sentences) in self.library.chunks(missing).items() if missing else ():
            held[i] = chunk, whole, sentences, self.adapter.sentences(sentences) if self.adapter else sentences
        return {i: held[i] for i in ids if i in held}

    def _asked(self, vector: Any) -> dict[int, tuple[float, float]]:
        """For each chunk the cosine of the nearest of its heading and questions, and the mean of the nearest few.

        The mean is 0 for a chunk whose section lists no questions beside its heading.
        """
        if not len(self._asked_of):
            return {}
        ids, places, listed = self._places
        cosines = np.append(self._asks @ vector, -1.0)[places]
        if cosines.shape[1] > SEVERAL:
            cosines = np.partition(cosines, -SEVERAL, axis=1)[:, -SEVERAL:]
        few = -np.sort(-cosines, axis=1)
        held = np.minimum(listed, few.shape[1])
        mean = np.where(np.arange(few.shape[1]) < held[:, None], few, 0.0).sum(axis=1) / held
        return dict(zip(ids, zip(few[:, 0].tolist(), np.where(listed > 1, mean, 0.0).tolist(), strict=True), strict=True))


def fused(lexical: float, dense: float, sentence: float, nearest: float, several: float) -> float:
    """One score from five; `several` is 0 where a section lists no questions."""
    share = LISTED if several else PLAIN  # written out: it is asked two hundred times a question
    return share[0] * lexical + share[1] * dense + share[2] * sentence + share[3] * nearest + share[4] * several


def _by_chunk(asked_of: Any) -> tuple[list[int], Any, Any]:
    """Chunk ids, the rows of their questions, shape (chunks, most), -1 where there are no more, and how many they have."""
    rows: dict[int, list[int]] = {}
    for row, chunk in enumerate(asked_of.tolist()):
        rows.setdefault(chunk, []).append(row)
    most = max(map(len, rows.values()), default=0)
    places = np.array([found + [-1] * (most - len(found)) for found in rows.values()], dtype=np.int64).reshape(len(rows), most)
    return list(rows), places, np.array([len(found) for found in rows.values()], dtype=np.int64)


@lru_cache(maxsize=64)  # the answerer weighs sentences by the vector that the search has just used
def direction(encoder: Encoder, query: str) -> Any:
    """The vector a query is searched by; where the asker tells of themselves, what is asked counts twice."""
    focus, profile = parted(query)
    if not profile:
        return encoder.encode([query])[0]
    both = encoder.encode([query, focus]).sum(axis=0)
    return both / np.linalg.norm(both)
