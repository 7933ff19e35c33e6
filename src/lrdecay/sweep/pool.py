"""The local executor: a pool of worker processes, one thread each.

Two workers with two threads each spin against one another and train several times slower than two with one, so every
worker is told to use one thread before its libraries load. Workers end with their parent, however it ended, and take
the scripts they started with them.

Each worker has a pipe of its own and is given one call at a time. There is no shared queue and no thread in between, so
there is nothing to wait for when the pool is left in a hurry.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Protocol, TypeVar

from attrs import define

from lrdecay.errors import InputError, RunError, positive_int, refusal
from lrdecay.runs.snapshot_folder import LocalFolder, SnapshotFolder, sees
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.sweep.worker import report, serve

__all__ = ["ONE_THREAD", "LocalPool", "Watch", "make_run", "silent"]

T = TypeVar("T")
K = TypeVar("K")

ONE_THREAD = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")  # read by libraries
_GUARD = 'call it under `if __name__ == "__main__":`, since workers import that file.'
_CLEANS_UP = 5.0  # seconds the workers may take, together, once they are told to end


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


@define(eq=False)
class _Worker:
    process: BaseProcess
    pipe: Connection[Any, Any]
    ticket: int | None = None  # of the call it is making


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
        self._workers: list[_Worker] = []
        self._next = 0  # ticket

    def __enter__(self) -> LocalPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        workers, self._workers = self._workers, []
        try:
            for worker in workers:
                if kind is None and worker.ticket is None and worker.process.is_alive():
                    worker.pipe.send(None)
                else:
                    worker.process.terminate()
            until = time.monotonic() + _CLEANS_UP
            for worker in workers:
                worker.process.join(max(until - time.monotonic(), 0.0))
        finally:
            for worker in workers:
                worker.process.kill()
                worker.process.join()
                worker.pipe.close()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function of a module in a worker and wait for it."""
        return next(iter(self.each(function, [arguments])))[1]

    def each(self, function: Callable[..., T], calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, T]]:
        """Call it once per tuple of arguments; gives (index, result) as they come.

        Raises:
            RunError: a worker died.
        """
        waiting = deque(enumerate(calls))
        return self.feed(function, lambda _worker: waiting.popleft() if waiting else None)

    def feed(
        self, function: Callable[..., T], give: Callable[[int], tuple[K, tuple[Any, ...]] | None]
    ) -> Iterator[tuple[K, T]]:
        """Call it with what is given to each idle worker; gives (token, result) as they come.

        Args:
            function: of a module.
            give: ``give(worker) -> (token, arguments)``, or None while there is nothing for it. Asked again after every
                result; when nothing is given and nothing is being made, it is over.

        Raises:
            RunError: a worker died.
        """
        token_of: dict[int, K] = {}
        while True:
            for number in range(self.workers):
                if number < len(self._workers) and self._workers[number].ticket is not None:
                    continue
                given = give(number)
                if given is None:
                    continue
                worker = self._workers[number] if number < len(self._workers) else self._start()
                self._next += 1
                token_of[self._next], arguments = given
                worker.ticket = self._next
                self._send(worker, (self._next, function, arguments))
            if not token_of and not self._busy():
                return
            for worker in self._speaking():
                kind, *said = self._hear(worker)
                if kind == "made":
                    self.watch.made(*said)
                    continue
                ticket, result = said
                worker.ticket = None
                if ticket not in token_of:  # a call whose caller did not wait for it
                    continue
                token = token_of.pop(ticket)
                if kind == "failed":
                    raise result
                yield token, result

    def run(self, specs: Sequence[RunSpec]) -> Iterator[tuple[int, RunResult]]:
        """Make the runs; gives (index, result) as they come."""
        return self.each(make_run, [(spec,) for spec in specs])

    def check_reach(self, folder: SnapshotFolder) -> None:
        """Check that workers reach the place of the snapshots; a folder of this machine they do.

        Raises:
            InputError: one does not.
        """
        if isinstance(folder, LocalFolder):
            return
        with folder.marked() as mark:
            if not self.call(sees, folder, mark):
                msg = refusal("--snapshots PATH", "must be a place that other processes see", folder.where)
                raise InputError(msg)

    def _busy(self) -> bool:
        """Whether a worker is making a call."""
        return any(w.ticket is not None for w in self._workers)

    def _start(self) -> _Worker:
        context = multiprocessing.get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=serve, args=(theirs,))
        with _one_thread(), _uninterrupted():
            process.start()
            theirs.close()
            self._workers.append(_Worker(process, ours))
        return self._workers[-1]

    def _speaking(self) -> list[_Worker]:
        """Workers that have something to say, or have died; waits for one."""
        ready = set(wait([w.pipe for w in self._workers if w.ticket is not None]))
        return [w for w in self._workers if w.pipe in ready]

    def _send(self, worker: _Worker, order: Any) -> None:
        try:
            worker.pipe.send(order)
        except ConnectionError as problem:
            raise RunError(_DIED) from problem

    def _hear(self, worker: _Worker) -> Any:
        try:
            return worker.pipe.recv()
        except (EOFError, ConnectionError) as problem:
            raise RunError(_DIED) from problem


_DIED = (
    "A worker process died (out of memory, or killed). What was finished is kept; run the same command. "
    f"In a Python file of your own, {_GUARD}"
)


def make_run(spec: RunSpec) -> RunResult:
    """In a worker: make a run, and tell now and then how many updates were made."""
    seen = spec.start

    def progress(done: int, _loss: float) -> None:
        nonlocal seen
        if done - seen >= 20 or done == spec.steps:
            report(done - seen)
            seen = done

    return spec.source.execute(spec, progress)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Workers started inside inherit one thread per library; a number the user has set stands."""
    added = [name for name in ONE_THREAD if name not in os.environ]
    os.environ.update(dict.fromkeys(added, "1"))
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A worker started inside does not hear Ctrl-C before it can ignore it; ours is heard at the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
