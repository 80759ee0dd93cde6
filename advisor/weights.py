"""What was learnt from labelled questions: `weights.json` and `probe.npz`; `python -m evals.train` makes them anew."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

WEIGHTS = Path(__file__).parent / "weights.json"
PROBE = Path(__file__).parent / "probe.npz"


@lru_cache(maxsize=1)
def learnt() -> dict[str, Any]:
    """What `weights.json` holds: `sentence` (weights, bias) and `decision` (weights, bias, threshold)."""
    return dict(json.loads(WEIGHTS.read_text(encoding="utf-8")))


@dataclass(frozen=True, slots=True)
class Probe:
    """A support vector machine with a radial kernel on question vectors.

    `vectors` has shape (support vectors, dimensions), rows of about unit length; `model` names the
    embedding model it was learnt on.
    """

    model: str
    vectors: Any
    weights: Any
    bias: float
    gamma: float


@lru_cache(maxsize=1)
def probe() -> Probe:
    """What `probe.npz` holds; vectors are kept there in steps of 1/127 of each one's largest part."""
    import numpy as np

    with np.load(PROBE, allow_pickle=False) as held:
        vectors = held["vectors"].astype(np.float32) * held["steps"][:, None]
        return Probe(str(held["model"]), vectors, held["weights"], float(held["bias"]), float(held["gamma"]))
