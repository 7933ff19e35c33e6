"""One of two processes that look for a rate together; prints what it saw as JSON. `test_ranks` starts both.

python two_ranks.py RANK FILE
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from typing import Any

import torch
from torch import distributed
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

import lrdecay

RANK = int(sys.argv[1]) if __name__ == "__main__" else 0
SHAPE: dict[str, Any] = {"repeats": 3, "points": 100}
SHORT: dict[str, Any] = {"repeats": 2, "points": 16, "low": 1e-3, "high": 30.0}


class World:
    """A wrapped model, a loader of this rank's share, and a loss that goes wrong on one rank at one call."""

    def __init__(self) -> None:
        torch.manual_seed(0)
        first = [torch.nn.Linear(20, 64), torch.nn.BatchNorm1d(64), torch.nn.ReLU(), torch.nn.Dropout(0.1)]
        self.model = DistributedDataParallel(torch.nn.Sequential(*first, torch.nn.Linear(64, 5)))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3)
        g = torch.Generator().manual_seed(1)
        x = torch.randn(384, 20, generator=g)
        data = TensorDataset(x, x[:, :5].argmax(1))
        self.loader = DataLoader(data, 32, sampler=DistributedSampler(data, seed=3))
        torch.manual_seed(RANK)
        self.calls, self.wrong = 0, lambda call: None
        self.heard: list[float] = []

    def loss(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        value = functional.cross_entropy(output, target)
        self.heard.append(float(value.detach()))
        if RANK == 1:
            changed = self.wrong(self.calls)
            value = value if changed is None else value * changed
        return value

    def train(self) -> None:
        wrong, self.wrong = self.wrong, lambda call: None
        for x, y in self.loader:
            self.optimizer.zero_grad()
            self.loss(self.model(x), y).backward()
            self.optimizer.step()
        self.wrong = wrong

    def find(self, **more: Any) -> Any:
        self.calls = 0
        return lrdecay.find(self.model, self.optimizer, **({"loss": self.loss, "loader": self.loader} | SHAPE | more))

    def left(self) -> str:
        total = hashlib.sha256(torch.get_rng_state().numpy().tobytes())
        for p in [*self.model.parameters(), *self.model.buffers()]:
            total.update(p.detach().numpy().tobytes())
            total.update(b"" if p.grad is None else p.grad.numpy().tobytes())
        for state in self.optimizer.state.values():
            total.update(state["exp_avg"].numpy().tobytes())
        total.update(repr((self.loader.sampler.epoch, self.optimizer.param_groups[0]["lr"])).encode())
        return total.hexdigest()


def raising(kind: type[BaseException], at: int) -> Any:
    def wrong(call: int) -> None:
        if call == at:
            msg = "on purpose"
            raise kind(msg)

    return wrong


def interrupting(call: int) -> None:
    if call == 9:
        signal.raise_signal(signal.SIGINT)


class Dry:
    """A loader that raises on rank 1."""

    def __init__(self, loader: Any) -> None:
        self.loader = loader

    def __iter__(self) -> Any:
        for i, batch in enumerate(self.loader):
            if RANK == 1 and i == 3:
                msg = "on purpose"
                raise OSError(msg)
            yield batch


def said(world: World, **more: Any) -> dict[str, Any]:
    """How a range test ended, whether all was put back, and whether training goes on."""
    before = world.left()
    try:
        ended = [len(c.losses) for c in world.find(**(SHORT | more)).curves]
    except BaseException as problem:
        ended = " ".join([f"{type(problem).__name__}: {problem}", *getattr(problem, "__notes__", [])])
    back = world.left() == before
    world.train()
    return {"ended": ended, "back": back, "calls": world.calls, "left": world.left()}


def stepping(world: World, wrong: Any = lambda call: None, alone: int | None = None) -> Any:
    """A step function that averages its own gradients, on the bare model; ``alone``: rank 1 skips that step."""
    x, y = next(iter(world.loader))
    model, calls = world.model.module, 0

    def step_fn() -> torch.Tensor:
        nonlocal calls
        calls += 1
        world.optimizer.zero_grad()
        loss = functional.cross_entropy(model(x), y)
        loss.backward()
        for p in model.parameters():
            distributed.all_reduce(p.grad)
        if not (RANK == 1 and calls == alone):
            world.optimizer.step()
        if RANK == 1:
            wrong(calls)
        return loss

    return {"step_fn": step_fn, "loss": None, "loader": None}


def main() -> dict[str, Any]:
    world = World()
    found = world.find(heldout=[next(iter(world.loader))], heldout_every=10)
    result: dict[str, Any] = {
        "found": found.to_json(),
        "task": found.task,
        "heard": world.heard[found.curves[0].critical.passes + 2 :][:2],  # an update, the looks along it; held-out
        "first losses": found.curves[0].losses[:2].tolist(),
    }

    world.train()
    result["fit"] = []
    for look in (False, True):
        one = World()
        one.train()
        if look:
            one.find(**SHORT)
        one.train()
        result["fit"].append(one.left())

    for name, wrong in {
        "raises": raising(ValueError, 20),
        "at the first call": raising(ValueError, 1),
        "exits": raising(SystemExit, 30),
        "ctrl-c": interrupting,
        "diverges": lambda call: float("inf") if call == 40 else None,
    }.items():
        world.wrong = wrong
        result[name] = said(world)
    world.wrong = lambda call: None
    result["loader"] = said(world, loader=Dry(world.loader))
    result["bad"] = said(world, loss=None if RANK == 1 else world.loss)
    result["step_fn"] = said(world, **stepping(world))
    result["step_fn raises"] = said(world, **stepping(world, raising(ValueError, 13)))
    result["steps alone"] = said(world, **stepping(world, alone=7))

    groups = [distributed.new_group([0]), distributed.new_group([1])]
    bare = torch.nn.Linear(20, 5)
    options = {"loss": functional.cross_entropy, "loader": world.loader, **SHORT}
    optimizer = torch.optim.SGD(bare.parameters(), lr=0.1)
    alone = lrdecay.find(bare, optimizer, group=groups[RANK], **options)
    result["alone"] = [alone.notes, alone.curves[0].losses[0]]
    try:
        lrdecay.find(bare, optimizer, group=groups[1 - RANK], **options)
    except lrdecay.InputError as problem:
        result["foreign"] = str(problem)
    return result


if __name__ == "__main__":
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=RANK, world_size=2)
    print(json.dumps(main()), flush=True)
    distributed.destroy_process_group()
    os._exit(0)  # what gloo leaves takes long to go
