"""Hypergradient descent follows its equations, inside its bounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.feedback.shown import goes_on_from_json, is_its_notation, shown

from lrdecay.errors import InputError
from lrdecay.feedback.hypergradient import hypergradient
from lrdecay.feedback.rule import Observation
from lrdecay.schedule.horizon import Horizon


def observed(products, norms=None):
    norms = norms or [1.0] * len(products)
    return [{"gradient_dot": float(p), "gradient_norm": float(n)} for p, n in zip(products, norms, strict=True)]


def test_the_additive_form_adds_to_the_rate():
    products = [0.5, -0.2, 0.1, 2.0]
    multipliers, events = shown(hypergradient(0.01), observed(products), rate=0.1)

    assert [0.1 * m for m in multipliers] == pytest.approx((0.1 + 0.01 * np.cumsum(products)).tolist())
    assert events == []  # small turns are no events


def test_beside_another_rule_it_still_adds_to_the_rate_that_is_driven():
    state = hypergradient(0.01).init()
    said = hypergradient(0.01).update(Observation(1, {"gradient_dot": 0.5}, 0.1 * 0.25, Horizon(steps=5)), state)

    assert 0.1 * 0.25 * said.multiplier == pytest.approx(0.1 * 0.25 + 0.01 * 0.5)


def test_the_multiplicative_form_multiplies_by_the_cosine():
    multipliers, _ = shown(hypergradient(0.1, "multiplicative"), observed([math.nan, 3.0, -6.0], [1.0, 3.0, 4.0]))

    assert multipliers == pytest.approx([1.0, 1.1, 1.1 * 0.95])  # cosines 1 and -1/2


def test_gradients_that_agree_raise_the_rate_and_gradients_that_oppose_lower_it_within_bounds():
    for form in ("additive", "multiplicative"):
        rule = hypergradient(0.5, form, low=0.25, high=3)
        assert shown(rule, observed([1.0] * 50))[0][-1] == 3.0
        assert shown(rule, observed([-1.0] * 50))[0][-1] == 0.25


def test_what_is_not_finite_leaves_the_rate_as_it_was():
    for form in ("additive", "multiplicative"):
        bad = observed([math.nan, math.inf, 1.0, 1.0], [1.0, 1.0, math.nan, 0.0])
        expected = 1.0 if form == "multiplicative" else 1.0 + 2 * 0.1
        assert shown(hypergradient(0.1, form), bad)[0][-1] == pytest.approx(expected)


def test_a_rate_of_zero_stays():
    assert shown(hypergradient(0.1), observed([5.0, -5.0]), rate=0.0)[0] == [1.0, 1.0]


def test_it_finds_its_way_down_on_a_quadratic_where_the_rate_is_too_high():
    rule, x, rate = hypergradient(0.02, "multiplicative", low=1e-3), np.array([1.0, 0.1]), 1.9
    curvature, before, state, multiplier = np.array([1.0, 0.1]), None, rule.init(), 1.0
    for t in range(1, 200):
        g = curvature * x
        product = math.nan if before is None else float(g @ before)
        x, before = x - rate * multiplier * g, g
        values = {"gradient_dot": product, "gradient_norm": float(np.linalg.norm(g))}
        said = rule.update(Observation(t, values, rate * multiplier, Horizon(steps=200)), state)
        state, multiplier = said.state, said.multiplier
        if t == 10:
            early = multiplier

    assert early < 0.9  # gradients flip sign at 1.9 / curvature: it comes down first
    assert np.abs(x).max() < 1e-3


def test_it_goes_on_from_its_json_at_each_observation():
    products = np.random.default_rng(0).normal(size=100)
    products[10] = math.nan
    for form in ("additive", "multiplicative"):
        assert goes_on_from_json(hypergradient(0.1, form), observed(products)) < 150


def test_it_needs_the_norm_only_where_it_divides_by_it():
    assert hypergradient(0.1).needs == {"gradient_dot"}
    assert hypergradient(0.1, "multiplicative").needs == {"gradient_dot", "gradient_norm"}


def test_arguments_out_of_range_are_refused_at_once():
    for name, call in {
        "beta": lambda: hypergradient(0),
        "form": lambda: hypergradient(0.1, "geometric"),
        "high": lambda: hypergradient(0.1, high=0.9),
        "low": lambda: hypergradient(0.1, low=0),
    }.items():
        with pytest.raises(InputError, match=f"hypergradient\\({name}=...\\)"):
            call()
    with pytest.raises(InputError, match="below 1"):
        hypergradient(1.0, "multiplicative")
    with pytest.raises(InputError, match="gradient_norm"):
        shown(hypergradient(0.1, "multiplicative"), observed([1.0], [-1.0]))


def test_it_is_its_notation():
    is_its_notation(hypergradient(1e-4))
    is_its_notation(hypergradient(0.02, "multiplicative", low=0.1, high=2))
