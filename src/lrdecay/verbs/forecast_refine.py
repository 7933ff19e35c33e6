"""The refined schedule of a log that holds gradient norms: read, filled in, and written with few knots.

Nothing is fitted: the formula (`lrdecay.feedback.refined`, after Defazio et al., 2023, arXiv:2310.07831) takes norms
alone. What a fitted law says of its end is told beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from attrs import field, frozen

from lrdecay.errors import InputError, did_you_mean, one_of, refusal
from lrdecay.logs.log import Table
from lrdecay.logs.reading import read_tables
from lrdecay.losslaws.curve import FEWEST, FloatArray
from lrdecay.losslaws.refined import few_knots, logged_norms, refined_rates
from lrdecay.verbs.forecast_logs import Asked

__all__ = ["NORMS", "Refined", "norms_of_logs", "refine"]

NORMS = {"2": "sgd", "1": "adam"}
"""What the norms are -> the optimizer whose formula takes them."""

_NEAR = 0.02  # of the peak: how far straight lines between knots may be from the formula's rates
_CALL = "forecast(refine=...)"


@frozen
class Refined:
    """The refined schedule of a run.

    Attributes:
        spec: in the notation: ramps within 2% of the peak of what the formula gives.
        steps: its length.
        run: whose norms they are.
        column: that held them.
        norms: "2" or "1".
        logged: how many there were.
    """

    spec: str
    steps: int
    run: str
    column: str
    norms: str
    logged: int

    def to_json(self) -> dict[str, Any]:
        """By the names of the attributes."""
        names = ("spec", "steps", "run", "column", "norms", "logged")
        return {name: getattr(self, name) for name in names}


@frozen(eq=False)
class _Norms:
    run: str
    column: str
    every: FloatArray = field(repr=False)  # one per update
    logged: int


def norms_of_logs(logs: Sequence[str | Path], column: str, asked: Asked) -> _Norms:
    """The norms of the longest run that logged them, one per update.

    A log that begins in the middle, as a branch does, has norms of its own part alone, and is left out.

    Raises:
        InputError: no run holds the column from its start, with at least 12 norms that are finite and above 0.
        RunError: a log cannot be reached.
    """
    tables = [t for log in logs for t in read_tables(log, step=asked.step, steps_per_epoch=asked.steps_per_epoch)]
    tables = [t for t in tables if not asked.runs or t.name in asked.runs]
    names = sorted({name for t in tables for name in t.columns})
    if column not in names:
        raise InputError(refusal(_CALL, "must name a column of the logs", column, did_you_mean(column, names)))
    found = [n for t in tables if column in t.columns and (n := _whole(t, column)) is not None]
    if not found:
        cure = "Log the gradient's norm from the first updates on; every hundredth update is enough."
        rule = f"must be a column of at least {FEWEST} finite norms above 0 from the start of a run"
        raise InputError(refusal(_CALL, rule, column, cure))
    return max(found, key=lambda n: len(n.every))


def refine(norms: _Norms, peak: float, kind: str = "2", steps: int | None = None) -> Refined:
    """The schedule.

    Args:
        norms: of a run.
        peak: of the schedule.
        kind: "2" for the 2-norms that SGD's formula takes, "1" for the 1-norms that Adam's does.
        steps: its length, to which the run's is stretched; None: the run's.

    Raises:
        InputError: ``kind`` is neither.
    """
    one_of(NORMS).check("forecast(norms=...)", kind)
    rates = refined_rates(norms.every, NORMS[kind])
    length = len(rates) if steps is None else steps
    at = (np.arange(length) + 0.5) / length * len(rates) - 0.5
    stretched = np.interp(at, np.arange(len(rates)), rates)
    spec = repr(few_knots(stretched, float(f"{peak:.6g}"), tolerance=_NEAR))
    return Refined(spec, length, norms.run, norms.column, kind, norms.logged)


def _whole(table: Table, column: str) -> _Norms | None:
    given = table.columns[column]
    good = np.isfinite(given.values) & (given.values > 0) & (given.steps >= 1)
    steps, first = np.unique(given.steps[good], return_index=True)
    if len(steps) < FEWEST or steps[0] > 2 * float(np.median(np.diff(steps))):
        return None
    return _Norms(table.name, column, logged_norms(steps, given.values[good][first], int(steps[-1])), len(steps))
