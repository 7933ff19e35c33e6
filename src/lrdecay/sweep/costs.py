"""What an update, a start and a snapshot cost here: measured on a few updates that are thrown away."""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path

import numpy as np
from attrs import frozen

from lrdecay.errors import RunError
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_result import CannotForkError
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.snapshot_file import checkpoint_in, size_of, write_snapshot
from lrdecay.runs.spec import RunSpec
from lrdecay.runs.task_source import TaskSource

__all__ = ["Costs", "measure"]

_WARM, _TIMED = 2, 8  # updates


@frozen
class Costs:
    """Of one worker."""

    update: float  # seconds
    start: float  # seconds to start a node: nothing to speak of for a task, a process for a script
    evaluation: float  # seconds; a script's are in its updates
    snapshot: int  # bytes on disk
    apart: str | None = None  # why nothing can be shared, where it cannot

    @property
    def least(self) -> int:
        """What starting a node costs, in updates."""
        return math.ceil(self.start / self.update) if self.update > 0 else 0


def measure(run: RunSpec) -> Costs:
    """Start a run, make a few of its updates, save once.

    Raises:
        InputError: the source cannot be built.
        RunError: a script fails.
    """
    with tempfile.TemporaryDirectory(prefix="lrdecay-") as folder:
        if isinstance(run.source, ScriptSource):
            return _of_script(run, run.source, Path(folder))
        if isinstance(run.source, TaskSource):
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


def _of_script(run: RunSpec, source: ScriptSource, folder: Path) -> Costs:
    times: list[float] = []
    stop = min(_WARM + _TIMED, run.steps)
    orders = Orders(stop=stop, save=checkpoint_in(folder))
    began = time.perf_counter()
    try:
        heard = source.hear(run, orders, lambda _done, _loss: times.append(time.perf_counter()), forking=True)
    except CannotForkError as problem:
        return Costs(0.0, 0.0, 0.0, 0, str(problem))
    whole = time.perf_counter() - began
    if heard.ended.failure is not None:
        raise heard.ended.failure
    if not times:
        msg = f"`--script {source.command!r}` must call run.log(loss=...), got a script that never does."
        raise RunError(msg)
    update = (times[-1] - times[0]) / max(len(times) - 1, 1)
    return Costs(update, max(whole - len(times) * update, 0.0), 0.0, size_of(folder))
