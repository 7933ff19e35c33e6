"""What makes runs: the one interface of the local pool and of Ray, as far as a study asks for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

from lrdecay.runs.snapshot_folder import SnapshotFolder
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.sweep.pool import Watch

__all__ = ["Pool"]

T = TypeVar("T")
K = TypeVar("K")


class Pool(Protocol):
    """Workers, one thread each; a context manager. See `lrdecay.sweep.pool.LocalPool`."""

    workers: int
    watch: Watch

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def call(self, function: Callable[..., T], *arguments: Any) -> T:
        """Call a function of a module in a worker and wait for it."""

    def each(self, function: Callable[..., T], calls: Sequence[tuple[Any, ...]]) -> Iterator[tuple[int, T]]:
        """Call it once per tuple of arguments; gives (index, result) as they come."""

    def feed(
        self, function: Callable[..., T], give: Callable[[int], tuple[K, tuple[Any, ...]] | None]
    ) -> Iterator[tuple[K, T]]:
        """Call it with what is given to each idle worker; gives (token, result) as they come."""

    def run(self, specs: Sequence[RunSpec]) -> Iterator[tuple[int, RunResult]]:
        """Make the runs; gives (index, result) as they come."""

    def check_reach(self, folder: SnapshotFolder) -> None:
        """Check that every worker reaches the place of the snapshots.

        Raises:
            InputError: one does not.
        """
