"""Ranked retrieval over a public corpus with the advisor's own retriever, scored by ir-measures."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import ir_measures
from ir_measures import Qrel, ScoredDoc

from advisor.config import Settings
from advisor.corpus import Corpus, Guidance
from advisor.encode import open_encoder, open_trainer
from advisor.index import ExactIndex
from advisor.library import Library
from advisor.retrieve import HybridRetriever
from advisor.types import Document
from evals.bench.figures import Progress, records
from evals.bench.vectors import KeptVectors

DEPTH = 60  # chunks ranked, so that ten documents are


@contextmanager
def retriever(corpus: Path, report: Progress) -> Iterator[HybridRetriever]:
    """The retriever over a `corpus.jsonl` of _id, title and text; embedded once, looked up after."""
    settings = Settings.load()
    kept = KeptVectors(open_trainer(settings), settings.home / "bench" / "vectors.db")
    guidance = tuple(
        Guidance(Document(str(row["_id"]), str(row.get("title") or ""), _page(row), str(row["_id"]))) for row in records(corpus)
    )
    with tempfile.TemporaryDirectory() as scratch:
        library = Library(Path(scratch) / "advisor.db")
        library.update(
            Corpus(corpus.parent, guidance, {}, (), "bench"),
            kept,
            limit=settings.chunk_tokens,
            report=lambda done, total: report("Embedding the corpus", done, total),
        )
        kept.close()
        try:
            yield HybridRetriever(library, ExactIndex(library.vectors), open_encoder(settings))
        finally:
            library.close()


def _page(row: Mapping[str, object]) -> str:
    title = str(row.get("title") or "").strip()
    return f"# {title}\n\n{row['text']}\n" if title else f"{row['text']}\n"


def ranked(search: HybridRetriever, questions: Iterable[tuple[str, str]]) -> list[ScoredDoc]:
    """Each question's documents by their best chunk; `questions` are (id, text)."""
    run: list[ScoredDoc] = []
    for ident, text in questions:
        best: dict[str, float] = {}
        for passage in search.search(text, DEPTH):
            document = passage.chunk.document.id
            best[document] = max(best.get(document, 0.0), passage.score)
        run += [ScoredDoc(ident, document, score) for document, score in best.items()]
    return run


def scored(measure: str, qrels: list[Qrel], run: list[ScoredDoc]) -> float:
    """The mean of a measure by its name in ir-measures, as `nDCG@10`; a question without a result scores 0."""
    parsed = ir_measures.parse_measure(measure)
    return float(ir_measures.calc_aggregate([parsed], qrels, run)[parsed])
