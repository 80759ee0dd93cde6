"""The checker learns to tell claims apart, what is served is what was learnt, and it is given the weight that it is worth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from advisor import reader
from advisor.citations import SUPPORTED
from advisor.config import Settings
from advisor.verify import to_check
from evals import checking
from evals.reading import Layers, Top, restore
from evals.support import balanced, read_pairs
from evals.support import checking as checking_verifier

PAY = "In a 2009 survey with 91 respondents, 55% of CMOs had trained in primary care."
CLAIMS = [
    ("More than half of the CMOs asked in 2009 came from primary care.", PAY, "CMOs\nWhat did CMOs train in?"),
    ("Few of the CMOs asked in 2009 came from primary care.", PAY, "CMOs\nWhat did CMOs train in?"),
]


def test_the_served_checker_says_what_the_learnt_layers_say(indexed_home: Path) -> None:
    served = checking_verifier(Settings(home=indexed_home)).checker
    assert served is not None
    held = reader.differences(reader.CHECKER)
    learnt = 6 - min(int(name.split(".")[2]) for name in held if name.startswith("encoder."))
    layers = Layers(learnt, reader.CLAIM)
    top = Top(layers)
    restore(layers, top, reader.CHECKER)
    claims = [*CLAIMS, *((p.claim, p.evidence, p.context) for p in read_pairs("support-tune.jsonl")[:60])]
    said = checking.verdicts(layers, top, claims)
    shown = np.array([served.check(*to_check(*claim)) for claim in claims])
    # Eight bits move a verdict a little, and one in a hundred by more: their spread is about four.
    assert np.corrcoef(shown, said)[0, 1] > 0.99
    assert np.abs(shown - said).mean() < 0.3
    assert said[0] > said[1]
    assert shown[0] > shown[1]


def test_what_is_learnt_tells_supported_claims_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "LEARNT", 1)
    layers, top = checking.learn_checker(CLAIMS * 16, [True, False] * 16, [1.0] * 32)
    good, bad = checking.verdicts(layers, top, CLAIMS)
    assert good > bad
    held = checking.packed(layers, top, {"weight": 1.0, "shift": 0.0, "margin": 1.0})
    assert {name.split(".")[2] for name in held if name.startswith("encoder.")} == {"5"}


def test_a_verdict_that_tells_apart_is_given_weight_and_lets_few_others_through() -> None:
    chance = np.random.default_rng(0)
    labels = np.arange(400) % 2 == 0
    odds = np.where(labels, 0.5, -0.5) + chance.normal(size=400)
    said = np.where(labels, 1.0, -1.0) + chance.normal(size=400)
    used = checking.worth(odds, said, labels)
    bar = np.log(SUPPORTED / (1 - SUPPORTED))
    both = used["scale"] * (odds + used["weight"] * said) - used["shift"]
    assert (both[~labels] < bar).mean() == pytest.approx(checking.DROPPED, abs=0.01)
    assert (both[labels] >= bar).mean() > (odds[labels] >= np.quantile(odds[~labels], checking.DROPPED)).mean()
    told = [balanced(labels.tolist(), (both >= at).tolist()) for at in (0.0, bar)]
    assert told[0] >= told[1]
    assert told[0] > max(balanced(labels.tolist(), (both >= at).tolist()) for at in (-2.0, 2.0)), "even odds are where they are told best"
    lowest = bar - used["margin"]
    assert used["scale"] * (lowest + used["weight"] * said.max()) - used["shift"] == pytest.approx(bar)
