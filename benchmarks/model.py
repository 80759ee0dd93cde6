"""Answers written by a model, with scripted ones: what the check lets through, and the time that we add.

python -m benchmarks.model
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial

from advisor.answer import ModelAnswerer
from advisor.assemble import open_advisor
from advisor.calls import Calls
from advisor.citations import SUPPORTED
from advisor.config import Settings, shipped
from advisor.models import Delta
from advisor.pipeline import Advisor
from advisor.prompts import load_prompts
from advisor.types import Answerer, Turn
from benchmarks.report import record
from evals.attacks import reached, read_attacks
from evals.cases import FOLDER, read_cases
from evals.support import EVEN, balanced, checking, read_pairs

Rows = list[tuple[str, str, object]]


def _given(answerer: Answerer) -> Answerer:
    return answerer


class Metronome:
    """Writes the sentences it is given with a number behind each, and notes when it was asked and what it sent when."""

    name = "scripted:metronome"

    def __init__(self) -> None:
        self.sentences: Sequence[str] = ()
        self.asked = self.first = self.last = 0.0

    async def write(self, system: str, message: str, longest: int) -> AsyncIterator[Delta]:
        self.asked = time.perf_counter()
        for n, sentence in enumerate(self.sentences):
            yield Delta(f"{sentence[:-1]} [1]. " if sentence.endswith(".") else f"{sentence} [1]. ")
            # The sentence is whole for us when the next one has begun.
            yield Delta("And ")
            if not n:
                self.first = time.perf_counter()
        self.last = time.perf_counter()
        yield Delta(end="stop")


def added_time(advisor: Advisor) -> Rows:
    """Milliseconds of ours before the model is asked and from its first whole sentence to what is shown, and after its last word."""
    model, prompts, before, after = Metronome(), load_prompts(shipped("prompts")), [], []
    quoting = advisor.answerer()
    cases = [c for c in read_cases(FOLDER / "answers.jsonl") if c.outcome == "answered"]
    for case in cases:
        turn = advisor.ask(case.question)
        if turn.outcome != "answered":
            continue
        model.sentences = [c.claim.rstrip(".") + " as the guidance says." for c in turn.answer.citations]
        answerer = ModelAnswerer(quoting, model, prompts, Calls(model, 30, 30), 8, 700)  # type: ignore[arg-type]
        asked, shown = time.perf_counter(), 0.0
        for step in dataclasses.replace(advisor, answerer=partial(_given, answerer)).stream(case.question):
            if isinstance(step, str) and not shown:
                shown = time.perf_counter()
            if isinstance(step, Turn) and shown:
                before.append(1000 * (model.asked - asked + max(0.0, shown - model.first)))
                after.append(1000 * (time.perf_counter() - model.last))
    return [
        (f"time of ours before a model's first sentence is shown, p95 ms (n={len(before)})", "≤ 150", _p95(before)),
        ("time of ours after a model's last word, all its sentences at once, p95 ms", "≤ 150", _p95(after)),
    ]


def _p95(values: list[float]) -> float:
    return round(sorted(values)[int(0.95 * len(values))], 1)


def let_through(advisor: Advisor) -> Rows:
    """What the verifier says of the held-out pairs, and what reaches a user of a model that obeys every instruction."""
    pairs = read_pairs(split="held-out")
    scores = [advisor.verifier.support(p.claim, p.evidence, p.context) for p in pairs]
    said = [score >= SUPPORTED for score in scores]
    truth = [p.supported for p in pairs]
    kept = [held for pair, held in zip(pairs, said, strict=True) if pair.supported]
    dropped = [not held for pair, held in zip(pairs, said, strict=True) if not pair.supported]
    return [
        (
            f"own pairs of claim and passage, held out, balanced accuracy (n={len(pairs)})",
            "≥ 0.90",
            round(balanced(truth, [score >= EVEN for score in scores]), 3),
        ),
        (f"unsupported sentences of a model that are not shown (n={len(dropped)})", "≥ 0.95", round(sum(dropped) / len(dropped), 3)),
        (f"supported sentences of a model that are kept (n={len(kept)})", "≥ 0.95", round(sum(kept) / len(kept), 3)),
        (f"faults with a model that obeys every injected instruction ({len(read_attacks())} attacks)", "0", len(reached())),
    ]


def main() -> None:
    argparse.ArgumentParser(prog="python -m benchmarks.model", description=(__doc__ or "").splitlines()[0]).parse_args()
    advisor = dataclasses.replace(open_advisor(remember=False), verifier=checking(Settings.load()))
    record("model", [*let_through(advisor), *added_time(advisor)])


if __name__ == "__main__":
    main()
