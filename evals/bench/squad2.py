"""SQuAD 2.0 in its official JSON, each paragraph given as an article: the sentence we quote first.

Exact match and F1 as in the official script (lower case, no punctuation or articles, best of the answers given),
0 for a wrong abstention and 1 for a right one (Rajpurkar et al. 2018). We quote sentences, so exact match stays low.
"""

from __future__ import annotations

import json
import re
import string
import tempfile
from collections import Counter
from pathlib import Path

from advisor.config import Settings
from advisor.errors import QuestionError
from evals.bench.figures import BenchError, Figure, Outcome, Progress
from evals.metrics import mean
from evals.single import advisor_on, prepared_home, write_article

PUBLISHED = (
    ("BiDAF-No-Answer, test", "exact match / F1", "0.592 / 0.621"),
    ("deepset/roberta-base-squad2, dev", "exact match / F1", "0.799 / 0.829"),
)


def normal(text: str) -> list[str]:
    """Words in lower case without punctuation and articles."""
    bare = "".join(c for c in text.lower() if c not in string.punctuation)
    return re.sub(r"\b(?:a|an|the)\b", " ", bare).split()


def exact(said: str, answers: list[str]) -> float:
    """1 if what was said is one of the answers; nothing said is right where there is none."""
    return float(any(normal(said) == normal(a) for a in answers or [""]))


def f1(said: str, answers: list[str]) -> float:
    """The best word overlap with one of the answers."""
    return max(_overlap(normal(said), normal(a)) for a in answers or [""])


def _overlap(a: list[str], b: list[str]) -> float:
    if not a or not b:
        return float(a == b)
    common = sum((Counter(a) & Counter(b)).values())
    return 2 * common / (len(a) + len(b))


def run(folder: Path, report: Progress) -> Outcome:
    """Exact match and F1 over all questions and over those with and without an answer, and how abstentions part them."""
    files = [folder] if folder.is_file() else sorted(folder.glob("*.json"))
    if not files:
        raise BenchError(f"{folder} holds no .json file. Give --data a file or folder of SQuAD 2.0.")
    try:
        paragraphs = [(a["title"], p) for a in json.loads(files[0].read_text(encoding="utf-8"))["data"] for p in a["paragraphs"]]
    except (ValueError, KeyError, TypeError) as error:
        raise BenchError(f"{files[0].name} is not SQuAD's JSON ({error}). Give --data the official file.") from None
    settings = prepared_home(Settings.load().home)
    scores: list[tuple[bool, float, float, bool]] = []
    for number, (title, paragraph) in enumerate(paragraphs):
        with tempfile.TemporaryDirectory() as scratch:
            article = write_article(Path(scratch), title.replace("_", " "), paragraph["context"])
            with advisor_on(settings, article) as advisor:
                for qa in paragraph["qas"]:
                    answers = [a["text"] for a in qa["answers"]]
                    try:
                        turn = advisor.ask(qa["question"])
                        said = turn.answer.citations[0].quote if turn.outcome == "answered" and turn.answer.citations else ""
                    except QuestionError:
                        said = ""
                    scores.append((bool(answers), exact(said, answers), f1(said, answers), not said))
        report("Reading paragraphs", number + 1, len(paragraphs))
    has, none = [s for s in scores if s[0]], [s for s in scores if not s[0]]
    abstained = [mean([float(s[3]) for s in none]), mean([float(not s[3]) for s in has])]
    return Outcome(
        "squad2",
        (
            Figure("SQuAD 2.0, exact match", mean([s[1] for s in scores]), len(scores)),
            Figure("SQuAD 2.0, F1", mean([s[2] for s in scores]), len(scores)),
            Figure("SQuAD 2.0, F1 where there is an answer", mean([s[2] for s in has]), len(has)),
            Figure("SQuAD 2.0, abstained where there is none", abstained[0], len(none)),
            Figure("SQuAD 2.0, abstention, balanced accuracy", sum(abstained) / 2, len(scores)),
        ),
        PUBLISHED,
        f"{files[0].name}: each paragraph is indexed alone, and the first sentence quoted is what is scored.",
    )
