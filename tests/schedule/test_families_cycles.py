"""Families that rise again: equations, exact restarts, ends, refusals."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from tests.twin import nearest

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, Schedule, cosine, one_cycle, peak, same_values, triangular, warm_restarts
from lrdecay.schedule.base import FAMILIES

T = 100
H = Horizon(steps=T, steps_per_epoch=10)


def _cos(u: float) -> float:
    return (1 + math.cos(math.pi * u)) / 2


def _clr(t: int, half: int) -> tuple[int, float]:  # as published: the cycle from 1, the height
    cycle = math.floor(1 + t / (2 * half))
    return cycle, max(0.0, 1 - abs(t / half - 2 * cycle + 1))


def _sgdr(t: int) -> float:  # first = 10, growth = 2, shrink = 0.5, floor = 0.05
    start, length, i = 0, 10, 0
    while t >= start + length:
        start, length, i = start + length, length * 2, i + 1
    return 0.05 + 0.15 * 0.5**i * _cos((t - start) / length)


def _three(t: int) -> float:
    if t < 30:
        return 0.02 + 0.18 * t / 30
    return 0.2 - 0.18 * (t - 30) / 30 if t < 60 else 0.02 - (0.02 - 0.002) * (t - 60) / 40


def _one(t: int) -> float:
    if t < 30:
        return 0.2 - (0.2 - 0.2 / 25) * _cos(t / 30)
    return 2e-1 / 25e4 + (0.2 - 2e-1 / 25e4) * _cos((t - 30) / 70)


EQUATIONS: list[tuple[Schedule, Callable[[int], float]]] = [
    (warm_restarts(0.2, first=20), lambda t: 0.2 * _cos(t % 20 / 20)),
    (warm_restarts(0.2, first="1ep", growth=2, shrink=0.5, floor=0.05), _sgdr),
    (triangular(0.02, 0.2, half_cycle=7), lambda t: 0.02 + 0.18 * _clr(t, 7)[1]),
    (triangular(0.0, 0.2, "1ep", scale="halve"), lambda t: 0.2 * _clr(t, 10)[1] / 2 ** (_clr(t, 10)[0] - 1)),
    (triangular(0.02, 0.2, 10, "exp", gamma=0.97), lambda t: 0.02 + 0.18 * _clr(t, 10)[1] * 0.97**t),
    (one_cycle(0.2), _one),
    (one_cycle(0.2, "3ep", 10, 10, "linear", three_phase=True), _three),
]


@pytest.mark.parametrize(("s", "equation"), EQUATIONS, ids=[repr(s) for s, _ in EQUATIONS])
def test_a_family_is_its_equation_at_every_update(s: Schedule, equation: Callable[[int], float]) -> None:
    np.testing.assert_allclose(s.bind(H).values(), [equation(t) for t in range(T)], rtol=1e-12, atol=1e-15)


def test_every_family_has_its_equation_in_the_table_above() -> None:
    here = {name for name, made in FAMILIES.items() if made.__module__ == "lrdecay.schedule.families_cycles"}
    assert {type(s).__name__ for s, _ in EQUATIONS} == here


RESTARTS = [(3, 3, 363), (5, 3, 605), (7, 10, 777), (10, 3, 1210), (10, 3, 295_240), (10, 1.5, 25), (1000, 1.1, 2100)]


@pytest.mark.parametrize(("first", "growth", "at"), RESTARTS)
def test_an_exact_restart_gives_the_peak_where_a_floored_logarithm_gives_the_floor(
    first: int, growth: float, at: int
) -> None:
    f = warm_restarts(0.3, first=first, growth=growth, floor=0.01).bind(Horizon(steps=10**6))
    assert f(at) == 0.3
    assert f(at - 1) < 0.3 * 0.5
    assert f(at + 1) < 0.3


@pytest.mark.parametrize("growth", [1, 1.25, 1.5, 2, 3])
def test_every_restart_is_rounded_once_from_its_exact_position_and_never_drifts(growth: float) -> None:
    h = Horizon(epochs=200, samples_per_epoch=50_000, batch_size=128)
    edge, length, marks = Fraction(0), Fraction(50_000, 128) * 3, []
    while nearest(edge) < h.steps:
        marks.append(nearest(edge))
        edge, length = edge + length, length * Fraction(growth)
    values = warm_restarts(1.0, first="3ep", growth=growth).bind(h).values()
    assert np.flatnonzero(values == 1.0).tolist() == marks
    assert (np.flatnonzero(np.diff(values) > 0) + 1).tolist() == marks[1:]


def test_each_restart_shrinks_the_peak_above_the_floor() -> None:
    f = warm_restarts(1.0, first=10, shrink=0.5, floor=0.2).bind(H)
    assert [f(t) for t in (0, 10, 20, 30)] == pytest.approx([1.0, 0.6, 0.4, 0.3], rel=1e-15)


def test_a_billion_updates_into_the_run_the_restarts_are_still_exact() -> None:
    h = Horizon(steps=2 * 10**9, samples_per_epoch=50_000, batch_size=128)
    even = warm_restarts(1.0, first=10).bind(h)
    assert [even(10**9 + d) == 1.0 for d in (-1, 0, 1)] == [False, True, False]
    exact = warm_restarts(1.0, first="1ep").bind(h)
    mark = nearest(Fraction(50_000, 128) * 2_560_000)
    assert [exact(mark + d) == 1.0 for d in (-1, 0, 1)] == [False, True, False]
    waves = triangular(0.0, 1.0, half_cycle=8).bind(h)
    assert [waves(10**9 + d) for d in (0, 1, 8, 9)] == [0.0, 0.125, 1.0, 0.875]
    doubling = 10 * (2**26 - 1)
    grown = warm_restarts(1.0, first=10, growth=2).bind(h)
    assert [grown(doubling + d) == 1.0 for d in (-1, 0)] == [False, True]


def test_a_cycle_that_would_start_at_the_end_never_starts() -> None:
    assert warm_restarts(1.0, first=10, floor=0.25).bind(Horizon(steps=20))(20) == 0.25
    assert warm_restarts(1.0, first=10, growth=2, floor=0.25, over=30).bind(H)(99) == 0.25
    assert warm_restarts(1.0, first=10).bind(Horizon(steps=25))(10**9) == pytest.approx(0.5)
    assert triangular(0.1, 0.5, half_cycle=10, over=30).bind(H)(99) == 0.5
    assert same_values(warm_restarts(0.3, first=100, floor=0.1), cosine(0.3, floor=0.1), H)


def test_the_top_of_every_triangle_is_reached_also_where_half_a_cycle_is_no_whole_number() -> None:
    h = Horizon(steps=1000, samples_per_epoch=1000, batch_size=64)  # 15.625 updates to an epoch
    values = triangular(0.1, 0.5, half_cycle="1ep").bind(h).values()
    tops = [nearest(Fraction(1000, 64) * k) for k in range(1, 64, 2)]
    assert np.flatnonzero(values == 0.5).tolist() == [t for t in tops if t < 1000]


@pytest.mark.parametrize("steps", [10, 11, 100])
@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_one_cycle_reaches_its_last_rate_at_the_end_and_is_never_negative(steps: int, shape: str) -> None:
    f = one_cycle(1.0, shape=shape).bind(Horizon(steps=steps))
    assert (f(0), f(nearest(Fraction(3 * steps, 10)))) == (1 / 25, 1.0)
    assert f(steps) == f(steps + 1) == f(10**9) == 1 / 25 / 1e4
    assert f.values().min() > 0


REFUSED: list[tuple[Callable[[], Schedule], str]] = [
    (lambda: warm_restarts(0.1, first=0), "`warm_restarts(first=...)` must be a positive duration, got 0."),
    (
        lambda: warm_restarts(0.1, 5, growth=0.5),
        "`warm_restarts(growth=...)` must be 1, or from 1.01 to 1000, got 0.5.",
    ),
    (
        lambda: warm_restarts(0.1, 5, growth=1.001),
        "`warm_restarts(growth=...)` must be 1, or from 1.01 to 1000, got 1.",
    ),
    (
        lambda: warm_restarts(0.1, 5, growth=peak),
        "`warm_restarts(growth=...)` must be 1, or from 1.01 to 1000, got pea",
    ),  # type: ignore[arg-type]
    (lambda: warm_restarts(0.1, 5, shrink=2), "`warm_restarts(shrink=...)` must be in (0, 1], got 2.0."),
    (lambda: warm_restarts(0.1, 5, floor=1), "`warm_restarts(floor=...)` must be at most the peak, 0.1, got 1.0."),
    (lambda: triangular(0.2, 0.1, 5), "`triangular(high=...)` must be at least low, 0.2, got 0.1."),
    (lambda: triangular(0.0, 0.0, 5), "`triangular(high=...)` must be a positive number, got 0.0."),
    (lambda: triangular(0.0, 0.1, 5, gamma=0.9), "`triangular(gamma=...)` must come with scale='exp', got 0.9."),
    (
        lambda: triangular(0.0, 0.1, 5, "half"),
        "`triangular(scale=...)` must be one of constant, halve, exp, got 'half'.",
    ),
    (lambda: one_cycle(0.1, start_div=0.5), "`one_cycle(start_div=...)` must be a number >= 1, got 0.5."),
    (lambda: one_cycle(0.1, end_div="1"), "`one_cycle(end_div=...)` must be a number >= 1, got '1'."),  # type: ignore[arg-type]
    (lambda: one_cycle(0.1, three_phase=1), "`one_cycle(three_phase=...)` must be True or False, got 1."),  # type: ignore[arg-type]
]


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_a_family_refuses_at_construction_in_one_line(make: Callable[[], Schedule], said: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value).startswith(said)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("s", "room"),
    [
        (one_cycle(0.1, "50%", three_phase=True), "The last part would run from step 100 to step 100"),
        (one_cycle(0.1, over="20%"), "The last part would run from step 30 to step 20"),
        (warm_restarts(0.1, first="0.9%"), "A cycle would run from step 0 to step 0"),
        (triangular(0.0, 0.1, half_cycle="0.05ep"), "Half a cycle would run from step 0 to step 0"),
    ],
    ids=repr,
)
def test_parts_that_do_not_fit_are_refused_when_bound(s: Schedule, room: str) -> None:
    with pytest.raises(InputError) as caught:
        s.bind(H)
    said = f"`{s!r}` must leave at least one update to each of its parts on a horizon of 100 steps. {room}."
    assert str(caught.value).startswith(said)
