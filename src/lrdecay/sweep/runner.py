"""Making runs, none twice: what is in the journal is not made again, and what runs share is trained once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from lrdecay.errors import RunError
from lrdecay.runs.script_result import CannotForkError
from lrdecay.runs.snapshot_folder import SnapshotFolder
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.runs.store.protocol import Member
from lrdecay.sweep.executor import Executor, check_room, shareable
from lrdecay.sweep.journal import Journal
from lrdecay.sweep.node_store import NodeStore
from lrdecay.sweep.pool import make_run
from lrdecay.sweep.pools import Pool
from lrdecay.sweep.priority import Priority

__all__ = ["NO_ROOM", "Runner"]

NO_ROOM = "The disk has room for one order of training only (--max-disk), so nothing said which runs come first."


class Runner:
    """A pool and a journal, and a count of what was asked for and what was trained.

    Args:
        pool: makes the runs.
        journal: keeps them.
        share: whether runs that agree up to a step are trained once up to it; the results are the same.
        nodes: where the parts that runs share are kept; by default in the journal's store.
        snapshots: how many fit on the disk at once; None: as many as there are.
        least: what starting a node costs, in updates.
        folder: where snapshots are kept; whatever else is in it is removed. By default beside the journal.
    """

    def __init__(
        self,
        pool: Pool,
        journal: Journal,
        *,
        share: bool = True,
        nodes: NodeStore | None = None,
        snapshots: int | None = None,
        least: int = 0,
        folder: Path | SnapshotFolder | None = None,
    ) -> None:
        """Nothing trained yet."""
        self._pool, self._journal, self._share, self._snapshots = pool, journal, share, snapshots
        self._executor = Executor(pool, nodes or journal.store, folder or journal.folder / "snapshots")
        self._executor.least = least
        self.steps_asked = 0
        self._steps_apart = 0
        self.runs_reused = 0
        self.notes: list[str] = []

    @property
    def steps_trained(self) -> int:
        """Updates made."""
        return self._steps_apart + self._executor.steps_trained

    @property
    def steps_retrained(self) -> int:
        """Of these, updates that were made before and whose snapshots were gone."""
        return self._executor.steps_retrained

    def run(
        self,
        specs: Sequence[RunSpec],
        what: str,
        members: Sequence[Member] = (),
        priority: Priority | None = None,
    ) -> list[RunResult]:
        """The results of these runs, in order; each is written to the journal the moment it is finished.

        Args:
            specs: the runs.
            what: what they are for, for who watches.
            members: their places in the study.
            priority: who says which are made first, and is told what is finished; None: as they stand.

        Raises:
            InputError: the disk has no room for the snapshots it takes to share.
            RunError: a user's script failed; what was finished before is kept.
        """
        self._journal.join(members)
        identities = [spec.identity() for spec in specs]
        missing = {i: s for i, s in zip(identities, specs, strict=True) if self._journal.get(i) is None}
        self.steps_asked += sum(spec.to_train for spec in specs)
        self.runs_reused += len({i for i in identities if self._journal.get(i) is not None})
        for identity, spec in dict(zip(identities, specs, strict=True)).items():
            kept = None if priority is None else self._journal.get(identity)
            if priority is not None and kept is not None:
                priority.told(spec, kept)
        if missing:
            self._make(list(missing.values()), what, priority)
        found = [self._journal.get(i) for i in identities]
        return [result for result in found if result is not None]

    def clean(self) -> None:
        """Every run was made: remove what a kill may have left of snapshots."""
        self._executor.clean()

    def _make(self, todo: list[RunSpec], what: str, priority: Priority | None) -> None:
        together = [spec for spec in todo if self._share and shareable(spec)]
        work = self._executor.prepare(together)
        if work.tree.steps_trained == work.tree.steps_naive:  # they share nothing
            together = []
        else:
            if self._snapshots is not None:
                self._executor.trees = check_room(work.tree, self._snapshots)
                if priority is not None and self._executor.trees is not None:
                    self.notes.append(NO_ROOM)
            self._pool.watch.begin(what, work.steps + sum(s.to_train for s in todo if not shareable(s)))
            try:
                self._keep(self._executor.run(work, priority), together, priority)
            except CannotForkError as problem:
                self._share = False
                self.notes.append(f"Every run was made apart: {problem}")
        apart = [s for s in todo if self._journal.get(s.identity()) is None]
        if apart:
            if not together or not self._share:
                self._pool.watch.begin(what, sum(spec.to_train for spec in apart))
            self._steps_apart += self._keep(self._apart(apart, priority), apart, priority)

    def _apart(self, specs: list[RunSpec], priority: Priority | None) -> Iterator[tuple[int, RunResult]]:
        """Make runs that share nothing."""
        if priority is None:
            return self._pool.run(specs)
        left = set(range(len(specs)))

        def give(_worker: int) -> tuple[int, tuple[RunSpec]] | None:
            if not left:
                return None
            ranks = priority.ranks(specs)
            first = min(left, key=lambda i: (ranks[i], i))
            left.remove(first)
            return first, (specs[first],)

        return self._pool.feed(make_run, give)

    def _keep(
        self, results: Iterator[tuple[int, RunResult]], specs: Sequence[RunSpec], priority: Priority | None
    ) -> int:
        """Write the results to the journal as they come; gives their updates."""
        steps = 0
        for i, result in results:
            if result.failure is not None:
                raise RunError(result.failure)
            self._journal.add(result, self._executor.made_of.pop(result.identity, ()))
            steps += result.steps
            if priority is not None:
                priority.told(specs[i], result)
        return steps
