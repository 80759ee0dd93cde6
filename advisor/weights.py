"""What was learnt from labelled questions: `weights.json`, `decision.npz`, `ranking.npz` and `support.npz`; `adapter.py` has its own."""

from __future__ import annotations

import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

WEIGHTS = Path(__file__).parent / "weights.json"
DECISION = Path(__file__).parent / "decision.npz"
RANKING = Path(__file__).parent / "ranking.npz"
SUPPORT = Path(__file__).parent / "support.npz"
RESOLUTION = Path(__file__).parent / "resolution.npz"
PLACES = 1 << 14  # that wordings are hashed to


@lru_cache(maxsize=1)
def learnt() -> dict[str, Any]:
    """What `weights.json` holds: `sentence` (weights, bias) and `threshold`."""
    return dict(json.loads(WEIGHTS.read_text(encoding="utf-8")))


def place_of(wording: str) -> int:
    """Where the weight of a wording is kept: the same on every machine and in every process."""
    return zlib.crc32(wording.encode("utf-8", "replace")) % PLACES


@dataclass(frozen=True)
class Trees:
    """Boosted trees as arrays, shape (trees, nodes), a leaf leading to itself.

    `depth` is that of the deepest tree and `start` what they add to.
    """

    feature: Any
    below: Any
    left: Any
    right: Any
    value: Any
    depth: int
    start: float

    def weigh(self, rows: Any) -> Any:
        """The verdict on each row of features, shape (rows, features): log odds, shape (rows,)."""
        import numpy as np

        seen = np.asarray(rows, dtype=np.float64)
        feature, below, left, right, value, roots = self._nodes
        first = (np.arange(len(seen)) * seen.shape[1])[:, None]
        at = np.tile(roots, (len(seen), 1))
        for _ in range(self.depth):
            lower = seen.take(first + feature.take(at)) <= below.take(at)
            at = np.where(lower, left.take(at), right.take(at))
        return value.take(at).sum(axis=1) + self.start

    @cached_property
    def _nodes(self) -> tuple[Any, ...]:
        """All trees' nodes in one row, which is looked up three times as quickly; the last are the places of the roots."""
        import numpy as np

        trees, most = self.feature.shape
        roots = np.arange(trees) * most
        left, right = (np.asarray(side, dtype=np.int64) + roots[:, None] for side in (self.left, self.right))
        return np.asarray(self.feature, dtype=np.int64).ravel(), self.below.ravel(), left.ravel(), right.ravel(), self.value.ravel(), roots


@dataclass(frozen=True, slots=True)
class Decision:
    """Two verdicts on the question alone, and trees that weigh them with what the passages show.

    `vectors` (support vectors, dimensions), `weights`, `bias` and `gamma` are a support vector machine with
    a radial kernel on question vectors of the embedding model `model`; `words` (PLACES) and `words_bias` a
    linear model on hashed wordings.
    """

    model: str
    vectors: Any
    weights: Any
    bias: float
    gamma: float
    words: Any
    words_bias: float
    trees: Trees

    def kind_and_nearness(self, vector: Any) -> tuple[float, float]:
        """How much a question's vector, of unit length, is like those of questions that were answered.

        And how far that can be relied on: the cosine of the nearest question that it was learnt from.
        """
        import numpy as np

        cosines = self.vectors @ vector
        return float(np.exp(2 * self.gamma * (cosines - 1)) @ self.weights) + self.bias, float(cosines.max())

    def wording(self, wordings: Sequence[str]) -> float:
        """How much its wordings, each counted once, are those of questions that were answered."""
        places = {place_of(w) for w in wordings}
        return float(self.words[list(places)].sum()) / len(places) ** 0.5 + self.words_bias if places else self.words_bias

    def weigh(self, values: Sequence[float]) -> float:
        """The verdict on all features: log odds, above 0 for an answer."""
        return float(self.trees.weigh([values])[0])


@lru_cache(maxsize=1)
def decision() -> Decision:
    """What `decision.npz` holds; vectors are kept there in steps of 1/127 of each one's largest part."""
    import numpy as np

    with np.load(DECISION, allow_pickle=False) as held:
        vectors = held["vectors"].astype(np.float32) * held["steps"][:, None]
        named = ("model", "weights", "bias", "gamma", "words", "words_bias")
        rest = {name: held[name].item() if held[name].ndim == 0 else held[name] for name in named}
        return Decision(vectors=vectors, trees=trees_of(held), **rest)


@lru_cache(maxsize=1)
def ranking() -> Trees:
    """What `ranking.npz` holds: how well a sentence of guidance whose sections list questions answers one."""
    import numpy as np

    with np.load(RANKING, allow_pickle=False) as held:
        return trees_of(held)


@lru_cache(maxsize=1)
def support_trees() -> Trees:
    """What `support.npz` holds: whether a claim is supported, from how it differs from its evidence."""
    import numpy as np

    with np.load(SUPPORT, allow_pickle=False) as held:
        return trees_of(held)


@lru_cache(maxsize=1)
def resolution() -> Trees:
    """What `resolution.npz` holds: whether a word of an earlier question is meant in a follow-up."""
    import numpy as np

    with np.load(RESOLUTION, allow_pickle=False) as held:
        return trees_of(held)


def trees_of(held: Any) -> Trees:
    """The trees that a file, or what it is made from, holds."""
    import numpy as np

    parts: dict[str, Any] = {field.name: np.asarray(held[field.name]) for field in fields(Trees)}
    return Trees(**{name: part.item() if part.ndim == 0 else part for name, part in parts.items()})
