"""`find`: a peak learning rate by a range test, repeated, with an interval; for the decay to come where it is given.

Of a task, in worker processes; of a script, in child processes; of what is in the user's hands, here and now
(`lrdecay.verbs.doors`): a model in PyTorch or Keras, a Lightning module, a transformers trainer, a JAX training loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from attrs import evolve

from lrdecay.errors import InputError, RunError, non_negative_int, positive_int
from lrdecay.rangetest.compressed import BUDGET
from lrdecay.rangetest.driver import FEWEST, FIRST_SEED, Curve, range_test, rising_rates
from lrdecay.runs.protocol import Orders
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import Probe, RunResult, RunSpec, Source
from lrdecay.runs.task_source import TaskSource
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Schedule
from lrdecay.stats.intervals import Interval
from lrdecay.sweep.pool import LocalPool, Watch
from lrdecay.sweep.pools import Pool
from lrdecay.sweep.worker import report
from lrdecay.verbs.doors import door_of, through
from lrdecay.verbs.extras import require
from lrdecay.verbs.find_schedule import HOLDS, check_schedule, held_decay, judged_by, search_schedule
from lrdecay.verbs.finding import Finding, finding_of
from lrdecay.verbs.sources import Task, source_of

__all__ = ["find", "search"]

_FORKED = "short runs went on from the script's own checkpoints: `lrdecay train --verify-fork` tells how exactly"


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
    schedule: str | Schedule | None = None,
    budget: float = BUDGET,
    metric: str | None = None,
    hold: str = HOLDS[0],
    arguments: Mapping[str, Any] | None = None,
    workers: int | None = None,
    watch: Watch | None = None,
    **in_process: Any,
) -> Finding:
    """Raise the rate from low to high until training breaks, a few times over, and read the averaged curve.

    Args:
        task: see `lrdecay.verbs.sources`; or give ``script``; or a PyTorch model, a Lightning module, a transformers
            trainer, a compiled Keras model, or a function of a JAX training loop, which are left exactly as they were.
        optimizer: with a PyTorch model, its optimizer; with a loss in JAX, optax' factory.
        step_fn: with a PyTorch model, makes one update and returns its loss; or give ``loss=`` and ``loader=``.
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
        schedule: the decay that will follow, ``"cosine"`` or ``cosine(peak)``: the peak is then found for it, on short
            runs of it. A peak it states is not used. Not with a model or a checkpoint: short runs are whole.
        budget: full runs that those short runs may cost together.
        metric: what is to be best with that schedule: "loss" or the task's metric; of a script a name that it logs,
            "name:min" or "name:max" where nobody can tell. None: what runs are judged by, and short runs are scored by
            the held-out loss where a task measures it. Where a loss is to be small, full runs come on top: one, or four
            where it overfits (`lrdecay.rangetest.whole`).
        hold: what is the same on short runs: "weight-decay", or "shrinkage", learning rate x weight decay x steps, of a
            task that obeys a weight decay.
        arguments: keyword arguments of the task.
        workers: processes; by default one per core.
        watch: told about the updates made.
        in_process: with a model, a module, a trainer or a function, what else the ``find`` of its adapter takes:
            ``loss=`` and ``loader=`` (torch), ``train_dataloaders=`` or ``datamodule=`` (Lightning), ``x=``, ``y=`` and
            ``batch_size=`` (Keras), ``params=`` or ``state=``, ``batches=`` or ``data=`` (optax).

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
    if (door := door_of(task, optimizer, step_fn, in_process)) is not None:
        others: dict[str, Any] = {"script": script, "checkpoint": checkpoint, "schedule": schedule}
        others |= {"arguments": arguments, "workers": workers, "metric": metric}
        others |= {"hold": None if hold == HOLDS[0] else hold}
        others |= {"budget": None if budget == BUDGET else budget}
        _refuse({name: value for name, value in others.items() if value is not None}, "with a model")
        made = through(door, task, optimizer, step_fn, shape | in_process)
        return finding_of(made.label, made.asked, made.curves, made.seeds, made.notes)
    beside = {"optimizer": optimizer, "step_fn": step_fn}
    _refuse({name: value for name, value in beside.items() if value is not None} | in_process, "without a model")
    if script is None:
        _refuse({} if checkpoint is None else {"checkpoint": checkpoint}, "without a script")
    else:
        _refuse({} if heldout_every is None else {"heldout_every": heldout_every}, "with a script")
    if schedule is None:
        _refuse({} if budget == BUDGET else {"budget": budget}, "without a schedule")
        _refuse({} if metric is None else {"metric": metric}, "without a schedule")
        _refuse({} if hold == HOLDS[0] else {"hold": hold}, "without a schedule")
    if checkpoint is not None:
        _refuse({} if schedule is None else {"schedule": schedule}, "with a checkpoint")
    source = source_of(task, script, arguments=arguments, metric=None if script is None else metric)
    with LocalPool(workers, watch) as pool:
        probe = pool.call(source.probe, None, None)
        if schedule is not None:
            check_schedule(schedule, probe, budget)
            held_decay(hold, source, probe)
        by = None if metric is None else judged_by(metric, source, probe)
        finding = search(pool, source, probe, checkpoint=checkpoint, **shape)
        if schedule is None or finding.suggestion is None:
            return finding
        at = finding.interval or Interval(finding.suggestion, finding.suggestion)
        found = search_schedule(pool, source, probe, schedule, at, budget=budget, seed=seed, by=by, hold=hold)
        notes = (*finding.notes, _FORKED) if found.forked and script is not None else finding.notes
        return evolve(finding, schedule=found, notes=notes)


def search(
    pool: Pool,
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
    return finding_of(source.label, rates, curves, seeds, _notes(source, begun))


def _notes(source: Source, begun: tuple[Path, int] | None) -> tuple[str, ...]:
    if not isinstance(source, ScriptSource):
        return ()
    start = "its beginning" if begun is None else f"step {begun[1]}, its checkpoint {begun[0].name}"
    return (
        f"nothing to restore: each repeat was a process of its own, from {start}",
        "no critical rate: a script does not give the loss at other weights",
    )


def _refuse(given: Mapping[str, Any], where: str) -> None:
    """Raise `InputError` if arguments were given that are of another way to find."""
    for name in given:
        msg = f"`find({name}=...)` must not be given {where}, got {type(given[name]).__name__}."
        raise InputError(msg)


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
