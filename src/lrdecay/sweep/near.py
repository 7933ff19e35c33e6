"""Near misses: runs that part although their values are the same to twelve digits. Reported, never merged.

Two spellings of one idea (0.1 * 0.1 and 0.01) may round apart in the last bit and so train a trunk twice. Which of two
bits was meant is the user's to say. Two values are near where they differ by at most 1e-12 of the larger.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from attrs import asdict, frozen
from numpy.typing import NDArray

from lrdecay.runs.trainable import FloatArray
from lrdecay.sweep.tree import Node, Tree

__all__ = ["TOLERANCE", "NearMiss", "near_misses"]

TOLERANCE = 1e-12
"""Relative."""


@frozen
class NearMiss:
    """Two runs that would share more updates if values that are nearly equal were equal."""

    runs: tuple[int, int]
    at: int  # the update where they part
    until: int  # they are near in the updates at .. until - 1

    def to_json(self) -> dict[str, object]:
        """As a JSON object."""
        return asdict(self) | {"runs": list(self.runs)}


def near_misses(tree: Tree) -> list[NearMiss]:
    """One for each pair of neighbouring branches that part by a hair; runs by their numbers in ``tree.lines``."""
    found = []
    for siblings in _siblings(tree):
        if len(siblings) < 2:
            continue
        at = siblings[0].start
        runs = [int(tree.order[node.first]) for node in siblings]
        rows = np.stack([np.atleast_1d(tree.lines[run].values[at]) for run in runs])
        ranked = np.lexsort(rows.T[::-1])
        for a, b in pairwise(ranked.tolist()):
            if _near(rows[a], rows[b]).all():
                until = at + _length(tree.lines[runs[a]].values[at:], tree.lines[runs[b]].values[at:])
                found.append(NearMiss((min(runs[a], runs[b]), max(runs[a], runs[b])), at, until))
    return found


def _siblings(tree: Tree) -> Iterator[list[Node]]:
    """The children of each node, and the first nodes of each header."""
    first: dict[bytes, list[Node]] = {}
    for node in tree.nodes:
        if node.parent < 0:
            first.setdefault(tree.lines[int(tree.order[node.first])].header, []).append(node)
        yield [tree.nodes[i] for i in node.children]
    yield from first.values()


def _near(a: FloatArray, b: FloatArray) -> NDArray[np.bool_]:
    return np.asarray(np.abs(a - b) <= TOLERANCE * np.maximum(np.abs(a), np.abs(b)))


def _length(a: FloatArray, b: FloatArray) -> int:
    """How many updates two runs stay near."""
    n = min(len(a), len(b))
    far = np.asarray(~_near(a[:n], b[:n])).reshape(n, -1).any(axis=1)
    return int(far.argmax()) if far.any() else n
