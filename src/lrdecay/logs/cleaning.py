"""From a log to losses that a law can be fitted to, with a sentence for everything that was done; or a refusal.

In this order: mixed batch sizes and runs that diverged are refused; losses that are not finite are left out; entries
are put in order (`lrdecay.logs.ordering`); a last loss that was measured on something else is left out; the loss before
the first update is left out; too few are refused; smoothing is warned about.

    last        it lies at the end (its rate is 0, or its step is the last one's, or off the spacing of the others), and
                more than 8 robust standard deviations of its neighbours' differences away, and of their bends
    diverged    nothing finite comes any more; or the loss rises well above its start and stays; or it had fallen by far
                more than its noise and returned to its start for good
    smoothed    differences d of neighbouring losses, less their running median: independent noise has a correlation of
                -1/2 between neighbouring d, a moving average with memory a has (a - 1)/2
"""

from __future__ import annotations

import numpy as np

from lrdecay.errors import InputError, refusal
from lrdecay.logs.log import FloatArray, Log, Series
from lrdecay.logs.ordering import ordered
from lrdecay.losslaws.curve import FEWEST

__all__ = ["cleaned", "memory"]

_FAR = 8.0  # robust standard deviations
_BEFORE = 24  # neighbours that say what is far
_LEAST = 0.005  # of the loss; what is nearer than this is not on other data
_ABOVE = 0.1  # of the loss at the start: how far above it a loss must stay to have diverged
_FALLEN = 20.0  # robust standard deviations by which it must have fallen to come back
_SMOOTH, _ENOUGH = 0.7, 30


def cleaned(log: Log, fewest: int = FEWEST) -> tuple[Series, tuple[str, ...]]:
    """The losses of a log, at rising steps >= 1, and what was done.

    Args:
        log: of one run.
        fewest: losses that must be left.

    Raises:
        InputError: batch sizes are mixed, the run diverged, or fewer losses are left.
    """
    _one_batch(log)
    notes: list[str] = []
    losses = _finite(log, notes)
    repeated = len(losses) > 1 and losses.steps[-1] == losses.steps[-2] and losses.values[-1] != losses.values[-2]
    if repeated and _far(losses.values):
        losses = _without_last(losses, notes)
    losses, said = ordered(losses, "losses")
    notes += said
    if len(losses) > 2 and _at_the_end(log, losses) and _far(losses.values):
        losses = _without_last(losses, notes)
    if len(losses) and losses.steps[0] == 0:
        losses = losses.only(losses.steps > 0)
        notes.append("The loss at step 0, before any update, was left out.")
    _diverged_after(log, losses)
    if len(losses) < fewest:
        cure = "Log more often." if len(losses) else "Is it the right column? --loss NAME."
        rule = f"must hold at least {fewest} losses ({log.loss_name}) in {log.name}"
        raise InputError(refusal("forecast(logs=...)", rule, len(losses), cure))
    if (losses.values <= 0).any():
        rule = f"must hold losses above 0 ({log.loss_name}) in {log.name}"
        raise InputError(refusal("forecast(logs=...)", rule, float(losses.values.min())))
    held = memory(losses.values)
    if len(losses) >= _ENOUGH and held > _SMOOTH and not log.held_out:
        notes.append(
            f"Neighbouring losses hang together as in a moving average with memory {min(held, 0.99):.2f}: if the log"
            " was smoothed, read the raw one: smoothing delays every fall. A loss on fixed held-out data does so too."
        )
    return losses, tuple(notes)


def memory(losses: FloatArray) -> float:
    """The memory a of the moving average that the noise looks like: 0 where neighbours are independent.

    a = 1 + 2 r, r the correlation of neighbouring differences less their running median over 11.
    """
    steps = np.diff(losses)
    if len(steps) < _ENOUGH // 2:
        return 0.0
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(steps, 5, mode="edge"), 11)
    rest = steps - np.median(windows, axis=1)
    power = float(rest @ rest)
    return 0.0 if power == 0 else 1 + 2 * float(rest[1:] @ rest[:-1]) / power


def _one_batch(log: Log) -> None:
    sizes = [] if log.batch is None else sorted({float(v) for v in log.batch.values if np.isfinite(v)})
    if len(sizes) > 1:
        rule = f"must be a run at one batch size in {log.name}, for a law counts updates of one size"
        cure = "Cut the log where it changes."
        raise InputError(refusal("forecast(logs=...)", rule, [f"{s:g}" for s in sizes], cure))


def _finite(log: Log, notes: list[str]) -> Series:
    good = np.isfinite(log.loss.values)
    if not good.any():
        rule = f"must hold losses that are finite ({log.loss_name}) in {log.name}"
        raise InputError(refusal("forecast(logs=...)", rule, "none", "Is it the right column? --loss NAME."))
    last = int(np.flatnonzero(good)[-1])
    if last < len(good) - 1:
        first = log.loss.steps[last + 1]
        raise InputError(_diverged(log, int(first), f"a loss of {log.loss.values[last + 1]} from there to the end"))
    if not good.all():
        notes.append(f"{int((~good).sum())} losses that are nan or infinite were left out.")
    return log.loss.only(good)


def _spread(values: FloatArray) -> float:
    """The standard deviation, by the median of what is off the median."""
    return 0.0 if not len(values) else 1.4826 * float(np.median(np.abs(values - np.median(values))))


def _far(losses: FloatArray) -> bool:
    """Whether the last loss is away from its neighbours, in value and against the direction they go in."""
    near = losses[-_BEFORE - 1 : -1]
    if len(near) < FEWEST // 2:
        return False
    steps = np.diff(near)
    jump = float(losses[-1] - near[-1] - np.median(steps))
    bends = np.diff(steps)
    bend = float(losses[-1] - 2 * near[-1] + near[-2])
    large = abs(jump) > _LEAST * abs(float(near[-1]))
    return large and abs(jump) > _FAR * _spread(steps) and abs(bend) > _FAR * _spread(bends)


def _at_the_end(log: Log, losses: Series) -> bool:
    gaps = np.diff(losses.steps)
    if gaps[-1] != np.median(gaps):
        return True
    if log.rate is None or not len(log.rate):
        return False
    end = log.rate.values[log.rate.steps == losses.steps[-1]]
    return bool(len(end)) and float(end[-1]) == 0


def _without_last(losses: Series, notes: list[str]) -> Series:
    step, value = int(losses.steps[-1]), float(losses.values[-1])
    notes.append(
        f"The last loss, {value:.4g} at step {step}, lies far from its neighbours: taken for one on other data, and"
        " left out."
    )
    return losses.only(np.arange(len(losses) - 1))


def _diverged_after(log: Log, losses: Series) -> None:
    """Refuse a loss that rose above its start and stayed, or came back to it after a long fall."""
    values = losses.values
    if len(values) < 4:
        return
    start, noise = float(np.median(values[:3])), _spread(np.diff(values))
    tail = max(3, len(values) // 20)
    above = start + max(_FAR * noise, _ABOVE * abs(start))
    lowest = float(np.median(np.sort(values)[:3]))
    limits = [above]
    if start - lowest > _FALLEN * noise and start - lowest > _ABOVE * abs(start):
        limits.append(start - 0.1 * (start - lowest))
    for limit in limits:
        if (values[-tail:] > limit).all():
            under = np.flatnonzero(values <= limit)
            first = int(losses.steps[under[-1] + 1]) if len(under) else int(losses.steps[0])
            got = f"a loss that rises to {float(np.median(values[-tail:])):.4g} after a start at {start:.4g}"
            raise InputError(_diverged(log, first, got))


def _diverged(log: Log, step: int, got: str) -> str:
    cure = "No law describes it; leave the run out."
    return refusal(
        "forecast(logs=...)", f"must be runs that did not diverge: {log.name} diverged at step {step}", got, cure
    )
