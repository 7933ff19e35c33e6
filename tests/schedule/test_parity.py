"""Where torch's own scheduler means the same, the numbers are the same."""

from __future__ import annotations

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
    polynomial,
    step,
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
    (cosine(LR, floor=1e-4), lambda o: peer.CosineAnnealingLR(o, T_max=T, eta_min=1e-4)),
]


@pytest.mark.parametrize(("s", "make"), PAIRS, ids=[repr(s) for s, _ in PAIRS])
def test_the_rates_are_those_of_torchs_scheduler(s: Schedule, make: Callable[[Any], Any]) -> None:
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=LR)
    scheduler = make(optimizer)
    used = []
    for _ in range(T):
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert len(set(used)) > 3
    np.testing.assert_allclose(s.bind(Horizon(steps=T)).values(), used, rtol=1e-12, atol=0)
