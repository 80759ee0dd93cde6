"""A turn as plain data and back, for keeping.

Every field of every record in `advisor.types` is taken along by its name, so a new field needs nothing here. What an
older or newer advisor kept is read too: unknown fields are passed over, missing ones get their default. A chunk is
kept once, with the words it covers and what a citation shows of its document, so a turn can be shown again after the
guidance has changed. Fields of any type (vectors) and a chunk's sentences are working data, and are left out.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

from advisor.types import MINE, Chunk, Document, Source, Turn


class Excerpt(str):
    """Words of a document that answer to their places in the whole of it: `excerpt[start:end]` is what the document has there."""

    __slots__ = ("start",)
    start: int

    def __new__(cls, words: str, start: int) -> Excerpt:
        made = super().__new__(cls, words)
        made.start = start
        return made

    def __getitem__(self, place: Any) -> str:
        if isinstance(place, slice) and place.step is None:
            place = slice(*(None if edge is None else max(edge - self.start, 0) for edge in (place.start, place.stop)))
        return super().__getitem__(place)


def record_of(turn: Turn) -> dict[str, Any]:
    """A turn as what JSON can hold."""
    chunks: dict[int, tuple[int, Chunk]] = {}
    plain = cast("dict[str, Any]", _plain(turn, chunks))
    cited = {id(citation.chunk) for citation in turn.answer.citations}
    # What somebody brought is theirs to delete: a turn keeps no more of it than was shown.
    return {**plain, "chunks": [_chunk(c, bare=c.document.id.startswith(MINE) and id(c) not in cited) for _, c in chunks.values()]}


def turn_of(record: Mapping[str, Any]) -> Turn:
    """The turn of a record: equal in all that is shown, exported or leaned upon."""
    return cast(Turn, _made(Turn, record, [_shelved(c) for c in record.get("chunks") or ()]))


def _plain(value: Any, chunks: dict[int, tuple[int, Chunk]]) -> Any:
    """Plain data of a value; of a chunk its place in `chunks`, where it is put by its identity."""
    if value is None or isinstance(value, (str, int, float)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(v, chunks) for v in value]
    if isinstance(value, Chunk):
        return chunks.setdefault(id(value), (len(chunks), value))[0]
    if isinstance(value, Mapping):
        return {str(k): _plain(v, chunks) for k, v in value.items()}
    names = _kept(cast(type, type(value)))
    # NumPy has floats of its own.
    return float(value) if names is None else {name: _plain(getattr(value, name), chunks) for name in names}


def _chunk(chunk: Chunk, *, bare: bool = False) -> dict[str, Any]:
    document = chunk.document
    shown = {"id": document.id, "title": document.title, "url": document.url, "as_of": str(document.metadata.get("as_of") or "")}
    kept = {"id": chunk.id, "start": chunk.start, "end": chunk.end, "heading": chunk.heading, "page": chunk.page}
    return {**kept, "document": shown, "sources": _plain(chunk.sources, {}), "text": "" if bare else chunk.text}


def _shelved(kept: Mapping[str, Any]) -> Chunk:
    words, start = str(kept.get("text", "")), int(kept.get("start", 0))
    shown = {"id": "", "title": "", "url": "", "as_of": "", **(kept.get("document") or {})}
    metadata = {"as_of": shown["as_of"]} if shown["as_of"] else {}
    document = Document(shown["id"], shown["title"], Excerpt(words, start), shown["url"], metadata)
    sources = tuple(_made(Source, s, []) for s in kept.get("sources") or ())
    return Chunk(int(kept.get("id", 0)), document, start, start + len(words), kept.get("heading", ""), kept.get("page"), sources)


def _made(kind: Any, value: Any, chunks: Sequence[Chunk]) -> Any:
    """What a type makes of plain data; nothing, or something else, gives its empty value."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Chunk:
        return chunks[value] if isinstance(value, int) and 0 <= value < len(chunks) else _shelved({})
    if is_dataclass(kind):
        given = value if isinstance(value, Mapping) else {}
        wanted = {f.name for f in fields(kind) if f.name in given or (f.default is MISSING and f.default_factory is MISSING)}
        return cast(Any, kind)(
            **{name: _made(k, given.get(name), chunks) for name, k in _kinds(cast(type, kind)).items() if name in wanted}
        )
    if origin in (Union, types.UnionType):
        held = [k for k in inner if k is not type(None)]
        return None if value is None else _made(held[0], value, chunks)
    if origin is tuple:
        values = value if isinstance(value, list) else []
        each = inner[:1] * len(values) if inner[1:] == (...,) else inner[: len(values)]
        return tuple(_made(k, v, chunks) for k, v in zip(each, values, strict=False))
    if origin is Literal:
        return inner[0] if value is None else value
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {k: _made(inner[1], v, chunks) for k, v in value.items()} if isinstance(value, Mapping) else {}
    if kind in (str, int, float, bool):
        return kind() if value is None else kind(value)
    return value


@lru_cache
def _kept(kind: type) -> tuple[str, ...] | None:
    """The fields of a record that are kept; None for what is no record."""
    return tuple(f.name for f in fields(kind) if _kinds(kind)[f.name] is not Any) if is_dataclass(kind) else None


@lru_cache
def _kinds(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
