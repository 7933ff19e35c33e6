"""One of two processes under one rule, each with losses of its own; prints what it saw as JSON.

python ruled_ranks.py RANK FILE
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import torch
from tests.adapters.rules import falling
from torch import distributed

from lrdecay.adapters.torch import attach
from lrdecay.errors import LrdecayError
from lrdecay.schedule import Horizon, constant

# On their own, rank 0 would drop after updates 2 and 6, rank 1 after 4; the means rise at 3 and at 6.
SEEN = ([4.0, 5.0, 5.5, 2.0, 1.0, 3.0, 3.0], [4.0, 2.0, 2.0, 2.5, 1.0, 0.5, 0.5])


def main(rank: int) -> dict[str, Any]:
    """Seven updates with an observation after each, then what goes wrong on one rank alone."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(2))], lr=0.1)
    scheduler = attach(optimizer, constant(0.1) * falling(), Horizon(steps=20))
    rates = []
    for loss in SEEN[rank]:
        optimizer.step()
        scheduler.observe(loss=torch.tensor(loss))
        scheduler.step()
        rates.append(optimizer.param_groups[0]["lr"])
    found: dict[str, Any] = {"rates": rates, "events": [event.to_json() for event in scheduler.events]}
    found["state"] = scheduler.state_dict()
    scheduler.observe(loss=float("nan") if rank else 0.1)
    found["nan"] = scheduler.dial.state()["rule"]["state"]["own"]
    for name, values in {"lacking": {} if rank else {"loss": 1.0}, "another update": {"loss": 1.0}}.items():
        if name == "another update" and rank:
            optimizer.step()
        try:
            scheduler.observe(**values)
        except LrdecayError as problem:
            found[name] = f"{type(problem).__name__}: {problem}"
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    own = int(sys.argv[1])
    distributed.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=own, world_size=2)
    print(json.dumps(main(own)), flush=True)
    distributed.destroy_process_group()
    os._exit(0)  # what gloo leaves takes long to go
