"""What a script or a training loop is made steerable with: it opens the channel when there is something to steer.

Where nobody asked for it by name or place, a run that cannot be steered (the store is not installed, the folder cannot
be written, a plan drives the rate) says so in one line on stderr and trains. Where somebody did, that is an error.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

from lrdecay.errors import InputError, LrdecayError, refusal, true_or_false
from lrdecay.runs.live.channel import Broadcast, Channel
from lrdecay.runs.live.names import run_name
from lrdecay.runs.store.opening import open_store

__all__ = ["SIZES", "Steering"]

SIZES = ("WORLD_SIZE", "SLURM_STEP_NUM_TASKS", "OMPI_COMM_WORLD_SIZE", "PMI_SIZE")
"""Where launchers say how many processes there are."""


@final
class Steering:
    """Whether and how a run is steered.

    Args:
        call: of the user, for messages: "script" or "steerable".
        name: of the run; None: as its script.
        store: where it is steered from, see `lrdecay.runs.store.opening.open_store`; None: ``lrdecay-reports`` here.
        steer: False: never; None: if it can be.
        ranks: gives what tells all ranks, and whether this is the first; None: this process is alone. Asked when
            training begins.

    Raises:
        InputError: the name is none.
    """

    def __init__(
        self,
        call: str,
        name: str | None,
        store: str | Path | None,
        steer: bool | None,
        ranks: Callable[[], tuple[Broadcast, bool] | None],
    ) -> None:
        if name is not None:
            run_name.check(f"{call}(name=...)", name)
        if steer is not None:
            true_or_false.check(f"{call}(steer=...)", steer)
        self._call, self._name, self._store, self._ranks = call, name, store, ranks
        self._off = steer is False
        self._must = steer is True or name is not None or store is not None
        self._at = -1
        self.channel: Channel | None = None
        """What joins the run to its store; None: not begun, or not steered."""

    def begin(self, scheduler: Any, schedule: str) -> None:
        """Training begins, or goes on, with this scheduler: look once now, and at every boundary from here on.

        Raises:
            InputError: it must be steered, and cannot be.
            RunError: the same, for a store that cannot be written.
        """
        if self._off or self.channel is not None:
            return
        try:
            if not hasattr(scheduler, "at_boundary"):
                if not self._must:
                    return  # a table inside a compiled step: nothing that could be steered
                msg = refusal(f"{self._call}(steer=...)", "must be driven by a dial", type(scheduler).__name__)
                raise InputError(msg)
            dial, told = scheduler.dial, self._ranks()
            if told is None and _several():
                cure = "Initialise torch.distributed before training begins."
                msg = refusal(f"{self._call}(steer=...)", "must be able to tell all processes", "several of them", cure)
                raise InputError(msg)
            broadcast, first = (None, True) if told is None else told
            self.channel = Channel(dial, schedule, self._open, name=self._name, broadcast=broadcast, first=first)
        except LrdecayError as problem:
            self._cannot(problem)
            return
        scheduler.at_boundary(self._boundary)
        if hasattr(scheduler, "seek"):
            self._boundary(scheduler.count)
            scheduler.seek(scheduler.count)  # writes the rate, which may be another now
        else:  # a host's: it is asked for the rate of every update, and nobody asks after the last
            atexit.register(self._exit, dial.horizon.steps)

    def finish(self, step: int) -> None:
        """All updates are made."""
        if self.channel is not None:
            self.channel.finish(step)

    def _boundary(self, t: int) -> None:
        if self._off or self.channel is None:
            return
        self._at = t
        try:
            self.channel.boundary(t)
        except LrdecayError as problem:
            self._cannot(problem)

    def _exit(self, steps: int) -> None:
        """The process ends: after the last update the run has finished."""
        if self._at >= steps - 1:
            self.finish(steps)

    def _cannot(self, problem: LrdecayError) -> None:
        """Go on unsteered and say so, unless it must be steered; of several ranks all come here, or one has parted."""
        if self._must or (self.channel is not None and self.channel.parted):
            raise problem
        self._off = True
        why = f"({self._call}(steer=False) says nothing): {problem}"
        print(f"lrdecay: this run goes on, and cannot be steered {why}", file=sys.stderr)

    def _open(self) -> Any:
        return open_store(self._store)


def _several() -> bool:
    """Whether a launcher started more than one process."""
    return any(os.environ.get(name, "1") not in ("", "1") for name in SIZES)
