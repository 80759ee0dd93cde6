"""A domain of mtRAG: its last turns with their history, against the human rewrites, without a model.

Format: IBM mt-rag-benchmark; `*_lastturn.jsonl`, `*_rewrite.jsonl`, `*_questions.jsonl` (all questions so far,
a line each) and `*_qrels.tsv`. The history is made of the questions only: answers are not in these files.
"""

from __future__ import annotations

from pathlib import Path

from ir_measures import Qrel

from advisor.condense import condense
from evals.bench.figures import BenchError, Figure, Outcome, Progress, columns, records
from evals.bench.ranking import ranked, retriever, scored
from evals.run import shipped_resolver, whole

USER = "|user|:"
PUBLISHED = (
    ("BM25, full corpora of all domains, last turn", "R@5", "0.20"),
    ("BM25, rewrite", "R@5", "0.25"),
    ("BGE-base-1.5, last turn", "R@5", "0.30"),
    ("BGE-base-1.5, rewrite", "R@5", "0.37"),
    ("BM25, cloud domain, rewrite (a fork's run)", "R@5", "0.217"),
    ("BGE-base-1.5, cloud domain, last turn / rewrite (a fork's run)", "R@5", "0.263 / 0.338"),
)


def said(text: str) -> list[str]:
    """The user's turns of a text in which each opens with `|user|:`."""
    return [t.strip() for t in text.split(USER) if t.strip()]


def run(folder: Path, report: Progress) -> Outcome:
    """Recall@5 and nDCG@5 of the last turn alone, with its history, and of the human rewrite."""
    found = sorted(folder.glob("*_qrels.tsv"))
    if not found:
        raise BenchError(f"{folder} holds no *_qrels.tsv. Give --data a domain of mtRAG.")
    domain = found[0].name.removesuffix("_qrels.tsv")
    qrels = [Qrel(q, d, int(score)) for q, d, score in columns(found[0], "query-id", "corpus-id", "score")]
    asked = {q.query_id for q in qrels}

    def questions(form: str) -> list[tuple[str, list[str]]]:
        rows = records(folder / f"{domain}_{form}.jsonl")
        return [(str(r["_id"]), said(str(r["text"]))) for r in rows if str(r["_id"]) in asked]

    resolver = shipped_resolver()

    def followed(turns: list[str]) -> str:
        return whole(turns, lambda turn, history: condense(turn, history, resolver))

    forms = {
        "last turn": [(i, turns[-1]) for i, turns in questions("lastturn")],
        "last turn with its history": [(i, followed(turns)) for i, turns in questions("questions")],
        "human rewrite": [(i, turns[-1]) for i, turns in questions("rewrite")],
    }
    figures = []
    with retriever(folder / "corpus.jsonl", report) as search:
        for form, texts in forms.items():
            made = ranked(search, texts)
            figures += [Figure(f"mtRAG {domain} (pooled), {form}, {m}", scored(m, qrels, made), len(asked)) for m in ("R@5", "nDCG@5")]
    note = "Pooled: the corpus holds what earlier systems found, so these figures are not those of the full corpus."
    return Outcome(f"mtrag {domain}", tuple(figures), PUBLISHED, note)
