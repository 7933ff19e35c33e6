"""Where torch or timm is plainly wrong: their value, run live, and ours, which is right.

Each test is named after one bug. What is a mere convention (a bounce, an early milestone) is translated, not listed.
"""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from tests.dialects import peers_timm
from tests.dialects.peers_torch import following, optimizer_at, rates_of, torch_call
from torch.optim import lr_scheduler as peer

import lrdecay.dialects.timm
import lrdecay.dialects.torch  # noqa: F401
from lrdecay.adapters.torch import attach
from lrdecay.dialects.base import Call, Run, translate
from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    Schedule,
    constant,
    cosine,
    exponential,
    multi_step,
    one_cycle,
    piecewise,
    ramp,
    step,
    warm_restarts,
    warmup,
)


def values(schedule: Schedule, steps: int) -> np.ndarray:
    return schedule.bind(Horizon(steps=steps)).values()


def said(call: Call, steps: int, lr: float = 1.0, as_is: bool = False) -> Schedule:
    return translate(call, Run(lr=lr, length=steps, as_is=as_is))


# ---- a single scheduler ----


def test_a_constant_of_nothing_divides_by_zero_in_torch_and_is_a_piece_here() -> None:
    call = torch_call("ConstantLR", factor=0.0, total_iters=3)
    with pytest.raises(ZeroDivisionError):
        rates_of(call, 1.0, 5)
    with pytest.raises(InputError, match=r"torch divides by it.*Write piecewise\(\[0, 1.0\], at=\[3\]\)"):
        said(call, 5)
    assert values(piecewise([0, 1.0], at=[3]), 5).tolist() == [0, 0, 0, 1, 1]


def test_a_step_of_nothing_is_accepted_by_torch_until_it_divides_by_zero_and_refused_here_when_it_is_written() -> None:
    optimizer = optimizer_at(1.0)
    scheduler = peer.StepLR(optimizer, step_size=0)
    optimizer.step()
    with pytest.raises(ZeroDivisionError):
        scheduler.step()
    with pytest.raises(InputError, match="must be a positive duration"):
        step(1.0, factor=0.1, every=0)
    with pytest.raises(InputError, match=r"torch.StepLR\(step_size=...\)` must be an integer >= 1, got 0"):
        said(torch_call("StepLR", 0), 5)


def test_half_a_cosine_goes_up_again_in_torch_and_stays_down_here() -> None:
    theirs = rates_of(torch_call("CosineAnnealingLR", T_max=10), 1.0, 21)
    assert theirs[10] == pytest.approx(0.0)
    assert theirs[20] == pytest.approx(1.0)
    assert values(cosine(1.0, over=10), 21)[10:].tolist() == [0.0] * 11
    np.testing.assert_allclose(values(said(torch_call("CosineAnnealingLR", T_max=10), 21), 21), theirs, atol=1e-12)


@pytest.mark.parametrize(("anneal", "past"), [("linear", -0.14285709), ("cos", 0.0495)])
def test_one_cycle_is_off_its_curve_one_step_past_its_end_in_torch_and_holds_its_end_here(
    anneal: str, past: float
) -> None:
    call = torch_call("OneCycleLR", 1.0, total_steps=10, anneal_strategy=anneal)
    theirs = rates_of(call, 0.1, 11)
    assert theirs[10] == pytest.approx(past, abs=1e-4)
    with pytest.raises(ValueError, match="Tried to step 11 times"):
        rates_of(call, 0.1, 12)
    shape = "linear" if anneal == "linear" else "cosine"
    ours = one_cycle(1.0, warmup=2, shape=shape, over=9).bind(Horizon(steps=10))
    np.testing.assert_allclose(ours.values(), theirs[:10], rtol=1e-12, atol=1e-15)
    assert ours(9) == ours(10) == ours(99) == pytest.approx(4e-6)
    refused = "torch's rate past the end is a bug" if anneal == "cos" else "at update 10, .* not even with --as-is"
    with pytest.raises(InputError, match=refused):
        said(call, 11)
    with pytest.raises(InputError, match="torch itself raises after its end"):
        said(call, 12, as_is=True)
    if anneal == "cos":
        np.testing.assert_allclose(values(said(call, 11, as_is=True), 11), theirs, rtol=1e-12)
    else:
        with pytest.raises(InputError, match="must give rates >= 0, also at update 10"):
            said(call, 11, as_is=True)


def test_one_cycle_with_a_warmup_of_one_update_divides_by_zero_in_torch_and_starts_at_its_peak_here() -> None:
    call = torch_call("OneCycleLR", 1.0, total_steps=10, pct_start=0.1)
    with pytest.raises(ZeroDivisionError):
        rates_of(call, 0.1, 10)
    with pytest.raises(InputError, match="must not be one single update"):
        said(call, 10)
    assert values(cosine(1.0), 10)[0] == 1.0


@pytest.mark.parametrize(("first", "growth", "restart"), [(3, 3, 363), (5, 3, 605), (7, 10, 777)])
def test_a_restart_is_made_at_the_floor_by_torchs_step_of_an_epoch_and_at_the_peak_here(
    first: int, growth: int, restart: int
) -> None:
    optimizer = optimizer_at(1.0)
    scheduler = peer.CosineAnnealingWarmRestarts(optimizer, first, growth)
    optimizer.step()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler.step(restart)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.0, abs=1e-12)
    ours = warm_restarts(1.0, first=first, growth=growth).bind(Horizon(steps=1000))
    assert ours(restart) == 1.0
    assert ours(restart - 1) < 0.01
    call = torch_call("CosineAnnealingWarmRestarts", first, growth)
    np.testing.assert_allclose(values(said(call, 900), 900), rates_of(call, 1.0, 900), atol=1e-12)  # plain step()


@pytest.mark.parametrize("restart", [1210, 295_240])
def test_a_restart_is_made_at_the_floor_by_timm_and_at_the_peak_here(restart: int) -> None:
    named = {"t_initial": 10, "cycle_mul": 3.0, "cycle_limit": 20, "t_in_epochs": False}
    call = peers_timm.timm_call("CosineLRScheduler", **named)
    optimizer = optimizer_at(1.0)
    peers_timm.build(call, optimizer).step_update(restart)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.0, abs=1e-12)
    assert warm_restarts(1.0, first=10, growth=3).bind(Horizon(steps=400_000))(restart) == 1.0
    with pytest.raises(InputError, match="At 1210, where a cycle starts, timm takes it for the end"):
        said(call, restart + 1)
    if restart == 1210:
        as_it_is = values(said(call, 1300, as_is=True), 1300)
        np.testing.assert_allclose(as_it_is, peers_timm.rates_of(call, 1.0, 1300), atol=1e-12)
        assert said(call, 1210) == warm_restarts(1.0, first=10, growth=3, over=5 * (3**20 - 1))


# ---- sequences ----


def test_a_constant_before_a_one_cycle_runs_at_a_25th_in_torch_and_at_its_rate_here() -> None:
    call = torch_call("SequentialLR", [torch_call("ConstantLR", 1.0, 9), torch_call("OneCycleLR", 1.0, 97)], [3])
    theirs = rates_of(call, 1.0, 100)
    assert theirs[:3].tolist() == [0.04] * 3
    with pytest.raises(InputError, match=r"torch makes update 0 at 0\.04 where the parts say 1"):
        said(call, 100)
    np.testing.assert_allclose(values(said(call, 100, as_is=True), 100), theirs, rtol=1e-12)
    ours = constant(1.0, over=3) + one_cycle(1.0, warmup=28, over=96)
    assert values(ours, 100)[:3].tolist() == [1.0] * 3


def test_a_part_of_a_sequence_starts_again_in_torch_where_here_it_may_go_on_from_the_rate_that_was_reached() -> None:
    call = torch_call("SequentialLR", [torch_call("ExponentialLR", 0.5), torch_call("StepLR", 5)], [3])
    theirs = rates_of(call, 1.0, 6)
    assert theirs.tolist() == [1.0, 0.5, 0.25, 1.0, 1.0, 1.0]
    np.testing.assert_allclose(values(said(call, 6), 6), theirs)
    on = exponential(1.0, factor=0.5, over=3) + step(0.125, factor=0.1, every=5)
    assert values(on, 6).tolist() == [1.0, 0.5, 0.25, 0.125, 0.125, 0.125]


def test_a_sequence_whose_first_part_never_speaks_starts_with_the_second_torch_185872() -> None:
    """torch before 2.13 started the part of no length; its present numbers are the right ones, and ours."""
    call = torch_call("SequentialLR", [torch_call("ConstantLR", 0.1, 9), torch_call("ExponentialLR", 0.5)], [0])
    before_the_fix = 0.1
    ours = values(said(call, 4), 4)
    assert ours.tolist() == [1.0, 0.5, 0.25, 0.125]
    assert ours[0] != before_the_fix
    np.testing.assert_allclose(rates_of(call, 1.0, 4), ours)


def test_a_sequence_in_a_sequence_is_off_by_one_in_torch_and_on_time_here() -> None:
    inner = torch_call("SequentialLR", [torch_call("LinearLR", 0.1, total_iters=4), torch_call("StepLR", 50)], [4])
    call = torch_call("SequentialLR", [inner, torch_call("ExponentialLR", 0.5)], [8])
    theirs = rates_of(call, 1.0, 12)
    meant = [0.1, 0.325, 0.55, 0.775, 1, 1, 1, 1, 1, 0.5, 0.25, 0.125]
    assert theirs[3] == 1.0  # the line is cut one short, and jumps
    np.testing.assert_allclose(np.delete(theirs, 3), np.delete(meant, 3))
    with pytest.raises(InputError, match=r"torch makes update 3 at 1 where the parts say 0\.775"):
        said(call, 12)
    np.testing.assert_allclose(values(said(call, 12, as_is=True), 12), theirs)
    ours = ramp(0.1, end=1.0, over=4) + step(1.0, factor=0.1, every=50, over=4) + exponential(1.0, factor=0.5)
    np.testing.assert_allclose(values(ours, 12), meant)


def test_a_sequence_as_a_later_part_stops_torch_and_is_said_in_a_line_here() -> None:
    inner = torch_call("SequentialLR", [torch_call("StepLR", 2), torch_call("ExponentialLR", 0.5)], [4])
    call = torch_call("SequentialLR", [torch_call("LinearLR", 0.5, total_iters=3), inner], [3])
    with pytest.raises(NotImplementedError):
        rates_of(call, 1.0, 12)
    with pytest.raises(InputError, match="NotImplementedError from torch itself"):
        said(call, 12)
    ours = warmup(3) + (step(1.0, factor=0.1, every=2, over=4) + exponential(1.0, factor=0.5))
    assert values(ours, 12)[3:9] == pytest.approx([1, 1, 0.1, 0.1, 1, 0.5])


# ---- chains ----


def test_a_function_erases_the_exponential_before_it_in_torchs_chain_and_a_product_is_a_product_here() -> None:
    halved: Callable[[int], float] = lambda t: 0.5 if t >= 2 else 1.0  # noqa: E731
    call = torch_call("ChainedScheduler", [torch_call("ExponentialLR", 0.9), torch_call("LambdaLR", halved)])
    theirs = rates_of(call, 1.0, 5)
    assert theirs.tolist() == [1.0, 1.0, 0.5, 0.5, 0.5]
    with pytest.raises(InputError, match="they overwrite each other's rate"):
        said(call, 5)
    assert values(said(call, 5, as_is=True), 5).tolist() == theirs.tolist()
    ours = exponential(1.0, factor=0.9, over=2) + exponential(0.405, factor=0.9)
    np.testing.assert_allclose(values(ours, 5), [0.9**t * halved(t) for t in range(5)])


def test_the_order_of_a_chain_matters_in_torch_only_where_a_part_overwrites() -> None:
    recursive = [torch_call("ExponentialLR", 0.9), torch_call("MultiStepLR", [2])]
    overwriting = [torch_call("ExponentialLR", 0.9), torch_call("CosineAnnealingWarmRestarts", 4)]
    ways = [
        {
            tuple(rates_of(torch_call("ChainedScheduler", list(order)), 1.0, 5).round(12))
            for order in itertools.permutations(parts)
        }
        for parts in (recursive, overwriting)
    ]
    assert [len(found) for found in ways] == [1, 2]
    ours = values(said(torch_call("ChainedScheduler", recursive), 5), 5)
    assert ours == pytest.approx([1, 0.9, 0.081, 0.0729, 0.06561])
    for order in itertools.permutations(overwriting):
        with pytest.raises(InputError, match="they overwrite each other's rate"):
            said(torch_call("ChainedScheduler", list(order)), 5)


# ---- recursive and closed form ----


def test_a_warmup_around_torchs_recursion_never_reaches_the_peak_and_does_here() -> None:
    """A wrapper that writes its own rate and then calls ``get_lr`` halves what it wrote; as pytorch-scheduler does."""
    optimizer = optimizer_at(1.0)
    inner = peer.ExponentialLR(optimizer, 0.5)
    seen = []
    for t in range(5):
        if t < 2:
            optimizer.param_groups[0]["lr"] = t / 2
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if t >= 1:
            inner.step()
    assert max(seen) == 0.5
    ours = values(warmup(2) + exponential(1.0, factor=0.5), 5)
    assert ours.max() == ours[2] == 1.0
    assert ours[2:].tolist() == [1.0, 0.5, 0.25]


def test_a_rate_changed_by_hand_is_kept_by_half_of_torchs_schedulers_and_by_none_here() -> None:
    kept = []
    for make in (lambda o: peer.ExponentialLR(o, 0.5), lambda o: peer.LambdaLR(o, lambda t: 0.5**t)):
        optimizer = optimizer_at(1.0)
        scheduler = make(optimizer)
        optimizer.param_groups[0]["lr"] = 0.01
        optimizer.step()
        scheduler.step()
        kept.append(optimizer.param_groups[0]["lr"])
    assert kept == [0.005, 0.5]
    optimizer = optimizer_at(1.0)
    ours = attach(optimizer, exponential(1.0, factor=0.5), Horizon(steps=9))
    optimizer.param_groups[0]["lr"] = 0.01
    optimizer.step()
    ours.step()
    assert optimizer.param_groups[0]["lr"] == 0.5


# ---- groups ----


def test_a_group_added_later_stops_torchs_lambda_and_is_scaled_from_its_own_rate_by_its_recursion() -> None:
    def grown(optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 0.5})
        optimizer.step()
        return optimizer

    optimizer = optimizer_at(1.0)
    scheduler: peer.LRScheduler = peer.LambdaLR(optimizer, lambda t: 0.5**t)
    grown(optimizer)
    with pytest.raises(ValueError, match="zip"):
        scheduler.step()

    optimizer = optimizer_at(1.0)
    scheduler = peer.MultiStepLR(optimizer, [1, 3], gamma=0.1)
    following(optimizer, scheduler, 3)
    grown(optimizer)
    scheduler.step()
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.01, 0.05])  # half a peak, less one drop

    optimizer = optimizer_at(1.0)
    ours = attach(optimizer, multi_step(1.0, factor=0.1, at=[1, 3]), Horizon(steps=9))
    following(optimizer, ours, 3)
    grown(optimizer)
    ours.step()
    assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.01, 0.005])  # half the rate, as it was added
