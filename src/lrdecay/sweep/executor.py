"""The local executor: a study's tree on a pool of workers; every node trained once, kept before anything follows it.

A finished node is in the store before its children start, and its snapshot is on disk until they have finished, so that
a kill at any moment loses only the nodes that were being trained. What is in the store is not trained again, except a
trunk that something new starts from and whose snapshot is gone.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

from attrs import define, field, frozen

from lrdecay.errors import InputError
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.snapshot_folder import LocalFolder, SnapshotFolder
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.runs.task_source import TaskSource
from lrdecay.sweep.assembly import Trained, assembled
from lrdecay.sweep.node import NodeDone, NodeJob, train_node
from lrdecay.sweep.node_store import NodeStore, seek
from lrdecay.sweep.order import Frontier
from lrdecay.sweep.pools import Pool
from lrdecay.sweep.priority import Priority
from lrdecay.sweep.tree import Line, Node, Tree, plan_tree

__all__ = ["Executor", "Work", "check_room", "line_of", "shareable"]


def line_of(spec: RunSpec) -> Line:
    """A run as the planner sees it."""
    return Line(spec.prefix_header(), spec.rates, tuple(spec.evaluation_steps()), spec.start)


def shareable(spec: RunSpec) -> bool:
    """Whether a run may be put together from nodes.

    Not one with other columns, one under a rule, or one that goes on after it diverged.
    """
    plain = spec.stop_after_divergence and not spec.values and spec.rule is None
    return isinstance(spec.source, TaskSource | ScriptSource) and plain


def _folder(given: Path | SnapshotFolder) -> SnapshotFolder:
    return LocalFolder(given) if isinstance(given, Path) else given


@frozen(eq=False)
class Work:
    """What is to be trained for some runs."""

    specs: tuple[RunSpec, ...]
    tree: Tree
    found: dict[int, Trained]  # node -> what the store has of it
    todo: frozenset[int]
    keys: tuple[str, ...] = ()  # node -> what the store keeps it under

    @property
    def steps(self) -> int:
        """Updates to be made."""
        return sum(self.tree.nodes[i].steps for i in self.todo)


@define(eq=False)
class Executor:
    """Trains trees on a pool.

    Attributes:
        steps_trained: updates made.
        steps_retrained: of these, in nodes that were finished before and whose snapshots were gone.
        peak_snapshots: most that were on disk at once.
        largest_snapshot: bytes of the largest.
        made_of: the identity of a run it gave -> the keys of the nodes it was put together from.
    """

    pool: Pool
    nodes: NodeStore
    folder: SnapshotFolder = field(converter=_folder)  # whatever else is in it is removed
    trees: int | None = None  # see `lrdecay.sweep.order.Frontier`
    least: int = 0  # see `lrdecay.sweep.tree.plan_tree`
    steps_trained: int = 0
    steps_retrained: int = 0
    peak_snapshots: int = 0
    largest_snapshot: int = 0
    made_of: dict[str, tuple[str, ...]] = field(factory=dict, init=False)
    _alive: set[int] = field(factory=set, init=False)

    def prepare(self, specs: Sequence[RunSpec]) -> Work:
        """Plan some runs, and look up which of their nodes are finished."""
        tree = plan_tree([line_of(spec) for spec in specs], self.least)
        found: dict[int, Trained] = {}
        keys: list[str] = []
        for i, node in enumerate(tree.nodes):
            key, kept = seek(self.nodes, node)
            keys.append(key)
            if kept is not None:
                found[i] = kept
        todo: set[int] = set()
        for i in reversed(range(len(tree.nodes))):
            node = tree.nodes[i]
            if i not in found:
                todo.add(i)
            elif found[i][0]["diverged"] is not None:
                todo.difference_update(range(i + 1, node.below))
            elif any(child in todo for child in node.children) and not self.folder.has(_snapshot(node)):
                todo.add(i)
        return Work(tuple(specs), tree, found, frozenset(todo), tuple(keys))

    def run(self, work: Work, priority: Priority | None = None) -> Iterator[tuple[int, RunResult]]:
        """Train what is to be trained; gives (index, result) of each run as it is whole.

        Args:
            work: what `prepare` made.
            priority: who says which runs come first; not asked where the disk decides (``trees``).

        Raises:
            CannotForkError: a script that does not save and load was to be forked.
            InputError: a source cannot be built.
            RunError: a script failed, a snapshot is broken, or a worker died. Finished nodes are kept.
        """
        tree, todo = work.tree, work.todo
        needed = {i for i, node in enumerate(tree.nodes) if any(child in todo for child in node.children)}
        self.folder.sweep({_snapshot(tree.nodes[i]) for i in needed})
        self._alive = {i for i in needed if i not in todo}
        runs = _Runs(work, self.made_of)
        yield from runs.whole()
        ranks = None if priority is None else functools.partial(priority.ranks, work.specs)
        frontier = Frontier(tree, todo, self.trees, ranks)
        standing: dict[int, int] = {}

        def give(worker: int) -> tuple[tuple[int, int], tuple[NodeJob]] | None:
            i = frontier.take(standing.get(worker))
            return None if i is None else ((worker, i), (self._job(work, i, saves=frontier.writes(i)),))

        for (worker, i), done in self.pool.feed(train_node, give):
            standing[worker] = i
            self._keep(work, i, done)
            diverged = done.record["diverged"] is not None
            for parent in frontier.done(i, diverged=diverged):
                self.folder.remove(_snapshot(tree.nodes[parent]))
                self._alive.discard(parent)
            yield from runs.add(i, (done.record, done.trace))
        self.clean()

    def clean(self) -> None:
        """Remove every snapshot: a study has ended."""
        self.folder.clean()

    def _keep(self, work: Work, i: int, done: NodeDone) -> None:
        if i in work.found:
            self.steps_retrained += done.trace.steps
        else:
            self.nodes.put_node(work.keys[i], done.record, done.trace)
        self.steps_trained += done.trace.steps
        if done.saved:
            self._alive.add(i)
            self.peak_snapshots = max(self.peak_snapshots, len(self._alive))
            self.largest_snapshot = max(self.largest_snapshot, done.saved)

    def _job(self, work: Work, i: int, *, saves: bool) -> NodeJob:
        node = work.tree.nodes[i]
        parent = work.tree.nodes[node.parent] if node.parent >= 0 else None
        run = int(work.tree.order[node.first])
        spec = work.specs[run]
        source = cast("TaskSource | ScriptSource", spec.source)
        return NodeJob(
            source=source,
            seed=spec.seed,
            header=work.tree.lines[run].header,
            key=node.key,
            parent=None if parent is None else parent.key,
            start=node.start,
            end=node.end,
            marks=node.marks,
            rates=work.tree.values(node),
            run=spec if isinstance(source, ScriptSource) else None,
            snapshots=self.folder,
            load=None if parent is None else _snapshot(parent),
            save=_snapshot(node) if saves else None,
            digest=bool(node.ends),
        )


def _snapshot(node: Node) -> str:
    """The name of the snapshot of its end."""
    return node.key[:32]


class _Runs:
    """Runs, as their nodes come in."""

    def __init__(self, work: Work, made_of: dict[str, tuple[str, ...]]) -> None:
        self._work, self._trained, self._made_of = work, dict(work.found), made_of
        self._paths = work.tree.paths()
        place = {id(node): i for i, node in enumerate(work.tree.nodes)}
        self._places = {run: [place[id(node)] for node in path] for run, path in self._paths.items()}
        self._waits = {i: node.last - node.first for i, node in enumerate(work.tree.nodes)}  # runs not given yet
        self._given: set[int] = set()

    def whole(self) -> Iterator[tuple[int, RunResult]]:
        """Those whose nodes were all found."""
        for run in self._paths:
            yield from self._give(run)

    def add(self, i: int, trained: Trained) -> Iterator[tuple[int, RunResult]]:
        """A node was trained; gives the runs that are whole now."""
        if i in self._work.found:  # once more, for its snapshot: it was counted
            return
        self._trained[i] = trained
        for run in self._work.tree.runs(self._work.tree.nodes[i]).tolist():
            yield from self._give(run)

    def _give(self, run: int) -> Iterator[tuple[int, RunResult]]:
        if run in self._given:
            return
        path: list[int] = []
        for i in self._places[run]:
            if i not in self._trained:
                return
            path.append(i)
            if self._trained[i][0]["diverged"] is not None:
                break
        self._given.add(run)
        nodes = [self._work.tree.nodes[i] for i in path]
        result = assembled(self._work.specs[run], nodes, [self._trained[i] for i in path])
        self._made_of[result.identity] = tuple(self._work.keys[i] for i in path)
        yield run, result
        for i in self._places[run]:
            self._waits[i] -= 1
            if not self._waits[i]:
                self._trained.pop(i, None)  # its trace is in the store


def check_room(tree: Tree, snapshots: int) -> int | None:
    """How many trees may be open at once where so many snapshots fit on the disk; None: as the workers like.

    Raises:
        InputError: not even one tree fits.
    """
    if tree.snapshots <= snapshots:
        return None
    if tree.peak_snapshots > snapshots:
        msg = f"`--max-disk` must hold {tree.peak_snapshots} snapshots at once, got room for {snapshots}."
        raise InputError(msg + " --no-share needs none.")
    return snapshots // tree.peak_snapshots
