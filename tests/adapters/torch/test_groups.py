"""Every parameter group trains at its share of the rate, whenever it came and whatever holds its rate."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from tests.adapters.torch.driven import BANK, HORIZON, OPTIMIZERS, RATES, STEPS, Run, expected, single, update
from torch.optim import SGD

from lrdecay.adapters.torch import attach
from lrdecay.errors import InputError, RunError
from lrdecay.schedule import Horizon, constant


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_groups_keep_the_ratios_they_came_with_also_one_at_zero(kind: str) -> None:
    run = Run(kind, (0.5, 0.05, 0.0))
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    scales = tuple(rate / 0.5 for rate in (0.5, 0.05, 0.0))
    assert run.train(scheduler, 0, STEPS) == expected(BANK[7], scales)
    assert [group["lr_scale"] for group in run.optimizer.param_groups] == list(scales)


@pytest.mark.parametrize("when", ["before the update", "after the update"])
def test_a_group_added_later_trains_at_its_share_from_its_first_update_on(when: str) -> None:
    run = Run(rates=(0.5, 0.05))
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    run.train(scheduler, 0, 4)
    late = torch.nn.Parameter(torch.ones(2))
    if when == "before the update":
        run.optimizer.add_param_group({"params": [late], "lr": 0.25})
        late.grad = torch.ones(2)
        run.gradients(4)
        before = late.detach().clone()
        run.optimizer.step()
        assert torch.equal(late, before - expected(BANK[7], (0.5,))[4][0])
        scheduler.step()
    else:
        run.train(scheduler, 4, 5)
        run.optimizer.add_param_group({"params": [late], "lr": 0.25})
        scheduler.step()
    assert run.rates() == expected(BANK[7], (1.0, 0.1, 0.5))[5]
    assert scheduler.state_dict()["multipliers"] == [1.0, 0.1, 0.5]

    resumed = Run(rates=(0.5, 0.05))
    resumed.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.25})
    other = attach(resumed.optimizer, BANK[7], HORIZON)
    other.load_state_dict(scheduler.state_dict())
    assert resumed.train(other, 5, STEPS) == expected(BANK[7], (1.0, 0.1, 0.5))[5:]


def test_a_resumed_run_measures_later_groups_by_the_first_attachs_rates() -> None:
    whole = Run(rates=(0.5, 0.05))
    first = attach(whole.optimizer, BANK[7], HORIZON)
    whole.train(first, 0, 4)
    checkpoint = whole.saved(first)
    run = Run(rates=(0.5, 0.05))
    run.optimizer.load_state_dict(checkpoint["optimizer"])  # its rates are decayed ones
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    scheduler.load_state_dict(checkpoint["scheduler"])
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.25})
    scheduler.step()
    assert run.rates() == expected(BANK[7], (1.0, 0.1, 0.5))[4]


def test_a_group_added_just_before_attaching_again_gets_its_share() -> None:
    run = Run(rates=(0.5, 0.05))
    run.train(attach(run.optimizer, BANK[7], HORIZON), 0, 4)
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.25})
    attach(run.optimizer, BANK[5], HORIZON)
    assert run.rates() == expected(BANK[5], (1.0, 0.1, 0.5))[0]


def test_the_multipliers_of_a_checkpoint_replace_those_worked_out_from_new_rates() -> None:
    whole = Run(rates=(0.5, 0.05))
    checkpoint = whole.saved(attach(whole.optimizer, BANK[7], HORIZON, step=4))
    run = Run(rates=(0.5, 0.5))
    attach(run.optimizer, BANK[7], HORIZON, step=4)
    run.optimizer.load_state_dict(checkpoint["optimizer"])
    assert run.rates() == expected(BANK[7], (1.0, 0.1))[4]


def test_a_group_added_before_loading_a_foreign_checkpoint_keeps_its_own_share() -> None:
    foreign = Run(rates=(1e-3, 2e-3, 3e-3)).optimizer.state_dict()
    run = Run(rates=(0.5, 0.05))
    attach(run.optimizer, BANK[7], HORIZON, step=4)
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(3))], "lr": 0.25})
    run.optimizer.load_state_dict(foreign)
    assert run.rates() == expected(BANK[7], (1.0, 0.1, 0.5))[4]


def test_a_group_added_just_before_loading_a_schedulers_state_is_counted_among_its_groups() -> None:
    whole = Run(rates=(0.5, 0.05, 0.25))
    state = attach(whole.optimizer, BANK[7], HORIZON, step=4).state_dict()
    run = Run(rates=(0.5, 0.05))
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(3))], "lr": 0.1})
    scheduler.load_state_dict(state)
    assert run.rates() == expected(BANK[7], (1.0, 0.1, 0.5))[4]


def test_a_rate_edited_by_hand_lasts_until_the_next_step_also_where_a_group_is_added() -> None:
    run = Run(rates=(0.5, 0.05))
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    run.optimizer.param_groups[0]["lr"] = 7.0
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.25})
    update(run.optimizer)
    assert run.rates() == [7.0, *expected(BANK[7], (0.1, 0.5))[0]]
    scheduler.step()
    assert run.rates() == expected(BANK[7], (1.0, 0.1, 0.5))[1]


def test_a_group_may_bring_its_own_multiplier_and_must_where_no_reference_is_known() -> None:
    run = Run(rates=(0.5, 0.05))
    for group, scale in zip(run.optimizer.param_groups, (1.0, 0.7), strict=True):
        group["lr_scale"] = scale
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    assert run.rates() == expected(BANK[7], (1.0, 0.7))[0]
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr_scale": 0.3})
    scheduler.step()
    assert run.rates() == expected(BANK[7], (1.0, 0.7, 0.3))[0]
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.1})
    with pytest.raises(InputError, match="lr_scale"):
        scheduler.step()


def test_removing_a_group_is_an_error_that_says_so() -> None:
    run = Run()
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    run.optimizer.param_groups.pop()
    for use in (scheduler.step, scheduler.state_dict, run.optimizer.step):
        with pytest.raises(RunError, match="must find the 3 groups"):
            use()
    again = attach(run.optimizer, BANK[5], HORIZON)
    assert run.rates() == expected(BANK[5], RATES[:2])[0]
    run.weights.pop()
    assert run.train(again, 0, STEPS) == expected(BANK[5], RATES[:2])


def test_a_group_that_came_and_went_between_two_steps_is_noticed() -> None:
    run = Run()
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.5})
    update(run.optimizer)
    run.optimizer.param_groups.pop()
    with pytest.raises(RunError, match="must find the 4 groups"):
        scheduler.step()


def test_stated_multipliers_stand_in_for_rates_that_are_all_zero() -> None:
    run = Run(rates=(0.0, 0.0))
    with pytest.raises(InputError, match=r"not zero.*multipliers"):
        attach(run.optimizer, BANK[7], HORIZON)
    assert all("lr_scale" not in group for group in run.optimizer.param_groups)
    attach(run.optimizer, BANK[7], HORIZON, multipliers=[0.25, 1])
    assert run.rates() == expected(BANK[7], (0.25, 1.0))[0]


def tensor_run(rates: tuple[float, ...] = (1.0, 0.5)) -> SGD:
    return SGD(
        [
            {"params": [torch.nn.Parameter(torch.ones(3))], "lr": torch.tensor(rate, dtype=torch.float64)}
            for rate in rates
        ],
        foreach=True,
    )


def test_a_tensor_rate_is_filled_in_place_and_never_replaced() -> None:
    optimizer = tensor_run()
    tensors = [group["lr"] for group in optimizer.param_groups]
    scheduler = attach(optimizer, BANK[7], HORIZON)
    for t in range(STEPS):
        assert all(group["lr"] is tensor for group, tensor in zip(optimizer.param_groups, tensors, strict=True))
        assert [tensor.item() for tensor in tensors] == expected(BANK[7], (1.0, 0.5))[t]
        assert scheduler.get_last_lr() == expected(BANK[7], (1.0, 0.5))[t]
        update(optimizer)
        scheduler.step()
    json.dumps(scheduler.state_dict())


def test_tensor_rates_resume_in_both_orders() -> None:
    trunk = tensor_run()
    scheduler = attach(trunk, BANK[7], HORIZON)
    for _ in range(5):
        update(trunk)
        scheduler.step()
    for optimizer_first in (True, False):
        optimizer = tensor_run()
        other = attach(optimizer, BANK[7], HORIZON)
        loads = [
            lambda o=optimizer: o.load_state_dict(trunk.state_dict()),
            lambda s=other: s.load_state_dict(scheduler.state_dict()),
        ]
        for load in loads if optimizer_first else reversed(loads):
            load()
        for t in range(5, STEPS):
            assert [group["lr"].item() for group in optimizer.param_groups] == expected(BANK[7], (1.0, 0.5))[t]
            update(optimizer)
            other.step()


def test_float_and_tensor_rates_may_stand_side_by_side() -> None:
    optimizer = single()
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": torch.tensor(0.25).double()})
    scheduler = attach(optimizer, BANK[7], HORIZON)
    for t in range(STEPS):
        a, b = (group["lr"] for group in optimizer.param_groups)
        assert type(a) is float
        assert [a, b.item()] == expected(BANK[7], (1.0, 0.5))[t]
        update(optimizer)
        scheduler.step()


def test_one_tensor_shared_by_groups_drives_them_alike_or_is_refused() -> None:
    shared = torch.tensor(0.5)
    optimizer = single(shared, foreach=True)
    scheduler = attach(optimizer, "linear(0.1)", Horizon(steps=10))
    update(optimizer)
    scheduler.step()
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))]})  # torch hands out the same tensor
    assert optimizer.param_groups[1]["lr"] is shared
    scheduler.step()
    assert scheduler.state_dict()["multipliers"] == [1.0, 1.0]
    assert shared.item() == pytest.approx(0.09)
    with pytest.raises(InputError, match="share one tensor"):
        attach(optimizer, "linear(0.1)", Horizon(steps=10), multipliers=[1.0, 0.5], override=True)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"lr": None}, "rate"),
        ({"lr": float("nan")}, "lr"),
        ({"lr": -0.1}, "lr"),
        ({"lr_scale": -1.0}, "lr_scale"),
        ({"lr_scale": "big"}, "lr_scale"),
    ],
)
def test_a_group_with_an_unusable_rate_or_multiplier_is_refused(change: dict[str, Any], says: str) -> None:
    optimizer = single()
    optimizer.param_groups[0].update(change)
    with pytest.raises(InputError, match=says):
        attach(optimizer, constant(0.1), HORIZON)


def test_multipliers_in_some_groups_only_are_refused() -> None:
    run = Run()
    run.optimizer.param_groups[1]["lr_scale"] = 0.3
    with pytest.raises(InputError, match="every group or in none"):
        attach(run.optimizer, BANK[7], HORIZON)
    attach(run.optimizer, BANK[7], HORIZON, multipliers=[1.0, 0.3, 0.2])
    assert run.rates() == expected(BANK[7], (1.0, 0.3, 0.2))[0]
