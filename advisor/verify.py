"""Does the evidence support the claim? A quote by standing there, word for word; another sentence by what was learnt from labelled pairs.

`python -m evals.support` learns `support.npz` and measures it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from advisor.calls import Calls, ModelFault
from advisor.citations import SUPPORTED
from advisor.claims import FEATURES, differences
from advisor.config import Settings
from advisor.encode import export_folder, rarity
from advisor.errors import SettingsError
from advisor.evidence import chance, claim_text
from advisor.figures import in_digits
from advisor.models import ChatModel
from advisor.prompts import Prompt
from advisor.query import stem, stems_of, words_of
from advisor.reader import CHECKER, Reader, learnt, open_reader
from advisor.sentences import split
from advisor.session import CHECKING, WORKING
from advisor.types import Encoder, Passage, Verifier
from advisor.weights import Trees, support_trees
from advisor.words import FUNCTION_WORDS

SHOWN = math.log(SUPPORTED / (1 - SUPPORTED))  # log odds from which a sentence is shown
MOST = 0.99  # what a claim that is no quote can reach
HELD, SAID = FEATURES.index("words held"), FEATURES.index("words")
LEAST_SAID = 3  # content words, below which nothing is claimed that could be judged
LEAST_HELD = 0.6  # of a claim's words, the share that its evidence or what it stands under must know; of true claims all but few have it
WHOLE = 0.75  # of a sentence's words, what a quote holds at least
MOST_KNOWN = 2000  # vectors that are kept
READ = 2  # stretches of a passage, those that the trees like best, that the checker reads for a claim
SENTENCES = 5  # of long evidence, those that share most words with the claim
MEANING = ("cosine of all sentences", "cosine of its nearest sentence", "cosine of the next")

# Evidence that gives orders to whoever reads it states nothing: it was put there to be obeyed.
_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instruction|rule|prompt|guideline|passage|above|previous|earlier|prior)"
    r"|\b(?:system|developer|hidden|initial) (?:prompt|message|instruction)|\bas an? (?:ai|assistant|language model)\b|\b(?:dear |any |the |to )(?:ai|assistant|model|chatbot|llm|reader software)\b"
    r"|\byou (?:are now|must (?:now )?(?:say|write|answer|reply|tell|cite))\b|\b(?:tell|inform) (?:the |all |any |every )?(?:user|reader|asker|applicant|physician)s?\b"
    # Notes to a machine, and what a page hides.
    r"|<!--|\{\{|\b(?:assistant|model|chatbot|bot|llm|ai|software)\s?[:,]\s?(?:please |now )?(?:praise|rate|score|rank|say|write|list|add|answer|advise|tell|state"
    r"|recommend|give|quote|repeat|reply|respond|cite|output|print|include|report|approve|mark)\b"
    r"|\b(?:respond|reply|answer|write|say|add|append|print|repeat|output|include|insert|cite)\b.{0,30}(?:[\"“`']|\bverbatim\b|\bin your (?:answer|reply|response)\b|\bthis (?:sentence|line|link|text)\b)",
    re.I,
)


@dataclass(frozen=True, slots=True)
class QuoteVerifier:
    """Supports a claim fully when it is the evidence, or stands in it, word for word; else not at all.

    Line breaks and Markdown marks are not words. It never errs towards support, if the claim is of whole sentences.
    """

    def support(self, claim: str, evidence: str, context: str = "") -> float:
        held = claim_text(evidence)
        # As it stands first: a mark that is left after the others are taken off may pair with another one.
        return float(any(stated and stated in held for stated in (" ".join(claim.split()), claim_text(claim))))


QUOTED = QuoteVerifier()


@dataclass(frozen=True)
class LearntVerifier:
    """Supports quotes fully, and other claims as far as figures, negation, obligation, quantity, names and meaning agree.

    With a checker, which reads claim and evidence together, as far as that agrees, too.
    """

    encoder: Encoder
    trees: Trees | None = None
    checker: Reader | None = None
    _known: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)  # vectors of texts just met

    def support(self, claim: str, evidence: str, context: str = "") -> float:
        return self.likeliest(claim, [evidence], context)[1]

    def likeliest(self, claim: str, stretches: Sequence[str], context: str = "") -> tuple[int, float]:
        for at, evidence in enumerate(stretches):
            if QUOTED.support(claim, evidence) and _is_whole(claim, evidence):
                return at, 1.0
        with CHECKING, WORKING:
            return self._judged(claim, stretches, context)

    def _judged(self, claim: str, stretches: Sequence[str], context: str) -> tuple[int, float]:
        odds = [self._odds(claim, evidence, context) for evidence in stretches]
        tried = sorted(sorted(range(len(odds)), key=lambda at: -odds[at])[: READ if self.checker else None])
        for at in tried:
            if self.checker is not None:
                odds[at] = self._read(odds[at], self.checker, claim, stretches[at], context)
            if odds[at] >= SHOWN:
                return at, min(MOST, chance(odds[at]))
        best = max(tried, key=odds.__getitem__)
        return best, chance(odds[best]) if odds[best] > -math.inf else 0.0

    def _read(self, odds: float, checker: Reader, claim: str, evidence: str, context: str) -> float:
        """The odds with the checker's verdict; what even the best could not lift is not read: most stretches of other passages."""
        worth = learnt(CHECKER)
        if odds <= SHOWN - worth.margin:
            return odds
        return worth.scale * (odds + worth.weight * checker.check(*to_check(claim, evidence, context))) - worth.shift

    def _odds(self, claim: str, evidence: str, context: str) -> float:
        """Log odds before anything is read; as low as can be for what gives orders or hardly speaks of the claim."""
        if _ORDERS.search(evidence) or not words_of(evidence):
            return -math.inf
        features = self.features(claim, evidence, context)
        if features[HELD] < LEAST_HELD or features[SAID] < LEAST_SAID:
            return -math.inf
        return float((self.trees or support_trees()).weigh([features])[0])

    def meet(self, passage: Passage) -> None:
        """Keeps the vectors that the passage's sentences have already: encoding them again took most of a check."""
        if passage.vectors is not None:
            chunk, text = passage.chunk, passage.chunk.document.text
            self._keep({text[a:b]: vector for (a, b), vector in zip(chunk.sentences, passage.vectors, strict=True)})

    def features(self, claim: str, evidence: str, context: str = "") -> list[float]:
        """What `advisor.claims.FEATURES` and `MEANING` name."""
        rare = {stem(w): rarity(self.encoder, w.lower()) for w in words_of(claim) if w.lower() not in FUNCTION_WORDS}
        sentences = nearest(claim, evidence)
        said, *held = self._vectors([claim, *sentences])
        cosines = sorted((float(said @ vector) for vector in held), reverse=True)
        together = sum(held)  # nearly what encoding them as one text would give, at a fraction of the time
        near = [float(said @ together) / max(1e-6, float(together @ together) ** 0.5), cosines[0], cosines[1] if len(cosines) > 1 else 0.0]
        return [*differences(claim, " ".join(sentences), context, rare), *near]

    def _vectors(self, texts: Sequence[str]) -> list[Any]:
        """The texts' vectors; a claim is held against many stretches of the same few sentences, which are encoded once."""
        known = {t: vector for t in texts if (vector := self._known.get(t)) is not None}
        missing = [t for t in dict.fromkeys(texts) if t not in known]
        if missing:
            made = dict(zip(missing, self.encoder.encode(missing), strict=True))
            known |= made
            self._keep(made)
        return [known[t] for t in texts]

    def _keep(self, vectors: dict[str, Any]) -> None:
        if len(self._known) > MOST_KNOWN:
            self._known.clear()
        self._known.update(vectors)


def _is_whole(claim: str, evidence: str) -> bool:
    """Whether a quote is of whole sentences, or nearly: a piece of one may leave out what limits it."""
    said = claim_text(claim)
    sentences = [claim_text(evidence), *(claim_text(evidence[a:b]) for a, b in split(evidence))]
    return any(s[:20] in said and len(said.split()) >= WHOLE * len(s.split()) for s in sentences)


def to_check(claim: str, evidence: str, context: str) -> tuple[str, str]:
    """Claim and evidence as the checker reads them, figures in digits: this under its heading, and of long evidence what is nearest."""
    heading, held = context.split("\n")[-1], " ".join(nearest(claim, evidence))
    return in_digits(claim), in_digits(f"{heading}: {held}" if heading else held)


def nearest(claim: str, evidence: str) -> list[str]:
    """The sentences of the evidence, in order; of long evidence those that share most words with the claim."""
    sentences = [evidence[a:b] for a, b in split(evidence)] or [evidence]
    if len(sentences) <= SENTENCES:
        return sentences
    wanted = {stem(w) for w in words_of(claim) if w.lower() not in FUNCTION_WORDS}
    shared = {i: len(wanted & stems_of(s)) for i, s in enumerate(sentences)}
    return [sentences[i] for i in sorted(sorted(shared, key=lambda i: -shared[i])[:SENTENCES])]


class CrossEncoderVerifier:
    """An NLI model of sentence-transformers, by folder or name: the probability that the evidence entails the claim."""

    def __init__(self, name: str) -> None:
        if not name or (("/" in name or "\\" in name) and not Path(name).expanduser().is_dir() and name.startswith((".", "/", "~"))):
            raise SettingsError(f"ADVISOR_VERIFIER names the model {name!r}, which is no folder. Give nli:FOLDER or nli:NAME.")
        from sentence_transformers import CrossEncoder

        try:
            self._model = CrossEncoder(str(Path(name).expanduser()) if Path(name).expanduser().is_dir() else name, device="cpu")
        except Exception as error:  # the library's faults have no common type
            raise SettingsError(f"ADVISOR_VERIFIER names the model {name!r}, which cannot be loaded ({type(error).__name__}).") from error
        labels = {str(label).lower(): int(n) for n, label in (self._model.config.id2label or {}).items()}
        self._entailed = next((n for label, n in labels.items() if label.startswith("entail")), None)

    def support(self, claim: str, evidence: str, context: str = "") -> float:
        if QUOTED.support(claim, evidence):
            return 1.0
        scores: Any = self._model.predict([(f"{context}\n{evidence}".strip(), claim)], apply_softmax=self._entailed is not None)[0]
        return min(MOST, float(scores if self._entailed is None else scores[self._entailed]))


@dataclass(frozen=True)
class JudgingVerifier:
    """A chat model judges, one call for each claim that is no quote; where it fails, or says neither yes nor no, nothing is supported."""

    model: ChatModel
    prompt: Prompt
    seconds: float
    silence: float

    def support(self, claim: str, evidence: str, context: str = "") -> float:
        if QUOTED.support(claim, evidence):
            return 1.0
        message = f"Evidence, from {' › '.join(context.splitlines()) or 'a guide'}:\n{evidence}\n\nClaim:\n{claim}"
        calls = Calls(self.model, self.seconds, self.silence)
        try:
            said = "".join(bit or "" for bit in calls.write(self.prompt.text, message, longest=5))
        except ModelFault:
            return 0.0
        return MOST if said.strip().casefold().startswith("yes") else 0.0


def open_verifier(settings: Settings, encoder: Encoder, model: ChatModel | None, prompts: dict[str, Prompt]) -> Verifier:
    """The verifier that `ADVISOR_VERIFIER` names; raises `SettingsError` for one that is unknown or cannot be loaded."""
    kind, _, name = settings.verifier.partition(":")
    if settings.verifier == "default":
        checker = open_reader(export_folder(settings, encoder.name), encoder.name, CHECKER) if model is not None else None
        return LearntVerifier(encoder, checker=checker)
    if kind == "nli" and name:
        return CrossEncoderVerifier(name)
    if settings.verifier == "model":
        if model is None:
            raise SettingsError("ADVISOR_VERIFIER is 'model', but no model is set. Set ADVISOR_MODEL, or ADVISOR_VERIFIER=default.")
        return JudgingVerifier(model, prompts["judge_support"], settings.model_seconds, settings.model_silence)
    raise SettingsError(f"ADVISOR_VERIFIER is {settings.verifier!r}: use default, nli:FOLDER or model.")


def features_named() -> Sequence[str]:
    """The names of what `LearntVerifier.features` gives, in order."""
    return (*FEATURES, *MEANING)
