"""Composition: then, join, scale, clamp, warmup; how they are spelled and what cannot be put together."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    clamp,
    constant,
    cosine,
    exponential,
    join,
    linear,
    parse,
    same_values,
    scale,
    step,
    warmup,
    wsd,
)
from lrdecay.schedule.compose import then

H = Horizon(steps=100, steps_per_epoch=10)


def test_a_chain_is_flat_however_it_is_bracketed() -> None:
    a, b, c = warmup(5), constant(0.1, over=20), cosine(0.1)
    assert (a + b) + c == a + (b + c) == then((a, b, c)) == then((then((a, b)), c))
    assert repr(a + (b + c)) == "warmup(5) + constant(0.1, over=20) + cosine(0.1)"
    assert hash((a + b) + c) == hash(a + (b + c))


def test_then_gives_the_second_part_its_own_clock_and_what_is_left() -> None:
    f = (linear(0.4, over=40) + linear(0.6, floor=0.3)).bind(H)
    assert [f(t) for t in (0, 20, 39)] == pytest.approx([0.4, 0.2, 0.01], rel=1e-14)
    assert [f(t) for t in (40, 70, 100)] == pytest.approx([0.6, 0.45, 0.3], rel=1e-14)


def test_a_share_inside_a_late_part_is_of_the_whole_horizon() -> None:
    f = (constant(0.1, over=40) + step(0.2, factor=0.5, every="20%")).bind(H)
    assert (np.flatnonzero(np.diff(f.values())) + 1).tolist() == [40, 60, 80]


def test_a_step_after_a_warmup_counts_from_the_end_of_the_warmup() -> None:
    f = (warmup(7) + step(0.1, factor=0.5, every="1ep")).bind(H)
    drops = np.flatnonzero(np.diff(f.values()) < 0) + 1
    assert drops.tolist() == list(range(17, 100, 10))


def test_a_warmup_ramps_to_the_first_value_of_all_that_follows() -> None:
    f = (warmup(4) + constant(0.5, over=6) + linear(0.1)).bind(H)
    assert f.values()[:5].tolist() == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5])
    assert f(9) == 0.5
    assert f(10) == 0.1


@pytest.mark.parametrize(
    ("shape", "rise"),
    [
        ("cosine", lambda u: (1 - math.cos(math.pi * u)) / 2),
        ("exponential", lambda u: (1 - math.exp(-2 * u)) / (1 - math.exp(-2))),
    ],
)
def test_a_warmup_of_another_shape_wastes_no_update_and_arrives_too(shape: str, rise: Callable[[float], float]) -> None:
    f = (constant(0.3, over=10) + warmup(7, shape=shape) + cosine(0.2)).bind(H)
    assert f.values()[10:17].tolist() == pytest.approx([0.2 * rise((t + 1) / 8) for t in range(7)], rel=1e-14)
    assert f(17) == 0.2
    assert f.values()[17:].tolist() == (constant(0.3, over=17) + cosine(0.2)).bind(H).values()[17:].tolist()


def test_a_second_warmup_ramps_to_the_part_after_it() -> None:
    f = (constant(0.5, over=10) + warmup(4) + linear(0.1)).bind(H)
    assert f(9) == 0.5
    assert f.values()[10:15].tolist() == pytest.approx([0.02, 0.04, 0.06, 0.08, 0.1])


def test_a_cooldown_after_a_warmup_starts_at_the_end_minus_its_length() -> None:
    f = (warmup(10) + wsd(0.4, warmup=0, cooldown="20%")).bind(H)
    assert f(80) == 0.4
    assert f(81) == pytest.approx(0.38)
    assert same_values(warmup(10) + wsd(0.4, 0, "20%"), wsd(0.4, warmup=10, cooldown="20%"), H)


def test_a_part_that_the_horizon_never_reaches_is_left_out() -> None:
    s = constant(0.1, over=100) + cosine(0.5)
    assert set(s.bind(H).values()) == {0.1}
    assert s.bind(H)(100) == 0.1
    assert s.bind(Horizon(steps=101))(100) == 0.5


def test_a_join_is_the_chain_with_stated_boundaries() -> None:
    a, b, c = constant(0.1), cosine(0.2), linear(0.3)
    chain = constant(0.1, over=30) + cosine(0.2, over=50) + linear(0.3)
    assert same_values(join(a, b, c, at=[30, 80]), chain, H)
    assert same_values(join(a, b, c, at=["30%", "8ep"]), chain, H)


def test_a_join_inside_a_chain_counts_its_boundaries_from_where_it_starts() -> None:
    f = (constant(0.1, over=20) + join(constant(0.2), constant(0.3), at=[10])).bind(H)
    assert [f(t) for t in (19, 20, 29, 30)] == [0.1, 0.2, 0.2, 0.3]


def test_over_makes_a_join_end_so_that_something_can_follow() -> None:
    f = (join(constant(0.1), linear(0.2), at=[10], over=30) + constant(0.05)).bind(H)
    assert [f(t) for t in (9, 10, 20, 30)] == pytest.approx([0.1, 0.2, 0.1, 0.05])


def test_a_composition_lasts_as_long_as_what_is_in_it() -> None:
    ten, half = constant(0.1, over=10), linear(0.1, over="50%")
    assert ten.lasts == (ten.over,)
    assert cosine(0.1).lasts is None
    assert (ten + half).lasts == (ten.over, half.over)
    assert (warmup(5) + ten).lasts == (warmup(5).over, ten.over)
    assert (ten + cosine(0.1)).lasts is None
    assert scale(ten, 2).lasts == clamp(ten).lasts == ten.lasts
    f = (0.5 * (warmup(5) + ten) + constant(0.2)).bind(H)
    assert [f(14), f(15)] == [0.05, 0.2]


def test_a_scale_multiplies_and_may_be_written_on_either_side() -> None:
    s = step(0.1, factor=0.5, every=10)
    assert 0.5 * s == s * 0.5 == scale(s, 0.5)
    assert repr(0.5 * s) == "scale(step(0.1, factor=0.5, every=10), factor=0.5)"
    np.testing.assert_array_equal((0.5 * s).bind(H).values(), 0.5 * s.bind(H).values())
    assert set((0 * s).bind(H).values()) == {0.0}


def test_a_clamp_keeps_the_rate_between_its_bounds() -> None:
    s = exponential(0.1, factor=0.9)
    plain = s.bind(H).values()
    assert clamp(s).bind(H).values().tolist() == plain.tolist()
    assert clamp(s, low=0.01, high=0.05).bind(H).values().tolist() == np.clip(plain, 0.01, 0.05).tolist()
    assert min(clamp(s, low=0.01).bind(H).values()) == 0.01


NO_PLACE = 'must have an end before something can follow, got None. Say how long it lasts, such as over="30%".'
DANGLING = "`warmup(...)` must be followed by a schedule, got "
REFUSED: list[tuple[str, Callable[[], Any], str]] = [
    ("open-ended first", lambda: cosine(0.1) + constant(0.1), f"`cosine(0.1) + ...` {NO_PLACE}"),
    ("open-ended middle", lambda: warmup(5) + linear(0.1) + cosine(0.1), f"`linear(0.1) + ...` {NO_PLACE}"),
    ("open-ended then warmup", lambda: cosine(0.1) + warmup(3), f"`cosine(0.1) + ...` {NO_PLACE}"),
    ("dangling, bound", lambda: (constant(0.1, over=5) + warmup(3)).bind(H), DANGLING),
    ("dangling, asked", lambda: (warmup(5) + warmup(3)).lasts, DANGLING),
    ("dangling in clamp", lambda: clamp(warmup(5) + warmup(3)), DANGLING),
    ("dangling in scale", lambda: 0.5 * (constant(0.1, over=5) + warmup(3)), DANGLING),
    ("dangling in join", lambda: join(constant(0.1, over=5) + warmup(3), cosine(0.1), at=[9]), DANGLING),
    ("warmup alone", lambda: clamp(warmup(5)), "`clamp(schedule=...)` must be a schedule, got warmup(5)."),
    (
        "no shape of a warmup",
        lambda: warmup(5, shape="sqrt"),
        "`warmup(shape=...)` must be one of linear, cosine, exponential, got 'sqrt'.",
    ),
    ("nothing warms up", lambda: warmup(0), "`warmup(over=...)` must be a positive duration, got 0."),
    ("chain of one", lambda: then((cosine(0.1),)), "`a + b` must chain two or more schedules"),
    ("chain of none", lambda: then(()), "`a + b` must chain two or more schedules"),
    ("chain of numbers", lambda: then((1, 2)), "`a + b` must chain two or more schedules"),  # type: ignore[arg-type]
    ("no boundary", lambda: join(cosine(0.1), linear(0.1), at=[]), "`join(at=...)` must hold at least one item"),
    ("one boundary too many", lambda: join(cosine(0.1), at=[5]), "`join(at=...)` must have one boundary fewer than"),
    ("one boundary too few", lambda: join(*[cosine(0.1)] * 3, at=[5]), "`join(at=...)` must have one boundary fewer"),
    ("boundaries out of order", lambda: join(*[cosine(0.1)] * 3, at=[5, 4]), "`join(at=...)` must be in strictly ris"),
    ("boundary at nothing", lambda: join(cosine(0.1), linear(0.1), at=[0]), "`join(at=...)` must be a positive dur"),
    ("number in a join", lambda: join(cosine(0.1), 0.5, at=[5]), "`join(parts=...)` must be a schedule, got 0.5."),  # type: ignore[arg-type]
    ("negative scale", lambda: -1 * cosine(0.1), "`scale(factor=...)` must be a number >= 0, got -1.0."),
    ("scale by truth", lambda: True * cosine(0.1), "`scale(factor=...)` must be a number >= 0, got True."),
    ("scale of a number", lambda: scale(0.1, 0.5), "`scale(schedule=...)` must be a schedule, got 0.1."),  # type: ignore[arg-type]
    ("clamp crossed", lambda: clamp(cosine(0.1), low=0.2, high=0.1), "`clamp(high=...)` must be at least low=0.2, got"),
    ("clamp below zero", lambda: clamp(cosine(0.1), low=-1), "`clamp(low=...)` must be a number >= 0, got -1.0."),
    (
        "clamp at infinity",
        lambda: clamp(cosine(0.1), high=float("inf")),
        "`clamp(high=...)` must be a number >= 0, got",
    ),
]


@pytest.mark.parametrize(("make", "said"), [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_what_does_not_go_together_is_refused_in_one_line(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value).startswith(said)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "s",
    [warmup(100) + cosine(0.1), warmup("10ep") + constant(0.1), warmup(200) + step(0.1, factor=0.5, every=5)],
    ids=repr,
)
def test_a_warmup_that_leaves_nothing_after_it_is_refused_on_that_horizon(s: Any) -> None:
    with pytest.raises(InputError, match=r"What follows the warmup would run from step .00 to step 100"):
        s.bind(H)
    assert s.bind(Horizon(steps=300, steps_per_epoch=10)).steps == 300


@pytest.mark.parametrize("other", [1, "cosine(0.1)", None, [cosine(0.1)]], ids=repr)
def test_adding_something_else_is_pythons_own_error(other: Any) -> None:
    for whole in (lambda: constant(0.1, over=5) + other, lambda: warmup(5) + other, lambda: other + cosine(0.1)):
        with pytest.raises(TypeError):
            whole()


@pytest.mark.parametrize("other", ["cosine(0.1)", None, [cosine(0.1)], warmup(5)], ids=repr)
def test_multiplying_by_something_else_is_pythons_own_error(other: Any) -> None:
    for whole in (lambda: cosine(0.1) * other, lambda: other * cosine(0.1), lambda: warmup(5) * other):
        with pytest.raises(TypeError):
            whole()


def test_a_chain_of_hundreds_of_parts_binds_reads_and_writes() -> None:
    s = constant(1.0, over=1)
    for i in range(2, 301):
        s = s + constant(float(i), over=1)
    assert s.bind(Horizon(steps=300)).values().tolist() == [float(i) for i in range(1, 301)]
    assert parse(repr(s)) == s
