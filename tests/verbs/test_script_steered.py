"""Scripts that are started by hand are steered without a line more, in a loop of one's own and in a trainer's."""

from __future__ import annotations

import os
import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.optim import SGD

import lrdecay
from lrdecay.adapters.torch import attach
from lrdecay.errors import InputError
from lrdecay.runs.live import desk
from lrdecay.runs.live.desk import Desk
from lrdecay.runs.seeding import kept_random_state

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in [*os.environ]:
        if name.startswith("LRDECAY_") or name == "RANK":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    with kept_random_state():
        yield


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> dict[int, dict[str, Any]]:
    """Commands by the step before which they are sent; the store is looked at before every update."""
    monkeypatch.setattr(desk, "PAUSE", 0.0)
    monkeypatch.setattr(desk, "SHARE", 0.0)
    commands: dict[int, dict[str, Any]] = {}
    look = Desk.look

    def sent(self: Desk, t: int) -> None:
        if t in commands:
            assert self._store is not None
            self._store.command(str(self.name), commands.pop(t), by="ann")
        look(self, t)

    monkeypatch.setattr(Desk, "look", sent)
    return commands


@pytest.mark.filterwarnings(
    "ignore::lightning.fabric.utilities.warnings.PossibleUserWarning", "ignore:.*treespec, LeafSpec.*"
)
@pytest.mark.parametrize("name", ["script", "script_lightning", "script_transformers"])
def test_an_example_started_by_hand_does_what_it_is_told(
    name: str, told: dict[int, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    script = EXAMPLES / f"{name}.py"
    monkeypatch.setattr("sys.argv", [str(script)])
    told[5] = {"do": "hold"}
    names = runpy.run_path(str(script))
    (standing,) = lrdecay.live()
    assert (standing.name, standing.state) == (name, "finished")
    assert standing.step == standing.steps == names["run"].horizon.steps
    assert [(edit["kind"], edit["step"]) for edit in standing.journal] == [("hold", 5)]
    table = lrdecay.parse(standing.schedule).bind(names["run"].horizon).values()
    assert standing.rate == table[5]
    scheduler = names["sched"] if "sched" in names else names["run"]._scheduler.scheduler
    assert scheduler.get_last_lr()[0] == table[5]


def trained(run: Any, loads: str | None = None, stop: int = 10, **options: Any) -> tuple[Any, list[float]]:
    model = torch.nn.Linear(2, 1)
    opt = SGD(model.parameters(), lr=1.0)
    sched = run.attach(opt, "cosine(0.1)", **options)
    start = 0
    if loads is not None:
        saved = torch.load(loads, weights_only=True)
        sched.load_state_dict(saved)
        start = saved["step"]
    rates = []
    for t in run.steps(start=start):
        rates.append(opt.param_groups[0]["lr"])
        opt.step()
        sched.step()
        if t + 1 == stop:
            break
    return sched, rates


def test_a_script_that_loads_its_own_checkpoint_goes_on_as_the_same_run(told: dict[int, dict[str, Any]]):
    told[3], told[7] = {"do": "drop", "ramp": 0}, {"do": "scale", "factor": 3.0, "ramp": 0}
    sched, rates = trained(lrdecay.script(steps=10, name="mine"), stop=5)
    torch.save(sched.state_dict(), "c.pt")
    desk_of = sched._callbacks[0].__self__.channel._desk
    for t in (6, 7, 8):  # what the first went on to do, and is not in the checkpoint
        desk_of.look(t)
    whole = [sched.dial.rate(t) for t in range(10)]
    from lrdecay.runs.live import names

    names._held.clear()  # as if it were killed
    again, rest = trained(lrdecay.script(steps=10, name="mine"), "c.pt")
    assert rates + rest == whole
    assert [edit.step for edit in again.dial.journal] == [3, 7]
    assert rates[3] == pytest.approx(0.1 * lrdecay.parse("cosine(0.1)").bind(lrdecay.Horizon(steps=10))(3))


def test_a_checkpoint_that_is_loaded_after_the_first_look_is_gone_on_from_at_its_own_step(
    told: dict[int, dict[str, Any]],
):
    told[5] = {"do": "drop", "ramp": 0}
    sched, _ = trained(lrdecay.script(steps=10, name="mine"), stop=4)
    state = sched.state_dict()
    for _ in range(2):
        sched.optimizer.step()
        sched.step()
    assert [edit.step for edit in sched.dial.journal] == [5]
    dropped = sched.dial.rate(5)
    sched.optimizer.step()
    sched.load_state_dict(state | {"step": 5})  # a checkpoint of step 5 from before the command
    assert [edit.step for edit in sched.dial.journal] == [5]
    assert sched.optimizer.param_groups[0]["lr"] == dropped


def test_with_steer_false_nothing_is_written(told: dict[int, dict[str, Any]], tmp_path: Path):
    _, rates = trained(lrdecay.script(steps=10, steer=False))
    assert rates == lrdecay.parse("cosine(0.1)").bind(lrdecay.Horizon(steps=10)).values().tolist()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_cannot_be_steered_says_so_once_and_trains(
    told: dict[int, dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "lrdecay-reports").write_text("in the way")
    _, rates = trained(lrdecay.script(steps=10))
    assert rates == lrdecay.parse("cosine(0.1)").bind(lrdecay.Horizon(steps=10)).values().tolist()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("lrdecay: this run goes on, and cannot be steered (script(steer=False) says nothing)")
    with pytest.raises(InputError, match="lrdecay-reports"):
        trained(lrdecay.script(steps=10, steer=True))


def test_a_plan_and_several_processes_that_know_nothing_of_each_other_cannot_be_steered(
    told: dict[int, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    opt = SGD(torch.nn.Linear(2, 1).parameters(), lr=1.0)
    plan = attach(opt, "plan(lr=cosine(0.1), momentum=0.9)", lrdecay.Horizon(steps=5))
    with pytest.raises(InputError, match="a plan"):
        lrdecay.steerable(plan, "x")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match=r"Initialise torch\.distributed"):
        trained(lrdecay.script(steps=10, steer=True))
    with pytest.raises(InputError, match="must be driven by a dial, got 'int'"):
        lrdecay.steerable(3)


def test_a_bad_name_and_a_bad_switch_are_refused():
    with pytest.raises(InputError, match=r"script\(name=...\)` must be 1 to 100 letters"):
        lrdecay.script(steps=3, name="my run")
    with pytest.raises(InputError, match=r"script\(steer=...\)` must be True or False"):
        lrdecay.script(steps=3, steer="no")


def test_a_journal_is_repeated_and_must_go_on_from_the_checkpoints(told: dict[int, dict[str, Any]]):
    told[3], told[6] = {"do": "drop", "ramp": 0}, {"do": "undo"}
    first, rates = trained(lrdecay.script(steps=10, name="first"))
    told.clear()
    state = first.state_dict()
    for journal in (state, state["feedback"], [edit.to_json() for edit in first.dial.journal]):
        again, repeated = trained(lrdecay.script(steps=10, steer=False), journal=journal)
        assert repeated == rates
        assert [edit.sequence for edit in again.dial.journal] == [0, 0]
    torch.save(again.state_dict(), "c.pt")
    other = [{"sequence": 0, "step": 1, "kind": "hold"}]
    with pytest.raises(InputError, match="must begin with what the checkpoint's journal holds"):
        trained(lrdecay.script(steps=10, steer=False), "c.pt", journal=other)
    with pytest.raises(InputError, match=r"must be a file of JSON, got 'none.json'"):
        trained(lrdecay.script(steps=10), journal="none.json")
    with pytest.raises(InputError, match="must be a list of edits"):
        trained(lrdecay.script(steps=10), journal={"a": 1})


def test_a_keras_callback_is_steered_by_the_same_line(told: dict[int, dict[str, Any]]):
    import keras
    import numpy as np

    from lrdecay.adapters.keras import LRDecay

    told[3] = {"do": "scale", "factor": 0.5, "ramp": 0}
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    callback = lrdecay.steerable(LRDecay("constant(0.1)", lrdecay.Horizon(steps=6)), "fit")
    history = model.fit(np.ones((12, 2)), np.ones((12, 1)), batch_size=6, epochs=3, callbacks=[callback], verbose=0)
    assert history.history["learning_rate"] == [0.1, 0.05, 0.05]
    assert [edit.step for edit in callback.dial.journal] == [3]
    assert lrdecay.live("fit")[0].journal[0]["step"] == 3


def test_a_jax_loop_is_steered_by_the_same_line(told: dict[int, dict[str, Any]]):
    from lrdecay.adapters.optax import ruled

    told[3] = {"do": "scale", "factor": 0.5, "ramp": 0}
    rate = lrdecay.steerable(ruled("constant(0.1)", lrdecay.Horizon(steps=6)), "loop")
    assert [rate.rate(t) for t in range(6)] == [0.1, 0.1, 0.1, 0.05, 0.05, 0.05]
