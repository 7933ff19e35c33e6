"""One run, said completely before it is started, and what came of it.

Identity (decision record 4) is a hash of everything that decides the bits of the result: a versioned header (task
reference, its arguments and source, seed, torch's version, threads, machine) and then the float64 bits of every planned
rate. Two schedules spelled differently with the same numbers are one run; two that differ in one bit are two.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import math
import platform
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from attrs import evolve, field, frozen

from lrdecay.errors import InputError
from lrdecay.runs.origin import Origin
from lrdecay.runs.trace import Trace
from lrdecay.runs.trainable import FloatArray, Goal
from lrdecay.schedule import Horizon

__all__ = [
    "EVALUATIONS",
    "RULE_SEMANTICS",
    "UPDATE_SEMANTICS",
    "Divergence",
    "Probe",
    "Progress",
    "RunResult",
    "RunSpec",
    "Source",
    "View",
    "at_the_end",
    "final_score",
]

EVALUATIONS = 10
"""How many times along a run the held-out metrics are measured, unless more or fewer are asked for."""

UPDATE_SEMANTICS = 1
"""Raised when what an update does with its row of values changes; part of every identity."""

RULE_SEMANTICS = 1
"""Raised when what a rule is shown changes, or when; part of the identity of runs under one."""

Progress = Callable[[int, float], None]
"""Called with (updates made, last training loss)."""


@frozen
class Probe:
    """What a source says of itself before anything is trained."""

    name: str
    horizon: Horizon
    metric: str | None  # None: known only after a run, from what a script logs
    goal: Goal | None
    schedule: str | None = None  # the notation a script attached; None for a task
    weight_decay: float | None = None  # what a task that obeys one trains with unless told otherwise
    peak: float | None = None  # where a task says that the search for one begins


class Source(Protocol):
    """Where runs come from: a task function or a user's script. A frozen value that crosses to workers."""

    @property
    def label(self) -> str:
        """What the user typed."""

    def identity(self) -> Mapping[str, Any]:
        """JSON that names everything of the source that decides a run's bits."""

    def probe(self, steps: int | None, epochs: float | None) -> Probe:
        """Start it just far enough to learn its horizon and metric; ``steps`` or ``epochs`` override its length."""

    @property
    def knows_horizon(self) -> bool:
        """Whether an update may depend on how long the run is: a script's may, a task's does not."""

    def execute(self, spec: RunSpec, progress: Progress) -> RunResult:
        """Train one run in this process or a child of it."""


@frozen
class View:
    """What of a training that measures several averages of its weights is a run's own."""

    average: str  # as it is written
    alone: Source  # what trains the same and measures this average only


@frozen(eq=False)
class RunSpec:
    """One run: a source, a seed, and the rate of every update."""

    source: Source
    seed: int
    schedule: str  # the notation, for people; the numbers are `rates`
    horizon: Horizon
    rates: FloatArray  # float64, shape (horizon.steps,)
    metric: str | None  # None: whatever a script logs
    goal: Goal | None
    evaluations: int = EVALUATIONS  # how many times along the run the held-out metrics are measured
    stop_after_divergence: bool = True  # a range test goes on to see the loss explode
    values: Mapping[str, FloatArray] = field(factory=dict)  # other columns, such as weight_decay, each shape (steps,)
    origin: Origin | None = None  # the checkpoint it goes on from; its rates before that step are not trained
    view: View | None = None  # where the source measures more than this run asks for
    rule: str | None = None  # the notation of what multiplies the rates by looking at the run: `lrdecay.runs.ruled`

    @property
    def steps(self) -> int:
        """Updates of this run, with those before its origin."""
        return len(self.rates)

    @property
    def start(self) -> int:
        """The first update to be made."""
        return 0 if self.origin is None else self.origin.step

    @property
    def to_train(self) -> int:
        """Updates to be made."""
        return self.steps - self.start

    def identity(self) -> str:
        """SHA-256 of the header and then of the bits of every rate to be used; of other columns where there are any.

        Under a rule the rates are the schedule's, and the rule's notation and what decides when it looks are in it.

        Of a run that shares its training with other averages, it is that of the same run made by itself.
        """
        if self.view is not None:
            return self.by_itself().identity()
        own: dict[str, Any] = {
            "horizon": self.horizon.to_json(),
            "evaluations": self.evaluations,
            "metric": self.metric,
        }
        if self.rule is not None:
            own |= {"rule": {"semantics": RULE_SEMANTICS, "notation": self.rule, "marks": self.evaluation_steps()}}
        header = self._updates() | own
        total = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
        total.update(np.ascontiguousarray(self.rates[self.start :], dtype="<f8").tobytes())
        for name in sorted(self.values):
            total.update(name.encode() + b"\0" + np.ascontiguousarray(self.values[name], dtype="<f8").tobytes())
        return total.hexdigest()

    def by_itself(self) -> RunSpec:
        """The same run from a source that measures nothing else."""
        return self if self.view is None else evolve(self, source=self.view.alone, view=None)

    def prefix_header(self) -> bytes:
        """What decides the bits of this run's updates beside their values: the header of a node of the sweep's tree.

        The horizon is in it only where the source knows it. How often a run is evaluated changes no update, but for
        a run under a rule, whose rates nobody knows before: it is a node of its own.
        """
        header = self._updates() | {"columns": ["lr"]}
        if self.rule is not None:
            header["ruled"] = self.identity()
        if self.source.knows_horizon:
            header["horizon"] = self.horizon.to_json()
        return json.dumps(header, sort_keys=True).encode()

    def _updates(self) -> dict[str, Any]:
        begun = {} if self.origin is None else {"origin": self.origin.identity()}
        return begun | {
            "update_semantics": UPDATE_SEMANTICS,
            "source": dict(self.source.identity()),
            "seed": self.seed,
            "machine": platform.machine(),
            "versions": {name: _version(name) for name in ("torch", "numpy")},
            "threads": 1,
        }

    def table(self, start: int = 0, stop: int | None = None) -> dict[str, FloatArray]:
        """The rates and every other column from update ``start`` up to ``stop``, for `Trainable.advance`."""
        return {name: column[start:stop] for name, column in {"lr": self.rates, **self.values}.items()}

    def evaluation_steps(self) -> list[int]:
        """After how many updates the held-out metrics are measured: evenly, ending with the last."""
        marks = np.linspace(0, self.steps, min(self.evaluations, self.steps) + 1)[1:]
        return sorted({math.floor(m + 0.5) for m in marks})


@frozen
class Divergence:
    """The first update whose training loss was not finite, or the last one where only the score was not."""

    step: int
    rate: float
    loss: str  # "nan" or "inf"


@frozen(eq=False)
class RunResult:
    """What came of a run."""

    identity: str
    seed: int
    schedule: str
    metric: str
    goal: Goal
    score: float  # the metric at the end; nan where the run diverged
    metrics: Mapping[str, float]  # all metrics at the end
    trace: Trace = field(repr=False)
    diverged: Divergence | None = None
    seconds: float = 0.0  # wall time of the training
    notes: tuple[str, ...] = ()  # what a reader must know, such as how a script without a metric was judged
    failure: str | None = None  # why a script died half-way; the trace until then is here
    digest: str | None = None  # of the state at its end; None where it diverged, or the state is a script's own
    events: tuple[Mapping[str, Any], ...] = ()  # what a rule did, as `lrdecay.feedback.rule.Event.to_json` says it

    @property
    def steps(self) -> int:
        """Updates made."""
        return self.trace.steps


def final_score(metrics: Mapping[str, float], metric: str, label: str) -> float:
    """The metric a run is judged by.

    Raises:
        InputError: it was not measured.
    """
    if metric not in metrics:
        msg = f"`metric={metric!r}` must be measured by {label}, got {sorted(metrics) or 'no metric'}."
        raise InputError(msg)
    return float(metrics[metric])


def at_the_end(spec: RunSpec, score: float) -> Divergence:
    """A run whose losses were finite and whose score is not: the last update broke it."""
    return Divergence(spec.steps - 1, float(spec.rates[-1]), str(score))


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
