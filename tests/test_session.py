"""Graphs run by ONNX Runtime: only what they take is handed over, and no more run at once than there are cores."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from advisor.config import cores
from advisor.session import Session


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    """A graph that adds its one input to itself."""
    shape = (
        helper.make_tensor_value_info("given", TensorProto.FLOAT, [None]),
        helper.make_tensor_value_info("made", TensorProto.FLOAT, [None]),
    )
    graph = helper.make_graph([helper.make_node("Add", ["given", "given"], ["made"])], "doubling", [shape[0]], [shape[1]])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "doubling.onnx")
    return tmp_path / "doubling.onnx"


def test_a_graph_gets_what_it_takes_and_nothing_else(doubling: Path) -> None:
    session = Session(doubling, threads=1)
    assert session.inputs == ["given"]
    assert session.run({"given": np.array([1.5], dtype=np.float32), "other": None}).tolist() == [3.0]


@pytest.mark.parametrize(("threads", "at_once"), [(1, cores()), (2, max(1, cores() // 2))])
def test_no_more_runs_go_on_at_once_than_there_are_cores_for(doubling: Path, threads: int, at_once: int) -> None:
    running, most, lock = 0, 0, threading.Lock()

    class Slow:
        def run(self, names: None, feed: Any) -> list[Any]:
            nonlocal running, most
            with lock:
                running += 1
                most = max(most, running)
            time.sleep(0.02)
            with lock:
                running -= 1
            return [feed["given"]]

    sessions = [Session(doubling, threads) for _ in range(2)]
    for session in sessions:
        session._session = Slow()
    askers = [threading.Thread(target=sessions[n % 2].run, args=({"given": n},)) for n in range(4 * cores())]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert most == at_once


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "no.onnx").write_bytes(b"no model")
    with pytest.raises(Exception, match=r"no\.onnx"):
        Session(tmp_path / "no.onnx", threads=1)
