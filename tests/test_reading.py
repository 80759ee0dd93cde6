"""What the training runs is what is served, and the reader's verdict is given the weight that it is worth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from advisor import reader
from advisor.config import Settings
from advisor.encode import PACKAGED, export_folder, model_stamp
from evals.learn import Row
from evals.reading import Layers, Top, changes, fitted, labels_of, worth

QUESTION = "How many CMOs still see patients?"
TEXTS = (
    "How many CMOs still see patients?: In the 2009 survey 27% of CMOs still saw patients.",
    "The TEAM bundle covers five kinds of surgery.",
)


@pytest.fixture(scope="module")
def layers() -> Layers:
    return Layers()


def test_the_served_reader_says_what_the_learnt_layers_say(layers: Layers, indexed_home: Path) -> None:
    import torch

    stamp, top = model_stamp(PACKAGED), Top(layers).eval()
    served = reader.open_reader(export_folder(Settings(home=indexed_home), stamp), stamp)  # type: ignore[call-arg]
    assert served is not None
    with torch.no_grad():
        for name, difference in reader.differences().items():
            held = top.head.get_parameter(name[5:]) if name.startswith("head.") else _parameter(top, name, layers.upper.start)
            held.copy_(torch.from_numpy(difference) + (0 if name.startswith("head.") else held))
        verdicts = top(layers.states(QUESTION, TEXTS)).tolist()
    assert [served.read(QUESTION, text) for text in TEXTS] == pytest.approx(verdicts, abs=1.0)


def _parameter(top: Top, name: str, lowest: int):  # type: ignore[no-untyped-def]
    _, _, number, *rest = name.split(".")
    return top.layers[int(number) - lowest][".".join(rest).replace(".", "|")]


def test_what_is_learnt_is_a_small_difference_that_tells_the_sentences_apart(layers: Layers) -> None:
    rows = [Row(QUESTION, answered, 1.0, (), read=(QUESTION, (text,))) for answered, text in zip((True, False), TEXTS, strict=True)] * 16
    states = [layers.states(*row.read) for row in rows]
    top = fitted(layers, rows, states)
    good, bad = (top(states[at]).item() for at in (0, 1))
    assert good > bad
    made = changes(layers, top)
    assert sum(values.nbytes for values in made.values()) < 12_000_000
    assert made["encoder.layer.5.output.dense.weight"].dtype == np.int8


def test_a_sentence_is_labelled_only_where_it_is_known_which_answer() -> None:
    read = (QUESTION, TEXTS)
    assert labels_of(Row(QUESTION, False, 1.0, (), read=read)) == [0.0, 0.0]
    assert labels_of(Row(QUESTION, True, 1.0, (), read=read)) is None
    assert labels_of(Row(QUESTION, True, 1.0, (), read=read, holding=(False, False))) is None
    assert labels_of(Row(QUESTION, True, 1.0, (), read=read, holding=(False, True))) == [0.0, 1.0]


def test_a_verdict_that_tells_apart_is_given_weight_and_keeps_the_bar_in_its_place() -> None:
    chance = np.random.default_rng(0)
    answered = np.arange(400) % 2 == 0
    odds = np.where(answered, 0.5, -0.5) + chance.normal(size=400)
    verdicts = np.where(answered, 3.0, -3.0)
    found = worth(odds, verdicts, answered)
    bar = np.quantile(odds[answered], 0.04)
    both = odds + np.where(np.abs(odds - bar) < found["margin"], found["weight"] * verdicts - found["shift"], 0.0)
    assert found["weight"] > 0
    assert (both[~answered] < bar).mean() > (odds[~answered] < bar).mean()
