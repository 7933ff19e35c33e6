"""Families that fall by a power law after a warmup w, as transformers are often trained. t counts from the start.

    inverse_sqrt(p, w)     p·(t + 1)/(w + 1) for t < w, then p·√(w/t)
    power(p, w, a)         p·(t + 1)/(w + 1) for t < w, then p·(w/t)^a
    noam(d, w, s)          s·d^-1/2·min(n^-1/2, n·w^-3/2), n = t + 1
    token_power(p, a, b, B, w)   warmup, then min(p, B·a·n^-b), n tokens

How long the run is does not change their rates.
"""

from __future__ import annotations

from typing import Any, final

from attrs import field

from lrdecay.errors import InputError, argument, positive, positive_int, refusal
from lrdecay.schedule.base import MOVES, Family, durations_field, family, number, peak_field
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.places import Place, Progression, Warm
from lrdecay.schedule.places_laws import Noam, TokenLaw, noam_peak, whole_warmup
from lrdecay.schedule.shapes import Shape, power_law_shape

__all__ = ["inverse_sqrt", "noam", "power", "token_power"]


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


@final
@family
class noam(Family):  # noqa: N801
    """scale·d_model^-1/2·min(n^-1/2, n·warmup^-3/2), n = t + 1: the rate of the first transformers.

    Vaswani et al. 2017, arXiv:1706.03762, equation 3. The warmup counts updates; one in another unit is rounded to a
    whole number of them. The rate peaks at scale/√(d_model·warmup), at t = warmup - 1. That is not stated but follows:
    `peak_of` gives it where the warmup is in updates, and asks for the horizon where it is not; `at_peak` moves the
    scale. `inverse_sqrt` is the same curve with a stated peak.
    """

    d_model: int = field(validator=argument(positive_int))
    warmup: Any = durations_field()
    scale: float = field(default=1.0, converter=number, validator=argument(positive), metadata=MOVES)
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """A warmup and a power law, of a height that the width says."""
        return Noam(self.d_model, self.warmup, self.scale)

    def top(self, horizon: Horizon | None) -> float:
        """The highest rate, reached at the end of the warmup.

        Raises:
            InputError: the warmup is not in updates and no horizon says how many it is.
        """
        if self.warmup.unit == "steps":
            return noam_peak(self.d_model, int(self.warmup.amount), self.scale)
        if horizon is None:
            cure = "It peaks by the updates of its warmup: write these, or inverse_sqrt(peak, warmup=...)."
            msg = refusal(f"peak_of({self!r}, horizon=...)", "must be given the horizon", None, cure)
            raise InputError(msg)
        return noam_peak(self.d_model, whole_warmup(horizon.length(self.warmup)), self.scale)


@final
@family
class token_power(Family):  # noqa: N801
    """min(peak, batch·a·n^-b) on the n tokens seen so far: a rate that fits any batch size and any length of training.

    The power scheduler, Shen et al. 2024, arXiv:2408.13359, which has b = 0.51 and takes ``a`` and the batch in the
    units they were fitted in. n counts from where the family starts, its linear warmup included; the horizon must say
    tokens_per_step. ``peak`` is the cap and what `at_peak` moves; the law itself stays where it is. The exponential
    cooldown of the paper is another part that carries the value on:
    ``join(token_power(...), exponential(1, factor=0.01, every="10%"), at=["90%"], carry=True)``.
    """

    peak: Any = peak_field()
    a: float = field(converter=number, validator=argument(positive))
    b: float = field(converter=number, validator=argument(positive))
    batch: float = field(converter=number, validator=argument(positive))
    warmup: Any = durations_field(default=0, zero=True)
    over: Any = durations_field(default=None)

    def __attrs_post_init__(self) -> None:
        """The law is a number."""
        if not positive.holds(self.batch * self.a):
            msg = refusal("token_power(batch=...)", f"must be positive and finite times a, {self.a!r}", self.batch)
            raise InputError(msg)

    def body(self) -> Place:
        """A warmup and a capped law of the tokens."""
        return TokenLaw(self.peak, self.batch * self.a, self.b, self.warmup)
