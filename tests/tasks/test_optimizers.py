"""The optimizers follow the equations they are documented with."""

from __future__ import annotations

import torch

from lrdecay.tasks.optimizers import make_optimizer


def stepped(rate: float, *gradients: float, name: str, **arguments: object) -> float:
    w = torch.nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimizer = make_optimizer("digits", [w], name, **arguments)  # type: ignore[arg-type]
    assert [group["lr"] for group in optimizer.param_groups] == [1.0]
    for gradient in gradients:
        optimizer.param_groups[0]["lr"] = rate
        w.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
    return w.item()


def close(a: float, b: float) -> bool:
    return abs(a - b) < 1e-6


def test_sgd_has_momentum_nine_tenths_and_no_decay_unless_told() -> None:
    assert close(stepped(0.1, 1.0, 1.0, name="sgd"), 2 - 0.1 * 1 - 0.1 * 1.9)
    assert close(stepped(0.1, 1.0, 1.0, name="sgd", momentum=0), 2 - 0.2)
    assert close(stepped(0.1, 1.0, name="sgd", weight_decay=0.5), 2 - 0.1 * (1 + 0.5 * 2))
    assert close(stepped(0.1, 1.0, name="sgd", nesterov=True), 2 - 0.1 * 1.9)


def test_adamw_decays_by_a_hundredth_of_the_rate_unless_told() -> None:
    assert close(stepped(0.1, 3.0, name="adamw"), 2 * (1 - 0.1 * 0.01) - 0.1)
    assert close(stepped(0.1, 3.0, name="adamw", weight_decay=0), 2 - 0.1)
