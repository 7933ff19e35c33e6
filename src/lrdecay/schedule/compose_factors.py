"""Schedules times something that changes with the update: another schedule, a damper, noise.

product(a, b), a * b                 a(t)·b(t), each on its own clock; a carries the rate, b is read as a factor
damped(a, by="radam", beta2=0.999)   a(t)·ω(t + 1): a starts at once and is held back at first
noisy(a, pct=0.67, seed=42)        a(t)·(1 + eps(t))

They last as long as ``a``, and their peak is the peak of ``a``: `at_peak` moves that alone.
"""

from __future__ import annotations

import itertools
from typing import Any, ClassVar, final

from attrs import field, fields_dict

from lrdecay.errors import Constraint, InputError, argument, one_of, positive, refusal
from lrdecay.schedule.base import Schedule, durations_field, family, number
from lrdecay.schedule.compose import schedules_only
from lrdecay.schedule.duration import Duration, duration
from lrdecay.schedule.noise import Noise, Noisy
from lrdecay.schedule.peaks import is_open
from lrdecay.schedule.places import Place
from lrdecay.schedule.places_products import Product
from lrdecay.schedule.places_rising import Damped, first_rectified

__all__ = ["DAMPERS", "damped", "noisy", "product"]

DAMPERS = ("linear", "exponential", "untuned_linear", "untuned_exponential", "radam")
"""What may hold a schedule back; the first two need a period, the others take theirs from β2."""

_beta2 = Constraint(
    "must be a number from 0 to 0.999999", lambda v: type(v) is float and 0 <= v <= 0.999999, "It is Adam's β2."
)
_pct = Constraint("must be in (0, 1]", lambda v: positive.holds(v) and v <= 1, "A rate must not fall below 0.")
_seed = Constraint("must be an integer from 0 to 2**64 - 1", lambda v: type(v) is int and 0 <= v < 2**64)


@final
@family
class product(Schedule):  # noqa: N801
    """``a * b``: the first carries the rate, the others are factors; each on its own clock over the same span.

    A factor is any schedule, its values read as multipliers: ``cosine(0.1) * linear(1, floor=0.1)``. Its peak stays
    where it is when the rate is moved. A factor that ends before the first is held at its end value.

    Raises:
        InputError: there are fewer than two, or a factor leaves its peak open.
    """

    parts: tuple[Schedule, ...] = field(metadata={"positional": True})
    first_leads: ClassVar[bool] = True

    def __init__(self, *parts: Schedule) -> None:
        """Products inside are opened, so that (a * b) * c is a * (b * c)."""
        opened = (p.parts if isinstance(p, product) else (p,) for p in parts)
        self.__attrs_init__(tuple(itertools.chain.from_iterable(opened)))  # type: ignore[attr-defined]

    def __attrs_post_init__(self) -> None:
        """Check the factors."""
        schedules_only(self, fields_dict(product)["parts"], self.parts)  # type: ignore[arg-type]
        if len(self.parts) < 2:
            msg = refusal("product(a, b)", "must be given two or more schedules", list(self.parts))
            raise InputError(msg)
        for factor in self.parts[1:]:
            if is_open(factor):
                cure = "The first carries the rate; a factor starts at 1: linear(1, floor=0.1)."
                msg = refusal("product(a, b)", "must have factors with stated peaks", factor, cure)
                raise InputError(msg)

    def __repr__(self) -> str:
        return f"product({', '.join(map(repr, self.parts))})"

    @property
    def lasts(self) -> tuple[Duration, ...] | None:
        """As the first."""
        return self.parts[0].lasts

    def expand(self) -> Place:
        """All on one span."""
        return Product(tuple(part.expand() for part in self.parts))


@final
@family
class damped(Schedule):  # noqa: N801
    """A schedule that starts at once and is held back at first by a factor ω(n), n = t + 1 counted from its start.

        linear               min(1, n/period)
        exponential          1 - e^(-n/period)
        untuned_linear       min(1, n·(1 - beta2)/2)
        untuned_exponential  1 - e^(-n·(1 - beta2))
        radam                RAdam's rectification √((ρ-4)(ρ-2)ρ∞/((ρ∞-4)(ρ∞-2)ρ)), from its first update with ρ > 4 on

    Ma & Yarats 2019, arXiv:1910.04209; Liu et al. 2020, arXiv:1908.03265. The package pytorch-warmup multiplies its
    factors on in the same way, but rounds 2/(1 - beta2) and 1/(1 - beta2) down to whole updates. A `warmup` comes
    before a schedule; a damper is on top of one.

    Raises:
        InputError: the period is missing, or given where β2 says it; β2 is too small for radam (at most 0.6).
    """

    schedule: Schedule = field(validator=schedules_only)
    by: str = field(validator=argument(one_of(DAMPERS)))
    beta2: float = field(default=0.999, converter=number, validator=argument(_beta2))
    period: Any = durations_field(default=None)

    def __attrs_post_init__(self) -> None:
        """Either a period or β2."""
        tuned = self.by in ("linear", "exponential")
        if tuned and self.period is None:
            msg = refusal("damped(period=...)", f"must be given where by={self.by!r}", None, "Such as period=2000.")
            raise InputError(msg)
        if not tuned and self.period is not None:
            msg = refusal("damped(period=...)", f"must not be given where by={self.by!r}", self.period, "β2 says it.")
            raise InputError(msg)
        if tuned and self.beta2 != 0.999:
            msg = refusal("damped(beta2=...)", f"must not be given where by={self.by!r}", self.beta2, "Write period=.")
            raise InputError(msg)
        if self.by == "radam" and not 2.0 / (1.0 - self.beta2) - 1.0 > 4.0:
            cure = "Below that RAdam never uses its adaptive rate."
            msg = refusal("damped(beta2=...)", "must be above 0.6 where by='radam'", self.beta2, cure)
            raise InputError(msg)

    @property
    def lasts(self) -> tuple[Duration, ...] | None:
        """As the schedule inside."""
        return self.schedule.lasts

    def expand(self) -> Place:
        """The inner nodes, damped."""
        inner = self.schedule.expand()
        match self.by:
            case "untuned_linear":
                return Damped(inner, "linear", 2.0 / (1.0 - self.beta2))
            case "untuned_exponential":
                return Damped(inner, "exponential", 1.0 / (1.0 - self.beta2))
            case "radam":
                return Damped(inner, "radam", float(first_rectified(self.beta2)), self.beta2)
        return Damped(inner, self.by, self.period)


def _boundaries(value: Any) -> Any:
    call = "noisy(between=...)"
    if value is None:
        return None
    if isinstance(value, str) or not hasattr(value, "__iter__"):
        msg = refusal(call, "must be a list of two durations", value, 'Write between=["40%", "90%"].')
        raise InputError(msg)
    both = tuple(duration(v, call, zero=True) for v in value)
    if len(both) != 2 or (both[0].unit == both[1].unit and both[1].amount <= both[0].amount):
        msg = refusal(call, "must be two durations, the later one last", list(both), 'Write between=["40%", "90%"].')
        raise InputError(msg)
    return both


@final
@family
class noisy(Schedule):  # noqa: N801
    """A schedule whose rates are noisy: v·(1 + eps) with abs(eps) < pct, a pure function of seed and update.

    timm's noise: eps is normal with deviation ``std``, drawn again until it is, or uniform. timm
    draws from torch's generator, so that its numbers are others; see `noise` for ours. ``between`` says where, from
    the first boundary to before the second, counted from where the schedule starts; left out, it is everywhere. The end
    value, which is held, is without noise.

    Raises:
        InputError: pct lies outside (0, 1], or the boundaries are no two durations in order.
    """

    schedule: Schedule = field(validator=schedules_only)
    pct: float = field(default=0.67, converter=number, validator=argument(_pct))
    std: float = field(default=1.0, converter=number, validator=argument(positive))
    kind: str = field(default="normal", validator=argument(one_of(("normal", "uniform"))))
    seed: int = field(default=42, validator=argument(_seed))
    between: Any = field(default=None, converter=_boundaries)

    def __attrs_post_init__(self) -> None:
        """A uniform noise has no deviation of its own."""
        if self.kind == "uniform" and self.std != 1.0:
            msg = refusal("noisy(std=...)", "must come with kind='normal'", self.std, "Here pct says how wide it is.")
            raise InputError(msg)

    @property
    def lasts(self) -> tuple[Duration, ...] | None:
        """As the schedule inside."""
        return self.schedule.lasts

    def expand(self) -> Place:
        """The inner nodes, with noise."""
        return Noisy(self.schedule.expand(), Noise(self.kind, self.pct, self.std, self.seed), self.between)
