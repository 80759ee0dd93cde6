"""Learns `resolver.npz` and `resolution.npz` of `advisor/`: which words of earlier questions a follow-up means.

The first holds the embedding model's upper layers, learnt anew for reading a question with those before it; the second, trees that
weigh what these say of a word with where and how often it was said, as `resolve.seen` has it.

From conversations whose turns stand beside themselves made whole (`followups/`), most on anything but this guidance, and from the
tune cases of our own, of which the last turn is whole. A word is meant if the whole turn holds it and the turn itself does not.

python -m evals.resolving
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from torch.nn import functional

from advisor import resolve
from advisor.encode import PACKAGED
from advisor.query import stem, words_of
from advisor.reader import RESOLVER
from advisor.resolve import Read
from advisor.weights import RESOLUTION, Trees, trees_of
from evals.bench.cast import added
from evals.cases import FOLDER, Case, read_cases
from evals.learn import FOLDS, flattened, fold_of
from evals.reading import DROPPED, Layers, Top, changes, descend, padded, run

FOLLOWUPS = Path(__file__).parent / "followups"
LEARNT = 4  # layers, the uppermost
EPOCHS, RATE = 3, 2e-4
OURS = 2  # times that what is about this guidance is read an epoch
TREES = {"max_iter": 120, "learning_rate": 0.06, "max_leaf_nodes": 8, "l2_regularization": 5.0, "min_samples_leaf": 40, "random_state": 0}
Row = tuple[list[float], bool, float]
Meant = Callable[[str, Sequence[str]], list[str]]


@dataclass(frozen=True, slots=True)
class Talk:
    """The turns of a conversation and each made whole; None where nobody made it whole. `ours` is one about this guidance."""

    id: str
    turns: tuple[str, ...]
    whole: tuple[str | None, ...]
    ours: bool = False


@dataclass(frozen=True, slots=True)
class Example:
    """A question with those before it: as the layers that stay see it, shape (tokens, dimensions), and which words are meant."""

    states: Any
    tokens: list[int]
    labels: list[float]


def talks() -> Iterator[Talk]:
    """The conversations of `followups/`, and those among our tune cases, of which only the last turn is whole."""
    for path in sorted(FOLLOWUPS.glob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            yield Talk(row["id"], tuple(row["turns"]), tuple(row["whole"]), path.stem == "career")
    for path in sorted(FOLDER.glob("conversations*.jsonl")):
        yield from talks_of(read_cases(path, "tune"))


def talks_of(cases: Iterable[Case]) -> Iterator[Talk]:
    for case in cases:
        if len(case.turns) > 1 and case.standalone:
            yield Talk(case.id, case.turns, (*(None for _ in case.turns[1:]), case.standalone), ours=True)


def heard(layers: Layers, talk: Talk) -> Iterator[tuple[Read, set[str]]]:
    """Each turn that was made whole, after those before it as people made them whole, and the stems that it holds then."""
    queries: list[str] = []
    for turn, whole in zip(talk.turns, talk.whole, strict=True):
        read = resolve.read_with(layers.tokenizer, turn, queries)
        wanted = {stem(word.lower()) for word in words_of(whole or "")}
        if whole and read.places:
            yield read, wanted
        queries.append(resolve.joined(turn, list(dict.fromkeys(p.word for p in read.places if p.stem in wanted))))


def examples_of(layers: Layers, talk: Talk) -> Iterator[Example]:
    """What the layers learn from a conversation."""
    for read, wanted in heard(layers, talk):
        labels = [float(place.stem in wanted) for place in read.places]
        yield Example(layers.below(read.ids, read.kinds), [place.token for place in read.places], labels)


class Every(Top):
    """The layers that are learnt, and a verdict on every token."""

    def forward(self, states: Sequence[Any]) -> Any:
        x, mask = padded(states)
        dropped = DROPPED if self.training else 0.0
        for layer in self.layers:
            held = {name.replace("|", "."): values for name, values in layer.items()}
            x = run(held, x.float(), mask, dropped)
        return self.head(functional.dropout(x, dropped))[..., 0]


def fitted(layers: Layers, examples: Sequence[Example]) -> Every:
    """The top layers learnt from examples."""
    torch.manual_seed(0)
    top = Every(layers)

    def lost(batch: Any) -> Any:
        odds = top([examples[at].states for at in batch]).float()
        rows = [row for row, at in enumerate(batch) for _ in examples[at].tokens]
        said = odds[rows, [token for at in batch for token in examples[at].tokens]]
        return functional.binary_cross_entropy_with_logits(said, torch.tensor([y for at in batch for y in examples[at].labels]))

    descend(top, np.array([len(one.states) for one in examples]), lost, "resolver", EPOCHS, RATE)
    return top


def learnt(layers: Layers, some: Iterable[Talk]) -> Every:
    return fitted(layers, [example for talk in some for example in examples_of(layers, talk) for _ in range(OURS if talk.ours else 1)])


def odds_of(layers: Layers, top: Every, read: Read) -> list[float]:
    """What the layers say of each token."""
    with torch.inference_mode():
        return list(top([layers.below(read.ids, read.kinds)])[0].tolist())


def rows_of(layers: Layers, top: Every, talk: Talk) -> Iterator[Row]:
    """What trees see of each word that could be meant in a turn that was made whole, its label and its weight."""
    for read, wanted in heard(layers, talk):
        words, rows = resolve.seen(read, odds_of(layers, top, read))
        for word, row in zip(words, rows, strict=True):
            yield row, stem(word.lower()) in wanted, float(OURS) if talk.ours else 1.0


def trees_from(rows: Sequence[Row]) -> dict[str, Any]:
    """What `resolution.npz` holds."""
    seen, labels, weights = (np.array(column) for column in zip(*rows, strict=True))
    return flattened(HistGradientBoostingClassifier(**TREES).fit(seen, labels, sample_weight=weights))


def meaning(layers: Layers, top: Every, trees: Trees, bar: float) -> Meant:
    """What layers and trees take to be meant."""

    def meant(turn: str, queries: Sequence[str]) -> list[str]:
        read = resolve.read_with(layers.tokenizer, turn, queries)
        if not read.places:
            return []
        words, rows = resolve.seen(read, odds_of(layers, top, read))
        return resolve.chosen(words, trees.weigh(rows).tolist(), bar)

    return meant


def added_terms(some: Iterable[Talk], meant: Meant) -> tuple[int, int, int]:
    """How many words were rightly added, should have been and were, as `bench/cast.py` counts them."""
    common = wanted = given = 0
    for talk in some:
        queries: list[str] = []
        for turn, whole in zip(talk.turns, talk.whole, strict=True):
            queries.append(resolve.joined(turn, meant(turn, queries)))
            if whole is not None:
                right, ours = added(turn, whole), added(turn, queries[-1])
                common, wanted, given = common + len(right & ours), wanted + len(right), given + len(ours)
    return common, wanted, given


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(prog="python -m evals.resolving", description="Learn which earlier words a follow-up means.").parse_args(
        arguments
    )
    torch.set_num_threads(1)
    layers, every = Layers(LEARNT), list(talks())
    left_out = {fold: [talk for talk in every if fold_of(talk.id) == fold] for fold in range(FOLDS)}
    tops = [learnt(layers, [talk for talk in every if fold_of(talk.id) != fold]) for fold in range(FOLDS)]
    rows = {fold: [row for talk in some for row in rows_of(layers, tops[fold], talk)] for fold, some in left_out.items()}
    for bar in (resolve.LEANING, resolve.EVEN):
        sums = np.zeros(3, dtype=int)
        for fold, some in left_out.items():
            trees = trees_of(trees_from([row for other, held in rows.items() if other != fold for row in held]))
            sums += added_terms(some, meaning(layers, tops[fold], trees, bar))
        print(f"words added, left out: recall {sums[0] / sums[1]:.3f}, precision {sums[0] / sums[2]:.3f} at {bar}", flush=True)
    np.savez_compressed(RESOLUTION, **trees_from([row for held in rows.values() for row in held]))
    np.savez_compressed(RESOLVER, model=PACKAGED, **changes(layers, learnt(layers, every)))
    print(f"Learnt from {len(every)} conversations. Run: advisor index, then python -m evals.run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
