"""Learns `advisor/weights.json` and `advisor/probe.npz` from labelled questions of the split `tune`.

    python -m evals.train --home FOLDER [--clapnq FOLDER]

What is learnt: how well a sentence answers (labels: sentences that hold an expected fact), and
whether the guidance holds an answer (labels: cases to answer and to decline; the questions that our
sections list, each measured with itself left out; cases to answer with the sections that answer them
taken away; and all of it once more on the same guidance without front matter and questions, as an
operator's own text would be). The texts of `foreign/tune/` and, where given, the public half of CLAPNQ
stand for single articles. Nothing of the split `held-out` and no other foreign text is read. Takes
some ten minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from advisor import decide
from advisor.assemble import build_index, open_advisor
from advisor.config import Settings, shipped, silence_vendors
from advisor.corpus import questions_of, read_corpus
from advisor.errors import QuestionError
from advisor.pipeline import Advisor
from advisor.quote import QuotingAnswerer
from advisor.retrieve import HybridRetriever
from advisor.types import Chunk
from advisor.weights import PROBE, WEIGHTS
from evals.cases import FOLDER, FOREIGN, Case, read_cases
from evals.metrics import flat
from evals.single import advisor_on, prepared_home, write_article

FOLDS, PROBE_C, GAMMA, DECISION_C, SENTENCE_C = 10, 4.0, 1.5, 1.0, 0.3
# What each feature of `decide.FEATURES` can only speak for (1) or against (-1): how people phrase questions is no evidence.
SIGNS = (1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, 0, 1, -1, 1, -1, -1, -1, -1, 1, 1, 1, 0, 1)
THRESHOLD = 0.42  # declines most of the tune cases while few answerable ones are lost


@dataclass(frozen=True)
class Row:
    """A question as seen: its label, weight, features without the probe, and its sentences' features and labels."""

    question: str
    answered: bool
    weight: float
    features: tuple[float, ...]
    sentences: tuple[tuple[tuple[float, ...], bool], ...] = ()
    probed: bool = True


def seen(
    advisor: Advisor, question: str, answered: bool, weight: float, holds: Any = None, *, probed: bool = True, without: Case | None = None
) -> Row:
    """Runs a question up to the decision; `holds(sentence)` labels sentences, or None where nothing does.

    `without` takes away the sections that answer a case.
    """
    answerer = advisor.answerer()
    assert isinstance(answerer, QuotingAnswerer)
    query = answerer.condense(question, [])
    passages = advisor.retriever().search(query, advisor.passages * (2 if without else 1))
    if without:
        gone = {flat(r) for r in without.relevant}
        passages = [p for p in passages if place(p.chunk) not in gone][: advisor.passages]
    asked, _, sentences = answerer.read(query, passages)
    features = decide.features(asked, answerer.encoder, passages, sentences, answerer.frequency)[:-1]
    return Row(question, answered, weight, features, tuple((s.features, bool(holds and holds(s))) for s in sentences), probed)


def place(chunk: Chunk) -> str:
    return flat(f"{chunk.document.id}#{chunk.heading or chunk.document.title}")


def holds_fact(case: Case) -> Any:
    """Whether a sentence stands in a relevant section and holds an expected fact."""
    relevant = {flat(r) for r in case.relevant}
    facts = [flat(a) for fact in case.facts for a in fact]

    def holds(sentence: Any) -> bool:
        return place(sentence.chunk) in relevant and any(a in flat(sentence.text) for a in facts)

    return holds


def own_rows(advisor: Advisor) -> Iterator[Row]:
    """Our cases of the split `tune`; near misses outnumber the other kinds and weigh less."""
    for file in ("answers", "conversations", "declines", "declines-tune", "plain-tune"):
        for case in read_cases(FOLDER / f"{file}.jsonl", "tune"):
            question = case.standalone or case.question
            try:
                if advisor.answerer().replies.to(question) is not None:  # type: ignore[attr-defined]
                    continue
                question = advisor._taken(question)
            except QuestionError:
                continue
            if case.outcome == "answered":
                yield seen(advisor, question, True, 1.5, holds_fact(case) if case.facts else None)
                if case.relevant:
                    yield seen(advisor, question, False, 0.5, probed=False, without=case)
            else:
                yield seen(advisor, question, False, 0.6 if "near-miss" in case.tags else 1.0)


def foreign_rows(settings: Settings) -> Iterator[Row]:
    """The texts on other careers that may be learnt from."""
    for cases in sorted((FOREIGN / "tune").glob("*.cases.jsonl")):
        name = cases.name.removesuffix(".cases.jsonl")
        text = next(p for p in cases.parent.glob(f"{name}.*") if p != cases)
        with advisor_on(settings, text) as single:
            for case in read_cases(cases):
                answered = case.outcome == "answered"
                yield seen(single, case.question, answered, 2.0, holds_fact(case) if case.facts else None)
                if answered:
                    yield seen(single, case.question, False, 1.0, probed=False, without=case)


def listed_rows(advisor: Advisor) -> Iterator[Row]:
    """The questions our guides and sections list, the latter each with itself left out of what leads to a section."""
    for guide in read_corpus(shipped("corpus")).guidance:
        for question in questions_of(guide):
            yield seen(advisor, question, True, 1.0)
    guidance: Any = advisor.retriever()
    retriever: HybridRetriever = guidance.current().retriever
    known = retriever._asks
    for path in sorted(shipped("corpus").glob("*.md")):
        for line in re.findall(r"^Asked: (.+)$", path.read_text(encoding="utf-8"), re.M):
            for question in (q.strip() for q in line.split("|")):
                itself = known @ retriever.encoder.encode([question])[0] > 0.995
                retriever._asks = np.where(itself[:, None], 0.0, known)
                yield seen(advisor, question, True, 0.35)
    retriever._asks = known


def stripped_corpus(folder: Path) -> Path:
    """The shipped guidance as plain text: no front matter, no sources, no questions."""
    for path in shipped("corpus").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        if text.startswith("---"):
            body = text.split("\n---\n", 1)[1]
            (folder / path.name).write_text(re.sub(r"^(?:Asked|Sources): .*\n\n?", "", body, flags=re.M), encoding="utf-8")
    return folder


def clapnq_rows(settings: Settings, folder: Path) -> Iterator[Row]:
    for file, answered in (("answerable", True), ("unanswerable", False)):
        for line in (folder / f"{file}.jsonl").read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            passage = record["passages"][0]
            chosen = [flat(s) for output in record["output"] for s in output["selected_sentences"]]
            with tempfile.TemporaryDirectory() as scratch:
                article = write_article(Path(scratch), passage["title"], passage["text"])
                with advisor_on(settings, article) as one:
                    holds = (lambda s, chosen=chosen: any(flat(s.text) in c for c in chosen if len(s.text) > 20)) if answered else None
                    yield seen(one, record["input"], answered, 0.8, holds, probed=False)


def fitted(rows: Any, labels: Any, weights: Any, strength: float, signs: Sequence[int] | None = None) -> tuple[Any, float]:
    """Weights and bias of a logistic regression, in the features' own units; a sign of 1 or -1 holds a weight to it."""
    scaler = StandardScaler().fit(rows)
    scaled, size = scaler.transform(rows), rows.shape[1]

    def loss(values: Any) -> tuple[float, Any]:
        z = scaled @ values[:size] + values[size]
        error = weights * (1 / (1 + np.exp(-z)) - labels)
        total = float((weights * np.logaddexp(0, np.where(labels, -z, z))).sum() + (values[:size] ** 2).sum() / (2 * strength))
        return total, np.append(scaled.T @ error + values[:size] / strength, error.sum())

    bounds = [(0, None) if sign > 0 else (None, 0) if sign < 0 else (None, None) for sign in signs or [0] * size]
    found = minimize(loss, np.zeros(size + 1), jac=True, bounds=[*bounds, (None, None)], method="L-BFGS-B").x
    raw = found[:size] / scaler.scale_
    return raw, float(found[size] - (raw * scaler.mean_).sum())


def learn_sentences(rows: Iterable[Row]) -> dict[str, Any]:
    features, labels, weights = [], [], []
    for row in rows:
        if any(y for _, y in row.sentences):
            for values, label in row.sentences:
                features.append(values)
                labels.append(label)
                weights.append(1.0 if row.probed else 0.15)
    raw, bias = fitted(np.array(features), np.array(labels), np.array(weights), SENTENCE_C)
    return {"weights": rounded(raw), "bias": round(bias, 4)}


def learn_decision(rows: list[Row], encoder: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The decision, on features that hold the probe's verdict from folds that left the question out, and the probe."""
    career = list({r.question: r for r in rows if r.probed}.values())
    vectors = encoder.encode([r.question for r in career])
    labels, weights = np.array([r.answered for r in career]), np.array([r.weight for r in career])
    left_out = np.zeros(len(career))
    for train, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(vectors, labels):
        model = SVC(C=PROBE_C, gamma=GAMMA).fit(vectors[train], labels[train], sample_weight=weights[train])
        left_out[test] = model.decision_function(vectors[test])
    probe = SVC(C=PROBE_C, gamma=GAMMA).fit(vectors, labels, sample_weight=weights)
    verdicts = dict(zip((r.question for r in career), left_out, strict=True))
    others = [r for r in rows if r.question not in verdicts]
    if others:
        asked = [r.question for r in others]
        verdicts.update(zip(asked, probe.decision_function(encoder.encode(asked)), strict=True))
    table = np.array([[*r.features, verdicts[r.question]] for r in rows])
    raw, bias = fitted(table, np.array([r.answered for r in rows]), np.array([r.weight for r in rows]), DECISION_C, SIGNS)
    support = probe.support_vectors_
    steps = np.abs(support).max(axis=1) / 127
    return {"weights": rounded(raw), "bias": round(bias, 4), "threshold": THRESHOLD}, {
        "model": encoder.name.split("@")[0],
        "vectors": np.round(support / steps[:, None]).astype(np.int8),
        "steps": steps.astype(np.float32),
        "weights": probe.dual_coef_[0].astype(np.float32),
        "bias": probe.intercept_[0],
        "gamma": GAMMA,
    }


def rounded(values: Any) -> list[float]:
    return [round(float(v), 4) for v in values]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.train", description="Learn advisor/weights.json from the tune cases.")
    parser.add_argument("--home", type=Path, required=True, help="data folder for the indexes it builds")
    parser.add_argument("--clapnq", type=Path, help="folder with answerable.jsonl and unanswerable.jsonl")
    options = parser.parse_args(arguments)
    silence_vendors()
    settings = prepared_home(options.home)
    build_index(settings, shipped("corpus"))
    ours = open_advisor(settings, remember=False)
    rows = [*own_rows(ours), *listed_rows(ours)]
    print(f"{len(rows)} questions on the shipped guidance")
    with tempfile.TemporaryDirectory() as scratch:
        plain = settings.model_copy(update={"home": options.home / "plain"})
        shutil.copytree(settings.models, plain.models, dirs_exist_ok=True)
        build_index(plain, stripped_corpus(Path(scratch)))
        on_plain = open_advisor(plain, remember=False)
        without = [*own_rows(on_plain), *listed_rows(on_plain)]
        rows += [dataclasses.replace(r, sentences=()) for r in without]
    rows += foreign_rows(settings)
    if options.clapnq:
        rows += clapnq_rows(settings, options.clapnq)
    print(f"{len(rows)} questions in all; fitting")
    encoder = ours.answerer().encoder  # type: ignore[attr-defined]
    decision, probe = learn_decision(rows, encoder)
    WEIGHTS.write_text(json.dumps({"sentence": learn_sentences(rows), "decision": decision}) + "\n", encoding="utf-8")
    np.savez_compressed(PROBE, **probe)
    print(f"Wrote {WEIGHTS.name} and {PROBE.name} ({len(probe['vectors'])} vectors). Run: python -m evals.run, then python -m evals.gate")
    return 0


if __name__ == "__main__":
    sys.exit(main())
