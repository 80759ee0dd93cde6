"""What the guidance holds, counted and listed: `advisor corpus stats` and `corpus/INDEX.md`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from advisor.corpus import Corpus, Guidance, questions_of, sections_of
from advisor.errors import CorpusError

INDEX = "INDEX.md"
STAGES = {
    "student": "Students",
    "resident": "Residents",
    "attending": "Attending physicians",
    "medical-director": "Medical directors",
    "vpma": "Vice presidents of medical affairs and associate CMOs",
    "cmo": "Chief Medical Officers",
}
SETTINGS = {
    "any": "Any setting",
    "hospital": "Hospitals",
    "health-system": "Health systems",
    "academic": "Teaching hospitals",
    "medical-group": "Medical groups",
    "community-health": "Community health centers",
    "payer": "Payers",
    "pharma": "Pharma",
    "biotech": "Biotech",
    "digital-health": "Digital health",
    "government": "Government",
    "military": "Military",
}


def counts(corpus: Corpus) -> Iterator[tuple[str, ...]]:
    """One row a guide: its file, sections, words of prose, questions, sources and the first month to review, then the sums."""
    sums, sources = [0, 0, 0], set()
    for guide in corpus.guidance:
        parts = sections_of(guide)
        words = sum(len(guide.document.text[a:b].split()) for s in parts for a, b in s.blocks)
        asked = len(list(questions_of(guide))) + sum(len(s.asked) for s in parts)
        named = {k for s in parts for k in s.sources}
        due = min((s.review_by for s in parts if s.review_by), default="")
        sums = [a + b for a, b in zip(sums, (len(parts), words, asked), strict=True)]
        sources |= named
        yield guide.document.url, f"{len(parts)}", f"{words:,}", f"{asked:,}", f"{len(named)}", due
    yield f"{len(corpus.guidance)} guides", f"{sums[0]}", f"{sums[1]:,}", f"{sums[2]:,}", f"{len(sources)}", ""


def index_page(corpus: Corpus) -> str:
    """The guides by stage and by setting, as Markdown."""
    lines = ["# The guides", "", "Written by `advisor corpus catalog`; change the guides, not this page.", "", "## All guides", ""]
    for guide in sorted(corpus.guidance, key=lambda g: g.document.title):
        lines.append(f"- [{guide.document.title}]({guide.document.url}): {guide.document.metadata.get('summary', '')}")
    for heading, key, names in (("By stage", "stage", STAGES), ("By setting", "settings", SETTINGS)):
        lines += ["", f"## {heading}"]
        for value, name in names.items():
            held = [g for g in corpus.guidance if value in named(g, key)]
            if held:
                lines += ["", f"### {name}", ""]
                lines += [f"- [{g.document.title}]({g.document.url})" for g in sorted(held, key=lambda g: g.document.title)]
    return "\n".join(lines) + "\n"


def write_index(corpus: Corpus) -> Path:
    """Writes the page beside the guides; raises `CorpusError` where the folder cannot be written."""
    path = corpus.folder / INDEX
    try:
        path.write_text(index_page(corpus), encoding="utf-8")
    except OSError as error:
        raise CorpusError(f"{path} cannot be written ({error.strerror}). Check its permissions.") from None
    return path


def named(guide: Guidance, key: str) -> list[str]:
    """A list of the front matter, or the one value given instead of a list."""
    value = guide.document.metadata.get(key) or []
    return [str(v) for v in value] if isinstance(value, list) else [str(value)]
