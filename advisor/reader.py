"""A small cross-encoder: whether sentences hold what a question asks, read together with it.

Where vectors and words leave the decision unsure, it reads the question and each of the best sentences as one
text. It is the embedding model with its top layers learnt anew (`reader.npz` holds the difference, see
`evals/reading.py`), exported beside it by `export.py`; without the export the decision is made without it.
"""

from __future__ import annotations

import hashlib
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from advisor.session import Session

log = logging.getLogger(__name__)

READER = Path(__file__).parent / "reader.npz"
SENTENCES = 3  # that are read
QUESTION_TOKENS, TEXT_TOKENS = 40, 100


@dataclass(frozen=True, slots=True)
class Learnt:
    """What the reader's verdict is worth beside the trees' log odds, and how near to the bar they are where it is asked.

    `shift` is what its verdict adds to questions at the bar: without it, more or fewer would be declined.
    """

    model: str
    weight: float
    shift: float
    margin: float


@lru_cache(maxsize=1)
def learnt() -> Learnt:
    """How `reader.npz` says that the reader is used."""
    import numpy as np

    with np.load(READER, allow_pickle=False) as held:
        return Learnt(*(held[name].item() for name in Learnt.__slots__))


def differences() -> dict[str, Any]:
    """What is added to the embedding model's parameters, by name, and the head's `head.weight` and `head.bias`."""
    import numpy as np

    with np.load(READER, allow_pickle=False) as held:
        names = [name for name in held.files if name not in Learnt.__slots__ and not name.endswith(" step")]
        steps = {name: held[f"{name} step"] for name in names if f"{name} step" in held.files}
        return {name: held[name].astype(np.float32) * steps.get(name, np.float32(1)) for name in names}


def exported(folder: Path) -> Path:
    """Where the reader's export is kept: beside the embedding model's, under a name that changes with what was learnt."""
    return folder / f"reader-{hashlib.sha256(READER.read_bytes()).hexdigest()[:12]}.onnx"


def goes_with(stamp: str) -> bool:
    """Whether the reader was learnt from this embedding model."""
    return stamp.split("@")[0] == learnt().model


def open_reader(folder: Path, stamp: str) -> Reader | None:
    """The reader exported to `folder`, or None where there is none or the embedding model is another."""
    path = exported(folder)
    if not goes_with(stamp) or not path.is_file():
        return None
    try:
        return Reader(path, folder / "tokenizer.json")
    except Exception as error:  # ONNX Runtime's faults have no common type; the decision is made without it
        log.warning("the exported reader in %s is damaged (%s); run: advisor index", folder, type(error).__name__)
        path.unlink(missing_ok=True)
        return None


class Reader:
    """The exported cross-encoder on the processor: three sentences in some ten milliseconds."""

    def __init__(self, model: Path, tokenizer: Path) -> None:
        from tokenizers import Tokenizer

        self._session = Session(model, 2)
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()

    def read(self, question: str, texts: Sequence[str]) -> float:
        """Whether one of the texts answers: log odds, the better the higher."""
        return together(self.scores([paired(self._tokenizer, question, text) for text in texts]))

    def scores(self, pairs: Sequence[tuple[list[int], list[int]]]) -> list[float]:
        """The verdict on each pair alone."""
        import numpy as np

        longest = max(len(ids) for ids, _ in pairs)
        feed = {name: np.zeros((len(pairs), longest), dtype=np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
        for row, (ids, kinds) in enumerate(pairs):
            feed["input_ids"][row, : len(ids)] = ids
            feed["token_type_ids"][row, : len(ids)] = kinds
            feed["attention_mask"][row, : len(ids)] = 1
        return [float(score) for score in self._session.run(feed)]


def paired(tokenizer: Any, question: str, text: str) -> tuple[list[int], list[int]]:
    """Token ids and kinds of a question and a text as the reader takes them."""
    opening, closing = tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")
    asked = tokenizer.encode(question, add_special_tokens=False).ids[:QUESTION_TOKENS]
    told = tokenizer.encode(text, add_special_tokens=False).ids[:TEXT_TOKENS]
    return [opening, *asked, closing, *told, closing], [0] * (len(asked) + 2) + [1] * (len(told) + 1)


def together(scores: Sequence[float]) -> float:
    """Many verdicts as one: that at least one text answers."""
    most = max(scores)
    return most + math.log(sum(math.exp(score - most) for score in scores))
