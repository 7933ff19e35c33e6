"""Extending a run at the base rate it was tuned for, as the convex bound sees it.

The best base rate falls with the horizon, about as T^(-1/2), and grows with the cooldown. So a rate that was right for
T0 updates is right for T1 > T0 where either

    the cooldown is longer          `kept_cooldown`, while one is long enough; a whole linear decay carries 20% of
                                    cooldown to 3.8 times the run
    the trunk goes on, lower        `kept_factor`: the rate is γ up to the update at which the run is taken up, then
                                    ρ γ until the cooldown

Source: Schaipp, Hägele, Taylor, Simsekli, Bach, 2025, arXiv:2501.18965, section 5.1; the bound is
`lrdecay.losslaws.convex_bound`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from lrdecay.errors import InputError, positive_int, refusal
from lrdecay.losslaws.convex_bound import best_base_rate
from lrdecay.losslaws.curve import FloatArray
from lrdecay.schedule.families import wsd
from lrdecay.schedule.horizon import Horizon

__all__ = ["kept_cooldown", "kept_factor"]

_LEAST = 1e-3  # of the rate: where a lower trunk is no training
_LOOKS = 70  # a tenth of a factor apart


def kept_cooldown(rates: ArrayLike, steps: int, *, warmup: int = 0, shape: str = "linear") -> int:
    """The shortest cooldown, in updates, with which the best base rate at ``steps`` is no lower than it was.

    Args:
        rates: of the schedule that the base rate was tuned for, shape (T0,).
        steps: T1, how long the run is to be.
        warmup: updates of the new run.
        shape: of the cooldown, as in `wsd`.

    Raises:
        InputError: no cooldown is long enough; the message says what the longest one allows.

    >>> from lrdecay import Horizon, parse
    >>> kept_cooldown(parse('wsd(1, warmup=0, cooldown="20%")').bind(Horizon(steps=1000)).values(), 2000)
    1258
    """
    positive_int.check("kept_cooldown(steps=...)", steps)
    if not 0 <= warmup < steps:
        raise InputError(refusal("kept_cooldown(warmup=...)", f"must lie in 0 to {steps - 1}", warmup))
    wanted = best_base_rate(rates).rate
    low, high = 1, steps - warmup

    def allowed(cooldown: int) -> float:
        return best_base_rate(_cooled(steps, cooldown, shape, warmup)).rate / wanted

    longest = allowed(high)
    if longest < 1:
        cure = (
            f"With the longest cooldown, {high} updates, the best base rate is {longest:.3g} of it; or lower the trunk."
        )
        rule = f"must be short enough that a cooldown can keep the best base rate of {np.size(rates)} updates"
        raise InputError(refusal("kept_cooldown(steps=...)", rule, steps, cure))
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if allowed(middle) >= 1 else (middle + 1, high)
    return low


def kept_factor(rates: ArrayLike, steps: int, *, at: int, cooldown: int, shape: str = "linear") -> float:
    """ρ: the factor on the rate from update ``at`` on, with which the best base rate at ``steps`` is what it was.

    Args:
        rates: of the schedule that the base rate was tuned for, shape (T0,).
        steps: T1, how long the run is to be.
        at: the update at which the run is taken up, before which its rates are those of ``rates``.
        cooldown: updates of the new cooldown, at the end.
        shape: of it, as in `wsd`.

    Returns:
        ρ in (0.001, 1]; 1 where the rate need not be lowered.

    Raises:
        InputError: an argument does not fit the run, or no such factor is enough.
    """
    positive_int.check("kept_factor(steps=...)", steps)
    positive_int.check("kept_factor(cooldown=...)", cooldown)
    old = np.asarray(rates, dtype=np.float64)
    wanted = best_base_rate(old).rate
    if not 0 < at <= min(len(old), steps - cooldown):
        rule = f"must lie in 1 to {min(len(old), steps - cooldown)}, within the old run and before the new cooldown"
        raise InputError(refusal("kept_factor(at=...)", rule, at))
    first, second = old[:at] / old.max(), _cooled(steps - at, cooldown, shape)

    def off(log_factor: float) -> float:
        tried = np.concatenate([first, np.exp(log_factor) * second])
        return float(np.log(best_base_rate(tried).rate / wanted))

    if off(0.0) >= 0:
        return 1.0
    high = 0.0
    for low in np.linspace(0.0, np.log(_LEAST), _LOOKS)[1:]:  # the bound is not monotone in ρ: the largest one
        if off(low) >= 0:
            return float(np.exp(brentq(off, low, high, xtol=1e-9)))
        high = low
    rule = "must be short enough that a lower rate can keep the best base rate"
    raise InputError(refusal("kept_factor(steps=...)", rule, steps, "Lengthen the cooldown."))


def _cooled(steps: int, cooldown: int, shape: str, warmup: int = 0) -> FloatArray:
    """Held at 1, then cooled down."""
    return wsd(1.0, warmup=warmup, cooldown=cooldown, shape=shape).bind(Horizon(steps=steps)).values()
