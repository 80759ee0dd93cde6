"""What the library writes for one document: its chunks, what of them is embedded, its questions.

Vectors are kept under a hash of what they were made from, so that what did not change is never
embedded again, and a build that was killed goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Connection, bindparam, text

from advisor.chunking import Piece, pieces
from advisor.corpus import Corpus, Guidance, questions_of
from advisor.suggest import as_question
from advisor.types import Document, Source

Texts = tuple[str, tuple[str, ...]]  # what is embedded as a whole, and its sentences one by one


@dataclass(frozen=True, slots=True)
class Planned:
    """A document as it will be written; `texts` and `hashes` are those of its pieces, then of its questions."""

    guidance: Guidance
    stamp: str
    pieces: tuple[Piece, ...]
    questions: tuple[tuple[str, int | None], ...]  # with the piece that answers, or None for one that can be suggested
    texts: tuple[Texts, ...]
    hashes: tuple[str, ...]


def plan(guidance: Guidance, stamp: str, count: Callable[[str], int], model: str, limit: int) -> Planned:
    """Cuts a document and lists what has to be embedded for it."""
    document = guidance.document
    cut = tuple(pieces(document.text, count, guidance.body, limit=limit, curated=guidance.curated))
    # The questions a guide lists, or else its headings as questions, can be suggested; headings and the
    # questions of a section lead to its pieces.
    shown = tuple(questions_of(guidance)) or tuple(as_question(h, document.title) for h in dict.fromkeys(p.heading for p in cut) if h)
    leading = [(q, i) for i, piece in enumerate(cut) for q in (piece.heading or document.title, *piece.asked)]
    questions = (*((q, None) for q in shown), *leading)
    texts = (*(_texts(document, piece) for piece in cut), *((question, ()) for question, _ in questions))
    return Planned(guidance, stamp, cut, questions, texts, tuple(hash_of(model, *t) for t in texts))


def _texts(document: Document, piece: Piece) -> Texts:
    """Title and headings before the text of a piece, and each of its sentences by itself."""
    context = [document.title, *(h for h in piece.path if h != document.title)]
    body = " ".join(document.text[piece.start : piece.end].split())
    return "\n".join([*context, body]), tuple(" ".join(document.text[a:b].split()) for a, b in piece.sentences)


def stamp_of(config: str, guidance: Guidance, corpus: Corpus) -> str:
    """Changes when anything does that is written for a document."""
    return hashlib.sha256(f"{config}|{guidance.stamp(corpus.sources)}".encode()).hexdigest()


def hash_of(model: str, whole: str, sentences: Sequence[str]) -> str:
    """What vectors are kept under."""
    return hashlib.sha256(json.dumps([model, whole, list(sentences)]).encode()).hexdigest()


def matrix(blobs: Sequence[bytes], kind: Any, columns: int = 0) -> Any:
    """Vectors as they are stored, as rows."""
    joined = np.frombuffer(b"".join(blobs), dtype=kind)
    width = columns or (len(joined) // len(blobs) if blobs else 0)
    return joined.reshape(-1, width) if width else joined.reshape(0, 0)


def delete(connection: Connection, ident: str) -> None:
    """Removes a document with all that was written for it but its vectors."""
    values = {"id": ident}
    connection.execute(text("DELETE FROM search WHERE rowid IN (SELECT id FROM chunks WHERE document_id = :id)"), values)
    for statement in (
        "DELETE FROM chunks WHERE document_id = :id",
        "DELETE FROM questions WHERE document_id = :id",
        "DELETE FROM documents WHERE id = :id",
    ):
        connection.execute(text(statement), values)


def insert(connection: Connection, planned: Planned, corpus: Corpus) -> None:
    """Writes a document, its chunks into tables and full-text search, and its questions."""
    document = planned.guidance.document
    connection.execute(
        text("INSERT INTO documents VALUES (:id, :title, :url, :text, :metadata, :stamp)"),
        {
            "id": document.id,
            "title": document.title,
            "url": document.url,
            "text": document.text,
            "metadata": json.dumps(dict(document.metadata), default=str),
            "stamp": planned.stamp,
        },
    )
    ids: list[int] = []
    for ordinal, (piece, embedding) in enumerate(zip(planned.pieces, planned.hashes, strict=False)):
        named = [{f: getattr(corpus.sources[k], f) for f in Source.__slots__} for k in piece.sources]
        row = connection.execute(
            text(
                """INSERT INTO chunks (document_id, ordinal, start, "end", heading, page, sources, sentences, embedding)
                   VALUES (:d, :o, :a, :b, :h, :p, :k, :s, :e)"""
            ),
            {
                "d": document.id,
                "o": ordinal,
                "a": piece.start,
                "b": piece.end,
                "h": piece.heading,
                "p": piece.page,
                "k": json.dumps(named),
                "s": json.dumps(list(piece.sentences)),
                "e": embedding,
            },
        )
        ids.append(row.lastrowid)
        connection.execute(
            text("INSERT INTO search (rowid, title, heading, body, asked) VALUES (:id, :t, :h, :b, :q)"),
            {
                "id": row.lastrowid,
                "t": document.title,
                "h": " ".join(piece.path[1:] or piece.path),
                "b": document.text[piece.start : piece.end],
                "q": "\n".join(piece.asked),
            },
        )
    for (question, piece_at), embedding in zip(planned.questions, planned.hashes[len(planned.pieces) :], strict=True):
        connection.execute(
            text("INSERT INTO questions (document_id, chunk_id, text, embedding) VALUES (:d, :c, :t, :e)"),
            {"d": document.id, "c": None if piece_at is None else ids[piece_at], "t": question, "e": embedding},
        )


def documents_of(connection: Connection, idents: set[str]) -> dict[str, Document]:
    """Documents by id, with their whole text; those that there are."""
    query = text("SELECT id, title, url, text, metadata FROM documents WHERE id IN :ids").bindparams(bindparam("ids", expanding=True))
    rows = connection.execute(query, {"ids": sorted(idents)})
    return {str(i): Document(str(i), str(title), str(body), str(url), json.loads(held)) for i, title, url, body, held in rows}


def kept_stamps(connection: Connection) -> dict[str, str]:
    """The stamp of each document that is kept, by id."""
    return {str(i): str(s) for i, s in connection.execute(text("SELECT id, stamp FROM documents"))}


def kept_embeddings(connection: Connection) -> set[str]:
    """The hashes of the texts whose vectors are kept."""
    return {str(h) for (h,) in connection.execute(text("SELECT hash FROM embeddings"))}
