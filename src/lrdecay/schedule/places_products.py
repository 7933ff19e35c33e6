"""Places of several schedules at once: their product, and parts that carry on from the value before them.

Product(parts)     part 0 times part 1 times ..., each on its own clock over the same span
Carried(join)      part i times reached/first, where part i - 1 had reached a value and part i begins with another
"""

from __future__ import annotations

from fractions import Fraction
from typing import final

import numpy as np

from lrdecay.errors import InputError, refusal
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.places import Join, Place, Steps
from lrdecay.schedule.segments import JoinSegment, Rates, Segment
from lrdecay.schedule.value import value

__all__ = ["Carried", "CarriedSegment", "Product", "ProductSegment"]


@final
@value
class ProductSegment:
    """Segments, multiplied."""

    parts: tuple[Segment, ...]  # at least one

    def __call__(self, t: Steps) -> Rates:
        """part0(t)·part1(t)·..., from left to right."""
        rate = self.parts[0](t)
        for part in self.parts[1:]:
            rate = rate * part(t)
        return rate


@final
@value
class Product(Place):
    """Nodes over the same span; one that ends before it is held at its end value."""

    parts: tuple[Place, ...]

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """Each on the whole span."""
        return ProductSegment(tuple(part.place(start, end, horizon) for part in self.parts))


@final
@value
class CarriedSegment:
    """A segment in proportion, so that where it begins it has the value ``reached``."""

    inner: Segment
    first: float  # > 0, inner's value where it begins
    reached: float

    def __call__(self, t: Steps) -> Rates:
        """reached·(inner(t) / first), which is ``reached`` exactly where inner is ``first``."""
        return self.reached * (self.inner(t) / self.first)


@final
@value
class Carried(Place):
    """A join whose parts each begin at the value that the part before had reached at their boundary."""

    inner: Join

    def place(self, start: Fraction, end: Fraction, horizon: Horizon) -> Segment:
        """The value a part has reached is the one it was heading for: its value at its end.

        Raises:
            InputError: a part begins at 0 and so cannot be brought to a value; or the one before it has reached 0, and
                nothing could be carried over but that.
        """
        joined = self.inner.place(start, end, horizon)
        if not isinstance(joined, JoinSegment):
            return joined
        parts = [joined.parts[0]]
        for part, edge in zip(joined.parts[1:], joined.edges, strict=True):
            at = np.array([edge])
            reached, first = float(parts[-1](at)[0]), float(part(at)[0])
            if first <= 0.0:
                cure = f"The part that begins at step {edge} begins at 0; no factor makes that {reached:g}."
                msg = refusal("join(carry=True)", "must be followed by parts that begin above 0", first, cure)
                raise InputError(msg)
            if reached <= 0.0:
                cure = f"All rates from step {edge} on would be 0. Give the part before it a floor."
                msg = refusal("join(carry=True)", "must have a value above 0 to carry over", reached, cure)
                raise InputError(msg)
            parts.append(CarriedSegment(part, first, reached))
        return JoinSegment(tuple(parts), joined.edges)
