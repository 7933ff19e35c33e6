"""Shapes: the unit curves that every decay is made of. A place says where a shape stands; see `places`.

A *closed* shape lives on u in [0, 1] and falls from f(0) = 1 to f(1) = 0:

    linear     1 - u
    cosine     (1 + cos πu) / 2                 Loshchilov & Hutter 2017, arXiv:1608.03983
    1-sqrt     1 - √u                           Hägele et al. 2024, arXiv:2405.18392
    square     (1 - u)²
    power(p)   (1 - u)^p, p > 0
    rex        (1 - u) / (1 - u/2)              Chen et al. 2021, arXiv:2107.04197
    geometric from 1 to r                       (r^u - r) / (1 - r), 0 < r < 1

``warp`` bends the clock of any of them: f(u^k) (k-decay, Zhang & Li 2020, arXiv:2004.05909). One closed shape does not
reach its ends: tanh(l, h), (1 - tanh(l + (h - l)u)) / 2, Hsueh et al. 2018, arXiv:1806.01593.

An *open* shape lives on x >= 0 and starts at f(0) = 1:

    geometric(r)  r^x, 0 < r <= 1
    inverse(k)    1 / (1 + kx), k >= 0          time-based decay
    natural(k)    e^(-kx), k >= 0
    power_law(p)  (1 + x)^-p, p > 0

A *rise*, for warmups, lives on u in [0, 1] and climbs from f(0) = 0 to f(1) = 1:

    linear       u
    cosine       sin² πu/2 = (1 - cos πu) / 2
    exponential  (1 - e^(-2u)) / (1 - e^-2)     after Ma & Yarats 2019, arXiv:1910.04209

Each formula stands here once, as a function of the argument and the array namespace ``xp`` (numpy, jax.numpy, ...).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from lrdecay.schedule.value import value

__all__ = [
    "CLOSED_SHAPES",
    "RISES",
    "Shape",
    "cosine_rise",
    "cosine_shape",
    "exponential_rise",
    "geometric_shape",
    "inverse_shape",
    "linear_rise",
    "linear_shape",
    "one_minus_sqrt_shape",
    "natural_shape",
    "power_law_shape",
    "power_shape",
    "rex_shape",
    "square_shape",
    "tanh_shape",
    "towards_shape",
]


@value
class Shape:
    """A unit curve with its parameters fixed: ``Shape(power_shape, (2.0,))``. Equal by content."""

    formula: Callable[..., Any]  # formula(u, xp, *parameters)
    parameters: tuple[float, ...] = ()
    warp: float = 1.0  # > 0; the exponent of u

    def __call__(self, u: Any, xp: ModuleType = np) -> Any:
        """The curve at u^warp, elementwise, in the namespace of ``xp``."""
        return self.formula(u if self.warp == 1.0 else xp.power(u, self.warp), xp, *self.parameters)


def linear_shape(u: Any, xp: ModuleType) -> Any:  # noqa: ARG001
    """1 - u."""
    return 1.0 - u


def cosine_shape(u: Any, xp: ModuleType) -> Any:
    """(1 + cos πu) / 2."""
    return (1.0 + xp.cos(xp.pi * u)) / 2.0


def one_minus_sqrt_shape(u: Any, xp: ModuleType) -> Any:
    """1 - √u."""
    return 1.0 - xp.sqrt(u)


def square_shape(u: Any, xp: ModuleType) -> Any:  # noqa: ARG001
    """(1 - u)²."""
    return (1.0 - u) * (1.0 - u)


def power_shape(u: Any, xp: ModuleType, p: float) -> Any:
    """(1 - u)^p."""
    return xp.power(1.0 - u, p)


def rex_shape(u: Any, xp: ModuleType) -> Any:  # noqa: ARG001
    """(1 - u) / (1 - u/2)."""
    return (1.0 - u) / (1.0 - u / 2.0)


def towards_shape(u: Any, xp: ModuleType, ratio: float) -> Any:
    """(r^u - r) / (1 - r): between p and r·p it is the geometric p·r^u."""
    return (xp.power(ratio, u) - ratio) / (1.0 - ratio)


def tanh_shape(u: Any, xp: ModuleType, lower: float, upper: float) -> Any:
    """(1 - tanh(lower·(1 - u) + upper·u)) / 2, as published: near 1 at first, near 0 at last."""
    return (1.0 - xp.tanh(lower * (1.0 - u) + upper * u)) / 2.0


def geometric_shape(x: Any, xp: ModuleType, factor: float) -> Any:
    """factor^x."""
    return xp.power(factor, x)


def inverse_shape(x: Any, xp: ModuleType, rate: float) -> Any:  # noqa: ARG001
    """1 / (1 + rate · x)."""
    return 1.0 / (1.0 + rate * x)


def natural_shape(x: Any, xp: ModuleType, rate: float) -> Any:
    """e^(-rate · x)."""
    return xp.exp(-rate * x)


def power_law_shape(x: Any, xp: ModuleType, exponent: float) -> Any:
    """(1 + x)^-exponent."""
    return xp.power(1.0 + x, -exponent)


def linear_rise(u: Any, xp: ModuleType) -> Any:  # noqa: ARG001
    """U."""
    return u


def cosine_rise(u: Any, xp: ModuleType) -> Any:
    """sin² πu/2, which is (1 - cos πu) / 2 without its cancellation near 0."""
    half = xp.sin(xp.pi / 2.0 * u)
    return half * half


def exponential_rise(u: Any, xp: ModuleType) -> Any:
    """(1 - e^(-2u)) / (1 - e^-2): a time constant of half the length, scaled so that it arrives.

    Ma & Yarats pair a linear warmup over 2/(1 - β2) updates with an exponential one of time constant 1/(1 - β2).
    """
    return xp.expm1(-2.0 * u) / math.expm1(-2.0)


CLOSED_SHAPES: dict[str, Shape] = {
    "linear": Shape(linear_shape),
    "cosine": Shape(cosine_shape),
    "1-sqrt": Shape(one_minus_sqrt_shape),
    "square": Shape(square_shape),
}
"""Closed shapes by the name that the notation uses, such as ``wsd(..., shape="1-sqrt")``."""

RISES: dict[str, Shape] = {
    "linear": Shape(linear_rise),
    "cosine": Shape(cosine_rise),
    "exponential": Shape(exponential_rise),
}
"""Rises by the name that the notation uses, such as ``warmup(500, shape="cosine")``."""
