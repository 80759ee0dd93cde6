"""Public benchmarks through `advisor eval bench`, as rows of the table; those whose data is not here are skipped.

python -m benchmarks.public                 all of them (SciFact and mtRAG embed for some minutes the first time)
python -m benchmarks.public --only clapnq   one
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.report import data_folder, record
from evals.bench import bench

FOLDERS = {"scifact": "scifact", "clapnq": "clapnq_a", "mtrag": "mtrag_cloud", "cast": "cast19_rewrites", "wice": "wice_dev"}
BARS = {
    "scifact test, nDCG@10": "≥ 0.73",
    "CLAPNQ half, ROUGE-L, decline off": "≥ 0.55",
    "CLAPNQ half, answerability, balanced accuracy": "≥ 0.75",
    "CAsT-19 rewrites, added terms, recall": "≥ 0.66",
    "CAsT-19 rewrites, added terms, precision": "≥ 0.63",
    "oracle_chunks_claim_dev, balanced accuracy by claim": "≥ 0.66",
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.public", description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder that holds the data sets; ADVISOR_DATA otherwise")
    parser.add_argument("--only", choices=sorted(FOLDERS), help="one benchmark")
    options = parser.parse_args(arguments)
    for name, folder in FOLDERS.items():
        if options.only in (None, name):
            path = data_folder(options.data, folder)
            if path is None:
                print(f"Skipped {name}: {folder} is not here. Give --data the folder that holds it.")
                continue
            outcome = bench(name)(path, _shown)
            print(file=sys.stderr)
            command = f"advisor eval bench {name} --data DIR/{folder}"
            record(name, [(f.what, BARS.get(f.what, ""), round(f.value, 4)) for f in outcome.figures], command)
    return 0


def _shown(stage: str, done: int, total: int) -> None:
    print(f"\r{stage}: {done} of {total}  ", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
