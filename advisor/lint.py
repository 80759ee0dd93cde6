"""What a curator should mend: `advisor corpus check`.

Each rule is there for the answers: sentences are quoted alone, figures are trusted for their sources,
and facts age.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from advisor.catalog import INDEX, SETTINGS, STAGES, index_page, named
from advisor.chunking import Section
from advisor.corpus import Corpus, Guidance, Problem, questions_of, read_corpus, sections_of
from advisor.milestones import check_path
from advisor.query import stem, words_of
from advisor.sentences import split
from advisor.words import FUNCTION_WORDS

WEAK = {"unverified", "founding"}
KINDS = {"survey", "study", "report", "rule", "guidance", "notice", "article", "organization", "reference", *WEAK}
HELD = ("title", "summary", "topics", "settings", "stage", "as_of", "questions")
LONGEST = 45  # words in a sentence
HARDEST = 17.0  # school grade by Flesch and Kincaid that a guide's prose may ask of its reader; physicians read on
ALIKE = 0.8  # share of content words above which two sentences are one
FEWEST_ASKED = 6
_MONTH = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])(?:-\d\d)?")
_DATE = re.compile(r"(?:c\. )?\d{4}s?(?:-\d\d(?:-\d\d)?)?(?:[-–/].+)?|undated")
_FIGURE = re.compile(r"[$€£]\s?\d|\d\s?%|\bpercent\b|\b\d{1,3}(?:,\d{3})+\b|\b\d+(?:\.\d+)?\s?(?:million|billion|thousand)\b")
_POINTS_BACK = re.compile(r"(?:It|They|He|She|This|That|These|Those|Its|Their|His|Her|Such|Both|Here|There it)\b(?!\s+(?:is|are)\s+no\b)")
_UNFIT = re.compile(r"[\u200b-\u200f\u202a-\u202e\ufeff\x00-\x08]|\b(?:TODO|FIXME|XXX|lorem ipsum)\b|\[\d+\]")
_AGES = re.compile(r"\b(?:FY ?202[5-9]|20(?:2[6-9]|3\d))\b")
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def check(folder: Path, today: date | None = None) -> tuple[list[Problem], list[Problem]]:
    """The faults of a folder of curated guidance, and the sections whose facts are due for a new look.

    Raises `CorpusError` where the folder cannot be read at all.
    """
    corpus = read_corpus(folder)
    found = [*corpus.problems]
    for guide in corpus.guidance:
        found += _front_matter(guide)
        found += _sections(guide, corpus)
        found += _sentences(guide)
        found += _readability(guide)
        found += _links(guide, corpus.folder)
    found += [*_sources(corpus), *_titles(corpus), *_repeated(corpus), *check_path(corpus), *_index(corpus)]
    month = (today or date.today()).strftime("%Y-%m")
    due = [
        _at(g, s.start, f"{s.heading!r} was to be reviewed by {s.review_by}", "Check its facts, then set a new month")
        for g in corpus.guidance
        for s in sections_of(g)
        if s.review_by and s.review_by < month
    ]
    return sorted(found, key=lambda p: (p.path, p.line)), due


def prose(guide: Guidance, section: Section) -> str:
    return "\n".join(guide.document.text[a:b] for a, b in section.blocks)


def _spans(guide: Guidance) -> Iterator[tuple[int, int]]:
    """The spans of all sentences of a guide, in order."""
    for section in sections_of(guide):
        for block in section.blocks:
            yield from split(guide.document.text, *block)


def _line(guide: Guidance, at: int) -> int:
    return guide.document.text.count("\n", 0, at) + 1


def _at(guide: Guidance, at: int, fault: str, remedy: str) -> Problem:
    return Problem(guide.document.url, fault, remedy, _line(guide, at))


def _front_matter(guide: Guidance) -> Iterator[Problem]:
    held, name = guide.document.metadata, guide.document.url
    missing = [key for key in HELD if not held.get(key)]
    if missing:
        yield Problem(name, f"the front matter lacks {', '.join(missing)}", "Add it; corpus/README.md shows the form", 1)
        return
    if not _MONTH.fullmatch(str(held["as_of"])):
        yield Problem(name, f"as_of is {held['as_of']!r}", "Write the month, as 2026-11", 1)
    for key, known in (("stage", STAGES), ("settings", SETTINGS)):
        for value in named(guide, key):
            if value not in known:
                yield Problem(name, f"{key} names {value!r}", f"Use one of: {', '.join(known)}", 1)
    if f"# {held['title']}\n" not in guide.document.text:
        yield Problem(name, "its first heading is not its title", "Make them the same", _line(guide, guide.body))
    questions = list(questions_of(guide))
    if len(questions) < 3:
        yield Problem(name, f"it lists {len(questions)} questions", "List at least 3 that it answers", 1)
    for question in questions:
        if not (question.endswith("?") and question[:1].isupper() and question == question.strip() and len(question) <= 140):
            yield Problem(name, f"the question {question!r} does not ask", "Open with a capital, end with ?, 140 characters at most", 1)


def _sections(guide: Guidance, corpus: Corpus) -> Iterator[Problem]:
    for section in sections_of(guide):
        name, text, at = repr(section.heading), prose(guide, section), section.start
        if not section.sources:
            yield _at(guide, at, f"{name} names no source", "End it with a line: Sources: key, key")
        for key in section.sources:
            if key not in corpus.sources:
                yield _at(guide, at, f"the source {key!r} is not in sources.yaml", "Add it there or mend the key")
        figure, ages = _FIGURE.search(text), _AGES.search(text)
        if figure and all(corpus.sources[k].kind in WEAK for k in section.sources if k in corpus.sources):
            yield _at(guide, at, f"{name} states {figure.group()!r} without an outside source", "Name the source or drop the figure")
        if figure and ages and not section.review_by:
            yield _at(guide, at, f"{name} holds figures of {ages.group()} and no month to review them", "Add a line: Review by: YYYY-MM")
        if len(section.asked) < FEWEST_ASKED:
            yield _at(guide, at, f"{name} lists {len(section.asked)} questions", f"Add a line Asked: with {FEWEST_ASKED} or more")
        if re.search(r"^(?:Sources?|Asked|Review[ _]by):", text, re.M | re.I):
            yield _at(guide, at, f"{name} has a line of sources, questions or review that cannot be read", "Give it a paragraph of its own")


def _sentences(guide: Guidance) -> Iterator[Problem]:
    for start, end in _spans(guide):
        sentence = guide.document.text[start:end]
        shown = f"{sentence[:60]!r}"
        if _POINTS_BACK.match(sentence):
            yield _at(guide, start, f"{shown} opens by pointing at the sentence before", "Name its subject")
        if len(sentence.split()) > LONGEST:
            yield _at(guide, start, f"{shown} has {len(sentence.split())} words", f"Part it; {LONGEST} are the most")
        if sentence.count("(") != sentence.count(")"):
            yield _at(guide, start, f"{shown} leaves a parenthesis open", "Close it")
        if _UNFIT.search(sentence):
            yield _at(guide, start, f"{shown} holds a note to yourself, a mark or an unseen character", "Take it out")


def grade(text: str) -> float:
    """The school grade that a text asks of its reader, by Flesch and Kincaid; syllables are counted by groups of vowels."""
    words = re.findall(r"[A-Za-z]+", text)
    sentences = sum(1 for _ in split(text, 0, len(text)))
    if not words or not sentences:
        return 0.0
    syllables = sum(max(1, len(re.findall(r"[aeiouy]+", re.sub(r"(?<=[^aeiouyl])e$", "", w.lower())))) for w in words)
    return 0.39 * len(words) / sentences + 11.8 * syllables / len(words) - 15.59


def _readability(guide: Guidance) -> Iterator[Problem]:
    asked = grade("\n\n".join(prose(guide, s) for s in sections_of(guide)))
    if asked > HARDEST:
        yield Problem(guide.document.url, f"it reads at grade {asked:.1f}", f"Shorten sentences and words to grade {HARDEST:.0f}")


def _links(guide: Guidance, folder: Path) -> Iterator[Problem]:
    for match in _LINK.finditer(guide.document.text, guide.body):
        target = match.group(1)
        if "://" in target or target.startswith("mailto:"):
            continue
        if not (folder / Path(guide.document.url).parent / target.partition("#")[0]).exists():
            yield _at(guide, match.start(), f"the link {target!r} leads nowhere", "Mend or drop it")


def _sources(corpus: Corpus) -> Iterator[Problem]:
    name = "sources.yaml"
    path = corpus.folder / name
    if not path.is_file():
        yield Problem(name, "there is none", "Write one entry a source; corpus/README.md shows the form")
        return
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    keys = [(m.group(1), n) for n, text in lines if (m := re.match(r"- key:\s*(\S+)", text))]
    places = dict(reversed(keys))
    for key, times in Counter(key for key, _ in keys).items():
        if times > 1:
            yield Problem(name, f"the key {key!r} is given {times} times", "Keep one", places[key])
    used = {k for g in corpus.guidance for s in sections_of(g) for k in s.sources}
    for key, source in corpus.sources.items():
        at = places.get(key, 0)
        if key not in used:
            yield Problem(name, f"the source {key!r} is used by no section", "Use it or take it out", at)
        if not re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", key):
            yield Problem(name, f"the key {key!r} is not plain", "Use lower-case letters, digits and hyphens", at)
        if not _DATE.fullmatch(source.date):
            yield Problem(name, f"{key!r} has the date {source.date!r}", "Write a year, month or day, c. 2017, or undated", at)
        if source.kind not in KINDS:
            yield Problem(name, f"{key!r} has the kind {source.kind!r}", f"Use one of: {', '.join(sorted(KINDS))}", at)
        if not source.publisher and source.kind not in WEAK:
            yield Problem(name, f"{key!r} has no publisher", "Name who published it", at)
        parts = urlsplit(source.url)
        good = parts.scheme in ("http", "https") and re.fullmatch(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+", parts.netloc)
        if (source.url or source.kind not in WEAK) and (not good or re.search(r"[\s<>\"'`]", source.url)):
            yield Problem(name, f"{key!r} has the address {source.url!r}", "Give the address of the page on the web", at)


def _titles(corpus: Corpus) -> Iterator[Problem]:
    seen: dict[str, str] = {}
    for guide in corpus.guidance:
        for line in (guide.document.title, *dict.fromkeys(questions_of(guide))):
            first = seen.setdefault(line, guide.document.url)
            if first != guide.document.url:
                yield Problem(guide.document.url, f"{line!r} is a title or question of {first} too", "Keep it in one of them")


def _repeated(corpus: Corpus) -> Iterator[Problem]:
    """Sentences of which another guide, or the same, says nearly the same in nearly the same words."""
    held: list[tuple[Guidance, int, frozenset[str]]] = []
    for guide in corpus.guidance:
        for start, end in _spans(guide):
            stems = frozenset(stem(w) for w in words_of(guide.document.text[start:end]) if w.lower() not in FUNCTION_WORDS)
            if len(stems) >= 5:
                held.append((guide, start, stems))
    common = Counter(s for *_, stems in held for s in stems)
    holders: dict[str, list[int]] = defaultdict(list)
    for place, (guide, start, stems) in enumerate(held):
        # Two sets that share so much share one of their rarest few: nothing else need be compared.
        rarest = sorted(stems, key=lambda s: (common[s], s))[: len(stems) - math.ceil(ALIKE * len(stems)) + 1]
        near = {other for s in rarest for other in holders[s]}
        for other in sorted(near):
            before, there, theirs = held[other]
            if len(stems & theirs) >= ALIKE * len(stems | theirs):
                twin = f"{before.document.url}:{_line(before, there)}"
                yield _at(guide, start, f"a sentence repeats that of {twin}", "Say it once, or say something else")
        for s in rarest:
            holders[s].append(place)


def _index(corpus: Corpus) -> Iterator[Problem]:
    path = corpus.folder / INDEX
    if not path.is_file() or path.read_text(encoding="utf-8") != index_page(corpus):
        yield Problem(INDEX, "it does not show the guides as they are", "Run: advisor corpus catalog")
