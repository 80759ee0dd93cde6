"""Learns `weights.json` and all `.npz` of `advisor/` that decide on questions, from labelled questions of the split `tune`.

    python -m evals.train --home FOLDER [--clapnq FOLDER] [--reader]

First how well a sentence answers, by an adapter, linear weights and trees (labels: sentences that hold an
expected fact), then whether the guidance holds an answer (labels: cases to answer and to decline; the
questions that our sections list, each measured where it is not listed; cases to answer with the sections
that answer them taken away). Each question is seen with an adapter and a ranking learnt without it.
All of it is done once more on the same guidance without front matter and questions, as an operator's
own text would be, on the texts of `foreign/tune/` and, where given, on the public half of CLAPNQ, a
small part for sentences. Nothing of the split `held-out` and no other foreign text is read. Takes some
half an hour.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from advisor import decide
from advisor.adapter import ADAPTER, Adapter, adapter_of
from advisor.assemble import Guidance, build_index, open_advisor
from advisor.config import Settings, shipped, silence_vendors
from advisor.corpus import questions_of, read_corpus
from advisor.errors import QuestionError
from advisor.evidence import MOST_RERANKED, reranked, to_rank
from advisor.index import ExactIndex
from advisor.pipeline import Advisor
from advisor.quote import QuotingAnswerer
from advisor.reader import PLAIN, READER
from advisor.retrieve import HybridRetriever
from advisor.weights import DECISION, RANKING, WEIGHTS, Trees, learnt, trees_of
from evals.adapting import Asked, learn_adapter, sentences_and_questions
from evals.cases import FOLDER, FOREIGN, Case, read_cases
from evals.learn import FOLDS, Row, fold_of, learn_decision, learn_ranking, learn_sentences
from evals.metrics import flat, section
from evals.reading import learn_plain, learn_reader
from evals.run import whole
from evals.single import advisor_on, prepared_home, write_article

SENTENCES = 3  # of a question, that the reader learns from
LEFT_OUT = 4  # of the questions our sections list, one in so many is measured
# The texts on other careers that the reader learns from; what its verdict is worth without listed questions is measured on the rest.
FIRST = (
    "court-interpreter", "diplomat", "fire-captain", "harbor-pilot", "head-chef", "land-surveyor", "museum-curator",
    "orchestra-conductor", "sound-engineer", "structural-engineer", "veterinary-practice-owner", "wind-turbine-technician",
)  # fmt: skip


@dataclass(frozen=True)
class Without:
    """What was learnt without one fold of the questions: the adapter, and the ranking once that is learnt."""

    adapter: Adapter
    ranking: Trees | None = None


def seen(
    advisor: Advisor,
    question: str,
    answered: bool,
    weight: float,
    holds: Any = None,
    *,
    without: Case | None = None,
    group: str = "",
    folds: Sequence[Without] = (),
) -> Row:
    """Runs a question up to the decision; `holds(sentence)` labels sentences, or None where nothing does.

    `without` takes away the sections that answer a case; of `folds` the one that the group belongs to is used.
    """
    answerer = advisor.answerer()
    assert isinstance(answerer, QuotingAnswerer)
    query, group = answerer.resolved(question, []), group or question
    fold = folds[fold_of(group)] if folds else None
    retriever = advisor.retriever()
    if fold and isinstance(retriever, Guidance):
        retriever = retriever_with(retriever, fold.adapter)
    passages = retriever.search(query, advisor.passages * (2 if without else 1))
    if without:
        gone = {flat(r) for r in without.relevant}
        passages = [p for p in passages if flat(section(p.chunk)) not in gone][: advisor.passages]
    asked, vector, sentences = answerer.read(query, passages)
    chosen = reranked(sentences, fold.ranking if fold else None) if any(p.listed for p in passages) else sentences
    features = decide.features(asked, vector, answerer.encoder, passages, sentences, answerer.frequency)[:-3]
    labelled = tuple((s.features, bool(holds(s))) for s in sentences) if holds else ()
    best = sentences[:MOST_RERANKED]
    ranked = to_rank(best) if holds and best and best[0].near is not None else None
    read, *texts = decide.to_read(asked, chosen[:SENTENCES])
    holding = tuple(bool(holds(s)) for s in chosen[:SENTENCES]) if holds else ()
    return Row(question, answered, weight, features, labelled, without is None, group, (read, tuple(texts)), ranked, holding)


@lru_cache(maxsize=FOLDS)
def retriever_with(guidance: Guidance, adapter: Adapter) -> HybridRetriever:
    """The search of some guidance with another adapter."""
    return HybridRetriever(guidance.library, ExactIndex(guidance.library.vectors), guidance.encoder, adapter)


def holds_fact(case: Case) -> Any:
    """Whether a sentence holds an expected fact, and stands in a relevant section where those are known."""
    relevant = {flat(r) for r in case.relevant}
    facts = [flat(a) for fact in case.facts for a in fact]

    def holds(sentence: Any) -> bool:
        return (not relevant or flat(section(sentence.chunk)) in relevant) and any(a in flat(sentence.text) for a in facts)

    return holds


def fact_rows(advisor: Advisor, cases: Iterable[Case], weight: float = 1.0, folds: Sequence[Without] = ()) -> Iterator[Row]:
    """Cases that expect facts, for what of a passage answers."""
    for case in cases:
        if case.facts and case.outcome == "answered":
            yield seen(advisor, followed(advisor, case), True, weight, holds_fact(case), group=group_of(case), folds=folds)


def group_of(case: Case) -> str:
    """What is left out together: a case, however it is asked, and the others that ask the same."""
    return case.group or case.id


def asked_without(advisor: Advisor) -> tuple[Any, list[Asked]]:
    """All sentences of the guidance and what is asked about them, for adapters."""
    answerer, guidance = advisor.answerer(), advisor.retriever()
    assert isinstance(answerer, QuotingAnswerer)
    assert isinstance(guidance, Guidance)
    cases = [c for c in own_cases() if c.facts and c.outcome == "answered"]
    return sentences_and_questions(guidance, [(c, answerer.resolved(followed(advisor, c), []), group_of(c)) for c in cases])


def own_cases() -> Iterator[Case]:
    for path in sorted(FOLDER.glob("*.jsonl")):
        yield from (c for c in read_cases(path, "tune") if c.outcome != "chat")


def foreign_cases() -> Iterator[tuple[Path, list[Case]]]:
    """The texts on other careers that may be learnt from, each with its cases."""
    for cases in sorted((FOREIGN / "tune").glob("*.cases.jsonl")):
        name = cases.name.removesuffix(".cases.jsonl")
        yield next(p for p in cases.parent.glob(f"{name}*") if p != cases), read_cases(cases)


def own_rows(advisor: Advisor, folds: Sequence[Without] = ()) -> Iterator[Row]:
    """Our cases of the split `tune`; near misses outnumber the other kinds and weigh less."""
    for case in own_cases():
        more: Any = {"group": group_of(case), "folds": folds}
        for question in dict.fromkeys((case.standalone or case.question, followed(advisor, case))):
            try:
                if advisor.answerer().replies.to(question) is not None:  # type: ignore[attr-defined]
                    continue
                question = advisor.taken(question)
            except QuestionError:
                continue
            if case.outcome == "answered":
                yield seen(advisor, question, True, 1.5, holds_fact(case) if case.facts else None, **more)
                if case.relevant:
                    yield seen(advisor, question, False, 0.5, without=case, **more)
            else:
                yield seen(advisor, question, False, 0.6 if "near-miss" in case.tags else 1.0, **more)


def followed(advisor: Advisor, case: Case) -> str:
    """The last question of a case as it is searched after the ones before it; one that stands alone as it is asked."""
    if len(case.turns) == 1:
        return case.question
    answerer = advisor.answerer()
    assert isinstance(answerer, QuotingAnswerer)
    return whole(case.turns, answerer.resolved)


def foreign_rows(settings: Settings, folds: Sequence[Without] = ()) -> Iterator[Row]:
    for text, cases in foreign_cases():
        with advisor_on(settings, text) as single:
            for case in cases:
                answered = case.outcome == "answered"
                yield seen(single, case.question, answered, 2.0, holds_fact(case) if answered else None, group=text.name, folds=folds)
                if answered:
                    yield seen(single, case.question, False, 1.0, without=case, group=text.name, folds=folds)


def clapnq_rows(settings: Settings, folder: Path, weight: float, *, facts: bool, folds: Sequence[Without] = ()) -> Iterator[Row]:
    """Questions on single articles about anything; which of their sentences people chose, or whether there was an answer."""
    for file, answered in (("answerable", True), ("unanswerable", False)):
        for line in (folder / f"{file}.jsonl").read_text(encoding="utf-8").splitlines() if answered or not facts else ():
            record = json.loads(line)
            passage = record["passages"][0]
            chosen = [flat(s) for output in record["output"] for s in output["selected_sentences"]] if facts else []

            def holds(sentence: Any, chosen: Sequence[str] = chosen) -> bool:
                return len(sentence.text) > 20 and any(flat(sentence.text) in c for c in chosen)

            with tempfile.TemporaryDirectory() as scratch:
                article = write_article(Path(scratch), passage["title"], passage["text"])
                with advisor_on(settings, article) as one:
                    row = seen(one, record["input"], answered, weight, holds if facts else None, group=record["id"], folds=folds)
                    yield replace(row, judged=False)


def listed_rows(advisor: Advisor, folds: Sequence[Without] = ()) -> Iterator[Row]:
    """The questions that our guides list, for guidance in which nothing lists them."""
    for guide in read_corpus(shipped("corpus")).guidance:
        for question in questions_of(guide):
            yield seen(advisor, question, True, 0.5, folds=folds)


def left_out_rows(settings: Settings, folds: Sequence[Without] = ()) -> Iterator[Row]:
    """The questions that our sections list, each half measured on guidance that lists the other half only."""
    for half in (0, 1):
        left: list[str] = []

        def kept(match: re.Match[str], half: int = half, left: list[str] = left) -> str:
            asked = [q.strip() for q in match.group(1).split("|")]
            left.extend(asked[1 - half :: 2])
            return f"Asked: {' | '.join(asked[half::2])}"

        with tempfile.TemporaryDirectory() as scratch:
            for path in shipped("corpus").iterdir():
                text = path.read_text(encoding="utf-8") if path.is_file() else ""
                (Path(scratch) / path.name).write_text(re.sub(r"^Asked: (.+)$", kept, text, flags=re.M), encoding="utf-8")
            with advisor_on(settings, Path(scratch)) as advisor:
                for question in left[::LEFT_OUT]:
                    yield seen(advisor, question, True, 0.3, folds=folds)


def stripped_corpus(folder: Path) -> Path:
    """The shipped guidance as plain text: no front matter, no sources, no questions."""
    for path in shipped("corpus").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        if text.startswith("---"):
            body = text.split("\n---\n", 1)[1]
            (folder / path.name).write_text(re.sub(r"^(?:Asked|Sources): .*\n\n?", "", body, flags=re.M), encoding="utf-8")
    return folder


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals.train", description="Learn what advisor/ decides by from the tune cases.")
    parser.add_argument("--home", type=Path, required=True, help="data folder for the indexes it builds")
    parser.add_argument("--clapnq", type=Path, help="folder with answerable.jsonl and unanswerable.jsonl")
    parser.add_argument("--reader", action="store_true", help="learn the readers anew too, which takes three hours more")
    options = parser.parse_args(arguments)
    silence_vendors()
    settings = prepared_home(options.home)
    build_index(settings, shipped("corpus"))
    ours = open_advisor(settings, remember=False)
    sentences, asked = asked_without(ours)
    folds = [Without(adapter_of(learn_adapter(sentences, [a for a in asked if fold_of(a.group) != f]))) for f in range(FOLDS)]
    np.savez_compressed(ADAPTER, **learn_adapter(sentences, asked))
    listed = list(fact_rows(ours, own_cases(), folds=folds))
    folds = [replace(fold, ranking=trees_of(learn_ranking([r for r in listed if fold_of(r.group) != f]))) for f, fold in enumerate(folds)]
    np.savez_compressed(RANKING, **learn_ranking(listed))
    with tempfile.TemporaryDirectory() as scratch, advisor_on(settings, stripped_corpus(Path(scratch))) as plain:
        facts = [*listed, *fact_rows(plain, own_cases(), 0.5)]
        for text, cases in foreign_cases():
            with advisor_on(settings, text) as single:
                facts += fact_rows(single, cases)
        if options.clapnq:
            facts += clapnq_rows(settings, options.clapnq, 0.15, facts=True)
        print(f"{len(facts)} questions with facts; fitting", flush=True)
        sentence = learn_sentences(facts)
        WEIGHTS.write_text(json.dumps({"sentence": sentence, "threshold": decide.threshold()}) + "\n", encoding="utf-8")
        learnt.cache_clear()
        own = list(own_rows(ours, folds))
        rows = [*own, *listed_rows(ours, folds), *own_rows(plain, folds), *listed_rows(plain, folds)]
    foreign, before = list(foreign_rows(settings, folds)), len(rows)
    rows += [*foreign, *left_out_rows(settings, folds)]
    if options.clapnq:
        rows += clapnq_rows(settings, options.clapnq, 0.8, facts=False, folds=folds)
    print(f"{len(rows)} questions to decide; fitting", flush=True)
    threshold, decision, odds = learn_decision(rows, ours.answerer().encoder)  # type: ignore[attr-defined]
    WEIGHTS.write_text(json.dumps({"sentence": sentence, "threshold": round(threshold, 3)}) + "\n", encoding="utf-8")
    np.savez_compressed(DECISION, **decision)
    learnt.cache_clear()  # the plain reader is held against the new threshold
    if options.reader:
        first = np.array([row.group.split(".")[0] in FIRST for row in foreign])
        known, unknown = ([row for row, one in zip(foreign, first, strict=True) if one == which] for which in (True, False))
        np.savez_compressed(READER, **learn_reader(own, odds[: len(own)], known))
        np.savez_compressed(PLAIN, **learn_plain(unknown, odds[before : before + len(foreign)][~first], known))
    print("Learnt. Run: python -m evals.run, then python -m evals.gate")
    return 0


if __name__ == "__main__":
    sys.exit(main())
