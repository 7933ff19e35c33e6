"""What is kept comes back in the same objects with the same bits, and the fingerprint sees what does not."""

from __future__ import annotations

import random
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from lrdecay.adapters.torch.keeping import fingerprint, keep
from lrdecay.errors import InputError


class Everything(torch.nn.Module):
    """A module with all kinds of attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 2)
        self.tied = self.layer
        self.picture = torch.nn.Conv2d(2, 2, 3).to(memory_format=torch.channels_last)
        self.table = torch.nn.Embedding(5, 2, sparse=True)
        self.low = torch.nn.Parameter(torch.ones(3, dtype=torch.bfloat16))
        self.register_buffer("wave", torch.ones(2, dtype=torch.complex64), persistent=False)
        self.register_buffer("mask", torch.tensor([True, False]))
        self.register_buffer("nothing", torch.empty(0))
        self.register_buffer("wide", torch.arange(3.0).expand(4, 3))
        self.count, self.name, self.ratio = 0, "a", 0.5
        self.history: list[Any] = [1, {"x": torch.zeros(2)}]
        self.recent = deque([1, 2], maxlen=3)
        self.by_name = OrderedDict(a=1, b=2)
        self.seen = {1, 2}
        self.pair = (torch.ones(1), [3])
        self.array = np.arange(4.0)
        self.draws = np.random.default_rng(0)
        self.coins = random.Random(0)
        self.noise = torch.Generator().manual_seed(0)
        self.itself = [self]


def with_gradients(model: Everything) -> Everything:
    (model.layer(torch.ones(1, 3)).sum() + model.table(torch.tensor([1, 3])).sum()).backward()
    return model


CHANGES: dict[str, Callable[[Everything], object]] = {
    "a weight": lambda m: m.layer.weight.data.add_(1),
    "a sign of zero": lambda m: m.history[1]["x"].neg_(),
    "a bfloat16": lambda m: m.low.data.mul_(1.5),
    "a complex buffer": lambda m: m.wave.mul_(1j),
    "a boolean buffer": lambda m: m.mask.logical_not_(),
    "a replaced buffer": lambda m: setattr(m, "mask", torch.tensor([True, False])),
    "a replaced parameter": lambda m: setattr(m.layer, "weight", torch.nn.Parameter(torch.ones(2, 3))),
    "a parameter of another type": lambda m: setattr(m.low, "data", m.low.data.float()),
    "a memory format": lambda m: setattr(m.picture.weight, "data", m.picture.weight.data.contiguous()),
    "a resized buffer": lambda m: m.nothing.resize_(2).zero_(),
    "a gradient": lambda m: m.layer.weight.grad.add_(1),
    "a freed gradient": lambda m: m.zero_grad(set_to_none=True),
    "a new gradient": lambda m: setattr(m.low, "grad", torch.ones(3, dtype=torch.bfloat16)),
    "a zeroed gradient": lambda m: m.zero_grad(set_to_none=False),
    "a frozen parameter": lambda m: m.low.requires_grad_(False),
    "a mode": lambda m: m.layer.train(False),
    "a counter": lambda m: setattr(m, "count", 1),
    "a counter of another type": lambda m: setattr(m, "count", 0.0),
    "a new attribute": lambda m: setattr(m, "cache", 1),
    "a lost attribute": lambda m: delattr(m, "name"),
    "a list": lambda m: m.history.append(2),
    "a replaced list": lambda m: setattr(m, "history", []),
    "a deque": lambda m: m.recent.append(3),
    "a mapping": lambda m: m.by_name.move_to_end("a"),
    "a set": lambda m: m.seen.add(3),
    "a list in a tuple": lambda m: m.pair[1].append(1),
    "an array": lambda m: m.array.__setitem__(0, 9.0),
    "numpy's generator": lambda m: m.draws.random(),
    "python's generator": lambda m: m.coins.random(),
    "torch's generator": lambda m: torch.rand(1, generator=m.noise),
    "a new layer": lambda m: m.add_module("more", torch.nn.Linear(1, 1)),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=list(CHANGES))
def test_a_change_is_seen_and_undone(change: Callable[[Everything], object]) -> None:
    model = with_gradients(Everything())
    weight, strides = model.layer.weight, model.picture.weight.stride()
    before, back = fingerprint([model]), keep([model])
    change(model)
    assert fingerprint([model]) != before

    for _ in range(2):  # it may be put back more than once
        back()
        assert fingerprint([model]) == before
        assert model.layer.weight is weight
        assert model.picture.weight.stride() == strides
        change(model)
    back()
    assert fingerprint([model]) == before


def test_what_did_not_change_is_not_written() -> None:
    model = with_gradients(Everything())
    back, versions = keep([model]), [p._version for p in model.parameters()]
    back()
    assert [p._version for p in model.parameters()] == versions


@pytest.mark.parametrize("kind", [torch.optim.SGD, torch.optim.AdamW, torch.optim.LBFGS, torch.optim.Adagrad])
def test_an_optimizer_comes_back_cold_and_warm(kind: type[torch.optim.Optimizer]) -> None:
    model = torch.nn.Linear(3, 1)
    optimizer = kind(model.parameters(), lr=torch.tensor(0.1) if kind is torch.optim.Adagrad else 0.1)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = model(torch.ones(2, 3)).square().sum()
        loss.backward()
        return loss

    for _ in range(2):
        before, back = fingerprint([model, optimizer]), keep([model, optimizer])
        optimizer.step(closure)
        if kind is not torch.optim.LBFGS:
            optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))]})
        assert fingerprint([model, optimizer]) != before
        back()
        assert fingerprint([model, optimizer]) == before
        optimizer.step(closure)


def test_a_state_of_higher_precision_than_its_parameter_keeps_it() -> None:
    parameter = torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    master = optimizer.state[parameter]["master"] = torch.full((2,), 1 / 3)
    back = keep([optimizer])
    master.zero_()
    back()
    assert optimizer.state[parameter]["master"] is master
    assert master.tolist() == torch.full((2,), 1 / 3).tolist()


def test_plain_schedulers_and_scalers_come_back() -> None:
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    scaler = torch.amp.GradScaler("cpu")
    roots = [model, optimizer, scheduler, scaler]
    before, back = fingerprint(roots), keep(roots)
    scaler.scale(model(torch.ones(1, 3)).sum()).backward()
    scaler.step(optimizer)
    scaler.update()
    scheduler.step()
    back()
    assert fingerprint(roots) == before
    assert scheduler.last_epoch == 0
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_a_tensor_inside_a_graph_is_kept_as_which_it_is() -> None:
    model = torch.nn.Linear(2, 2)
    model.output = model(torch.ones(1, 2))
    back, output = keep([model]), model.output
    model.output = None
    back()
    assert model.output is output


def test_a_lazy_layer_is_refused() -> None:
    with pytest.raises(InputError, match=r"`find\(model\)` must have values in all its parameters, got 'a lazy layer"):
        keep([torch.nn.LazyLinear(3)])


def test_two_equal_states_of_data_are_equal_whichever_objects_they_are() -> None:
    def state() -> dict[str, Any]:
        return {"position": 3, "generator": torch.arange(4)}

    assert fingerprint([[state()]], identity=False) == fingerprint([[state()]], identity=False)
    assert fingerprint([[state()]], identity=False) != fingerprint([[state() | {"position": 4}]], identity=False)


def test_of_a_loader_the_samplers_are_kept_and_the_data_are_not_looked_into() -> None:
    examples = [torch.zeros(2) for _ in range(6)]
    generator = torch.Generator().manual_seed(1)
    loader = torch.utils.data.DataLoader(examples, 2, shuffle=True, generator=generator)  # type: ignore[arg-type, var-annotated]
    back, before = keep([loader]), fingerprint([loader])
    drawn = generator.get_state().tolist()

    list(loader)
    assert fingerprint([loader]) != before
    examples[0] += 1
    back()
    assert fingerprint([loader]) == before
    assert generator.get_state().tolist() == drawn
    assert examples[0].tolist() == [1.0, 1.0]
