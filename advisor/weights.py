"""The numbers learnt from labelled questions, in `weights.json`; `python -m evals.train` makes them anew."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any


@lru_cache(maxsize=1)
def learnt() -> dict[str, Any]:
    """What `weights.json` holds: `sentence` (weights, bias) and `decision` (weights, bias, probe, threshold)."""
    return dict(json.loads((Path(__file__).parent / "weights.json").read_text(encoding="utf-8")))
