"""Half of CLAPNQ, the gold passage given as a single plain-text article.

    python -m benchmarks.clapnq --data FOLDER

ROUGE-L of the quoted answer against the human ones (best of those given), with the decision to
decline off; and how well that decision parts answerable from unanswerable (balanced accuracy). What
decides was learnt with this half among others (`evals/train.py`), so neither is a held-out figure;
`evals.train` prints how well articles are decided by what was learnt without them.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import sys
import tempfile
from pathlib import Path

from advisor.config import Settings, silence_vendors
from advisor.errors import QuestionError
from benchmarks.report import data_folder, record
from evals.metrics import mean, rouge_l
from evals.single import advisor_on, prepared_home, write_article


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.clapnq", description="CLAPNQ, gold passage given.")
    parser.add_argument("--data", type=Path, help="folder that holds clapnq_a; ADVISOR_DATA otherwise")
    options = parser.parse_args(arguments)
    folder = data_folder(options.data, "clapnq_a")
    if folder is None:
        print("Skipped: the CLAPNQ files are not here. Give --data the folder that holds clapnq_a.")
        return 0
    silence_vendors()
    settings = prepared_home(Settings.load().home)
    rouge: list[float] = []
    with_decline: list[float] = []
    right: dict[bool, list[float]] = {True: [], False: []}
    for name, answerable in (("answerable", True), ("unanswerable", False)):
        for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            passage = row["passages"][0]
            with tempfile.TemporaryDirectory() as scratch:
                article = write_article(Path(scratch), passage["title"], passage["text"])
                with advisor_on(settings, article) as advisor:
                    try:
                        answered = advisor.ask(row["input"]).outcome == "answered"
                    except QuestionError:
                        answered = False
                    right[answerable].append(float(answered == answerable))
                    if answerable:
                        willing = dataclasses.replace(advisor.answerer(), threshold=0.0)  # type: ignore[type-var]
                        text = re.sub(
                            r"\s*\[\d+\]", "", dataclasses.replace(advisor, answerer=lambda w=willing: w).ask(row["input"]).answer.text
                        )
                        score = max(rouge_l(text, output["answer"]) for output in row["output"])
                        rouge.append(score)
                        with_decline.append(score if answered else 0.0)
    record(
        "clapnq",
        [
            ("CLAPNQ half, ROUGE-L, decline off", "≥ 0.55", round(mean(rouge), 3)),
            ("CLAPNQ half, ROUGE-L, a decline scores 0", "", round(mean(with_decline), 3)),
            ("CLAPNQ half, answerability, balanced accuracy", "≥ 0.75", round((mean(right[True]) + mean(right[False])) / 2, 3)),
        ],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
