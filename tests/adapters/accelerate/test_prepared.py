"""Under a real Accelerator: one step of the schedule per update, on one process or two, and across a checkpoint."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.scheduler import AcceleratedScheduler
from accelerate.state import AcceleratorState, PartialState
from tests.adapters.played import assert_forks_are_the_run, checksum, play

import lrdecay
from lrdecay.adapters.accelerate import attach, unwrapped
from lrdecay.adapters.torch import attach as attach_to_torch
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, parse

SPEC, STEPS = "warmup(2) + cosine(0.1)", 6
X = torch.randn(48, 3, generator=torch.Generator().manual_seed(0))


def values() -> list[float]:
    return parse(SPEC).bind(Horizon(steps=STEPS)).values().tolist()  # type: ignore[no-any-return]


class Run:
    """A linear model, 12 batches, an update for every second one."""

    def __init__(self, when: str = "after", **more: Any) -> None:
        torch.manual_seed(0)
        self.accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2, **more)
        self.model = torch.nn.Linear(3, 1)
        optimizer = torch.optim.SGD(self.model.parameters(), lr=1.0, momentum=0.9)
        loader = torch.utils.data.DataLoader(X, 4)  # type: ignore[arg-type, var-annotated]
        if when == "before":
            self.scheduler = attach(self.accelerator, optimizer, SPEC, Horizon(steps=STEPS))
        self.model, self.optimizer, self.loader = self.accelerator.prepare(self.model, optimizer, loader)
        if when == "after":
            self.scheduler = attach(self.accelerator, self.optimizer, SPEC, Horizon(steps=STEPS))
        if when == "torch":
            self.scheduler = self.accelerator.prepare(
                attach_to_torch(unwrapped(self.optimizer), SPEC, Horizon(steps=STEPS))
            )
        self.used: list[float] = []
        unwrapped(self.optimizer).register_step_pre_hook(lambda o, *_: self.used.append(o.param_groups[0]["lr"]))

    def train(self, batches: range) -> None:
        for i, x in enumerate(self.loader):
            if i in batches:
                with self.accelerator.accumulate(self.model):
                    self.accelerator.backward(self.model(x).square().mean())
                    self.optimizer.step()
                    self.scheduler.step()
                    self.optimizer.zero_grad()


@pytest.mark.parametrize("when", ["before", "after", "torch"])
def test_accumulated_batches_are_one_update_whenever_it_is_attached(when: str) -> None:
    run = Run(when)
    run.train(range(12))
    assert run.used == values()


@pytest.mark.parametrize("split", [False, True])
def test_a_scheduler_stepped_once_per_process_makes_one_step(split: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run()
    wrapped = AcceleratedScheduler(run.scheduler, run.optimizer, split_batches=split)
    torch_scheduler = torch.optim.lr_scheduler.StepLR(torch.optim.SGD([torch.nn.Parameter(X)], lr=1.0), 1)
    theirs = AcceleratedScheduler(torch_scheduler, run.optimizer, split_batches=split)
    for state in (PartialState, AcceleratorState):
        monkeypatch.setitem(state._shared_state, "num_processes", 4)
    unwrapped(run.optimizer).step()
    torch_scheduler.optimizer.step()
    wrapped.step()
    theirs.step()
    assert torch_scheduler.last_epoch == (1 if split else 4), "torch's own is stepped for each process"
    assert run.scheduler.count == 1
    assert run.scheduler.get_last_lr() == [values()[1]]


TWO = """
    import sys, torch
    from accelerate import Accelerator
    import lrdecay
    from lrdecay import Horizon
    from lrdecay.adapters.accelerate import unwrapped
    accelerator = Accelerator(cpu=True)
    model, optimizer = torch.nn.Linear(3, 1), None
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    theirs = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1.0)
    model, optimizer, theirs = accelerator.prepare(model, optimizer, theirs)
    scheduler = lrdecay.accelerate.attach(accelerator, optimizer, "linear(0.5)", Horizon(steps=5))
    prepared = accelerator.prepare(scheduler)
    lambdas = accelerator.prepare(torch.optim.lr_scheduler.LambdaLR(unwrapped(theirs), lambda t: t))
    used = []
    for _ in range(5):
        used.append(optimizer.param_groups[0]["lr"])
        accelerator.backward(model(torch.ones(2, 3)).sum())
        optimizer.step(); theirs.step()
        prepared.step(); lambdas.step()
    if accelerator.is_main_process:
        print(accelerator.num_processes, used, lambdas.scheduler.last_epoch)
    accelerator.end_training()
"""


def test_two_processes_make_the_steps_of_one(tmp_path: Path) -> None:
    script = tmp_path / "two.py"
    script.write_text(textwrap.dedent(TWO))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    world = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "ACCELERATE_USE_CPU": "1"}
    children = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", str(script)],
            env={**os.environ, **world, "RANK": rank, "LOCAL_RANK": rank, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in "01"
    ]
    said = [child.communicate(timeout=120) for child in children]
    assert [child.returncode for child in children] == [0, 0], said
    expected = parse("linear(0.5)").bind(Horizon(steps=5)).values().tolist()
    assert said[0][0].strip() == f"2 {expected} 10", "torch's own makes ten steps"


def test_what_the_accelerator_saves_is_loaded_and_goes_on_bit_for_bit(tmp_path: Path) -> None:
    whole = Run()
    whole.train(range(12))
    half = Run()
    half.train(range(6))
    half.accelerator.save_state(str(tmp_path / "state"))
    state = torch.load(tmp_path / "state" / "scheduler.bin", weights_only=True)
    assert (state["step"], state["schedule"]) == (3, SPEC)
    again = Run()
    again.accelerator.load_state(str(tmp_path / "state"))
    assert again.scheduler.count == 3
    again.train(range(6, 12))
    assert again.used == values()[3:]
    assert checksum(again.model) == checksum(whole.model)


def test_an_update_that_mixed_precision_skips_is_none() -> None:
    run = Run()
    run.optimizer.scaler = scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    run.optimizer.__setstate__(run.optimizer.__dict__)  # the optimizer is to know its scaler
    for poison in (1.0, float("inf"), 1.0):
        run.accelerator.gradient_state._set_sync_gradients(True)
        scaler.scale(run.model(X[:4]).square().mean() * poison).backward()
        run.optimizer.step()
        run.scheduler.step()
        run.optimizer.zero_grad()
    assert run.scheduler.count == 2
    assert run.used == values()[:2]


def test_what_is_no_accelerator_or_no_optimizer_of_torchs_is_refused() -> None:
    run = Run()
    with pytest.raises(InputError, match=r"`attach\(accelerator\)` must be an accelerate.Accelerator, got 3"):
        attach(3, run.optimizer, SPEC, Horizon(steps=STEPS))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"must be a torch.optim.Optimizer"):
        attach(run.accelerator, object(), SPEC, Horizon(steps=STEPS))


SCRIPT = """
from pathlib import Path
import torch
from tests.adapters.accelerate.test_prepared import X
from accelerate import Accelerator
import lrdecay
run = lrdecay.script(steps=6)
accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Dropout(0.5), torch.nn.Linear(4, 1))
model, optimizer = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=1.0, momentum=0.9))
scheduler = run.attach(optimizer, "cosine(0.1)")
def load(path):
    accelerator.load_state(path)
    return int(Path(path, "t").read_text())
def save(path, t):
    accelerator.save_state(path)
    Path(path, "t").write_text(str(t))
for t in run.steps(save=save, load=load):
    total = 0.0
    for half in (0, 1):
        accelerator.gradient_state._set_sync_gradients(half == 1)
        loss = model(X[4 * (2 * t + half):][:4]).square().mean() / 2
        accelerator.backward(loss)
        optimizer.step(); scheduler.step(); optimizer.zero_grad()
        total += loss.detach()
    run.log(loss=total)
"""


def test_a_script_with_a_prepared_optimizer_forks_bit_for_bit(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    assert_forks_are_the_run(script, tmp_path, "cosine(0.2)", 6, [1, 4], lambda names: names["model"])
    _, names, _ = play(script, tmp_path, steps=6)
    assert names["scheduler"].count == 6


def test_the_short_name_is_the_adapter() -> None:
    assert lrdecay.accelerate.attach is attach
