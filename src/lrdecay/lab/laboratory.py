"""Where experiments are run: arms become runs of the same tree, pool and store as a user's comparison; none twice.

What is computed without training, such as an exact recursion, is kept too, in one JSON file per call. A kill at any
moment loses only what was being made; the same command goes on from there.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, final

import numpy as np

from lrdecay.errors import InputError
from lrdecay.lab.arms import Arm, Runs
from lrdecay.runs.files import write_text
from lrdecay.runs.local_files import content_hash
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.spec import Probe, RunSpec
from lrdecay.runs.store.lease import lease
from lrdecay.runs.task_source import TaskSource
from lrdecay.schedule import Horizon, parse
from lrdecay.sweep.journal import Journal
from lrdecay.sweep.pool import LocalPool, Watch
from lrdecay.sweep.pools import Pool
from lrdecay.sweep.runner import Runner

__all__ = ["Laboratory", "opened"]

COMPUTED = "computed"
"""In the lab's folder: what was computed without training."""


@final
class Laboratory:
    """Trains and computes for experiments.

    Args:
        pool: makes the runs.
        journal: keeps them, in the lab's folder.
    """

    def __init__(self, pool: Pool, journal: Journal) -> None:
        """Nothing was made yet."""
        self._pool, self._journal = pool, journal
        self._runner = Runner(pool, journal)
        self._probes: dict[str, Probe] = {}

    @property
    def steps_asked(self) -> int:
        """Updates of all runs that were asked for."""
        return self._runner.steps_asked

    @property
    def steps_trained(self) -> int:
        """Updates made for them; fewer, where runs share a trunk or were kept."""
        return self._runner.steps_trained

    def run(self, arms: Sequence[Arm], seeds: Sequence[int], what: str = "training") -> Runs:
        """Every arm in every seed.

        Args:
            arms: of different names.
            seeds: of the runs.
            what: they are for, for who watches.

        Raises:
            InputError: two arms have one name, or a task or a schedule cannot be had.
            RunError: a worker died; what was finished is kept.
        """
        named = {arm.name: arm for arm in arms}
        if len(named) != len(arms):
            msg = f"`Laboratory.run(arms=...)` must have arms of different names, got {[a.name for a in arms]}."
            raise InputError(msg)
        keys = [(arm.name, seed) for arm in arms for seed in seeds]
        specs = [self._spec(named[name], seed) for name, seed in keys]
        results = self._runner.run(specs, what)
        return Runs(seeds, dict(zip(keys, results, strict=True)), named)

    def compute(self, function: Callable[..., Any], calls: Sequence[Mapping[str, Any]]) -> list[Any]:
        """What a function of a module gives, JSON, for each set of keyword arguments.

        It is kept by the arguments and the source of all files beside the function's.

        Args:
            function: pure; it is called in a worker.
            calls: keyword arguments, JSON.
        """
        beside = sorted(Path(inspect.getfile(function)).parent.glob("*.py"))
        version = {"function": function.__qualname__, "source": content_hash(beside), "numpy": np.__version__}
        paths = [self._kept(version | {"arguments": dict(call)}) for call in calls]
        todo = [i for i, path in enumerate(paths) if not path.exists()]
        for j, found in self._pool.each(_called, [(function, dict(calls[i])) for i in todo]):
            write_text(paths[todo[j]], json.dumps(found))
        return [json.loads(path.read_text()) for path in paths]

    def ask(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """What a function of a module gives, called in a worker; nothing is kept."""
        return self._pool.call(function, *arguments)

    def _kept(self, what: Mapping[str, Any]) -> Path:
        name = hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()
        return self._journal.folder / COMPUTED / f"{name[:40]}.json"

    def _spec(self, arm: Arm, seed: int) -> RunSpec:
        reference = TaskReference(arm.task, dict(arm.arguments))
        source = TaskSource(reference)
        probe = self._probe(source)
        horizon = probe.horizon.lasting(steps=arm.steps, epochs=arm.epochs)
        schedule = parse(arm.schedule)
        return RunSpec(
            source,
            seed,
            arm.schedule,
            horizon,
            schedule.bind(horizon).values(),
            probe.metric,
            probe.goal,
            evaluations=_epochs(horizon) if arm.evaluations is None else arm.evaluations,
            values=dict(arm.columns),
        )

    def _probe(self, source: TaskSource) -> Probe:
        key = source.reference
        name = json.dumps([key.target, dict(key.arguments)], sort_keys=True)
        if name not in self._probes:
            self._probes[name] = self._pool.call(source.probe, None, None)
        return self._probes[name]


def _epochs(horizon: Horizon) -> int:
    length = horizon.epoch_length
    return 10 if length is None else max(1, round(horizon.steps / length))


def _called(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Any:
    return function(**arguments)


@contextmanager
def opened(folder: Path, workers: int | None = None, watch: Watch | None = None) -> Iterator[Laboratory]:
    """A laboratory in a folder.

    Args:
        folder: keeps its runs, what it computed, and results.
        workers: processes, one thread each; by default one per core.
        watch: told about the updates made.

    Raises:
        InputError: the folder is somebody else's.
        ConflictError: another process that is alive works in it.
    """
    with LocalPool(workers, watch) as pool, Journal(folder) as journal, lease(journal.store, "lab", "this lab"):
        yield Laboratory(pool, journal)
