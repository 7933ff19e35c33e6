"""Making runs, none twice: what is in the journal or stands twice in a batch is trained once."""

from __future__ import annotations

from collections.abc import Sequence

from lrdecay.errors import RunError
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.sweep.journal import Journal
from lrdecay.sweep.pool import LocalPool

__all__ = ["Runner"]


class Runner:
    """A pool and a journal, and a count of what was asked for and what was trained."""

    def __init__(self, pool: LocalPool, journal: Journal) -> None:
        """Nothing trained yet."""
        self._pool, self._journal = pool, journal
        self.steps_asked = 0
        self.steps_trained = 0
        self.runs_reused = 0

    def run(self, specs: Sequence[RunSpec], what: str) -> list[RunResult]:
        """The results of these runs, in order; each is written to the journal the moment it is finished.

        Raises:
            RunError: a user's script failed; what was finished before is kept.
        """
        identities = [spec.identity() for spec in specs]
        missing = {i: s for i, s in zip(identities, specs, strict=True) if self._journal.get(i) is None}
        self.steps_asked += sum(spec.steps for spec in specs)
        self.runs_reused += len({i for i in identities if self._journal.get(i) is not None})
        todo = list(missing.values())
        if todo:
            self._pool.watch.begin(what, sum(spec.steps for spec in todo))
        for _, result in self._pool.run(todo):
            if result.failure is not None:
                raise RunError(result.failure)
            self._journal.add(result)
            self.steps_trained += result.steps
        found = [self._journal.get(i) for i in identities]
        return [result for result in found if result is not None]
