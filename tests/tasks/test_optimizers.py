"""The optimizers follow the equations they are documented with."""

from __future__ import annotations

import re
import sys

import pytest
import torch

from lrdecay.errors import InputError, MissingExtraError
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


def test_schedule_free_sgd_steps_as_its_paper_says() -> None:
    """z <- z - rate g; x <- (1 - c) x + c z with c = 1 / t at a constant rate; y = (1 - b) z + b x."""
    b, rate, z, x = 0.9, 0.1, 2.0, 2.0
    for t, gradient in enumerate((1.0, 0.5, -0.25), 1):
        z -= rate * gradient
        x += (z - x) / t
    w = torch.nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    optimizer = make_optimizer("digits", [w], "schedulefree_sgd", momentum=b)
    optimizer.train()
    for gradient in (1.0, 0.5, -0.25):
        optimizer.param_groups[0]["lr"] = rate
        w.grad = torch.tensor([gradient], dtype=torch.float64)
        optimizer.step()
    assert close(w.item(), (1 - b) * z + b * x)
    optimizer.eval()
    assert close(w.item(), x)


def test_schedule_free_adamw_has_the_defaults_of_adamw() -> None:
    w = torch.nn.Parameter(torch.tensor([2.0]))
    group = make_optimizer("digits", [w], "schedulefree").param_groups[0]
    plain = make_optimizer("digits", [w], "adamw").param_groups[0]
    assert {k: group[k] for k in ("lr", "betas", "eps", "weight_decay")} == {
        k: plain[k] for k in ("lr", "betas", "eps", "weight_decay")
    }


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "schedulefree", "momentum": 0.9}, "must not be given with optimizer='schedulefree'"),
        ({"name": "schedulefree", "nesterov": True}, "must not be given with optimizer='schedulefree'"),
        ({"name": "schedulefree_sgd", "momentum": 0}, "must be above 0 with optimizer='schedulefree_sgd'"),
        ({"name": "schedulfree"}, "Did you mean `schedulefree`?"),
    ],
)
def test_what_a_schedule_free_optimizer_does_not_have_is_refused(arguments, words) -> None:
    with pytest.raises(InputError, match=re.escape(words)):
        make_optimizer("digits", [torch.nn.Parameter(torch.zeros(1))], **arguments)


def test_without_the_package_one_line_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "schedulefree", None)
    with pytest.raises(MissingExtraError, match=r"must find schedulefree installed.*lrdecay\[tasks\]"):
        make_optimizer("digits", [torch.nn.Parameter(torch.zeros(1))], "schedulefree")
