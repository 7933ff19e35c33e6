"""Keras' ``decay=`` as its source has it, beside what is said of it and what the Keras dialect says: no training."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lrdecay.dialects.base import Run
from lrdecay.dialects.keras import inverse_time_decay
from lrdecay.lab.claims.keras.falls import falls, inside, legacy, unequal
from lrdecay.lab.evidence import Evidence, Figure, Line
from lrdecay.lab.laboratory import Laboratory
from lrdecay.schedule import Horizon, Schedule, parse

__all__ = ["EPOCH", "EPOCHS", "RATE", "measure", "measured"]

RATE, EPOCHS, EPOCH = 0.1, 50, 100
DECAY = RATE / EPOCHS
"""The rate over the epochs, as the tutorials recommend."""

_HORIZON = Horizon(steps=EPOCHS * EPOCH, steps_per_epoch=EPOCH)


def measure(lab: Laboratory, seeds: Sequence[int], scale: str) -> Evidence:  # noqa: ARG001
    """Every statistic, exact."""
    rates, said = _table(inverse_time_decay(Run(), RATE, 1, DECAY)), _said()
    first, last = falls(rates, EPOCH)[[0, -1]]
    note = (
        f"rate {RATE:g}, decay {DECAY:g}, {EPOCHS} epochs of {EPOCH} updates: the first epoch takes {first:.3g} off,"
        f" the last {last:.3g}; the last update has {rates[-1]:.4g}. By epochs it would have {_by_epochs()[-1]:.4g}."
    )
    return Evidence(
        {name: (value,) for name, value in measured().items()},
        figures=(_figure({"decay=, per update": rates, "1/(1 + decay · epoch)": _by_epochs(), "as it is said": said}),),
        notes=(note[0].upper() + note[1:],),
    )


def measured() -> dict[str, float]:
    """Every statistic by its name."""
    dialect, source = _table(inverse_time_decay(Run(), RATE, 1, DECAY)), legacy(RATE, DECAY, EPOCHS * EPOCH)
    halved = _table(parse(f'step({RATE!r}, factor=0.5, every="1ep")'))
    return {
        "inside an epoch": inside(dialect, EPOCH),
        "largest over smallest fall": unequal(dialect, EPOCH),
        "source against dialect": _apart(dialect, source),
        "source against epochs": _apart(_by_epochs(), source),
        "notation against source": _apart(_table(parse(f"inverse_time({RATE!r}, rate={DECAY!r})")), source),
        "a fixed amount": unequal(_said(), EPOCH),
        "a fixed factor": unequal(halved, EPOCH),
        "a fixed amount, inside": inside(_said(), EPOCH),
        "a straight line, inside": inside(_table(parse(f"linear({RATE!r})")), EPOCH),
    }


def _table(schedule: Schedule) -> NDArray[np.float64]:
    return np.asarray(schedule.bind(_HORIZON).values(), dtype=np.float64)


def _said() -> NDArray[np.float64]:
    """What the claim says: a fixed amount less each epoch, here a fiftieth of the rate; shape (steps,)."""
    return np.repeat(RATE - DECAY * np.arange(EPOCHS), EPOCH)


def _by_epochs() -> NDArray[np.float64]:
    """What decay= would give if it counted epochs; shape (steps,)."""
    return np.repeat(legacy(RATE, DECAY, EPOCHS), EPOCH)


def _apart(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The largest relative difference of two tables."""
    return float(np.max(np.abs(one - other) / other))


def _figure(tables: dict[str, NDArray[np.float64]]) -> Figure:
    at = range(0, EPOCHS * EPOCH, EPOCH // 4)
    lines = tuple(
        Line(name, tuple(float(t) for t in at), tuple(float(table[t]) for t in at)) for name, table in tables.items()
    )
    caption = "What the argument did, what it would do by epochs, and a fixed amount each epoch, as is often said."
    return Figure("rate", caption, "update", lines)
