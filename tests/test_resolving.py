"""The resolver learns which words are meant, and what is served is what was learnt."""

from __future__ import annotations

from pathlib import Path

import pytest

from advisor import reader, resolve
from advisor.config import Settings
from advisor.encode import PACKAGED, export_folder, model_stamp
from advisor.weights import resolution, trees_of
from evals import resolving
from evals.reading import Layers, restore
from evals.resolving import Every, Talk, added_terms, examples_of, talks

NETS = Talk("n", ("Who repairs nets?", "How long does it take?"), ("Who repairs nets?", "How long does it take to repair nets?"))


def test_the_served_resolver_says_what_the_learnt_layers_say(indexed_home: Path) -> None:
    served = resolve.open_resolver(export_folder(Settings(home=indexed_home), model_stamp(PACKAGED)), model_stamp(PACKAGED))  # type: ignore[call-arg]
    assert served is not None
    layers = Layers(resolving.LEARNT)
    top = Every(layers)
    restore(layers, top, reader.RESOLVER)
    meant = resolving.meaning(layers, top, resolution(), resolve.LEANING)
    for question, queries in (
        ("Is it treatable?", ["What is throat cancer?"]),
        ("And in Texas?", ["How much does a medical director earn?"]),
    ):
        assert served.meant(question, queries, resolve.LEANING) == meant(question, queries)


def test_the_words_that_the_whole_turn_adds_are_meant() -> None:
    layers = Layers(1)
    (example,) = examples_of(layers, NETS)
    assert example.labels == [1.0, 1.0]  # repairs, nets
    assert example.states.shape[1] == layers.dimensions
    kept = Talk("k", ("Who repairs nets?", "What is a trawler?", "Why?"), ("Who repairs nets?", None, "Why is there a trawler?"))
    assert [e.labels for e in examples_of(layers, kept)] == [[1.0, 0.0, 0.0]]  # the latest first: trawler, repairs, nets


def test_what_is_learnt_tells_words_that_are_meant_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resolving, "EPOCHS", 8)
    boats = Talk("b", ("Who repairs nets?", "Who sells boats?"), ("Who repairs nets?", "Who sells boats?"))
    layers, some = Layers(1), [NETS, boats] * 64
    top = resolving.learnt(layers, some)
    trees = trees_of(resolving.trees_from([row for talk in some for row in resolving.rows_of(layers, top, talk)]))
    meant = resolving.meaning(layers, top, trees, bar=0.0)
    assert meant("How long does it take?", ["Who repairs nets?"]) == ["repairs", "nets"]
    assert meant("Who sells boats?", ["Who repairs nets?"]) == []


def test_words_rightly_added_are_counted_beside_those_wanted_and_given() -> None:
    assert added_terms([NETS], lambda turn, queries: ["nets", "boats"] if queries else []) == (1, 2, 2)
    assert added_terms([NETS], lambda turn, queries: []) == (0, 2, 0)


def test_the_conversations_to_learn_from_are_whole_and_none_is_held_out() -> None:
    every = list(talks())
    assert len(every) > 400
    assert len({talk.id for talk in every}) == len(every)
    for talk in every:
        assert len(talk.turns) == len(talk.whole) > 1
        assert talk.whole[0] in (talk.turns[0], None)
