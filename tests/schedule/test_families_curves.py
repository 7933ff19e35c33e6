"""Curves over the whole run: their equations written out again, their ends, and what each one refuses."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    Schedule,
    cosine,
    flat_cosine,
    halving,
    k_decay,
    knee,
    natural_exponential,
    rex,
    same_values,
    slanted_triangular,
    tanh,
    wsd,
)
from lrdecay.schedule.base import FAMILIES

T = 100
H = Horizon(steps=T, steps_per_epoch=10)


def _cos(u: float) -> float:
    return (1 + math.cos(math.pi * u)) / 2


def _ulmfit(t: int) -> float:  # as published, with cut_frac = 0.1 and ratio = 32
    cut = math.floor(T * 0.1)
    p = t / cut if t < cut else 1 - (t - cut) / (cut * (1 / 0.1 - 1))
    return 0.2 * (1 + p * 31) / 32


EQUATIONS: list[tuple[Schedule, Callable[[int], float]]] = [
    (natural_exponential(0.2, rate=0.03), lambda t: 0.2 * math.exp(-0.03 * t)),
    (natural_exponential(0.2, rate=0.5, every="1ep"), lambda t: 0.2 * math.exp(-0.05 * t)),
    (natural_exponential(0.2, rate=0.5, every=10, staircase=True), lambda t: 0.2 * math.exp(-0.5 * (t // 10))),
    (natural_exponential(0.2, rate=0), lambda t: 0.2),
    (halving(0.2), lambda t: 0.2 / 2 ** sum(t >= math.floor(k * T / 6 + 0.5) for k in range(1, 6))),
    (rex(0.2), lambda t: 0.2 * (1 - t / T) / (0.5 + 0.5 * (1 - t / T))),
    (rex(0.2, floor=0.05), lambda t: 0.05 + 0.15 * (1 - t / T) / (1 - t / T / 2)),
    (tanh(0.2, floor=0.05), lambda t: 0.05 + 0.075 * (1 - math.tanh(-6 + 9 * t / T))),
    (tanh(0.2, lower=-4, upper=2), lambda t: 0.1 * (1 - math.tanh(-4 + 6 * t / T))),
    (k_decay(0.2, k=3, floor=0.05), lambda t: 0.05 + 0.15 * _cos((t / T) ** 3)),
    (k_decay(0.2, k=0.5, shape="linear"), lambda t: 0.2 * (1 - math.sqrt(t / T))),
    (flat_cosine(0.2, flat="72%", floor=0.05), lambda t: 0.2 if t < 72 else 0.05 + 0.15 * _cos((t - 72) / 28)),
    (flat_cosine(0.2, flat=30, over=50), lambda t: 0.2 * _cos(min(max(t - 30, 0), 20) / 20)),
    (knee(0.2, warmup=0, explore="4ep"), lambda t: 0.2 * min(1, (100 - t) / 60)),
    (knee(0.2, 10, 40), lambda t: 0.2 * (t + 1) / 11 if t < 10 else 0.2 * min(1, (100 - t) / 50)),
    (slanted_triangular(0.2), _ulmfit),
    (slanted_triangular(0.2, cut=50, ratio=1), lambda t: 0.2),
]


@pytest.mark.parametrize(("s", "equation"), EQUATIONS, ids=[repr(s) for s, _ in EQUATIONS])
def test_a_family_is_its_equation_at_every_update(s: Schedule, equation: Callable[[int], float]) -> None:
    np.testing.assert_allclose(s.bind(H).values(), [equation(t) for t in range(T)], rtol=1e-12, atol=1e-17)


def test_every_family_has_its_equation_in_the_table_above() -> None:
    here = {name for name, made in FAMILIES.items() if made.__module__ == "lrdecay.schedule.families_curves"}
    assert {type(s).__name__ for s, _ in EQUATIONS} == here


@pytest.mark.parametrize(("steps", "phases"), [(1, 1), (2, 1), (3, 1), (4, 2), (1023, 9), (1024, 10), (1025, 10)])
def test_halving_has_as_many_equal_phases_as_the_run_can_be_halved(steps: int, phases: int) -> None:
    values = halving(1).bind(Horizon(steps=steps)).values()
    rates, lengths = np.unique(values, return_counts=True)
    assert rates[::-1].tolist() == [0.5**k for k in range(phases)]
    assert lengths.max() - lengths.min() <= 1


def test_halving_counts_its_phases_exactly_where_a_logarithm_in_floats_would_not() -> None:
    assert halving(1).bind(Horizon(steps=2**49 - 1))(2**49 - 2) == 0.5**47  # log2 gives 49.0
    assert halving(1).bind(Horizon(steps=2**49))(2**49 - 1) == 0.5**48


def test_curves_end_at_their_floor_and_tanh_at_its_own_end() -> None:
    for s in (rex(0.3, floor=0.07), k_decay(0.3, k=2, floor=0.07), flat_cosine(0.3, flat=9, floor=0.07)):
        f = s.bind(H)
        assert (f(0), f(T), f(10**9)) == (0.3, 0.07, 0.07)
    assert tanh(1.0).bind(H)(10**9) == pytest.approx((1 - math.tanh(3)) / 2, rel=1e-13)
    assert slanted_triangular(0.3).bind(H)(10**9) == 0.3 / 32
    assert knee(0.3, 5, 50).bind(H)(10**9) == 0.0


def test_special_cases_are_their_simpler_families() -> None:
    assert same_values(k_decay(0.1, k=1, floor=0.01), cosine(0.1, floor=0.01), H)
    assert same_values(knee(0.1, warmup=10, explore=60), wsd(0.1, warmup=10, cooldown=30), H)


REFUSED: list[tuple[Callable[[], Schedule], str]] = [
    (lambda: natural_exponential(0.1, rate=-1), "`natural_exponential(rate=...)` must be a number >= 0, got -1.0."),
    (lambda: halving(0), "`halving(peak=...)` must be a positive number, got 0.0."),
    (lambda: rex(0.1, floor=0.2), "`rex(floor=...)` must be at most the peak, 0.1, got 0.2."),
    (lambda: tanh(0.1, lower=3), "`tanh(lower=...)` must be below upper, 3.0, got 3.0."),
    (lambda: tanh(0.1, upper=math.nan), "`tanh(upper=...)` must be a number from -300 to 300, got nan."),
    (lambda: tanh(0.1, upper="3"), "`tanh(upper=...)` must be a number from -300 to 300, got '3'."),  # type: ignore[arg-type]
    (lambda: tanh(0.1, floor=0.2), "`tanh(floor=...)` must be at most the peak, 0.1, got 0.2."),
    (lambda: k_decay(0.1, k=0), "`k_decay(k=...)` must be a positive number, got 0.0."),
    (
        lambda: k_decay(0.1, k=2, shape="sine"),
        "`k_decay(shape=...)` must be one of linear, cosine, 1-sqrt, square, got",
    ),
    (lambda: flat_cosine(0.1, flat=0), "`flat_cosine(flat=...)` must be a positive duration, got 0."),
    (lambda: knee(0.1, warmup=5, explore=0.5), "`knee(explore=...)` must be a positive duration, got 0.5."),
    (lambda: slanted_triangular(0.1, ratio=0.5), "`slanted_triangular(ratio=...)` must be a number >= 1, got 0.5."),
]


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=[said.partition(" must")[0] for _, said in REFUSED])
def test_a_family_refuses_at_construction_in_one_line(make: Callable[[], Schedule], said: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value).startswith(said)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "s", [flat_cosine(0.1, flat=100), knee(0.1, 50, 50), slanted_triangular(0.1, cut=100), knee(0.1, 0, 200)], ids=repr
)
def test_a_last_part_without_an_update_is_refused_when_bound(s: Schedule) -> None:
    with pytest.raises(InputError, match=r"must leave at least one update to each of its parts .* The last part would"):
        s.bind(H)
