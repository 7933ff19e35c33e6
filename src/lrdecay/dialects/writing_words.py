"""The words in which `writing_formula` writes: Python's own math, jax.numpy for optax, keras.ops for Keras.

Python computes with float64 and integers of any length. jax and Keras compute with float32 and int32 by default: rates
and counts that do not fit are refused, and powers are written as exponentials of a logarithm that was taken here, in
float64, because a base such as 0.9999 rounded to float32 is off by 3% at its 10^6-th power.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import final

import numpy as np
from attrs import frozen

from lrdecay.errors import InputError, refusal
from lrdecay.schedule import Bound
from lrdecay.schedule.segments import Segment

__all__ = ["JAX", "KERAS", "PYTHON", "Words"]

_INT32 = 2**31 - 1
_SAMPLED = 10**5  # updates at which rates are looked at
_FLOAT32 = (1.1754943508222875e-38, 3.4028234663852886e38)  # the least normal number, the largest


@final
@frozen
class Words:
    """How one library spells what a formula needs; ``of`` is the prefix of its functions."""

    library: str
    of: str  # "math." for Python, whose comparisons and lists need no functions
    pi: str
    single: bool  # whether it computes with float32 and int32

    @property
    def cos(self) -> str:
        """The cosine."""
        return f"{self.of}cos"

    @property
    def sqrt(self) -> str:
        """The square root."""
        return f"{self.of}sqrt"

    @property
    def exp(self) -> str:
        """The exponential."""
        return f"{self.of}exp"

    @property
    def expm1(self) -> str:
        """The exponential, less one."""
        return f"{self.of}expm1"

    @property
    def sin(self) -> str:
        """The sine."""
        return f"{self.of}sin"

    @property
    def tanh(self) -> str:
        """The hyperbolic tangent."""
        return f"{self.of}tanh"

    def number(self, value: float) -> str:
        """A number, to the last bit."""
        return repr(float(value))

    def everywhere(self, number: str) -> str:
        """One number for every t."""
        return f'{self.of}full_like(t, {number}, dtype="float32")' if self.single else number

    def where(self, condition: str, yes: str, no: str) -> str:
        """One of two."""
        return f"{self.of}where({condition}, {yes}, {no})" if self.single else f"{yes} if {condition} else {no}"

    def minimum(self, a: str, b: str) -> str:
        """The smaller."""
        return f"{self.of}minimum({a}, {b})" if self.single else f"min({a}, {b})"

    def maximum(self, a: str, b: str) -> str:
        """The larger."""
        return f"{self.of}maximum({a}, {b})" if self.single else f"max({a}, {b})"

    def clip(self, a: str, most: int) -> str:
        """Kept from 0 to most."""
        return f"{self.of}clip({a}, 0, {most})" if self.single else f"min(max({a}, 0), {most})"

    def power(self, base: float, x: str) -> str:
        """base^x, 0 < base."""
        if base == 1.0:
            return "1.0"
        return f"{self.of}exp({math.log(base)!r} * {x})" if self.single else f"{base!r} ** {x}"

    def root(self, x: str, exponent: float) -> str:
        """x^exponent, x >= 0."""
        return f"{self.of}power({x}, {exponent!r})" if self.single else f"{x} ** {exponent!r}"

    def pick(self, values: Sequence[float], index: str) -> str:
        """One of a list."""
        listed = "[" + ", ".join(map(repr, values)) + "]"
        if not self.single:
            return f"{listed}[{index}]"
        return f"{self.of}take({self.of}array({listed}), {index})"

    def count(self, edges: Sequence[int], t: str) -> str:
        """How many of the rising edges are at or before t."""
        if not edges:
            return f"0 * {t}"
        listed = "[" + ", ".join(map(str, edges)) + "]"
        if not self.single:
            return f"bisect.bisect_right({listed}, {t})"
        return f'{self.of}searchsorted({self.of}array({listed}), {t}, side="right")'

    def check(self, bound: Bound) -> None:
        """Refuse what float32 and int32 cannot hold.

        Raises:
            InputError: the rates or the number of updates are out of the library's range.
        """
        self.check_integers(bound, bound.steps)
        self.check_rates(bound, bound.segment)

    def check_rates(self, bound: Bound, segment: Segment) -> None:
        """Refuse a segment of the schedule whose rates float32 cannot hold; rates that are all 0 it can.

        Raises:
            InputError: its highest rate is too small or too large.
        """
        if not self.single:
            return
        sampled = np.unique(np.linspace(0, bound.steps - 1, min(bound.steps, _SAMPLED)).astype(np.int64))
        highest = float(segment(sampled).max())
        if highest != 0.0 and not _FLOAT32[0] <= highest <= _FLOAT32[1]:
            rule = f"must have rates that float32 holds, {_FLOAT32[0]:.3g} to {_FLOAT32[1]:.3g}, to be said in"
            msg = refusal(f"{bound.schedule!r}", f"{rule} {self.library}", highest)
            raise InputError(msg)

    def check_integers(self, bound: Bound, largest: int) -> None:
        """Refuse what int32 cannot count.

        Raises:
            InputError: a product on the way is too large.
        """
        if self.single and largest > _INT32:
            cure = "Shorten the run, or write lengths that are whole updates."
            rule = f"must be computed with integers up to 2**31 to be said in {self.library}"
            msg = refusal(f"{bound.schedule!r}", rule, largest, cure)
            raise InputError(msg)


PYTHON = Words("Python", "math.", "math.pi", single=False)
JAX = Words("optax", "jnp.", "jnp.pi", single=True)
KERAS = Words("keras", "keras.ops.", repr(math.pi), single=True)
