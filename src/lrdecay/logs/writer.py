"""What every writer of runs does: open a run, log its rows, close it with its final metrics; then the next run.

    with csv_writer(path) as writer:
        writer.open(Run("cosine-0.1-seed0", {"schedule": "cosine(peak)", "peak": 0.1, "seed": 0}))
        writer.log(0, {"rate": 0.1, "loss": 2.3})
        writer.close({"accuracy": 0.93})

Each tool's module has one function that opens such a writer as a context manager, given where to write. What it wrote
is whole when the block ends without an exception. A final metric is called ``final/NAME`` everywhere and stands at the
last step that was logged.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from attrs import field, frozen

from lrdecay.errors import Constraint, argument

__all__ = ["FINAL", "Param", "Run", "Writer", "final"]

Param = str | int | float | bool
FINAL = "final/"
"""Put before the name of a final metric, so that it is never mixed with the curve of the same name."""

_plain_name = Constraint(
    "must be a name without slashes",
    lambda v: isinstance(v, str) and v.strip() != "" and not set(v) & {"/", "\\", "\0"},
)


@frozen
class Run:
    """A run to be written: what it is called, unique among the runs of a writer, and what it was made with.

    Raises:
        InputError: the name is empty or holds a slash; a folder may be called after it.
    """

    name: str = field(validator=argument(_plain_name))
    params: Mapping[str, Param] = field(factory=dict)  # the same keys in every run of a writer


class Writer(Protocol):
    """Writes one run after the other."""

    def open(self, run: Run) -> None:
        """Begin a run; the one before must be closed."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """One row: the 0-based index of the update, and what was measured at it; nan and inf are kept."""

    def close(self, metrics: Mapping[str, float], *, diverged: bool = False) -> None:
        """End the run with its metrics at the end, and whether it diverged."""


def final(metrics: Mapping[str, float]) -> dict[str, float]:
    """Final metrics under the names that all writers give them.

    >>> final({"accuracy": 0.93})
    {'final/accuracy': 0.93}
    """
    return {f"{FINAL}{name}": float(value) for name, value in metrics.items()}
