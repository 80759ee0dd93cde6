"""A BEIR folder: corpus.jsonl, queries*.jsonl and qrels/*.tsv; nDCG@10 and Recall@10 of its test questions.

Format: Thakur et al. 2021, BEIR. Figures beside ours: the MTEB result files, read 2026-08.
"""

from __future__ import annotations

from pathlib import Path

from ir_measures import Qrel

from evals.bench.figures import BenchError, Figure, Outcome, Progress, columns, records
from evals.bench.ranking import ranked, retriever, scored

PUBLISHED = {
    "scifact": (
        ("BM25 (bm25s)", "nDCG@10", "0.687"),
        ("all-MiniLM-L6-v2", "nDCG@10", "0.645"),
        ("BM25 and bge-base-en-v1.5, reciprocal ranks", "nDCG@10", "0.744"),
    ),
    "nfcorpus": (("BM25 (bm25s)", "nDCG@10", "0.321"), ("all-MiniLM-L6-v2", "nDCG@10", "0.316")),
    "fiqa": (("BM25 (bm25s)", "nDCG@10", "0.251"), ("all-MiniLM-L6-v2", "nDCG@10", "0.369")),
    "scidocs": (("BM25 (bm25s)", "nDCG@10", "0.158"), ("all-MiniLM-L6-v2", "nDCG@10", "0.216")),
}


def run(folder: Path, report: Progress, split: str = "test") -> Outcome:
    """nDCG@10 and Recall@10 over the questions that `qrels/SPLIT.tsv` judges."""
    judged = folder / "qrels" / f"{split}.tsv"
    qrels = [Qrel(q, d, int(score)) for q, d, score in columns(judged, "query-id", "corpus-id", "score")]
    asked = {q.query_id for q in qrels}
    files = [folder / f"queries_{split}.jsonl", folder / "queries.jsonl"]
    file = next((f for f in files if f.is_file()), None)
    if file is None:
        raise BenchError(f"{folder} holds neither {files[0].name} nor {files[1].name}. Give --data a BEIR folder.")
    questions = [(str(r["_id"]), str(r["text"])) for r in records(file) if str(r["_id"]) in asked]
    with retriever(folder / "corpus.jsonl", report) as search:
        made = ranked(search, questions)
    figures = tuple(Figure(f"{folder.name} {split}, {m}", scored(m, qrels, made), len(asked)) for m in ("nDCG@10", "R@10"))
    return Outcome(folder.name, figures, PUBLISHED.get(folder.name.lower(), ()))
