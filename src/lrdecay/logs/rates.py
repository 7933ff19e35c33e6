"""The rate of every update, from the rates that were logged, or from a schedule.

between logged points   a straight line; but where the rate stood still before and after, and is another, it is a
                        step: half way between the two, or at the second where that one is off the spacing of the
                        others, for then it was logged because the rate changed
after the last          on the line of the last points, from near by; farther on the last rate. A last point at the
                        end itself is the rate of no update, and counts only where the rate was moving
before the first        on the line of the first two points, from near by; farther back the same rate, after a warmup
                        from 0 that is linear over so many updates as are given
"""

from __future__ import annotations

import numpy as np
from attrs import field, frozen

from lrdecay.errors import InputError, refusal
from lrdecay.logs.log import FloatArray, Log, Series
from lrdecay.logs.ordering import ordered
from lrdecay.losslaws.curve import warmup_of
from lrdecay.schedule import Horizon, Schedule, parse, peak_of

__all__ = ["Rates", "rates_of"]

_SAME = 1e-6  # relative to the peak; rates nearer than this are equal
_NEAR = 2.0  # gaps; a first point no further from step 0 is at the start
_WIDE = 0.02  # of the run; a gap across which the rate moves is told where it is wider
_SPARSE = 0.1  # of the run; the usual gap is told where it is wider
_BENT = 0.5  # of a slope; by how much the one before may differ where a line goes on


@frozen(eq=False)
class Rates:
    """What a run's rate was.

    Attributes:
        values: of every update, shape (T,).
        warmup: updates that warmed up.
        notes: sentences about what was assumed.
    """

    values: FloatArray = field(repr=False)
    warmup: int
    notes: tuple[str, ...]


def rates_of(
    log: Log,
    last: int,
    *,
    schedule: str | Schedule | None = None,
    steps: int | None = None,
    warmup: int | None = None,
) -> Rates:
    """The rate of every update of a run, at least up to its last loss.

    Args:
        log: where rates may be.
        last: step of the last loss.
        schedule: a value or its notation, which wins over the log.
        steps: updates that the schedule was laid out for.
        warmup: updates that warmed up; None: seen in the rates.

    Raises:
        InputError: there is no rate at all, one is negative, or the schedule does not fit the log.
    """
    if warmup is not None and (type(warmup) is not int or warmup < 0):
        raise InputError(refusal("--warmup", "must be an integer >= 0", warmup))
    notes: list[str] = []
    if schedule is not None:
        values = _scheduled(log, last, schedule, steps, notes)
    elif steps is not None:
        raise InputError(refusal("--log-steps", "must come with --schedule, which is laid out over it", steps))
    else:
        values = _logged(log, last, warmup, notes)
    return Rates(values, min(warmup_of(values) if warmup is None else warmup, last), tuple(notes))


def _scheduled(log: Log, last: int, schedule: str | Schedule, steps: int | None, notes: list[str]) -> FloatArray:
    said = parse(schedule) if isinstance(schedule, str) else schedule
    if steps is None:
        cure = "Say how many updates it was laid out for: --log-steps N."
        raise InputError(refusal("--schedule SPEC", "must come with --log-steps", repr(said), cure))
    if peak_of(said) is None:
        raise InputError(refusal("--schedule SPEC", "must have a stated peak", repr(said), "Put the rate in."))
    values = np.asarray(said.bind(Horizon(steps=steps)).values(), dtype=np.float64)
    if last > len(values):
        rule = f"must reach to the last loss of {log.name}, at step {last}"
        raise InputError(refusal("--log-steps", rule, steps, "It is the length of the run that was logged."))
    logged = None if log.rate is None else log.rate.only(np.isfinite(log.rate.values) & (log.rate.steps < len(values)))
    if logged is not None and len(logged):
        off = float(np.abs(values[logged.steps] - logged.values).max()) / values.max()
        notes.append(f"The rate is the schedule's; the column {log.rate_name} differs by up to {off:.1%} of the peak.")
    return values


def _logged(log: Log, last: int, warmup: int | None, notes: list[str]) -> FloatArray:
    given = None if log.rate is None else log.rate.only(np.isfinite(log.rate.values))
    if given is None or not len(given):
        cure = "Name its column with --lr NAME, or say --schedule SPEC --log-steps N."
        raise InputError(refusal("forecast(logs=...)", f"must hold the rate in {log.name}", "no such column", cure))
    if (given.values < 0).any() or not (given.values > 0).any():
        rule = f"must hold rates >= 0, some above, ({log.rate_name}) in {log.name}"
        raise InputError(refusal("forecast(logs=...)", rule, float(given.values.min())))
    points, said = ordered(given, "rates")
    notes += said
    points = _without_end(points, last, notes)
    values = _between(points, last, notes)
    first = int(points.steps[0])
    if first > 0:
        values[:first] = _before(points, log.first, warmup, notes)[: len(values)]
    return values


def _without_end(points: Series, last: int, notes: list[str]) -> Series:
    """Without a last point that is no update's, where the rate stood still before it."""
    v = points.values
    small = _SAME * float(v.max())
    if len(v) > 2 and points.steps[-1] >= last and abs(v[-2] - v[-3]) <= small and abs(v[-1] - v[-2]) > small:
        notes.append(f"The rate at the end, {v[-1]:.6g} at step {points.steps[-1]}, is that of no update: left out.")
        return points.only(np.arange(len(v) - 1))
    return points


def _between(points: Series, last: int, notes: list[str]) -> FloatArray:
    at, v = points.steps.astype(np.float64), points.values
    size = max(last, 1)
    values = np.interp(np.arange(size), at, v)
    usual = float(np.median(np.diff(at))) if len(at) > 1 else 1.0
    moved = np.abs(np.diff(v)) > _SAME * float(v.max())
    for i in np.flatnonzero(moved):
        still = 0 < i < len(moved) - 1 and not moved[i - 1] and not moved[i + 1]
        low, high = int(points.steps[i]), int(points.steps[i + 1])
        if still and high - low > 1:
            middle = high if high - low != usual else (low + high + 1) // 2
            values[low:middle], values[middle:high] = v[i], v[i + 1]
            notes.append(
                f"The rate steps from {v[i]:.6g} to {v[i + 1]:.6g} between steps {low} and {high}: at {middle}."
            )
        elif high - low > max(_WIDE * last, _NEAR * usual):
            notes.append(f"Between steps {low} and {high} no rate was logged: taken as a straight line.")
    if moved.any() and usual > _SPARSE * last:
        notes.append(f"The rate was logged at {len(at)} steps only: taken as straight lines between them.")
    beyond = np.arange(min(int(at[-1]) + 1, size), size)
    if len(beyond) <= _NEAR * usual:
        values[beyond] = np.clip(v[-1] + _slope(points) * (beyond - at[-1]), 0.0, v.max())
    else:
        notes.append(f"The last rate was logged at step {int(at[-1])}, and is held to step {last}.")
    return values


def _slope(points: Series) -> float:
    """The slope at the end, where the last three points are about on a line; otherwise 0."""
    if len(points) < 3:
        return 0.0
    before, end = np.diff(points.values[-3:]) / np.diff(points.steps[-3:])
    return float(end) if abs(end - before) <= _BENT * abs(end) else 0.0


def _before(points: Series, begin: int, warmup: int | None, notes: list[str]) -> FloatArray:
    """The rates before the first that was logged.

    Args:
        points: what was logged.
        begin: the first step at which the log has anything.
        warmup: updates that warmed up, where it was said.
        notes: are added to.
    """
    at, v = points.steps, points.values
    first = int(at[0])
    earlier: FloatArray = np.arange(first, dtype=np.float64)
    gap = float(np.median(np.diff(at))) if len(at) > 1 else 1.0
    slope = (v[1] - v[0]) / float(at[1] - at[0]) if len(at) > 1 and at[1] - at[0] <= _NEAR * gap else 0.0
    near = 0 if first <= _NEAR * gap else min(max(begin, round(first - _NEAR * gap)), first - 1)
    line: FloatArray = np.maximum(v[0] - slope * (first - np.maximum(earlier, near)), 0.0)
    if near == 0 and warmup is None:
        return line
    held = float(line[near])
    if warmup is None:
        notes.append(
            f"The log's rates start at step {first}: before it the rate is taken to be {held:.6g}, with no warmup; say"
            " --warmup N if there was one."
        )
        return line
    over = min(warmup, first)
    if near or slope == 0:
        line *= np.minimum((earlier + 1) / (over + 1), 1.0)
        notes.append(
            f"The log's rates start at step {first}: before it, {held:.6g} after a linear warmup over {over} updates."
        )
    return line
