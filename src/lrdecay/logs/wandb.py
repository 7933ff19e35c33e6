"""Writing runs as W&B offline runs: nothing is sent anywhere until you send it.

    wandb sync DIR/wandb/offline-run-*

Runs are made with ``mode="offline"``; no account and no network are needed, and neither your code, your git state nor
your machine is recorded. W&B keeps values that are not finite as text. A run that diverged ends with the exit code 1. A
folder that exists is added to.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import wandb

from lrdecay.errors import InputError, RunError, refusal
from lrdecay.logs.wandb_file import wandb_records
from lrdecay.logs.writer import Run, Writer, final

__all__ = ["PROJECT", "wandb_writer"]

PROJECT = "lrdecay"
"""The project that runs are put into."""

_PATIENCE = 60.0  # seconds for W&B's own process to write the end of a run


@contextmanager
def wandb_writer(folder: Path) -> Iterator[Writer]:
    """Write runs into ``folder/wandb/offline-run-*``, one folder per run."""
    folder.mkdir(parents=True, exist_ok=True)
    writer = _Wandb(folder)
    try:
        yield writer
    finally:
        writer.end(1)


class _Wandb:
    """One offline run per run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._run: wandb.Run | None = None

    def open(self, run: Run) -> None:
        self._run = wandb.init(
            mode="offline",
            dir=str(self._folder),
            project=PROJECT,
            name=run.name,
            config=dict(run.params),
            reinit="create_new",
            settings=wandb.Settings(
                console="off",
                silent=True,
                disable_code=True,
                disable_git=True,
                save_code=False,
                x_disable_machine_info=True,
                x_disable_meta=True,
                x_disable_stats=True,
            ),
        )

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._opened().log(dict(values), step=step)

    def close(self, metrics: Mapping[str, float], *, diverged: bool = False) -> None:
        self._opened().summary.update(final(metrics))
        self.end(int(diverged))

    def end(self, code: int) -> None:
        """Finish the run that is open, if one is, and wait until its file is whole."""
        if self._run is not None:
            run, self._run = self._run, None
            folder = Path(run.settings.sync_dir)
            run.finish(exit_code=code)
            _await_end(folder)

    def _opened(self) -> wandb.Run:
        if self._run is None:
            msg = refusal("Writer.log(...)", "must follow Writer.open(run)", None)
            raise InputError(msg)
        return self._run


def _await_end(folder: Path) -> None:
    """Wait for the record that ends a run: `finish` returns before W&B's own process has written it.

    Raises:
        RunError: it is not there after a minute.
    """
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        files = list(folder.glob("run-*.wandb"))
        if files and any(r.WhichOneof("record_type") == "exit" for r in wandb_records(files[0])):
            return
        time.sleep(0.02)
    msg = f"`wandb_writer(folder=...)` must see W&B end its file within {_PATIENCE:g} s, got no end in {folder}."
    raise RunError(msg)
