"""One of two ranks of a DistributedDataParallel run that is steered; prints what it drove as JSON.

python two_steered.py RANK MEETING STORE
"""

from __future__ import annotations

import json
import os
import sys
import time

import torch
from torch import distributed
from torch.nn.parallel import DistributedDataParallel

import lrdecay
from lrdecay.adapters.torch import attach
from lrdecay.runs.live import desk
from lrdecay.runs.store.opening import open_store

STEPS = 500


def main() -> None:
    """Train, and at update 150 tell the run to drop."""
    rank, store = int(sys.argv[1]), sys.argv[3]
    desk.PAUSE, desk.SHARE = 0.02, 0.0
    torch.manual_seed(0)
    model = DistributedDataParallel(torch.nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    scheduler = attach(optimizer, "cosine(0.05)", lrdecay.Horizon(steps=STEPS))
    lrdecay.steerable(scheduler, "two", store=store)
    g = torch.Generator().manual_seed(rank)
    rates, edits = [], []
    for t in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.zero_grad()
        model(torch.randn(8, 4, generator=g)).square().mean().backward()
        optimizer.step()
        scheduler.step()
        edits.append(len(scheduler.dial.journal))
        if rank == 0 and t == 150:  # from another rank's point of view, at any time
            with open_store(store) as kept:
                kept.command("two", {"do": "drop", "ramp": 0}, by="ann")
        time.sleep(0.0005 * rank)
    weights = [p.tolist() for p in model.parameters()]
    journal = [edit.to_json() for edit in scheduler.dial.journal]
    print(json.dumps({"rates": rates, "edits": edits, "weights": weights, "journal": journal}), flush=True)


if __name__ == "__main__":
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    own = int(sys.argv[1])
    distributed.init_process_group("gloo", init_method=f"file://{sys.argv[2]}", rank=own, world_size=2)
    main()
    distributed.destroy_process_group()
    os._exit(0)  # what gloo leaves takes long to go
