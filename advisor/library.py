"""Documents, chunks, vectors and full-text search, in the database.

An update computes what is missing first (each batch of vectors is kept as it comes, under the
hash of what was embedded, so a killed build goes on where it was) and then swaps the guidance in
one transaction: a reader sees the whole old corpus or the whole new one.
"""

from __future__ import annotations

import json
import math
import re
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, bindparam, text

from advisor.chunking import VERSION as CHUNKING
from advisor.corpus import Corpus
from advisor.database import open_database, reading, writing
from advisor.errors import CorpusError, StorageError
from advisor.query import abbreviations_of, words_of
from advisor.rows import Planned, delete, documents_of, hash_of, insert, kept_embeddings, kept_stamps, matrix, plan, stamp_of
from advisor.types import Chunk, Document, Encoder, Source

BATCH = 64  # chunks embedded, and kept, at a time
MOST_COUNTS = 20_000  # words whose counts are remembered
ATTEMPTS = 5  # to update while other processes do the same
Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Update:
    """What an update did, in documents and chunks."""

    added: int
    changed: int
    removed: int
    kept: int
    chunks: int
    embedded: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A document as `advisor sources` lists it."""

    id: str
    title: str
    url: str
    chunks: int
    words: int
    metadata: Mapping[str, Any]


class Library:
    """The guidance in one database file; safe for several processes at once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine: Engine = open_database(path)
        self._counts: tuple[str, int, dict[str, int]] = ("", 0, {})  # a generation, its chunks, and how many of them hold a word

    def meta(self) -> dict[str, str]:
        """What the index is stamped with: generation, corpus folder, model, fingerprint; empty when there is none."""
        with reading(self.engine) as connection:
            return {str(k): str(v) for k, v in connection.exec_driver_sql("SELECT key, value FROM meta")}

    def update(
        self, corpus: Corpus, encoder: Encoder, *, limit: int, report: Report | None = None, ready: Callable[[], object] = lambda: None
    ) -> Update:
        """Makes the library hold exactly `corpus`; embeds only what is new. All of it happens, or none.

        `report(done, total)` is called as batches of vectors are kept, of chunks to embed; `ready` before anybody sees what is new.
        """
        config = f"{encoder.name}|{CHUNKING}|{limit}"
        counted, embedded = lru_cache(maxsize=100_000)(encoder.count), 0
        for _attempt in range(ATTEMPTS):
            with reading(self.engine) as connection:
                held = kept_stamps(connection)
            stamps = {g.document.id: stamp_of(config, g, corpus) for g in corpus.guidance}
            planned = [
                plan(g, stamps[g.document.id], counted, encoder.name, limit)
                for g in corpus.guidance
                if held.get(g.document.id) != stamps[g.document.id]
            ]
            self._check_sources(planned, corpus)
            embedded += self._embed(planned, encoder, report)
            ready()
            with writing(self.engine) as connection:
                if kept_stamps(connection) == held and kept_embeddings(connection).issuperset(h for p in planned for h in p.hashes):
                    return self._swap(connection, corpus, planned, held, encoder.name, config, embedded)
            # Another process updated in the meantime: what it wrote decides what is left to do.
        raise StorageError(f"{self.path} is being updated by other processes. Wait for them to finish and try again.")

    def _swap(
        self,
        connection: Connection,
        corpus: Corpus,
        planned: Sequence[Planned],
        held: Mapping[str, str],
        model: str,
        config: str,
        embedded: int,
    ) -> Update:
        """Writes what was planned, all in the caller's transaction."""
        new = {p.guidance.document.id for p in planned}
        removed = set(held) - {g.document.id for g in corpus.guidance}
        for ident in removed | (new & set(held)):
            delete(connection, ident)
        for item in planned:
            insert(connection, item, corpus)
        connection.execute(
            text(
                "DELETE FROM embeddings WHERE hash NOT IN (SELECT embedding FROM chunks) AND hash NOT IN (SELECT embedding FROM questions)"
            )
        )
        meta = {"corpus": str(corpus.folder), "fingerprint": corpus.fingerprint, "model": model, "config": config}
        if planned or removed or not self._generation(connection):
            meta |= {"generation": uuid.uuid4().hex, "indexed": f"{time.time():.0f}"}
            meta["abbreviations"] = json.dumps(abbreviations_of(g.document.text for g in corpus.guidance))
            counts = Counter(w.lower() for g in corpus.guidance for w in words_of(g.document.text) if w.isalpha())
            connection.execute(text("DELETE FROM words"))
            connection.execute(text("INSERT INTO words VALUES (:w, :n)"), [{"w": w, "n": n} for w, n in counts.items()])
        for key, value in meta.items():
            connection.execute(text("INSERT OR REPLACE INTO meta VALUES (:key, :value)"), {"key": key, "value": value})
        chunks = int(connection.execute(text("SELECT count(*) FROM chunks")).scalar_one())
        changed = len(new & set(held))
        return Update(len(new) - changed, changed, len(removed), len(corpus.guidance) - len(new), chunks, embedded)

    @staticmethod
    def _generation(connection: Connection) -> str:
        return connection.exec_driver_sql("SELECT value FROM meta WHERE key = 'generation'").scalar() or ""

    @staticmethod
    def _check_sources(planned: Iterable[Planned], corpus: Corpus) -> None:
        for item in planned:
            for piece in item.pieces:
                for key in piece.sources:
                    if key not in corpus.sources:
                        raise CorpusError(
                            f"{item.guidance.document.url}: the section {piece.heading!r} names the source {key!r}, which "
                            "sources.yaml does not hold. Add it there or correct the name."
                        )

    def _embed(self, planned: Sequence[Planned], encoder: Encoder, report: Report | None) -> int:
        wanted = {hash_of(encoder.name, *texts): texts for item in planned for texts in item.texts}
        with reading(self.engine) as connection:
            stored = kept_embeddings(connection)
        # Alike lengths side by side: a batch costs what its longest text costs.
        missing = sorted((h for h in wanted if h not in stored), key=lambda h: len(wanted[h][0]))
        if report:
            report(0, len(missing))
        for first in range(0, len(missing), BATCH):
            batch = missing[first : first + BATCH]
            flat = [t for h in batch for t in (wanted[h][0], *wanted[h][1])]
            vectors = np.asarray(encoder.encode(flat), dtype=np.float32)
            with writing(self.engine) as connection:
                row = 0
                for h in batch:
                    n = len(wanted[h][1])
                    connection.execute(
                        text("INSERT OR REPLACE INTO embeddings VALUES (:h, :v, :s)"),
                        {"h": h, "v": vectors[row].tobytes(), "s": vectors[row + 1 : row + 1 + n].astype(np.float16).tobytes()},
                    )
                    row += n + 1
            if report:
                report(min(first + BATCH, len(missing)), len(missing))
        return len(missing)

    def listed(self) -> list[Listed]:
        """What is indexed, by title."""
        query = """SELECT d.id, d.title, d.url, count(c.id), d.text, d.metadata FROM documents d
                   LEFT JOIN chunks c ON c.document_id = d.id GROUP BY d.id ORDER BY d.title"""
        with reading(self.engine) as connection:
            rows = connection.execute(text(query)).all()
        return [Listed(i, title, url, int(n), len(body.split()), json.loads(held)) for i, title, url, n, body, held in rows]

    def document(self, ident: str) -> Document | None:
        """A guide with its whole text; None where there is none of this id."""
        with reading(self.engine) as connection:
            return documents_of(connection, {ident}).get(ident)

    def chunks_of(self, ident: str) -> list[Chunk]:
        """The chunks of one document, in order."""
        with reading(self.engine) as connection:
            query = text("SELECT id FROM chunks WHERE document_id = :d ORDER BY ordinal")
            ids = [int(i) for i in connection.execute(query, {"d": ident}).scalars()]
        found = self.chunks(ids)
        return [found[i][0] for i in ids if i in found]

    def vectors(self) -> tuple[list[int], Any]:
        """All chunk ids and their vectors, shape (chunks, dimensions): what the vector index is rebuilt from."""
        with reading(self.engine) as connection:
            query = "SELECT c.id, e.vector FROM chunks c JOIN embeddings e ON e.hash = c.embedding ORDER BY c.id"
            rows = connection.exec_driver_sql(query).all()
        return [int(i) for i, _ in rows], matrix([v for _, v in rows], np.float32)

    def questions(self) -> tuple[list[str], Any, list[str]]:
        """Questions the guidance can answer, their vectors, shape (questions, d), and some to start with."""
        query = "SELECT q.text, e.vector FROM questions q JOIN embeddings e ON e.hash = q.embedding WHERE q.chunk_id IS NULL ORDER BY q.id"
        opening = "SELECT text FROM questions WHERE chunk_id IS NULL GROUP BY document_id ORDER BY min(id)"
        with reading(self.engine) as connection:
            rows = connection.execute(text(query)).all()
            first = connection.execute(text(opening)).scalars().all()
        return [str(t) for t, _ in rows], matrix([v for _, v in rows], np.float32), [str(t) for t in first]

    def asks(self) -> tuple[Any, Any]:
        """What leads to chunks, headings and the questions of a section: chunk ids, and vectors, shape (asks, d)."""
        query = "SELECT q.chunk_id, e.vector FROM questions q JOIN embeddings e ON e.hash = q.embedding WHERE q.chunk_id > 0 ORDER BY q.id"
        with reading(self.engine) as connection:
            rows = connection.execute(text(query)).all()
        return np.array([int(c) for c, _ in rows], dtype=np.int64), matrix([v for _, v in rows], np.float32)

    def asked_texts(self) -> list[str]:
        """The texts of which `asks` gives the vectors, in the same order."""
        with reading(self.engine) as connection:
            return list(connection.execute(text("SELECT text FROM questions WHERE chunk_id > 0 ORDER BY id")).scalars())

    def words(self) -> dict[str, int]:
        """Every word of the guidance, in lower case, with how often it occurs."""
        with reading(self.engine) as connection:
            return {str(w): int(n) for w, n in connection.execute(text("SELECT word, count FROM words"))}

    def frequency(self, word: str) -> int:
        """How many chunks hold a word, in any of its forms, or words one after the other."""
        with reading(self.engine) as connection:
            return self._counted(connection, [word])[0][0] if re.fullmatch(r"\w+(?: \w+)*", word) else 0

    def _counted(self, connection: Connection, words: Sequence[str]) -> tuple[list[int], int]:
        """How many chunks hold each word, and how many there are; what was counted in this generation is not counted again."""
        generation = self._generation(connection)
        counted, chunks, known = self._counts  # another thread may set new ones
        if counted != generation or len(known) > MOST_COUNTS:
            chunks, known = int(connection.exec_driver_sql("SELECT count(*) FROM chunks").scalar_one()), {}
            self._counts = (generation, chunks, known)
        for word in [w for w in words if w not in known]:
            count = connection.exec_driver_sql("SELECT count(*) FROM search WHERE search MATCH ?", (f'"{word}"',))
            known[word] = int(count.scalar_one())
        return [known[word] for word in words], chunks

    def abbreviations(self) -> dict[str, str]:
        """The abbreviations that the guidance explains itself, as short form to long form."""
        with reading(self.engine) as connection:
            row = connection.exec_driver_sql("SELECT value FROM meta WHERE key = 'abbreviations'").scalar()
        return dict(json.loads(row)) if row else {}

    def lexical(self, terms: Sequence[str], k: int) -> list[tuple[int, float]]:
        """The best chunks by BM25 for any of the terms, as (chunk id, score), best first.

        The score is a share of the most that the terms could reach, between 0 and 1: a question of
        which only the commonest words occur scores low, however it compares with other chunks.
        """
        words = list(dict.fromkeys(t.lower() for term in terms for t in re.findall(r"\w+", term)))
        if not words:
            return []
        query = "SELECT rowid, -bm25(search) AS score FROM search WHERE search MATCH ? ORDER BY score DESC, rowid LIMIT ?"
        with reading(self.engine) as connection:
            rows = connection.exec_driver_sql(query, (" OR ".join(f'"{w}"' for w in words), k)).all()
            most = 2.2 * sum(self._rarities(connection, words)) or 1.0  # times k1 + 1
        return [(int(i), min(1.0, float(s) / most)) for i, s in rows]

    def rarities(self, words: Sequence[str]) -> list[float]:
        """The inverse document frequency of each word, as SQLite's bm25() has it; one that no chunk holds is the rarest."""
        with reading(self.engine) as connection:
            return self._rarities(connection, words)

    def _rarities(self, connection: Connection, words: Sequence[str]) -> list[float]:
        counts, total = self._counted(connection, words)
        return [max(1e-6, math.log((total - n + 0.5) / (n + 0.5) + (n == 0))) for n in counts]

    def chunks(self, ids: Sequence[int]) -> dict[int, tuple[Chunk, Any, Any]]:
        """Chunks by id, each with its vector, shape (d,), and its sentences' vectors, shape (n, d)."""
        query = text(
            """SELECT c.id, c.document_id, c.start, c."end", c.heading, c.page, c.sources, c.sentences, e.vector, e.sentences
               FROM chunks c JOIN embeddings e ON e.hash = c.embedding WHERE c.id IN :ids"""
        ).bindparams(bindparam("ids", expanding=True))
        found: dict[int, tuple[Chunk, Any, Any]] = {}
        with reading(self.engine) as connection:  # one snapshot: spans and text belong together
            rows = connection.execute(query, {"ids": list(ids)}).all()
            documents = documents_of(connection, {str(row[1]) for row in rows})
            for i, d, start, end, heading, page, sources, spans, vector, inner in rows:
                chunk = Chunk(
                    int(i), documents[d], int(start), int(end), str(heading), page,
                    tuple(Source(**s) for s in json.loads(sources)), tuple((a, b) for a, b in json.loads(spans)),
                )  # fmt: skip
                whole = np.frombuffer(vector, dtype=np.float32)
                found[int(i)] = (chunk, whole, matrix([inner], np.float16, len(whole)).astype(np.float32))
        return found

    def close(self) -> None:
        self.engine.dispose()
