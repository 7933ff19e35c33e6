"""Training a `Trainable` along a table of rates, watching the loss, measuring as it goes."""

from __future__ import annotations

import math
import time

import numpy as np

from lrdecay.runs.spec import Divergence, Progress, RunResult, RunSpec, at_the_end, final_score
from lrdecay.runs.trace import Trace
from lrdecay.runs.trainable import FloatArray, Trainable

__all__ = ["drive", "first_divergence"]

_CHUNK = 50  # updates between two looks at the loss


def drive(trainable: Trainable, spec: RunSpec, progress: Progress) -> RunResult:
    """Make the updates of a spec from where the trainable stands, at step 0, and measure it on the way.

    A loss that is not finite ends the run at once, unless the spec says otherwise; the trace up to it is kept. A score
    that is not finite is a divergence too.
    """
    began = time.perf_counter()
    losses: list[FloatArray] = []
    measured: dict[int, dict[str, float]] = {}
    diverged: Divergence | None = None
    marks = spec.evaluation_steps()
    done = 0
    while done < spec.steps and not (diverged and spec.stop_after_divergence):
        target = min(done + _CHUNK, next(m for m in marks if m > done))
        logged = trainable.advance(spec.table(done, target))["loss"]
        diverged = diverged or first_divergence(logged, spec.rates[done:target], done)
        if diverged and spec.stop_after_divergence:
            logged = logged[: diverged.step - done + 1]
        losses.append(logged)
        done += len(logged)
        progress(done, float(logged[-1]))
        if done in marks and not diverged:
            measured[done] = dict(trainable.evaluate())
    loss = np.concatenate(losses)
    metrics = measured.get(spec.steps, {})
    score = math.nan if diverged else final_score(metrics, trainable.metric, spec.source.label)
    if not diverged and not math.isfinite(score):
        diverged, score = at_the_end(spec, score), math.nan
    return RunResult(
        identity=spec.identity(),
        seed=spec.seed,
        schedule=spec.schedule,
        metric=trainable.metric,
        goal=trainable.goal,
        score=score,
        metrics=metrics,
        trace=_trace(spec, loss, measured),
        diverged=diverged,
        seconds=time.perf_counter() - began,
    )


def first_divergence(loss: FloatArray, rates: FloatArray, start: int) -> Divergence | None:
    """The first loss that is not finite, as an update counted from the start of the run."""
    bad = np.flatnonzero(~np.isfinite(loss))
    if not bad.size:
        return None
    i = int(bad[0])
    return Divergence(start + i, float(rates[i]), str(float(loss[i])))


def _trace(spec: RunSpec, loss: FloatArray, measured: dict[int, dict[str, float]]) -> Trace:
    steps = np.arange(len(loss), dtype=np.int64)
    per_epoch = spec.horizon.epoch_length
    epoch = np.full(len(loss), np.nan)
    if per_epoch is not None:
        epoch = steps * per_epoch.denominator / per_epoch.numerator
    metrics: dict[str, FloatArray] = {}
    for done, values in measured.items():
        for name, value in values.items():
            column = f"heldout_{name}" if name == "loss" else name
            metrics.setdefault(column, np.full(len(loss), np.nan))[done - 1] = value
    return Trace(steps, epoch, spec.rates[: len(loss)].copy(), loss, metrics)
