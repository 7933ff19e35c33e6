"""Logs as CSV files, of a law whose parameters are known, so that what a forecast must say is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tests.losslaws.planted import CONSTANT, LONG, rates_of, truth

SHORT = 'wsd(0.1, warmup=50, cooldown="20%")'


def log(folder, name, spec, steps, first=0, every=25, noise=0.0):
    """``step,lr,loss`` of a run from a step on; the rate is that of the next update."""
    at = np.arange(max(first, every), steps + 1, every)
    rates, losses = rates_of(spec, steps), truth(spec, steps, at=at)
    losses *= np.exp(noise * np.random.default_rng(steps).normal(size=len(at)))
    rows = [f"{s},{rates[min(s, steps - 1)]!r},{loss!r}" for s, loss in zip(at.tolist(), losses.tolist(), strict=True)]
    path = folder / f"{name}.csv"
    path.write_text("\n".join(["step,lr,loss", *rows]).replace("np.float64(", "").replace(")", "") + "\n")
    return path


def pair(folder):
    """A constant run and one with a cooldown."""
    return log(folder, "constant", CONSTANT, 2000), log(folder, "cooled", LONG, 1500)


def with_average(folder, name, path, below=0.03):
    """A log of these, with the loss of averaged weights in a column of that name, so much below the loss."""
    head, *rows = Path(path).read_text().split()
    said = [f"{row},{float(row.rpartition(',')[2]) - below!r}" for row in rows]
    path = folder / f"{name}.csv"
    path.write_text("\n".join([f"{head},averaged", *said]) + "\n")
    return path
