"""How a claim differs from its evidence."""

from __future__ import annotations

import pytest

from advisor.claims import FEATURES, differences


def _differing(claim: str, evidence: str, context: str = "") -> dict[str, float]:
    return dict(zip(FEATURES, differences(claim, evidence, context, {}), strict=True))


@pytest.mark.parametrize(
    ("claim", "evidence", "named"),
    [
        ("A CMO earns $400,000.", "A CMO earns $300,000.", "figures missing whatever their unit"),
        ("The course takes two years.", "The course takes 18 months.", "figures missing"),
        ("The survey is of 2012.", "The survey is of 2009.", "years missing"),
        ("You need an MBA.", "An MBA is the common choice.", "must added"),
        ("An MBA is not needed.", "An MBA is needed.", "negation added"),
        ("An MBA is needed.", "An MBA is not needed.", "negation taken"),
        ("All hospitals have a CMO.", "Most hospitals have a CMO.", "all added"),
        ("Pay is higher in teaching hospitals.", "Pay is lower in teaching hospitals.", "up for down"),
        ("It comes before the exam.", "It comes after the exam.", "before for after"),
        ("The exam of the ACHE is hard.", "The exam is hard.", "acronyms missing"),
    ],
)
def test_a_claim_that_goes_further_than_its_evidence_shows_it(claim: str, evidence: str, named: str) -> None:
    assert _differing(claim, evidence)[named] > 0
    assert _differing(evidence, evidence)[named] == 0


def test_a_figure_may_follow_from_two_others() -> None:
    row = _differing("So 45% held none.", "In a survey 55% held a degree.")
    assert (row["figures missing whatever their unit"], row["figures worked out"]) == (0, 1)


def test_the_guide_and_section_name_what_a_sentence_leaves_out() -> None:
    alone = _differing("A VPMA reviews charts.", "The post reviews charts.")
    named = _differing("A VPMA reviews charts.", "The post reviews charts.", "What does a VPMA do?")
    assert named["words held"] > alone["words held"]
    assert named["acronyms missing"] == 0
