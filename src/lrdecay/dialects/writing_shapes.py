"""Shapes, rises and dampers as expressions that may stand in a product: the formulas of `shapes` and `places_rising`.

RAdam's ρ = ρ∞ + 2k·β^k/(β^k - 1) is a small difference of two large numbers for the first k, which float32 cannot take.
With y = -ln β and L(z) = coth z - 1/z it is k + L(y/2) - k·L(ky/2), and there L(z) = z/3 - z³/45 + 2z⁵/945 - z⁷/4725.
"""

from __future__ import annotations

import math

from lrdecay.dialects.writing_lines import Lines
from lrdecay.schedule.places_rising import Damper
from lrdecay.schedule.shapes import (
    Shape,
    cosine_rise,
    cosine_shape,
    exponential_rise,
    geometric_shape,
    inverse_shape,
    linear_rise,
    linear_shape,
    natural_shape,
    one_minus_sqrt_shape,
    power_law_shape,
    power_shape,
    rex_shape,
    square_shape,
    tanh_shape,
    towards_shape,
)

__all__ = ["damper_text", "shape_text"]

_PLAIN = {
    linear_shape: "(1.0 - {u})",
    cosine_shape: "((1.0 + {cos}({pi} * {u})) / 2.0)",
    one_minus_sqrt_shape: "(1.0 - {sqrt}({u}))",
    square_shape: "((1.0 - {u}) * (1.0 - {u}))",
    rex_shape: "((1.0 - {u}) / (1.0 - {u} / 2.0))",
    linear_rise: "{u}",
    cosine_rise: "({sin}({pi} / 2.0 * {u}) * {sin}({pi} / 2.0 * {u}))",
    exponential_rise: "({expm1}(-2.0 * {u}) / {one})",
}
"""Shapes without parameters."""


def shape_text(lines: Lines, shape: Shape, u: str) -> str:
    """The value of a unit curve at the name u.

    Raises:
        InputError: the curve has no words here.
    """
    w = lines.words
    if shape.warp != 1.0:
        u = lines.new("u", w.root(u, shape.warp))
    if shape.formula in _PLAIN:
        said = {"cos": w.cos, "sin": w.sin, "sqrt": w.sqrt, "expm1": w.expm1, "pi": w.pi}
        return _PLAIN[shape.formula].format(u=u, one=w.number(math.expm1(-2.0)), **said)
    if not shape.parameters:
        lines.unknown(shape)
    p, *more = shape.parameters
    n = w.number(p)
    if shape.formula is power_shape:
        return w.root(f"(1.0 - {u})", p)
    if shape.formula is power_law_shape:
        return w.root(f"(1.0 + {u})", -p)
    if shape.formula is geometric_shape:
        return w.power(p, u)
    if shape.formula is inverse_shape:
        return f"(1.0 / (1.0 + {n} * {u}))"
    if shape.formula is natural_shape:
        return f"{w.exp}(-{n} * {u})"
    if shape.formula is tanh_shape:
        return f"((1.0 - {w.tanh}({n} * (1.0 - {u}) + {w.number(more[0])} * {u})) / 2.0)"
    if shape.formula is towards_shape:
        return f"(({w.power(p, u)} - {n}) / (1.0 - {n}))"
    return lines.unknown(shape)


def damper_text(lines: Lines, damper: Damper, n: str) -> str:
    """The factor ω at the name n, the count of updates from 1."""
    w = lines.words
    period = w.number(damper.period)
    if damper.by == "linear":
        return w.minimum("1.0", f"{n} / {period}")
    if damper.by == "exponential":
        return f"(-{w.expm1}(-{n} / {period}))"
    k = lines.new("k", f"{n} + {period}")
    rho = _near_rho(lines, damper.beta2, k) if w.single else _rho(lines, damper.beta2, k)
    limit = 2.0 / (1.0 - damper.beta2) - 1.0
    parts = f"({rho} - 4.0) / {limit - 4.0!r} * (({rho} - 2.0) / {limit - 2.0!r}) * ({limit!r} / {rho})"
    return f"{w.sqrt}({w.minimum(w.maximum(parts, '0.0'), '1.0')})"


def _rho(lines: Lines, beta2: float, k: str) -> str:
    """ρ as it is published."""
    exp, expm1 = lines.words.exp, lines.words.expm1
    past = lines.new("p", f"{k} * {math.log(beta2)!r}")
    return lines.new("q", f"{2.0 / (1.0 - beta2) - 1.0!r} + 2.0 * {k} * {exp}({past}) / {expm1}({past})")


def _near_rho(lines: Lines, beta2: float, k: str) -> str:
    """ρ in float32: up to z = ky/2 = 1/2 by the series, which is right to 1e-7 of ρ∞ there; then as it is published."""
    y = -math.log(beta2)
    first = 1.0 / math.tanh(y / 2.0) - 2.0 / y
    z = lines.new("z", f"{k} * {y / 2.0!r}")
    s = lines.new("s", f"{z} * {z}")
    series = f"{z} * (1.0 / 3.0 - {s} * (1.0 / 45.0 - {s} * (2.0 / 945.0 - {s} / 4725.0)))"
    near = lines.new("p", f"{k} + {first!r} - {k} * {series}")
    return lines.new("q", lines.words.where(f"{z} < 0.5", near, _rho(lines, beta2, k)))
