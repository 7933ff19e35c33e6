"""The named families. Each is one equation in shapes and places, with t counted from where the family starts.

    constant(p)                     p
    step(p, r, every)               p·r^⌊t/every⌋
    multi_step(p, r, at)            p·r^#{b in at : b <= t}
    exponential(p, r, every)        p·r^(t/every), ⌊·⌋ with staircase
    inverse_time(p, k, every)       p / (1 + k·t/every), ⌊·⌋ with staircase
    linear(p, m)                    m + (p - m)(1 - t/T)
    polynomial(p, m, q)             m + (p - m)(1 - t/T)^q
    cosine(p, m)                    m + (p - m)(1 + cos πt/T)/2
    wsd(p, w, c, shape, m)          warmup over w, hold p, fall to m along the shape over the last c

More of them: `families_curves`, `families_cycles`, `families_powers`, `families_listed`.

``over=`` says how long a family speaks; left out, it takes what is left of the horizon (T above). A rate is absolute.
Durations are written as integers or text and kept as `Duration`; numbers are kept as floats.
"""

from __future__ import annotations

from typing import Any, final

from attrs import field

from lrdecay.errors import (
    InputError,
    argument,
    factor_in_unit_interval,
    non_negative,
    one_of,
    positive,
    refusal,
    true_or_false,
)
from lrdecay.schedule.base import Family, check_floor, durations_field, family, number, peak_field
from lrdecay.schedule.fields import floor_field, milestones_field
from lrdecay.schedule.places import Edge, Hold, Join, Place, Progression, Ramp, Warm
from lrdecay.schedule.shapes import CLOSED_SHAPES, Shape, geometric_shape, inverse_shape, power_shape, towards_shape

__all__ = [
    "constant",
    "cosine",
    "exponential",
    "inverse_time",
    "linear",
    "multi_step",
    "polynomial",
    "step",
    "wsd",
]


@final
@family
class constant(Family):  # noqa: N801
    """One rate: peak."""

    peak: Any = peak_field()
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """Hold."""
        return Hold(self.peak)


@final
@family
class step(Family):  # noqa: N801
    """Multiply by ``factor`` once per ``every``: peak·factor^⌊t/every⌋. The new value speaks at the boundary."""

    peak: Any = peak_field()
    factor: Any = field(converter=number, validator=argument(factor_in_unit_interval))
    every: Any = durations_field()
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """A geometric progression on whole ticks."""
        shape = Shape(geometric_shape, (self.factor,))
        return Progression(self.peak, shape, self.every, staircase=True)


@final
@family
class multi_step(Family):  # noqa: N801
    """Multiply by ``factor`` at each milestone: peak·factor^#{b in at : b <= t}."""

    peak: Any = peak_field()
    factor: Any = field(converter=number, validator=argument(factor_in_unit_interval))
    at: Any = milestones_field()
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """Holds, joined."""
        holds = tuple(Hold(self.peak * self.factor**i) for i in range(len(self.at) + 1))
        return Join(holds, tuple(Edge((d,)) for d in self.at))


@final
@family
class exponential(Family):  # noqa: N801
    """peak·factor^(t/every); with ``staircase`` only whole multiples of ``every`` count, which is `step`."""

    peak: Any = peak_field()
    factor: Any = field(converter=number, validator=argument(factor_in_unit_interval))
    every: Any = durations_field(default=1)
    staircase: bool = field(default=False, validator=argument(true_or_false))
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """A geometric progression."""
        shape = Shape(geometric_shape, (self.factor,))
        return Progression(self.peak, shape, self.every, self.staircase)


@final
@family
class inverse_time(Family):  # noqa: N801
    """Time-based decay, peak / (1 + rate·t/every): what Keras 1's ``decay=`` did at each update."""

    peak: Any = peak_field()
    rate: float = field(converter=number, validator=argument(non_negative))
    every: Any = durations_field(default=1)
    staircase: bool = field(default=False, validator=argument(true_or_false))
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """A progression along 1/(1 + kx)."""
        shape = Shape(inverse_shape, (self.rate,))
        return Progression(self.peak, shape, self.every, self.staircase)


@final
@family
class linear(Family):  # noqa: N801
    """A straight line from peak to floor: floor + (peak - floor)(1 - t/T)."""

    peak: Any = peak_field()
    floor: float = floor_field(default=0.0)
    over: Any = durations_field(default=None)
    __attrs_post_init__ = check_floor

    def body(self) -> Place:
        """A linear ramp."""
        return Ramp(self.peak, self.floor, CLOSED_SHAPES["linear"])


@final
@family
class polynomial(Family):  # noqa: N801
    """floor + (peak - floor)(1 - t/T)^power."""

    peak: Any = peak_field()
    floor: float = floor_field(default=0.0)
    power: float = field(default=1.0, converter=number, validator=argument(positive))
    over: Any = durations_field(default=None)
    __attrs_post_init__ = check_floor

    def body(self) -> Place:
        """A power ramp."""
        return Ramp(self.peak, self.floor, Shape(power_shape, (self.power,)))


@final
@family
class cosine(Family):  # noqa: N801
    """Half a cosine: floor + (peak - floor)(1 + cos πt/T)/2 (Loshchilov & Hutter 2017, arXiv:1608.03983)."""

    peak: Any = peak_field()
    floor: float = floor_field(default=0.0)
    over: Any = durations_field(default=None)
    __attrs_post_init__ = check_floor

    def body(self) -> Place:
        """A cosine ramp."""
        return Ramp(self.peak, self.floor, CLOSED_SHAPES["cosine"])


@final
@family
class wsd(Family):  # noqa: N801
    """Warmup, stable, decay (Hu et al. 2024, arXiv:2404.06395): the cooldown starts at the end minus its length.

    The shape of the cooldown is a closed shape by name; "power", (1 - u)^power; or "exponential": peak·(floor/peak)^u,
    which needs a floor.

    Raises:
        InputError: the floor stands above the peak, or is 0 where the cooldown is exponential; or ``power`` is given
            where the shape is another one.
    """

    peak: Any = peak_field()
    warmup: Any = durations_field(zero=True)
    cooldown: Any = durations_field()
    shape: str = field(default="linear", validator=argument(one_of((*CLOSED_SHAPES, "power", "exponential"))))
    floor: float = floor_field(default=0.0)
    power: float = field(default=2.0, converter=number, validator=argument(positive))
    over: Any = durations_field(default=None)

    def __attrs_post_init__(self) -> None:
        """The floor is below the peak, and above nothing where the cooldown multiplies."""
        check_floor(self)
        if self.shape == "exponential" and self.floor == 0.0:
            cure = "A rate that is multiplied never reaches 0."
            msg = refusal("wsd(floor=...)", "must be a positive number where shape='exponential'", self.floor, cure)
            raise InputError(msg)
        if self.shape != "power" and self.power != 2.0:
            msg = refusal("wsd(power=...)", "must come with shape='power'", self.power)
            raise InputError(msg)

    def body(self) -> Place:
        """Warm, hold, ramp."""
        fall = Ramp(self.peak, self.floor, self._cooldown())
        body: Place = Join((Hold(self.peak), fall), (Edge((self.cooldown,), before_end=True),))
        return Warm(self.warmup, body) if self.warmup.amount else body

    def _cooldown(self) -> Shape:
        if self.shape == "power":
            return Shape(power_shape, (self.power,))
        if self.shape == "exponential" and self.floor < self.peak:
            return Shape(towards_shape, (self.floor / self.peak,))
        return CLOSED_SHAPES["linear" if self.shape == "exponential" else self.shape]
