"""A small training script that is steered from outside; run as a process of its own.

python steered.py WEIGHTS [--steps N] [--pause S] [--checkpoint FILE] [--every N] [--journal FILE] [--pace S]

It resumes from FILE if that is there, saves it every N updates (written aside, then put in place), and at its end
writes its weights, its journal and the rate of every update it made in the end.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

import lrdecay
from lrdecay.runs.live import desk


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("weights", type=Path)
    options.add_argument("--steps", type=int, default=300)
    options.add_argument("--pause", type=float, default=0.01)  # seconds between two looks at the store; a user's is 1
    options.add_argument("--pace", type=float, default=0.0)  # seconds that an update takes
    options.add_argument("--checkpoint", type=Path)
    options.add_argument("--every", type=int, default=20)
    options.add_argument("--journal")
    options.add_argument("--store")
    options.add_argument("--unsteered", action="store_true")
    asked = options.parse_args()
    desk.PAUSE, desk.SHARE = asked.pause, 0.0

    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1))
    optimizer = torch.optim.SGD(
        [{"params": model[0].parameters(), "lr": 1.0}, {"params": model[2].parameters(), "lr": 0.5}], momentum=0.9
    )
    data = torch.Generator().manual_seed(1)
    x = torch.randn(256, 8, generator=data)
    y = torch.sin(x.sum(1, keepdim=True))

    run = lrdecay.script(
        steps=asked.steps, name=None if asked.unsteered else "small", store=asked.store, steer=not asked.unsteered
    )
    scheduler = run.attach(optimizer, "warmup(10) + cosine(0.05)", journal=asked.journal)
    rates: list[list[float]] = []
    start = 0
    if asked.checkpoint is not None and asked.checkpoint.exists():
        saved = torch.load(asked.checkpoint, weights_only=True)
        model.load_state_dict(saved["model"])
        optimizer.load_state_dict(saved["optimizer"])
        scheduler.load_state_dict(saved["scheduler"])
        rates, start = saved["rates"], saved["step"]
    for t in run.steps(start=start):
        rates.append([group["lr"] for group in optimizer.param_groups])
        rows = torch.randint(256, (32,), generator=torch.Generator().manual_seed(t))
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
        scheduler.step()
        if asked.pace:
            time.sleep(asked.pace)
        if asked.checkpoint is not None and (t + 1) % asked.every == 0:
            states = {"model": model.state_dict(), "optimizer": optimizer.state_dict()}
            aside = asked.checkpoint.with_suffix(".new")
            torch.save({**states, "scheduler": scheduler.state_dict(), "rates": rates, "step": t + 1}, aside)
            aside.replace(asked.checkpoint)

    weights = [p.detach().flatten().tolist() for p in model.parameters()]
    state = scheduler.state_dict()
    ended = {"weights": weights, "rates": rates, "journal": state.get("feedback", {"journal": []})["journal"]}
    asked.weights.write_text(json.dumps(ended))


if __name__ == "__main__":
    main()
