"""Where torch's own scheduler means the same, the numbers are the same."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as peer

from lrdecay.schedule import (
    Horizon,
    Schedule,
    cosine,
    exponential,
    linear,
    multi_step,
    natural_exponential,
    one_cycle,
    piecewise,
    polynomial,
    step,
    triangular,
    warm_restarts,
)

T = 120
LR = 0.3

PAIRS: list[tuple[Schedule, Callable[[Any], Any]]] = [
    (step(LR, factor=0.1, every=30), lambda o: peer.StepLR(o, step_size=30, gamma=0.1)),
    (step(LR, factor=0.97, every=1), lambda o: peer.StepLR(o, step_size=1, gamma=0.97)),
    (multi_step(LR, factor=0.2, at=[30, 60, 61]), lambda o: peer.MultiStepLR(o, milestones=[30, 60, 61], gamma=0.2)),
    (exponential(LR, factor=0.95), lambda o: peer.ExponentialLR(o, gamma=0.95)),
    (linear(LR, floor=LR / 10, over=100), lambda o: peer.LinearLR(o, 1.0, 0.1, total_iters=100)),
    (linear(LR, floor=LR / 3), lambda o: peer.LinearLR(o, 1.0, 1 / 3, total_iters=T)),
    (polynomial(LR, power=2, over=80), lambda o: peer.PolynomialLR(o, total_iters=80, power=2)),
    (polynomial(LR, power=0.9), lambda o: peer.PolynomialLR(o, total_iters=T, power=0.9)),
    (cosine(LR, floor=0.01), lambda o: peer.CosineAnnealingLR(o, T_max=T, eta_min=0.01)),
    (piecewise([LR, LR / 10, LR / 100], at=[30, 60]), lambda o: peer.MultiStepLR(o, milestones=[30, 60], gamma=0.1)),
    (natural_exponential(LR, rate=0.05), lambda o: peer.ExponentialLR(o, gamma=math.exp(-0.05))),
    (warm_restarts(LR, first=10), lambda o: peer.CosineAnnealingWarmRestarts(o, T_0=10)),
    (warm_restarts(LR, 7, growth=2, floor=0.01), lambda o: peer.CosineAnnealingWarmRestarts(o, 7, 2, eta_min=0.01)),
    (warm_restarts(LR, 3, growth=3, floor=1e-5), lambda o: peer.CosineAnnealingWarmRestarts(o, 3, 3, eta_min=1e-5)),
    (triangular(0.01, LR, half_cycle=7), lambda o: peer.CyclicLR(o, 0.01, LR, 7, cycle_momentum=False)),
    (
        triangular(0.01, LR, half_cycle=10, scale="halve"),
        lambda o: peer.CyclicLR(o, 0.01, LR, 10, mode="triangular2", cycle_momentum=False),
    ),
    (
        triangular(0.01, LR, half_cycle=13, scale="exp", gamma=0.99),
        lambda o: peer.CyclicLR(o, 0.01, LR, 13, mode="exp_range", gamma=0.99, cycle_momentum=False),
    ),
    (cosine(LR, floor=1e-4), lambda o: peer.CosineAnnealingLR(o, T_max=T, eta_min=1e-4)),
]


@pytest.mark.parametrize(("s", "make"), PAIRS, ids=[repr(s) for s, _ in PAIRS])
def test_the_rates_are_those_of_torchs_scheduler(s: Schedule, make: Callable[[Any], Any]) -> None:
    used = rates_of(make)
    assert len(set(used)) >= 3
    np.testing.assert_allclose(s.bind(Horizon(steps=T)).values(), used, rtol=1e-12, atol=0)


def rates_of(make: Callable[[Any], Any]) -> list[float]:
    """What torch's scheduler shows to each of T updates."""
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=LR)
    scheduler = make(optimizer)
    used = []
    for t in range(T):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if t < T - 1:
            scheduler.step()
    return used


@pytest.mark.parametrize("three", [False, True])
@pytest.mark.parametrize(("shape", "anneal"), [("cosine", "cos"), ("linear", "linear")])
def test_one_cycle_is_torchs_with_its_last_two_boundaries_one_update_earlier(
    shape: str, anneal: str, three: bool
) -> None:
    """torch peaks at pct·T - 1, comes back at 2·pct·T - 2 and ends at T - 1: a horizon and a warmup shorter by one."""
    used = rates_of(
        lambda o: peer.OneCycleLR(
            o, LR, total_steps=T, pct_start=0.3, anneal_strategy=anneal, cycle_momentum=False, three_phase=three
        )
    )
    f = one_cycle(LR, warmup=int(0.3 * T) - 1, shape=shape, three_phase=three).bind(Horizon(steps=T - 1))
    np.testing.assert_allclose(f(np.arange(T)), used, rtol=1e-12, atol=1e-16)  # torch's last one cancels
