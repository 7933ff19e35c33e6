"""What an update, a start and a snapshot cost here: measured on a few updates that are thrown away.

A script is forked once on the way: where it repeats itself bit for bit, and a fork does not go on as the whole run did,
its checkpoint lacks something, and it is not forked. One that does not repeat itself (a GPU with unordered sums) is.
"""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path

import numpy as np
from attrs import evolve, frozen

from lrdecay.runs.fork import same_rows
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_result import CannotForkError
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.snapshot_file import checkpoint_in, seal_checkpoint, write_snapshot
from lrdecay.runs.spec import Progress, RunSpec
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trace import Trace

__all__ = ["Costs", "measure"]

_WARM, _TIMED = 2, 8  # updates
_NOT_WORTH_IT = "they agree in so few updates that forking a script is not worth it"


@frozen
class Costs:
    """Of one worker."""

    update: float  # seconds
    start: float  # seconds to start a node: nothing to speak of for a task, a process for a script
    evaluation: float  # seconds; a script's are in its updates
    snapshot: int  # bytes on disk
    apart: str | None = None  # why nothing can be shared, where it cannot
    losses: tuple[float, ...] = ()  # of the few updates that were made, where it is a script

    @property
    def least(self) -> int:
        """What starting a node costs, in updates."""
        return math.ceil(self.start / self.update) if self.update > 0 else 0


def measure(run: RunSpec, *, forks: bool = True) -> Costs:
    """Start a run, make a few of its updates, save once.

    Args:
        run: one of those that are to be made.
        forks: whether a script is to be forked at all.

    Raises:
        InputError: the source cannot be built.
        RunError: a script fails.
    """
    if isinstance(run.source, ScriptSource):
        with run.source.folder() as folder:
            return _of_script(run, run.source, Path(folder), forks=forks)
    if isinstance(run.source, TaskSource):
        with tempfile.TemporaryDirectory(prefix="lrdecay-") as folder:
            return _of_task(run, run.source, Path(folder))
    return Costs(0.0, 0.0, 0.0, 0, f"{run.source.label} cannot be forked")


def _of_task(run: RunSpec, source: TaskSource, folder: Path) -> Costs:
    task = source.build(run.seed)
    rates = np.full(_WARM + _TIMED, run.rates[0])
    task.advance({"lr": rates[:_WARM]})
    began = time.perf_counter()
    task.advance({"lr": rates[_WARM:]})
    made = time.perf_counter()
    task.evaluate()
    evaluated = time.perf_counter()
    size = write_snapshot(folder / "snapshot", task.snapshot())
    return Costs((made - began) / _TIMED, 0.0, evaluated - made, size)


def _of_script(run: RunSpec, source: ScriptSource, folder: Path, *, forks: bool) -> Costs:
    times: list[float] = []
    few = max(min(_WARM + _TIMED, run.to_train // 2), 1)
    stop = run.start + few
    began = time.perf_counter()
    try:
        orders = Orders(load=_origin(run), stop=stop, save=checkpoint_in(folder) if forks else None)
        first = _heard(run, source, orders, lambda _done, _loss: times.append(time.perf_counter()))
    except CannotForkError as problem:
        return Costs(0.0, 0.0, 0.0, 0, str(problem))
    whole = time.perf_counter() - began
    update = (times[-1] - times[0]) / max(len(times) - 1, 1) if times else 0.0
    costs = Costs(update, max(whole - len(times) * update, 0.0), 0.0, 0, losses=tuple(first.loss.tolist()))
    if not forks:
        return evolve(costs, apart=_NOT_WORTH_IT)
    costs = evolve(costs, snapshot=seal_checkpoint(folder))
    return evolve(costs, apart=_forked(run, source, folder, first, few)) if 2 * few <= run.to_train else costs


def _origin(run: RunSpec) -> Path | None:
    return None if run.origin is None else run.origin.unchanged()


def _forked(run: RunSpec, source: ScriptSource, folder: Path, first: Trace, few: int) -> str | None:
    """Why a script is not to be forked: it repeats itself bit for bit, and a fork of it does not."""
    stop, end = run.start + few, run.start + 2 * few
    straight = _heard(run, source, Orders(load=_origin(run), stop=end), _deaf)
    branch = _heard(run, source, Orders(load=checkpoint_in(folder), stop=end), _deaf)
    if not same_rows(first, straight, run.start, stop) or same_rows(straight, branch, stop, end):
        return None
    cure = "Does the checkpoint hold all that the loop carries along?"
    return f"the script, forked at step {stop}, did not go on as the whole run did. {cure}"


def _heard(run: RunSpec, source: ScriptSource, orders: Orders, progress: Progress) -> Trace:
    heard = source.hear(run, orders, progress, forking=orders.save is not None)
    if heard.ended.failure is not None:
        raise heard.ended.failure
    return Trace.from_rows([{"step": t, "rate": float(run.rates[t]), **heard.rows[t]} for t in sorted(heard.rows)])


def _deaf(_done: int, _loss: float) -> None:
    return
