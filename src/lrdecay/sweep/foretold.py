"""What a forecast that ordered the runs of a study said of them before they were finished, beside what came. Values.

A prediction is of one run: its final loss by a law, or its score by the scores that its schedule had on other seeds.
The last one before the run was finished counts. So a study that was ordered validates the forecast for nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from attrs import frozen

from lrdecay.runs.protocol import finite

__all__ = ["CHANGED_NOTHING", "Forecasted", "Foretold"]

CHANGED_NOTHING = "The forecast said only which runs are trained first, and changed no number."
"""Of every study that was ordered by one."""


@frozen
class Foretold:
    """One run's prediction and outcome."""

    schedule: str  # as the user wrote it, and on which arm
    seed: int
    by: str  # "by noise_floor", the law, or "from other seeds"
    of: str  # what was predicted: "heldout_loss", "training loss", or the metric
    predicted: float
    observed: float  # nan where it diverged
    low: float | None = None  # of the law's 90% interval
    high: float | None = None

    @property
    def error(self) -> float:
        """Predicted minus observed; nan where it diverged."""
        return self.predicted - self.observed

    @property
    def inside(self) -> bool | None:
        """Whether the interval held it; None where there is none, or it diverged."""
        if self.low is None or self.high is None or math.isnan(self.observed):
            return None
        return self.low <= self.observed <= self.high

    def to_json(self) -> dict[str, Any]:
        """One row of ``compare --json``: ``forecast``, ``runs``."""
        return {
            "schedule": self.schedule,
            "seed": self.seed,
            "by": self.by,
            "of": self.of,
            "predicted": finite(self.predicted),
            "interval": None if self.low is None or self.high is None else [finite(self.low), finite(self.high)],
            "observed": finite(self.observed),
            "error": finite(self.error),
        }


@frozen
class Forecasted:
    """How a forecast ordered a study."""

    said: tuple[str, ...]  # by what each seed was ordered, or why it kept the usual order
    runs: tuple[Foretold, ...]  # in the order in which they finished
    fits: int  # of laws
    seconds: float  # that the fits took

    def sentences(self) -> tuple[str, ...]:
        """For notes, the terminal and the report."""
        many = f"{self.fits} fits of the law" if self.fits > 1 else "One fit of the law"
        took = (f"{many} took {self.seconds:.1f} s.",) if self.fits else ()
        return (*self.said, *self._validated(), *took, CHANGED_NOTHING)

    def to_json(self) -> dict[str, Any]:
        """The contract of ``compare --json``: ``forecast``."""
        return {
            "said": list(self.sentences()),
            "fits": self.fits,
            "seconds": round(self.seconds, 2),
            "runs": [run.to_json() for run in self.runs],
        }

    def _validated(self) -> list[str]:
        """How far predictions were off, for each that predicted."""
        found: dict[tuple[str, str], list[Foretold]] = {}
        for run in self.runs:
            if math.isfinite(run.error):
                found.setdefault((run.by, run.of), []).append(run)
        return [_off(by, of, runs) for (by, of), runs in found.items()]


def _off(by: str, of: str, runs: Sequence[Foretold]) -> str:
    off = [abs(run.error) for run in runs]
    several = f"{math.fsum(off) / len(off):.3g} in the mean and {max(off):.3g} at most" if len(off) > 1 else ""
    text = f"Predicted {by}, the {of} of {len(off)} run{'s' if len(off) > 1 else ''} was off by "
    text += several or f"{off[0]:.3g}"
    known = [run.inside for run in runs if run.inside is not None]
    return f"{text}; its 90% interval held {sum(known)} of {len(known)}." if known else f"{text}."
