"""The adapter: questions and sentences that answer them come nearer to one another, and only with the model it knows."""

from __future__ import annotations

import numpy as np
import pytest

from advisor.adapter import Adapter, adapter_for
from advisor.encode import PACKAGED
from advisor.hashed import HashedEncoder
from advisor.pipeline import Advisor


@pytest.fixture
def turning() -> Adapter:
    """Adds to what points along the first axis as much along the second, of questions only."""
    along, across, nothing = (np.array(v, dtype=np.float32)[:, None] for v in ([1, 0, 0], [0, 1, 0], [0, 0, 0]))
    return Adapter("model", along, across, nothing, nothing)


def test_what_was_learnt_goes_with_the_packaged_model_and_no_other(encoder: HashedEncoder) -> None:
    packaged = HashedEncoder()
    packaged.name = f"{PACKAGED}@0123"
    known = adapter_for(packaged)
    assert known is not None
    assert known.question_into.shape == known.sentence_out_of.shape == (384, known.question_into.shape[1])
    assert adapter_for(encoder) is None


def test_a_question_is_moved_and_a_sentence_stays(turning: Adapter) -> None:
    sentences = np.eye(3, dtype=np.float32)
    assert turning.sentences(sentences).tolist() == sentences.tolist()
    near = turning.sentences(sentences) @ turning.question(sentences[0])
    assert near == pytest.approx([0.5**0.5, 0.5**0.5, 0.0])


def test_vectors_keep_unit_length_and_nothing_stays_nothing(turning: Adapter) -> None:
    assert np.linalg.norm(turning.question(np.array([0.6, 0.8, 0.0], dtype=np.float32))) == pytest.approx(1.0)
    assert turning.sentences(np.zeros((0, 3), dtype=np.float32)).shape == (0, 3)
    assert turning.question(np.zeros(3, dtype=np.float32)).tolist() == [0.0, 0.0, 0.0]


def test_words_of_ones_own_come_nearer_to_those_of_the_guidance(shipped_advisor: Advisor) -> None:
    answerer = shipped_advisor.answerer()
    encoder = answerer.encoder  # type: ignore[attr-defined]
    adapter = adapter_for(encoder)
    assert adapter is not None
    question = encoder.encode(["Who is the boss of the top doctor at a hospital?"])[0]
    answer, other = encoder.encode(["A CMO usually reports to the chief executive.", "The top floor of a hospital is for patients."])
    plain = question @ answer - question @ other
    moved = adapter.question(question) @ adapter.sentences(np.array([answer, other])).T
    assert moved[0] - moved[1] > plain
