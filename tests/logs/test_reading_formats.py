"""Every format is read as its tool writes it.

TensorBoard's, MLflow's and W&B's own writers make their logs here. Lightning's, Keras' and transformers' take many
seconds to import, so their files are written as text, as lightning's and Keras' `CSVLogger` and transformers'
`TrainerState.save_to_json` leave them; so is MLflow's database, for whose own store alembic is needed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
from tests.logs.made import EVERY, LAST, STEPS, csv_of, loss, plain, rate

from lrdecay.errors import InputError, RunError
from lrdecay.logs.mlflow import mlflow_writer
from lrdecay.logs.reading import Reading, read_curves
from lrdecay.logs.tensorboard import tensorboard_writer
from lrdecay.logs.text import csv_writer, jsonl_writer
from lrdecay.logs.wandb import wandb_writer
from lrdecay.logs.writer import Run, Writer
from lrdecay.runs.spec import RunResult
from lrdecay.runs.store.opening import open_store
from lrdecay.runs.store.values import Member, StudyRecord
from lrdecay.runs.trace import Trace

ALL = np.arange(60)
RATES = 1e-3 * np.minimum((ALL + 1) / 11, 1.0)


def only(path: Path | str, **said: object) -> Reading:
    (reading,) = read_curves(path, **said)  # type: ignore[arg-type]
    return reading


def exported(writer: Writer) -> None:
    """Two runs of 60 updates, with a metric now and then."""
    for seed, name in enumerate(("cosine", "linear")):
        writer.open(Run(name, {"seed": seed}))
        for t in ALL:
            heldout = {"val_loss": 9.0} if t % 20 == 19 else {}
            values = {"epoch": t / 30, "rate": RATES[t], "loss": loss(ALL + 1, seed)[t]}
            writer.log(int(t), values | heldout)
        writer.close({"loss": 0.5})


def places(folder: Path) -> dict[str, str]:
    """Every file and folder in a folder, files with what they hold."""
    found = [p for p in sorted(folder.rglob("*")) if not p.is_symlink()]
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "" for p in found}


@pytest.mark.parametrize(
    ("writer", "place", "bits"),
    [
        (csv_writer, "runs.csv", True),
        (jsonl_writer, "runs.jsonl", True),
        (tensorboard_writer, "events", False),
        (mlflow_writer, "mlruns", True),
        (wandb_writer, "offline", True),
    ],
    ids=["csv", "jsonl", "tensorboard", "mlflow", "wandb"],
)
def test_what_we_export_is_read_back_and_left_as_it_was(
    tmp_path: Path, writer: Callable[..., object], place: str, bits: bool
) -> None:
    with writer(tmp_path / "written" / place) as opened:  # type: ignore[attr-defined]
        exported(opened)
    shutil.copytree(
        tmp_path / "written", tmp_path / "read", symlinks=True
    )  # W&B's own process writes to its logs for a while
    source = tmp_path / "read" / place
    before = places(tmp_path / "read")
    readings = {r.curve.name: r for r in read_curves(source)}
    assert set(readings) == {"cosine", "linear"}
    for seed, name in enumerate(("cosine", "linear")):
        curve = readings[name].curve
        assert np.array_equal(curve.steps, ALL[1:])  # the loss of row t is that after t updates
        assert curve.losses == pytest.approx(loss(ALL + 1, seed)[1:], rel=0 if bits else 1e-6, abs=0)
        assert curve.rates == pytest.approx(RATES[:59], rel=0 if bits else 1e-6, abs=0)
        assert curve.warmup == 10
    assert only(source, run="linear").curve.name == "linear"
    with pytest.raises(InputError, match=r"--run NAME.*got 'linea'.*Did you mean `linear`"):
        only(source, run="linea")
    assert places(tmp_path / "read") == before


def test_a_trace_of_ours_is_read_from_its_file_and_its_folder(tmp_path: Path) -> None:
    held = np.where(ALL % 4 == 3, 2.0, np.nan)
    Trace(ALL, ALL / 30, RATES, loss(ALL + 1), {"val_loss": held}).to_csv(tmp_path / "trace.csv")
    for source in (tmp_path, tmp_path / "trace.csv"):
        assert np.array_equal(only(source).curve.losses, loss(ALL + 1)[1:])
    assert np.array_equal(only(tmp_path, loss="val_loss").curve.steps, np.arange(4, 61, 4))  # measured after the update


def test_the_traces_of_a_comparison_are_runs(tmp_path: Path) -> None:
    for seed in (0, 1):
        Trace(ALL, ALL / 30, RATES, loss(ALL + 1, seed)).to_csv(tmp_path / "traces" / f"cosine-0.1-seed{seed}.csv")
    assert [r.curve.name for r in read_curves(tmp_path)] == ["cosine-0.1-seed0", "cosine-0.1-seed1"]


def test_a_store_is_read_for_its_scored_runs_only(tmp_path: Path) -> None:
    study = StudyRecord({"q": 1}, "c")
    with open_store(tmp_path) as store:
        store.put_study(study)
        for seed, role in enumerate(("score", "pilot", "score")):
            trace = Trace(ALL, ALL / 30, RATES, loss(ALL + 1, seed))
            store.put_result(RunResult(f"run{seed}", seed, "constant(0.1)", "loss", "min", 1.0, {"loss": 1.0}, trace))
            store.add_members(study.id, [Member(f"run{seed}", "row", "constant(0.1)", seed, None, role)])
        store.add_members(study.id, [Member("unfinished", "row", "constant(0.1)", 7, None, "score")])
    before = places(tmp_path)
    assert {r.curve.name for r in read_curves(tmp_path)} == {"constant(0.1) seed 0", "constant(0.1) seed 2"}
    assert only(tmp_path / "lrdecay.db", run="constant(0.1) seed 2").curve.losses[0] == loss(ALL + 1, 2)[1]
    assert places(tmp_path) == before


def test_lightnings_metrics_are_read(tmp_path: Path) -> None:
    """Rows of the rate, of the training loss and of the held-out loss, each with the other columns blank."""
    rows: list[tuple[object, ...]] = []
    for t in range(EVERY - 1, LAST, EVERY):
        rows.append((None, rate(t), t, None, None, None))
        rows.append((t // 500, None, t, None, loss(STEPS)[t // EVERY], None))
        if t % 500 == 499:
            rows.append((t // 500, None, t, 3.0, None, 2.5))
    header = "epoch,lr-SGD,step,train_loss_epoch,train_loss_step,val_loss"
    path = csv_of(tmp_path / "version_0" / "metrics.csv", header, *zip(*rows, strict=True))
    reading = only(path.parent)
    assert (reading.log.loss_name, reading.log.rate_name) == ("train_loss_step", "lr-SGD")
    assert np.array_equal(reading.curve.steps, STEPS - 1)
    assert np.array_equal(reading.curve.losses, loss())
    assert reading.curve.rates == pytest.approx(rate(np.arange(LAST - 1)), abs=1.1e-5)
    with pytest.raises(InputError, match=r"12 losses.*got 4"):
        only(path, loss="val_loss")


def test_keras_counts_epochs_which_must_be_told_in_updates(tmp_path: Path) -> None:
    epochs = np.arange(20)
    rates = np.where(epochs < 10, 1e-2, 1e-3)
    header = "epoch,accuracy,learning_rate,loss,val_accuracy,val_loss"
    path = csv_of(tmp_path / "log.csv", header, epochs, epochs, rates, loss(epochs + 1), epochs, loss(epochs + 2))
    with pytest.raises(InputError, match="--steps-per-epoch N"):
        only(path, loss="loss")
    train, held = only(path, steps_per_epoch=30, loss="loss"), only(path, steps_per_epoch=30, loss="val_loss")
    assert np.array_equal(train.curve.steps, 30 * epochs + 15)  # a mean over the epoch
    assert np.array_equal(held.curve.steps, 30 * (epochs + 1))  # measured at its end
    assert np.array_equal(held.curve.rates, np.repeat(rates, 30))
    assert "Epochs were turned into updates, 30 in each." in held.notes


def test_a_trainer_state_is_read_and_its_losses_are_means(tmp_path: Path) -> None:
    history: list[dict[str, float]] = []
    for s in STEPS:
        history.append(
            {"epoch": s / 500, "grad_norm": 1.0, "learning_rate": float(rate(s - 1)), "loss": 2.0, "step": s}
        )
        history[-1]["loss"] = float(loss()[s // EVERY - 1])
        if s % 100 == 0:
            history.append({"epoch": s / 500, "eval_loss": 2 + 1 / s, "eval_runtime": 1.0, "step": s})
    history.append({"epoch": 4.0, "step": LAST, "train_loss": 2.4, "train_runtime": 9.0, "total_flos": 0.0})
    for step in (900, 2000):
        folder = tmp_path / f"checkpoint-{step}"
        folder.mkdir()
        kept = [row for row in history if row["step"] <= step]
        state = {"global_step": step, "log_history": kept, "max_steps": LAST}
        (folder / "trainer_state.json").write_text(json.dumps(state, indent=2, sort_keys=True, default=int) + "\n")
    reading = only(tmp_path, loss="loss")
    assert reading.curve.name == "checkpoint-2000"
    assert np.array_equal(reading.curve.steps, STEPS - EVERY // 2)
    assert np.array_equal(reading.curve.losses, loss())
    assert reading.curve.rates[EVERY:] == pytest.approx(rate(np.arange(EVERY, LAST - 25)), abs=1.1e-5)
    assert np.array_equal(only(tmp_path, loss="eval_loss").curve.steps, STEPS[1::2])


def test_an_export_of_wandbs_page_holds_runs_of_one_metric(tmp_path: Path) -> None:
    names = [f"{run} - train/loss{end}" for run in ("big - 3e-4", "small") for end in ("", "__MIN", "__MAX")]
    one, other = loss(), loss(seed=1)
    cells = [[None if s > 1500 else v for s, v in zip(STEPS, other, strict=True)]] * 3
    path = csv_of(tmp_path / "page.csv", ",".join(["Step", *names]), STEPS, one, one - 0.1, one + 0.1, *cells)
    big, small = read_curves(path, schedule="cosine(3e-4)", steps=LAST)
    assert (big.curve.name, small.curve.name) == ("big - 3e-4", "small")
    assert np.array_equal(big.curve.losses, one)
    assert small.curve.last == 1500
    assert any("mean of several" in note for note in big.notes)
    assert not any("mean of several" in note for note in small.notes)


def events(folder: Path, rows: list[tuple[str, int, float]]) -> None:
    """As torch's `SummaryWriter.add_scalar` writes."""
    writer = EventFileWriter(str(folder))
    for tag, step, value in rows:
        writer.add_event(Event(step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=value)])))
    writer.close()


def test_tensorboard_shows_a_restart_that_its_own_reader_would_purge(tmp_path: Path) -> None:
    later = STEPS[STEPS >= 1000]
    rows = [("train/loss", int(s), float(v)) for s, v in zip(STEPS[:24], loss(), strict=False)]
    rows += [("train/loss", int(s), float(v)) for s, v in zip(later, loss(later, 3), strict=True)]
    events(tmp_path / "run", rows + [("train/lr", int(s), 1e-3) for s in STEPS])
    reading = only(tmp_path)
    assert reading.curve.name == "run"
    assert any("went back to step 1000" in note for note in reading.notes)
    assert reading.curve.losses[-len(later) :] == pytest.approx(loss(later, 3), rel=1e-6)
    with pytest.raises(InputError, match="--step NAME"):
        only(tmp_path, step="Step")


def test_runs_of_one_name_are_numbered(tmp_path: Path) -> None:
    with mlflow_writer(tmp_path / "mlruns") as writer:
        for _ in range(2):
            writer.open(Run("same"))
            for t in ALL:
                writer.log(int(t), {"rate": RATES[t], "loss": loss(ALL + 1)[t]})
            writer.close({})
    assert [r.curve.name for r in read_curves(tmp_path / "mlruns")] == ["same", "same (2)"]
    assert len(read_curves(tmp_path / "mlruns", run="same (2)")) == 1


def test_keras_tags_of_tensorboard_are_at_epochs(tmp_path: Path) -> None:
    rows = [("epoch_loss", e, float(v)) for e, v in enumerate(loss(np.arange(1, 21)))]
    events(tmp_path / "train", rows + [("epoch_learning_rate", e, 0.5) for e in range(20)])
    with pytest.raises(InputError, match="--steps-per-epoch N"):
        only(tmp_path)
    assert np.array_equal(only(tmp_path, steps_per_epoch=10).curve.steps, 10 * np.arange(20) + 5)


def test_mlflows_database_is_read_without_being_written(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE runs (run_uuid VARCHAR(32), name VARCHAR(250), lifecycle_stage VARCHAR(20))")
        database.execute("CREATE TABLE latest_metrics (key VARCHAR(250), value DOUBLE)")
        database.execute(
            "CREATE TABLE metrics (key VARCHAR(250), value DOUBLE, timestamp BIGINT, run_uuid VARCHAR(32), step BIGINT,"
            " is_nan BOOLEAN)"
        )
        database.executemany("INSERT INTO runs VALUES (?, ?, ?)", [("a", "kept", "active"), ("b", "gone", "deleted")])
        for at, (s, v) in enumerate(zip(STEPS, loss(), strict=True)):
            rows = [("loss", v, at, "a", int(s), 0), ("lr", float(rate(s)), at, "a", int(s), 0)]
            database.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        database.execute("UPDATE metrics SET value = 0, is_nan = 1 WHERE key = 'loss' AND step = 500")
        database.commit()
    before = places(tmp_path)
    reading = only(path)
    assert reading.curve.name == "kept"
    assert np.array_equal(reading.curve.losses, np.delete(loss(), 9))
    assert any("1 losses that are nan" in note for note in reading.notes)
    assert places(tmp_path) == before


def test_json_lines_may_be_nested_and_cut_at_their_end(tmp_path: Path) -> None:
    rows = [{"iter": int(s), "train": {"loss": v, "lr": 1e-3}} for s, v in zip(STEPS, loss(), strict=True)]
    path = tmp_path / "log.txt"
    path.write_text("\n".join(json.dumps(row) for row in rows) + '\n{"iter": 20')
    reading = only(path)
    assert (reading.log.loss_name, reading.log.rate_name) == ("train/loss", "train/lr")
    assert np.array_equal(reading.curve.losses, loss())


def test_semicolons_tabs_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    text = plain(tmp_path).read_text()
    for mark in ";\t":
        path = tmp_path / "other.log"
        path.write_text("\ufeff" + text.replace(",", mark), encoding="utf-8")
        assert np.array_equal(only(path).curve.losses, loss())


def test_wandb_online_says_in_one_line_that_it_cannot_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [n for n in os.environ if n.startswith("WANDB_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    with pytest.raises(RunError, match="must reach wandb:me/project/run") as caught:
        only("wandb:me/project/run")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="wandb:ENTITY/PROJECT/RUN"):
        only("wandb:run")
