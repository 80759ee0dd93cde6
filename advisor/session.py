"""ONNX Runtime sessions and the tokenizer before them: what each may take, and how many run at the same time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from advisor.config import cores

# Each run has memory of its own, and more runs than processors do not end sooner: eight questions at once took 70 MB
# less, and no longer, when they waited for one another here. A run on two threads takes two processors.
_RUNNING = threading.BoundedSemaphore(cores())
_RUNNING_ON_TWO = threading.BoundedSemaphore(max(1, cores() // 2))
# A question is worked on where there is a processor for it. Only one thread at a time runs Python, and many at work take
# turns so often that those who merely pass words on, from a model or to a browser, hardly get one. What a model wrote is checked
# while it writes on, which can wait; a search cannot, because the model is asked after it: of several places checks leave one free.
WORKING = threading.BoundedSemaphore(cores())
CHECKING = threading.BoundedSemaphore(max(1, cores() - 1))


@lru_cache(maxsize=4)
def tokenizer_at(path: Path) -> Any:
    """The tokenizer that is kept at a path, read once; it neither cuts nor pads."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


class Session:
    """A model's graph on the processor, for any number of threads; no more runs of one kind go on at a time than there are cores for.

    `threads`, one or two, are those of one run: two while serving, one in building an index. Raises what ONNX Runtime raises for
    a file that is no model.
    """

    def __init__(self, path: Path, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = min(threads, cores())
        self._running = _RUNNING_ON_TWO if threads > 1 else _RUNNING
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # quicker even on a busy machine
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = [entry.name for entry in self._session.get_inputs()]

    def run(self, feed: Mapping[str, Any]) -> Any:
        """The graph's first output for these inputs; what it does not take is left out."""
        with self._running:
            return self._session.run(None, {name: feed[name] for name in self.inputs})[0]
