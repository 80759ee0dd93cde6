"""Support is word for word, or it is none."""

from __future__ import annotations

import pytest

from advisor.evidence import claim_text
from advisor.verify import QuoteVerifier

EVIDENCE = "A CMO earns a **salary** that\nfollows the size of the hospital."


@pytest.mark.parametrize(
    "claim",
    [EVIDENCE, "A CMO earns a salary that follows the size of the hospital.", "A CMO earns a salary"],
)
def test_what_stands_there_is_supported(claim: str) -> None:
    assert QuoteVerifier().support(claim, EVIDENCE) == 1.0


@pytest.mark.parametrize(
    "claim",
    [
        "A CMO earns a good salary that follows the size of the hospital.",
        "A CMO never earns a salary that follows the size of the hospital.",
        "A CMO earns a salary that follows the size of the hospitals.",
        "The hospital follows the salary.",
        "",
        " ** ",
    ],
)
def test_what_was_changed_is_not(claim: str) -> None:
    assert QuoteVerifier().support(claim, EVIDENCE) == 0.0


def test_nothing_is_supported_by_nothing() -> None:
    assert QuoteVerifier().support("A claim.", "") == 0.0
    assert QuoteVerifier().support("", "") == 0.0


@pytest.mark.parametrize(
    "sentence",
    [
        "The song says `` I would '' and then `` I will '' twice .",
        "Stars *left** over and **bold** and __under__ and `code` and ``two`` stay a quote.",
        "A `b` c ` d ` e `` f ` g.",
        "*a **b* c** [d](e) [f] *g*",
    ],
)
def test_a_sentence_with_stray_marks_is_still_a_quote_of_itself(sentence: str) -> None:
    assert QuoteVerifier().support(claim_text(sentence), sentence) == 1.0
