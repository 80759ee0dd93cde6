"""CAsT-19 follow-ups: which words of the human rewrite the resolver adds, and which others (no model).

Format: `1_Original.tsv`, `10_Human.tsv` with conversation_id, turn_id, id and query. The words added are the
content words of a rewrite that the turn itself lacks, as in QuReTeC (Voskarides et al. 2020).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from advisor.condense import condense
from advisor.resolve import EVEN, joined
from advisor.types import Exchange
from advisor.words import FUNCTION_WORDS
from evals.bench.figures import Figure, Outcome, Progress, columns
from evals.metrics import mean, rouge_l
from evals.run import shipped_resolver, whole

PUBLISHED = (
    ("Rule-based", "added terms, recall / precision", "0.593 / 0.623"),
    ("Transformer++ (GPT-2)", "added terms, recall / precision", "0.610 / 0.642"),
    ("QuReTeC (a learned classifier of terms)", "added terms, recall / precision", "0.708 / 0.717"),
)


def words(text: str) -> set[str]:
    """The content words of a text, in lower case."""
    return {w for w in re.findall(r"[a-z0-9]+", text.lower()) if w not in FUNCTION_WORDS and len(w) > 1}


def added(turn: str, rewritten: str) -> set[str]:
    return words(rewritten) - words(turn)


def run(folder: Path, report: Progress) -> Outcome:
    """Recall and precision of the added words over all turns, and ROUGE-L against the human rewrite.

    Of the words that are likelier meant than not, at the bar where those too many and too few are as many; and of those that are
    searched with, which are more, since a search suffers more from a word too few.
    """
    turns = list(columns(folder / "1_Original.tsv", "conversation_id", "query"))
    human = [query for (query,) in columns(folder / "10_Human.tsv", "query")]
    resolver = shipped_resolver()

    def likelier(turn: str, history: Sequence[Exchange]) -> str:
        queries = [exchange.query for exchange in history]
        return joined(turn, resolver.meant(turn, queries, EVEN)) if resolver and queries else condense(turn, history)

    def searched(turn: str, history: Sequence[Exchange]) -> str:
        return condense(turn, history, resolver)

    figures: list[Figure] = []
    for what, resolved in (("", likelier), (" as searched", searched)):
        ours = list(rewritten(turns, resolved))
        pairs = [(added(turn, ref), added(turn, our)) for (_, turn), ref, our in zip(turns, human, ours, strict=True)]
        common, wanted, given = (
            sum(len(x) for x in some) for some in ((a & b for a, b in pairs), (a for a, _ in pairs), (b for _, b in pairs))
        )
        rouge = mean([rouge_l(our, ref) for our, ref in zip(ours, human, strict=True)])
        figures += [
            Figure(f"CAsT-19 rewrites{what}, added terms, recall", common / max(wanted, 1), wanted),
            Figure(f"CAsT-19 rewrites{what}, added terms, precision", common / max(given, 1), given),
            Figure(f"CAsT-19 rewrites{what}, ROUGE-L", rouge, len(turns)),
        ]
    return Outcome("cast", tuple(figures), PUBLISHED)


def rewritten(turns: Iterable[Sequence[str]], resolved: Callable[[str, Sequence[Exchange]], str]) -> Iterator[str]:
    """Each turn, given with its conversation, as it is resolved after those before it."""
    asked: defaultdict[str, list[str]] = defaultdict(list)
    for conversation, turn in turns:
        asked[conversation].append(turn)
        yield whole(asked[conversation], resolved)
