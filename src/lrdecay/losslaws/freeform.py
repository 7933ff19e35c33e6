"""The free form: rates at knots, falling, within a factor of a schedule that is trusted, lowest by the law.

The rates run straight between K knots. Between the knots' bounds low_i = r_i / f and high_i = min(f r_i, peak), with r
the trusted schedule and f the factor, each is

    rate_i = low_i + x_i (min(high_i, rate_{i-1}) - low_i),    0 <= x_i <= 1

so that it never rises, and is within the factor at the knots, on straight lines between. The search is over a box
(L-BFGS-B, numeric gradients, on 1,500 stretches of equal length). Where the trusted rate is below `LEAST` of the peak
the bound above is f `LEAST`: a schedule that ends at 0 may end a little higher. Knots lie where the trusted schedule
falls, and evenly, half each.

A law is least to be believed where an optimiser took it, so what is gained is judged as a recommendation is: below what
differences are off by, or where its interval holds 0, the trusted schedule stays.
"""

from __future__ import annotations

import numpy as np
from attrs import field, frozen
from scipy.optimize import minimize

from lrdecay.errors import Constraint, InputError, refusal
from lrdecay.losslaws.curve import FloatArray
from lrdecay.losslaws.forecaster import Difference, Forecaster, Prediction
from lrdecay.losslaws.recommending import difference_error, not_enough
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.notation import parse

__all__ = ["FACTOR", "KNOTS", "LEAST", "Freeform", "freeform"]

KNOTS = 16
FACTOR = 2.0
LEAST = 0.02
"""Of the peak."""

_STRETCHES = 1500
_ZERO = 1e-6  # of the peak: no ramp ends below
_factor = Constraint("must be a number of at least 1", lambda v: isinstance(v, int | float) and 1 <= v < np.inf)
_knots = Constraint("must be an integer from 2 to 100", lambda v: isinstance(v, int) and 2 <= v <= 100)


@frozen(eq=False)
class Freeform:
    """What the search found.

    Attributes:
        spec: ramps between the knots; None: the trusted schedule is enough.
        found: the same ramps, refused or not.
        rates: of every update, shape (T,).
        prediction: of them.
        gain: the trusted schedule's final loss minus this one's.
        error: of differences, in units of the loss; gains below it are none.
        why: one sentence.
    """

    spec: str | None
    found: str
    rates: FloatArray = field(repr=False)
    prediction: Prediction
    gain: Difference
    error: float
    why: str


def freeform(
    forecaster: Forecaster, trusted: str, steps: int, *, warmup: int = 0, knots: int = KNOTS, factor: float = FACTOR
) -> Freeform:
    """Search around a schedule.

    Args:
        forecaster: of the logs.
        trusted: the spec of a schedule that does not rise after the warmup, such as the recommended one.
        steps: the horizon.
        warmup: updates of it that warm up; they stay as they are.
        knots: at which rates are free.
        factor: by which they may leave the trusted ones, >= 1.

    Raises:
        InputError: the schedule rises after the warmup, or above the logs' peak; or an argument is out of range.
    """
    _knots.check("freeform(knots=...)", knots)
    _factor.check("freeform(factor=...)", factor)
    old = parse(trusted).bind(Horizon(steps=steps)).values()
    if not 0 <= warmup < steps - knots:
        rule = f"must leave more than {knots} updates, one for each knot, of {steps}"
        raise InputError(refusal("freeform(warmup=...)", rule, warmup))
    if (np.diff(old[warmup:]) > 1e-12 * old.max()).any():
        raise InputError(refusal("freeform(trusted)", "must not rise after the warmup", trusted))
    before = forecaster.predict(old, warmup)
    at = _places(old[warmup:], knots)
    heights = _searched(forecaster, old, warmup, at, factor)
    found = _spec(float(old[warmup:].max()), warmup, at, heights)
    rates = parse(found).bind(Horizon(steps=steps)).values()
    after = forecaster.predict(rates, warmup)
    gain = forecaster.difference(before, after)
    error = difference_error(forecaster) * before.loss
    said = (
        f"The free form is predicted to end {gain.value:.4f} below {trusted} (90%: {gain.low:.4f} to {gain.high:.4f})"
    )
    good = gain.value > error and gain.low > 0
    off = f"the {error:.4f} that predicted differences are off by"
    lacking = f"less than {off}" if gain.value <= error else "and the interval includes 0"
    why = f"{said}, more than {off}." if good else f"{said}, {lacking}: the parametric family is enough."
    why = not_enough(forecaster) or why
    good = good and why.startswith(said)
    return Freeform(found if good else None, found, rates, after, gain, error, why)


def _searched(forecaster: Forecaster, old: FloatArray, warmup: int, at: FloatArray, factor: float) -> FloatArray:
    """Rates at the knots, shape (K,)."""
    fit, peak, steps = forecaster.law.fit, float(old[warmup:].max()), len(old)
    m = min(_STRETCHES, steps)
    middle = (np.arange(m) + 0.5) * steps / m - 0.5
    warm = round(warmup * m / steps)
    rise = np.interp(middle[:warm], np.arange(steps), old)
    units = fit.units
    own = np.interp(at, np.arange(steps - warmup), old[warmup:])
    low, high = np.maximum(own, _ZERO * peak) / factor, np.minimum(np.maximum(own, LEAST * peak) * factor, peak)

    def heights(x: FloatArray) -> FloatArray:
        made = np.empty(len(x))
        above = peak
        for i, share in enumerate(x):
            above = made[i] = low[i] + share * (min(high[i], above) - low[i])
        return made

    def loss(x: FloatArray) -> float:
        rates = np.concatenate([rise, np.interp(middle[warm:] - warmup, at, heights(x))])
        small = type(units)(units.peak, units.span * m / steps, units.level)
        return float(fit.law.loss(fit.theta, small.exposure(rates, [m], warm))[0])

    above = np.minimum(high, np.concatenate([[peak], own[:-1]]))
    room = above - low
    start = np.where(room > 0, (own - low) / np.where(room > 0, room, 1.0), 1.0)
    fine = {"maxiter": 40, "ftol": 1e-9, "eps": 1e-2}
    best = minimize(loss, np.clip(start, 0, 1), method="L-BFGS-B", bounds=[(0.0, 1.0)] * len(at), options=fine)
    return heights(best.x)


def _places(old: FloatArray, knots: int) -> FloatArray:
    """Where the knots are: whole updates after the warmup, the first 0 and the last the end, shape (<= K + 1,).

    One more stands where the bound above bends, so that straight lines between knots stay below it.
    """
    t = np.linspace(0.0, len(old) - 1.0, 2000)
    r = np.interp(t, np.arange(len(old)), old)
    fallen = (r[0] - r) / max(float(r[0] - r[-1]), 1e-300)
    mass = (fallen + t / t[-1]) / 2
    even = np.interp(np.linspace(0, mass[-1], knots), mass, t)
    bend = np.flatnonzero(old < LEAST * old[0])[:1]
    return np.unique(np.concatenate([np.round(even[:-1]), bend, [len(old)]]))


def _spec(peak: float, warmup: int, at: FloatArray, heights: FloatArray) -> str:
    """Ramps between knots; at most six digits of a rate."""
    shown = [min(float(f"{h:.6g}"), peak) for h in heights]
    rise = [f"warmup({warmup})"] if warmup else []
    parts, start = [], 0
    for i in range(1, len(at)):
        flat = shown[i] == shown[start]
        if i + 1 < len(at) and flat and shown[i + 1] == shown[i]:
            continue
        over = int(at[i] - at[start])
        own = (
            f"constant({shown[i]!r}, over={over})" if flat else f"ramp({shown[start]!r}, end={shown[i]!r}, over={over})"
        )
        parts.append(own)
        start = i
    return " + ".join([*rise, *parts])
