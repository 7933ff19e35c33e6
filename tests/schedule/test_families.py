"""The named families: their equations written out again, their boundaries, and what each one refuses."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import attrs
import numpy as np
import pytest
from tests.bank import BANK
from tests.twin import nearest

from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    Schedule,
    constant,
    cosine,
    exponential,
    inverse_time,
    linear,
    multi_step,
    peak,
    polynomial,
    step,
    wsd,
)
from lrdecay.schedule.places import Place
from lrdecay.schedule.register import FAMILIES, HOMES

T = 100
H = Horizon(steps=T, steps_per_epoch=10)


def _wsd(shape: Callable[[float], float]) -> Callable[[int], float]:
    def rate(t: int) -> float:
        if t < 10:
            return 0.4 * (t + 1) / 11
        return 0.4 if t < 75 else 0.1 + 0.3 * shape((t - 75) / 25)

    return rate


EQUATIONS: list[tuple[Schedule, Callable[[int], float]]] = [
    (constant(0.2), lambda t: 0.2),
    (step(0.2, factor=0.5, every=30), lambda t: 0.2 * 0.5 ** (t // 30)),
    (step(0.2, factor=0.1, every="2.5ep"), lambda t: 0.2 * 0.1 ** (t // 25)),
    (step(3, factor=1, every=1), lambda t: 3.0),
    (multi_step(0.2, factor=0.1, at=[10, 40, 41]), lambda t: 0.2 * 0.1 ** ((t >= 10) + (t >= 40) + (t >= 41))),
    (multi_step(0.2, factor=0.3, at=["1ep", "50%"]), lambda t: 0.2 * 0.3 ** ((t >= 10) + (t >= 50))),
    (exponential(0.2, factor=0.97), lambda t: 0.2 * 0.97**t),
    (exponential(0.2, factor=0.1, every="100%"), lambda t: 0.2 * 0.1 ** (t / 100)),
    (exponential(0.2, factor=0.1, every="1ep", staircase=True), lambda t: 0.2 * 0.1 ** (t // 10)),
    (inverse_time(0.2, rate=0.01), lambda t: 0.2 / (1 + 0.01 * t)),
    (inverse_time(0.2, rate=3, every="2ep"), lambda t: 0.2 / (1 + 3 * t / 20)),
    (inverse_time(0.2, rate=3, every=20, staircase=True), lambda t: 0.2 / (1 + 3 * (t // 20))),
    (inverse_time(0.2, rate=0), lambda t: 0.2),
    (linear(0.2), lambda t: 0.2 * (1 - t / T)),
    (linear(0.2, floor=0.05), lambda t: 0.05 + 0.15 * (1 - t / T)),
    (linear(0.2, floor=0.2), lambda t: 0.2),
    (linear(0.2, floor=0.1, over=50), lambda t: 0.1 + 0.1 * (1 - min(t, 50) / 50)),
    (linear(0.2, over=400), lambda t: 0.2 * (1 - t / 400)),
    (polynomial(0.2, floor=0.05), lambda t: 0.05 + 0.15 * (1 - t / T)),
    (polynomial(0.2, floor=0.05, power=2.5), lambda t: 0.05 + 0.15 * (1 - t / T) ** 2.5),
    (polynomial(0.2, power=0.5), lambda t: 0.2 * math.sqrt(1 - t / T)),
    (cosine(0.2), lambda t: 0.2 * (1 + math.cos(math.pi * t / T)) / 2),
    (cosine(0.2, floor=0.05, over="5ep"), lambda t: 0.05 + 0.15 * (1 + math.cos(math.pi * min(t, 50) / 50)) / 2),
    (wsd(0.4, warmup=10, cooldown="25%", floor=0.1), _wsd(lambda u: 1 - u)),
    (wsd(0.4, warmup="1ep", cooldown=25, shape="1-sqrt", floor=0.1), _wsd(lambda u: 1 - math.sqrt(u))),
    (wsd(0.4, "10%", "2.5ep", "cosine", 0.1), _wsd(lambda u: (1 + math.cos(math.pi * u)) / 2)),
    (wsd(0.4, 10, 25, shape="square", floor=0.1), _wsd(lambda u: (1 - u) ** 2)),
    (wsd(0.4, 10, 25, shape="power", floor=0.1), _wsd(lambda u: (1 - u) ** 2)),
    (wsd(0.4, 10, 25, shape="power", floor=0.1, power=0.5), _wsd(lambda u: math.sqrt(1 - u))),
    (wsd(0.4, 10, 25, shape="exponential", floor=0.1), _wsd(lambda u: (4 * 0.25**u - 1) / 3)),
    (wsd(0.4, 10, 25, shape="exponential", floor=0.4), lambda t: 0.4 * min((t + 1) / 11, 1)),
    (wsd(0.4, warmup=0, cooldown=100), lambda t: 0.4 * (1 - t / T)),
    (wsd(0.4, warmup=0, cooldown=10, over=20), lambda t: 0.4 * min(1, max(0, (20 - t) / 10))),
]


@pytest.mark.parametrize(("s", "equation"), EQUATIONS, ids=[repr(s) for s, _ in EQUATIONS])
def test_a_family_is_its_equation_at_every_update(s: Schedule, equation: Callable[[int], float]) -> None:
    np.testing.assert_allclose(s.bind(H).values(), [equation(t) for t in range(T)], rtol=1e-13, atol=1e-17)


def test_every_family_has_its_equation_in_the_table_above() -> None:
    here = {name for name, made in FAMILIES.items() if made.__module__ == "lrdecay.schedule.families"}
    assert {type(s).__name__ for s, _ in EQUATIONS} == here


def test_time_based_decay_starts_as_its_published_example_does() -> None:
    values = inverse_time(0.1, rate=0.001).bind(Horizon(steps=5)).values()
    assert [round(float(v), 7) for v in values] == [0.1, 0.0999001, 0.0998004, 0.0997009, 0.0996016]


@pytest.mark.parametrize("n", [1, 7, 50, 99])
@pytest.mark.parametrize("make", [linear, cosine, polynomial, lambda p, **k: wsd(p, 0, k["over"], **k)])
def test_over_n_steps_reaches_its_end_value_at_t_equal_n_and_holds_it(make: Callable[..., Schedule], n: int) -> None:
    f = make(0.3, floor=0.07, over=n).bind(H)
    assert f(0) == 0.3
    assert f(n - 1) > 0.07
    assert f(n) == 0.07
    assert f(n + 1) == f(10**9) == 0.07


def test_the_end_of_the_horizon_is_the_end_of_the_ramp_and_is_never_used_by_an_update() -> None:
    f = linear(1).bind(Horizon(steps=4))
    assert f.values().tolist() == [1.0, 0.75, 0.5, 0.25]
    assert f(4) == 0.0


@pytest.mark.parametrize(
    ("samples", "batch", "every"),
    [(50_000, 128, 10), (50_000, 128, 1), (1_281_167, 256, 30), (999, 1000, 1), (7, 3, 1)],
)
def test_boundaries_in_epochs_are_rounded_once_from_exact_positions_and_never_drift(
    samples: int, batch: int, every: int
) -> None:
    h = Horizon(epochs=40 * every, samples_per_epoch=samples, batch_size=batch)
    marks = [nearest(Fraction(samples, batch) * every * k) for k in range(1, 41)]
    f = step(1.0, factor=0.5, every=f"{every}ep").bind(h)
    g = multi_step(1.0, factor=0.5, at=[f"{every * k}ep" for k in range(1, 41)]).bind(h)
    for k, mark in enumerate(marks):
        if mark < h.steps:
            at = sum(m <= mark for m in marks)
            assert (f(mark), g(mark)) == (0.5**at, 0.5**at), (k, mark)
        before = sum(m <= mark - 1 for m in marks)
        assert (f(mark - 1), g(mark - 1)) == (0.5**before, 0.5**before), (k, mark)


def test_every_ten_epochs_of_390_625_updates_drops_at_the_rounded_multiples_of_3906_25() -> None:
    h = Horizon(epochs=200, samples_per_epoch=50_000, batch_size=128)
    values = step(1.0, factor=0.5, every="10ep").bind(h).values()
    assert (np.flatnonzero(np.diff(values)) + 1).tolist() == [math.floor(3906.25 * k + 0.5) for k in range(1, 20)]


def test_a_staircase_is_a_step_and_a_polynomial_of_power_one_is_a_line() -> None:
    h = Horizon(epochs=20, samples_per_epoch=1000, batch_size=64)
    stairs = exponential(0.1, factor=0.3, every="3ep", staircase=True)
    assert stairs.expand() == step(0.1, factor=0.3, every="3ep").expand()
    assert polynomial(0.1, floor=0.01).bind(h).values().tolist() == linear(0.1, floor=0.01).bind(h).values().tolist()


def test_a_family_expands_to_core_nodes_and_equal_ones_to_equal_nodes() -> None:
    for name, s in BANK:
        nodes = s.expand()
        assert isinstance(nodes, Place), name
        assert nodes == s.expand(), name
        assert hash(nodes) == hash(s.expand()), name


REFUSED: list[tuple[Callable[[], Schedule], str]] = [
    (lambda: constant(-0.1), "`constant(peak=...)` must be a positive number, got -0.1."),
    (lambda: constant(0), "`constant(peak=...)` must be a positive number, got 0.0."),
    (lambda: constant(True), "`constant(peak=...)` must be a positive number, got True."),
    (lambda: constant("0.1"), "`constant(peak=...)` must be a positive number, got '0.1'."),  # type: ignore[arg-type]
    (lambda: constant(math.nan), "`constant(peak=...)` must be a positive number, got nan."),
    (lambda: constant(math.inf), "`constant(peak=...)` must be a positive number, got inf."),
    (lambda: constant(10**400), "`constant(peak=...)` must be a positive number, got 1000000"),
    (lambda: constant(0.1, over=0), "`constant(over=...)` must be a positive duration, got 0. Write updates as"),
    (lambda: constant(0.1, over=0.5), "`constant(over=...)` must be a positive duration, got 0.5. Write updates as"),
    (lambda: constant(0.1, over="10%%"), "`constant(over=...)` must be a positive duration, got '10%%'."),
    (lambda: step(0.1, factor=0.5, every=0), "`step(every=...)` must be a positive duration, got 0."),
    (lambda: step(0.1, factor=0.5, every="0ep"), "`step(every=...)` must be a positive duration, got '0ep'."),
    (lambda: step(0.1, factor=0.5, every=-3), "`step(every=...)` must be a positive duration, got -3."),
    (lambda: step(0.1, factor=0, every=1), "`step(factor=...)` must be in (0, 1], got 0.0. A decay multiplies"),
    (lambda: step(0.1, factor=1.5, every=1), "`step(factor=...)` must be in (0, 1], got 1.5. A decay multiplies"),
    (lambda: step(0.1, factor=peak, every=1), "`step(factor=...)` must be in (0, 1], got peak."),
    (lambda: multi_step(0.1, factor=0.5, at=[]), "`multi_step(at=...)` must hold at least one item, got ()."),
    (
        lambda: multi_step(0.1, factor=0.5, at=[60, 30]),
        "`multi_step(at=...)` must be in strictly rising order, got [60",
    ),
    (
        lambda: multi_step(0.1, factor=0.5, at=[30, 30]),
        "`multi_step(at=...)` must be in strictly rising order, got [30",
    ),
    (
        lambda: multi_step(0.1, 0.5, ["9ep", "8.9ep"]),
        '`multi_step(at=...)` must be in strictly rising order, got ["9ep"',
    ),
    (lambda: multi_step(0.1, factor=0.5, at=30), "`multi_step(at=...)` must be a list of durations, got 30. Write at="),
    (lambda: multi_step(0.1, factor=0.5, at="30ep"), "`multi_step(at=...)` must be a list of durations, got '30ep'."),
    (lambda: multi_step(0.1, factor=0.5, at=[1.5]), "`multi_step(at=...)` must be a positive duration, got 1.5."),
    (lambda: exponential(0.1, factor=-0.5), "`exponential(factor=...)` must be in (0, 1], got -0.5."),
    (lambda: exponential(0.1, factor=0.5, staircase=1), "`exponential(staircase=...)` must be True or False, got 1."),
    (lambda: inverse_time(0.1, rate=-1e-3), "`inverse_time(rate=...)` must be a number >= 0, got -0.001."),
    (lambda: inverse_time(0.1, rate=1, every="x"), "`inverse_time(every=...)` must be a positive duration, got 'x'."),
    (lambda: linear(0.1, floor=0.2), "`linear(floor=...)` must be at most the peak, 0.1, got 0.2."),
    (lambda: linear(0.1, floor=-0.1), "`linear(floor=...)` must be a number >= 0, got -0.1."),
    (lambda: polynomial(0.1, floor=0.2), "`polynomial(floor=...)` must be at most the peak, 0.1, got 0.2."),
    (lambda: polynomial(0.1, power=0), "`polynomial(power=...)` must be a positive number, got 0.0."),
    (lambda: cosine(0.1, floor=0.2), "`cosine(floor=...)` must be at most the peak, 0.1, got 0.2."),
    (lambda: cosine(0.1, floor=math.nan), "`cosine(floor=...)` must be a number >= 0, got nan."),
    (lambda: wsd(0.1, warmup=-1, cooldown=5), "`wsd(warmup=...)` must be a duration >= 0, got -1."),
    (lambda: wsd(0.1, warmup=0, cooldown=0), "`wsd(cooldown=...)` must be a positive duration, got 0."),
    (
        lambda: wsd(0.1, 0, 5, shape="linaer"),
        "`wsd(shape=...)` must be one of linear, cosine, 1-sqrt, square, power, exponential, got 'lin",
    ),
    (
        lambda: wsd(0.1, 0, 5, shape=None),
        "`wsd(shape=...)` must be one of linear, cosine, 1-sqrt, square, power, exponential, got None.",
    ),
    (
        lambda: wsd(0.1, 0, 5, shape="exponential"),
        "`wsd(floor=...)` must be a positive number where shape='exponential', got 0.0. A rate that is multiplied",
    ),
    (lambda: wsd(0.1, 0, 5, power=3), "`wsd(power=...)` must come with shape='power', got 3.0."),
    (lambda: wsd(0.1, 0, 5, shape="power", power=0), "`wsd(power=...)` must be a positive number, got 0.0."),
    (lambda: wsd(0.1, 0, 5, floor=0.2), "`wsd(floor=...)` must be at most the peak, 0.1, got 0.2."),
]


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=[said.partition(" must")[0] for _, said in REFUSED])
def test_a_family_refuses_at_construction_in_one_line(make: Callable[[], Schedule], said: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value).startswith(said)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("s", "room"),
    [
        (wsd(0.1, warmup=60, cooldown=50), "A part would run from step 60 to step 50"),
        (wsd(0.1, warmup=100, cooldown=5), "What follows the warmup would run from step 100 to step 100"),
        (linear(0.1, over="0.4%"), "A ramp would run from step 0 to step 0"),
        (multi_step(0.1, factor=0.5, at=["9ep", 80]), "A part would run from step 90 to step 80"),
    ],
    ids=repr,
)
def test_parts_that_do_not_fit_are_refused_when_bound(s: Schedule, room: str) -> None:
    with pytest.raises(InputError) as caught:
        s.bind(H)
    said = f"`{s!r}` must leave at least one update to each of its parts on a horizon of 100 steps. {room}."
    assert str(caught.value).startswith(said)


def test_numbers_of_any_type_are_kept_as_pythons_floats_and_spelled_alike() -> None:
    for number in (np.float64(0.5), np.float32(0.5), Fraction(1, 2)):
        s = step(number, factor=number, every=3)  # type: ignore[arg-type]
        assert repr(s) == "step(0.5, factor=0.5, every=3)"
        assert type(s.peak) is type(s.factor) is float
    assert repr(constant(np.int64(2))) == repr(constant(2)) == "constant(2.0)"
    assert linear(0.1, floor=-0.0) == linear(0.1)
    assert math.copysign(1, linear(0.1, floor=-0.0).floor) == 1.0


def test_a_family_is_frozen_and_final() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        cosine(0.1).peak = 0.2  # type: ignore[misc]
    assert {name for name in HOMES if not getattr(FAMILIES[name], "__final__", False)} == set()


def test_an_open_peak_is_above_every_floor_until_it_is_stated() -> None:
    s: Any = cosine(peak, floor=5)
    assert (s.peak, s.floor) == (peak, 5.0)


def test_milestones_by_share_are_the_eight_one_one_of_the_literature() -> None:
    s = multi_step(0.1, factor=0.1, at=["80%", "90%"])
    assert repr(s) == 'multi_step(0.1, factor=0.1, at=["80%", "90%"])'
    for steps in (10, 1000, 78_125):
        drops = np.flatnonzero(np.diff(s.bind(Horizon(steps=steps)).values())) + 1
        assert drops.tolist() == [nearest(Fraction(4, 5) * steps), nearest(Fraction(9, 10) * steps)]
