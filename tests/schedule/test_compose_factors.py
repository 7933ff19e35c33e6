"""Products, dampers and noise: what multiplies a schedule from update to update."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    Schedule,
    at_peak,
    constant,
    cosine,
    damped,
    from_json,
    linear,
    multi_step,
    noisy,
    parse,
    peak,
    peak_of,
    product,
    step,
    warmup,
)
from lrdecay.schedule.peaks import is_open

H = Horizon(steps=100, steps_per_epoch=10)


def test_a_product_is_the_product_of_the_rates_over_the_same_span() -> None:
    a, b = step(0.1, factor=0.5, every=30), linear(1, floor=0.1)
    np.testing.assert_array_equal((a * b).bind(H).values(), a.bind(H).values() * b.bind(H).values())
    late = constant(0.3, over=40) + a * b
    inside = Horizon(steps=60)
    np.testing.assert_array_equal(late.bind(H).values()[40:], (a * b).bind(inside).values())


def test_a_factor_that_ends_first_is_held_and_the_product_lasts_as_long_as_its_first_part() -> None:
    s = cosine(0.1) * linear(1, floor=0.5, over=20)
    np.testing.assert_array_equal(s.bind(H).values()[20:], 0.5 * cosine(0.1).bind(H).values()[20:])
    assert s.lasts is None
    assert (cosine(0.1, over=30) * linear(1)).lasts == cosine(0.1, over=30).lasts
    assert ((cosine(0.1, over=30) * linear(1)) + constant(0.2)).bind(H)(30) == 0.2


def test_products_are_flat_however_they_are_bracketed_and_spelled() -> None:
    a, b, c = cosine(0.1), linear(1, floor=0.1), constant(0.5)
    assert (a * b) * c == a * (b * c) == product(a, b, c) == product(product(a, b), c)
    assert repr(a * b * c) == "product(cosine(0.1), linear(1.0, floor=0.1), constant(0.5))"
    assert parse("cosine(0.1) * linear(1, floor=0.1) * constant(0.5)") == a * b * c
    assert parse("0.5 * cosine(0.1) * linear(1, floor=0.1)") == (0.5 * a) * b
    assert from_json((a * b).to_json()) == a * b != b * a


def test_the_first_part_carries_the_rate_and_alone_is_moved() -> None:
    s = cosine(0.1) * linear(1, floor=0.1)
    assert peak_of(s) == 0.1
    assert at_peak(s, 0.4) == cosine(0.4) * linear(1, floor=0.1)
    twice = cosine(0.1) * cosine(0.1)
    assert at_peak(twice, 0.4) == cosine(0.4) * cosine(0.1)
    assert is_open(cosine(peak) * linear(1))
    assert at_peak(cosine(peak) * linear(1), 0.4) == cosine(0.4) * linear(1)


def test_what_wraps_a_schedule_moves_with_it() -> None:
    for wrap in (lambda s: damped(s, by="radam"), lambda s: noisy(s, pct=0.1)):
        assert peak_of(wrap(warmup(5) + cosine(0.1))) == 0.1
        assert at_peak(wrap(warmup(5) + cosine(peak)), 0.4) == wrap(warmup(5) + cosine(0.4))
        assert wrap(cosine(0.1, over=5)).lasts == cosine(0.1, over=5).lasts


def peer(by: str, beta2: float) -> Callable[[int], float]:
    """The factor of pytorch-warmup 0.2.0 at its step t >= 0, from its published source."""
    if by == "radam":
        limit = 2.0 / (1 - beta2) - 1

        def rho(k: int) -> float:
            return limit - 2 * k * beta2**k / (1 - beta2**k)

        offset = next(k for k in range(1, 100) if rho(k) > 4)

        def factor(t: int) -> float:
            r = rho(t + offset)
            return math.sqrt((r - 4) * (r - 2) * limit / ((limit - 4) * (limit - 2) * r))

        return factor
    if by == "untuned_linear":
        return lambda t: min(1.0, (t + 1) / round(2.0 / (1.0 - beta2)))
    return lambda t: 1.0 - math.exp(-(t + 1) / round(1.0 / (1.0 - beta2)))


@pytest.mark.parametrize("beta2", [0.9, 0.98, 0.999])
@pytest.mark.parametrize("by", ["untuned_linear", "untuned_exponential", "radam"])
def test_a_damper_is_pytorch_warmups_factor_times_the_schedule(by: str, beta2: float) -> None:
    """But for its rounding: it cuts 2/(1 - β2) down to an integer, where a float just below makes it one too few."""
    s = multi_step(0.1, factor=0.1, at=[40, 80])
    used = [s.bind(H)(t) * peer(by, beta2)(t) for t in range(100)]
    np.testing.assert_allclose(damped(s, by=by, beta2=beta2).bind(H).values(), used, rtol=1e-11)


def test_a_tuned_damper_has_its_period_in_any_unit() -> None:
    line = damped(constant(0.1), by="linear", period="4ep").bind(H).values()
    np.testing.assert_allclose(line, [0.1 * min(1, (t + 1) / 40) for t in range(100)], rtol=1e-14)
    bend = damped(constant(0.1), by="exponential", period=40).bind(H).values()
    np.testing.assert_allclose(bend, [0.1 * (1 - math.exp(-(t + 1) / 40)) for t in range(100)], rtol=1e-14)


def test_a_damper_counts_from_where_its_schedule_starts_and_does_not_delay_it() -> None:
    f = (constant(0.2, over=30) + damped(step(0.1, 0.5, every=20), by="linear", period=10)).bind(H)
    assert [f(t) for t in (29, 30, 39, 49, 50)] == pytest.approx([0.2, 0.01, 0.1, 0.1, 0.05])


@pytest.mark.parametrize("beta2", [0.6000001, 0.61, 0.9, 0.999, 0.999999])
def test_rectification_grows_from_above_zero_towards_one(beta2: float) -> None:
    f = damped(constant(1), by="radam", beta2=beta2).bind(Horizon(steps=10**7))
    factors = f(np.unique(np.geomspace(1, 10**7, 3000).astype(int)) - 1)
    assert 0 < factors[0] <= factors[-1] <= 1
    assert np.diff(factors).min() >= -1e-12
    assert factors[-1] > 0.99


def test_noise_stays_within_its_bound_and_ends_where_it_is_told_to() -> None:
    plain = cosine(0.1, floor=0.02).bind(H)
    f = noisy(cosine(0.1, floor=0.02), pct=0.3, between=["20%", "7ep"]).bind(H)
    ratio = f.values() / plain.values() - 1
    assert set(ratio[:20]) | set(ratio[70:]) == {0.0}
    assert 0 < np.abs(ratio[20:70]).min() <= np.abs(ratio[20:70]).max() < 0.3
    assert f(100) == noisy(cosine(0.1, floor=0.02)).bind(H)(100) == 0.02  # what it was heading for


REFUSED: list[tuple[Callable[[], Schedule], str]] = [
    (lambda: product(cosine(0.1)), "`product(a, b)` must be given two or more schedules, got [cosine(0.1)]."),
    (lambda: product(cosine(0.1), 0.5), "`product(parts=...)` must be a schedule, got 0.5."),  # type: ignore[arg-type]
    (lambda: cosine(0.1) * (warmup(5) + warmup(6)), "`warmup(...)` must be followed by a schedule"),
    (lambda: cosine(0.1) * cosine(peak), "`product(a, b)` must have factors with stated peaks, got cosine(peak). The"),
    (lambda: damped(cosine(0.1), by="radan"), "`damped(by=...)` must be one of linear, exponential, untuned_linear, u"),
    (lambda: damped(cosine(0.1), by="linear"), "`damped(period=...)` must be given where by='linear', got None. Such"),
    (lambda: damped(cosine(0.1), "radam", period=5), "`damped(period=...)` must not be given where by='radam', got 5."),
    (lambda: damped(cosine(0.1), "linear", 0.9, 5), "`damped(beta2=...)` must not be given where by='linear', got 0.9"),
    (lambda: damped(cosine(0.1), "radam", 0.6), "`damped(beta2=...)` must be above 0.6 where by='radam', got 0.6. Be"),
    (lambda: damped(cosine(0.1), "radam", 1), "`damped(beta2=...)` must be a number from 0 to 0.999999, got 1.0. It"),
    (lambda: damped(0.1, "radam"), "`damped(schedule=...)` must be a schedule, got 0.1."),  # type: ignore[arg-type]
    (lambda: noisy(cosine(0.1), pct=1.5), "`noisy(pct=...)` must be in (0, 1], got 1.5. A rate must not fall below 0."),
    (lambda: noisy(cosine(0.1), std=0), "`noisy(std=...)` must be a positive number, got 0.0."),
    (lambda: noisy(cosine(0.1), kind="white"), "`noisy(kind=...)` must be one of normal, uniform, got 'white'."),
    (lambda: noisy(cosine(0.1), kind="uniform", std=2), "`noisy(std=...)` must come with kind='normal', got 2.0. Her"),
    (lambda: noisy(cosine(0.1), seed=-1), "`noisy(seed=...)` must be an integer from 0 to 2**64 - 1, got -1."),
    (lambda: noisy(cosine(0.1), between=5), "`noisy(between=...)` must be a list of two durations, got 5. Write betwe"),
    (lambda: noisy(cosine(0.1), between=[5, 5]), "`noisy(between=...)` must be two durations, the later one last, got"),
    (lambda: noisy(cosine(0.1), between=[5]), "`noisy(between=...)` must be two durations, the later one last, got"),
]


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_makes_no_factor_is_refused(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value).startswith(said)


def test_noise_between_boundaries_out_of_order_is_refused_on_that_horizon() -> None:
    s = noisy(cosine(0.1), between=["5ep", "20%"])
    with pytest.raises(InputError, match="The noise would run from step 50 to step 20"):
        s.bind(H)
    assert s.bind(H.lasting(steps=1000)).steps == 1000
