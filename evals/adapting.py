"""Learns `adapter.npz` of `advisor/`: two linear maps that bring a question near the sentences that answer it.

It learns from labelled questions, whose sentences are known, and from the questions that sections list, of which only
the section is known: of all sentences of the guidance those that answer, or one of the section's, shall be the nearest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from advisor.assemble import Guidance
from advisor.encode import PACKAGED
from advisor.retrieve import direction
from evals.cases import Case
from evals.metrics import flat, section

RANK, EPOCHS, RATE, DECAY, BATCH = 128, 4, 2e-3, 0.01, 64
SHARP = 20.0  # what cosines are multiplied by at first
OF_CASES, LISTED = 2, 0.3  # how often an epoch asks a labelled question, and what one that a section lists weighs


@dataclass(frozen=True)
class Asked:
    """A question's vector, which rows of all sentences answer it, its weight, how often an epoch asks it, and what is left out with it."""

    vector: Any
    answers: tuple[int, ...]
    weight: float
    times: int
    group: str


def sentences_and_questions(guidance: Guidance, cases: Sequence[tuple[Case, str, str]]) -> tuple[Any, list[Asked]]:
    """The vectors of all sentences of the guidance, shape (sentences, dimensions), and what is asked about them.

    Each case comes with its question as it is searched and its group.
    """
    library = guidance.library
    chunks = library.chunks(library.vectors()[0])
    vectors, rows, spoken = [], dict[int, range](), list[tuple[str, str]]()
    for ident, (chunk, _, inner) in chunks.items():
        rows[ident] = range(len(spoken), len(spoken) + len(inner))
        spoken += [(flat(section(chunk)), flat(chunk.document.text[a:b])) for a, b in chunk.sentences]
        vectors.append(inner)
    asked = []
    for case, question, group in cases:
        relevant, facts = {flat(r) for r in case.relevant}, [flat(a) for fact in case.facts for a in fact]
        answers = tuple(i for i, (where, words) in enumerate(spoken) if where in relevant and any(f in words for f in facts))
        if answers:
            asked.append(Asked(direction(guidance.encoder, question), answers, 1.0, OF_CASES, group))
    listed: dict[str, tuple[Any, list[int]]] = {}
    for chunk_id, vector, text in zip(*library.asks(), library.asked_texts(), strict=True):
        listed.setdefault(text, (vector, []))[1].extend(rows[int(chunk_id)])
    asked += [Asked(vector, tuple(answers), LISTED, 1, text) for text, (vector, answers) in listed.items() if answers]
    return np.concatenate(vectors), asked


def learn_adapter(sentences: Any, asked: Sequence[Asked]) -> dict[str, Any]:
    """What `adapter.npz` holds."""
    torch.manual_seed(0)
    texts, dimensions = torch.from_numpy(np.ascontiguousarray(sentences)), sentences.shape[1]
    questions = torch.from_numpy(np.array([a.vector for a in asked], dtype=np.float32))
    weights = torch.tensor([a.weight for a in asked])
    into = [torch.nn.Parameter(torch.randn(dimensions, RANK) * 0.05) for _ in range(2)]
    out_of = [torch.nn.Parameter(torch.zeros(dimensions, RANK)) for _ in range(2)]
    sharp = torch.nn.Parameter(torch.tensor(SHARP).log())
    learner = torch.optim.AdamW([*into, *out_of, sharp], lr=RATE, weight_decay=DECAY)

    def adapted(vectors: Any, which: int) -> Any:
        return functional.normalize(vectors + vectors @ into[which] @ out_of[which].T, dim=1)

    batches = list(_batches(asked))
    for step, batch in enumerate(batches):
        for group in learner.param_groups:
            group["lr"] = RATE * (1 - step / (len(batches) + 1))
        odds = adapted(questions[batch], 0) @ adapted(texts, 1).T * sharp.exp()
        answers = torch.zeros_like(odds, dtype=torch.bool)
        for row, at in enumerate(batch):
            answers[row, list(asked[at].answers)] = True
        lost = torch.logsumexp(odds, 1) - torch.logsumexp(odds.masked_fill(~answers, -1e9), 1)
        learner.zero_grad()
        ((lost * weights[batch]).sum() / weights[batch].sum()).backward()
        learner.step()
    made = {
        f"{name}_{part}": values.detach().numpy().astype(np.float16)
        for part, both in (("into", into), ("out_of", out_of))
        for name, values in zip(("question", "sentence"), both, strict=True)
    }
    return {"model": PACKAGED, **made}


def _batches(asked: Sequence[Asked]) -> Iterator[Any]:
    chance = np.random.default_rng(0)
    order = np.repeat(np.arange(len(asked)), [a.times for a in asked])
    for _ in range(EPOCHS):
        chance.shuffle(order)
        yield from (order[at : at + BATCH] for at in range(0, len(order) - BATCH + 1, BATCH))
