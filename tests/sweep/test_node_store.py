"""Finished nodes in a folder: read back the same, replaced, and none counted that a kill cut short."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lrdecay.errors import RunError
from lrdecay.runs.trace import Trace
from lrdecay.sweep.node_store import FolderNodes

KEY = "a" * 64


def trace(last: float = math.inf) -> Trace:
    return Trace(np.arange(3, 6), np.full(3, math.nan), np.full(3, 0.1), np.array([1 / 3, math.nan, last]))


def test_a_node_is_read_back_to_the_bit_and_the_last_one_of_a_key_counts(tmp_path) -> None:
    nodes = FolderNodes(tmp_path)
    assert nodes.node(KEY) is None
    nodes.put_node(KEY, {"start": 3, "measured": {"5": {"loss": "nan"}}}, trace())
    nodes.put_node("b" * 64, {"start": 0}, trace())
    nodes.put_node(KEY, {"start": 0, "measured": {}}, trace(7.0))

    for store in (nodes, FolderNodes(tmp_path)):
        record, found = store.node(KEY)
        assert record == {"start": 0, "measured": {}}
        assert found.loss.tobytes() == trace(7.0).loss.tobytes()
        assert found.step.tolist() == [3, 4, 5]


def test_a_line_cut_short_loses_only_that_node(tmp_path) -> None:
    nodes = FolderNodes(tmp_path)
    nodes.put_node(KEY, {"start": 0}, trace())
    nodes.put_node("b" * 64, {"start": 0}, trace())
    path = tmp_path / "nodes.jsonl"
    path.write_bytes(path.read_bytes()[:-9])

    assert FolderNodes(tmp_path).node(KEY) is not None
    assert FolderNodes(tmp_path).node("b" * 64) is None


def test_a_node_whose_trace_is_gone_is_an_error(tmp_path) -> None:
    FolderNodes(tmp_path).put_node(KEY, {"start": 0}, trace())
    next((tmp_path / "nodes").iterdir()).unlink()
    with pytest.raises(RunError, match="must have the trace of each node"):
        FolderNodes(tmp_path).node(KEY)
