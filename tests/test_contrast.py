"""Claims by rule: the supported ones change no figure, name or sense, the others change one."""

from __future__ import annotations

import re

from evals.contrast import contrasts, sentences_of

SECTION = (
    "Pay\nHow much?",
    [
        "A physician in Ohio must lead at least three committees, which takes time, before the board hires her in 2019.",
        "In 2021 about 40% of the chief medical officers in Texas were women, according to a survey.",
        "The Joint Commission requires hospitals to review peers, because patients are safer with it.",
    ],
)


def test_half_of_the_claims_are_supported_and_all_are_made_of_the_sentences() -> None:
    made = contrasts([SECTION], 400)
    assert len(made) == 400
    assert 150 < sum(pair.supported for pair in made) < 250
    assert all(pair.context == SECTION[0] and pair.evidence for pair in made)
    assert contrasts([SECTION], 400) == made, "the same ones each time"


def test_a_supported_claim_keeps_its_figures_and_names_and_is_not_negated() -> None:
    for pair in (p for p in contrasts([SECTION], 400) if p.supported):
        assert set(re.findall(r"\d{2,}", pair.claim)) <= set(re.findall(r"\d{2,}", pair.evidence))
        assert set(re.findall(r"Ohio|Texas|Joint", pair.claim)) <= set(re.findall(r"Ohio|Texas|Joint", pair.evidence))
        assert " not " not in pair.claim


def test_a_claim_that_is_not_supported_never_stands_in_its_evidence() -> None:
    made = [p for p in contrasts([SECTION], 400) if not p.supported]
    assert all(p.claim not in p.evidence for p in made)
    assert any(" not " in p.claim for p in made)
    assert any(set(re.findall(r"\d{2,}", p.claim)) - set(re.findall(r"\d{2,}", p.evidence)) for p in made)
    assert len({p.claim for p in made}) > 20


def test_lists_of_questions_tables_and_fragments_are_no_sentences() -> None:
    kept = "This sentence has enough words to say something."
    assert sentences_of([kept, "Asked: how does it work in a hospital of ours.", "| a | b | c | d | e | f.", "Too short."]) == [kept]
