"""Reads guidance: the shipped `corpus/`, or any folder of Markdown, text, HTML, PDF or DOCX.

Spans of a Markdown or text file point into the file as it is on disk (decoded, with newlines
as `\\n`), front matter included, so that a quote can be found again with any editor.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from advisor.chunking import Section, sections, title_of
from advisor.errors import CorpusError
from advisor.types import Document, Source

PLAIN = {".md", ".markdown", ".txt", ".text"}
MARKUP = {".html", ".htm"}
PARSED = {".pdf", ".docx"}
MAX_BYTES = 25_000_000
ABOUT = {"README.md", "INDEX.md", "OMITTED.md"}  # beside a sources.yaml they tell of the guidance and are none


@dataclass(frozen=True, slots=True)
class Problem:
    """A fault of a file, in a line a curator can act on."""

    path: str
    fault: str
    remedy: str
    line: int = 0  # 0 where no single line is at fault

    def __str__(self) -> str:
        return f"{self.path}{f':{self.line}' if self.line else ''}: {self.fault}. {self.remedy}."


@dataclass(frozen=True, slots=True)
class Guidance:
    """A document with where its body starts and whether it follows the form of our guides."""

    document: Document
    body: int = 0
    curated: bool = False

    def stamp(self, sources: Mapping[str, Source]) -> str:
        """A hash of all that an index holds of this document: changed content, changed hash."""
        keys = sorted(k for k in sources if self.curated and k in self.document.text)
        held = [self.document.id, self.document.title, self.document.url, self.document.text, self.body, self.curated]
        named = [[k, *(getattr(sources[k], f) for f in Source.__slots__)] for k in keys]
        meta = json.dumps(dict(self.document.metadata), sort_keys=True, default=str)
        return hashlib.sha256(json.dumps([held, named, meta]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Corpus:
    """All the guidance of a folder, its outside sources by key, and what could not be read."""

    folder: Path
    guidance: tuple[Guidance, ...]
    sources: Mapping[str, Source] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    fingerprint: str = ""  # of the folder just before it was read


def files_of(folder: Path) -> list[Path]:
    """The files of a folder that can be guidance, in order; a single file is a folder of one."""
    if folder.is_file():
        return [folder]
    if not folder.is_dir():
        raise CorpusError(f"{folder} is not a folder or a file. Give --corpus an existing folder.")
    wanted = PLAIN | MARKUP | PARSED
    return sorted(
        p
        for p in folder.rglob("*")
        if p.is_file() and p.suffix.lower() in wanted and not any(part.startswith(".") for part in p.relative_to(folder).parts)
    )


def fingerprint(folder: Path) -> str:
    """Changes when a file is added, removed or written; reads no file, so it is cheap at start."""
    root = folder if folder.is_dir() else folder.parent
    rows: list[str] = []
    for path in [*files_of(folder), root / "sources.yaml"]:
        if path.is_file():
            stat = path.stat()
            rows.append(f"{path.relative_to(root)}|{stat.st_size}|{stat.st_mtime_ns}")
    return hashlib.sha256("\n".join(rows).encode("utf-8", "surrogateescape")).hexdigest()


def read_corpus(folder: Path, *, seconds: int = 20, megabytes: int = 512) -> Corpus:
    """Reads all guidance below `folder`; a file that cannot be read becomes a `Problem`, not a failure.

    Raises `CorpusError` where the folder itself is missing or holds nothing that can be read.
    """
    folder = folder.resolve()
    root = folder if folder.is_dir() else folder.parent
    mark = fingerprint(folder)
    sources = read_sources(root / "sources.yaml")
    problems: list[Problem] = []
    guidance: list[Guidance] = []
    for path in files_of(folder):
        name = path.relative_to(root).as_posix().encode("utf-8", "backslashreplace").decode()
        is_guide_folder = (root / "sources.yaml").is_file()
        if is_guide_folder and path.name in ABOUT:
            continue
        try:
            guidance.append(_read(path, name, seconds, megabytes))
        except CorpusError as error:
            fault, _, remedy = str(error).partition(" | ")
            problems.append(Problem(name, fault, remedy or "Mend or remove the file, then run: advisor index"))
    if not guidance:
        seen = f"; {len(problems)} file(s) could not be read, first {problems[0]}" if problems else ""
        raise CorpusError(
            f"{folder} holds no guidance that can be read{seen} Put Markdown, text, HTML, PDF or DOCX files there."
            if problems
            else f"{folder} holds no Markdown, text, HTML, PDF or DOCX file. Put guidance there or name another folder."
        )
    return Corpus(folder, tuple(guidance), sources, tuple(problems), mark)


def read_sources(path: Path) -> dict[str, Source]:
    """The outside works of `sources.yaml` by key; an absent file means none."""
    if not path.is_file():
        return {}
    found: dict[str, Source] = {}
    try:
        rows = load_yaml(decode(path)) or []
    except CorpusError as error:
        fault, _, remedy = str(error).partition(" | ")
        raise CorpusError(f"{path.name}: {fault}. {remedy}.") from None
    if not isinstance(rows, list):
        raise CorpusError(f"{path.name}: not a list. Write one entry a source, each opening with: - key:")
    for place, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not row.get("key") or not row.get("title"):
            raise CorpusError(f"{path.name}: entry {place} has no key or no title. Give every source both.")
        values = (str(row.get(name) or "") for name in ("title", "publisher", "url", "date", "kind"))
        found[str(row["key"])] = Source(*values)
    return found


def _read(path: Path, name: str, seconds: int, megabytes: int) -> Guidance:
    suffix = path.suffix.lower()
    if path.stat().st_size > MAX_BYTES:
        raise CorpusError(f"larger than {MAX_BYTES // 1_000_000} MB | Split it into smaller files")
    if suffix in PARSED:
        from advisor.documents import parse

        text = parse(path, seconds=seconds, megabytes=megabytes)
    else:
        text = decode(path)
    if suffix in MARKUP:
        from advisor.documents import parse_page

        text = parse_page(text, seconds=seconds, megabytes=megabytes)
    metadata, body = front_matter(text) if suffix in PLAIN else ({}, 0)
    if not any(c.isalnum() for c in text[body:]):
        raise CorpusError("no text in it | Write something or remove the file")
    title = str(metadata.get("title") or title_of(text, body) or path.stem)
    # `a.md` is known as `a`; where that could be another file's whole name, as for `a.txt.md`, it keeps its own.
    short = path.suffix == ".md" and Path(path.stem).suffix.lower() not in PLAIN | MARKUP | PARSED
    ident = name.removesuffix(".md") if short else name
    url = str(metadata.get("url") or name)
    return Guidance(Document(ident, title, text, url, metadata), body, curated=bool(metadata))


def decode(path: Path) -> str:
    """The text of a file, with newlines as `\\n`; raises `CorpusError` for what is not text."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"cannot be read ({error.strerror}) | Check its permissions") from None
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = raw.decode("utf-16", errors="replace")
    elif b"\0" in raw:
        raise CorpusError("binary, not text | Save it as UTF-8 text")
    else:
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError:
            text = raw.decode("cp1252", errors="replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def front_matter(text: str) -> tuple[dict[str, Any], int]:
    """The YAML between `---` lines at the top, and where the body begins; ({}, 0) where there is none."""
    if not text.startswith("---\n"):
        return {}, 0
    end = text.find("\n---", 3)
    if end < 0 or text[end + 4 : end + 5] not in ("", "\n"):
        return {}, 0
    loaded = load_yaml(text[4:end])
    if not isinstance(loaded, dict):
        return {}, 0
    return {str(k): _plain(v) for k, v in loaded.items()}, min(len(text), end + 5)


def _plain(value: Any) -> Any:
    """YAML's value as JSON can hold it: dates and odd keys become text."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(v) for v in value]
    return value if isinstance(value, bool | int | float | None) else str(value)


def questions_of(guidance: Guidance) -> Iterator[str]:
    """The questions a guide says it answers."""
    listed = guidance.document.metadata.get("questions")
    if isinstance(listed, list):
        yield from (str(q) for q in listed)


def sections_of(guidance: Guidance) -> list[Section]:
    """The sections of one piece of guidance, in order."""
    return sections(guidance.document.text, guidance.body, curated=guidance.curated)


def places(corpus: Corpus) -> set[str]:
    """What every section is called by the map of the path and by cases: `document#heading`."""
    return {f"{g.document.id}#{s.heading}" for g in corpus.guidance for s in sections_of(g)}


def load_yaml(text: str) -> Any:
    """What a YAML text holds; raises `CorpusError` saying near which line it is not valid."""
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # 2026-02-30 is a ValueError
        mark = getattr(error, "problem_mark", None)
        where = f" near line {mark.line + 1}" if mark else ""
        raise CorpusError(f"not valid YAML{where} | Quote values that hold a colon or a hash") from None
