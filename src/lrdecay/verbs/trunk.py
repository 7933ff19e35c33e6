"""What branches start from: a step of a run, the rate there, and a script's own checkpoint where there is one.

The rate at step s of a run of N updates is that of the next update, ``schedule(s)``; at its end, s >= N, that of the
last one made, ``schedule(N - 1)``: what a schedule was heading for is no rate that was used.

A decay has finished at step s where every update that is left has the rate of step s, and an earlier one had a higher.
"""

from __future__ import annotations

import numpy as np
from attrs import field, frozen

from lrdecay.runs.origin import Origin
from lrdecay.runs.spec import Probe, Source
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule.notation import Spec
from lrdecay.verbs.varied import Arm

__all__ = ["Trunk"]


@frozen(eq=False)
class Trunk:
    """The run that led to a step, as far as it is known."""

    label: str  # of the task or the script, as it was typed
    arm: Arm  # what goes on from it
    step: int  # updates made
    spec: Spec  # the schedule that led there, or a constant where only the rate is known
    known: bool  # whether it is the schedule, and not only the rate
    origin: Origin | None  # None: the trunk is trained here
    used: FloatArray = field(repr=False)  # rates of the whole run it was part of; float64, shape (its horizon,)

    @property
    def source(self) -> Source:
        """What is trained."""
        return self.arm.source

    @property
    def probe(self) -> Probe:
        """What it says of itself."""
        return self.arm.probe

    @property
    def rate(self) -> float:
        """The rate there, > 0."""
        return float(self.used[min(self.step, len(self.used) - 1)])

    @property
    def peak(self) -> float:
        """The highest rate on the way there."""
        return max(float(self.used[: self.step].max()), self.rate)

    @property
    def finished(self) -> bool:
        """Whether its decay is over."""
        return self.rate < self.peak and bool((self.used[self.step :] == self.rate).all())

    @property
    def before_decay(self) -> int:
        """The last step up to which its rate was the highest one."""
        return int(np.flatnonzero(self.used[: self.step] == self.peak)[-1]) + 1

    def go_back(self) -> str:
        """What to do where the decay has finished."""
        if self.before_decay < 2:
            return f"`{self.spec}` decays from its first update on, so there is no checkpoint before it"
        return f"go back to the last checkpoint before the decay, of step {self.before_decay} or earlier"

    def past(self, steps: int) -> FloatArray:
        """The rates of updates 0 .. step - 1, the last one held where its run was shorter; shape (step,)."""
        kept = self.used[: min(self.step, steps)]
        return np.concatenate([kept, np.full(self.step - len(kept), self.used[-1])])

    def led_alike(self, other: Trunk) -> bool:
        """Whether the rates that led to both are the same, and so is what is left of their decay."""
        mine, theirs = (t.past(max(t.step, len(t.used))) for t in (self, other))
        return np.array_equal(mine, theirs) and self.rate == other.rate and self.finished == other.finished

    @property
    def task(self) -> str:
        """What to call it in a report."""
        return f"{self.label}, from step {self.step}"

    def to_json(self) -> dict[str, object]:
        """``checkpoint, digest, step, rate, peak, schedule``."""
        return {
            "checkpoint": None if self.origin is None else str(self.origin.checkpoint),
            "digest": None if self.origin is None else self.origin.digest,
            "step": self.step,
            "rate": self.rate,
            "peak": self.peak,
            "schedule": str(self.spec) if self.known else None,
        }
