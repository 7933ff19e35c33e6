"""Driving a trainable along a table of rates: chunks, evaluations, early end of a diverged run, a trace.

A run is made in one leg, or put together from legs that a prefix tree shares; the bits are the same, since neither the
length of a chunk nor an evaluation changes anything.
"""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from typing import TypeGuard

import numpy as np
from attrs import evolve, field, frozen

from lrdecay.runs.spec import Divergence, Progress, RunResult, RunSpec, at_the_end, final_score
from lrdecay.runs.trace import Trace
from lrdecay.runs.trainable import FloatArray, Goal, HasAverages, Trainable

__all__ = ["Leg", "drive", "first_divergence", "leg", "measures_several", "put_together", "trace_of"]

_CHUNK = 50  # updates between two looks at the loss


@frozen(eq=False)
class Leg:
    """Updates made one after the other."""

    start: int  # updates made before
    loss: FloatArray  # of each update, before it; to the first that is not finite where the run ended there
    measured: Mapping[int, Mapping[str, float]]  # held-out metrics, by the number of updates made by then
    diverged: Divergence | None
    seconds: float  # wall time
    metric: str  # by which the trainable is judged
    goal: Goal
    digest: str | None = None  # of the state after it; None: not asked for, or it diverged
    digests: Mapping[str, str] = field(factory=dict)  # the same for each average, where several are measured

    @property
    def end(self) -> int:
        """Updates made after it."""
        return self.start + len(self.loss)


def leg(
    trainable: Trainable,
    values: Mapping[str, FloatArray],
    marks: Collection[int],
    progress: Progress,
    *,
    start: int = 0,
    stop_after_divergence: bool = True,
    digest: bool = True,
) -> Leg:
    """Make updates from where the trainable stands, and measure it on the way.

    Args:
        trainable: stands at ``start``.
        values: columns of shape (n,), "lr" among them; a row for each update to make.
        marks: after how many updates, counted from the start of the run, it is evaluated.
        progress: told the updates made, counted in the same way.
        start: updates made before.
        stop_after_divergence: whether a loss that is not finite ends it.
        digest: whether to say the state at the end.
    """
    began = time.perf_counter()
    losses: list[FloatArray] = []
    measured: dict[int, Mapping[str, float]] = {}
    diverged: Divergence | None = None
    done, end = start, start + len(values["lr"])
    stops = sorted({m for m in marks if start < m < end} | {end}, reverse=True)
    while done < end and not (diverged and stop_after_divergence):
        if stops[-1] <= done:
            stops.pop()
        target = min(done + _CHUNK, stops[-1])
        chunk = {name: column[done - start : target - start] for name, column in values.items()}
        logged = trainable.advance(chunk)["loss"]
        diverged = diverged or first_divergence(logged, chunk["lr"], done)
        if diverged and stop_after_divergence:
            logged = logged[: diverged.step - done + 1]
        losses.append(logged)
        done += len(logged)
        progress(done, float(logged[-1]))
        if done in marks and not diverged:
            measured[done] = dict(trainable.evaluate())
    state = trainable.digest() if digest and not diverged else None
    each = trainable.digests() if state is not None and measures_several(trainable) else {}
    loss, seconds = np.concatenate(losses), time.perf_counter() - began
    return Leg(start, loss, measured, diverged, seconds, trainable.metric, trainable.goal, state, each)


def measures_several(trainable: Trainable) -> TypeGuard[HasAverages]:
    """Whether it measures several averages of its weights beside one another."""
    return isinstance(trainable, HasAverages) and len(trainable.averages) > 1


def drive(trainable: Trainable, spec: RunSpec, progress: Progress) -> RunResult:
    """Make the updates of a spec from where the trainable stands, at step 0, and measure it on the way.

    A loss that is not finite ends the run at once, unless the spec says otherwise; the trace up to it is kept. A score
    that is not finite is a divergence too.
    """
    stop = spec.stop_after_divergence
    marks = spec.evaluation_steps()
    return put_together(spec, [leg(trainable, spec.table(), marks, progress, stop_after_divergence=stop)])


def put_together(spec: RunSpec, legs: Sequence[Leg], driven: FloatArray | None = None) -> RunResult:
    """The result of a run from its legs, first to last; of what was measured, only what the run itself asks for.

    Args:
        spec: the run.
        legs: of it.
        driven: the rates of its updates where they are not those of the spec: a rule multiplied them.

    Raises:
        InputError: the metric it is judged by was not measured.
    """
    last = legs[-1]
    loss = np.concatenate([part.loss for part in legs])
    own = set(spec.evaluation_steps())
    measured = {m: _viewed(spec, values) for part in legs for m, values in part.measured.items() if m in own}
    diverged = last.diverged
    metrics = measured.get(spec.steps, {})
    score = math.nan if diverged else final_score(metrics, last.metric, spec.source.label)
    if not diverged and not math.isfinite(score):
        diverged, score = at_the_end(spec if driven is None else evolve(spec, rates=driven), score), math.nan
    return RunResult(
        identity=spec.identity(),
        seed=spec.seed,
        schedule=spec.schedule,
        metric=last.metric,
        goal=last.goal,
        score=score,
        metrics=dict(metrics),
        trace=trace_of(spec.rates if driven is None else driven, loss, measured, per_epoch=spec.horizon.epoch_length),
        diverged=diverged,
        seconds=math.fsum(part.seconds for part in legs),
        digest=None if diverged else last.digest if spec.view is None else last.digests[spec.view.average],
    )


def _viewed(spec: RunSpec, values: Mapping[str, float]) -> Mapping[str, float]:
    """What was measured of the run's own average, under plain names; everything where it has no view."""
    if spec.view is None:
        return values
    before = f"{spec.view.average}/"
    return {name.removeprefix(before): value for name, value in values.items() if name.startswith(before)}


def first_divergence(loss: FloatArray, rates: FloatArray, start: int) -> Divergence | None:
    """The first loss that is not finite, as an update counted from the start of the run."""
    bad = np.flatnonzero(~np.isfinite(loss))
    if not bad.size:
        return None
    i = int(bad[0])
    return Divergence(start + i, float(rates[i]), str(float(loss[i])))


def trace_of(
    rates: FloatArray,
    loss: FloatArray,
    measured: Mapping[int, Mapping[str, float]],
    *,
    start: int = 0,
    per_epoch: Fraction | None = None,
) -> Trace:
    """The trace of updates ``start`` .. of a run.

    Args:
        rates: of these updates; those after the last loss were not made.
        loss: of these updates.
        measured: metrics, by the number of updates made since the start of the run.
        start: updates made before.
        per_epoch: updates in an epoch, where somebody says it.
    """
    steps = np.arange(start, start + len(loss), dtype=np.int64)
    epoch = np.full(len(loss), np.nan)
    if per_epoch is not None:
        epoch = steps * per_epoch.denominator / per_epoch.numerator
    metrics: dict[str, FloatArray] = {}
    for done, values in measured.items():
        for name, value in values.items():
            column = f"heldout_{name}" if name == "loss" else name
            metrics.setdefault(column, np.full(len(loss), np.nan))[done - start - 1] = value
    return Trace(steps, epoch, rates[: len(loss)].copy(), loss, metrics)
