"""Where Keras, optax or transformers give a wrong rate, live: ours is right, and the wrong one is not copied."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import pytest
import torch
import transformers.optimization as hf

import lrdecay.dialects.keras
import lrdecay.dialects.optax
import lrdecay.dialects.transformers  # noqa: F401
from lrdecay.adapters.keras.peers import from_peer as from_keras
from lrdecay.adapters.torch import from_peer as from_transformers
from lrdecay.dialects.base import Call, Run, translate
from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    Schedule,
    constant,
    cosine,
    exponential,
    join,
    linear,
    one_cycle,
    piecewise,
    polynomial,
    ramp,
    warm_restarts,
    warmup,
)


def rates(schedule: Schedule, steps: int, after: str = "hold") -> Any:
    return schedule.bind(Horizon(steps=steps), after)


def said(library: str, name: str, /, *given: Any, steps: int = 40, as_is: bool = False, **named: Any) -> Schedule:
    return translate(Call(library, name, given, named), Run(1.0, steps, as_is))


def live(name: str, *, lr: float = 1.0, steps: int = 40, groups: tuple[float, ...] = (), **named: Any) -> Any:
    """The rates of transformers, update by update: an array, a column for each group; and the scheduler."""
    params = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": g} for g in groups or (lr,)]
    optimizer = torch.optim.SGD(params, lr=lr)
    scheduler = getattr(hf, name)(optimizer, **named)
    seen = []
    for _ in range(steps):
        seen.append([g["lr"] for g in optimizer.param_groups])
        optimizer.step()
        scheduler.step()
    return np.array(seen).squeeze(), scheduler


# --- transformers


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("get_cosine_schedule_with_warmup", {}),
        ("get_cosine_with_min_lr_schedule_with_warmup", {"min_lr": 0.0}),
    ],
)
def test_their_cosine_bounces_back_to_the_peak_and_ours_stays_down(name: str, more: dict[str, float]) -> None:
    theirs, _ = live(name, num_warmup_steps=0, num_training_steps=15, **more)
    assert theirs[[15, 30]] == pytest.approx([0, 1])
    assert rates(cosine(1.0, over=15), 40)(np.array([15, 30])).tolist() == [0, 0]


def test_their_warmup_variant_is_at_its_floor_one_update_early_and_ours_on_time() -> None:
    name = "get_cosine_with_min_lr_schedule_with_warmup_lr_rate"
    theirs, _ = live(name, num_warmup_steps=4, num_training_steps=20, min_lr=0.1)
    ours = rates(warmup(4) + cosine(1.0, floor=0.1, over=16), 40)
    assert theirs[19] == pytest.approx(0.1)
    assert ours(19) > 0.1
    assert ours(20) == 0.1


def test_their_first_update_under_warmup_is_wasted_and_ours_moves() -> None:
    theirs, _ = live("get_linear_schedule_with_warmup", num_warmup_steps=4, num_training_steps=20)
    assert theirs[0] == 0
    assert rates(warmup(4) + linear(1.0), 20)(0) == pytest.approx(0.2)


def test_their_hard_restart_is_missed_by_rounding_and_ours_is_at_the_peak() -> None:
    name, counts = "get_cosine_with_hard_restarts_schedule_with_warmup", {"num_warmup_steps": 0}
    counts |= {"num_training_steps": 98, "num_cycles": 49}
    theirs, scheduler = live(name, **counts)
    assert 49 * (2 / 98) < 1
    assert theirs[2] == pytest.approx(0)
    assert rates(warm_restarts(1.0, first=2), 98)(2) == 1
    with pytest.raises(InputError, match="must restart at t = 2, where rounding makes it give 0"):
        from_transformers(scheduler)
    assert rates(from_transformers(scheduler, as_is=True), 40)(np.arange(40)) == pytest.approx(theirs, abs=1e-15)


def test_their_polynomial_ends_at_another_floor_in_a_group_of_its_own_rate_and_ours_at_the_one_said() -> None:
    name, named = "get_polynomial_decay_schedule_with_warmup", {"num_warmup_steps": 0, "num_training_steps": 10}
    theirs, scheduler = live(name, groups=(1.0, 2.0), lr_end=0.1, **named)
    assert theirs[-1] == pytest.approx([0.1, 0.2])
    assert rates(linear(2.0, floor=0.1, over=10), 40)(39) == 0.1
    with pytest.raises(InputError, match="--as-is"):
        from_transformers(scheduler)


def test_their_polynomial_divides_nothing_by_nothing_and_ours_is_refused_beforehand() -> None:
    name = "get_polynomial_decay_schedule_with_warmup"
    with pytest.raises(ZeroDivisionError):
        live(name, num_warmup_steps=10, num_training_steps=10)
    with pytest.raises(InputError, match="divides 0 by 0 at t = 10"):
        said("transformers", name, 10, 10)


def test_their_greedy_rate_below_its_least_never_falls_and_is_refused_here() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1e-5)
    scheduler = hf.get_greedy_schedule(optimizer, patience=1)
    for _ in range(30):
        optimizer.step()
        scheduler.step(1.0)
    assert optimizer.param_groups[0]["lr"] == 1e-5
    with pytest.raises(InputError, match="waits for a metric"):
        said("transformers", "get_greedy_schedule", patience=1)


# --- Keras

peer = keras.optimizers.schedules


def test_their_restart_is_missed_by_rounding_and_ours_is_at_the_peak() -> None:
    theirs = peer.CosineDecayRestarts(1.0, 4, t_mul=7.0)
    assert float(theirs(228)) == pytest.approx(0, abs=1e-6)
    assert rates(warm_restarts(1.0, first=4, growth=7), 300)(228) == 1
    with pytest.raises(InputError, match="must restart at t = 228, where rounding makes it give"):
        from_keras(theirs, steps=300)
    kept = rates(from_keras(theirs, steps=230, as_is=True), 230)
    assert kept(228) == pytest.approx(float(theirs(228)), abs=1e-6)
    assert repr(from_keras(theirs, steps=200)) == "warm_restarts(1.0, first=4, growth=7.0)"


def test_their_restart_depends_on_being_compiled_and_ours_does_not() -> None:
    theirs = peer.CosineDecayRestarts(1.0, 10, t_mul=10.0)
    assert [float(theirs(110)), float(jax.jit(theirs)(110))] == [1, 0]
    assert rates(warm_restarts(1.0, first=10, growth=10), 120)(110) == 1


def test_their_restart_with_a_growth_of_one_and_a_half_is_counted_by_logarithms_and_ours_exactly() -> None:
    ours = rates(said("keras", "CosineDecayRestarts", 1.0, 10, 1.5, steps=26), 26)
    assert ours(np.array([0, 10, 25])).tolist() == [1, 1, 1]


def test_their_cycles_are_stretched_and_never_start_at_the_peak_and_ours_do() -> None:
    theirs = np.asarray(peer.PolynomialDecay(1.0, 10, 0.0, cycle=True)(jnp.arange(40)))
    assert [theirs[i : i + 10].max() for i in (1, 11, 21)] == pytest.approx([0.9, 0.45, 0.3])
    again = rates(linear(1.0, over=10), 10, after="repeat")
    assert again(np.array([0, 10, 20])).tolist() == [1, 1, 1]


def test_their_boundary_is_an_update_late_and_ours_is_where_it_was_said() -> None:
    theirs = peer.PiecewiseConstantDecay([5], [1.0, 0.5])
    assert [float(theirs(t)) for t in (4, 5, 6)] == [1, 1, 0.5]
    assert rates(piecewise([1.0, 0.5], at=[5]), 9)(np.array([4, 5, 6])).tolist() == [1, 0.5, 0.5]


def test_their_rate_written_as_an_integer_falls_to_nothing_and_ours_decays() -> None:
    theirs = peer.ExponentialDecay(1, 10, 0.9)
    assert [float(theirs(t)) for t in (0, 1, 2)] == [1, 0, 0]
    assert rates(exponential(1, factor=0.9, every=10), 9)(1) == pytest.approx(0.9**0.1)
    with pytest.raises(InputError, match="as an integer"):
        from_keras(theirs)


def test_their_compiled_stair_is_an_update_late_and_ours_on_time() -> None:
    theirs = peer.ExponentialDecay(1.0, 83, 0.5, staircase=True)
    assert [float(theirs(83)), float(jax.jit(theirs)(83))] == [0.5, 1]
    assert rates(exponential(1.0, factor=0.5, every=83, staircase=True), 90)(83) == 0.5


# --- optax


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("exponential_decay", {"init_value": 1.0, "transition_steps": 10, "decay_rate": 0.0}),
        ("exponential_decay", {"init_value": 1.0, "transition_steps": 0, "decay_rate": 0.5}),
        ("polynomial_schedule", {"init_value": 1.0, "end_value": 0.0, "power": 1, "transition_steps": 0}),
    ],
)
def test_their_decay_is_silently_constant_and_ours_is_refused(name: str, named: dict[str, Any]) -> None:
    theirs = getattr(optax, name)(**named)
    assert [float(theirs(t)) for t in (0, 1, 1000)] == [1, 1, 1]
    with pytest.raises(InputError, match="for ever"):
        said("optax", name, **named)
    with pytest.raises(InputError):
        exponential(1.0, factor=0.0)


def test_their_warmup_of_nothing_stays_at_nothing_and_ours_is_refused() -> None:
    theirs = optax.schedules.warmup_constant_schedule(0.0, 1.0, 0)
    assert float(theirs(1000)) == 0
    with pytest.raises(InputError, match="for ever"):
        said("optax", "warmup_constant_schedule", 0.0, 1.0, 0)
    with pytest.raises(InputError):
        ramp(0.0, 1.0, over=0)


def test_their_short_one_cycle_loses_its_warmup_or_its_peak_and_ours_is_refused() -> None:
    assert float(optax.schedules.linear_onecycle_schedule(3, 1.0)(0)) == 1  # starts at the peak
    assert float(optax.schedules.linear_onecycle_schedule(1, 1.0)(0)) == pytest.approx(0.0016)
    for steps in (1, 3):
        with pytest.raises(InputError, match="long enough for its knots"):
            said("optax", "linear_onecycle_schedule", steps, 1.0)
    with pytest.raises(InputError, match="at least one update"):
        rates(one_cycle(1.0), 1)


def test_their_one_cycle_does_not_end_where_its_docstring_says_and_ours_does() -> None:
    theirs = float(optax.schedules.linear_onecycle_schedule(100, 1.0, div_factor=10.0, final_div_factor=100.0)(100))
    assert theirs == pytest.approx(1 / 1000)
    assert rates(one_cycle(1.0, start_div=10, end_div=100), 100)(100) == pytest.approx(1 / 1000)


def test_their_join_evaluates_every_part_and_has_no_gradient_and_ours_only_the_one_that_speaks() -> None:
    parts = [optax.polynomial_schedule(1.0, 0.1, 0.5, 10), optax.constant_schedule(0.5)]
    assert math.isnan(jax.grad(optax.join_schedules(parts, [10]))(15.0))
    ours = rates(join(polynomial(1.0, floor=0.1, power=0.5), constant(0.5), at=[10]), 20)
    assert (ours(16) - ours(14)) / 2 == 0


@pytest.mark.parametrize(("boundaries", "values"), [([10], [1, 2, 2]), ([20, 10], [1, 3, 3])])
def test_their_join_leaves_a_part_out_silently_and_ours_is_refused(boundaries: list[int], values: list[float]) -> None:
    theirs = optax.join_schedules([optax.constant_schedule(v) for v in (1.0, 2.0, 3.0)], boundaries)
    assert [float(theirs(t)) for t in (5, 15, 30)] == values
    parts = [Call("optax", "constant_schedule", (v,)) for v in (1.0, 2.0, 3.0)]
    with pytest.raises(InputError, match="rising order"):
        said("optax", "join_schedules", parts, boundaries)
    assert rates(said("optax", "join_schedules", parts, boundaries, as_is=True), 40)(
        np.array([5, 15, 30])
    ).tolist() == (values)
    with pytest.raises(InputError):
        join(constant(1.0), constant(2.0), constant(3.0), at=boundaries)
