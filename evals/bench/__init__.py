"""Public benchmarks in their own formats, run through the advisor's parts: `advisor eval bench`."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from evals.bench.figures import Outcome

# The name on the command line, and the module that runs it.
MODULES = {"scifact": "beir", "beir": "beir", "mtrag": "mtrag", "clapnq": "clapnq", "wice": "wice", "cast": "cast", "squad2": "squad2"}


def bench(name: str) -> Callable[..., Outcome]:
    """What runs a benchmark: a function of the data folder and a progress report; `KeyError` for an unknown name."""
    run: Callable[[Path], Outcome] = import_module(f"evals.bench.{MODULES[name]}").run
    return run
