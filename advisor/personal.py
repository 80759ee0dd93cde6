"""Search in what an owner has uploaded, beside the guidance and by the same scores."""

from __future__ import annotations

import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from advisor.adapter import Adapter, adapter_for
from advisor.library import Library
from advisor.query import stem, words_of
from advisor.retrieve import direction, fused
from advisor.types import Chunk, Encoder, Passage, Retriever
from advisor.uploads import Uploads, cut_up
from advisor.words import FUNCTION_WORDS

# Whoever says "my" or "did I" asks about themselves: what they brought is then nearer than the guidance, which outnumbers it.
ABOUT_ME = re.compile(r"\b(?:my|mine|our|(?:did|have|had|was|am|were) (?:i|we)|(?:i|we) (?:did|have|had|was|am|were))\b", re.I)
NEARER = 0.15
# What people call a document of theirs: "in my offer letter".
_KINDS = (
    "cv|resume|résumé|curriculum vitae|contract|agreement|offer|letter|notice|advert|ad|posting|job description|programme?|review"
    "|evaluation|appraisal|handbook|policy|plan|document|file|pdf|certificate|transcript|bylaws"
)
_MINE = re.compile(
    r"\b(?:in|from|on|according to|per|does|do|did) (?:my|our|this|these|the attached|the uploaded) (?:[\w-]+ )?"
    rf"(?P<kind>{_KINDS})s?\b",
    re.I,
)
OWNERS_HELD = 32  # owners whose chunks are kept at hand
UNKNOWN = "zzzyxq"  # a word that no guide holds
_K1, _B = 1.2, 0.75  # of SQLite's bm25()


@dataclass(frozen=True)
class _Held:
    marks: tuple[tuple[str, str], ...]
    chunks: list[tuple[Chunk, Any, Any]]
    counts: list[Counter[str]]  # stems, of each chunk
    matrix: Any  # their vectors, shape (chunks, d)
    compared: list[Any]  # of each chunk the vectors of its sentences, as the adapter has them; as they are without one


class Personal:
    """Gives each owner a retriever that finds their documents, too; nobody's search ever sees another's."""

    def __init__(self, uploads: Uploads, library: Library, encoder: Encoder) -> None:
        self.uploads, self.library, self.encoder = uploads, library, encoder
        self._lock = threading.Lock()
        self._held: OrderedDict[str, _Held] = OrderedDict()

    def __call__(self, owner: str, shared: Retriever) -> Retriever:
        """`shared` itself for who has no documents."""
        held = self._of(owner) if owner else None
        return PersonalRetriever(shared, held, self.library, self.encoder) if held and held.chunks else shared

    def _of(self, owner: str) -> _Held | None:
        marks = self.uploads.marks(owner)
        with self._lock:
            held = self._held.get(owner)
            if not marks or (held is not None and held.marks != marks):
                self._held.pop(owner, None)  # what was deleted is not kept in memory either
                held = None
        if held is None and marks:
            for ident, model in marks:
                if model != self.encoder.name:
                    upload, text = self.uploads.find(owner, ident)
                    cut = cut_up(text, upload.name, self.encoder, paged=upload.pages is not None)
                    self.uploads.embed_anew(owner, ident, cut)
            held = _prepared(marks, self.uploads.chunks(owner), adapter_for(self.encoder))
            with self._lock:
                self._held[owner] = held
                self._held.move_to_end(owner)
                while len(self._held) > OWNERS_HELD:
                    self._held.popitem(last=False)
        return held


class PersonalRetriever:
    """The shared passages and those of one owner's documents, best first."""

    def __init__(self, shared: Retriever, held: _Held, library: Library, encoder: Encoder) -> None:
        self.shared, self.held, self.library, self.encoder = shared, held, library, encoder

    def search(self, query: str, k: int) -> Sequence[Passage]:
        """The k best passages of both; of the documents alone that the question is about, where it says so."""
        own = self._own(query)
        named = self._named(query)
        if named:
            own = [p for p in own if p.chunk.document.id in named]
            return sorted(own, key=lambda p: (-p.score, p.chunk.id))[:k]
        return sorted([*self.shared.search(query, k), *own], key=lambda p: (-p.score, p.chunk.id))[:k]

    def _named(self, query: str) -> set[str]:
        """The documents that a question is about: it names what they name and no guide does, or what they are, as its asker's."""
        words = [w.lower() for w in words_of(query) if len(w) > 3 and w.lower() not in FUNCTION_WORDS]
        *rarities, rarest = self.library.rarities([*words, UNKNOWN])
        strange = {stem(w) for w, rarity in zip(words, rarities, strict=True) if rarity >= rarest}
        found = {chunk.document.id for (chunk, _, _), count in zip(self.held.chunks, self.held.counts, strict=True) if strange & set(count)}
        for match in _MINE.finditer(query):
            kind = stem(match["kind"].lower())
            found |= {c.document.id for c, _, _ in self.held.chunks if kind in _called(c)}
        return found

    def _own(self, query: str) -> list[Passage]:
        vector = direction(self.encoder, query)
        cosines = self.held.matrix @ vector
        adapter = adapter_for(self.encoder)
        adapted = adapter.question(vector) if adapter else vector
        nearer = NEARER if ABOUT_ME.search(query) else 0.0
        closest = [float((s @ vector).max()) if len(s) else cosine for (_, _, s), cosine in zip(self.held.chunks, cosines, strict=True)]
        scores = fused(np.array(self._lexical(query)), cosines, np.array(closest), cosines, 0.0, False) + nearer
        held = zip(self.held.chunks, self.held.compared, scores.clip(0.0, 1.0).tolist(), cosines.tolist(), strict=True)
        return [
            Passage(chunk, score, sentences, cosine, False, compared @ adapted if adapter else None)
            for (chunk, _, sentences), compared, score, cosine in held
        ]

    def _lexical(self, query: str) -> list[float]:
        """BM25 of each chunk as a share of the most that the words could reach; how rare a word is, the guidance says."""
        terms = [w.lower() for w in words_of(query)]
        terms = [t for t in terms if t not in FUNCTION_WORDS] or terms
        words = list(dict.fromkeys(w for term in terms for w in re.findall(r"\w+", term)))
        rarities = dict(zip(words, self.library.rarities(words), strict=True))
        most = sum((_K1 + 1) * r for r in rarities.values()) or 1.0
        sizes = [sum(count.values()) for count in self.held.counts]
        mean = sum(sizes) / len(sizes) or 1.0
        scores = []
        for count, size in zip(self.held.counts, sizes, strict=True):
            score = 0.0
            for word, rarity in rarities.items():
                times = count[stem(word)]
                score += rarity * times * (_K1 + 1) / (times + _K1 * (1 - _B + _B * size / mean))
            scores.append(min(1.0, score / most))
        return scores


def _called(chunk: Chunk) -> set[str]:
    """The stems of what a document is called: its title and the name of its file."""
    about = chunk.document.metadata
    return {stem(w.lower()) for w in re.findall(r"[^\W\d_]+", f"{chunk.document.title} {about.get('title', '')} {about.get('name', '')}")}


def _prepared(marks: tuple[tuple[str, str], ...], chunks: list[tuple[Chunk, Any, Any]], adapter: Adapter | None) -> _Held:
    texts = [f"{c.document.metadata.get('title', '')}\n{c.heading}\n{c.text}".lower() for c, _, _ in chunks]
    counts = [Counter(stem(word) for word in re.findall(r"\w+", text)) for text in texts]
    compared = [adapter.sentences(sentences) if adapter else sentences for _, _, sentences in chunks]
    return _Held(marks, chunks, counts, np.array([whole for _, whole, _ in chunks], dtype=np.float32), compared)
