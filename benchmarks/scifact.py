"""SciFact through the same retriever: nDCG@10 of the test questions.

python -m benchmarks.scifact --data FOLDER     (embeds 5,183 abstracts once: some minutes)
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import ir_measures
from ir_measures import Qrel, ScoredDoc, nDCG

from advisor.config import Settings, silence_vendors
from advisor.corpus import Corpus, Guidance
from advisor.encode import SentenceTransformerEncoder, model_stamp, open_encoder
from advisor.index import ExactIndex
from advisor.library import Library
from advisor.retrieve import HybridRetriever
from advisor.types import Document
from benchmarks.report import data_folder, record
from evals.single import prepared_home

DEPTH = 60  # chunks ranked for ten documents
CACHE = Path(__file__).parent / ".cache" / "scifact"


def lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scifact", description="SciFact through our retriever.")
    parser.add_argument("--data", type=Path, help="folder that holds scifact; ADVISOR_DATA otherwise")
    parser.add_argument("--split", default="test", choices=["test", "train"])
    options = parser.parse_args(arguments)
    folder = data_folder(options.data, "scifact")
    if folder is None:
        print("Skipped: the SciFact files are not here. Give --data the folder that holds scifact.")
        return 0
    silence_vendors()
    settings = prepared_home(Settings.load().home)
    library = Library(CACHE / "advisor.db")
    if not library.meta():
        guidance = tuple(
            Guidance(Document(row["_id"], row["title"], f"# {row['title']}\n\n{row['text']}\n", row["_id"]))
            for row in lines(folder / "corpus.jsonl")
        )
        encoder = SentenceTransformerEncoder(settings.embedding_model, model_stamp(settings.embedding_model))
        report = lambda done, total: print(f"\rembedded {done} of {total}", end="", file=sys.stderr)  # noqa: E731
        library.update(Corpus(folder, guidance, {}, (), "scifact"), encoder, limit=settings.chunk_tokens, report=report)
    retriever = HybridRetriever(library, ExactIndex(library.vectors), open_encoder(settings))
    qrels = [
        Qrel(*row.split()[:2], int(row.split()[2])) for row in (folder / "qrels" / f"{options.split}.tsv").read_text().splitlines()[1:]
    ]
    asked = {q.query_id for q in qrels}
    run: list[ScoredDoc] = []
    for question in lines(folder / f"queries_{options.split}.jsonl"):
        if question["_id"] in asked:
            best: dict[str, float] = {}
            for passage in retriever.search(question["text"], DEPTH):
                ident = passage.chunk.document.id
                best[ident] = max(best.get(ident, 0.0), passage.score)
            run += [ScoredDoc(question["_id"], ident, score) for ident, score in best.items()]
    figure = ir_measures.calc_aggregate([nDCG @ 10], qrels, run)[nDCG @ 10]
    record("scifact", [(f"SciFact {options.split}, nDCG@10", "≥ 0.73", round(float(figure), 4))])
    return 0


if __name__ == "__main__":
    sys.exit(main())
