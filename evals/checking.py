"""Learns `checker.npz` of `advisor/`: the embedding model's upper layers, anew, for reading a claim and its evidence together.

It learns from labelled pairs. What its verdict is worth beside that of the trees is measured on pairs that neither had seen.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from advisor import reader
from advisor.encode import PACKAGED
from advisor.verify import SHOWN, to_check
from evals.reading import Layers, States, Top, changes, descend

LEARNT = 4  # layers, the uppermost
EPOCHS, RATE = 3, 2e-4
WEIGHTS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0)
DROPPED = 0.96  # of unsupported claims, the share that must not reach the score from which a sentence is shown; above the bar of 0.95
LEAST_APART = 0.2  # log odds between even odds and the bar, at the least
Claim = tuple[str, str, str]  # with its evidence and what that stands under


def learn_checker(claims: Sequence[Claim], labels: Sequence[bool], weights: Sequence[float]) -> tuple[Layers, Top]:
    """The upper layers learnt from claims, in epochs over batches of alike length."""
    torch.set_num_threads(os.cpu_count() or 1)
    torch.manual_seed(0)
    layers = Layers(LEARNT, reader.CLAIM)
    states = [states_of(layers, claim) for claim in claims]
    truth, worth = torch.tensor([float(label) for label in labels]), torch.tensor(weights)
    top = Top(layers)

    def lost(batch: Any) -> Any:
        scores = top([one for at in batch for one in states[at]]).float()
        return functional.binary_cross_entropy_with_logits(scores, truth[batch], worth[batch])

    descend(top, np.array([max(map(len, one)) for one in states]), lost, "checker", EPOCHS, RATE)
    return layers, top


def states_of(layers: Layers, claim: Claim) -> States:
    """What the layers that stay say of a claim with its evidence."""
    said, evidence = to_check(*claim)
    return layers.states(said, [evidence])


def verdicts(layers: Layers, top: Top, claims: Sequence[Claim]) -> Any:
    """What was learnt says of claims: log odds, shape (claims,)."""
    with torch.inference_mode():
        return np.array([float(top(states_of(layers, claim))[0]) for claim in claims])


def worth(odds: Any, said: Any, labels: Any) -> dict[str, float]:
    """The weight of the checker's verdict with which the most supported claims are shown, and what makes odds of both together.

    On average over some shares of unsupported claims shown, since at one alone it hangs on a few claims. Scale and shift let even odds
    be where both classes are told apart best, and the score from which a sentence is shown where the others are kept out.
    """
    from sklearn.linear_model import LogisticRegression

    def shown(weight: float) -> float:
        both = odds + weight * said
        return float(np.mean([(both[labels] > np.quantile(both[~labels], share)).mean() for share in (0.9, DROPPED, 0.97)]))

    weight = max(WEIGHTS, key=shown)
    both = odds + weight * said
    bar = float(np.quantile(both[~labels], DROPPED))
    fit = LogisticRegression(class_weight="balanced").fit(both[:, None], labels)
    even = min(float(-fit.intercept_[0] / fit.coef_[0, 0]), bar - LEAST_APART)
    scale = SHOWN / (bar - even)
    lowest = bar - weight * float(said.max())  # of the trees' odds: from below that no verdict lifts a claim above the bar
    print(f"checker: weight {weight}, {shown(0.0):.3f} of supported claims shown without it, {shown(weight):.3f} with it", flush=True)
    return {"weight": weight, "scale": scale, "shift": scale * even, "margin": SHOWN - lowest}


def packed(layers: Layers, top: Top, used: dict[str, float]) -> dict[str, Any]:
    """What `checker.npz` holds."""
    return {"model": PACKAGED, **used, **changes(layers, top)}
