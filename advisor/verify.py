"""Does the passage support the claim? A quote is supported by standing there, word for word."""

from __future__ import annotations

from dataclasses import dataclass

from advisor.config import Settings
from advisor.evidence import claim_text
from advisor.models import ChatModel
from advisor.types import Encoder, Verifier


@dataclass(frozen=True, slots=True)
class QuoteVerifier:
    """Supports a claim fully when it is the evidence, or stands in it, word for word; else not at all.

    Line breaks and Markdown marks are not words. It never errs towards support.
    """

    def support(self, claim: str, evidence: str, context: str = "") -> float:
        held = claim_text(evidence)
        # As it stands first: a mark that is left after the others are taken off may pair with another one.
        return float(any(stated and stated in held for stated in (" ".join(claim.split()), claim_text(claim))))


def open_verifier(settings: Settings, encoder: Encoder, model: ChatModel | None) -> Verifier:
    """The verifier that `ADVISOR_VERIFIER` names."""
    return QuoteVerifier()
