"""A model's text, as it comes, to statements: whole sentences with the passages they name, nothing of markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from advisor.evidence import claim_text
from advisor.query import known_stems, stems_of
from advisor.sentences import split
from advisor.types import Chunk, Dropped, Part, Passage, Span, Statement

NOT_HELD = "NOT IN THE GUIDANCE"  # what the prompt asks a model to write where it finds no answer
LONGEST = 600  # characters of a sentence; what is longer is no sentence

_MARK = re.compile(r"\s*\[\^?(?:(?:passage|source)s?\s*)?(\d{1,3}(?:\s*[,;&]\s*\d{1,3})*)\]", re.I)
_BEHIND = re.compile(r"([.!?…]+[\"'”’)*]*)((?:\s*\[\d+(?:, \d+)*\])+)")
_ENDED = re.compile(r"(\[\d+(?:, \d+)*\][.!?]+)\s+(?=\S)")
_ITEM = re.compile(r"^\s*(?:[-*+•–]|\d{1,2}[.)])\s+")
_LINK = re.compile(
    r"https?:|www\.|mailto:|javascript:|data:\w+/|\]\s*[(\[:]|<\s*[/!a-z]|&#?\w+;|```|\b[\w-]+@[\w-]+\.|!\[|\b[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]{4,}\b|\.(?:com|org|net|gov|edu|int|info|biz)\b|§",
    re.I,
)
_HIDDEN = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\U000e0000-\U000e007f]")


class Writing:
    """Reads a model's text bit by bit; `add` gives each sentence once it is whole, `end` the last one.

    `refused` says that the model found no answer. A sentence with a link, an image or markup is not read as a statement: it is in `dropped`, with why.
    """

    def __init__(self, passages: Sequence[Passage]) -> None:
        self._chunks = [p.chunk for p in passages]
        self._line = ""
        self._taken = 0  # sentences of the line that were given already
        self._fresh = True  # the next statement opens a paragraph or a list
        self._fenced = False
        self.refused = False
        self.dropped: list[Dropped] = []

    def add(self, bit: str) -> Iterator[Part]:
        self._line += _HIDDEN.sub("", bit).replace("【", "[").replace("】", "]").replace("\r", "")
        while "\n" in self._line:
            line, _, self._line = self._line.partition("\n")
            yield from self._sentences(line, whole=True)
            self._fresh = self._fresh or not line.strip()
            self._taken = 0
        yield from self._sentences(self._line, whole=False)

    def end(self, *, whole: bool) -> Iterator[Part]:
        """The rest; a last sentence that broke off is not given."""
        yield from self._sentences(self._line, whole=whole or bool(re.search(r"[.!?…][\"'”’)*]*(?:\s*\[[\d, ]+\])*\s*$", self._line)))
        self._line = ""

    def _sentences(self, line: str, *, whole: bool) -> Iterator[Part]:
        if line.lstrip().startswith("```") and whole:
            self._fenced = not self._fenced
            return
        if self._fenced or line.lstrip().startswith(("#", "|", "```")):
            return
        item = _ITEM.match(line)
        body = _marks_before_stops(line[item.end() :] if item else line)
        if not whole and body.rfind("[") > body.rfind("]"):
            return  # a mark that is not whole may belong to the sentence before it
        spans = list(_cut_behind_numbers(body, split(body)))
        if item and spans:
            spans = [(spans[0][0], spans[-1][1])] if whole else []
        for start, end in spans[self._taken : len(spans) if whole else -1]:
            self._taken += 1
            statement = self._statement(body[start:end])
            if statement is not None:
                yield Part((statement,), listed=bool(item), joined=not self._fresh)
                self._fresh = False

    def _statement(self, sentence: str) -> Statement | None:
        named = [int(n) for marks in _MARK.findall(sentence) for n in re.findall(r"\d+", marks)]
        text = claim_text(_MARK.sub("", sentence)).strip()
        text = re.sub(r"\s+([.,;:!?])", r"\1", text)
        if not re.search(r"\w", text):
            return None
        if NOT_HELD.casefold() in text.casefold():
            self.refused = True
            return None
        if _LINK.search(_MARK.sub("", sentence)) or len(text) > LONGEST:
            self.dropped.append(Dropped(text[:LONGEST], "it holds a link or markup" if len(text) <= LONGEST else "it is no sentence"))
            return None
        if text.endswith(":"):
            return None  # it leads to a list and states nothing by itself
        chunks = [self._chunks[n - 1] for n in dict.fromkeys(named) if 0 < n <= len(self._chunks)]
        if named and not chunks:
            self.dropped.append(Dropped(text, "it cites a passage that was not given"))
            return None
        first, *others = chunks or self._nearest(text)
        return Statement(text, first, first.start, first.end, tuple(Span(c, c.start, c.end) for c in others))

    def _nearest(self, text: str) -> list[Chunk]:
        """For a sentence without a number, the two passages that share most words with it: the check decides."""
        wanted = stems_of(text)
        return sorted(self._chunks, key=lambda c: -len(wanted & known_stems(c.text)))[:2]


def _cut_behind_numbers(body: str, spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """A number and a full stop end a sentence, whatever follows: `good [1]. ![x](...)`."""
    for start, end in spans:
        for cut in _ENDED.finditer(body, start, end):
            yield start, cut.end(1)
            start = cut.end()
        yield start, end


def _marks_before_stops(line: str) -> str:
    """Numbers in one form, `[1, 2]`, and before the full stop they were put behind."""
    even = _MARK.sub(lambda m: " [" + ", ".join(re.findall(r"\d+", m.group(1))) + "]", line)
    return _BEHIND.sub(lambda m: f" {m.group(2).strip()}{m.group(1)}", even)
