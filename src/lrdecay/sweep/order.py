"""Which node is trained next, and what is on disk meanwhile. Pure: the executor and the estimate ask the same object.

Freely, a worker goes on where it stands, or takes the deepest node that is ready: that keeps every worker busy and
snapshots few. Where the disk is small, each tree is gone through in the order one worker would take it: its leaves side
by side, every other node alone, so that no more snapshots live than ``Tree.peak_snapshots``, and only so many trees
are open at once.

Freely, somebody may say which runs come first (`lrdecay.sweep.priority`): then the ready node that leads to the first
of them is taken, however deep it is, so that more snapshots may live at once.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Callable, Collection, Sequence

import numpy as np
from attrs import frozen

from lrdecay.sweep.tree import Tree

__all__ = ["Frontier", "Simulated", "simulate"]


class Frontier:
    """What is done, what runs and what is ready in a tree.

    Args:
        tree: the plan.
        todo: the nodes to be trained; the others are done already. By default all.
        trees: None: freely. A number: that many trees open at once, each in order.
        ranks: gives the rank of every run as it stands, lowest first; asked before each node that is taken freely.
    """

    def __init__(
        self,
        tree: Tree,
        todo: Collection[int] | None = None,
        trees: int | None = None,
        ranks: Callable[[], Sequence[int]] | None = None,
    ) -> None:
        """Nothing has been taken."""
        self._tree, self._trees, self._ranks = tree, trees, ranks
        self._todo = set(range(len(tree.nodes)) if todo is None else todo)
        self._left = {
            i: sum(child in self._todo for child in node.children) for i, node in enumerate(tree.nodes) if node.children
        }
        self._running: set[int] = set()
        self._ready: list[tuple[int, int]] = []
        for i, node in enumerate(tree.nodes):
            if i in self._todo and node.parent not in self._todo:
                heapq.heappush(self._ready, (-node.depth, i))
        self._roots = [i for i, node in enumerate(tree.nodes) if node.parent < 0]
        self._open = list(self._roots)  # in order: trees that are not finished
        self._next = {root: root for root in self._roots}
        self._busy = dict.fromkeys(self._roots, 0)

    @property
    def finished(self) -> bool:
        """Whether everything is trained."""
        return not self._todo

    def writes(self, i: int) -> bool:
        """Whether something will start from the end of this node."""
        return self._left.get(i, 0) > 0

    def take(self, standing: int | None = None) -> int | None:
        """The node to train next; None while there is none that may start.

        Args:
            standing: the node at whose end the worker that asks stands.
        """
        if self._trees is not None:
            return self._take_in_order(self._trees)
        if self._ranks is not None:
            return self._take_first(self._ranks, standing)
        if standing is not None:
            for child in self._tree.nodes[standing].children:
                if child in self._todo and child not in self._running and standing not in self._todo:
                    self._running.add(child)
                    return child
        while self._ready:
            _, i = heapq.heappop(self._ready)
            if i in self._todo and i not in self._running:
                self._running.add(i)
                return i
        return None

    def _take_first(self, ranks: Callable[[], Sequence[int]], standing: int | None) -> int | None:
        """The ready node that leads to the run of lowest rank; of equals, one to go on with, then the deepest."""
        ready = [i for _, i in self._ready if i in self._todo and i not in self._running]
        if not ready:
            return None
        rank = np.asarray(ranks())
        nodes = self._tree.nodes

        def place(i: int) -> tuple[int, bool, int, int]:
            return int(rank[self._tree.runs(nodes[i])].min()), nodes[i].parent != standing, -nodes[i].depth, i

        first = min(ready, key=place)
        self._ready.remove((-nodes[first].depth, first))
        heapq.heapify(self._ready)
        self._running.add(first)
        return first

    def _take_in_order(self, trees: int) -> int | None:
        opened = 0
        for root in self._open:
            here = self._next[root]
            while here < self._tree.nodes[root].below and (here not in self._todo or here in self._running):
                here += 1
            self._next[root] = here  # everything before it was taken
            rest, busy = here < self._tree.nodes[root].below, self._busy[root] > 0
            opened += rest or busy
            if opened > trees:
                return None
            if rest and self._may_start(here, busy=busy):
                self._running.add(here)
                self._busy[root] += 1
                return here
        return None

    def _may_start(self, i: int, *, busy: bool) -> bool:
        node = self._tree.nodes[i]
        return node.parent not in self._todo and not (node.children and busy)

    def _finished(self, root: int) -> bool:
        """Whether nothing of a tree is left: its last node in order goes last, or the diverged one above it."""
        here, below = self._next[root], self._tree.nodes[root].below
        return all(i not in self._todo for i in range(here, below))

    def done(self, i: int, *, diverged: bool = False) -> list[int]:
        """A node was trained; gives the nodes whose snapshots nothing needs any more.

        Where it diverged, so did everything below it.
        """
        node = self._tree.nodes[i]
        gone = range(i, node.below) if diverged else (i,)
        self._running.discard(i)
        root = self._roots[bisect.bisect_right(self._roots, i) - 1]
        self._busy[root] -= 1
        self._todo.difference_update(gone)
        if self._trees is not None and not self._busy[root] and self._finished(root):
            self._open.remove(root)
        if not diverged:
            for child in node.children:
                if child in self._todo:
                    heapq.heappush(self._ready, (-node.depth - 1, child))
        if node.parent < 0:
            return []
        self._left[node.parent] -= 1
        return [] if self._left[node.parent] else [node.parent]


@frozen
class Simulated:
    """A plan, played through as if every update took the same time."""

    steps: int  # until the last worker is done, in updates
    peak_snapshots: int  # on disk at once


def simulate(tree: Tree, workers: int, trees: int | None = None) -> Simulated:
    """How long a tree takes and how many snapshots it keeps at most, for a number of workers."""
    frontier = Frontier(tree, trees=trees)
    standing: dict[int, int | None] = dict.fromkeys(range(workers))
    idle = list(range(workers))
    running: list[tuple[int, int, int]] = []  # a heap of (time, worker, node)
    now, alive, peak = 0, 0, 0
    while True:
        for worker in list(idle):
            i = frontier.take(standing[worker])
            if i is not None:
                idle.remove(worker)
                heapq.heappush(running, (now + tree.nodes[i].steps, worker, i))
        if not running:
            return Simulated(now, peak)
        now, worker, i = heapq.heappop(running)
        idle.append(worker)
        standing[worker] = i
        alive += frontier.writes(i)
        peak = max(peak, alive)
        alive -= len(frontier.done(i))
