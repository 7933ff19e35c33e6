"""Reading the loss of averaged weights out of logs that hold it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lrdecay.adapters.torch import TorchTask
from lrdecay.errors import InputError
from lrdecay.logs.averaged import averaged_column, read_averaged
from lrdecay.runs.drive import leg, trace_of
from lrdecay.runs.trace import Trace
from lrdecay.tasks.digits import digits

STEPS = np.arange(10, 401, 10)
AVERAGED = 3.0 - 0.2 * np.log(STEPS / 400)
PLAIN = AVERAGED + 0.3


def csv(folder: Path, averaged: str = "averaged", falls_from: int = 400) -> Path:
    path = folder / "watch.csv"
    rates = np.where(falls_from < STEPS, 0.05, 0.1)
    rows = [f"{s},{r},{p},{a}" for s, r, p, a in zip(STEPS, rates, PLAIN, AVERAGED, strict=True)]
    path.write_text("\n".join([f"step,lr,heldout_loss,{averaged}", *rows]) + "\n")
    return path


def test_a_log_of_cooldown_now_is_read_and_says_what_its_losses_say(tmp_path: Path) -> None:
    (found,) = read_averaged(csv(tmp_path))
    assert found.name == "watch"
    assert found.trunk.steps.tolist() == STEPS.tolist()
    assert found.trunk.estimate(0.2).loss == pytest.approx(3.0 - 0.2 * np.log(1.1))
    assert found.trunk.estimate(0.2).now == pytest.approx(3.3)


def test_a_trace_of_ours_is_read_where_only_some_updates_were_measured(tmp_path: Path) -> None:
    blank = np.full(400, np.nan)
    metrics = {name: blank.copy() for name in ("heldout_loss", "none/loss", "ema/loss", "polynomial(19)/loss")}
    for name, values in (("none/loss", PLAIN), ("polynomial(19)/loss", AVERAGED)):
        metrics[name][STEPS - 1] = values
    metrics["heldout_loss"][STEPS - 1] = 9.0  # the first average's, whichever that is
    trace = Trace(np.arange(400), blank, np.full(400, 0.1), np.linspace(3, 2, 400), metrics)
    trace.to_csv(tmp_path / "trace.csv")

    (found,) = read_averaged(tmp_path)
    assert found.trunk.plain.tolist() == PLAIN.tolist()
    assert found.trunk.averaged.tolist() == AVERAGED.tolist()
    assert averaged_column(metrics) == "polynomial(19)/loss"


def test_what_train_leaves_of_a_task_that_measures_both_is_read(tmp_path: Path) -> None:
    def trunk(seed: int) -> TorchTask:
        return digits(seed, average=["none", "polynomial(19)"], epochs=2)

    task = trunk(0)
    rates = np.full(task.horizon.steps, 0.05)
    marks = list(range(5, 46, 5))
    found = leg(task, {"lr": rates}, marks, lambda _done, _loss: None)
    trace_of(rates, found.loss, found.measured).to_csv(tmp_path / "trace.csv")

    (read,) = read_averaged(tmp_path)
    assert read.trunk.steps.tolist() == marks
    assert read.trunk.averaged[-1] == task.evaluate()["polynomial(19)/loss"]
    assert read.trunk.plain[-1] == task.evaluate()["loss"]
    assert read.trunk.estimate().low < read.trunk.estimate().loss < read.trunk.estimate().now


def test_another_column_is_read_where_it_is_named(tmp_path: Path) -> None:
    path = csv(tmp_path, averaged="swa_loss")
    with pytest.raises(InputError, match="must hold the held-out loss of averaged weights"):
        read_averaged(path)
    (found,) = read_averaged(path, averaged="swa_loss")
    assert found.trunk.averaged.tolist() == AVERAGED.tolist()


def test_a_run_that_cooled_down_is_refused(tmp_path: Path) -> None:
    assert read_averaged(csv(tmp_path, falls_from=400))
    with pytest.raises(InputError, match="must hold a constant rate over the last half") as caught:
        read_averaged(csv(tmp_path, falls_from=300))
    assert "\n" not in str(caught.value)
