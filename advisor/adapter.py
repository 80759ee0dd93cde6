"""Brings questions and the sentences that answer them nearer to one another than the embedding model has them.

Two linear maps, one for a question's vector and one for a sentence's, learnt from labelled questions and from those
that our guides list (`evals/adapting.py`): what people ask in their own words ("a charity hospital's board") comes to
stand beside what the guidance calls it. The vectors of the index stay as they are. With another embedding model than
the one that it was learnt with there is no adapter, and plain cosines stand in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from advisor.types import Encoder

ADAPTER = Path(__file__).parent / "adapter.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Adapter:
    """Adds to each vector what a map of low rank makes of it: `into` and `out_of` that rank, each of shape (dimensions, rank)."""

    model: str
    question_into: Any
    question_out_of: Any
    sentence_into: Any
    sentence_out_of: Any

    def question(self, vector: Any) -> Any:
        """A question's vector as it is compared with sentences, of unit length."""
        return _unit(vector + (vector @ self.question_into) @ self.question_out_of.T)

    def sentences(self, vectors: Any) -> Any:
        """Sentences' vectors as a question is compared with them, shape (sentences, dimensions), rows of unit length."""
        return _unit(vectors + (vectors @ self.sentence_into) @ self.sentence_out_of.T)


def adapter_for(encoder: Encoder) -> Adapter | None:
    """The adapter learnt with this embedding model, or None."""
    known = _learnt()
    return known if known.model == encoder.name.split("@")[0] else None


@lru_cache(maxsize=1)
def _learnt() -> Adapter:
    """What `adapter.npz` holds, in half precision."""
    with np.load(ADAPTER, allow_pickle=False) as held:
        return adapter_of(held)


def adapter_of(held: Any) -> Adapter:
    """The adapter that a file, or what it is made from, holds."""
    maps = {name: np.asarray(held[name], dtype=np.float32) for name in Adapter.__slots__ if name != "model"}
    return Adapter(model=str(held["model"]), **maps)


def _unit(vectors: Any) -> Any:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
