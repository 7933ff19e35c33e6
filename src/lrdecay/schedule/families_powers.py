"""Families that fall by a power law after a warmup w, as transformers are often trained. t counts from the start.

    inverse_sqrt(p, w)     p·(t + 1)/(w + 1) for t < w, then p·√(w/t)
    power(p, w, a)         p·(t + 1)/(w + 1) for t < w, then p·(w/t)^a

They need no horizon: how long the run is does not change the rates.
"""

from __future__ import annotations

from typing import Any, final

from attrs import field

from lrdecay.errors import argument, positive
from lrdecay.schedule.base import Family, durations_field, family, number, peak_field
from lrdecay.schedule.places import Place, Progression, Warm
from lrdecay.schedule.shapes import Shape, power_law_shape

__all__ = ["inverse_sqrt", "power"]


def _after_warmup(peak: float, warmup: Any, exponent: float) -> Place:
    """With x = (t - w)/w, (1 + x)^-a = (w/t)^a; w is the exact length of the warmup."""
    return Warm(warmup, Progression(peak, Shape(power_law_shape, (exponent,)), warmup))


@final
@family
class inverse_sqrt(Family):  # noqa: N801
    """peak·√(warmup/t) after a linear warmup, continuous at its end (after Vaswani et al. 2017, arXiv:1706.03762)."""

    peak: Any = peak_field()
    warmup: Any = durations_field()
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """Warm, then a power law whose tick is the warmup."""
        return _after_warmup(self.peak, self.warmup, 0.5)


@final
@family
class power(Family):  # noqa: N801
    """peak·(warmup/t)^exponent after a linear warmup, continuous at its end; an exponent of 0.5 is `inverse_sqrt`."""

    peak: Any = peak_field()
    warmup: Any = durations_field()
    exponent: float = field(converter=number, validator=argument(positive))
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """Warm, then a power law whose tick is the warmup."""
        return _after_warmup(self.peak, self.warmup, self.exponent)
