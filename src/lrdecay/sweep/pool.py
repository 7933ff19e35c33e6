"""The local executor: a pool of worker processes, one thread each.

Two workers with two threads each spin against one another and train several times slower than two with one, so every
worker is told to use one thread before its libraries load. Workers end with their parent, however it ended, and take
the scripts they started with them.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Protocol, TypeVar

from lrdecay.errors import InputError, RunError, positive_int, refusal
from lrdecay.runs.spec import RunResult, RunSpec

__all__ = ["LocalPool", "Watch", "report", "silent"]

T = TypeVar("T")

_ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_GUARD = 'call it under `if __name__ == "__main__":`, since workers import that file.'
_ending = False  # in a worker: it was told to end
_updates: Any = None  # in a worker: the queue on which updates made are reported


class Watch(Protocol):
    """Somebody who wants to see how far the work is."""

    def begin(self, what: str, updates: int) -> None:
        """A stage begins; it will make this many updates."""

    def made(self, updates: int) -> None:
        """So many more were made."""


class silent:  # noqa: N801
    """Nobody watches."""

    def begin(self, what: str, updates: int) -> None:
        """Ignored."""

    def made(self, updates: int) -> None:
        """Ignored."""


class LocalPool:
    """Worker processes on this machine; a context manager.

    Args:
        workers: how many; by default one per core this process may use.
        watch: told about the updates made.
    """

    def __init__(self, workers: int | None = None, watch: Watch | None = None) -> None:
        """Starts nothing yet."""
        if multiprocessing.parent_process() is not None:
            cure = f"In a Python file of your own, {_GUARD}"
            msg = refusal("LocalPool(...)", "must be made by the main program", "a call in a worker process", cure)
            raise InputError(msg)
        workers = len(os.sched_getaffinity(0)) if workers is None else workers
        positive_int.check("--workers", workers)
        self.workers = workers
        self.watch = watch or silent()
        context = multiprocessing.get_context("spawn")
        self._queue = context.SimpleQueue()
        self._executor = ProcessPoolExecutor(
            workers, mp_context=context, initializer=_begin_work, initargs=(self._queue,)
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> LocalPool:
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            for process in list((self._executor._processes or {}).values()):
                process.terminate()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._queue.put(None)
        self._listener.join()
        self._queue.close()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function of a module in a worker and wait for it."""
        return next(iter(self.each(function, [arguments])))[1]

    def each(self, function: Callable[..., T], calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, T]]:
        """Call it once per tuple of arguments; gives (index, result) as they come.

        Raises:
            RunError: a worker died.
        """
        with _one_thread():
            futures: dict[Future[T], int] = {self._executor.submit(_call, function, *c): i for i, c in enumerate(calls)}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BrokenProcessPool as problem:
            msg = "A worker process died (out of memory, or killed). What was finished is kept; run the same command. "
            msg += f"In a Python file of your own, {_GUARD}"
            raise RunError(msg) from problem
        finally:
            for future in futures:
                future.cancel()

    def run(self, specs: Sequence[RunSpec]) -> Iterator[tuple[int, RunResult]]:
        """Make the runs; gives (index, result) as they come."""
        return self.each(_run, [(spec,) for spec in specs])

    def _listen(self) -> None:
        while (updates := self._queue.get()) is not None:
            self.watch.made(updates)


def report(updates: int) -> None:
    """From a worker: so many more updates were made."""
    if _updates is not None:
        _updates.put(updates)


def _run(spec: RunSpec) -> RunResult:
    seen = 0

    def progress(done: int, _loss: float) -> None:
        nonlocal seen
        if done - seen >= 20 or done == spec.steps:
            report(done - seen)
            seen = done

    return spec.source.execute(spec, progress)


def _call(function: Callable[..., T], *arguments: Any) -> T:
    """In a worker: one call. When the worker is told to end, everything is cleaned up on the way out, and it ends.

    The executor takes a SystemExit for the result of the call and goes on with the next one; hence the exit here.
    """
    try:
        return function(*arguments)
    except SystemExit:
        if _ending:
            os._exit(1)
        raise


def _end(*_: object) -> None:
    global _ending
    _ending = True
    sys.exit(1)


def _begin_work(queue: Any) -> None:
    """Runs once in each worker: leave Ctrl-C to the parent, and never outlive it."""
    global _updates
    _updates = queue
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    parent = multiprocessing.parent_process()
    if parent is not None:

        def end_with_parent() -> None:
            parent.join()
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(3)  # to clean up; then without asking
            os._exit(1)

        threading.Thread(target=end_with_parent, daemon=True).start()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Workers started inside inherit one thread per library; a number the user has set stands."""
    added = [name for name in _ONE_THREAD if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)
