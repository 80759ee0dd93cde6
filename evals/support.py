"""Does the verifier tell supported claims from the others? Labelled pairs of claim and evidence, measured and learnt from.

    python -m evals.support            measures the default verifier on the held-out pairs
    python -m evals.support --learn [--clapnq FOLDER]    first learns advisor/support.npz and advisor/checker.npz

They learn from the split tune of `pairs/support.jsonl`, `pairs/support-tune.jsonl`, `pairs/careers-tune.jsonl` (on other careers) and
`pairs/articles-tune.jsonl`, all but one guide or text in six: how much each of the two is worth is measured on the pairs of those.

The pairs of `pairs/articles-tune.jsonl` are claims about articles of the public half of CLAPNQ, whose
texts are not in this project: they are learnt from where that folder is given. Takes half an hour.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from advisor.citations import SUPPORTED
from advisor.config import Settings, shipped, silence_vendors
from advisor.corpus import read_corpus
from advisor.reader import CHECKER, learnt, open_reader
from advisor.sentences import split
from advisor.types import Encoder, Verifier
from advisor.verify import LearntVerifier, features_named
from advisor.weights import SUPPORT, support_trees
from evals.cases import FOREIGN

LEFT_OUT = 6  # of the guides that are learnt from, one in so many is left out to weigh what was learnt
CONTRASTS, BY_RULE = 16_000, 0.5  # claims made by rule that the checker learns from beside those that people wrote, and their weight
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


def article_sections(clapnq: Path) -> list[tuple[str, list[str]]]:
    """The articles of CLAPNQ as sentences under their titles, for `evals.contrast`."""
    from evals.contrast import sentences_of

    found = {}
    for name in ("answerable", "unanswerable"):
        for line in (clapnq / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            for passage in json.loads(line)["passages"]:
                text = _plain(passage["text"])
                found[passage["title"]] = sentences_of(text[a:b].strip() for a, b in split(text))
    return [(title, sentences) for title, sentences in found.items() if len(sentences) > 1]


def own_sections() -> list[tuple[str, list[str]]]:
    """The sections of our guides as sentences, but for the guides that are measured or weighed on."""
    from evals.contrast import sentences_of

    rows = [json.loads(line) for line in (FOLDER / "support.jsonl").read_text(encoding="utf-8").splitlines()]
    measured = {r["document"] for r in rows if r["split"] == "held-out"}
    found = []
    for guide in read_corpus(shipped("corpus")).guidance:
        if guide.document.id not in measured and not left_out(guide.document.title):
            for part in re.split(r"^#+ ", guide.document.text, flags=re.M):
                heading, _, body = part.partition("\n")
                body = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", body)
                sentences = sentences_of(body[a:b].strip() for a, b in split(body))
                if len(sentences) > 1:
                    found.append((f"{guide.document.title}\n{heading}", sentences))
    return found


def career_sections() -> list[tuple[str, list[str]]]:
    """The texts on other careers that may be learnt from, as sentences under their titles."""
    from evals.contrast import sentences_of

    found = []
    for path in sorted(p for p in (FOREIGN / "tune").rglob("*") if p.is_file() and not p.name.endswith(".cases.jsonl")):
        text = path.read_text(encoding="utf-8")
        sentences = sentences_of(text[a:b].strip() for a, b in split(text))
        if len(sentences) > 1:
            found.append((text.strip().partition("\n")[0].lstrip("# "), sentences))
    return found


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


def left_out(context: str) -> bool:
    """Whether nothing is learnt from a guide, by its title, because what was learnt is weighed on it."""
    return zlib.crc32(context.split("\n")[0].encode()) % LEFT_OUT == 0


def learn_to_check(pairs: Sequence[Pair], others: Sequence[Pair], verifier: LearntVerifier) -> None:
    """Writes `checker.npz`: learnt from pairs, and weighed on others beside the trees of a verifier that is without it."""
    from evals.checking import learn_checker, packed, verdicts, worth

    weights = [BY_RULE if p.kind == "contrast" else 1.0 for p in pairs]
    layers, top = learn_checker([_claim(p) for p in pairs], [p.supported for p in pairs], weights)
    support_trees.cache_clear()
    odds = np.array([float(support_trees().weigh([verifier.features(*_claim(p))])[0]) for p in others])
    used = worth(odds, verdicts(layers, top, [_claim(p) for p in others]), np.array([p.supported for p in others]))
    np.savez_compressed(CHECKER, **packed(layers, top, used))
    learnt.cache_clear()


def checking(settings: Settings) -> LearntVerifier:
    """The default verifier of what chat models write, with its checker, which is exported first where it is not yet."""
    from advisor.encode import export_folder, open_encoder, open_trainer

    open_trainer(settings.model_copy(update={"model": "any"}))
    encoder = open_encoder(settings)
    return LearntVerifier(encoder, checker=open_reader(export_folder(settings, encoder.name), encoder.name, CHECKER))


def _claim(pair: Pair) -> tuple[str, str, str]:
    return pair.claim, pair.evidence, pair.context


def _shown(pairs: Sequence[Pair]) -> Iterator[Pair]:
    for number, pair in enumerate(pairs, 1):
        if number % 500 == 0:
            print(f"{number} of {len(pairs)} pairs read", file=sys.stderr, flush=True)
        yield pair


def main() -> None:
    from advisor.encode import open_encoder
    from evals.contrast import contrasts

    parser = argparse.ArgumentParser(prog="python -m evals.support", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--learn", action="store_true", help="learn advisor/support.npz first, from the split tune")
    parser.add_argument("--clapnq", type=Path, help="the public half of CLAPNQ, whose articles some pairs are about")
    parser.add_argument("--split", default="held-out", choices=["held-out", "tune"], help="the pairs to measure on")
    given = parser.parse_args()
    silence_vendors()
    settings = Settings.load()
    if given.learn:
        encoder = open_encoder(settings)
        own = [*read_pairs(split="tune"), *read_pairs("support-tune.jsonl"), *read_pairs("careers-tune.jsonl")]
        pairs = [*(p for p in own if not left_out(p.context)), *(article_pairs(given.clapnq) if given.clapnq else [])]
        pairs += strangers(pairs)
        np.savez_compressed(SUPPORT, **learn(pairs, encoder))
        sections = [*own_sections(), *career_sections(), *(article_sections(given.clapnq) if given.clapnq else [])]
        learn_to_check([*pairs, *contrasts(sections, CONTRASTS)], [p for p in own if left_out(p.context)], LearntVerifier(encoder))
        print(f"learnt from {len(pairs)} pairs")
    for name, share, count in measured(checking(settings), read_pairs(split=given.split)):
        print(f"{name:32} {share:.3f}  (n={count})")


if __name__ == "__main__":
    main()
