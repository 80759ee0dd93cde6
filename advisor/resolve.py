"""Which words of earlier questions a follow-up means: a classifier of terms, as QuReTeC is (Voskarides et al. 2020).

"What are its symptoms?" after "Tell me about lung cancer" means `lung` and `cancer`, not `tell`. A cross-encoder reads the question
and those before it together, the latest first, and says of each content word that the question lacks whether it is meant; trees
weigh this with how long ago the word was said, how often, and what the question points with ("it", "there", "the second one").
Both were learnt from conversations (`evals/resolving.py`). The cross-encoder is the embedding model with its top layers learnt
anew (`resolver.npz`), exported beside it by `export.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from advisor.query import stem, stems_of, words_of
from advisor.reader import RESOLVER, Reader, open_reader
from advisor.weights import resolution
from advisor.words import FUNCTION_WORDS, GENERIC_WORDS

# Log odds that a word must reach: in a question that seems to lean on others, since there a word too many costs a search less
# than one too few; and in others, where, in conversations left out, words too many and too few are as many.
LEANING, EVEN = -2.5, -0.1
MOST_TURNS = 8  # before the question: the latest, and the first, which names the subject of many a conversation
MOST_CARRIED = 6  # words
QUESTION, TURN, CARRIED, ALL = 50, 50, 30, 220  # tokens of the question, of a turn before it, of what was carried there, and of all
LIKELY = -2.0  # log odds by which a word counts among those that the classifier takes to be meant
_JOINT = re.compile(r"\b(?:and|or|versus|vs|from|than)\b", re.I)
_FIRST, _SECOND = (re.compile(rf"\b(?:{words})\b", re.I) for words in ("first|former", "second|latter|last|other"))
_CUES = tuple(
    re.compile(cue, re.I)
    for cue in (
        r"\b(?:it|its|it['’]s)\b",
        r"\b(?:they|their|theirs|them)\b",
        r"\b(?:he|she|his|her|him|hers)\b",
        r"\b(?:this|that|that['’]s)\b",
        r"\b(?:these|those)\b",
        r"\b(?:there|here)\b",
        r"\b(?:ones?|another|others?)\b",
        r"\b(?:what|how) about\b",
        r"^\s*(?:and|or|but|so|then|also)\b",
        r"\b(?:compar\w+|differen\w+|differ|versus|vs|better|worse|than|similar|both|two|either|instead)\b",
        r"\bthe\b",
        r"\b(?:back to|again|different thing)\b",
    )
)
_CARRIED = re.compile(r" \(([^()]*)\)$")


@dataclass(frozen=True, slots=True)
class Place:
    """A content word of an earlier turn: its stem, which token opens it, and where it stands among the content words there."""

    word: str
    stem: str
    turn: int
    token: int
    at: int = 0
    rest: int = 0
    second: bool = False  # after an "and" or "versus" of its turn


@dataclass(frozen=True, slots=True)
class Read:
    """A question with those before it as tokens, and the words that could be meant."""

    question: str
    queries: Sequence[str]
    ids: list[int]
    kinds: list[int]
    places: list[Place]


class Resolver:
    """The exported classifier: a follow-up in some ten milliseconds."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def meant(self, question: str, queries: Sequence[str], bar: float) -> list[str]:
        """The words of earlier queries, oldest first, that a question means without saying them, in the order in which they were said.

        `bar` is the log odds that a word must reach.
        """
        read = read_with(self._reader.tokenizer, question, queries)
        if not read.places:
            return []
        words, rows = seen(read, self._reader.tokens([(read.ids, read.kinds)])[0].tolist())
        return chosen(words, resolution().weigh(rows).tolist(), bar)


@lru_cache(maxsize=2)
def open_resolver(folder: Path, stamp: str) -> Resolver | None:
    """The resolver exported to `folder`, or None where there is none or the embedding model is another."""
    reader = open_reader(folder, stamp, RESOLVER)
    return Resolver(reader) if reader else None


def joined(question: str, words: Sequence[str]) -> str:
    """A question as it is searched: with the words that it means but does not say, in brackets."""
    return f"{question.strip()} ({' '.join(words)})" if words else question


def apart(query: str) -> tuple[str, str]:
    """What `joined` put together: the question, and the words in brackets behind it."""
    held = _CARRIED.search(query)
    return (query[: held.start()], held.group(1)) if held else (query, "")


def read_with(tokenizer: Any, question: str, queries: Sequence[str]) -> Read:
    """A question and earlier queries as the resolver takes them; `queries` are as `joined` made them, oldest first."""
    opening, closing = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    ids = [opening, *tokenizer.encode(question, add_special_tokens=False).ids[:QUESTION], closing]
    kinds, places, lacked = [0] * len(ids), [], {stem(word.lower()) for word in words_of(question)}
    kept = [*queries[:1], *queries[1:][-MOST_TURNS + 1 :]]
    for turn, query in reversed(list(enumerate(kept))):
        text, taken = apart(query)
        made = tokenizer.encode(text, add_special_tokens=False)
        tokens = made.ids[:TURN]
        opens = {first: token for token, (first, _) in enumerate(made.offsets[:TURN])}
        joint, content = _JOINT.search(text), placed(text)
        for number, (word, at) in enumerate(content):
            root = stem(word.lower())
            if at in opens and root not in lacked:
                second = joint is not None and at > joint.start()
                places.append(Place(word, root, turn, len(ids) + opens[at], number, len(content) - 1 - number, second))
        carried = tokenizer.encode(taken, add_special_tokens=False).ids[:CARRIED]
        if len(ids) + len(tokens) + len(carried) >= ALL and turn < len(kept) - 1:
            break
        ids += [*tokens, *carried, closing]
        kinds += [1] * (len(tokens) + len(carried) + 1)
    return Read(question, kept, ids, kinds, [place for place in places if place.token < len(ids)])


def placed(text: str) -> list[tuple[str, int]]:
    """The content words of a text, and where each begins."""
    found, at = [], 0
    for word in words_of(text):
        at = text.index(word, at)
        if word.lower() not in FUNCTION_WORDS and (len(word) > 1 or word.isdigit()):
            found.append((word, at))
        at += len(word)
    return found


def seen(read: Read, odds: Sequence[float]) -> tuple[list[str], list[list[float]]]:
    """The words that could be meant, in the order in which they were last said, and what trees see of each, shape (words, features).

    `odds` are those of every token.
    """
    spots: dict[str, list[Place]] = {}
    for place in sorted(read.places, key=lambda place: (place.turn, place.token)):
        spots[place.stem] = [*spots.pop(place.stem, []), place]  # a word said again goes to the end
    best = {root: max(odds[place.token] for place in said) for root, said in spots.items()}
    order = sorted(best, key=lambda root: -best[root])
    top, likely, turns = best[order[0]], sum(value > LIKELY for value in best.values()), len(read.queries)
    carried = [stems_of(apart(query)[1]) for query in read.queries]
    words = words_of(read.question)
    content = [word for word in words if word.lower() not in FUNCTION_WORDS]
    side = bool(_SECOND.search(read.question)) - bool(_FIRST.search(read.question))
    about = [turns, len(words), len(content), len(best), likely, *(len(cue.findall(read.question)) for cue in _CUES)]
    rows = []
    for root, said in spots.items():
        last, word = said[-1], said[-1].word
        meant = [number for number, stems in enumerate(carried) if root in stems]
        alive = max([last.turn, *meant])
        rows.append(
            [
                *about,
                best[root],
                top - best[root],
                order.index(root),
                turns - 1 - last.turn,
                turns - 1 - alive,
                said[0].turn == 0,
                len({place.turn for place in said} | set(meant)) / turns,
                len(meant),
                last.at,
                last.rest,
                side * (1 if last.second else -1),
                word.isupper() and len(word) > 1,
                word[:1].isupper() and last.at > 0,
                word.lower() in GENERIC_WORDS,
                word.isdigit(),
                len(word),
                *(word.lower().endswith(ending) for ending in ("s", "ing", "ed", "ly")),
            ]
        )
    return [said[-1].word for said in spots.values()], [[float(value) for value in row] for row in rows]


def chosen(words: Sequence[str], odds: Sequence[float], bar: float) -> list[str]:
    """The words whose odds reach the bar, no more than `MOST_CARRIED`."""
    last = sorted(odds, reverse=True)[:MOST_CARRIED][-1]
    return [word for word, one in zip(words, odds, strict=True) if one >= max(last, bar)]
