"""Whatever the groups look like, the quick way writes the very bits that the plain way would."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from tests.adapters.torch.driven import BANK, HORIZON, expected, single, update
from torch.optim import SGD

from lrdecay.adapters.torch import attach, writers
from lrdecay.adapters.torch.writers import quickest

RATE = 0.1 + 1e-9  # no float32
APART = [1.0, 1 / 3, 0.0, 1e-5]
DTYPES = [torch.float64, torch.float32, torch.bfloat16, torch.float16]


def unused() -> None:
    pytest.fail("nothing was replaced or moved")


def groups_of(*rates: Any) -> list[dict[str, Any]]:
    return [{"lr": rate} for rate in rates]


@pytest.mark.parametrize("multipliers", [[1.0], [0.3], [0.3] * 4, APART], ids=len)
def test_floats_get_the_product_in_float64(multipliers: list[float]) -> None:
    groups = groups_of(*[0.5] * len(multipliers))
    quickest(groups, multipliers, unused)(groups, RATE)
    assert [group["lr"] for group in groups] == [RATE * multiplier for multiplier in multipliers]
    assert all(type(group["lr"]) is float for group in groups)


@pytest.mark.parametrize("old_torch", [False, True], ids=["torch >= 2.5", "older torch"])
@pytest.mark.parametrize("shape", [(), (1,)], ids=str)
@pytest.mark.parametrize("dtypes", [*([dtype] * 4 for dtype in DTYPES), DTYPES], ids=str)
def test_tensors_get_what_fill_would_put_there_and_stay_the_same_tensors(
    dtypes: list[torch.dtype], shape: tuple[int, ...], old_torch: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if old_torch:
        monkeypatch.setattr(writers, "_versions_of_lists", lambda: False)
    tensors = [torch.full(shape, 7.0, dtype=dtype) for dtype in dtypes]
    groups = groups_of(*tensors)
    quickest(groups, APART, unused)(groups, RATE)
    for group, tensor, multiplier in zip(groups, tensors, APART, strict=True):
        assert group["lr"] is tensor
        assert torch.equal(tensor, torch.empty_like(tensor).fill_(RATE * multiplier))


def test_floats_and_tensors_side_by_side_each_get_theirs() -> None:
    groups = groups_of(0.5, torch.tensor(0.5), 0.5)
    quickest(groups, APART[:3], unused)(groups, RATE)
    assert [groups[0]["lr"], groups[2]["lr"]] == [RATE, 0.0]
    assert torch.equal(groups[1]["lr"], torch.tensor(RATE / 3))


def test_a_rate_that_asks_for_gradients_is_written_without_recording_it() -> None:
    rate = torch.tensor(0.5, requires_grad=True)
    groups = groups_of(rate)
    quickest(groups, [1.0], unused)(groups, 0.25)
    assert (rate.item(), rate.grad_fn, rate.is_leaf) == (0.25, None, True)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_graph_that_saved_the_old_rate_refuses_to_go_back_through_it(dtype: torch.dtype) -> None:
    rate, weight = torch.tensor(0.5, dtype=dtype), torch.tensor(2.0, dtype=dtype, requires_grad=True)
    groups = groups_of(rate)
    product = rate * weight
    quickest(groups, [1.0], unused)(groups, 0.25)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        product.backward()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_a_tensor_put_in_the_place_of_another_is_driven_from_the_next_step_on(dtype: torch.dtype) -> None:
    optimizer = single(torch.tensor(0.5, dtype=dtype))
    scheduler = attach(optimizer, BANK[7], HORIZON)
    new = optimizer.param_groups[0]["lr"] = torch.tensor(0.7, dtype=dtype)
    for t in range(1, 4):
        update(optimizer)
        scheduler.step()
        assert optimizer.param_groups[0]["lr"] is new
        assert torch.equal(new, torch.tensor(expected(BANK[7])[t][0], dtype=dtype))


@pytest.mark.parametrize("move", [lambda r: r.share_memory_(), lambda r: setattr(r, "data", torch.tensor(0.7))])
def test_a_tensor_whose_memory_moved_is_written_where_it_is_now(move: Any) -> None:
    optimizer = single(torch.tensor(0.5))
    scheduler = attach(optimizer, BANK[7], HORIZON)
    rate = optimizer.param_groups[0]["lr"]
    old = rate.data_ptr()
    move(rate)
    assert rate.data_ptr() != old
    for t in range(1, 4):
        update(optimizer)
        scheduler.step()
        assert rate.item() == torch.tensor(expected(BANK[7])[t][0]).item()


@pytest.mark.parametrize("rate", [0.5, torch.tensor(0.5).double(), torch.tensor(0.5).bfloat16()], ids=repr)
def test_a_copied_scheduler_never_writes_into_the_optimizer_it_was_copied_from(rate: Any) -> None:
    optimizer = SGD([torch.nn.Parameter(torch.ones(2))], lr=copy.deepcopy(rate))
    scheduler = attach(optimizer, BANK[7], HORIZON)
    other = copy.deepcopy(scheduler)
    before = float(optimizer.param_groups[0]["lr"])
    for _ in range(3):
        update(other.optimizer)
        other.step()
    assert float(optimizer.param_groups[0]["lr"]) == before
    assert float(other.optimizer.param_groups[0]["lr"]) == pytest.approx(expected(BANK[7])[3][0], rel=1e-2)
    assert (scheduler.count, other.count) == (0, 3)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")  # torch's own, on first compiling
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_compiled_update_of_many_tensor_rates_is_compiled_once_whatever_the_rates_become(dtype: torch.dtype) -> None:
    torch._dynamo.reset()
    counters = torch._dynamo.utils.counters
    counters.clear()
    weights = [torch.nn.Parameter(torch.ones(2)) for _ in APART]
    rates = [torch.tensor(share, dtype=dtype) for share in APART]
    groups = [{"params": [w], "lr": rate} for w, rate in zip(weights, rates, strict=True)]
    optimizer = SGD(groups, foreach=True)
    scheduler = attach(optimizer, BANK[7], HORIZON)
    compiled = torch.compile(optimizer.step, backend="eager")
    graphs, moved = [], []
    for t in range(8):
        for w in weights:
            w.grad = torch.ones_like(w)
        before = weights[0].detach().clone()
        compiled()
        moved.append((before - weights[0].detach())[0].item())
        assert moved[-1] == pytest.approx(expected(BANK[7])[t][0], rel=1e-2, abs=1e-6)
        scheduler.step()
        graphs.append(counters["stats"]["unique_graphs"])
    torch._dynamo.reset()
    assert graphs[0] >= 1
    assert graphs == [graphs[0]] * 8
    assert len(set(moved)) == 8
    assert scheduler.count == 8
