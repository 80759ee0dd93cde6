"""WiCE, oracle chunks: whether the verifier tells supported claims from the others (balanced accuracy).

Format: lines of claim, evidence (sentences), label and meta (Kamoi et al. 2023). Supported is one class,
partially and not supported the other, as in LLM-AggreFact; a claim is supported if one of its chunks supports it.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from advisor.config import Settings
from evals.bench.figures import BenchError, Figure, Outcome, Progress, records
from evals.support import EVEN, balanced, checking

PUBLISHED = (
    ("SummaC-ZS (small NLI), WiCE test", "balanced accuracy", "0.628"),
    ("MiniCheck-FT5, WiCE test", "balanced accuracy", "0.722"),
    ("Claude-3.5-Sonnet, WiCE test", "balanced accuracy", "0.777"),
)


def run(folder: Path, report: Progress) -> Outcome:
    """Balanced accuracy over claims, the default verifier deciding at even odds."""
    files = sorted(folder.glob("oracle_chunks_claim_*.jsonl"))
    if not files:
        raise BenchError(f"{folder} holds no oracle_chunks_claim_*.jsonl. Give --data a folder of WiCE.")
    verifier = checking(Settings.load())
    labels: dict[str, bool] = {}
    support: defaultdict[str, list[float]] = defaultdict(list)
    rows = list(records(files[0]))
    for number, row in enumerate(rows):
        key = f"{row['meta']['id']} {row['claim']}"
        labels[key] = row["label"] == "supported"
        support[key].append(verifier.support(str(row["claim"]), " ".join(row["evidence"]), str(row["meta"].get("claim_title", ""))))
        report("Checking claims", number + 1, len(rows))
    truth = list(labels.values())
    said = [max(support[key]) >= EVEN for key in labels]
    return Outcome("wice", (Figure(f"{files[0].stem}, balanced accuracy by claim", balanced(truth, said), len(truth)),), PUBLISHED)
