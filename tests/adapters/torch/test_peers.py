"""A live scheduler's rates to come are those of the schedule that `from_peer` reads, and of what is attached by it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.dialects import peers_timm, peers_torch
from tests.dialects.peers_torch import optimizer_at
from torch.optim import lr_scheduler as torch_lr
from torch.optim.swa_utils import SWALR

from lrdecay.adapters.torch import attach, from_peer
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, cosine, exponential, ramp, step

STEPS, DONE = 200, 37
FEW = 6


def close(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=1e-11, atol=1e-14 * float(np.max(theirs)))


def fresh(*lrs: float) -> torch.optim.Optimizer:
    return optimizer_at(*lrs)


@pytest.mark.parametrize("name", peers_torch.RANDOM)
def test_the_future_of_a_live_torch_scheduler_is_read(name: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(FEW):
        optimizer = fresh(float(rng.uniform(0.1, 1.0)))
        scheduler = peers_torch.build(peers_torch.RANDOM[name](rng), optimizer)
        done = peers_torch.following(optimizer, scheduler, DONE)
        read = from_peer(scheduler, STEPS).bind(Horizon(steps=STEPS)).values()
        future = peers_torch.following(optimizer, scheduler, STEPS - DONE + 1)
        close(read, np.concatenate([done[:-1], future]))


@pytest.mark.parametrize("name", peers_timm.RANDOM)
def test_the_future_of_a_live_timm_scheduler_is_read(name: str) -> None:
    rng = np.random.default_rng(5)
    for _ in range(FEW):
        call, optimizer = peers_timm.RANDOM[name](rng), fresh(float(rng.uniform(0.1, 1.0)))
        scheduler = peers_timm.build(call, optimizer)
        every = call.named.get("steps_per_epoch")
        used = peers_timm.following(optimizer, scheduler, DONE, every)
        schedule = from_peer(scheduler, STEPS, steps_per_epoch=every)
        used += peers_timm.following(optimizer, scheduler, STEPS - DONE, every, start=DONE)
        close(schedule.bind(Horizon(steps=STEPS)).values(), np.array(used))


@pytest.mark.parametrize("name", peers_torch.RANDOM)
def test_what_is_attached_shows_the_peers_rates_while_training(name: str) -> None:
    rng = np.random.default_rng(9)
    lr, call = float(rng.uniform(0.1, 1.0)), peers_torch.RANDOM[name](rng)
    theirs = peers_torch.rates_of(call, lr, STEPS)
    optimizer = fresh(lr)
    scheduler = attach(optimizer, from_peer(peers_torch.build(call, fresh(lr)), STEPS), Horizon(steps=STEPS))
    close(peers_torch.following(optimizer, scheduler, STEPS), theirs)


@pytest.mark.parametrize("name", peers_timm.RANDOM)
def test_what_is_attached_shows_timms_rates_while_training(name: str) -> None:
    rng = np.random.default_rng(9)
    lr, call = float(rng.uniform(0.1, 1.0)), peers_timm.RANDOM[name](rng)
    every = call.named.get("steps_per_epoch")
    theirs = peers_timm.rates_of(call, lr, STEPS)
    schedule = from_peer(peers_timm.build(call, fresh(lr)), STEPS, steps_per_epoch=every)
    optimizer = fresh(lr)
    scheduler = attach(optimizer, schedule, Horizon(steps=STEPS), multipliers=[1.0])
    close(peers_torch.following(optimizer, scheduler, STEPS), theirs)


def test_a_run_goes_on_from_its_middle_with_the_peers_rates() -> None:
    optimizer = fresh(0.4, 0.1)
    scheduler = torch_lr.CosineAnnealingLR(optimizer, T_max=STEPS)
    peers_torch.following(optimizer, scheduler, DONE + 1)
    horizon = Horizon(steps=STEPS)
    ours = attach(optimizer, from_peer(scheduler), horizon, step=scheduler.last_epoch)
    expected = cosine(0.4).bind(horizon)(np.arange(DONE, STEPS))
    used = peers_torch.following(optimizer, ours, STEPS - DONE)
    close(used, expected)
    assert optimizer.param_groups[1]["lr"] == pytest.approx(optimizer.param_groups[0]["lr"] / 4)


def test_families_are_read_as_they_would_be_written() -> None:
    assert from_peer(torch_lr.StepLR(fresh(0.1), 30)) == step(0.1, factor=0.1, every=30)
    o = fresh(0.1)
    warm = torch_lr.SequentialLR(o, [torch_lr.LinearLR(o, 0.5, total_iters=5), torch_lr.CosineAnnealingLR(o, 95)], [5])
    assert from_peer(warm) == ramp(0.05, end=0.1, over=5) + cosine(0.1, over=95)


def test_the_largest_of_groups_in_a_ratio_is_read() -> None:
    assert from_peer(torch_lr.ExponentialLR(fresh(0.1, 0.4, 0.0, 0.2), 0.9)) == exponential(0.4, factor=0.9)
    o = fresh(0.1, 0.1)
    read = from_peer(torch_lr.CyclicLR(o, [0.0, 0.0], [0.1, 0.2], 5))
    assert read.high == 0.2  # type: ignore[attr-defined]
    o = fresh(0.1, 0.1)
    assert from_peer(torch_lr.OneCycleLR(o, [0.1, 0.3], 100)).peak == pytest.approx(0.3)  # type: ignore[attr-defined]


def test_groups_that_differ_by_more_than_a_ratio_are_refused() -> None:
    with pytest.raises(InputError, match="differ by a ratio only"):
        from_peer(torch_lr.CosineAnnealingLR(fresh(0.1, 0.4), 50, eta_min=0.01))
    with pytest.raises(InputError, match="differ by a ratio only"):
        from_peer(torch_lr.LambdaLR(fresh(0.1, 0.4), [lambda t: 1.0, lambda t: 1 / (1 + t)]), 50)


def test_averaging_is_read_from_the_rate_it_found_when_it_began() -> None:
    optimizer = fresh(0.4)
    before = torch_lr.ExponentialLR(optimizer, 0.9)
    peers_torch.following(optimizer, before, 11)
    averaging = SWALR(optimizer, 0.05, anneal_epochs=20)
    used = peers_torch.following(optimizer, averaging, 8)
    read = from_peer(averaging).bind(Horizon(steps=40)).values()
    close(read[:8], used)
    close(read[7:30], peers_torch.following(optimizer, averaging, 23))


def test_tensor_rates_are_read_as_numbers() -> None:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": torch.tensor(0.5, dtype=torch.float64)}]
    assert from_peer(torch_lr.ExponentialLR(torch.optim.SGD(groups), 0.9)) == exponential(0.5, factor=0.9)


def test_a_function_needs_the_length_of_the_run_and_says_so() -> None:
    scheduler = torch_lr.LambdaLR(fresh(0.1), lambda t: 1 / (1 + t))
    with pytest.raises(InputError, match=r"`from_peer\(steps=...\)` must be given .* steps=N"):
        from_peer(scheduler)


def test_a_sequence_that_runs_at_the_wrong_rate_is_refused_or_kept_as_it_is() -> None:
    def build(o: torch.optim.Optimizer) -> torch_lr.SequentialLR:
        parts = [torch_lr.ConstantLR(o, 0.5, 100), torch_lr.OneCycleLR(o, 0.1, total_steps=47)]
        return torch_lr.SequentialLR(o, parts, milestones=[3])

    optimizer = fresh(0.1)
    scheduler = build(optimizer)
    with pytest.raises(InputError, match=r"torch makes update 0 at 0\.002 where the parts say 0\.05"):
        from_peer(scheduler, 50)
    read = from_peer(scheduler, 50, as_is=True).bind(Horizon(steps=50)).values()
    close(read, peers_torch.following(optimizer, scheduler, 50))


def test_rules_and_strangers_are_refused() -> None:
    with pytest.raises(InputError, match="It is a rule"):
        from_peer(torch_lr.ReduceLROnPlateau(fresh(0.1)))
    with pytest.raises(InputError, match=r"must be a scheduler that is known, got 'int'"):
        from_peer(3)
    attached = attach(fresh(0.1), cosine(0.1), Horizon(steps=10))
    with pytest.raises(InputError, match="must be a scheduler that is known"):
        from_peer(attached)


def test_timms_noise_is_read_from_its_own_generator() -> None:
    named = {"t_initial": 50, "noise_range_t": [5, 40], "noise_seed": 3, "warmup_t": 4, "t_in_epochs": False}
    optimizer = fresh(0.2)
    scheduler = peers_timm.build(peers_timm.timm_call("CosineLRScheduler", **named), optimizer)
    read = from_peer(scheduler, 50).bind(Horizon(steps=50)).values()
    close(read, np.array(peers_timm.following(optimizer, scheduler, 50, None)))
    assert np.abs(np.diff(read)).max() > 0.01


def test_what_transformers_made_is_read_as_its_own_call() -> None:
    optimization = pytest.importorskip("transformers.optimization")
    read = from_peer(optimization.get_cosine_schedule_with_warmup(fresh(0.1), 10, 100))
    assert read == ramp(0, end=0.1, over=10) + cosine(0.1, over=90)
    for make in (
        lambda o: optimization.get_constant_schedule(o),
        lambda o: optimization.get_wsd_schedule(o, 5, 20, num_training_steps=80, min_lr_ratio=0.1),
        lambda o: optimization.get_inverse_sqrt_schedule(o, 9),
        lambda o: optimization.get_polynomial_decay_schedule_with_warmup(o, 7, 90, power=2.0),
        lambda o: optimization.get_cosine_with_min_lr_schedule_with_warmup(o, 7, 90, min_lr_rate=0.1),
        lambda o: optimization.get_cosine_with_min_lr_schedule_with_warmup_lr_rate(o, 7, 90, min_lr_rate=0.1),
        lambda o: optimization.get_cosine_with_hard_restarts_schedule_with_warmup(o, 7, 90, num_cycles=3),
        lambda o: optimization.get_linear_schedule_with_warmup(o, 7, 90),
        lambda o: optimization.get_constant_schedule_with_warmup(o, 7),
    ):
        optimizer = fresh(0.1)
        scheduler = make(optimizer)
        read_values = from_peer(scheduler, 80).bind(Horizon(steps=80)).values()
        close(read_values, peers_torch.following(optimizer, scheduler, 80))
