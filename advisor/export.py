"""A sentence-transformers model as ONNX, written whole and only where it agrees with the original."""

from __future__ import annotations

import json
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any

from advisor.encode import OnnxEncoder, SentenceTransformerEncoder

log = logging.getLogger(__name__)

TOLERANCE = 1e-5
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
    scratch = Path(tempfile.mkdtemp(prefix="export-", dir=folder.parent))
    try:
        _write_graph(encoder, scratch)
        _fuse(scratch / "model.onnx", getattr(_transformer(encoder).config, "num_attention_heads", 0), encoder.dimensions)
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
    except OSError:
        raise
    except Exception as error:  # torch raises what it likes for models it cannot trace
        fault = f"{type(error).__name__}: {str(error)[:200]}"
        log.warning("the model %s cannot be exported (%s); serving with sentence-transformers", encoder.name, fault)
        return False
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


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


def _fuse(path: Path, heads: int, width: int) -> None:
    """Puts the steps of attention together, a tenth quicker; a graph that does not lend itself to it stays as it is."""
    try:
        from onnxruntime.transformers import optimizer

        fused = optimizer.optimize_model(str(path), model_type="bert", num_heads=heads, hidden_size=width, opt_level=0)
        fused.save_model_to_file(str(path))
    except Exception as error:  # of whatever kind: what is written is compared with the original anyway
        log.info("the exported graph was not fused (%s: %s)", type(error).__name__, error)
