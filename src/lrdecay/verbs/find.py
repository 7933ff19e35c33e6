"""`find`: a peak learning rate by a range test, repeated, with an interval; for the decay to come where it is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import evolve, field, frozen

from lrdecay.errors import InputError, RunError, non_negative_int, positive_int
from lrdecay.rangetest.beside import Beside, peers_beside
from lrdecay.rangetest.compressed import BUDGET
from lrdecay.rangetest.driver import FEWEST, Curve, range_test, rising_rates
from lrdecay.rangetest.reading import Reading, read
from lrdecay.rangetest.repeatability import Repeatability, repeatability
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import Probe, RunResult, RunSpec, Source
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Schedule
from lrdecay.stats.intervals import Interval
from lrdecay.sweep.pool import LocalPool, Watch
from lrdecay.sweep.worker import report
from lrdecay.verbs.extras import require
from lrdecay.verbs.find_schedule import ScheduleFinding, check_schedule, search_schedule
from lrdecay.verbs.sources import Task, source_of

__all__ = ["FIRST_SEED", "Finding", "find", "search"]

FIRST_SEED = 20_000
"""Range tests use seeds from here on, apart from pilots and scores."""


@frozen(eq=False)
class Finding:
    """A range test's answer."""

    task: str
    reading: Reading = field(repr=False)
    curves: tuple[Curve, ...] = field(repr=False)  # one per repeat
    repeatability: Repeatability | None  # None: the curve gives no answer, or there is one repeat
    peers: tuple[Beside, ...]  # what other finders would have answered
    seeds: tuple[int, ...]
    schedule: ScheduleFinding | None = None  # the second stage, where a schedule was given

    @property
    def suggestion(self) -> float | None:
        """The peak to use: of the schedule where one was given, else of the range test; None: no clear answer."""
        if self.schedule is not None:
            return self.schedule.suggestion
        return None if self.why_not else self.reading.suggestion

    @property
    def why_not(self) -> str | None:
        """Why there is no clear answer, and what to do: the curve's shape, repeats that disagree, or the schedule's."""
        if self.schedule is not None:
            return self.schedule.why_not
        if self.reading.why_not is not None or self.repeatability is None:
            return self.reading.why_not
        return self.repeatability.too_wide

    @property
    def interval(self) -> Interval | None:
        """95%, of the suggestion; None without one, or of one repeat.

        Of a range test: where it would fall over repeats, by t on log10. With a schedule: of the extrapolated peak.
        """
        if self.schedule is not None:
            return self.schedule.interval
        return None if self.suggestion is None or self.repeatability is None else self.repeatability.t

    @property
    def repeats(self) -> int:
        """How many curves were averaged."""
        return len(self.curves)

    @property
    def steps_used(self) -> int:
        """Updates made, short runs of the schedule included."""
        short = 0 if self.schedule is None else self.schedule.steps_used
        return sum(len(c.losses) for c in self.curves) + short

    @property
    def restored(self) -> bool:
        """Whether every repeat left the task exactly as it was; for a script, a child process touched nothing of it."""
        return all(c.restored for c in self.curves)

    def peak(self) -> float:
        """The suggestion.

        Raises:
            RunError: there is none.
        """
        if self.suggestion is None:
            msg = f"`find` must see a curve that falls and rises, every time alike, to suggest a peak: {self.why_not}."
            raise RunError(msg)
        return self.suggestion

    def to_json(self) -> dict[str, Any]:
        """The contract of ``find --json``."""
        tested = self.range_test
        return {
            "task": self.task,
            "suggestion": self.suggestion,
            "interval": _ends(self.interval),
            "range_test": {"suggestion": tested.suggestion, "interval": _ends(tested.interval)},
            "schedule": None if self.schedule is None else self.schedule.to_json(),
            "rules": self.reading.rules,
            "restored": self.restored,
            "steps_used": self.steps_used,
            "why_not": self.why_not,
            "repeatability": None if self.repeatability is None else self.repeatability.to_json(),
            "peers": {peer.name: peer.to_json() for peer in self.peers},
            "repeats": self.repeats,
            "seeds": list(self.seeds),
            "curve": {"rates": self.reading.rates.tolist(), "losses": self.reading.losses.tolist()},
        }

    @property
    def range_test(self) -> Finding:
        """What the range test alone answers."""
        return evolve(self, schedule=None)


def find(
    task: Task | None = None,
    *,
    script: str | None = None,
    seed: int = 0,
    repeats: int = 5,
    points: int = 100,
    low: float = 1e-6,
    high: float = 10.0,
    schedule: str | Schedule | None = None,
    budget: float = BUDGET,
    arguments: Mapping[str, Any] | None = None,
    workers: int | None = None,
    watch: Watch | None = None,
) -> Finding:
    """Raise the rate from low to high until training breaks, a few times over, and read the averaged curve.

    Args:
        task: see `lrdecay.verbs.sources`; or give ``script``.
        script: a command that calls ``lrdecay.script()``.
        seed: which seeds the repeats use: FIRST_SEED + seed, and on.
        repeats: curves to average; each has its own initial weights and data order.
        points: updates in a curve, even in log rate.
        low: first rate.
        high: last rate.
        schedule: the decay that will follow, ``"cosine"`` or ``cosine(peak)``: the peak is then found for it, on short
            runs of it. A peak it states is not used.
        budget: full runs that those short runs may cost together.
        arguments: keyword arguments of the task.
        workers: processes; by default one per core.
        watch: told about the updates made.

    Raises:
        InputError: something asked for cannot be done.
        RunError: the task was not left as it was, or is broken from the start.
    """
    require("study", "find")
    non_negative_int.check("find(seed=...)", seed)
    positive_int.check("find(repeats=...)", repeats)
    rising_rates(low, high, points)
    source = source_of(task, script, arguments=arguments)
    with LocalPool(workers, watch) as pool:
        probe = pool.call(source.probe, None, None)
        if schedule is not None:
            check_schedule(schedule, probe, budget)
        finding = search(pool, source, probe, seed=seed, repeats=repeats, points=points, low=low, high=high)
        if schedule is None or finding.suggestion is None:
            return finding
        at = finding.interval or Interval(finding.suggestion, finding.suggestion)
        return evolve(finding, schedule=search_schedule(pool, source, probe, schedule, at, budget=budget, seed=seed))


def search(
    pool: LocalPool,
    source: Source,
    probe: Probe,
    *,
    seed: int = 0,
    repeats: int = 5,
    points: int = 100,
    low: float = 1e-6,
    high: float = 10.0,
) -> Finding:
    """`find` on a pool that is already there."""
    rates = rising_rates(low, high, points)
    seeds = tuple(range(FIRST_SEED + seed, FIRST_SEED + seed + repeats))
    pool.watch.begin("range test", points * repeats)
    found = dict(pool.each(_curve, [(source, probe, rates, s) for s in seeds]))
    curves = tuple(found[i] for i in range(repeats))
    seen = [(c.rates, c.losses) for c in curves]
    reading = read(seen)
    sure = None if reading.suggestion is None else repeatability(seen)
    return Finding(source.label, reading, curves, sure, peers_beside(rates, curves), seeds)


def _curve(source: Source, probe: Probe, rates: FloatArray, seed: int) -> Curve:
    """One repeat, in a worker."""
    if isinstance(source, TaskSource):
        curve = range_test(source.build(seed), rates)
        report(len(curve.losses))
        return curve
    if not isinstance(source, ScriptSource):
        msg = f"`find` must be given a task or a script, got {type(source).__name__}."
        raise InputError(msg)
    horizon = probe.horizon.lasting(steps=len(rates))
    spec = RunSpec(
        source, seed, f"constant({float(rates[0])!r})", horizon, rates, "loss", "min", stop_after_divergence=False
    )
    result = source.execute(spec, lambda _done, _loss: None)
    report(len(rates))
    return _logged(result, rates)


def _logged(result: RunResult, rates: FloatArray) -> Curve:
    """The curve of the losses a script logged; steps it logged no loss at are left out, divergence is its last point.

    Raises:
        RunError: the script died with a finite loss, logged too few losses, or none that is finite at first.
    """
    losses = result.trace.loss
    finite = np.flatnonzero(np.isfinite(losses))
    diverged = bool(finite.size) and int(finite[-1]) < len(losses) - 1
    if result.failure is not None and not diverged:
        raise RunError(result.failure)
    if finite.size < FEWEST:
        msg = f"`find` must see at least {FEWEST} finite losses, got {finite.size}. Log the loss of each update."
        raise RunError(msg)
    keep = np.append(finite, finite[-1] + 1) if diverged else finite
    return Curve(rates[result.trace.step[keep]], losses[keep], restored=True, diverged=diverged)


def _ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.lo, interval.hi]
