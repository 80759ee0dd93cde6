"""Where benchmarks find data and put their figures."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from evals.run import commit

RESULTS = Path(__file__).parent / "results"


def data_folder(given: Path | None, name: str) -> Path | None:
    """The folder of a public data set, or None where it is not on this machine."""
    root = given or Path(os.environ.get("ADVISOR_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    return root / name if (root / name).is_dir() else None


def record(name: str, rows: Sequence[tuple[str, str, object]], command: str = "") -> None:
    """Prints rows of what, bar and figure, and keeps them in `benchmarks/results/` with the command that measures them."""
    RESULTS.mkdir(exist_ok=True)
    measures = command or f"python -m benchmarks.{name}"
    when = {"date": date.today().isoformat(), "commit": commit()}
    kept = [{"what": what, "bar": bar, "measured": figure, "command": measures, **when} for what, bar, figure in rows]
    (RESULTS / f"{name}.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for what, bar, figure in rows:
        print(f"{what:62} {bar:>14}  {figure}")
