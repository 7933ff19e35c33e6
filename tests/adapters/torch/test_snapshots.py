"""Any model and optimizer whose state is tensors and numbers goes to arrays and JSON and back without a bit lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from lrdecay.adapters.torch.snapshots import arrays_of, restore_arrays
from lrdecay.errors import InputError
from lrdecay.runs.trainable import Snapshot

OPTIMIZERS: dict[str, Callable[[Any], torch.optim.Optimizer]] = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True),
    "capturable": lambda p: torch.optim.AdamW(p, lr=torch.tensor(0.01), foreach=False),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, momentum=0.5, centered=True),
    "nadam": lambda p: torch.optim.NAdam(p, lr=0.01),
    "rprop": lambda p: torch.optim.Rprop(p, lr=0.01),
}


class Net(nn.Module):
    """A frozen part, shared weights, batch norm, and a parameter of no dimension."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm, self.last = nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 4)
        self.tied = nn.Linear(4, 4)
        self.tied.weight = self.first.weight
        self.scale = nn.Parameter(torch.tensor(1.5))
        self.last.bias.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.norm(self.first(x))) * self.scale + self.tied(x)


def update(net: nn.Module, optimizer: torch.optim.Optimizer, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    optimizer.zero_grad()
    net(torch.randn(6, 4, generator=generator)).square().mean().backward()
    optimizer.step()


def made(optimizer: str, seed: int = 0) -> tuple[nn.Module, torch.optim.Optimizer]:
    torch.manual_seed(seed)
    net = Net()
    return net, OPTIMIZERS[optimizer](net.parameters())


def digest(net: nn.Module, optimizer: torch.optim.Optimizer) -> str:
    return Snapshot(*arrays_of(net, optimizer)).digest()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("updates", [0, 1, 4])
def test_a_restored_pair_equals_the_one_taken_and_goes_on_like_it(optimizer: str, updates: int) -> None:
    net, its = made(optimizer)
    for i in range(updates):
        update(net, its, i)
    tensors, state = arrays_of(net, its)
    other, other_its = made(optimizer, seed=1)
    update(other, other_its, 9)
    assert digest(other, other_its) != digest(net, its)
    restore_arrays(other, other_its, tensors, json.loads(json.dumps(state)))
    assert digest(other, other_its) == digest(net, its)
    for i in range(3):
        update(net, its, 100 + i)
        update(other, other_its, 100 + i)
        assert digest(other, other_its) == digest(net, its)


def test_what_was_taken_shares_no_memory_with_the_model() -> None:
    net, its = made("momentum")
    update(net, its, 0)
    snapshot = Snapshot(*arrays_of(net, its))
    before = snapshot.digest()
    restore_arrays(net, its, snapshot.tensors, snapshot.state)
    update(net, its, 1)
    assert snapshot.digest() == before
    assert snapshot.nbytes == sum(a.nbytes for a in snapshot.tensors.values()) > 0


def test_shared_weights_are_kept_once_and_stay_shared() -> None:
    net, its = made("momentum")
    tensors, state = arrays_of(net, its)
    assert [name for name in tensors if name in ("model/first.weight", "model/tied.weight")] == ["model/first.weight"]
    restore_arrays(net, its, tensors, state)
    assert net.tied.weight is net.first.weight


def test_the_absence_of_gradients_comes_back_too() -> None:
    net, its = made("momentum")
    tensors, state = arrays_of(net, its)
    assert not [name for name in tensors if name.startswith("grad/")]
    update(net, its, 0)
    assert net.first.weight.grad is not None
    restore_arrays(net, its, tensors, state)
    assert all(p.grad is None for p in net.parameters())


def test_numbers_of_groups_come_back_as_the_types_they_were() -> None:
    net, its = made("adam")
    tensors, state = arrays_of(net, its)
    its.param_groups[0].update(lr=7.0, betas=(0.1, 0.2))
    restore_arrays(net, its, tensors, json.loads(json.dumps(state)))
    group = its.param_groups[0]
    assert (group["lr"], group["betas"], group["amsgrad"]) == (0.01, (0.9, 0.999), True)
    assert isinstance(group["betas"], tuple)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
def test_other_number_types_keep_their_bits(kind: torch.dtype) -> None:
    torch.manual_seed(0)
    net = nn.Linear(4, 3).to(kind)
    its = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    net(torch.ones(2, 4, dtype=kind)).sum().backward()
    its.step()
    tensors, state = arrays_of(net, its)
    before = [p.detach().clone() for p in net.parameters()]
    net(torch.ones(2, 4, dtype=kind)).sum().backward()
    its.step()
    assert not torch.equal(before[0], net.weight)
    restore_arrays(net, its, tensors, json.loads(json.dumps(state)))
    assert all(torch.equal(a, b) and a.dtype == b.dtype for a, b in zip(before, net.parameters(), strict=True))
    assert its.state[net.weight]["momentum_buffer"].dtype == kind


def test_modes_come_back() -> None:
    net, its = made("sgd")
    net.norm.train(False)
    tensors, state = arrays_of(net, its)
    net.train(True)
    net.last.train(False)
    restore_arrays(net, its, tensors, state)
    assert (net.training, net.norm.training, net.last.training) == (True, False, True)


def test_tensors_taken_in_another_memory_layout_come_back_in_the_parameters_own() -> None:
    net = nn.Conv2d(3, 4, 3).to(memory_format=torch.channels_last)
    its = torch.optim.AdamW(net.parameters(), lr=0.1)
    net(torch.ones(1, 3, 5, 5)).sum().backward()
    its.step()
    tensors, state = arrays_of(net, its)
    restore_arrays(net, its, {name: np.array(array, order="C") for name, array in tensors.items()}, state)
    strides = net.weight.stride()
    assert strides[1] == 1
    assert net.weight.grad is not None
    assert net.weight.grad.stride() == strides
    assert its.state[net.weight]["exp_avg"].stride() == strides


class Secretive(nn.Linear):
    """Keeps state that is no tensor."""

    def get_extra_state(self) -> dict[str, int]:
        return {"seen": 3}

    def set_extra_state(self, state: dict[str, int]) -> None:
        pass


def refused(act: Callable[[], object]) -> str:
    with pytest.raises(InputError) as caught:
        act()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_state_that_would_be_lost_is_refused() -> None:
    net = Secretive(4, 3)
    its = torch.optim.SGD(net.parameters(), lr=0.1)
    assert "must keep its state in tensors, got dict in '_extra_state'" in refused(lambda: arrays_of(net, its))
    plain = nn.Linear(4, 3)
    its = torch.optim.SGD(plain.parameters(), lr=0.1)
    its.state[plain.weight]["seen"] = {1, 2}
    assert "must keep tensors and plain numbers, got set in optimizer state 'seen'" in refused(
        lambda: arrays_of(plain, its)
    )


def test_a_snapshot_of_another_model_is_refused_by_name() -> None:
    net, its = made("sgd")
    tensors, state = arrays_of(net, its)
    wider = nn.Linear(4, 3)
    words = refused(lambda: restore_arrays(wider, torch.optim.SGD(wider.parameters(), lr=0.1), tensors, state))
    assert "first.weight" in words
    assert words.startswith("`restore(...)` must be given a snapshot of the same model and optimizer")
