"""Whether the guidance holds an answer: a decision learnt from labelled questions.

Similarity alone cannot tell (unanswerable questions reach a cosine of 0.49, answerable ones go down
to 0.27), so it is weighed with what the passages leave out of the question: its rare words, its
names and numbers, and the kind of thing asked. `python -m evals.train` fits the trees that do so;
where they are not sure, `reader.py` reads the question and the best sentence together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from advisor import reader
from advisor.evidence import Sentence, chance, covered
from advisor.query import Query, known_stems, stem, words_of
from advisor.types import Encoder, Passage
from advisor.weights import decision, learnt
from advisor.words import FUNCTION_WORDS, GENERIC_WORDS

FEATURES = (
    "best cosine", "mean of three cosines", "passage score", "margin", "nearest question", "sentence coverage", "passage coverage",
    "union coverage", "rarest word missing", "named word missing", "word unknown to the corpus", "named word unknown", "words missing",
    "year missing", "words", "best sentence", "no figure where asked", "agreement", "passage cosine", "coverage of best sentence",
    "nearest question above text", "questions listed", "nearness", "kind of question", "wording of question",
    "nearness to questions learnt",
)  # fmt: skip
MOST_TERMS = 9  # of a question, the rarest

SAID, NEAR = 0.95, 0.3  # share of a question's words, by weight, and cosine, from which a document of the asker's own answers it
LATEST = 2020  # years before are people's own histories; a later one that no passage holds asks for what is not there
_ROLE = re.compile(
    r"\b(?:becom\w+|to be|being|work(?:ing)? as|career (?:as|path (?:to|for|of))|path (?:to|for)|role of|job of|steps to becom\w+|what (?:does|do)(?= an? .{3,40} (?:do|earn|make)\b)|do(?= \w+s? (?:get|become)))"
    r"(?: an?| the)? ((?:[\w'’-]+ ){0,3}?[\w'’-]+(?:er|or|ist|ant|ent|ian|man|ary|eer|geon|ess|ef|lot|rse|dge|cer|ate))\b(?= (?:do|does|earn|earns|make|makes|get|need|at|in|for|of|after|salary|instead|or|with|without)\b|[?.!,]|$)",
    re.I,
)
_YEAR = re.compile(r"\b(?:19|20|21)\d\d\b")


def features(
    query: Query, vector: Any, encoder: Encoder, passages: Sequence[Passage], sentences: Sequence[Sentence], frequency: Callable[[str], int]
) -> tuple[float, ...]:
    """What speaks for and against an answer being there: what `FEATURES` names.

    `vector` is the question's, as it was searched; `frequency` counts the chunks that hold a word.
    """
    terms = sorted(query.terms, key=lambda t: -t.weight)[:MOST_TERMS]
    # Where the asker tells of themselves, the question was searched by a mixture of its vectors.
    whole_question, asked = encoder.encode([query.text, query.focus]) if query.profile else (vector, vector)
    best_of = [p.vectors.mean(axis=0) for p in passages[:3] if p.vectors is not None and len(p.vectors)]
    whole = np.array([v / (np.linalg.norm(v) or 1.0) for v in best_of]) if best_of else np.zeros((1, len(asked)))
    texts = [known_stems(f"{p.chunk.document.title} {p.chunk.heading} {p.chunk.text}") for p in passages[:5]]
    union: frozenset[str] = frozenset().union(*texts[:3])
    cosines = sorted((s.features[0] for s in sentences), reverse=True)
    scores = [p.score for p in passages]
    lost = [not t.alike & union for t in terms]
    unknown = [gone and not frequency(t.word) for t, gone in zip(terms, lost, strict=True)]
    years = _YEAR.findall(query.focus)
    listed = any(p.listed for p in passages)
    weights = [t.weight for t in terms]
    named = [t.named for t in terms]

    return (
        cosines[0] if cosines else 0.0,
        float(np.mean(cosines[:3])) if cosines else 0.0,
        scores[0] if scores else 0.0,
        scores[0] - scores[min(len(scores), 8) - 1] if scores else 0.0,
        max((p.asked for p in passages), default=0.0),
        max((covered(query.terms, s.stems) for s in sentences[:12]), default=0.0),
        max((covered(query.terms, t) for t in texts), default=0.0),
        covered(query.terms, union),
        _most(weights, lost),
        _most(weights, lost, named),
        _most(weights, unknown),
        _most(weights, unknown, named),
        min(sum(lost), 6) / 6,
        float(any(all(y not in p.chunk.text for p in passages[:3]) for y in years)),
        min(len(query.terms), 10) / 10,
        sentences[0].score if sentences else 0.0,
        float(query.kind == "figure" and not any(s.features[8] for s in sentences[:5])),
        float(bool(passages) and bool(sentences) and sentences[0].chunk is passages[0].chunk),
        float((whole @ asked).max()),
        covered(query.terms, sentences[0].stems) if sentences else 0.0,
        max((p.asked for p in passages), default=0.0) - (cosines[0] if cosines else 0.0),
        float(listed),
        max((s.near or 0.0 for s in sentences), default=0.0) if listed else 0.0,  # the adapter learnt from guidance that does
        *verdicts(encoder, query.text, whole_question),
    )


def _most(values: Any, *masks: Sequence[bool]) -> float:
    """The greatest of the values that no mask leaves out."""
    return max((float(v) for v, *on in zip(values, *masks, strict=True) if all(on)), default=0.0)


def verdicts(encoder: Encoder, question: str, vector: Any) -> tuple[float, float, float]:
    """How much a question resembles those that guidance on a career answers, against those it does not.

    Pay, steps and differences against pass rates, templates, named places and private matters: by its
    vector, by its wording, and the cosine of the nearest question that this was learnt from. With an
    embedding model that it was not learnt with, the vector says nothing.
    """
    known = decision()
    kind, nearness = known.kind_and_nearness(vector) if known.model == encoder.name.split("@")[0] else (0.0, 0.0)
    return kind, known.wording(wordings(question)), nearness


def wordings(question: str) -> list[str]:
    """The stems of a question, and each two that follow one another."""
    stems = [stem(w) for w in words_of(question)]
    return [*stems, *(f"{a} {b}" for a, b in pairwise(stems))]


def confidence(values: Sequence[float], verdicts: Iterable[float] | None = None, path: Path = reader.READER) -> float:
    """The chance that the guidance holds an answer, between 0 and 1, from what `features` gives.

    `verdicts` are those of the reader of that file on the question with the best sentences, best first, read one by one: only where
    the features leave the decision so unsure as the file says, and no further than to the first that answers.
    """
    odds, bar, known = decision().weigh(values), math.log(threshold() / (1 - threshold())), reader.learnt(path)
    if verdicts is None or abs(odds - bar) >= known.margin:
        return chance(odds)
    read = -math.inf
    for verdict in verdicts:
        read = max(read, odds + known.weight * verdict - known.shift)
        if read >= bar:
            break
    return chance(read)


def all_said(values: Sequence[float]) -> bool:
    """Whether the passages hold all that a question asks with, from what `features` gives.

    That is enough of somebody's own document, whatever the question: what kind of thing guidance answers says nothing of a contract.
    """
    held, cosine = (values[FEATURES.index(name)] for name in ("union coverage", "best cosine"))
    return held >= SAID and cosine >= NEAR


def to_read(query: Query, sentences: Sequence[Sentence]) -> tuple[str, ...]:
    """The question and each of the sentences under its heading, as the reader takes them."""
    return query.focus or query.text, *(f"{s.chunk.heading}: {s.text}" if s.chunk.heading else s.text for s in sentences)


def foreign(query: Query, frequency: Callable[[str], int]) -> bool:
    """Whether a question is about what the guidance never names.

    A role it asks how to take up ("become a nurse anesthetist"), a year, or two rare words, of which no
    passage holds any: what people are called and what things are called is not paraphrased.
    """
    for match in _ROLE.finditer(query.focus):
        words = [w.lower() for w in words_of(match.group(1))]
        while words and (words[-1] in FUNCTION_WORDS or words[-1] in GENERIC_WORDS):
            words.pop()
        role = " ".join(words[-2:])
        if role and not frequency(role):
            return True
    if any(int(year) > LATEST and not frequency(year) for year in _YEAR.findall(query.focus)):
        return True
    strangers = [t for t in query.terms if t.weight >= 1.0 and len(t.word) > 4 and t.word.isalpha() and not frequency(t.word)]
    return len(strangers) >= 2


def threshold() -> float:
    """The confidence below which a question is declined."""
    return float(learnt()["threshold"])
