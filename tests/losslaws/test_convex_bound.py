"""The convex bound is its formula, and its best base rates are the published code's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrdecay import Horizon, parse
from lrdecay.errors import InputError
from lrdecay.losslaws.convex_bound import best_base_rate, bound, bound_gradient, bound_parts, scaled_base_rate
from lrdecay.losslaws.kept_rate import kept_cooldown, kept_factor

positive = st.floats(0.01, 10)


def rates(text, steps=400):
    return parse(text).bind(Horizon(steps=steps)).values()


def as_printed(eta, g, distance):
    """Theorem 1, sum by sum."""
    n = len(eta)
    first = (distance**2 + sum(eta[t] ** 2 * g[t] ** 2 for t in range(n))) / (2 * sum(eta))
    return first + 0.5 * sum(
        eta[k] / sum(eta[k + 1 :]) * sum(eta[t] ** 2 * g[t] ** 2 for t in range(k, n)) / sum(eta[k:])
        for k in range(n - 1)
    )


# √T γ* and √T times the bound there at T = 400 and D = G = 1, of Schaipp et al.'s own code
PUBLISHED = {
    "constant(1)": (0.364, 2.751),
    "cosine(1)": (0.965, 2.068),
    "inverse_sqrt(1, warmup=1)": (4.24, 2.445),
    'wsd(1, warmup=0, cooldown="10%")': (0.453, 2.323),
    'wsd(1, warmup=0, cooldown="20%")': (0.507, 2.187),
    'wsd(1, warmup=0, cooldown="40%")': (0.601, 2.075),
    'wsd(1, warmup=0, cooldown="60%")': (0.702, 2.031),
    'wsd(1, warmup=0, cooldown="80%")': (0.825, 2.015),
    'wsd(1, warmup=0, cooldown="100%")': (0.991, 2.013),
    'wsd(1, warmup=0, cooldown="20%", shape="1-sqrt")': (0.537, 2.146),
    'wsd(1, warmup=0, cooldown="60%", shape="1-sqrt")': (0.819, 2.032),
}


@pytest.mark.parametrize("text", PUBLISHED)
def test_best_base_rates_and_bounds_are_the_published_codes(text):
    shape = 1 / np.sqrt(np.arange(1, 401)) if text.startswith("inverse") else rates(text)
    best = best_base_rate(shape)

    assert (20 * best.rate, 20 * best.bound) == pytest.approx(PUBLISHED[text], abs=6e-4, rel=5e-4)


@pytest.mark.parametrize(("steps", "published"), [(100, 0.495), (400, 0.507), (1600, 0.512), (6400, 0.514)])
def test_the_best_base_rate_falls_nearly_as_the_root_of_the_horizon(steps, published):
    best = best_base_rate(rates('wsd(1, warmup=0, cooldown="20%")', steps)).rate
    assert best * steps**0.5 == pytest.approx(published, abs=6e-4)


@settings(max_examples=25)
@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=12), positive)
def test_the_bound_is_the_theorem_as_printed(pairs, distance):
    eta, g = map(list, zip(*pairs, strict=True))
    assert bound(eta, g, distance) == pytest.approx(as_printed(eta, g, distance), rel=1e-12)


@settings(max_examples=25)
@given(st.lists(st.tuples(positive, positive), min_size=2, max_size=12), positive)
def test_no_base_rate_has_a_lower_bound_than_the_best(pairs, distance):
    eta, g = (np.array(side) for side in zip(*pairs, strict=True))
    best = best_base_rate(eta, g, distance)
    shape = eta / eta.max()

    assert bound(best.rate * shape, g, distance) == pytest.approx(best.bound, rel=1e-12)
    assert min(bound(best.rate * f * shape, g, distance) for f in (0.5, 0.99, 1.01, 2)) > best.bound


@settings(max_examples=25)
@given(st.lists(st.tuples(positive, positive), min_size=1, max_size=8), positive)
def test_the_gradient_is_that_of_the_bound(pairs, distance):
    eta, g = (np.array(side) for side in zip(*pairs, strict=True))
    slope = bound_gradient(eta, g, distance)
    numeric = [(bound(eta + d, g, distance) - bound(eta - d, g, distance)) / (2 * d.sum()) for d in np.diag(1e-6 * eta)]

    np.testing.assert_allclose(slope, numeric, rtol=1e-6, atol=1e-7 * np.abs(slope).max())


def test_the_parts_scale_as_the_best_base_rate_takes_them_to():
    eta, g = np.array([3.0, 1.0, 2.0, 0.5]), np.array([1.0, 4.0, 2.0, 3.0])
    (falls, grows), (falls_2, grows_2) = bound_parts(eta, g), bound_parts(2 * eta, g)

    assert (falls_2, grows_2) == pytest.approx((falls / 2, 2 * grows), rel=1e-14)
    assert bound(eta, g) == pytest.approx(falls + grows)


def test_a_rate_of_zero_adds_nothing():
    assert bound([1, 0.5, 0, 0]) == bound([1, 0.5])
    assert bound_gradient([1, 0.5, 0, 0])[2:].tolist() == [0, 0]
    assert bound([0, 1, 0, 0.5]) == pytest.approx(bound([1, 0.5]), rel=1e-15)


def test_a_longer_cooldown_is_better_once_the_base_rate_is_tuned_and_an_inner_one_is_best_where_it_is_not():
    shapes = [rates(f'wsd(1, warmup=0, cooldown="{c}%")') for c in (5, 10, 20, 40, 60, 80, 100)]
    tuned, fixed = [best_base_rate(s).bound for s in shapes], [bound(0.6 / 20 * s) for s in shapes]

    assert tuned == sorted(tuned, reverse=True)
    assert 0 < int(np.argmin(fixed)) < len(shapes) - 1


def test_the_rate_moves_with_the_cooldown_and_the_horizon_and_back():
    short, long, twice = (
        rates(f'wsd(0.1, warmup=0, cooldown="{c}%")', n) for c, n in ((20, 2000), (60, 2000), (20, 4000))
    )

    assert scaled_base_rate(short, rates("cosine(7)", 2000)) == pytest.approx(1.9, abs=0.02)  # the facts' ratio
    assert scaled_base_rate(short, twice) == pytest.approx(2**-0.5, rel=0.005)
    assert scaled_base_rate(short, long) * scaled_base_rate(long, twice) == pytest.approx(
        scaled_base_rate(short, twice)
    )


@pytest.mark.parametrize("steps", [2100, 3000, 4000, 7000])
def test_the_kept_cooldown_is_the_shortest_that_keeps_the_rate(steps):
    old = rates('wsd(1, warmup=0, cooldown="20%")', 2000)
    cooldown = kept_cooldown(old, steps)
    now, shorter = (
        best_base_rate(rates(f"wsd(1, warmup=0, cooldown={c})", steps)).rate for c in (cooldown, cooldown - 1)
    )

    assert shorter < best_base_rate(old).rate <= now


@pytest.mark.parametrize("steps", [2100, 3000, 4000, 16_000])
def test_the_kept_factor_keeps_the_rate(steps):
    old = rates('wsd(3, warmup=0, cooldown="20%")', 2000)
    factor = kept_factor(old, steps, at=1600, cooldown=steps // 5)
    second = rates(f"wsd(1, warmup=0, cooldown={steps // 5})", steps - 1600)

    assert 0 < factor < 1
    assert best_base_rate([*old[:1600] / 3, *factor * second]).rate == pytest.approx(best_base_rate(old).rate, rel=1e-6)


def test_a_run_that_needs_no_lower_rate_keeps_its_own():
    assert kept_factor(rates("constant(1)"), 400, at=100, cooldown=200) == 1.0


def test_an_extension_beyond_the_longest_cooldown_is_refused_with_what_it_allows():
    with pytest.raises(InputError, match=r"the best base rate is 0\.983 of it"):
        kept_cooldown(rates('wsd(1, warmup=0, cooldown="20%")'), 1600)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: bound([0.0, 0.0]), "rates >= 0, one per update and one above 0"),
        (lambda: bound([1.0, np.nan]), "finite rates"),
        (lambda: bound([]), "one above 0"),
        (lambda: bound([1.0, -1.0]), "rates >= 0"),
        (lambda: bound([1.0, 1.0], [1.0]), "2 of them"),
        (lambda: bound([1.0, 1.0], -1.0), "norm >= 0"),
        (lambda: bound([1.0], 1.0, 0.0), r"distance=\.\.\.\)` must be a positive"),
        (lambda: best_base_rate([1.0, 1.0], 0.0), "above 0 somewhere"),
        (lambda: kept_cooldown([1.0], 0), "positive integer"),
        (lambda: kept_cooldown([1.0], 10, warmup=10), "0 to 9"),
        (lambda: kept_factor([1.0] * 10, 20, at=11, cooldown=5), "1 to 10"),
        (lambda: kept_factor([1.0], 1000, at=1, cooldown=1), "Lengthen the cooldown"),
    ],
)
def test_what_has_no_bound_is_refused(call, says):
    with pytest.raises(InputError, match=says):
        call()
