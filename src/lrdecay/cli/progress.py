"""A progress bar on standard error while a verb trains; silent where that is not a terminal."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

__all__ = ["ProgressBar"]


class ProgressBar:
    """A `lrdecay.sweep.pool.Watch` that draws; a context manager."""

    def __init__(self) -> None:
        """Nothing drawn yet."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("updates"))
        console = Console(stderr=True)
        self._progress = Progress(
            *columns, TimeRemainingColumn(), console=console, transient=True, disable=not sys.stderr.isatty()
        )
        self._bar: TaskID | None = None

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def begin(self, what: str, updates: int) -> None:
        """A new bar."""
        if self._bar is not None:
            self._progress.remove_task(self._bar)
        self._bar = self._progress.add_task(what, total=updates)

    def made(self, updates: int) -> None:
        """Move it."""
        if self._bar is not None:
            self._progress.advance(self._bar, updates)
