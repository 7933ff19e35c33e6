"""Shapes: unit curves, each written once, for any array namespace."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from lrdecay.schedule.shapes import (
    CLOSED_SHAPES,
    RISES,
    Shape,
    cosine_shape,
    geometric_shape,
    inverse_shape,
    natural_shape,
    power_law_shape,
    power_shape,
    rex_shape,
    tanh_shape,
    towards_shape,
)

CLOSED: list[tuple[str, Shape, Callable[[float], float]]] = [
    ("linear", CLOSED_SHAPES["linear"], lambda u: 1 - u),
    ("cosine", CLOSED_SHAPES["cosine"], lambda u: (1 + math.cos(math.pi * u)) / 2),
    ("1-sqrt", CLOSED_SHAPES["1-sqrt"], lambda u: 1 - math.sqrt(u)),
    ("square", CLOSED_SHAPES["square"], lambda u: (1 - u) ** 2),
    ("power(0.5)", Shape(power_shape, (0.5,)), lambda u: math.sqrt(1 - u)),
    ("power(3)", Shape(power_shape, (3.0,)), lambda u: (1 - u) ** 3),
    ("rex", Shape(rex_shape), lambda u: 2 * (1 - u) / (2 - u)),
    ("towards(0.01)", Shape(towards_shape, (0.01,)), lambda u: (0.01**u - 0.01) / 0.99),
    ("cosine, k = 2", Shape(cosine_shape, warp=2.0), lambda u: (1 + math.cos(math.pi * u * u)) / 2),
]
OPEN: list[tuple[str, Shape, Callable[[float], float]]] = [
    ("geometric(0.5)", Shape(geometric_shape, (0.5,)), lambda x: math.exp(x * math.log(0.5))),
    ("geometric(1)", Shape(geometric_shape, (1.0,)), lambda _: 1.0),
    ("inverse(0.001)", Shape(inverse_shape, (0.001,)), lambda x: 1 / (1 + 0.001 * x)),
    ("inverse(0)", Shape(inverse_shape, (0.0,)), lambda _: 1.0),
    ("natural(0.01)", Shape(natural_shape, (0.01,)), lambda x: math.exp(-0.01 * x)),
    ("power_law(0.5)", Shape(power_law_shape, (0.5,)), lambda x: 1 / math.sqrt(1 + x)),
]
PLAIN: Any = SimpleNamespace(cos=math.cos, sqrt=math.sqrt, pi=math.pi, power=pow, exp=math.exp)
TORCH: Any = SimpleNamespace(cos=torch.cos, sqrt=torch.sqrt, pi=math.pi, power=torch.pow, exp=torch.exp)

closed = pytest.mark.parametrize(("shape", "formula"), [c[1:] for c in CLOSED], ids=[c[0] for c in CLOSED])
both = pytest.mark.parametrize(("shape", "formula"), [c[1:] for c in CLOSED + OPEN], ids=[c[0] for c in CLOSED + OPEN])


@closed
def test_a_closed_shape_falls_from_one_to_nothing_without_rising(shape: Shape, formula: Any) -> None:
    f = shape(np.linspace(0, 1, 1001))
    assert (f[0], f[-1]) == (1.0, 0.0)
    assert (np.diff(f) <= 0).all()


@both
def test_a_shape_is_its_formula_in_every_namespace(shape: Shape, formula: Callable[[float], float]) -> None:
    u = np.linspace(0, 1, 101)
    slow = [formula(float(x)) for x in u]
    np.testing.assert_allclose(shape(u), slow, rtol=1e-14, atol=1e-16)
    np.testing.assert_allclose([shape(float(x), PLAIN) for x in u], slow, rtol=1e-14, atol=1e-16)
    if shape.formula not in (geometric_shape, towards_shape):  # torch.pow wants a tensor first
        np.testing.assert_allclose(shape(torch.tensor(u), TORCH).numpy(), slow, rtol=1e-14, atol=1e-16)


@pytest.mark.parametrize(("shape", "formula"), [c[1:] for c in OPEN], ids=[c[0] for c in OPEN])
def test_an_open_shape_starts_at_one_and_never_rises_or_reaches_below_nothing(shape: Shape, formula: Any) -> None:
    f = shape(np.arange(0, 5000, 7.0))
    assert f[0] == 1.0
    assert (np.diff(f) <= 0).all()
    assert (f >= 0).all()


def test_tanh_is_the_published_formula_which_does_not_quite_reach_its_ends() -> None:
    f = Shape(tanh_shape, (-6.0, 3.0))(np.linspace(0, 1, 10))
    np.testing.assert_allclose(f, [(1 - math.tanh(-6 + i)) / 2 for i in range(10)], rtol=1e-12)
    assert f[0] == pytest.approx(1 - 6.14e-6, abs=1e-8)
    assert f[-1] == pytest.approx(0.0024726, abs=1e-7)


def test_shapes_are_equal_by_content() -> None:
    assert Shape(power_shape, (2.0,)) == Shape(power_shape, (2.0,))
    assert hash(Shape(power_shape, (2.0,))) == hash(Shape(power_shape, (2.0,)))
    assert Shape(power_shape, (2.0,)) != Shape(power_shape, (3.0,))
    assert len(set(CLOSED_SHAPES.values())) == len(CLOSED_SHAPES)


@pytest.mark.parametrize("name", RISES)
def test_a_rise_climbs_from_nothing_to_one_without_falling(name: str) -> None:
    f = RISES[name](np.linspace(0, 1, 1001))
    assert (f[0], f[-1]) == (0.0, pytest.approx(1.0, rel=1e-15))
    assert (np.diff(f) >= 0).all()


def test_the_rises_are_their_formulas() -> None:
    u = np.linspace(0, 1, 101)
    np.testing.assert_allclose(RISES["linear"](u), u)
    np.testing.assert_allclose(RISES["cosine"](u), (1 - np.cos(np.pi * u)) / 2, atol=1e-15)
    np.testing.assert_allclose(RISES["exponential"](u), (1 - np.exp(-2 * u)) / (1 - math.exp(-2)), atol=1e-15)
