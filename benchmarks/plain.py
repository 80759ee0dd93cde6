"""Side by side with the plain recipe: LangChain's splitter and embeddings with Chroma, on the same weights.

    python -m benchmarks.plain

The recipe (`plain_recipe.py`) gets an environment of its own in `benchmarks/.cache`, with the same versions of
all that both use. Cold is a whole process from its start: theirs ends with the first passages, ours with the
answer. Warm is one search. A passage is right if it overlaps the text of a relevant section. The two take turns,
so that a busy machine slows both.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from advisor.assemble import open_advisor
from advisor.config import Settings, shipped
from advisor.encode import model_folder
from benchmarks.report import record
from evals.cases import FOLDER, read_cases
from evals.metrics import flat, mean

CACHE = Path(__file__).parent / ".cache"
RECIPE = Path(__file__).parent / "plain_recipe.py"
CONSTRAINTS = Path(__file__).resolve().parent.parent / "constraints.txt"
PACKAGES = ("langchain-chroma==1.1.0", "langchain-text-splitters==1.1.3", "sentence-transformers", "chromadb", "psutil")
# Asks for huggingface-hub below 2, which constraints.txt is beyond; of it only the wrapper of sentence-transformers is used.
WRAPPER = "langchain-huggingface==1.2.3"
QUESTION = "Do I need an MBA to become a CMO?"
COLD_RUNS = 5
FIRST = 4  # passages looked at
Place = tuple[str, int, int]  # a document and a span of its text


def environment() -> Path:
    """The Python of the recipe's environment, made where it is missing; raises CalledProcessError where it cannot be."""
    folder = CACHE / "plain-venv"
    python = folder / "bin" / "python"
    mark = folder / "ready"
    if not mark.is_file():
        print(f"Installing the plain recipe into {folder}; the first time takes some minutes", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "-c", str(CONSTRAINTS), *PACKAGES], check=True)
        subprocess.run([*pip, "--no-deps", WRAPPER], check=True)
        mark.touch()
    return python


def section_spans(corpus: Path) -> dict[str, list[Place]]:
    """Where each section stands in its file, by `document#heading` in flat letters."""
    spans: dict[str, list[Place]] = {}
    for path in sorted(corpus.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        headings = [(m.start(), m.end(), m.group(1)) for m in re.finditer(r"^#{1,6} +(.+?) *$", text, re.M)]
        ends = [start for start, _, _ in headings[1:]] + [len(text)]
        for (_, start, heading), end in zip(headings, ends, strict=True):
            spans.setdefault(flat(f"{path.stem}#{heading}"), []).append((path.stem, start, end))
    return spans


def in_first(found: Sequence[Place], relevant: Sequence[Place]) -> float:
    """1 if one of the first passages overlaps a relevant section, else 0."""
    return float(any(d == e and a < y and x < b for d, a, b in found[:FIRST] for e, x, y in relevant))


def ours(questions: Sequence[str]) -> dict[str, Any]:
    """What `plain_recipe.py warm` measures, of our retriever; run in a process of its own for its memory."""
    import psutil

    advisor = open_advisor(remember=False)
    retriever = advisor.retriever()
    for question in questions[:20]:
        retriever.search(question, advisor.passages)
    seconds, found = [], []
    for question in questions:
        start = time.perf_counter()
        passages = retriever.search(question, advisor.passages)
        seconds.append(time.perf_counter() - start)
        found.append([(p.chunk.document.id, p.chunk.start, p.chunk.end) for p in passages[:FIRST]])
    return {"seconds": seconds, "found": found, "rss": psutil.Process().memory_info().rss}


def output(command: Sequence[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def wall(command: Sequence[str]) -> float:
    start = time.perf_counter()
    output(command)
    return time.perf_counter() - start


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plain", description=__doc__.splitlines()[0])
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)  # questions for the process that measures our side
    options = parser.parse_args(arguments)
    if options.ours:
        print(json.dumps(ours(json.loads(options.ours.read_text(encoding="utf-8")))))
        return 0
    try:
        python = str(environment())
    except subprocess.CalledProcessError as error:
        print(f"Skipped: the plain recipe could not be installed ({' '.join(error.cmd[:5])} … ended with {error.returncode}).")
        return 0
    open_advisor(remember=False)  # builds a missing index, so that it is in no figure
    model = model_folder(Settings.load().embedding_model)
    corpus = shipped("corpus")
    spans = section_spans(corpus)
    cases = [c for c in read_cases(FOLDER / "answers.jsonl") if c.relevant]
    relevant = [[place for name in c.relevant for place in spans.get(flat(name), [])] for c in cases]
    if not all(relevant):
        raise SystemExit(f"No such section in the corpus: {next(c.relevant for c, r in zip(cases, relevant, strict=True) if not r)}")
    with tempfile.TemporaryDirectory() as scratch:
        index, questions = str(Path(scratch) / "index"), Path(scratch) / "questions.json"
        questions.write_text(json.dumps([c.question for c in cases]), encoding="utf-8")
        output([python, str(RECIPE), "build", index, str(corpus), model])
        cold_plain, cold_ours = [], []
        for _ in range(COLD_RUNS):
            cold_plain.append(wall([python, str(RECIPE), "cold", index, model, QUESTION]))
            cold_ours.append(wall([sys.executable, "-m", "advisor.cli", "ask", QUESTION]))
        plain = json.loads(output([python, str(RECIPE), "warm", index, model, str(questions)]).splitlines()[-1])
        own = json.loads(output([sys.executable, "-m", "benchmarks.plain", "--ours", str(questions)]).splitlines()[-1])
    share = [mean([in_first(found, where) for found, where in zip(side["found"], relevant, strict=True)]) for side in (plain, own)]
    warm = [statistics.median(side["seconds"]) * 1000 for side in (plain, own)]
    cold = [statistics.median(times) for times in (cold_plain, cold_ours)]
    memory = [side["rss"] / 1e6 for side in (plain, own)]
    record(
        "plain",
        [
            ("plain recipe: cold, process start to first passages, s", "", round(cold[0], 2)),
            ("ours: cold, process start to the answer, s", f"≤ {cold[0]:.2f}", round(cold[1], 2)),
            ("plain recipe: warm search, p50 ms", "", round(warm[0], 1)),
            ("ours: warm search, p50 ms", f"≤ {warm[0]:.1f}", round(warm[1], 1)),
            ("plain recipe: resident memory, MB", "", round(memory[0])),
            ("ours: resident memory, MB", f"≤ {memory[0]:.0f}", round(memory[1])),
            (f"plain recipe: right passage in first {FIRST} (n={len(cases)})", "", round(share[0], 3)),
            (f"ours: right passage in first {FIRST} (n={len(cases)})", f"≥ {share[0]:.3f}", round(share[1], 3)),
        ],
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
