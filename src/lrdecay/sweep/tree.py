"""From runs to a prefix tree: runs that agree up to a step are trained once up to it (decision record 4). Pure.

Two runs share their updates 0 .. n-1 exactly when their headers are equal and so are the float64 bits of every value
planned for those updates. Sorted by these bits, runs that agree stand beside each other, and how far each agrees with
the one before says the whole tree: nothing is compared twice. A node is cut only where runs part or one ends.

The key of a node is ``sha256(header || bits of the values up to its end)``, from the updates that are trained on where
a run goes on from somebody's checkpoint, whose content the header names. It says the state at its end, whatever the
tree was cut into to get there, so that another study finds it.

Nodes stand in the order in which one worker visits them: depth first, what needs few snapshots before what needs many.
A snapshot lives until every child of its node has been trained, so that the child that needs most comes last, when the
snapshot it started from is already gone. With ``c`` the children in that order, a node and all below it need

    need(leaf) = 0        need(v) = max(1 + [some c is no leaf], 1 + need(c_{k-1}), need(c_k))

snapshots at once. It grows with the logarithm of the number of runs at most, as Strahler's number of a river does.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from attrs import define, field, frozen
from numpy.typing import NDArray

from lrdecay.errors import InputError, refusal
from lrdecay.runs.trainable import FloatArray

__all__ = ["Line", "Node", "Tree", "plan_tree"]


@frozen(eq=False)
class Line:
    """A run as the planner sees it."""

    header: bytes  # everything but the values that decides the run's bits
    values: FloatArray  # float64, shape (updates,), or (updates, columns) where more than the rate is planned
    marks: tuple[int, ...] = ()  # after how many updates it is evaluated
    start: int = 0  # updates before it are not trained, and need not agree; the same for all lines of a header


@frozen
class Node:
    """Updates ``start`` .. ``end - 1`` of the runs that pass through."""

    key: str  # of the state at its end
    parent: int  # its place in `Tree.nodes`; -1: it starts a tree
    start: int
    end: int
    depth: int  # nodes before it
    marks: tuple[int, ...]  # where its runs are evaluated, in (start, end]
    ends: tuple[int, ...]  # the runs that end with it
    children: tuple[int, ...]  # in the order they are visited
    below: int  # nodes[i + 1 : below] are what stands below node i
    first: int  # Tree.order[first:last] are the runs that pass through it
    last: int

    @property
    def steps(self) -> int:
        """Updates it takes."""
        return self.end - self.start


@frozen(eq=False)
class Tree:
    """The runs of a study, cut into nodes; as many trees as there are headers and first values."""

    lines: tuple[Line, ...] = field(repr=False)
    nodes: tuple[Node, ...] = field(repr=False)  # parents before children, in the order one worker visits them
    order: NDArray[np.int64] = field(repr=False)  # the runs, sorted so that those that share stand together
    peak_snapshots: int  # alive at once, with one worker

    @property
    def steps_naive(self) -> int:
        """Updates if every run were made apart."""
        return sum(len(line.values) - line.start for line in self.lines)

    @property
    def steps_trained(self) -> int:
        """Updates the tree takes."""
        return sum(node.steps for node in self.nodes)

    @property
    def snapshots(self) -> int:
        """How many are written: one for each node that something follows."""
        return sum(1 for node in self.nodes if node.children)

    def runs(self, node: Node) -> NDArray[np.int64]:
        """Which runs pass through a node."""
        return self.order[node.first : node.last]

    def values(self, node: Node) -> FloatArray:
        """The values of its updates."""
        return self.lines[int(self.order[node.first])].values[node.start : node.end]

    def paths(self) -> dict[int, list[Node]]:
        """Run -> its nodes, from the first to the last."""
        found: dict[int, list[Node]] = {}
        for node in self.nodes:
            if node.ends:
                path = [node]
                while path[-1].parent >= 0:
                    path.append(self.nodes[path[-1].parent])
                found |= dict.fromkeys(node.ends, path[::-1])
        return found


@define(eq=False)
class _Draft:
    """A node while the tree is being cut."""

    start: int
    end: int
    first: int  # position in the sorted runs
    last: int
    children: list[_Draft] = field(factory=list)
    ends: list[int] = field(factory=list)
    marks: tuple[int, ...] = ()
    need: int = 0
    least: int = 0  # the lowest number of a run through it


def plan_tree(lines: Sequence[Line], least: int = 0) -> Tree:
    """The prefix tree of some runs.

    Args:
        lines: the runs.
        least: what starting a node costs, in updates: where sharing a node saves less, its branches go apart earlier.

    Raises:
        InputError: a run has no updates.
    """
    empty = next((i for i, line in enumerate(lines) if len(line.values) <= line.start), None)
    if empty is not None:
        msg = refusal("plan_tree(lines=...)", "must have at least one update in each run", f"none in run {empty}")
        raise InputError(msg)
    by_header: dict[bytes, list[int]] = {}
    for i, line in enumerate(lines):
        by_header.setdefault(line.header, []).append(i)
    order: list[int] = []
    trees: list[tuple[bytes, _Draft]] = []
    for header, runs in by_header.items():
        drafts = _cut(lines, runs, len(order), order, least)
        trees += [(header, draft) for draft in sorted(drafts, key=lambda d: d.least)]
    nodes: list[Node] = []
    for header, draft in trees:
        nodes += _numbered(header, draft, lines, order, len(nodes))
    peak = max((draft.need for _, draft in trees), default=0)
    return Tree(tuple(lines), tuple(nodes), np.array(order, dtype=np.int64), peak)


def _cut(lines: Sequence[Line], runs: list[int], offset: int, order: list[int], least: int) -> list[_Draft]:
    """The trees of runs with one header; appends the runs to the order, sorted."""
    start = lines[runs[0]].start
    bits = {i: np.ascontiguousarray(lines[i].values[start:], dtype="<f8").view(np.uint64) for i in runs}
    runs = sorted(runs, key=lambda i: bits[i].tobytes())  # a run that another goes on from comes before it
    order += runs
    root = _Draft(start, start, offset, offset)
    stack = [root]
    for position, run in enumerate(runs, start=offset):
        shared = start + (_agree(bits[runs[position - offset - 1]], bits[run]) if position > offset else 0)
        popped: _Draft | None = None
        while stack[-1].end > shared:
            popped = stack.pop()
            popped.last = position
        if popped is not None and stack[-1].end < shared:  # they part inside a node: cut it
            upper = _Draft(popped.start, shared, popped.first, position, [popped])
            popped.start = shared
            stack[-1].children[-1] = upper
            stack.append(upper)
        end = start + len(bits[run])
        if end > stack[-1].end:
            leaf = _Draft(stack[-1].end, end, position, position)
            stack[-1].children.append(leaf)
            stack.append(leaf)
        stack[-1].ends.append(run)
    for left in stack:
        left.last = offset + len(runs)
    if least:
        for draft in [*_upwards(root), root]:
            draft.children = [part for child in draft.children for part in _worthwhile(child, least)]
    _finish(root, lines)
    return root.children


def _worthwhile(draft: _Draft, least: int) -> list[_Draft]:
    """The node, or its branches where they save less together than one more start costs."""
    if not draft.children or draft.ends or (len(draft.children) - 1) * (draft.end - draft.start) >= least:
        return [draft]
    for child in draft.children:
        child.start = draft.start
    return draft.children


def _agree(a: NDArray[np.uint64], b: NDArray[np.uint64]) -> int:
    """How many updates have the same bits in both."""
    n = min(len(a), len(b))
    differ = a[:n] != b[:n]
    if differ.ndim > 1:
        differ = differ.any(axis=tuple(range(1, differ.ndim)))
    at = int(differ.argmax()) if n else 0
    return at if n and differ[at] else n


def _finish(root: _Draft, lines: Sequence[Line]) -> None:
    """From the leaves up: what each node needs, where it is evaluated, and in which order its children are visited."""
    pending: dict[int, set[int]] = {}  # of a draft, by id: marks that lie before it
    for draft in _upwards(root):
        marks = {m for run in draft.ends for m in lines[run].marks}
        marks.update(*(pending.pop(id(child)) for child in draft.children))
        draft.marks = tuple(sorted(m for m in marks if m > draft.start))
        pending[id(draft)] = {m for m in marks if m <= draft.start}
        draft.least = min([*draft.ends, *(child.least for child in draft.children)])
        if draft.children:
            draft.children.sort(key=lambda child: (child.need, child.least))
            needs = [child.need for child in draft.children]
            inner = any(child.children for child in draft.children)
            draft.need = max(1 + inner, needs[-1], 1 + needs[-2] if len(needs) > 1 else 0)


def _upwards(root: _Draft) -> Iterator[_Draft]:
    """Every node below the root, after all of its children."""
    found: list[_Draft] = []
    stack = list(root.children)
    while stack:
        draft = stack.pop()
        found.append(draft)
        stack += draft.children
    return reversed(found)


def _numbered(header: bytes, root: _Draft, lines: Sequence[Line], order: list[int], offset: int) -> list[Node]:
    """The nodes of one tree, depth first, with their keys; each byte is hashed once."""
    visited: list[tuple[_Draft, int, int, str]] = []  # draft, parent, depth, key
    stack: list[tuple[_Draft, int, int, Any]] = [(root, -1, 0, hashlib.sha256(header))]
    while stack:
        draft, parent, depth, before = stack.pop()
        total = before.copy()
        values = lines[order[draft.first]].values[draft.start : draft.end]
        total.update(np.ascontiguousarray(values, dtype="<f8"))
        here = offset + len(visited)
        visited.append((draft, parent, depth, total.hexdigest()))
        stack += [(child, here, depth + 1, total) for child in reversed(draft.children)]
    children: list[list[int]] = [[] for _ in visited]
    below = [offset + i + 1 for i in range(len(visited))]
    for i in range(len(visited) - 1, 0, -1):
        parent = visited[i][1] - offset
        children[parent].append(offset + i)
        below[parent] = max(below[parent], below[i])
    return [
        Node(
            key=key,
            parent=parent,
            start=draft.start,
            end=draft.end,
            depth=depth,
            marks=draft.marks,
            ends=tuple(draft.ends),
            children=tuple(reversed(children[i])),
            below=below[i],
            first=draft.first,
            last=draft.last,
        )
        for i, (draft, parent, depth, key) in enumerate(visited)
    ]
