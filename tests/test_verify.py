"""Support is word for word, or it is none."""

from __future__ import annotations

import pytest

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
