"""Does the verifier tell supported claims from the others? Labelled pairs of claim and evidence, measured and learnt from.

    python -m evals.support            measures the default verifier on the held-out pairs
    python -m evals.support --learn [--clapnq FOLDER]    first learns advisor/support.npz from the pairs of the split tune

The pairs of `pairs/articles-tune.jsonl` are claims about articles of the public half of CLAPNQ, whose
texts are not in this project: they are learnt from where that folder is given.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from advisor.citations import SUPPORTED
from advisor.config import Settings, shipped, silence_vendors
from advisor.corpus import read_corpus
from advisor.types import Encoder, Verifier
from advisor.verify import LearntVerifier, features_named
from advisor.weights import SUPPORT

EVEN = 0.5  # more likely than not; what is shown must be likelier than that
FOLDER = Path(__file__).parent / "pairs"
TREES = {"max_iter": 300, "learning_rate": 0.04, "max_leaf_nodes": 10, "l2_regularization": 5.0, "min_samples_leaf": 20, "random_state": 0}


@dataclass(frozen=True, slots=True)
class Pair:
    """A claim, its evidence and whether that supports it; `kind` says what is wrong where it does not."""

    id: str
    claim: str
    evidence: str
    context: str
    supported: bool
    label: str
    kind: str
    split: str


def read_pairs(name: str = "support.jsonl", split: str = "") -> list[Pair]:
    """The pairs of a file in `evals/pairs/`, of one split or all."""
    titles = {g.document.id: g.document.title for g in read_corpus(shipped("corpus")).guidance}
    rows = [json.loads(line) for line in (FOLDER / name).read_text(encoding="utf-8").splitlines()]
    pairs = [
        Pair(
            r["id"],
            r["claim"],
            r["evidence"],
            f"{titles.get(r['document'], r['document'])}\n{r['heading']}",
            r["label"] == "supported",
            r["label"],
            r["kind"],
            r["split"],
        )
        for r in rows
    ]
    return [p for p in pairs if not split or p.split == split]


def article_pairs(clapnq: Path) -> list[Pair]:
    """The claims about CLAPNQ's articles, with the articles' texts as evidence."""
    texts: dict[str, str] = {}
    for name in ("answerable", "unanswerable"):
        for line in (clapnq / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            texts |= {p["title"]: _plain(p["text"]) for p in json.loads(line)["passages"]}
    rows = [json.loads(line) for line in (FOLDER / "articles-tune.jsonl").read_text(encoding="utf-8").splitlines()]
    return [
        Pair(r["id"], r["claim"], texts[r["title"]], r["title"], r["label"] == "supported", r["label"], "article", "tune")
        for r in rows
        if r["title"] in texts
    ]


def _plain(text: str) -> str:
    """A text that was cut into words, put together again."""
    text = re.sub(r"\s+([.,;:!?)%'’])", r"\1", text)
    text = re.sub(r"\(\s+", "(", text)
    return text.replace("`` ", '"').replace(" ''", '"').replace("''", '"').replace(" -- ", " - ").replace(" - ", "-").strip()


def balanced(truth: Sequence[bool], said: Sequence[bool]) -> float:
    """The mean of the shares of both classes that were told rightly."""
    right = {kind: [a == b for a, b in zip(truth, said, strict=True) if a is kind] for kind in (True, False)}
    return float(np.mean([np.mean(shares) for shares in right.values()]))


def measured(verifier: Verifier, pairs: Sequence[Pair]) -> Iterator[tuple[str, float, int]]:
    """Balanced accuracy, then at the score from which a sentence is shown the share told rightly, by label and kind."""
    scores = [verifier.support(p.claim, p.evidence, p.context) for p in pairs]
    yield "balanced accuracy, at even odds", balanced([p.supported for p in pairs], [score >= EVEN for score in scores]), len(pairs)
    said = [score >= SUPPORTED for score in scores]
    yield "unsupported, not shown", float(np.mean([not held for p, held in zip(pairs, said, strict=True) if not p.supported])), len(pairs)
    yield "supported, shown", float(np.mean([held for p, held in zip(pairs, said, strict=True) if p.supported])), len(pairs)
    kinds: defaultdict[str, list[bool]] = defaultdict(list)
    for pair, held in zip(pairs, said, strict=True):
        kinds[pair.label].append(held == pair.supported)
        kinds[f"{pair.label}, {pair.kind}"].append(held == pair.supported)
    for kind in sorted(kinds):
        yield kind, float(np.mean(kinds[kind])), len(kinds[kind])


# What each feature can only speak for (1) or against (-1) support; 0 where both make sense.
_FOR = set(
    "words held|words held alone|evidence words said|pairs held|longest run|order kept|worst clause held|figures among other words".split(
        "|"
    )
)
_AGAINST = set(
    "words missing|rare words missing|figures missing|figures missing whatever their unit|years missing|names missing|acronyms missing|"
    "negation differs|negation added|negation taken|obligation raised|must added|may taken|quantity differs|all added|only added|"
    "condition added|up for down|down for up|before for after|direction added".split("|")
)


def strangers(pairs: Sequence[Pair]) -> list[Pair]:
    """Claims beside evidence that is about something else: every other supported claim with the evidence of the pair before it.

    People who write pairs write hard ones; what plainly does not belong together has to be learnt, too.
    """
    supported = [p for p in pairs if p.supported][::2]
    return [
        replace(claim, evidence=other.evidence, context=other.context, supported=False, label="unsupported", kind="stranger")
        for claim, other in zip(supported[1:], supported, strict=False)
        if claim.evidence != other.evidence
    ]


def learn(pairs: Sequence[Pair], encoder: Encoder) -> dict[str, Any]:
    """What `support.npz` holds: trees on the features of the pairs, both classes counting the same."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    from evals.learn import flattened

    verifier = LearntVerifier(encoder)
    rows = np.array([verifier.features(p.claim, p.evidence, p.context) for p in _shown(pairs)])
    labels = np.array([p.supported for p in pairs])
    weights = np.where(labels, 0.5 / labels.mean(), 0.5 / (1 - labels.mean()))
    signs = [1 if name in _FOR else -1 if name in _AGAINST else 0 for name in features_named()]
    return flattened(HistGradientBoostingClassifier(**TREES, monotonic_cst=signs).fit(rows, labels, sample_weight=weights))


def _shown(pairs: Sequence[Pair]) -> Iterator[Pair]:
    for number, pair in enumerate(pairs, 1):
        if number % 500 == 0:
            print(f"{number} of {len(pairs)} pairs read", file=sys.stderr, flush=True)
        yield pair


def main() -> None:
    from advisor.encode import open_encoder

    parser = argparse.ArgumentParser(prog="python -m evals.support", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--learn", action="store_true", help="learn advisor/support.npz first, from the split tune")
    parser.add_argument("--clapnq", type=Path, help="the public half of CLAPNQ, whose articles some pairs are about")
    parser.add_argument("--split", default="held-out", choices=["held-out", "tune"], help="the pairs to measure on")
    given = parser.parse_args()
    silence_vendors()
    encoder = open_encoder(Settings.load())
    if given.learn:
        pairs = [*read_pairs(split="tune"), *read_pairs("support-tune.jsonl"), *(article_pairs(given.clapnq) if given.clapnq else [])]
        pairs += strangers(pairs)
        np.savez_compressed(SUPPORT, **learn(pairs, encoder))
        print(f"learnt from {len(pairs)} pairs")
    for name, share, count in measured(LearntVerifier(encoder), read_pairs(split=given.split)):
        print(f"{name:32} {share:.3f}  (n={count})")


if __name__ == "__main__":
    main()
