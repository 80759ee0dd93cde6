"""Documents that people bring: each belongs to its owner, with its chunks and vectors, until it is deleted for good."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import Connection, Engine, text

from advisor.chunking import Piece, pieces, title_of
from advisor.corpus import MARKUP, PARSED, PLAIN, decode
from advisor.database import finish_scrub, plan_scrub, reading, writing
from advisor.errors import CorpusError, UnknownDocument
from advisor.types import MINE, Chunk, Document, Encoder

MOST_DOCUMENTS = 20  # of one owner
MOST_CHARACTERS = 200_000  # of one document
MOST_SENTENCES = 3000  # of one document: each is embedded
CHUNK_TOKENS = 200
SECONDS = 8  # of a processor to read one, at most, and ten more by the clock: somebody waits
_BATCH = 16  # texts embedded at once; more would hold up the questions of others
_MARKED = re.compile(MINE + r"[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A document as its owner sees it listed; `pages` is None where the format has none, `added` in seconds since 1970."""

    id: str
    name: str
    title: str
    words: int
    pages: int | None
    added: float


@dataclass(frozen=True, slots=True)
class Cut:
    """A document's text, cut and embedded: what is kept of it."""

    text: str
    title: str
    pages: int | None
    pieces: tuple[Piece, ...]
    vectors: tuple[tuple[bytes, bytes], ...]
    model: str


class Uploads:
    """The documents of all owners; nothing is read, listed or deleted but for the owner that is named."""

    def __init__(self, engine: Engine, clock: Callable[[], float] = time.time) -> None:
        self.engine = engine
        self.clock = clock

    def add(self, owner: str, name: str, cut: Cut) -> Upload:
        """Keeps a document; raises `CorpusError` for one too many."""
        made = Upload(f"{MINE}{uuid.uuid4().hex[:16]}", name, cut.title, len(cut.text.split()), cut.pages, self.clock())
        row = {"owner": owner, **{f: getattr(made, f) for f in Upload.__slots__}, "text": cut.text, "model": cut.model}
        with writing(self.engine) as connection:
            held = connection.execute(text("SELECT count(*) FROM uploads WHERE owner = :owner"), {"owner": owner}).scalar_one()
            if held >= MOST_DOCUMENTS:
                raise CorpusError(f"You have {held} documents, which are the most | Delete one that you no longer need")
            connection.execute(
                text(
                    """INSERT INTO uploads (owner, id, name, title, text, pages, words, added, model)
                       VALUES (:owner, :id, :name, :title, :text, :pages, :words, :added, :model)"""
                ),
                row,
            )
            _insert(connection, owner, made.id, cut)
        return made

    def listed(self, owner: str) -> list[Upload]:
        """An owner's documents, the latest first."""
        query = "SELECT id, name, title, words, pages, added FROM uploads WHERE owner = :owner ORDER BY added DESC, id"
        with reading(self.engine) as connection:
            return [Upload(*row) for row in connection.execute(text(query), {"owner": owner})]

    def marks(self, owner: str) -> tuple[tuple[str, str], ...]:
        """What an owner's documents are told apart by: their ids, each with the model that embedded it."""
        with reading(self.engine) as connection:
            rows = connection.execute(text("SELECT id, model FROM uploads WHERE owner = :owner ORDER BY added, id"), {"owner": owner})
            return tuple((str(i), str(m)) for i, m in rows)

    def find(self, owner: str, ident: str) -> tuple[Upload, str]:
        """A document of an owner with its text; raises `UnknownDocument` for one that is not theirs."""
        query = "SELECT id, name, title, words, pages, added, text FROM uploads WHERE owner = :owner AND id = :id"
        with reading(self.engine) as connection:
            found = connection.execute(text(query), {"owner": owner, "id": ident}).first() if _MARKED.fullmatch(ident) else None
        if found is None:
            raise UnknownDocument("There is no such document of yours. List them with: GET /api/documents")
        return Upload(*found[:6]), str(found[6])

    def chunks(self, owner: str) -> list[tuple[Chunk, Any, Any]]:
        """All chunks of an owner's documents, each with its vector, shape (d,), and its sentences' vectors, shape (n, d)."""
        query = """SELECT u.id, u.name, u.title, u.text, c.start, c."end", c.heading, c.page, c.spans, c.vector, c.sentences
                   FROM uploads u JOIN upload_chunks c ON c.owner = u.owner AND c.upload_id = u.id
                   WHERE u.owner = :owner ORDER BY u.added, u.id, c.ordinal"""
        documents: dict[str, Document] = {}
        found: list[tuple[Chunk, Any, Any]] = []
        with reading(self.engine) as connection:
            rows = connection.execute(text(query), {"owner": owner}).all()
        for place, (ident, name, title, body, start, end, heading, page, spans, vector, inner) in enumerate(rows, start=1):
            # Named for what it is: whoever reads the answer sees at once that this is not the guidance.
            document = documents.setdefault(ident, Document(ident, f"Your document: {name}", body, "", {"title": title}))
            # The guidance counts its chunks upwards from one, so these can never be taken for them.
            chunk = Chunk(-place, document, start, end, heading, page, (), tuple((a, b) for a, b in json.loads(spans)))
            whole = np.frombuffer(vector, dtype=np.float32)
            found.append((chunk, whole, np.frombuffer(inner, dtype=np.float16).reshape(-1, len(whole)).astype(np.float32)))
        return found

    def embed_anew(self, owner: str, ident: str, cut: Cut) -> None:
        """Puts other chunks and vectors in the place of those that another model made; does nothing for a document that is gone."""
        place = {"owner": owner, "id": ident, "model": cut.model}
        with writing(self.engine) as connection:
            if connection.execute(text("UPDATE uploads SET model = :model WHERE owner = :owner AND id = :id"), place).rowcount:
                connection.execute(text("DELETE FROM upload_chunks WHERE owner = :owner AND upload_id = :id"), place)
                _insert(connection, owner, ident, cut)

    def delete(self, owner: str, ident: str) -> None:
        """Deletes a document for good: its bytes too, see `advisor.database.scrub`."""
        if not self._delete("owner = :owner AND id = :id", {"owner": owner, "id": ident}):
            raise UnknownDocument("There is no such document of yours. List them with: GET /api/documents")

    def delete_all(self, owner: str) -> int:
        """Deletes all documents of an owner for good; gives their number."""
        return self._delete("owner = :owner", {"owner": owner})

    def _delete(self, where: str, given: dict[str, str]) -> int:
        with writing(self.engine) as connection:
            deleted = int(connection.execute(text(f"DELETE FROM uploads WHERE {where}"), given).rowcount)
            if deleted:
                plan_scrub(connection, self.clock())
        if deleted:
            finish_scrub(self.engine)
        return deleted


def text_of(path: Path, name: str, *, seconds: int, megabytes: int) -> str:
    """The text of a file, as its suffix says what it is; raises `CorpusError` with the fault and the remedy, parted by a bar."""
    from advisor.documents import parse, parse_page  # what only asks needs neither

    suffix = path.suffix.lower()
    if suffix in PARSED:
        found = parse(path, seconds=min(seconds, SECONDS), megabytes=megabytes)
    elif suffix in MARKUP | PLAIN:
        found = decode(path)
        if suffix in MARKUP:
            found = parse_page(found, seconds=min(seconds, SECONDS), megabytes=megabytes)
    else:
        raise CorpusError(f"{name} is of a kind that is not read | Send PDF, DOCX, Markdown, text or HTML")
    found = found.replace("\0", "")
    if not any(c.isalnum() for c in found):
        raise CorpusError("there is no text in it | Send one with text")
    if len(found) > MOST_CHARACTERS:
        raise CorpusError(f"it has {len(found):,} characters, and {MOST_CHARACTERS:,} are the most | Send the part that matters")
    return found


def cut_up(found: str, name: str, encoder: Encoder, *, paged: bool) -> Cut:
    """A text's chunks and their vectors; raises `CorpusError` for one with too many sentences."""
    title = " ".join((title_of(found, 0) or Path(name).stem).split())[:120]
    found_in = pieces(found, lru_cache(maxsize=50_000)(encoder.count), 0, limit=CHUNK_TOKENS)
    # A sentence of one or two words, as "Notice.", is no statement that could answer anybody.
    cut = tuple(replace(p, sentences=tuple(s for s in p.sentences if len(found[s[0] : s[1]].split()) > 2)) for p in found_in)
    if sum(len(piece.sentences) for piece in cut) > MOST_SENTENCES:
        raise CorpusError(f"it has more than {MOST_SENTENCES:,} sentences or lines | Send the part that matters")
    if not cut:
        raise CorpusError("there is no text in it | Send one with text")
    flat: list[str] = []
    for piece in cut:
        context = [title, *(heading for heading in piece.path if heading != title)]
        flat.append("\n".join([*context, " ".join(found[piece.start : piece.end].split())]))
        flat += [" ".join(found[a:b].split()) for a, b in piece.sentences]
    made = np.concatenate([encoder.encode(flat[i : i + _BATCH]) for i in range(0, len(flat), _BATCH)]).astype(np.float32)
    vectors, row = [], 0
    for piece in cut:
        after = row + 1 + len(piece.sentences)
        vectors.append((made[row].tobytes(), made[row + 1 : after].astype(np.float16).tobytes()))
        row = after
    return Cut(found, title, found.count("\f") + 1 if paged else None, cut, tuple(vectors), encoder.name)


def _insert(connection: Connection, owner: str, ident: str, cut: Cut) -> None:
    rows: Sequence[dict[str, Any]] = [
        {
            "owner": owner, "upload": ident, "ordinal": n, "start": p.start, "end": p.end, "heading": p.heading, "page": p.page,
            "spans": json.dumps(list(p.sentences)), "vector": vector, "sentences": sentences,
        }
        for n, (p, (vector, sentences)) in enumerate(zip(cut.pieces, cut.vectors, strict=True))
    ]  # fmt: skip
    connection.execute(
        text(
            """INSERT INTO upload_chunks (owner, upload_id, ordinal, start, "end", heading, page, spans, vector, sentences)
               VALUES (:owner, :upload, :ordinal, :start, :end, :heading, :page, :spans, :vector, :sentences)"""
        ),
        rows,
    )
