"""What a log holds, once it is read: named numbers at steps (`Table`), and of those the loss and the rate (`Log`).

Steps are counts of updates. A loss at step s is the loss after s updates; a rate at step s is that of the update with
the 0-based index s, the next one. Tools differ by one in this; each reader says what its tool does and puts it right.
Blank cells are no entries; a loss that was logged as nan or inf is one.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from attrs import field, frozen
from numpy.typing import NDArray

__all__ = ["FloatArray", "IntArray", "Log", "Series", "Table", "series"]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@frozen(eq=False)
class Series:
    """One logged number over the run, in the order in which it was logged.

    Attributes:
        steps: shape (n,); nothing is said of their order.
        values: shape (n,); nan and inf where they were logged.
    """

    steps: IntArray = field(repr=False)
    values: FloatArray = field(repr=False)

    def __len__(self) -> int:
        return len(self.steps)

    def only(self, kept: NDArray[np.bool_] | IntArray) -> Series:
        """Some of the entries, or all in another order."""
        return Series(self.steps[kept], self.values[kept])

    def same(self, other: Series) -> bool:
        """Whether both hold the same numbers at the same steps."""
        return np.array_equal(self.steps, other.steps) and np.array_equal(self.values, other.values, equal_nan=True)


def series(steps: object, values: object, *, late: int = 0) -> Series:
    """A series from lists; ``late`` is added to every step."""
    return Series(
        np.asarray(steps, dtype=np.int64).reshape(-1) + late, np.asarray(values, dtype=np.float64).reshape(-1)
    )


@frozen(eq=False)
class Table:
    """One run as a tool logged it.

    Attributes:
        name: of the run.
        source: where it was read.
        kind: the format, for people: "CSV", "TensorBoard", ...
        columns: what was logged, by name.
        broken: of a column that holds words too: the first of them and where it stands.
        notes: sentences about what the reader did.
    """

    name: str
    source: str
    kind: str
    columns: Mapping[str, Series] = field(repr=False)
    broken: Mapping[str, str] = field(factory=dict, repr=False)
    notes: tuple[str, ...] = ()


@frozen(eq=False)
class Log:
    """One run's loss, and its rate and batch size where they were logged; nothing is left out yet.

    Attributes:
        name: of the run.
        source: where it was read.
        kind: the format, for people.
        loss_name: the column that is the loss.
        loss: at its steps.
        rate_name: the column that is the rate; None: none is.
        rate: at its own steps, often others than the loss.
        batch: the batch size, where it was logged.
        epoch: passes over the data, where they were logged.
        first: the first step at which anything was logged.
        notes: sentences about what was done so far.
    """

    name: str
    source: str
    kind: str
    loss_name: str
    loss: Series
    rate_name: str | None = None
    rate: Series | None = None
    batch: Series | None = None
    epoch: Series | None = None
    first: int = 0
    notes: tuple[str, ...] = ()

    @property
    def held_out(self) -> bool:
        """Whether the loss is named as one on held-out data."""
        from lrdecay.logs.columns import is_held_out

        return is_held_out(self.loss_name)
