"""A logged loss curve: the rate of every update, and the loss at some of them.

The loss at step s is the loss after s updates; it has felt the rates [0, s). Steps below ``warmup`` were the warmup.
"""

from __future__ import annotations

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

from lrdecay.errors import InputError, refusal

__all__ = ["DECAYS", "Curve", "FloatArray", "IntArray", "cooled_updates", "decays", "felt", "warmup_of"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DECAYS = 0.95
"""Of the peak: a log decays if its rate falls below."""

FEWEST = 12
"""Points that a law is fitted to, at least."""


@frozen(eq=False)
class Curve:
    """One run's loss against its rates.

    Attributes:
        name: of the run, for messages and tables.
        rates: of every update, shape (T,), all >= 0, one above.
        steps: at which the loss was measured, shape (n,), rising, in [1, T].
        losses: shape (n,), finite and above 0.
        warmup: updates that warmed up; what the rate did before is no decay.

    Raises:
        InputError: one of these does not hold.
    """

    name: str
    rates: FloatArray = field(repr=False)
    steps: IntArray = field(repr=False)
    losses: FloatArray = field(repr=False)
    warmup: int = 0

    def __attrs_post_init__(self) -> None:
        """Refuse what no law can read."""
        call = f"Curve({self.name!r}, "
        if not (np.isfinite(self.rates).all() and (self.rates >= 0).all() and (self.rates > 0).any()):
            raise InputError(refusal(f"{call}rates=...)", "must be finite, >= 0, and somewhere above 0", self.rates))
        if not 0 <= self.warmup <= len(self.rates):
            msg = refusal(f"{call}warmup=...)", f"must lie in 0 to {len(self.rates)} updates", self.warmup)
            raise InputError(msg)
        if not len(self.steps):
            raise InputError(refusal(f"{call}steps=...)", "must hold at least one step", "none"))
        if len(self.steps) != len(self.losses) or (np.diff(self.steps) <= 0).any():
            msg = refusal(f"{call}steps=...)", "must rise, one step for each loss", self.steps)
            raise InputError(msg)
        if not (self.steps[0] >= 1 and self.steps[-1] <= len(self.rates)):
            rule = f"must lie in 1 to {len(self.rates)}, the number of updates whose rates are known"
            raise InputError(refusal(f"{call}steps=...)", rule, [int(self.steps[0]), int(self.steps[-1])]))
        if not (np.isfinite(self.losses).all() and (self.losses > 0).all()):
            msg = refusal(f"{call}losses=...)", "must be finite and above 0", float(self.losses.min(initial=np.inf)))
            raise InputError(msg)

    @property
    def peak(self) -> float:
        """The highest rate."""
        return float(self.rates.max())

    @property
    def last(self) -> int:
        """The last step at which the loss is known."""
        return int(self.steps[-1])

    def after(self, step: int) -> Curve:
        """The same run; only what was measured after a step."""
        return self._only(self.steps > step)

    def until(self, step: int) -> Curve:
        """The same run, cut: neither rates nor losses after a step."""
        kept = self.steps <= step
        return Curve(self.name, self.rates[:step], self.steps[kept], self.losses[kept], min(self.warmup, step))

    def thinned(self, most: int) -> Curve:
        """At most so many points: means of the loss over neighbours, which also lessens the noise.

        A point stands at the mean of its neighbours' steps, so where the loss is straight among them nothing is lost.
        """
        if len(self.steps) <= most:
            return self
        parts = np.array_split(np.arange(len(self.steps)), most)
        steps = np.array([round(float(self.steps[p].mean())) for p in parts], dtype=np.int64)
        losses = np.array([self.losses[p].mean() for p in parts])
        return Curve(self.name, self.rates, steps, losses, self.warmup)

    def _only(self, kept: NDArray[np.bool_]) -> Curve:
        return Curve(self.name, self.rates, self.steps[kept], self.losses[kept], self.warmup)


def warmup_of(rates: FloatArray) -> int:
    """Updates before the rate first reaches its highest value, if it rises all the way there; otherwise 0.

    A run whose rate never falls from its start to its peak, and starts lower, warmed up.
    """
    peak = int(np.argmax(rates >= rates.max() * (1 - 1e-9)))
    rises = peak > 0 and bool((np.diff(rates[: peak + 1]) >= 0).all())
    return peak if rises else 0


def felt(curve: Curve) -> FloatArray:
    """The rates after the warmup and before the last loss; all before it where there are none."""
    own = curve.rates[curve.warmup : curve.last]
    return own if len(own) else curve.rates[: curve.last]


def decays(curve: Curve) -> bool:
    """Whether the rate falls, after the warmup and before the last loss, below `DECAYS` of its peak."""
    return cooled_updates(curve) > 0


def cooled_updates(curve: Curve) -> int:
    """Updates after the warmup at less than `DECAYS` of the peak."""
    return int((felt(curve) < DECAYS * curve.peak).sum())
