"""CLAPNQ with the gold passage given as a single plain-text article.

Format: `answerable.jsonl` and `unanswerable.jsonl` (Rosenthal et al. 2024). ROUGE-L and the F1 of the chosen
sentences are of the quoted answer with the decision to decline off; answerability is that decision, as balanced
accuracy. What decides was learnt with this half among others (`evals/train.py`), so none is a held-out figure.
"""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from advisor.config import Settings
from advisor.errors import QuestionError
from advisor.pipeline import Advisor
from advisor.types import Turn
from evals.bench.figures import Figure, Outcome, Progress, records
from evals.metrics import flat, mean, rouge_l
from evals.single import advisor_on, prepared_home, write_article

PUBLISHED = (
    ("first three sentences", "sentence F1 / ROUGE-L", "0.475 / 0.435"),
    ("three sentences of most overlap", "sentence F1 / ROUGE-L", "0.581 / 0.507"),
    ("whole passage", "sentence F1 / ROUGE-L", "0.582 / 0.474"),
    ("the sentences people chose, the most a quoted answer can reach", "sentence F1 / ROUGE-L", "1.0 / 0.792"),
    ("coverage of the question's rare words", "answerability, balanced accuracy", "0.710"),
)


def sentence_f1(quotes: Sequence[str], chosen: Sequence[str]) -> float:
    """F1 of quoted sentences against those that people chose; a sentence counts where one holds the other."""
    said, wanted = [flat(q) for q in quotes], [flat(c) for c in chosen]
    hit = sum(any(q in w or w in q for w in wanted) for q in said)
    met = sum(any(q in w or w in q for q in said) for w in wanted)
    precision, recall = hit / len(said) if said else 0.0, met / len(wanted) if wanted else 0.0
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def run(folder: Path, report: Progress) -> Outcome:
    """ROUGE-L, sentence F1 and answerability over both files."""
    settings = prepared_home(Settings.load().home)
    rouge: list[float] = []
    declined_scores_nothing: list[float] = []
    sentences: list[float] = []
    right: dict[bool, list[float]] = {True: [], False: []}
    rows = [(row, name == "answerable") for name in ("answerable", "unanswerable") for row in records(folder / f"{name}.jsonl")]
    for number, (row, answerable) in enumerate(rows):
        passage = row["passages"][0]
        with tempfile.TemporaryDirectory() as scratch:
            article = write_article(Path(scratch), passage["title"], passage["text"])
            with advisor_on(settings, article) as advisor:
                answered = _asked(advisor, row["input"])
                right[answerable].append(float(answered == answerable))
                if answerable:
                    turn = _willing(advisor, row["input"])
                    text = re.sub(r"\s*\[\d+\]", "", turn.answer.text)
                    rouge.append(max(rouge_l(text, output["answer"]) for output in row["output"]))
                    declined_scores_nothing.append(rouge[-1] if answered else 0.0)
                    quotes = [c.quote for c in turn.answer.citations]
                    sentences.append(max(sentence_f1(quotes, output["selected_sentences"]) for output in row["output"]))
        report("Asking", number + 1, len(rows))
    return Outcome(
        "clapnq",
        (
            Figure("CLAPNQ half, ROUGE-L, decline off", mean(rouge), len(rouge)),
            Figure("CLAPNQ half, sentence F1, decline off", mean(sentences), len(sentences)),
            Figure("CLAPNQ half, ROUGE-L, a decline scores 0", mean(declined_scores_nothing), len(rouge)),
            Figure("CLAPNQ half, answerability, balanced accuracy", (mean(right[True]) + mean(right[False])) / 2, len(rows)),
        ),
        PUBLISHED,
        "Half of the dev set, which is among what the decision was learnt from.",
    )


def _asked(advisor: Advisor, question: str) -> bool:
    try:
        return advisor.ask(question).outcome == "answered"
    except QuestionError:
        return False


def _willing(advisor: Advisor, question: str) -> Turn:
    """The answer of an advisor that never declines."""
    answerer: Any = dataclasses.replace(advisor.answerer(), threshold=0.0)  # type: ignore[type-var]
    return dataclasses.replace(advisor, answerer=lambda: answerer).ask(question)
