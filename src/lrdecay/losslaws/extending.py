"""A run that stands at some step is to go on to more updates: under which decay, and is that worth it?

What was trained is fixed: the rates of the updates before the step are the log's, and the rest begins at the rate that
was logged there. Searched are cooldowns of every length, shape and floor over what remains, after holding that rate;
which one is chosen is decided as in `lrdecay.losslaws.recommending`. Beside it stands what stopping gives: a linear
cooldown from the same checkpoint that takes a fifth of the run that it ends.

    whole run = (the logged rates, s of them) + hold r_s + cooldown to the last update,    r_s the rate at step s
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add

import numpy as np
from attrs import field, frozen

from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.losslaws.candidates import FLOORS, SHAPES, Family
from lrdecay.losslaws.curve import Curve, FloatArray
from lrdecay.losslaws.forecaster import Difference, Forecaster, Prediction
from lrdecay.losslaws.next_run import held, trunk_of
from lrdecay.losslaws.recommending import Row, chosen, difference_error, not_enough
from lrdecay.losslaws.refined import knots
from lrdecay.schedule.families import constant
from lrdecay.schedule.families_listed import ramp
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.notation import parse

__all__ = ["Extension", "extend", "logged_rates"]

_LENGTHS = range(5, 105, 5)  # percent of what remains
_STOP = 0.2  # of the run that a cooldown now ends
_SPENT = 0.02  # of the peak: a rate below cannot fall any more to any effect
_FEWEST = 40  # updates that remain
_FLAT, _NEAR = 1e-3, 5e-3  # of the peak: how far the logged rates may be from what is written of them
_CALL = "forecast(extend=...)"


@frozen(eq=False)
class Extension:
    """How to go on.

    Attributes:
        run: the log that goes on.
        at: the step it stands at.
        rate: there.
        steps: its new length, in all.
        spec: of the whole run; None: stop now, or the logs do not tell.
        choice: of the whole run, recommended or not; the past within 0.5% of the peak.
        rest: of the ``steps - at`` updates that remain, alone.
        rates: of every update of the choice, the past as logged, shape (steps,).
        warmup: updates that warmed up.
        prediction: of the choice.
        stop: of a whole run that cools down now.
        stop_steps: its length.
        stop_prediction: of it.
        gain: its final loss minus the choice's; above zero it pays to go on.
        error: of differences, in units of the loss.
        why: one sentence.
        rows: every way to go on that was looked at, by what remains, lowest loss first.
    """

    run: str
    at: int
    rate: float
    steps: int
    spec: str | None
    choice: str
    rest: str
    rates: FloatArray = field(repr=False)
    warmup: int
    prediction: Prediction
    stop: str
    stop_steps: int
    stop_prediction: Prediction
    gain: Difference
    error: float
    why: str
    rows: tuple[Row, ...] = field(repr=False)


def extend(forecaster: Forecaster, steps: int, *, run: str | None = None, at: int | None = None) -> Extension:
    """Search for a way to go on.

    Args:
        forecaster: of the logs.
        steps: the new length in updates, in all; at least 40 beyond the step.
        run: the name of the log; None: the one that held its peak the longest.
        at: the step of the checkpoint to go on from; None: the end of the log.

    Raises:
        InputError: there is no such log or step, nothing remains, or the rate there is spent.
    """
    curve = _run_of(forecaster.curves, run)
    step = curve.last if at is None else at
    if not curve.warmup < step <= curve.last:
        rule = f"must be a step of {curve.name} after its warmup, {curve.warmup + 1} to {curve.last}"
        raise InputError(refusal("forecast(extend_at=...)", rule, step))
    if steps - step < _FEWEST:
        rule = f"must be a length of at least {step + _FEWEST}, {_FEWEST} updates beyond step {step} of {curve.name}"
        raise InputError(refusal(_CALL, rule, steps))
    past = curve.rates[:step]
    rate = float(f"{past[-1]:.6g}")
    _check_unspent(curve, step, rate, forecaster.peak)
    made = _ways(past, rate, steps, forecaster.peak, curve.warmup)
    said = [forecaster.predict(f.rates, f.warmup) for f in made]
    best = chosen(forecaster, made, said)
    cooldown = min(max(1, round(step * _STOP / (1 - _STOP))), steps - step)
    stop = f"wsd({rate!r}, warmup=0, cooldown={cooldown})"
    stopped = _whole(past, stop, cooldown, curve.warmup)
    before = forecaster.predict(stopped.rates, stopped.warmup)
    gain, error = forecaster.difference(before, said[best]), difference_error(forecaster) * before.loss
    written = logged_rates(past, curve.warmup)
    whole = f"{written} + {made[best].spec}"
    lacking = not_enough(forecaster)
    good = lacking is None and gain.value > error and gain.low > 0
    why = lacking or _why(steps, step, cooldown, gain, error)
    rows = [Row(f.spec, p.loss, p.low, p.high, p.extrapolated) for f, p in zip(made, said, strict=True)]
    return Extension(
        run=curve.name,
        at=step,
        rate=rate,
        steps=steps,
        spec=whole if good else None,
        choice=whole,
        rest=made[best].spec,
        rates=made[best].rates,
        warmup=curve.warmup,
        prediction=said[best],
        stop=f"{written} + {stop}",
        stop_steps=step + cooldown,
        stop_prediction=before,
        gain=gain,
        error=error,
        why=why,
        rows=tuple(sorted(rows, key=lambda r: r.loss)),
    )


def logged_rates(rates: FloatArray, warmup: int) -> str:
    """Rates of a log in the notation: a warmup, and a constant or few ramps within 0.5% of the peak; T updates long.

    Args:
        rates: of every update, shape (T,).
        warmup: updates that warm up, below T.
    """
    rise = [f"warmup({warmup})"] if warmup else []
    after = rates[warmup:]
    if np.ptp(after) <= _FLAT * rates.max():
        return " + ".join([*rise, repr(constant(float(f"{after[-1]:.6g}"), over=len(after)))])
    curve = np.append(after, after[-1])
    at = knots(curve, _NEAR * float(rates.max()))
    heights = [float(f"{h:.6g}") for h in curve[at]]
    parts = zip(heights, heights[1:], np.diff(at).tolist(), strict=False)
    made = [constant(a, over=n) if a == b else ramp(a, b, over=n) for a, b, n in parts]
    return " + ".join([*rise, repr(reduce(add, made))])


def _run_of(curves: Sequence[Curve], name: str | None) -> Curve:
    if name is None:
        return trunk_of(curves)[0]
    names = [c.name for c in curves]
    if name not in names:
        rule = "must name a run of the logs"
        raise InputError(refusal("forecast(extend_run=...)", rule, name, did_you_mean(name, names)))
    return curves[names.index(name)]


def _check_unspent(curve: Curve, step: int, rate: float, peak: float) -> None:
    if rate < _SPENT * peak:
        rule = f"must go on from a rate that can still fall, at least {_SPENT:.0%} of the peak, at step {step}"
        back = held(curve)
        cure = f"Go back to a checkpoint from before its decay: --extend-at {back}, or to one of another run."
        raise InputError(refusal(_CALL, rule, f"{rate:g} in {curve.name}", cure))


def _ways(past: FloatArray, rate: float, steps: int, peak: float, warmup: int) -> list[Family]:
    """Cooldowns of what remains; the specs are of it alone."""
    remain, found = steps - len(past), []
    lengths = dict.fromkeys(max(1, round(remain * p / 100)) for p in _LENGTHS)
    for shape in SHAPES:
        said = "" if shape == "linear" else f', shape="{shape}"' + (", power=1.5" if shape == "power" else "")
        for share in FLOORS:
            floor = float(f"{share * peak:.6g}")
            if floor >= rate / 2 or (shape == "exponential" and not floor):
                continue
            low = f", floor={floor!r}" if floor else ""
            specs = [f"wsd({rate!r}, warmup=0, cooldown={n}{said}{low})" for n in lengths]
            found += [_whole(past, spec, remain, warmup) for spec in specs]
    return found


def _whole(past: FloatArray, rest: str, remain: int, warmup: int) -> Family:
    ahead = parse(rest).bind(Horizon(steps=remain)).values()
    return Family(rest, np.concatenate([past, ahead]), warmup)


def _why(steps: int, step: int, cooldown: int, gain: Difference, error: float) -> str:
    found = (
        f"Going on from step {step} to {steps} updates is predicted to end {gain.value:.4f} below a cooldown over the "
        f"next {cooldown} (90%: {gain.low:.4f} to {gain.high:.4f})"
    )
    if gain.value <= error:
        return f"{found}, less than the {error:.4f} that predicted differences are off by."
    if gain.low <= 0:
        return f"{found}, and the interval includes 0."
    return f"{found}, more than the {error:.4f} that predicted differences are off by."
