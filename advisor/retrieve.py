"""Lexical and dense search, fused by score.

Each chunk is weighed by BM25 over its text and the questions its section answers, by the cosine of its
best sentence, of the nearest of those questions and its heading, and of the nearest three of them; where
its section lists no questions, by its text's and its best sentence's in their place. Where it does list
some, sentences are compared as the adapter has them. The weights were chosen on the training questions of
SciFact and on our own questions of the split `tune`; `benchmarks/` runs the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
UNLISTED = (0.39, 0.27, 0.12, 0.22, 0.0)  # where a section lists no questions
MOST_HELD = 2000  # chunks kept at hand, with their vectors
SEVERAL = 3  # of a section's questions: their mean says more than the nearest alone
ASKED = 20  # chunks that their questions alone propose
NONE = -2.0  # in place of the cosine of a question that a section does not list


# A chunk, its vector, its sentences' and those as a question is compared with them.
_Held = tuple[Chunk, Any, Any, Any]


class HybridRetriever:
    """BM25 from the database and cosine from the vector index, over the same chunks."""

    def __init__(self, library: Library, index: VectorIndex, encoder: Encoder, adapter: Adapter | None = None) -> None:
        self.library = library
        self.index = index
        self.encoder = encoder
        asked_of, self._asks = library.asks()
        self._ids, self._places, self._listed = _by_chunk(asked_of)
        self._rows = {i: row for row, i in enumerate(self._ids)}
        self._listing = self._listed > 1  # to every chunk its heading leads
        self.lists = bool(self._listing.any())  # whether sections list questions; where none does, nobody asks the adapter
        self.adapter = (adapter or adapter_for(encoder)) if self.lists else None
        self._held: dict[int, _Held] = {}

    def search(self, query: str, k: int) -> Sequence[Passage]:
        """The k best passages; their scores are comparable between queries."""
        if not self._ids:
            return []
        vector = direction(self.encoder, query)
        terms = [w.lower() for w in words_of(query)]
        lexical, worded = self._scores(self.library.lexical([t for t in terms if t not in FUNCTION_WORDS] or terms, POOL))
        dense, alike = self._scores(self.index.nearest(vector, POOL))
        nearest, several = self._asked(vector)
        pool = np.unique([*worded, *alike, *np.argsort(-nearest, kind="stable")[:ASKED]])
        # Sentences are weighed for what the rest found good, not for the whole pool: the chunk stands in for its best one.
        rough = fused(lexical, dense, dense, nearest, several, self._listing)[pool]
        shortlist = pool[np.argsort(-rough, kind="stable")[: max(3 * k, 40)]]
        held = self._chunks([self._ids[row] for row in shortlist])
        if not held:
            return []
        rows = [self._rows[i] for i in held]
        cosines = np.array([whole for _, whole, _, _ in held.values()]) @ vector
        near = self._near(vector, held)
        # A chunk whose section lists no questions is not worse for it: its text stands in for them.
        nearest, listing = np.maximum(cosines, nearest[rows]), self._listing[rows]
        closest = [
            own if listed or not self.adapter else sentences @ vector
            for own, listed, (_, _, sentences, _) in zip(near, listing, held.values(), strict=True)
        ]
        best = np.array([one.max() if len(one) else cosine for one, cosine in zip(closest, cosines, strict=True)])
        scores = np.maximum(fused(lexical[rows], cosines, best, nearest, several[rows], listing), 0.0)
        passages = [
            Passage(chunk, score, sentences, asked, listed, own if self.adapter else None)
            for (chunk, _, sentences, _), score, asked, listed, own in zip(
                held.values(), scores.tolist(), nearest.tolist(), listing.tolist(), near, strict=True
            )
        ]
        passages.sort(key=lambda p: (-p.score, p.chunk.id))
        return passages[:k]

    def _scores(self, found: Sequence[tuple[int, float]]) -> tuple[Any, list[int]]:
        """What a search found as a score for each chunk, shape (chunks,), and the rows of those found.

        One that a build has brought meanwhile is left out: the search is done again.
        """
        known = [(self._rows[i], score) for i, score in found if i in self._rows]
        rows = [row for row, _ in known]
        made = np.zeros(len(self._ids))
        made[rows] = [score for _, score in known]
        return made, rows

    def _near(self, vector: Any, held: Mapping[int, _Held]) -> list[Any]:
        """How near each sentence of each chunk is, as a question is compared with them: all in one go, which is quicker."""
        every = [compared for _, _, _, compared in held.values()]
        ends = np.cumsum([len(compared) for compared in every])
        return np.split(np.concatenate(every) @ (self.adapter.question(vector) if self.adapter else vector), ends[:-1])

    def _chunks(self, ids: Sequence[int]) -> dict[int, _Held]:
        """Chunks by id, those seen before from memory; an id never comes to stand for another chunk."""
        held = self._held  # another thread may set a new one
        if len(held) > MOST_HELD:
            held = self._held = {}
        missing = [i for i in ids if i not in held]
        for i, (chunk, whole, sentences) in self.library.chunks(missing).items() if missing else ():
            held[i] = chunk, whole, sentences, self.adapter.sentences(sentences) if self.adapter else sentences
        return {i: held[i] for i in ids if i in held}

    def _asked(self, vector: Any) -> tuple[Any, Any]:
        """For each chunk the cosine of the nearest of its heading and questions, and the mean of the nearest few, shape (chunks,).

        The mean is 0 for a chunk whose section lists no questions beside its heading.
        """
        few = np.append(self._asks @ vector, NONE)[self._places]
        if few.shape[1] > SEVERAL:
            few = np.partition(few, -SEVERAL, axis=1)[:, -SEVERAL:]
        mean = np.where(few > NONE, few, 0.0).sum(axis=1) / np.minimum(self._listed, SEVERAL)
        return few.max(axis=1), np.where(self._listing, mean, 0.0)


def fused(lexical: Any, dense: Any, sentence: Any, nearest: Any, several: Any, listing: Any) -> Any:
    """One score from five, or as many as there are of each; `listing` says where a section lists questions."""
    five = (lexical, dense, sentence, nearest, several)
    listed, unlisted = (sum(share * one for share, one in zip(shares, five, strict=True)) for shares in (LISTED, UNLISTED))
    return np.where(listing, listed, unlisted)


def _by_chunk(asked_of: Any) -> tuple[list[int], Any, Any]:
    """Chunk ids, the rows of their questions, shape (chunks, most), -1 where there are no more, and how many they have."""
    rows: dict[int, list[int]] = {}
    for row, chunk in enumerate(asked_of.tolist()):
        rows.setdefault(chunk, []).append(row)
    ids, most = sorted(rows), max(map(len, rows.values()), default=0)
    places = np.array([rows[i] + [-1] * (most - len(rows[i])) for i in ids], dtype=np.int64).reshape(len(rows), most)
    return ids, places, np.array([len(rows[i]) for i in ids], dtype=np.int64)


@lru_cache(maxsize=64)  # the answerer weighs sentences by the vector that the search has just used
def direction(encoder: Encoder, query: str) -> Any:
    """The vector a query is searched by; where the asker tells of themselves, what is asked counts twice."""
    focus, profile = parted(query)
    if not profile:
        return encoder.encode([query])[0]
    both = encoder.encode([query, focus]).sum(axis=0)
    return both / np.linalg.norm(both)
