"""A user's script played in this process under a study's orders: what it logged, and the names it left behind."""

from __future__ import annotations

import hashlib
import json
import os
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import lrdecay
from lrdecay.runs.protocol import Orders, variables
from lrdecay.runs.seeding import kept_random_state
from lrdecay.schedule import Horizon, parse

EXAMPLES = Path(__file__).parents[2] / "examples"


def play(script: Path, folder: Path, **orders: Any) -> tuple[dict[int, float], dict[str, Any], list[dict[str, Any]]]:
    """Run a script as a study would start it; gives the loss of each step, the script's names, and all events."""
    folder.mkdir(exist_ok=True)
    events = folder / "events.jsonl"
    events.write_text("")
    runs: list[Any] = []
    opened = lrdecay.script
    with pytest.MonkeyPatch.context() as patch, kept_random_state():
        patch.setattr(lrdecay, "script", lambda **says: runs.append(opened(**says)) or runs[-1])  # type: ignore[func-returns-value]
        for name in [n for n in os.environ if n.startswith("LRDECAY_") or n == "RANK"]:
            patch.delenv(name)
        for name, value in variables(Orders(events=events, **orders)).items():
            patch.setenv(name, value)
        try:
            names = runpy.run_path(str(script))
        finally:
            for run in runs:
                run._events.close()
    said = [json.loads(line) for line in events.read_text().splitlines()]
    rows = [event for event in said if event["event"] == "row" and "loss" in event["values"]]
    losses = {event["step"]: float(event["values"]["loss"]) for event in rows}
    assert len(losses) == len(rows), "one loss for each update"
    return losses, names, said


def rates_file(folder: Path, spec: str, steps: int) -> Path:
    """The rates of a schedule as a study hands them over."""
    path = folder / "rates.npy"
    np.save(path, parse(spec).bind(Horizon(steps=steps)).values())
    return path


def checksum(module: torch.nn.Module) -> str:
    """Of all weights, bit for bit."""
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(name.encode() + value.numpy().tobytes())
    return digest.hexdigest()


def assert_forks_are_the_run(script: Path, folder: Path, spec: str, steps: int, forks: list[int], model: Any) -> None:
    """Stop at a step, save, start again from there: the losses and the weights of the run that went through.

    ``model`` gives the module from the script's names.
    """
    rates = rates_file(folder, spec, steps)
    told = {"rates": rates, "spec": spec, "steps": steps, "seed": 7}
    whole, names, said = play(script, folder, **told)
    assert sorted(whole) == list(range(steps))
    assert [event["rate"] for event in said if event["event"] == "row" and "loss" in event["values"]] == np.load(
        rates
    ).tolist()
    for step in forks:
        checkpoint = folder / f"checkpoint-at-{step}"
        head, _, heard = play(script, folder, **told, stop=step, save=checkpoint)
        assert head == {t: whole[t] for t in range(step)}
        assert {"event": "end", "step": step} in heard
        tail, again, heard = play(script, folder, **told, load=checkpoint)
        assert tail == {t: whole[t] for t in range(step, steps)}, step
        assert {"event": "end", "step": steps} in heard
        assert checksum(model(again)) == checksum(model(names)), step
