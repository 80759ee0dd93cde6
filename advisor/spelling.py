"""Misspelt words of a question, put right by the words of the guidance.

Only a word that neither the guidance nor the embedding model's vocabulary knows is touched: a word
that is known but not ours ("weather") says that the question is about something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from advisor.words import SLIPS

SHORTEST = 4
_SLIP = re.compile(r"(?<![\w'’-])[a-z]{2,7}(?![\w'’-])")
_WORD = re.compile(rf"[A-Za-z]{{{SHORTEST},}}")


@dataclass(frozen=True)
class Speller:
    """Corrects single words; `known` says whether a lower-case word is English at all."""

    words: Mapping[str, int]
    known: Callable[[str], bool]
    _by_letter: dict[str, list[tuple[str, int]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for word, count in self.words.items():
            if len(word) >= SHORTEST and (count > 1 or self.known(word)):
                self._by_letter.setdefault(word[0], []).append((word, letters(word)))

    def correct(self, text: str) -> str:
        """The text with its misspelt words replaced; names, acronyms and everything known stay.

        Slips in the words that frame a question are put right from a list.
        """
        framed = _SLIP.sub(lambda match: SLIPS.get(match.group(), match.group()), text)
        return _WORD.sub(lambda match: self._word(match.group()), framed)

    def _word(self, word: str) -> str:
        lower = word.lower()
        if word.isupper() or lower in self.words or self.known(lower) or self._is_form(lower):
            return word
        limit, held = 1 if len(lower) < 6 else 2, letters(lower)
        best: tuple[int, int, str] | None = None
        for first in dict.fromkeys(lower[:2]):
            near = [
                c for c, of in self._by_letter.get(first, ()) if abs(len(c) - len(lower)) <= limit and (held ^ of).bit_count() <= 2 * limit
            ]
            for candidate in near:
                distance = edits(lower, candidate, limit)
                if distance <= limit:
                    rank = (distance, -self.words[candidate], candidate)
                    best = min(best, rank) if best else rank
        return best[2] if best else word

    def _is_form(self, word: str) -> bool:
        """Whether a word is a regular form of one that is known, such as a plural."""
        return any(
            word.endswith(ending) and len(word) > len(ending) + 2 and self._has(word[: -len(ending)] + put)
            for ending, put in (
                ("s", ""),
                ("es", ""),
                ("ed", ""),
                ("ed", "e"),
                ("ing", ""),
                ("ing", "e"),
                ("ly", ""),
                ("ies", "y"),
                ("er", ""),
                ("er", "e"),
            )
        )

    def _has(self, word: str) -> bool:
        return word in self.words or self.known(word)


def letters(word: str) -> int:
    """Which letters a word holds, a bit each: an edit changes two at most, so that most words need not be compared."""
    held = 0
    for letter in word:
        held |= 1 << (ord(letter) & 63)
    return held


def edits(a: str, b: str, limit: int) -> int:
    """Insertions, deletions, substitutions and swaps of neighbours from a to b; limit + 1 where there are more."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        earlier, before = before, row
        row = [i]
        for j, y in enumerate(b, start=1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, earlier[j - 2] + 1)
            row.append(cost)
        if min(row) > limit:
            return limit + 1
    return row[-1]
