"""The encoder without a model."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from advisor.encode import rarity
from advisor.hashed import HashedEncoder

ENCODER = HashedEncoder()


def _alike(one: str, other: str) -> float:
    first, second = ENCODER.encode([one, other])
    return float(first @ second)


@pytest.mark.parametrize("text", ["A CMO earns a salary.", "", "the of and", "🙂", "?!", "word " * 5000, "\ud800"])
def test_every_text_has_a_vector_of_unit_length(text: str) -> None:
    [vector] = ENCODER.encode([text])
    assert vector.dtype == np.float32
    assert vector.shape == (ENCODER.dimensions,)
    assert np.isclose(np.linalg.norm(vector), 1.0)


def test_texts_are_alike_as_far_as_they_share_words() -> None:
    assert _alike("A CMO earns a salary.", "a cmo earned salaries") > 0.99
    assert _alike("A CMO earns a salary.", "A CMO earns a bonus.") > _alike("A CMO earns a salary.", "Zebras eat grass.")
    assert ENCODER.encode([]).shape == (0, ENCODER.dimensions)


def test_vectors_are_the_same_in_every_process() -> None:
    script = "from advisor.hashed import HashedEncoder; print(HashedEncoder().encode(['A CMO earns a salary.']).tobytes().hex())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert bytes.fromhex(done.stdout.strip()) == ENCODER.encode(["A CMO earns a salary."]).tobytes()


def test_it_counts_words_and_knows_the_commonest() -> None:
    assert ENCODER.count("A CMO's pay: $95.5 thousand.") == 12
    assert rarity(ENCODER, "the") == rarity(ENCODER, "work") == 0.0
    assert rarity(ENCODER, "hospitalist") == 1.0
    assert ENCODER.name == f"hashed-{ENCODER.dimensions}"
