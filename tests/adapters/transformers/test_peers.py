"""A live scheduler of transformers is read back."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from transformers import get_scheduler

from lrdecay.adapters.transformers.peers import from_peer
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon


def optimizer(*rates: float, default: float = 0.1) -> Any:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in rates]
    return torch.optim.SGD(groups, lr=default)


def test_what_get_scheduler_returned_is_read_back() -> None:
    live = get_scheduler("linear", optimizer(0.1), num_warmup_steps=10, num_training_steps=100)
    assert repr(from_peer(live)) == "ramp(0.0, end=0.1, over=10) + linear(0.1, over=90)"


def test_it_is_the_whole_schedule_wherever_the_scheduler_stands() -> None:
    sgd = optimizer(0.1)
    live = get_scheduler("cosine", sgd, num_warmup_steps=0, num_training_steps=100)
    for _ in range(30):
        sgd.step()
        live.step()
    assert repr(from_peer(live)) == "cosine(0.1, over=100)"


def test_of_several_groups_it_is_the_largest() -> None:
    live = get_scheduler("constant", optimizer(0.02, 0.3))
    assert repr(from_peer(live)) == "constant(0.3)"


def test_a_plain_lambda_cannot_be_read() -> None:
    live = torch.optim.lr_scheduler.LambdaLR(optimizer(0.1), lambda t: 1 / (t + 1))
    with pytest.raises(InputError, match="must be a scheduler of transformers"):
        from_peer(live)


def test_a_plateau_cannot_be_read() -> None:
    with pytest.raises(InputError, match="function of t"):
        from_peer(get_scheduler("reduce_lr_on_plateau", optimizer(0.1)))


def test_groups_with_schedules_of_their_own_cannot_be_read() -> None:
    a = get_scheduler("linear", optimizer(0.1), num_warmup_steps=10, num_training_steps=100)
    live = torch.optim.lr_scheduler.LambdaLR(optimizer(0.1, 0.1), [a.lr_lambdas[0], lambda t: 1.0])
    with pytest.raises(InputError, match="one schedule for all groups"):
        from_peer(live)


def test_a_floor_relative_to_another_rate_is_kept_only_on_request() -> None:
    live = get_scheduler(
        "polynomial", optimizer(1.0, 2.0, default=1.0), 0, 10, scheduler_specific_kwargs={"lr_end": 0.1}
    )
    with pytest.raises(InputError, match="bug of the peer"):
        from_peer(live)
    assert from_peer(live, as_is=True).bind(Horizon(steps=20)).values()[-1] == pytest.approx(0.2)
