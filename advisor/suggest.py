"""The nearest questions the guidance can answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST = 3
ALIKE = 0.85  # cosine from which two questions ask the same
ASKED = 0.8  # and from which what was just asked answers another too


@dataclass(frozen=True)
class Suggester:
    """Questions with their vectors, shape (questions, dimensions), and a few to start with."""

    questions: Sequence[str]
    vectors: Any
    first: Sequence[str] = ()

    def nearest(self, vector: Any) -> tuple[str, ...]:
        """Up to three questions nearest to a query's vector, no two of them alike."""
        if not len(self.questions):
            return ()
        return self._nearest(vector, 2.0)

    def following(self, vector: Any) -> tuple[str, ...]:
        """Up to three questions worth asking after one with this vector: near it, but none that asks the same."""
        return self._nearest(vector, ASKED) if len(self.questions) else ()

    def _nearest(self, vector: Any, below: float) -> tuple[str, ...]:
        scores = self.vectors @ vector
        chosen: list[int] = []
        for i in np.argsort(-scores, kind="stable"):
            if float(scores[i]) < below and all(float(self.vectors[i] @ self.vectors[j]) < ALIKE for j in chosen):
                chosen.append(int(i))
            if len(chosen) == MOST:
                break
        return tuple(self.questions[i] for i in chosen)

    def starters(self) -> tuple[str, ...]:
        return tuple(self.first[:MOST])


def as_question(heading: str, title: str) -> str:
    """A heading as a question: headings that ask stay, the rest are asked about."""
    if heading.rstrip().endswith("?"):
        return heading
    words = heading.split()
    keep = bool(words) and (words[0].isupper() or "".join(words[1:2])[:1].isupper())
    subject = heading if keep else heading[:1].lower() + heading[1:]
    return f"What does the guidance say about {subject}?" if subject else title
