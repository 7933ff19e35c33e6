"""Families that are one curve over the whole run. t counts from where the family starts, T is how long it speaks.

natural_exponential(p, k, every)   p·e^(-k·t/every), ⌊·⌋ with staircase
halving(p)                         p / 2^⌊n·t/T⌋, n = ⌊log2 T⌋
rex(p, m)                          m + (p - m)(1 - u)/(1 - u/2), u = t/T
tanh(p, m, l, h)                   m + (p - m)(1 - tanh(l + (h - l)u))/2
k_decay(p, k, m, shape)            m + (p - m)·f(u^k)
flat_cosine(p, flat, m)            p while t < flat, then half a cosine to m
knee(p, w, explore)                warmup over w, p for as long as `explore`, then a line to 0
slanted_triangular(p, cut, ratio)  p/ratio to p over `cut`, then back to p/ratio, in straight lines
"""

from __future__ import annotations

from typing import Any, final

from attrs import field

from lrdecay.errors import Constraint, InputError, argument, non_negative, one_of, positive, refusal, true_or_false
from lrdecay.schedule.base import Family, check_floor, durations_field, family, number, peak_field
from lrdecay.schedule.cycles import Halvings
from lrdecay.schedule.fields import floor_field
from lrdecay.schedule.places import Edge, Hold, Join, Place, Progression, Ramp, Warm
from lrdecay.schedule.shapes import CLOSED_SHAPES, Shape, natural_shape, rex_shape, tanh_shape

__all__ = [
    "at_least_1",
    "flat_cosine",
    "halving",
    "k_decay",
    "knee",
    "natural_exponential",
    "rex",
    "slanted_triangular",
    "tanh",
]

LINEAR, COSINE = CLOSED_SHAPES["linear"], CLOSED_SHAPES["cosine"]
at_least_1 = Constraint("must be a number >= 1", lambda v: positive.holds(v) and v >= 1)
_bounded = Constraint("must be a number from -300 to 300", lambda v: type(v) is float and -300 <= v <= 300)


@final
@family
class natural_exponential(Family):  # noqa: N801
    """peak·e^(-rate·t/every); with ``staircase`` only whole multiples of ``every`` count (TensorFlow 1's name)."""

    peak: Any = peak_field()
    rate: float = field(converter=number, validator=argument(non_negative))
    every: Any = durations_field(default=1)
    staircase: bool = field(default=False, validator=argument(true_or_false))
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """A progression along e^(-kx)."""
        return Progression(self.peak, Shape(natural_shape, (self.rate,)), self.every, self.staircase)


@final
@family
class halving(Family):  # noqa: N801
    """Geometric decay without a knob: ⌊log2 T⌋ equal phases, each at half the rate of the one before it.

    Ge, Kakade, Kidambi & Netrapalli 2019, arXiv:1904.12838: near-optimal for the last iterate of least squares. T
    counts updates, so that the last phase runs at about 2·peak/T.
    """

    peak: Any = peak_field()
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """Halvings of the span."""
        return Halvings(self.peak)


@final
@family
class rex(Family):  # noqa: N801
    """Reflected exponential: floor + (peak - floor)(1 - u)/(1 - u/2) (Chen et al. 2021, arXiv:2107.04197)."""

    peak: Any = peak_field()
    floor: float = floor_field(default=0.0)
    over: Any = durations_field(default=None)
    __attrs_post_init__ = check_floor

    def body(self) -> Place:
        """A ramp along (1 - u)/(1 - u/2)."""
        return Ramp(self.peak, self.floor, Shape(rex_shape))


@final
@family
class tanh(Family):  # noqa: N801
    """Hyperbolic-tangent decay: floor + (peak - floor)(1 - tanh(lower·(1 - u) + upper·u))/2.

    Hsueh, Li & Wu 2018, arXiv:1806.01593, whose formula is kept: it starts a little below the peak (by 6e-6 of it at
    -6) and ends a little above the floor (0.25% of the way at 3), and that end is held.

    Raises:
        InputError: ``lower`` is not below ``upper``, or the floor stands above the peak.
    """

    peak: Any = peak_field()
    floor: float = floor_field(default=0.0)
    lower: float = field(default=-6.0, converter=number, validator=argument(_bounded))
    upper: float = field(default=3.0, converter=number, validator=argument(_bounded))
    over: Any = durations_field(default=None)

    def __attrs_post_init__(self) -> None:
        """The curve falls."""
        check_floor(self)
        if self.lower >= self.upper:
            msg = refusal("tanh(lower=...)", f"must be below upper, {self.upper!r}", self.lower)
            raise InputError(msg)

    def body(self) -> Place:
        """A ramp along a part of tanh."""
        return Ramp(self.peak, self.floor, Shape(tanh_shape, (self.lower, self.upper)))


@final
@family
class k_decay(Family):  # noqa: N801
    """A closed shape on a bent clock: floor + (peak - floor)·f(u^k); k > 1 stays high for longer.

    Zhang & Li 2020, arXiv:2004.05909. With k = 1 it is the shape itself.
    """

    peak: Any = peak_field()
    k: float = field(converter=number, validator=argument(positive))
    floor: float = floor_field(default=0.0)
    shape: str = field(default="cosine", validator=argument(one_of(CLOSED_SHAPES)))
    over: Any = durations_field(default=None)
    __attrs_post_init__ = check_floor

    def body(self) -> Place:
        """A ramp along the bent shape."""
        shape = CLOSED_SHAPES[self.shape]
        return Ramp(self.peak, self.floor, Shape(shape.formula, shape.parameters, warp=self.k))


@final
@family
class flat_cosine(Family):  # noqa: N801
    """The peak for as long as ``flat``, then half a cosine to the floor; fastai's fit_flat_cos, whose flat is 75%."""

    peak: Any = peak_field()
    flat: Any = durations_field()
    floor: float = floor_field(default=0.0)
    over: Any = durations_field(default=None)
    __attrs_post_init__ = check_floor

    def body(self) -> Place:
        """Hold, then a cosine ramp over what is left."""
        return Join((Hold(self.peak), Ramp(self.peak, self.floor, COSINE)), (Edge((self.flat,)),), whole=True)


@final
@family
class knee(Family):  # noqa: N801
    """Explore, then exploit: a warmup, the peak for as long as ``explore``, and a straight line to 0 at the end.

    Iyer et al. 2020, arXiv:2003.03977. ``explore`` counts from the end of the warmup; a warmup of 0 is none.
    """

    peak: Any = peak_field()
    warmup: Any = durations_field(zero=True)
    explore: Any = durations_field()
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """Warm, hold, ramp."""
        body: Place = Join((Hold(self.peak), Ramp(self.peak, 0.0, LINEAR)), (Edge((self.explore,)),), whole=True)
        return Warm(self.warmup, body) if self.warmup.amount else body


@final
@family
class slanted_triangular(Family):  # noqa: N801
    """Short straight rise from peak/ratio to peak over ``cut``, long straight fall back to peak/ratio.

    ULMFiT's, Howard & Ruder 2018, arXiv:1801.06146. A percentage is one of the whole horizon.
    """

    peak: Any = peak_field()
    cut: Any = durations_field(default="10%")
    ratio: float = field(default=32.0, converter=number, validator=argument(at_least_1))
    over: Any = durations_field(default=None)

    def body(self) -> Place:
        """Two linear ramps."""
        low = self.peak / self.ratio
        return Join((Ramp(low, self.peak, LINEAR), Ramp(self.peak, low, LINEAR)), (Edge((self.cut,)),), whole=True)
