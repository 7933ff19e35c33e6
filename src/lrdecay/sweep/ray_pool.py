"""The Ray executor: the local pool's interface, its calls made as Ray tasks, on this machine or on a cluster.

A call is a task of one CPU and one thread. Where the process or the machine that makes it dies, Ray makes it again,
``RETRIES`` times: a node of a study writes its snapshot whole or not at all, so that it may be trained once more. What
a call needs must be where it is made: this package and the study's files, under the same paths as here, and the place
of the snapshots. Progress is told when a call has ended.

This is the one file outside the adapters that imports a framework.
"""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from lrdecay.errors import InputError, RunError, positive_int, refusal
from lrdecay.runs.snapshot_folder import SnapshotFolder, sees
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.sweep.pool import ONE_THREAD, Watch, make_run, silent
from lrdecay.sweep.worker import counted, portable

__all__ = ["RETRIES", "RayPool"]

T = TypeVar("T")
K = TypeVar("K")

RETRIES = 3  # of a call whose process or machine died
_CLEANS_UP = 5.0  # seconds the calls may take, together, once they are told to end
_STORE = 128 * 2**20  # bytes of the object store of a Ray that is started here: orders and traces, no snapshots
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}  # a Ray that is started here calls nobody; what the user has set stands


class RayPool:
    """Calls made by Ray; a context manager.

    Args:
        workers: how many calls at once; by default one per CPU of the cluster.
        watch: told about the updates made.
        address: of a running Ray, such as "auto" or "ray://head:10001"; None: what RAY_ADDRESS says, or the one this
            process is connected to, or else one started here, which ends with the pool.
    """

    def __init__(self, workers: int | None = None, watch: Watch | None = None, address: str | None = None) -> None:
        """Connects to Ray, or starts it.

        Raises:
            InputError: no Ray answers at the address.
        """
        if workers is not None:
            positive_int.check("--workers", workers)
        self.watch = watch or silent()
        self._ours = not ray.is_initialized()
        if address is not None and not self._ours:
            msg = refusal("--address ADDR", "must be left out where this process is connected to Ray already", address)
            raise InputError(msg)
        if self._ours:
            _connect(workers, address or os.environ.get("RAY_ADDRESS") or None)
        self.workers = workers or max(int(ray.cluster_resources().get("CPU", 1)), 1)
        self._running: set[Any] = set()  # object refs
        threads = {name: os.environ.get(name, "1") for name in ONE_THREAD}
        self._around = (threads, str(Path.cwd()))

    def __enter__(self) -> RayPool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._cancel(list(self._running))
        finally:
            if self._ours:
                ray.shutdown()

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function of a module in a worker and wait for it."""
        return next(iter(self.each(function, [arguments])))[1]

    def each(self, function: Callable[..., T], calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, T]]:
        """Call it once per tuple of arguments; gives (index, result) as they come."""
        waiting = deque(enumerate(calls))
        return self.feed(function, lambda _worker: waiting.popleft() if waiting else None)

    def feed(
        self, function: Callable[..., T], give: Callable[[int], tuple[K, tuple[Any, ...]] | None]
    ) -> Iterator[tuple[K, T]]:
        """Call it with what is given to each idle worker; gives (token, result) as they come. See `LocalPool.feed`.

        Raises:
            RunError: a call's process died once more than it may, or Ray did.
        """
        made: dict[Any, tuple[int, K]] = {}  # object ref -> worker, token
        idle = set(range(self.workers))
        try:
            while True:
                for number in sorted(idle):
                    if (given := give(number)) is None:
                        continue
                    token, arguments = given
                    ref = _remote.remote(*self._around, function, arguments)
                    self._running.add(ref)
                    made[ref] = (number, token)
                    idle.discard(number)
                if not made:
                    return
                for ref in ray.wait(list(made), num_returns=1)[0]:
                    number, token = made.pop(ref)
                    idle.add(number)
                    yield token, self._answer(ref)
        finally:
            self._cancel(list(made))

    def run(self, specs: Sequence[RunSpec]) -> Iterator[tuple[int, RunResult]]:
        """Make the runs; gives (index, result) as they come."""
        return self.each(make_run, [(spec,) for spec in specs])

    def check_reach(self, folder: SnapshotFolder) -> None:
        """Check that every machine of the cluster reaches the place of the snapshots.

        Raises:
            InputError: one does not.
        """
        with folder.marked() as mark:
            nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
            for node in nodes:
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                ref = _remote.options(scheduling_strategy=there).remote(*self._around, sees, (folder, mark))
                self._running.add(ref)
                if not self._answer(ref):
                    cure = "Give --snapshots a folder that all of them share, or an address such as s3://bucket/prefix."
                    rule = f"must be on a path that every machine sees, and {node['NodeManagerHostname']} does not"
                    msg = refusal("--snapshots PATH", rule, folder.where, cure)
                    raise InputError(msg)

    def _answer(self, ref: Any) -> Any:
        """The result of a call that has ended; its error is raised as it was."""
        try:
            kind, result, updates = ray.get(ref)
        except RayError as problem:
            lines = [line.strip() for line in str(problem).splitlines() if line.strip()]
            msg = f"A call under Ray died ({type(problem).__name__}: {lines[0] if lines else 'no message'}). "
            raise RunError(msg + "What was finished is kept; run the same command.") from problem
        finally:
            self._running.discard(ref)
        if updates:
            self.watch.made(updates)
        if kind == "failed":
            raise result
        return result

    def _cancel(self, refs: Sequence[Any]) -> None:
        """End calls that nobody waits for any more, by way of their ``finally`` clauses."""
        left = [ref for ref in refs if ref in self._running]
        self._running.difference_update(left)
        if not left or not ray.is_initialized():
            return
        for ref in left:
            ray.cancel(ref)
        ray.wait(left, num_returns=len(left), timeout=_CLEANS_UP)


def _connect(workers: int | None, address: str | None) -> None:
    if address is not None:
        try:
            ray.init(address=address, log_to_driver=False, logging_level=logging.WARNING)
        except (ConnectionError, RayError, ValueError, RuntimeError) as problem:
            lines = str(problem).strip().splitlines() or ["no message"]
            cure = f"Ray says: {lines[0]}"
            msg = refusal("--address ADDR", "must be the address of a running Ray", address, cure)
            raise InputError(msg) from problem
        return
    added = [name for name in (*_QUIET, *ONE_THREAD) if name not in os.environ]
    os.environ.update({name: _QUIET.get(name, "1") for name in added})
    try:
        ray.init(
            address="local",
            num_cpus=workers or len(os.sched_getaffinity(0)),
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
            object_store_memory=_STORE,
        )
    finally:
        for name in added:
            os.environ.pop(name, None)


def _make(
    threads: Mapping[str, str], folder: str, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> tuple[str, Any, int]:
    """In a worker: make a call as if it were made in the study's folder; gives ("done", result, updates) or "failed".

    What Ray has to make again is a death, never an error of ours: that goes back as it is.
    """
    if not Path(folder).is_dir():
        cure = "Start the study in a folder that all of them share."
        msg = refusal("--engine ray", "must be started in a folder that every machine sees", folder, cure)
        return "failed", InputError(msg), 0
    os.environ.update(threads)
    os.chdir(folder)
    try:
        with counted() as updates:
            result = function(*arguments)
    except Exception as problem:
        return "failed", portable(problem), 0
    return "done", result, sum(updates)


_remote = ray.remote(num_cpus=1, max_retries=RETRIES)(_make)
