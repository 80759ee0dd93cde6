"""Small cross-encoders: whether a sentence holds what a question asks, and whether evidence supports a claim.

Each reads two texts together as one: the reader a question and one of the best sentences, where vectors and
words leave the decision unsure; where the guidance lists no questions another reader, learnt from texts on other careers, always;
the checker a claim that a model wrote and its evidence; the resolver (`resolve.py`) a question and those before it. They are the
embedding model with its top layers learnt anew (`reader.npz`, `plain.npz`, `checker.npz` and `resolver.npz` hold the difference,
see `evals/reading.py`, `evals/checking.py` and `evals/resolving.py`), exported beside it by `export.py`; without the exports it is
decided without them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from advisor.session import Session, tokenizer_at

log = logging.getLogger(__name__)

READER, PLAIN, CHECKER, RESOLVER = (Path(__file__).parent / f"{name}.npz" for name in ("reader", "plain", "checker", "resolver"))
FORM = "tokens"  # of the exports: a verdict a token, the first being on the whole
QUESTION = (40, 100)  # tokens of a question and of a text, at most
# Sentences that are read before a question is declined: of two that are nearly as good the second may be the one.
BEST, BEST_PLAIN = 2, 3
CLAIM = (70, 150)  # of a claim and of its evidence


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a verdict is worth beside the trees' log odds, and how near to the bar they are where it is asked for.

    `shift` is what the verdict adds at the bar: without it, more or less would pass; `scale` makes odds of both together.
    """

    model: str
    weight: float = 1.0
    shift: float = 0.0
    margin: float = 0.0
    scale: float = 1.0


@lru_cache(maxsize=4)
def learnt(path: Path = READER) -> Learnt:
    """How the file of a cross-encoder says that it is used."""
    import numpy as np

    with np.load(path, allow_pickle=False) as held:
        return Learnt(**{name: held[name].item() for name in Learnt.__slots__ if name in held})


def differences(path: Path = READER) -> dict[str, Any]:
    """What is added to the embedding model's parameters, by name, and the head's `head.weight` and `head.bias`."""
    import numpy as np

    with np.load(path, allow_pickle=False) as held:
        names = [name for name in held.files if name not in Learnt.__slots__ and not name.endswith(" step")]
        steps = {name: held[f"{name} step"] for name in names if f"{name} step" in held.files}
        return {name: held[name].astype(np.float32) * steps.get(name, np.float32(1)) for name in names}


def exported(folder: Path, path: Path = READER) -> Path:
    """Where the export is kept: beside the embedding model's, under a name that changes with what was learnt."""
    return folder / f"{path.stem}-{FORM}-{hashlib.sha256(path.read_bytes()).hexdigest()[:12]}.onnx"


def goes_with(stamp: str, path: Path = READER) -> bool:
    """Whether a cross-encoder was learnt from this embedding model."""
    return stamp.split("@")[0] == learnt(path).model


def open_reader(folder: Path, stamp: str, path: Path = READER) -> Reader | None:
    """The cross-encoder exported to `folder`, or None where there is none or the embedding model is another."""
    export = exported(folder, path)
    if not goes_with(stamp, path) or not export.is_file():
        return None
    try:
        return Reader(export, folder / "tokenizer.json")
    except Exception as error:  # ONNX Runtime's faults have no common type; it is decided without it
        log.warning("the exported %s in %s is damaged (%s); run: advisor index", path.stem, folder, type(error).__name__)
        export.unlink(missing_ok=True)
        return None


class Reader:
    """An exported cross-encoder on the processor: a sentence in some ten milliseconds."""

    def __init__(self, model: Path, tokenizer: Path) -> None:
        self._session = Session(model, 2)
        self.tokenizer = tokenizer_at(tokenizer)

    def read(self, question: str, text: str) -> float:
        """Whether the text answers: log odds, the better the higher."""
        return self.scores([paired(self.tokenizer, question, text)])[0]

    def check(self, claim: str, evidence: str) -> float:
        """Whether the evidence supports the claim: log odds, the better the higher."""
        return self.scores([paired(self.tokenizer, claim, evidence, CLAIM)])[0]

    def scores(self, pairs: Sequence[tuple[list[int], list[int]]]) -> list[float]:
        """The verdict on each pair alone."""
        return [float(tokens[0]) for tokens in self.tokens(pairs)]

    def tokens(self, pairs: Sequence[tuple[list[int], list[int]]]) -> Any:
        """The verdict on each token of each pair, shape (pairs, tokens of the longest)."""
        import numpy as np

        longest = max(len(ids) for ids, _ in pairs)
        feed = {name: np.zeros((len(pairs), longest), dtype=np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
        for row, (ids, kinds) in enumerate(pairs):
            feed["input_ids"][row, : len(ids)] = ids
            feed["token_type_ids"][row, : len(ids)] = kinds
            feed["attention_mask"][row, : len(ids)] = 1
        return self._session.run(feed)


def paired(tokenizer: Any, question: str, text: str, most: tuple[int, int] = QUESTION) -> tuple[list[int], list[int]]:
    """Token ids and kinds of a question and a text, or a claim and its evidence, of each no more than so many."""
    opening, closing = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    asked = tokenizer.encode(question, add_special_tokens=False).ids[: most[0]]
    told = tokenizer.encode(text, add_special_tokens=False).ids[: most[1]]
    return [opening, *asked, closing, *told, closing], [0] * (len(asked) + 2) + [1] * (len(told) + 1)
