"""Does the passage support the claim? A quote is supported by standing there, word for word."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.evidence import claim_text


@dataclass(frozen=True, slots=True)
class QuoteVerifier:
    """Supports a claim fully when it is the evidence, or stands in it, word for word; else not at all.

    Line breaks and Markdown marks are not words. It never errs towards support.
    """

    def support(self, claim: str, evidence: str) -> float:
        stated = claim_text(claim)
        return 1.0 if stated and stated in claim_text(evidence) else 0.0
