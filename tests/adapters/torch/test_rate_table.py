"""The rates of a run are looked up as they were made, and past the end the end policy speaks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.adapters.torch.driven import single, update

from lrdecay.adapters.torch import attach
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, parse


def test_a_table_of_rates_is_used_bit_for_bit_and_the_schedule_is_not_evaluated() -> None:
    table = np.array([0.3, 0.1, 0.1 + 1e-17, 0.25])
    optimizer = single()
    scheduler = attach(optimizer, "cosine(0.1)", Horizon(steps=4), rates=table)
    used = []
    for _ in range(4):
        used.append(optimizer.param_groups[0]["lr"])
        update(optimizer)
        scheduler.step()
    assert used == table.tolist()
    assert scheduler.state_dict()["schedule"] == "cosine(0.1)"


def test_a_table_holds_the_entry_after_its_last_step_where_it_has_one() -> None:
    for table, held in (([0.3, 0.2], 0.2), ([0.3, 0.2, 0.1], 0.1), ([0.3, 0.2, 0.1, 0.05], 0.1)):
        scheduler = attach(single(), "cosine(0.1)", Horizon(steps=2), rates=table, step=5)
        assert scheduler.rate == held


def test_a_table_that_is_too_long_repeats_with_the_horizon() -> None:
    scheduler = attach(single(), "cosine(0.1)", Horizon(steps=2), rates=[0.3, 0.2, 0.1], after="repeat", step=4)
    assert scheduler.rate == 0.3


@pytest.mark.parametrize("after", ["hold", "repeat"])
def test_past_the_end_the_bounds_policy_speaks(after: str) -> None:
    bound = parse("linear(0.1, floor=0.02)").bind(Horizon(steps=4), after)
    optimizer = single()
    scheduler = attach(optimizer, bound)
    for t in range(11):
        assert optimizer.param_groups[0]["lr"] == bound(t)
        update(optimizer)
        scheduler.step()


def test_under_raise_the_update_past_the_end_is_refused_and_the_last_scheduler_step_is_not() -> None:
    optimizer = single()
    scheduler = attach(optimizer, "linear(0.1)", Horizon(steps=3), after="raise")
    for _ in range(3):
        update(optimizer)
        scheduler.step()
    weights = optimizer.param_groups[0]["params"][0].detach().clone()
    with pytest.raises(InputError, match=r"optimizer\.step\(\).*past the end"):
        update(optimizer)
    assert torch.equal(weights, optimizer.param_groups[0]["params"][0])
    with pytest.raises(InputError, match=r"seek\(step\)"):
        scheduler.seek(4)
    scheduler.seek(3)
    scheduler.seek(2)
    update(optimizer)
