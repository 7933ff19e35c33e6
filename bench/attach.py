"""What one ``scheduler.step()`` costs: ours against the bare assignment and against torch's own cosine.

Everything is timed in one run, in turn, many times over; a cell is the median over the repeats of the ratio within a
repeat, so a slow moment of the machine falls on both sides. Nothing is asserted. Columns:

    floor    an empty method that makes the same assignments: ``group["lr"] = rate``, times a multiplier where groups
             differ, or ``group["lr"].fill_(...)``
    torch    ``CosineAnnealingLR.step()`` on the same groups
    hooked   ours, with the two hooks in which the optimizer's step counts an update
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch.optim.lr_scheduler import CosineAnnealingLR

from lrdecay.adapters.torch.scheduler import attach
from lrdecay.schedule import Horizon, cosine

STEPS = 1_000_000
REPEATS = 301
CALLS = {1: 400, 50: 40}  # per repeat
CASES = {
    "1 group": [1.0],
    "50 groups, equal ratios": [1.0] * 50,
    "50 groups, distinct ratios": [1 - i / 100 for i in range(50)],
    "50 groups, tensor rates": [1 - i / 100 for i in range(50)],
}


class Floor:
    """The same assignments and nothing else."""

    def __init__(self, groups: list[dict[str, Any]], multipliers: list[float]) -> None:
        """Of one optimizer's groups."""
        self.group, self.groups, self.rate, self.tensor = groups[0], groups, 0.1, torch.tensor(0.1)
        self.multipliers = multipliers

    def one(self) -> None:
        """One group."""
        self.group["lr"] = self.rate

    def alike(self) -> None:
        """Several groups with one rate."""
        rate = self.rate
        for group in self.groups:
            group["lr"] = rate

    def many(self) -> None:
        """Several groups, each with its multiplier."""
        rate = self.rate
        for group, multiplier in zip(self.groups, self.multipliers):  # noqa: B905  (the floor checks nothing)
            group["lr"] = rate * multiplier

    def fill(self) -> None:
        """Several groups whose rates are tensors."""
        rate = self.rate
        for group, multiplier in zip(self.groups, self.multipliers):  # noqa: B905
            group["lr"].fill_(rate * multiplier)


def optimizer(ratios: list[float], *, tensors: bool) -> torch.optim.SGD:
    """One that has made an update, so that torch's scheduler does not warn."""
    groups = [
        {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": torch.tensor(ratio) if tensors else ratio}
        for ratio in ratios
    ]
    return torch.optim.SGD(groups, foreach=tensors or None)


def contenders(ratios: list[float], *, tensors: bool) -> dict[str, Callable[[], None]]:
    """The methods to be timed, each on an optimizer of its own."""
    floor = Floor(optimizer(ratios, tensors=tensors).param_groups, ratios)
    ours = attach(optimizer(ratios, tensors=tensors), cosine(0.1), Horizon(steps=STEPS))
    counted_optimizer = optimizer(ratios, tensors=tensors)
    counted = attach(counted_optimizer, cosine(0.1), Horizon(steps=STEPS))
    hooks = [
        *counted_optimizer._optimizer_step_pre_hooks.values(),
        *counted_optimizer._optimizer_step_post_hooks.values(),
    ]

    def hooked() -> None:
        for hook in hooks:
            hook(counted_optimizer, (), {})
        counted.step()

    theirs_optimizer = optimizer(ratios, tensors=tensors)
    theirs = CosineAnnealingLR(theirs_optimizer, T_max=STEPS)
    theirs_optimizer.step()
    alike = floor.one if len(ratios) == 1 else floor.alike
    bare = floor.fill if tensors else alike if set(ratios) == {1.0} else floor.many
    return {"floor": bare, "torch": theirs.step, "hooked": hooked, "ours": ours.step}


def nanoseconds(method: Callable[[], None], calls: int) -> float:
    """Per call."""
    start = time.perf_counter_ns()
    for _ in range(calls):
        method()
    return (time.perf_counter_ns() - start) / calls


def main() -> None:
    """Time every case and print the ratios."""
    torch.set_num_threads(1)
    table = Table(title=f"scheduler.step(), medians of {REPEATS} ratios; torch {torch.__version__}")
    for column in ("case", "ours / floor", "hooked / floor", "torch / ours", "ours"):
        table.add_column(column, justify="left" if column == "case" else "right")
    for name, ratios in CASES.items():
        methods = contenders(ratios, tensors="tensor" in name)
        calls = CALLS[len(ratios)]
        rows = [{key: nanoseconds(method, calls) for key, method in methods.items()} for _ in range(REPEATS)]
        table.add_row(
            name,
            *(
                f"{statistics.median(row[a] / row[b] for row in rows):.2f}x"
                for a, b in (("ours", "floor"), ("hooked", "floor"), ("torch", "ours"))
            ),
            f"{statistics.median(row['ours'] for row in rows) / 1000:.2f} us",
        )
    Console().print(table)


if __name__ == "__main__":
    main()
