"""A sentence-transformers model, and the cross-encoders made from it, as ONNX: whole, and only where they agree with the originals."""

from __future__ import annotations

import copy
import filecmp
import json
import logging
import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from advisor.encode import OnnxEncoder, SentenceTransformerEncoder
from advisor.reader import READER, RESOLVER, Reader, differences, exported, goes_with, paired

log = logging.getLogger(__name__)

TOLERANCE = 1e-5
WORDS = "words.bin"  # the words' vectors, beside the graphs that use them
LARGE = 4_000_000  # bytes, more than any layer has
READER_TOLERANCE = 0.5  # on average, in log odds, which range over ten and of which the decision takes a part
_LAST_STEP = re.compile(r"layer\.\d+/output/dense/MatMul$")
_PROBES = ("Do I need an MBA to become a CMO?", "A vice president of medical affairs aligns the medical staff.", "pay")


def export(encoder: SentenceTransformerEncoder, folder: Path) -> bool:
    """Writes the ONNX form of a loaded model into `folder`, whole or not at all.

    Returns False, and leaves nothing, for models that cannot be exported or whose export does
    not agree with sentence-transformers to 1e-5: those go on being served by it.
    """
    if (folder / "ready.json").is_file():
        return True
    import numpy as np

    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob("export-*"):  # by a build that was killed; builds hold a lock
        shutil.rmtree(left, ignore_errors=True)

    def write(scratch: Path) -> bool:
        _write_graph(encoder, scratch)
        _fuse(scratch / "model.onnx", getattr(_transformer(encoder).config, "num_attention_heads", 0), encoder.dimensions)
        _set_apart(scratch / "model.onnx")
        ready = {"max_tokens": int(encoder.model.max_seq_length or 256), "dimensions": encoder.dimensions}
        (scratch / "ready.json").write_text(json.dumps(ready))
        exported = OnnxEncoder(scratch, encoder.name)
        probes = [*_PROBES, " ".join(_PROBES) * 30]
        difference = float(np.abs(exported.encode(probes) - encoder.encode(probes)).max())
        if difference > TOLERANCE:
            log.warning("the export of %s differs by %.1e; serving with sentence-transformers", encoder.name, difference)
            return False
        shutil.rmtree(folder, ignore_errors=True)
        scratch.rename(folder)
        return True

    return _written(folder.parent, write, f"the model {encoder.name}", "serving with sentence-transformers")


def _written(parent: Path, write: Callable[[Path], bool], what: str, instead: str) -> bool:
    """What `write` gives, which works in a folder of its own; False, with a line in the log, where that cannot be exported."""
    scratch = Path(tempfile.mkdtemp(prefix="export-", dir=parent))
    try:
        return write(scratch)
    except OSError:
        raise
    except Exception as error:  # torch raises what it likes for models it cannot trace
        log.warning("%s cannot be exported (%s: %s); %s", what, type(error).__name__, str(error)[:200], instead)
        return False
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def export_reader(encoder: SentenceTransformerEncoder, folder: Path, learnt: Path = READER) -> bool:
    """Writes a cross-encoder beside the export of the embedding model that it was learnt from, with weights of eight bits.

    The resolver's weights stay as they are, which takes a third of the time: it shares the words' vectors with the embedding model,
    so that it is no larger, and reads follow-ups only.

    Returns False, and leaves nothing, for another model or where what comes out does not agree with torch.
    """
    path = exported(folder, learnt)
    if path.is_file():
        return True
    if not goes_with(encoder.name, learnt):
        return False

    def write(scratch: Path) -> bool:
        pairs = [paired(encoder.model.tokenizer.backend_tokenizer, probe, text) for probe in _PROBES for text in _PROBES]
        wanted = _write_reader(encoder, scratch, pairs, differences(learnt), small=learnt != RESOLVER)
        found = Reader(scratch / "reader.onnx", folder / "tokenizer.json").scores(pairs)
        difference = sum(abs(a - b) for a, b in zip(found, wanted, strict=True)) / len(pairs)
        if difference > READER_TOLERANCE:
            log.warning("the export of the %s differs by %.2f; deciding without it", learnt.stem, difference)
            return False
        apart = (scratch / WORDS).is_file()
        if apart and not ((folder / WORDS).is_file() and filecmp.cmp(scratch / WORDS, folder / WORDS, shallow=False)):
            log.warning("the %s has other words than the embedding model; deciding without it", learnt.stem)
            return False
        for old in folder.glob(f"{learnt.stem}-*.onnx"):
            old.unlink()
        (scratch / "reader.onnx").rename(path)
        return True

    return _written(folder.parent, write, f"the {learnt.stem}", "deciding without it")


def _write_reader(
    encoder: SentenceTransformerEncoder, folder: Path, pairs: Sequence[tuple[list[int], list[int]]], changed: dict[str, Any], *, small: bool
) -> list[float]:
    """Writes `reader.onnx`, the model with what has changed, `small` or with its words' vectors apart; what torch says of each pair."""
    import warnings

    import onnx
    import torch
    from onnx import TensorProto
    from onnxruntime.quantization import quantize_dynamic

    transformer = copy.deepcopy(_transformer(encoder))
    if hasattr(transformer, "set_attn_implementation"):
        transformer.set_attn_implementation("eager")
    head = torch.nn.Linear(encoder.dimensions, 1)
    with torch.no_grad():
        head.weight.copy_(torch.from_numpy(changed.pop("head.weight")))
        head.bias.copy_(torch.from_numpy(changed.pop("head.bias")))
        held = dict(transformer.named_parameters())
        for name, difference in changed.items():
            held[name] += torch.from_numpy(difference)

    class Read(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.transformer, self.head = transformer, head

        def forward(self, input_ids: Any, attention_mask: Any, token_type_ids: Any) -> Any:
            states = self.transformer(input_ids=input_ids, attention_mask=attention_mask, token_type_ids=token_type_ids)
            return self.head(states.last_hidden_state)[..., 0]

    model, names = Read().eval(), ["input_ids", "attention_mask", "token_type_ids"]
    inputs = [(torch.tensor([ids]), torch.ones(1, len(ids), dtype=torch.long), torch.tensor([kinds])) for ids, kinds in pairs]
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model,
            inputs[0],
            str(folder / "whole.onnx"),
            dynamo=False,
            opset_version=17,
            input_names=names,
            output_names=["scores"],
            dynamic_axes={**{name: {0: "batch", 1: "tokens"} for name in names}, "scores": {0: "batch", 1: "tokens"}},
        )
        wanted = [float(model(*one)[0, 0]) for one in inputs]
    if not small:
        (folder / "whole.onnx").rename(folder / "reader.onnx")
        _set_apart(folder / "reader.onnx")
        return wanted
    _fuse(folder / "whole.onnx", getattr(transformer.config, "num_attention_heads", 0), encoder.dimensions)
    # Seven bits, since processors without VNNI overflow on eight; fused nodes do not say that they give floats. What goes into
    # the last step of each layer has outliers, with which eight bits lose too much.
    options = {"DefaultTensorType": TensorProto.FLOAT}
    whole = [node.name for node in onnx.load(folder / "whole.onnx").graph.node if _LAST_STEP.search(node.name)]
    logging.disable(logging.WARNING)  # it advises a step that `_fuse` takes the place of
    try:
        quantize_dynamic(
            folder / "whole.onnx",
            folder / "reader.onnx",
            per_channel=True,
            reduce_range=True,
            nodes_to_exclude=whole,
            extra_options=options,
        )
    finally:
        logging.disable(logging.NOTSET)
    return wanted


def _write_graph(encoder: SentenceTransformerEncoder, folder: Path) -> None:
    import warnings

    import torch

    model, transformer = encoder.model, _transformer(encoder)
    if hasattr(transformer, "set_attn_implementation"):
        transformer.set_attn_implementation("eager")

    class Pooled(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.transformer = transformer
            self.rest = torch.nn.ModuleList(list(model)[1:])

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            features = {"input_ids": input_ids, "attention_mask": attention_mask}
            states = self.transformer(**features).last_hidden_state
            features = {"token_embeddings": states, "attention_mask": attention_mask}
            for module in self.rest:
                features = module(features)
            return torch.nn.functional.normalize(features["sentence_embedding"], dim=1)

    ids = torch.ones(1, 8, dtype=torch.long)
    axes = {"input_ids": {0: "batch", 1: "tokens"}, "attention_mask": {0: "batch", 1: "tokens"}, "vectors": {0: "batch"}}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Pooled().eval(),
            (ids, torch.ones_like(ids)),
            str(folder / "model.onnx"),
            dynamo=False,
            opset_version=17,
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            dynamic_axes=axes,
        )
    model.tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))


def _transformer(encoder: SentenceTransformerEncoder) -> Any:
    first = encoder.model[0]
    return first.model if hasattr(first, "model") else first.auto_model


def _set_apart(path: Path) -> None:
    """Moves the words' vectors into a file beside the graph: it is mapped, so that only those of words that occur take memory."""
    import onnx
    from onnx.external_data_helper import set_external_data, write_external_data_tensors

    model = onnx.load(path)
    for tensor in model.graph.initializer:
        if len(tensor.raw_data) > LARGE:
            set_external_data(tensor, WORDS)
    write_external_data_tensors(model, str(path.parent))
    onnx.save(model, path)


def _fuse(path: Path, heads: int, width: int) -> None:
    """Puts the steps of attention together, a tenth quicker; a graph that does not lend itself to it stays as it is."""
    try:
        from onnxruntime.transformers import optimizer

        fused = optimizer.optimize_model(str(path), model_type="bert", num_heads=heads, hidden_size=width, opt_level=0)
        fused.save_model_to_file(str(path))
    except Exception as error:  # of whatever kind: what is written is compared with the original anyway
        log.info("the exported graph was not fused (%s: %s)", type(error).__name__, error)
