"""Does a run at the extrapolated peak overfit at its full length? Short runs cannot see it. Pure.

A run compressed to a tenth makes a tenth of the passes over the data, and its held-out loss is its training loss: what
limits it is how fast it learns. The full run may learn its data by heart; its held-out loss then rises before the end,
and the peak that is best by that loss is far below what any law through short runs says (mnist1d, an MLP, SGD, linear
decay: the best peak fell from .32 at half length to .04 at full length, eightfold, where the law says a factor of 1.2).
So where a loss is what is to be small, the answer is tried:

    once         one full run at the law's peak p, its held-out loss looked at `LOOKS` times
    it overfits  the loss at the end stands more than `RISE` above the lowest of the looks, or the run diverged
    then         full runs at p/2, p/4 and p/8 as well, and the peak is the lowest point of a parabola through the best
                 of the four and its neighbours, as in `rangetest.extrapolation`; p itself where that is the best

Measured peaks replace the law's, so a rise that is nothing but noise costs runs and does no harm. One seed: there is no
interval. Where the lowest of the four is the best, there is no recommendation.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from lrdecay.rangetest.extrapolation import rung_of

__all__ = ["LOOKS", "LOWER", "RISE", "Whole", "WholeRun", "lower_peaks"]

LOOKS = 8
"""How often the held-out loss is looked at along a full run."""

RISE = 0.05
"""Share of the lowest loss by which the last may stand above it."""

LOWER = (2.0, 4.0, 8.0)
"""What the law's peak is divided by where it overfits."""


@frozen
class WholeRun:
    """One full run and its held-out loss."""

    peak: float
    score: float  # the loss at the end; nan where it diverged
    lowest: float  # of all looks, the end's included; nan where there is none
    lowest_at: int | None  # updates made by then
    steps: int  # updates made

    @property
    def rises(self) -> bool:
        """Whether the loss ends above its lowest by more than `RISE`, or the run diverged."""
        return math.isnan(self.score) or self.score - self.lowest > RISE * abs(self.lowest)

    def to_json(self) -> dict[str, Any]:
        """The numbers; null where the run diverged."""
        ends = {"score": self.score, "lowest": self.lowest}
        shown = {name: value if math.isfinite(value) else None for name, value in ends.items()}
        return {"peak": self.peak, **shown, "lowest_at": self.lowest_at, "rises": self.rises}


@frozen
class Whole:
    """What the full runs say of the law's peak."""

    metric: str  # what was looked at
    runs: tuple[WholeRun, ...]  # at the law's peak, and at lower ones where it overfits

    @property
    def overfits(self) -> bool:
        """Whether the run at the law's peak does: then the law does not hold."""
        return self.runs[0].rises

    @property
    def peak(self) -> float | None:
        """The law's where the run does not overfit, else the best of those tried; None: that is the lowest one."""
        if not self.overfits:
            return self.runs[0].peak
        rung = rung_of(0, {run.peak: (run.score,) for run in self.runs})
        return None if rung is None or rung.at_edge == "lowest" else rung.peak

    @property
    def why_not(self) -> str | None:
        """Why there is no recommendation, and what to do; None: there is one."""
        if self.peak is not None:
            return None
        last = self.runs[-1]
        if all(math.isnan(run.score) for run in self.runs):
            return f"every full run diverged, down to a peak of {last.peak:.2g}; try `lrdecay compare`"
        why = f"the full run overfits, and its held-out {self.metric} still falls at the lowest peak tried, "
        return why + f"{last.peak:.2g}; train for less, regularize, or judge it by another metric"

    def text(self) -> str:
        """One line for people."""
        first = self.runs[0]
        if not self.overfits:
            return f"one full run at that peak does not overfit: held-out {self.metric} {first.score:.3g} at its end"
        tried = ", ".join(f"{run.score:.3g} at {run.peak:.2g}" for run in self.runs)
        if math.isnan(first.score):
            return f"the full run at the law's peak diverged; held-out {self.metric} of full runs: {tried} (one seed)"
        return (
            f"the full run at the law's peak overfits: held-out {self.metric} {first.lowest:.3g} after "
            f"{first.lowest_at} updates, {first.score:.3g} at the end; full runs: {tried} (one seed)"
        )

    def to_json(self) -> dict[str, Any]:
        """Every full run, and what follows."""
        runs = [run.to_json() for run in self.runs]
        return {"metric": self.metric, "overfits": self.overfits, "peak": self.peak, "runs": runs}


def lower_peaks(peak: float) -> Sequence[float]:
    """The peaks to try where the law's overfits."""
    return tuple(peak / factor for factor in LOWER)
