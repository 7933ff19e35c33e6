"""What it costs a run to be steerable: seconds of an update with a channel, against the same loop without one.

    python -m bench.steering            about two minutes

Protocol, written before the first number:

Task. A linear model of 64 inputs and 10 outputs on a batch of 16, SGD, one thread: an update of some 100 microseconds,
smaller than any built-in task's. The loop is torch's own: zero_grad, forward, backward, step, scheduler.step().

Sides. *without*: the scheduler alone. *with*: the same, made steerable as a script is, at its own settings: SQLite in a
folder on this machine, one look a second. *directory*: the same with a store of plain files. *commanded*: SQLite, and
another thread sends a command every five seconds, which is more than a person does.

Numbers. Each side trains for `SECONDS` in turn with the others, `ROUNDS` times. *ratio* is the mean time of an update
with a channel over the mean without, of each round; the median of the rounds is told, with all of them. *looks*: the
share of its time that the process spent in the store, by the clock around each look; it is the same cost without the
noise of the machine, and what the target is about.

Target: at most 1% of the time of an update. Missing it is reported; nothing fails for being slow.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import torch

import lrdecay
from lrdecay.adapters.torch import attach
from lrdecay.runs.live.desk import Desk
from lrdecay.runs.store.opening import open_store

SECONDS, ROUNDS = 6.0, 5
SIDES = ("without", "with", "directory", "commanded")
spent = [0.0]


def timed(look):
    """A look, its seconds added to `spent`; the first ones, which open the store, are not what is measured."""

    def timed_look(self: Desk, t: int) -> None:
        opening, began = self.name is None, time.perf_counter()
        look(self, t)
        spent[0] += 0.0 if opening else time.perf_counter() - began

    return timed_look


class Side:
    """One loop, which goes on where it was."""

    def __init__(self, side: str, folder: Path) -> None:
        torch.manual_seed(0)
        self.model = torch.nn.Linear(64, 10)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        self.scheduler = attach(self.optimizer, "cosine(0.1)", lrdecay.Horizon(steps=1_000_000))
        self.x, self.y = torch.randn(16, 64), torch.randint(10, (16,))
        self.where = f"dir:{folder / side}" if side == "directory" else str(folder / f"{side}.db")
        self.commanded, self.updates, self.seconds, self.looking = side == "commanded", 0, 0.0, 0.0
        if side != "without":
            lrdecay.steerable(self.scheduler, side, store=self.where)
        self.train(1.5)  # opens the store

    def train(self, seconds: float) -> float:
        """Seconds of an update, over so many seconds."""
        ended = threading.Event()
        if self.commanded and self.updates:
            threading.Thread(target=self.command, args=(ended,), daemon=True).start()
        made, spent[0], began = 0, 0.0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            for _ in range(100):
                self.optimizer.zero_grad()
                torch.nn.functional.cross_entropy(self.model(self.x), self.y).backward()
                self.optimizer.step()
                self.scheduler.step()
            made += 100
        took = time.perf_counter() - began
        ended.set()
        self.updates, self.seconds, self.looking = self.updates + made, self.seconds + took, self.looking + spent[0]
        return took / made

    def command(self, ended: threading.Event) -> None:
        """A command every five seconds."""
        with open_store(self.where) as store:
            while not ended.wait(5.0):
                store.command("commanded", {"do": "scale", "factor": 0.99, "ramp": 10}, by="bench")


def main() -> None:
    """Print the table, and one line of JSON."""
    torch.set_num_threads(1)
    Desk.look = timed(Desk.look)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sides = {side: Side(side, folder) for side in SIDES}
        rounds = [{name: side.train(SECONDS) for name, side in sides.items()} for _ in range(ROUNDS)]
        found = {}
        for name, side in sides.items():
            ratios = [one[name] / one["without"] for one in rounds]
            found[name] = {
                "update_us": 1e6 * statistics.median(one[name] for one in rounds),
                "ratio": statistics.median(ratios),
                "ratios": ratios,
                "looks": side.looking / side.seconds,
            }
            row = found[name]
            spread = f"{min(ratios):.3f} to {max(ratios):.3f}"
            print(
                f"{name:<10} {row['update_us']:7.1f} us  ratio {row['ratio']:.3f} ({spread})  looks {row['looks']:.3%}"
            )
        print(json.dumps(found))


if __name__ == "__main__":
    main()
