"""`find`: a peak learning rate by a range test, repeated, with an interval.

Of a task, in worker processes; of a script, in child processes; of a PyTorch model and optimizer, here and now
(`lrdecay.adapters.torch.finder`).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen

from lrdecay.errors import InputError, RunError, non_negative_int, positive_int
from lrdecay.rangetest.critical import NEAR, typical
from lrdecay.rangetest.driver import FEWEST, FIRST_SEED, Curve, range_test, rising_rates
from lrdecay.rangetest.reading import Reading, average, read, rules
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import Probe, RunResult, RunSpec, Source
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trainable import FloatArray
from lrdecay.stats.intervals import Interval, log10_t_interval
from lrdecay.sweep.pool import LocalPool, Watch
from lrdecay.sweep.worker import report
from lrdecay.verbs.extras import require
from lrdecay.verbs.sources import Task, source_of

__all__ = ["FIRST_SEED", "Finding", "find", "search"]

_MODULE = "torch.nn.modules.module.Module"  # told by name, so that torch is not imported for it


@frozen(eq=False)
class Finding:
    """A range test's answer."""

    task: str
    reading: Reading = field(repr=False)
    curves: tuple[Curve, ...] = field(repr=False)  # one per repeat
    interval: Interval | None  # 95%, of the suggestion over repeats, by t on log10; None: no suggestion, or one repeat
    seeds: tuple[int, ...]
    notes: tuple[str, ...] = ()  # what a reader must know of how the curves were made

    @property
    def suggestion(self) -> float | None:
        """The peak to use; None where the curve gives no clear answer."""
        return self.reading.suggestion

    @property
    def repeats(self) -> int:
        """How many curves were averaged."""
        return len(self.curves)

    @property
    def steps_used(self) -> int:
        """Updates made."""
        return sum(len(c.losses) for c in self.curves)

    @property
    def restored(self) -> bool:
        """Whether every repeat left the task exactly as it was; for a script, a child process touched nothing of it."""
        return all(c.restored for c in self.curves)

    @property
    def critical_rate(self) -> float | None:
        """The largest step along the first update that does not raise its loss; geometric mean over repeats.

        None: it could not be had, see `lrdecay.rangetest.critical`; a script cannot be looked into.
        """
        return typical([c.critical for c in self.curves])

    @property
    def binding(self) -> float | None:
        """The suggestion over the critical rate: near 1 or above, the rate is what stability allows."""
        critical = self.critical_rate
        return None if self.suggestion is None or critical is None else self.suggestion / critical

    @property
    def is_binding(self) -> bool | None:
        """Whether that ratio is above `lrdecay.rangetest.critical.NEAR`."""
        return None if self.binding is None else self.binding > NEAR

    def peak(self) -> float:
        """The suggestion.

        Raises:
            RunError: there is none.
        """
        if self.suggestion is None:
            msg = f"`find` must see a curve that falls and rises to suggest a peak: {self.reading.why_not}."
            raise RunError(msg)
        return self.suggestion

    def to_json(self) -> dict[str, Any]:
        """The contract of ``find --json``."""
        return {
            "task": self.task,
            "suggestion": self.suggestion,
            "interval": None if self.interval is None else [self.interval.lo, self.interval.hi],
            "rules": self.reading.rules,
            "restored": self.restored,
            "steps_used": self.steps_used,
            "why_not": self.reading.why_not,
            "repeats": self.repeats,
            "seeds": list(self.seeds),
            "curve": {"rates": self.reading.rates.tolist(), "losses": self.reading.losses.tolist()},
            "critical_rate": self.critical_rate,
            "binding": self.binding,
            "is_binding": self.is_binding,
            "critical": [None if c.critical is None else c.critical.to_json() for c in self.curves],
            "heldout": [_looks(c) for c in self.curves],
            "notes": list(self.notes),
        }


def find(
    task: Task | None = None,
    optimizer: Any = None,
    step_fn: Any = None,
    *,
    script: str | None = None,
    checkpoint: str | None = None,
    seed: int = 0,
    repeats: int = 5,
    points: int = 100,
    low: float = 1e-6,
    high: float = 10.0,
    ramp: str = "exponential",
    heldout_every: int | None = None,
    arguments: Mapping[str, Any] | None = None,
    workers: int | None = None,
    watch: Watch | None = None,
    **in_process: Any,
) -> Finding:
    """Raise the rate from low to high until training breaks, a few times over, and read the averaged curve.

    Args:
        task: see `lrdecay.verbs.sources`; or give ``script``; or a PyTorch model, which is left exactly as it was.
        optimizer: with a model, its optimizer.
        step_fn: with a model, makes one update and returns its loss; or give ``loss=`` and ``loader=``.
        script: a command that calls ``lrdecay.script()``.
        checkpoint: with a script, one of its own checkpoints to start each repeat from.
        seed: which seeds the repeats use: FIRST_SEED + seed, and on.
        repeats: curves to average; each has its own initial weights and data order.
        points: updates in a curve.
        low: first rate.
        high: last rate.
        ramp: "exponential", even in log rate, or "linear".
        heldout_every: points from one look at held-out data to the next; None: no look, but for a model every 5 where
            ``heldout=`` is given.
        arguments: keyword arguments of the task.
        workers: processes; by default one per core.
        watch: told about the updates made.
        in_process: with a model, what else `lrdecay.adapters.torch.find` takes.

    Raises:
        InputError: something asked for cannot be done.
        RunError: the task was not left as it was, or is broken from the start.
    """
    require("study", "find")
    non_negative_int.check("find(seed=...)", seed)
    positive_int.check("find(repeats=...)", repeats)
    rising_rates(low, high, points, ramp)
    shape: dict[str, Any] = {"seed": seed, "repeats": repeats, "points": points, "low": low, "high": high, "ramp": ramp}
    if heldout_every is not None:
        positive_int.check("find(heldout_every=...)", heldout_every)
        shape["heldout_every"] = heldout_every
    if any(f"{c.__module__}.{c.__qualname__}" == _MODULE for c in type(task).__mro__):
        others = {"script": script, "checkpoint": checkpoint, "arguments": arguments, "workers": workers}
        _refuse({name: value for name, value in others.items() if value is not None}, "with a model")
        return _of_model(task, optimizer, step_fn, shape | in_process)
    beside = {"optimizer": optimizer, "step_fn": step_fn}
    _refuse({name: value for name, value in beside.items() if value is not None} | in_process, "without a model")
    if script is None:
        _refuse({} if checkpoint is None else {"checkpoint": checkpoint}, "without a script")
    else:
        _refuse({} if heldout_every is None else {"heldout_every": heldout_every}, "with a script")
    source = source_of(task, script, arguments=arguments)
    with LocalPool(workers, watch) as pool:
        probe = pool.call(source.probe, None, None)
        return search(pool, source, probe, checkpoint=checkpoint, **shape)


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
    ramp: str = "exponential",
    heldout_every: int | None = None,
    checkpoint: str | None = None,
) -> Finding:
    """`find` on a pool that is already there."""
    rates = rising_rates(low, high, points, ramp)
    seeds = tuple(range(FIRST_SEED + seed, FIRST_SEED + seed + repeats))
    pool.watch.begin("range test", points * repeats)
    begun: tuple[Path, int] | None = None
    if checkpoint is not None and isinstance(source, ScriptSource):
        path = Path(checkpoint).absolute()
        begun = path, pool.call(source.start_of, path)
    found = dict(pool.each(_curve, [(source, probe, rates, s, heldout_every, begun) for s in seeds]))
    curves = tuple(found[i] for i in range(repeats))
    return _finding(source.label, curves, seeds, _notes(source, begun))


def _notes(source: Source, begun: tuple[Path, int] | None) -> tuple[str, ...]:
    if not isinstance(source, ScriptSource):
        return ()
    start = "its beginning" if begun is None else f"step {begun[1]}, its checkpoint {begun[0].name}"
    return (
        f"nothing to restore: each repeat was a process of its own, from {start}",
        "no critical rate: a script does not give the loss at other weights",
    )


def _of_model(model: Any, optimizer: Any, step_fn: Any, options: Mapping[str, Any]) -> Finding:
    from lrdecay.adapters.torch.finder import find as find_in_process

    measured = find_in_process(model, optimizer, step_fn, **options)
    return _finding(measured.label, measured.curves, measured.seeds, measured.notes)


def _refuse(given: Mapping[str, Any], where: str) -> None:
    """Raise `InputError` if arguments were given that are of another way to find."""
    for name in given:
        msg = f"`find({name}=...)` must not be given {where}, got {type(given[name]).__name__}."
        raise InputError(msg)


def _finding(label: str, curves: tuple[Curve, ...], seeds: tuple[int, ...], notes: tuple[str, ...]) -> Finding:
    """The curves, read."""
    reading = read([(c.rates, c.losses) for c in curves])
    interval = None
    if reading.suggestion is not None and len(curves) > 1:
        interval = log10_t_interval([rules(*average([(c.rates, c.losses)]))["lrdecay"] for c in curves])
    return Finding(label, reading, curves, interval, seeds, notes)


def _looks(curve: Curve) -> dict[str, list[float]] | None:
    """The held-out losses of a curve for JSON, those that are finite; None: nobody looked."""
    if curve.heldout is None:
        return None
    seen = np.isfinite(curve.heldout)
    return {"rates": curve.rates[seen].tolist(), "losses": curve.heldout[seen].tolist()}


def _curve(
    source: Source,
    probe: Probe,
    rates: FloatArray,
    seed: int,
    heldout_every: int | None = None,
    begun: tuple[Path, int] | None = None,
) -> Curve:
    """One repeat, in a worker; of a script from a checkpoint and its step, where it is to begin there."""
    if isinstance(source, TaskSource):
        curve = range_test(source.build(seed), rates, heldout_every=heldout_every)
        report(len(curve.losses))
        return curve
    if not isinstance(source, ScriptSource):
        msg = f"`find` must be given a task or a script, got {type(source).__name__}."
        raise InputError(msg)
    points, orders = len(rates), Orders()
    if begun is not None:
        orders = Orders(load=begun[0])
        rates = np.concatenate([np.full(begun[1], rates[0]), rates])  # by step; those before its own are never used
    horizon = probe.horizon.lasting(steps=len(rates))
    spec = RunSpec(
        source, seed, f"constant({float(rates[0])!r})", horizon, rates, "loss", "min", stop_after_divergence=False
    )
    result = source.run_orders(spec, orders, lambda _done, _loss: None)
    report(points)
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
