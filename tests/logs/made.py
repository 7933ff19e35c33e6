"""Made-up runs for the tests of reading: a loss that falls, with noise, and rates that warm up and cool down."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

EVERY, LAST = 50, 2000
STEPS: NDArray[np.int64] = np.arange(EVERY, LAST + 1, EVERY)


def rate(step: NDArray[np.int64] | int) -> NDArray[np.float64]:
    """100 updates up to 1e-3, then constant, then linear to 0 over the last 500."""
    s = np.asarray(step, dtype=np.float64)
    return 1e-3 * np.minimum(np.minimum(s / 100, 1.0), (LAST - s) / 500)


def loss(steps: NDArray[np.int64] = STEPS, seed: int = 0, noise: float = 0.02) -> NDArray[np.float64]:
    return 2 + 8 * steps**-0.3 + noise * np.random.default_rng(seed).normal(size=len(steps))


def csv_of(path: Path, header: str, *columns: object) -> Path:
    """A CSV file; None is blank."""
    rows = zip(*columns, strict=True)  # type: ignore[call-overload]
    lines = [",".join("" if cell is None else str(cell) for cell in row) for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def plain(folder: Path, steps: object = None, losses: object = None, name: str = "run.csv") -> Path:
    """``step,lr,loss`` of the run above, or of other steps and losses."""
    at = STEPS if steps is None else np.asarray(steps)
    values = loss(at) if losses is None else losses
    return csv_of(folder / name, "step,lr,loss", at, rate(at), values)
