"""Runs that part by a hair are named, with how far they would go together."""

from __future__ import annotations

import numpy as np

from lrdecay.sweep.near import NearMiss, near_misses
from lrdecay.sweep.tree import Line, plan_tree


def test_a_last_bit_is_a_near_miss_and_is_not_merged() -> None:
    a = np.array([0.1, 0.1, 0.01, 0.01, 0.5])
    b = np.array([0.1, 0.1, 0.1 * 0.1, 0.1 * 0.1, 0.6])
    far = np.array([0.1, 0.1, 0.0100001, 0.01, 0.5])
    tree = plan_tree([Line(b"", v) for v in (a, far, b)])

    assert a[2] != b[2]
    assert len([n for n in tree.nodes if n.parent == 0]) == 3
    assert near_misses(tree) == [NearMiss((0, 2), at=2, until=4)]


def test_runs_that_part_at_their_first_update_are_looked_at_too_and_other_headers_are_not() -> None:
    a, b = np.full(3, 0.3), np.full(3, 0.1 + 0.2)
    assert near_misses(plan_tree([Line(b"x", a), Line(b"x", b)])) == [NearMiss((0, 1), 0, 3)]
    assert near_misses(plan_tree([Line(b"x", a), Line(b"y", b)])) == []
    assert near_misses(plan_tree([Line(b"x", a), Line(b"x", a)])) == []


def test_the_columns_of_a_plan_must_all_be_near() -> None:
    a = np.array([[0.3, 0.9], [0.3, 0.9]])
    b, c = a.copy(), a.copy()
    b[1, 0] = 0.1 + 0.2
    c[1] = [0.1 + 0.2, 0.8]
    assert near_misses(plan_tree([Line(b"", a), Line(b"", b)])) == [NearMiss((0, 1), 1, 2)]
    assert near_misses(plan_tree([Line(b"", a), Line(b"", c)])) == []
