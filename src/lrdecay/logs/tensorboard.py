"""Writing runs for TensorBoard: a folder of event files, one folder in it per run.

Event files are written by tensorboard's own `EventFileWriter`; neither torch nor TensorFlow is needed. Every value is a
scalar at its step, in float32, which is what TensorBoard stores. The params of a run and its final metrics are told to
the HPARAMS tab.

    tensorboard --logdir DIR
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams.summary_v2 import hparams_pb
from tensorboard.summary.writer.event_file_writer import EventFileWriter

from lrdecay.errors import InputError, refusal
from lrdecay.logs.writer import Run, Writer, final

__all__ = ["tensorboard_writer"]


@contextmanager
def tensorboard_writer(folder: Path) -> Iterator[Writer]:
    """Write runs into ``folder/<run name>``.

    Raises:
        InputError: a run's folder holds something: TensorBoard would draw both as one run.
    """
    writer = _TensorBoard(folder)
    try:
        yield writer
    finally:
        writer.end()


class _TensorBoard:
    """One event file per run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._events: EventFileWriter | None = None
        self._last = 0

    def open(self, run: Run) -> None:
        folder = self._folder / run.name
        if folder.exists() and any(folder.iterdir()):
            msg = refusal(
                "tensorboard_writer(folder=...)", "must not hold this run yet", str(folder), "Use another one."
            )
            raise InputError(msg)
        self._events, self._last = EventFileWriter(str(folder)), 0
        self._add(0, hparams_pb(dict(run.params), trial_id=run.name))

    def log(self, step: int, values: Mapping[str, float]) -> None:
        self._last = step
        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._add(step, Summary(value=scalars))

    def close(self, metrics: Mapping[str, float], *, diverged: bool = False) -> None:
        self.log(self._last, final(metrics) | {"final/diverged": float(diverged)})
        self.end()

    def end(self) -> None:
        """Flush and close the event file, if one is open."""
        if self._events is not None:
            self._events.close()
            self._events = None

    def _add(self, step: int, summary: Summary) -> None:
        if self._events is None:
            msg = refusal("Writer.log(...)", "must follow Writer.open(run)", None)
            raise InputError(msg)
        self._events.add_event(Event(wall_time=time.time(), step=step, summary=summary))
