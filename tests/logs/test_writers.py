"""Writers, read back with each tool's own reader: every step, every number, params and final metrics."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

from lrdecay.errors import InputError
from lrdecay.logs.frames import FrameWriter, parquet_writer
from lrdecay.logs.mlflow import EXPERIMENT, mlflow_writer
from lrdecay.logs.tensorboard import tensorboard_writer
from lrdecay.logs.text import csv_writer, jsonl_writer
from lrdecay.logs.wandb import PROJECT, wandb_writer
from lrdecay.logs.wandb_file import wandb_records
from lrdecay.logs.writer import Run, Writer

PARAMS = ({"schedule": "cosine(peak)", "peak": 0.1, "seed": 0}, {"schedule": "linear(peak)", "peak": 0.2, "seed": 1})
LOSSES = ([2.5, 1.25, 1 / 3], [2.0, math.inf])
RATES = ([0.1, 0.05, 0.0], [0.2, 0.1])


def write(writer: Writer) -> None:
    """Two runs: one with a metric measured at its end, one that diverged."""
    writer.open(Run("cosine", PARAMS[0]))
    for step in range(3):
        heldout = {"accuracy": 0.75} if step == 2 else {}
        writer.log(step, {"rate": RATES[0][step], "loss": LOSSES[0][step], **heldout})
    writer.close({"accuracy": 0.75})
    writer.open(Run("linear", PARAMS[1]))
    for step in range(2):
        writer.log(step, {"rate": RATES[1][step], "loss": LOSSES[1][step]})
    writer.close({}, diverged=True)


def test_csv_holds_one_line_per_number_in_full(tmp_path: Path) -> None:
    with csv_writer(tmp_path / "deep" / "runs.csv") as writer:
        write(writer)
        assert not (tmp_path / "deep" / "runs.csv").exists()  # whole or not there
    with (tmp_path / "deep" / "runs.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    for name, params, losses in zip(("cosine", "linear"), PARAMS, LOSSES, strict=True):
        own = [line for line in lines if line["run"] == name]
        assert {line["schedule"] for line in own} == {params["schedule"]}
        assert {float(line["peak"]) for line in own} == {params["peak"]}
        assert [float(line["value"]) for line in own if line["name"] == "loss"] == losses
    finals = {(x["run"], x["name"]): (int(x["step"]), float(x["value"])) for x in lines if x["name"][:6] == "final/"}
    assert finals == {
        ("cosine", "final/accuracy"): (2, 0.75),
        ("cosine", "final/diverged"): (2, 0.0),
        ("linear", "final/diverged"): (1, 1.0),
    }


def test_json_lines_hold_one_line_per_row_and_no_number_json_does_not_know(tmp_path: Path) -> None:
    with jsonl_writer(tmp_path / "runs.jsonl") as writer:
        write(writer)
    lines = [
        json.loads(line, parse_constant=lambda word: pytest.fail(word))
        for line in (tmp_path / "runs.jsonl").read_text().splitlines()
    ]
    assert [line["params"] for line in lines if "params" in line] == list(PARAMS)
    assert [line["loss"] for line in lines if "loss" in line] == [*LOSSES[0], 2.0, "inf"]
    assert lines[4] == {"run": "cosine", "step": 2, "final/accuracy": 0.75, "final/diverged": 0.0}


def two_kinds_of_runs(writer: Writer) -> None:
    for run in (Run("a", {"seed": 1}), Run("b", {"peak": 1})):
        writer.open(run)


def test_an_exception_leaves_the_old_file(tmp_path: Path) -> None:
    for opened in (csv_writer, parquet_writer):
        path = tmp_path / "runs"
        path.write_text("old")
        with pytest.raises(InputError, match="in every run"), opened(path) as writer:
            two_kinds_of_runs(writer)
        assert path.read_text() == "old"
        assert list(tmp_path.iterdir()) == [path]


def test_tensorboard_reads_every_scalar_and_the_params(tmp_path: Path) -> None:
    with tensorboard_writer(tmp_path / "tb") as writer:
        write(writer)
    for name, params, losses, rates in zip(("cosine", "linear"), PARAMS, LOSSES, RATES, strict=True):
        events = EventAccumulator(str(tmp_path / "tb" / name))
        events.Reload()
        for tag, expected in (("loss", losses), ("rate", rates)):
            read = events.Scalars(tag)
            assert [e.step for e in read] == list(range(len(expected)))
            assert [e.value for e in read] == [float(np.float32(v)) for v in expected]
        content = events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        told = plugin_data_pb2.HParamsPluginData.FromString(content).session_start_info.hparams
        assert told["schedule"].string_value == params["schedule"]
        assert told["seed"].number_value == params["seed"]
        assert [e.value for e in events.Scalars("final/diverged")] == [float(name == "linear")]
    with pytest.raises(InputError, match="must not hold this run yet"), tensorboard_writer(tmp_path / "tb") as writer:
        writer.open(Run("cosine", {}))


@pytest.fixture
def file_store(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], MlflowClient]:
    def client(folder: Path) -> MlflowClient:
        monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
        return MlflowClient(tracking_uri=folder.resolve().as_uri())

    return client


def test_mlflow_reads_every_metric_the_params_and_the_status(
    tmp_path: Path, file_store: Callable[[Path], MlflowClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE", raising=False)
    with mlflow_writer(tmp_path / "ml") as writer:
        write(writer)
        writer.open(Run("long", PARAMS[0]))
        for step in range(700):  # more numbers than MLflow takes at once
            writer.log(step, {"rate": 0.1, "loss": 1.0 / (step + 1)})
        writer.close({})
    assert "MLFLOW_ALLOW_FILE_STORE" not in os.environ
    with mlflow_writer(tmp_path / "ml") as writer:  # a store that is there is added to
        writer.open(Run("left open", PARAMS[0]))

    client = file_store(tmp_path / "ml")
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    runs = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert {name: run.info.status for name, run in runs.items()} == {
        "cosine": "FINISHED",
        "linear": "FAILED",
        "long": "FINISHED",
        "left open": "KILLED",
    }
    for name, params, losses in zip(("cosine", "linear"), PARAMS, LOSSES, strict=True):
        assert runs[name].data.params == {k: str(v) for k, v in params.items()}
        history = client.get_metric_history(runs[name].info.run_id, "loss")
        assert [(m.step, m.value) for m in history] == list(enumerate(losses))
    assert runs["cosine"].data.metrics["final/accuracy"] == 0.75
    assert len(client.get_metric_history(runs["long"].info.run_id, "loss")) == 700


def test_wandb_offline_runs_hold_every_row_and_the_params(tmp_path: Path) -> None:
    with wandb_writer(tmp_path / "wb") as writer:
        write(writer)
    found = {}
    for path in (tmp_path / "wb" / "wandb").glob("offline-run-*/*.wandb"):
        records = list(wandb_records(path))
        (run,) = (r.run for r in records if r.WhichOneof("record_type") == "run")
        history = [
            {"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in r.history.item}
            for r in records
            if r.WhichOneof("record_type") == "history"
        ]
        summary = {
            "/".join(i.nested_key) or i.key: json.loads(i.value_json)
            for r in records
            if r.WhichOneof("record_type") == "summary"
            for i in r.summary.update
        }
        codes = [r.exit.exit_code for r in records if r.WhichOneof("record_type") == "exit"]
        found[run.display_name] = (run, history, summary, codes)
    assert set(found) == {"cosine", "linear"}
    for name, params, losses in zip(("cosine", "linear"), PARAMS, LOSSES, strict=True):
        run, history, summary, codes = found[name]
        assert run.project == PROJECT
        config = {item.key: json.loads(item.value_json) for item in run.config.update}
        assert {k: config[k] for k in params} == params
        assert [row["_step"] for row in history] == list(range(len(losses)))
        assert [float(row["loss"]) for row in history] == losses
        assert codes == [int(name == "linear")]
    assert found["cosine"][2]["final/accuracy"] == 0.75


def test_a_wandb_file_cut_short_ends_with_its_last_whole_record_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    with wandb_writer(tmp_path) as writer:
        writer.open(Run("long", PARAMS[0]))
        for step in range(300):  # more than one block
            writer.log(step, {"loss": 1.0 / (step + 1)})
        writer.close({})
    (path,) = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
    data, whole = path.read_bytes(), list(wandb_records(path))
    assert len(data) > 2 * 32768
    assert sum(r.WhichOneof("record_type") == "history" for r in whole) == 300
    cut = tmp_path / "cut.wandb"
    for size in (len(data) - 1, 40_000, 9, 7):
        cut.write_bytes(data[:size])
        found = list(wandb_records(cut))
        assert found == whole[: len(found)]
        assert len(found) < len(whole)
    cut.write_bytes(data[:20] + bytes([data[20] ^ 1]) + data[21:])
    with pytest.raises(InputError, match="with a wrong CRC at byte 7"):
        list(wandb_records(cut))
    cut.write_bytes(b"step,loss")
    with pytest.raises(InputError, match="must be a file of W&B"):
        list(wandb_records(cut))


def test_pandas_reads_the_frame_and_the_parquet_file_alike(tmp_path: Path) -> None:
    kept = FrameWriter()
    assert kept.frame().empty
    write(kept)
    with parquet_writer(tmp_path / "deep" / "runs.parquet") as writer:
        write(writer)
    frame, read = kept.frame(), pd.read_parquet(tmp_path / "deep" / "runs.parquet")
    pd.testing.assert_frame_equal(frame, read)
    assert list(frame.columns) == ["run", "schedule", "peak", "seed", "step", "name", "value"]
    loss = frame[frame.name == "loss"]
    assert loss[loss.run == "cosine"].value.tolist() == LOSSES[0]
    assert loss[loss.seed == 1].value.tolist() == LOSSES[1]
    assert frame[frame.name == "final/accuracy"].step.tolist() == [2]


def test_runs_of_one_file_have_the_same_params(tmp_path: Path) -> None:
    with csv_writer(tmp_path / "a.csv") as writer:
        for each in (writer, FrameWriter()):
            each.open(Run("a", {"seed": 0}))
            with pytest.raises(InputError, match=r"must be seed in every run, got \['peak'\]"):
                each.open(Run("b", {"peak": 0}))


@pytest.mark.parametrize("name", ["", " ", "a/b", "a\\b"])
def test_a_name_that_is_no_folder_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"`Run\(name=...\)` must be a name without slashes"):
        Run(name, {})
