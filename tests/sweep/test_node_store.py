"""A node is kept under the key of its end; one that was cut from another tree does not take its place."""

from __future__ import annotations

import numpy as np
from attrs import evolve

from lrdecay.runs.store.opening import open_store
from lrdecay.runs.trace import Trace
from lrdecay.sweep.node_store import own_key, seek
from lrdecay.sweep.tree import Node

NODE = Node("a" * 64, -1, 10, 30, 0, (20, 30), (0,), (), 1, 0, 1)
RECORD = {"kind": "task", "start": 10, "marks": [20, 30], "diverged": None, "digest": "d"}
TRACE = Trace(np.arange(10, 30), np.zeros(20), np.full(20, 0.1), np.ones(20))


def test_a_node_that_says_all_that_is_asked_is_found_under_the_key_of_its_end(tmp_path) -> None:
    store = open_store(f"dir:{tmp_path / 's'}")
    assert seek(store, NODE) == ("a" * 64, None)
    store.put_node("a" * 64, RECORD, TRACE)

    key, kept = seek(store, evolve(NODE, start=15, marks=(30,)))
    assert (key, kept[0]) == ("a" * 64, RECORD)


def test_one_that_does_not_is_left_where_it_is_and_another_is_kept_beside_it(tmp_path) -> None:
    store = open_store(f"dir:{tmp_path / 's'}")
    store.put_node("a" * 64, RECORD, TRACE)
    longer = evolve(NODE, start=0)
    key, kept = seek(store, longer)
    assert key == own_key(longer) != "a" * 64
    assert kept is None

    store.put_node(key, RECORD | {"start": 0}, TRACE)
    assert seek(store, longer)[1][0]["start"] == 0
    assert seek(store, NODE)[1][0] == RECORD
    assert store.check() == []


def test_what_is_asked_of_the_way_to_an_end_decides_its_own_key() -> None:
    asked = [NODE, evolve(NODE, start=5), evolve(NODE, marks=(30,)), evolve(NODE, ends=())]
    assert len({own_key(node) for node in asked}) == 4
