"""The schedules of a forecast: bound, their peaks filled in from the logs, and where each would end."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import evolve, field, frozen

from lrdecay.errors import InputError, refusal
from lrdecay.losslaws.curve import Curve, FloatArray, IntArray, warmup_of
from lrdecay.losslaws.forecaster import Forecaster, check_peak
from lrdecay.report.forecasting import Predicted
from lrdecay.schedule import Horizon, Schedule, at_peak
from lrdecay.schedule.peaks import is_open
from lrdecay.verbs.grids import grids_of
from lrdecay.verbs.show import Said, horizon_of

__all__ = ["Scheduled", "Wanted", "along", "bound", "lower", "predicted", "wanted_of"]

_LOWER = 0.9
_POINTS = 100  # of a predicted curve
_DIGITS = 6  # of the logs' peak, so that what single precision adds is not written


@frozen
class Wanted:
    """A schedule to be predicted, and its length where it carries one or one was given."""

    schedule: Schedule
    horizon: Horizon | None


@frozen(eq=False)
class Scheduled:
    """A schedule with its peak, in the notation, and its rates, shape (T,)."""

    spec: str
    rates: FloatArray = field(repr=False)


def wanted_of(given: Said | Sequence[Said], steps: int | None, steps_per_epoch: int | None) -> list[Wanted]:
    """Schedules from values, notation, grids and files, each once; read before any log is.

    Raises:
        InputError: one is no schedule, is under a rule, or carries a length that needs an epoch's.
    """
    found: list[Wanted] = []
    for grid in grids_of(given):
        for spec in grid.specs:
            if spec.rule is not None:
                cure = f"Leave {spec.rule} out: what it would do is not known before the run."
                rule = "must be a schedule without a rule"
                raise InputError(refusal("forecast(predict=...)", rule, str(spec), cure))
            horizon = None if steps is None else Horizon(steps=steps, steps_per_epoch=steps_per_epoch)
            if spec.horizon is not None:
                horizon = horizon_of(spec, Horizon(steps=1, steps_per_epoch=steps_per_epoch))
            wanted = Wanted(spec.schedule, horizon)
            if wanted not in found:
                found.append(wanted)
    return found


def bound(wanted: Wanted, curves: Sequence[Curve], steps_per_epoch: int | None) -> Scheduled:
    """A schedule's rates, its open peak filled in; without a length it is as long as the longest log.

    Raises:
        InputError: it does not fit its length, or rises above the logs' peak.
    """
    peak, longest = max(c.peak for c in curves), max(c.last for c in curves)
    horizon = wanted.horizon or Horizon(steps=longest, steps_per_epoch=steps_per_epoch)
    written = float(f"{peak:.{_DIGITS}g}")
    schedule = at_peak(wanted.schedule, written) if is_open(wanted.schedule) else wanted.schedule
    rates = np.asarray(schedule.bind(horizon).values(), dtype=np.float64)
    check_peak(rates, peak)
    return Scheduled(repr(schedule), rates)


def predicted(forecaster: Forecaster, scheduled: Scheduled) -> Predicted:
    """Where a schedule would end; far below the logs' peak, or before their first loss, that is extrapolated."""
    rates, warmup = scheduled.rates, warmup_of(scheduled.rates)
    steps = along(len(rates), warmup)
    prediction, losses = forecaster.predict(rates, warmup), forecaster.curve(rates, steps, warmup)
    if lower(rates, forecaster.peak) or len(rates) < min(int(c.steps[0]) for c in forecaster.curves):
        prediction = evolve(prediction, extrapolated=True)
    return Predicted(scheduled.spec, rates, warmup, prediction, steps, losses)


def lower(rates: FloatArray, peak: float) -> bool:
    """Whether a schedule peaks below the logs by more than a tenth: a law's numbers belong to one peak."""
    return float(rates.max()) < _LOWER * peak


def along(length: int, warmup: int) -> IntArray:
    """Steps from the end of the warmup to the end of a run, at most 100 and evenly spaced."""
    first = min(max(warmup, 1), length)
    found: IntArray = np.unique(np.linspace(first, length, min(_POINTS, length - first + 1)).astype(np.int64))
    return found
