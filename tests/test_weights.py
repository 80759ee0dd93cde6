"""What was learnt is there, fits the features, and reads the same everywhere."""

from __future__ import annotations

import numpy as np
import pytest

from advisor import decide, evidence
from advisor.weights import PLACES, Decision, Trees, decision, learnt, place_of, ranking


def test_what_was_learnt_fits_what_is_measured() -> None:
    known = decision()
    assert known.vectors.shape == (len(known.weights), 384)
    assert known.words.shape == (PLACES,)
    assert int(known.trees.feature.max()) < len(decide.FEATURES)
    assert int(ranking().feature.max()) < len(evidence.FEATURES) + len(evidence.NEARNESS)
    assert 0.0 < learnt()["threshold"] < 1.0
    assert np.allclose(np.linalg.norm(known.vectors, axis=1), 1.0, atol=0.01)


def test_a_wording_has_the_same_place_in_every_process() -> None:
    assert [place_of(w) for w in ("pass rate", "", "\udcff")] == [3494, 0, 688]


@pytest.fixture
def small() -> Decision:
    """One tree on feature 1: up to 0.5 it says -1, above it +2."""
    words = np.zeros(PLACES, dtype=np.float32)
    words[place_of("template")] = -4.0
    tree = {"feature": [[1, 0, 0]], "left": [[1, 1, 2]], "right": [[2, 1, 2]]}
    arrays = {name: np.array(values, dtype=np.int8) for name, values in tree.items()}
    trees = Trees(**arrays, below=np.array([[0.5, 0.0, 0.0]]), value=np.array([[0.0, -1.0, 2.0]]), depth=1, start=0.1)
    return Decision("model", np.eye(2, dtype=np.float32), np.array([1.0, -1.0]), 0.25, 1.5, words, 1.0, trees)


def test_a_tree_is_followed_to_its_leaf(small: Decision) -> None:
    assert small.weigh([9.0, 0.5]) == pytest.approx(-0.9)
    assert small.weigh([-9.0, 0.6]) == pytest.approx(2.1)


def test_many_rows_are_weighed_as_each_alone(small: Decision) -> None:
    rows = [[9.0, 0.5], [-9.0, 0.6], [0.0, 0.4]]
    assert small.trees.weigh(rows).tolist() == [small.weigh(row) for row in rows]


def test_a_question_is_judged_by_what_it_is_like(small: Decision) -> None:
    (alike, near), (unlike, _) = (small.kind_and_nearness(np.array(vector)) for vector in ([1.0, 0.0], [0.0, 1.0]))
    assert alike > 0.25 > unlike
    assert near == 1.0
    assert small.kind_and_nearness(np.array([0.6, 0.8]))[1] == pytest.approx(0.8), "the nearest, not the likest"


def test_wordings_count_once_each(small: Decision) -> None:
    assert small.wording([]) == 1.0
    assert small.wording(["template"]) == small.wording(["template", "template"]) == -3.0
    assert small.wording(["template", "for"]) == pytest.approx(1.0 - 4.0 / 2**0.5)
