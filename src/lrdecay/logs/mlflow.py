"""Writing runs into an MLflow store on disk: one experiment, one MLflow run per run.

Needs ``mlflow-skinny`` only: no server, no database, no network. MLflow 3 calls stores of plain files "in maintenance
mode" and opens them only where ``MLFLOW_ALLOW_FILE_STORE=true`` is set; this writer sets it for as long as it writes,
and whoever reads must set it too:

    MLFLOW_ALLOW_FILE_STORE=true mlflow ui --backend-store-uri DIR        (or `mlflow migrate-filestore`)

A run that diverged has the status FAILED. A store that exists is added to.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlflow.entities import Metric
from mlflow.entities import Param as MlflowParam
from mlflow.tracking import MlflowClient

from lrdecay.errors import InputError, refusal
from lrdecay.logs.writer import Run, Writer, final

__all__ = ["EXPERIMENT", "mlflow_writer"]

EXPERIMENT = "lrdecay"
"""The experiment that runs are put into."""

_BATCH = 1000  # the most metrics that MLflow takes at once
_ALLOWED = "MLFLOW_ALLOW_FILE_STORE"


@contextmanager
def mlflow_writer(folder: Path) -> Iterator[Writer]:
    """Write runs into the MLflow file store in this folder, which is made if it is not there."""
    with _file_store_allowed():
        folder.parent.mkdir(parents=True, exist_ok=True)
        client = MlflowClient(tracking_uri=folder.resolve().as_uri())
        known = client.get_experiment_by_name(EXPERIMENT)
        experiment = client.create_experiment(EXPERIMENT) if known is None else known.experiment_id
        writer = _Mlflow(client, experiment)
        try:
            yield writer
        finally:
            writer.end("KILLED")


@contextmanager
def _file_store_allowed() -> Iterator[None]:
    before = os.environ.get(_ALLOWED)
    os.environ[_ALLOWED] = "true"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_ALLOWED]
        else:
            os.environ[_ALLOWED] = before


class _Mlflow:
    """One MLflow run per run; metrics go in batches."""

    def __init__(self, client: MlflowClient, experiment: str) -> None:
        self._client = client
        self._experiment = experiment
        self._run: str | None = None
        self._waiting: list[Metric] = []
        self._last = 0

    def open(self, run: Run) -> None:
        made = self._client.create_run(self._experiment, run_name=run.name)
        self._run, self._last = made.info.run_id, 0
        self._client.log_batch(self._run, params=[MlflowParam(k, str(v)) for k, v in run.params.items()])

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._last = step
        now = int(time.time() * 1000)
        self._waiting += [Metric(name, float(value), now, step) for name, value in values.items()]
        if len(self._waiting) >= _BATCH:
            self._send()

    def close(self, metrics: Mapping[str, float], *, diverged: bool = False) -> None:
        self.log(self._last, final(metrics))
        self._send()
        self.end("FAILED" if diverged else "FINISHED")

    def end(self, status: str) -> None:
        """End the run that is open, if one is."""
        if self._run is not None:
            self._client.set_terminated(self._run, status)
            self._run = None

    def _send(self) -> None:
        if self._run is None:
            msg = refusal("Writer.log(...)", "must follow Writer.open(run)", None)
            raise InputError(msg)
        while self._waiting:
            self._client.log_batch(self._run, metrics=self._waiting[:_BATCH])
            self._waiting = self._waiting[_BATCH:]
