"""Training twice, once with a range test in the middle: a small world with all that a range test could disturb.

`fit(trial)` is the run; `fit(trial, find=True)` the same with `find` before its second half, which may fail at a call.
Both give all they leave behind, as bytes and numbers, taken without the code that is tested.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from attrs import frozen
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from lrdecay.adapters.torch import attach, find
from lrdecay.schedule import Horizon

OPTIMIZERS: dict[str, tuple[type[torch.optim.Optimizer], dict[str, Any]]] = {
    "sgd": (torch.optim.SGD, {}),
    "momentum": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True, "weight_decay": 1e-4}),
    "adamw": (torch.optim.AdamW, {}),
    "adamw tensor rate": (torch.optim.AdamW, {"foreach": False}),
}


@frozen
class Trial:
    """One combination."""

    optimizer: str = "sgd"
    way: str = "loader"  # or "step_fn"
    accumulate: int = 1
    amp: str = "none"  # or "bf16" or "scaler"
    warm: int = 3  # updates before the range test
    fails_at: int | None = None  # the call of the loss, in the range test, that raises
    failure: type[BaseException] = ValueError
    scheduled: bool = False
    seed: int = 0

    @property
    def name(self) -> str:
        """For pytest."""
        failing = "" if self.fails_at is None else f", {self.failure.__name__} at {self.fails_at}"
        words = f"{self.optimizer}, {self.way}, {self.accumulate}, {self.amp}, warm {self.warm}"
        return f"{self.seed}: {words}{', scheduled' if self.scheduled else ''}{failing}"


def drawn(seed: int) -> Trial:
    """A random combination."""
    r = random.Random(seed)
    return Trial(
        optimizer=r.choice(list(OPTIMIZERS)),
        way=r.choice(["loader", "step_fn"]),
        accumulate=r.choice([1, 1, 2, 3]),
        amp=r.choice(["none", "bf16", "scaler"]),
        warm=r.choice([0, 1, 2, 5]),
        fails_at=r.choice([None, r.randrange(60)]),
        failure=r.choice([ValueError, KeyboardInterrupt, SystemExit]),
        scheduled=r.random() < 0.5,
        seed=seed,
    )


class Counted(torch.nn.Module):
    """A network with dropout, batch norm, a frozen layer in evaluation mode, and a counter of its own that matters."""

    def __init__(self) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Linear(6, 12), torch.nn.BatchNorm1d(12), torch.nn.ReLU(), torch.nn.Dropout(0.3)
        )
        self.frozen = torch.nn.BatchNorm1d(12).train(False)
        self.head = torch.nn.Linear(12, 3)
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Noise that fades with the calls made."""
        self.calls += 1
        noise = float(np.random.random()) + random.random()  # noqa: NPY002
        return self.head(self.frozen(self.body(x))) * (1 + noise / (10 + self.calls))


class World:
    """Model, optimizer, data and loop, all from one seed."""

    def __init__(self, trial: Trial) -> None:
        self.trial = trial
        random.seed(trial.seed)
        np.random.seed(trial.seed)  # noqa: NPY002
        torch.manual_seed(trial.seed)
        self.model = Counted()
        kind, options = OPTIMIZERS[trial.optimizer]
        rate = torch.tensor(0.05) if "tensor" in trial.optimizer else 0.05
        other = torch.tensor(0.01) if "tensor" in trial.optimizer else 0.01
        groups = [
            {"params": self.model.body.parameters(), "lr": other},
            {"params": self.model.head.parameters(), "lr": rate},
        ]
        self.optimizer = kind(groups, lr=0.05, **options)
        x, y = torch.randn(48, 6), torch.arange(48) % 3
        self.loader = DataLoader(TensorDataset(x, y), batch_size=8, shuffle=True)
        self.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127) if trial.amp == "scaler" else None
        self.scheduler: Any = attach(self.optimizer, "cosine(0.05)", Horizon(steps=20)) if trial.scheduled else None
        self.position, self.micro, self.calls = 0, 0, -1
        self.x, self.y = x, y
        self.losses: list[float] = []

    def loss(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Cross-entropy that raises at one call of many."""
        self.calls += 1
        if self.calls == self.trial.fails_at:
            msg = "on purpose"
            raise self.trial.failure(msg)
        return functional.cross_entropy(output, target)

    def work(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """One micro-batch of the user's own loop."""
        with torch.autocast("cpu", torch.bfloat16, enabled=self.trial.amp == "bf16"):
            loss = self.loss(self.model(x), y)
        share = loss / self.trial.accumulate
        (share if self.scaler is None else self.scaler.scale(share)).backward()
        self.micro += 1
        if self.micro % self.trial.accumulate == 0:
            if self.scaler is None:
                self.optimizer.step()
            else:
                self.scaler.step(self.optimizer)
                self.scaler.update()
            if self.micro % 2:  # once freed, once zeroed, to leave both kinds behind
                self.optimizer.zero_grad(set_to_none=True)
            else:
                self.optimizer.zero_grad(set_to_none=False)
            if self.scheduler is not None:
                self.scheduler.step()
        return loss

    def step_fn(self) -> torch.Tensor:
        """The next slice of the data."""
        index = torch.arange(self.position, self.position + 8) % 48
        self.position += 8
        return self.work(self.x[index], self.y[index])

    def train(self, calls: int) -> None:
        """The user's own training."""
        self.calls = -(10**9)
        if self.trial.way == "step_fn":
            self.losses += [float(self.step_fn().detach()) for _ in range(calls)]
            return
        made = 0
        while made < calls:
            for x, y in self.loader:
                if made == calls:
                    break
                self.losses.append(float(self.work(x, y).detach()))
                made += 1

    def find(self, **more: Any) -> Any:
        """A range test as a user would call it."""
        self.calls = -1
        shape = {"repeats": 2, "points": 12, "low": 1e-3, "high": 100.0, "heldout_every": 4} | more
        heldout = [(self.x[:8], self.y[:8])]
        if self.trial.way == "step_fn":

            def load(saved: tuple[int, int]) -> None:
                self.position, self.micro = saved

            rewind = (lambda: (self.position, self.micro), load)
            return find(
                self.model,
                self.optimizer,
                self.step_fn,
                loss=functional.cross_entropy,
                rewind=rewind,
                scaler=self.scaler,
                heldout=heldout,
                **shape,
            )
        autocast = torch.bfloat16 if self.trial.amp == "bf16" else None
        return find(
            self.model,
            self.optimizer,
            loss=self.loss,
            loader=self.loader,
            scaler=self.scaler,
            accumulate=self.trial.accumulate,
            autocast=autocast,
            heldout=heldout,
            **shape,
        )

    def left(self) -> dict[str, Any]:
        """All that is left behind."""

        def raw(value: Any) -> Any:
            return (str(value.dtype), value.numpy().tobytes()) if torch.is_tensor(value) else value

        state = self.optimizer.state_dict()
        name, keys, *more = np.random.get_state()  # noqa: NPY002
        return {
            "losses": list(self.losses),
            "model": {k: raw(v) for k, v in self.model.state_dict().items()},
            "objects": [id(p) for p in self.model.parameters()],
            "rates": [id(g["lr"]) for g in self.optimizer.param_groups if torch.is_tensor(g["lr"])],
            "gradients": [None if p.grad is None else raw(p.grad) for p in self.model.parameters()],
            "modes": [m.training for m in self.model.modules()],
            "calls": self.model.calls,
            "optimizer": [[(k, raw(v)) for k, v in entries.items()] for entries in state["state"].values()],
            "groups": [{k: raw(v) for k, v in group.items()} for group in state["param_groups"]],
            "scaler": None if self.scaler is None else self.scaler.state_dict(),
            "count": None if self.scheduler is None else self.scheduler.state_dict(),
            "data": (self.position, self.micro),
            "random": (random.getstate(), name, keys.tobytes(), *more, raw(torch.get_rng_state())),
        }


def fit(trial: Trial, *, found: Callable[[World], None] | None = None) -> dict[str, Any]:
    """Train, look for a rate if asked to, train on; and what is left."""
    world = World(trial)
    world.train(trial.warm * trial.accumulate)
    if found is not None:
        before = world.left()
        found(world)
        assert world.left() == before
    world.train(5 * trial.accumulate)
    left = world.left()
    del left["objects"], left["rates"]  # of two worlds, they are two
    return left
