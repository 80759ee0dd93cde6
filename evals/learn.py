"""Questions as they were seen to the numbers in `advisor/weights.json` and `advisor/decision.npz`; for `evals/train.py`."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from advisor import decide, evidence
from advisor.types import Encoder
from advisor.weights import PLACES, place_of

FOLDS, SENTENCE_C, KIND_C, GAMMA, WORDS_C = 5, 0.3, 1.0, 1.5, 3.0
TREES = {"max_iter": 200, "learning_rate": 0.05, "max_leaf_nodes": 8, "l2_regularization": 5.0, "min_samples_leaf": 40, "random_state": 0}
RANKS = {"max_iter": 150, "learning_rate": 0.05, "max_leaf_nodes": 8, "l2_regularization": 5.0, "min_samples_leaf": 60, "random_state": 0}
# What each feature of `decide.FEATURES` can only speak for (1) or against (-1): how people phrase questions is no evidence.
SIGNS = (1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, 0, 1, -1, 1, 1, 1, 0, 0, 1, 1, 1, 0)
LISTED = decide.FEATURES.index("questions listed")
FALSELY = 0.03  # of answerable tune cases, the share that may be declined, each judged by what was learnt without it; under the bar of 0.04


@dataclass(frozen=True)
class Row:
    """A question as seen: its label, weight, features without the verdicts on the question alone, and its sentences.

    Sentences are their features and labels; `group` names what is left out together when verdicts are learnt;
    `read` is the question and the sentences that the reader reads, `holding` which of these hold what answers, where that is known;
    `ranked` is what the ranking's trees see of the first of the sentences, shape (sentences, features), where an adapter says how
    near they are.
    """

    question: str
    answered: bool
    weight: float
    features: tuple[float, ...]
    sentences: tuple[tuple[tuple[float, ...], bool], ...] = ()
    judged: bool = True
    group: str = ""
    read: tuple[str, tuple[str, ...]] = ("", ())
    ranked: Any = None
    holding: tuple[bool, ...] = ()


def fold_of(group: str) -> int:
    """The fold that a group is left out with."""
    return zlib.crc32(group.encode()) % FOLDS


def learn_sentences(rows: Iterable[Row]) -> dict[str, Any]:
    features, labels, weights = sentences_of(rows)
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=SENTENCE_C, max_iter=3000).fit(scaler.transform(features), labels, sample_weight=weights)
    raw = model.coef_[0] / scaler.scale_
    return {"weights": rounded(raw), "bias": round(float(model.intercept_[0] - (raw * scaler.mean_).sum()), 4)}


def learn_ranking(rows: Iterable[Row]) -> dict[str, Any]:
    """What `ranking.npz` holds, from questions on guidance whose sections list questions, seen with an adapter learnt without them."""
    kept = [(row.ranked, [label for _, label in row.sentences[: len(row.ranked)]]) for row in rows if row.ranked is not None]
    kept = [(seen, labels) for seen, labels in kept if any(labels)]
    return flattened(HistGradientBoostingClassifier(**RANKS).fit(np.vstack([s for s, _ in kept]), np.concatenate([y for _, y in kept])))


def sentences_of(rows: Iterable[Row]) -> tuple[Any, Any, Any]:
    """Features, labels and weights of the sentences of questions for which one holds a fact, shapes (sentences, …)."""
    kept = [row for row in rows if any(y for _, y in row.sentences)]
    features = np.array([values for row in kept for values, _ in row.sentences])
    labels = np.array([label for row in kept for _, label in row.sentences])
    return features, labels, np.repeat([row.weight for row in kept], [len(row.sentences) for row in kept])


def learn_decision(rows: Sequence[Row], encoder: Encoder) -> tuple[float, dict[str, Any], Any]:
    """The threshold, what `decision.npz` holds, and the odds of each row as trees that had not seen it would say.

    The trees learn from verdicts on the question that were learnt without it and without its whole text.
    """
    vectors, words = encoder.encode([r.question for r in rows]), hashed([r.question for r in rows])
    labels, weights = np.array([r.answered for r in rows]), np.array([r.weight for r in rows])
    seen = np.array([r.features for r in rows])
    folds = np.array([fold_of(r.group) for r in rows])
    left_out = np.zeros((len(rows), 3))
    for fold in range(FOLDS):
        left_out[folds == fold] = verdicts(vectors, words, *judges(rows, vectors, words, folds != fold))[folds == fold]
    table = np.hstack([seen, left_out])
    odds = np.zeros(len(rows))
    for fold in range(FOLDS):
        trained = folds != fold
        odds[~trained] = trees_on(table[trained], labels[trained], weights[trained]).decision_function(table[~trained])
    asked = np.array([bool(r.features[LISTED]) and r.answered and r.weight > 1 for r in rows])
    cut = float(np.quantile(odds[asked], FALSELY))
    listed, judged = seen[:, LISTED] > 0, np.array([r.judged for r in rows])
    for name, some in (("ours", listed & judged), ("plain text", ~listed & judged), ("articles, answers gone", ~listed & ~judged)):
        some = some & (weights > 0.5)
        lost, declined = (float((odds[some & kind] < cut).mean()) if (some & kind).any() else 0.0 for kind in (labels, ~labels))
        counts = int(sum(some & labels)), int(sum(some & ~labels))
        print(f"{name}, left out: {lost:.3f} of {counts[0]} falsely declined, {declined:.3f} of {counts[1]} declined", flush=True)
    threshold = evidence.chance(cut)
    kind, wording = judges(rows, vectors, words, np.ones(len(rows), dtype=bool))
    steps = np.abs(kind.support_vectors_).max(axis=1) / 127
    return (
        threshold,
        {
            "model": encoder.name.split("@")[0],
            "vectors": np.round(kind.support_vectors_ / steps[:, None]).astype(np.int8),
            "steps": steps.astype(np.float32),
            "weights": kind.dual_coef_[0].astype(np.float32),
            "bias": float(kind.intercept_[0]),
            "gamma": GAMMA,
            "words": wording.coef_[0].astype(np.float32),
            "words_bias": float(wording.intercept_[0]),
            **flattened(trees_on(table, labels, weights)),
        },
        odds,
    )


def trees_on(table: Any, labels: Any, weights: Any) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(**TREES, monotonic_cst=list(SIGNS)).fit(table, labels, weights)


def hashed(questions: Sequence[str]) -> Any:
    """Each question's wordings as `Decision.wording` reads them, shape (questions, PLACES), rows of unit length."""
    rows, columns, values = [], [], []
    for row, question in enumerate(questions):
        places = sorted({place_of(w) for w in decide.wordings(question)})
        rows += [row] * len(places)
        columns += places
        values += [len(places) ** -0.5] * len(places)
    return csr_matrix((values, (rows, columns)), shape=(len(questions), PLACES))


def judges(rows: Sequence[Row], vectors: Any, words: Any, among: Any) -> tuple[SVC, LogisticRegression]:
    """The two verdicts on a question alone, learnt from each question once."""
    once = list({r.question: i for i, r in enumerate(rows) if among[i] and r.judged}.values())
    labels, weights = [rows[i].answered for i in once], [rows[i].weight for i in once]
    kind = SVC(C=KIND_C, gamma=GAMMA).fit(vectors[once], labels, sample_weight=weights)
    return kind, LogisticRegression(C=WORDS_C, max_iter=300).fit(words[once], labels, sample_weight=weights)


def verdicts(vectors: Any, words: Any, kind: SVC, wording: LogisticRegression) -> Any:
    """As `decide.verdicts` gives them, shape (questions, 3)."""
    nearness = (vectors @ kind.support_vectors_.T).max(axis=1)
    return np.column_stack([kind.decision_function(vectors), wording.decision_function(words), nearness])


def flattened(model: HistGradientBoostingClassifier) -> dict[str, Any]:
    """The trees as arrays, shape (trees, nodes); scikit-learn shows them nowhere in public."""
    trees = [predictors[0].nodes for predictors in model._predictors]
    most = max(map(len, trees))
    made: dict[str, Any] = {name: np.zeros((len(trees), most), dtype=np.int8) for name in ("feature", "left", "right")}
    made |= {name: np.zeros((len(trees), most)) for name in ("below", "value")}
    for t, nodes in enumerate(trees):
        for n, node in enumerate(nodes):
            leaf = bool(node["is_leaf"])
            made["feature"][t, n] = 0 if leaf else node["feature_idx"]
            made["left"][t, n], made["right"][t, n] = (n, n) if leaf else (node["left"], node["right"])
            made["below"][t, n], made["value"][t, n] = node["num_threshold"], node["value"] if leaf else 0.0
    depth = max(int(nodes["depth"].max()) for nodes in trees)
    return {**made, "depth": depth, "start": float(model._baseline_prediction.item())}


def rounded(values: Any) -> list[float]:
    return [round(float(v), 4) for v in values]
