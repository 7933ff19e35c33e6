"""What branches start from: a step of a run, the rate there, and a script's own checkpoint where there is one.

The rate at step s of a run of N updates is that of the next update, ``schedule(s)``; at its end, s >= N, that of the
last one made, ``schedule(N - 1)``: what a schedule was heading for is no rate that was used.

A decay has finished at step s where every update that is left has the rate of step s, and an earlier one had a higher.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from attrs import field, frozen

from lrdecay.errors import InputError, positive, positive_int, refusal
from lrdecay.runs.origin import Origin, checkpoint_hash
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import Probe, Source
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Schedule, constant
from lrdecay.schedule.notation import Spec
from lrdecay.sweep.pool import LocalPool
from lrdecay.verbs.show import horizon_of, spec_of

__all__ = ["Trunk", "trunk_of"]


@frozen(eq=False)
class Trunk:
    """The run that led to a step, as far as it is known."""

    source: Source
    probe: Probe
    step: int  # updates made
    spec: Spec  # the schedule that led there, or a constant where only the rate is known
    known: bool  # whether it is the schedule, and not only the rate
    origin: Origin | None  # None: the trunk is trained here
    used: FloatArray = field(repr=False)  # rates of the whole run it was part of; float64, shape (its horizon,)

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

    @property
    def task(self) -> str:
        """What to call it in a report."""
        return f"{self.source.label}, from step {self.step}"

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


def trunk_of(
    pool: LocalPool,
    source: Source,
    *,
    verb: str,
    checkpoint: str | Path | None,
    at: int | None,
    schedule: str | Schedule | None,
    rate: float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
) -> Trunk:
    """Read and check where to start.

    Args:
        pool: where the source is asked.
        source: a task, or a script.
        verb: for messages.
        checkpoint: one of the script's own, which says its step.
        at: the step to train up to first, without a checkpoint; with one, what its step must be.
        schedule: what led there, with the horizon it may carry.
        rate: the rate there, where the schedule is not known.
        steps: the horizon of that schedule, in place of the source's own.
        epochs: the same in epochs.

    Raises:
        InputError: one of them is missing or does not fit the others, or the checkpoint cannot be loaded.
        RunError: the script fails.
    """
    if (checkpoint is None) == (at is None) and checkpoint is None:
        cure = "A script starts from --from CHECKPOINT; a task trains its trunk up to --at STEP."
        msg = refusal(f"{verb}(checkpoint=..., at=...)", "must be given, one of the two", "neither", cure)
        raise InputError(msg)
    if at is not None:
        positive_int.check("--at STEP", at)
    if rate is not None:
        positive.check("--rate", rate)
    if (schedule is None) == (rate is None):
        got = "neither" if rate is None else "both"
        what = "the schedule that led there" if verb == "extend" else "the schedule that led there, or --rate there"
        msg = refusal(f"{verb}(schedule=...)", f"must be given: {what}", got, "Such as --schedule 'wsd(...) @ 5000'.")
        raise InputError(msg)
    spec = Spec(constant(rate)) if schedule is None else spec_of(schedule)
    digest = None
    if checkpoint is not None:
        if not isinstance(source, ScriptSource):
            cure = "A task has no checkpoints: say --at STEP, and its trunk is trained here."
            msg = refusal("--from CHECKPOINT", "must come with --script", str(checkpoint), cure)
            raise InputError(msg)
        digest = checkpoint_hash(Path(checkpoint).absolute())
    probe = pool.call(source.probe, steps, epochs)
    used = spec.schedule.bind(horizon_of(spec, probe.horizon)).values()
    origin = None
    if checkpoint is not None and digest is not None and isinstance(source, ScriptSource):
        path = Path(checkpoint).absolute()
        origin = Origin(path, pool.call(source.start_of, path), digest)
        if at is not None and at != origin.step:
            msg = refusal("--at STEP", f"must be the checkpoint's own step, {origin.step}", at, "Leave it out.")
            raise InputError(msg)
    trunk = Trunk(source, probe, at if origin is None else origin.step, spec, schedule is not None, origin, used)  # type: ignore[arg-type]
    if trunk.rate <= 0:
        msg = refusal(f"{verb}(schedule=...)", f"must give a rate above 0 at step {trunk.step}", trunk.rate)
        raise InputError(msg)
    return trunk
