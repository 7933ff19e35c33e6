"""Runs of a task function: import it, make the task from a seed, drive it, in whatever process this is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attrs import frozen

from lrdecay.errors import InputError, LrdecayError
from lrdecay.runs.drive import drive
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.ruled import drive_under_rule
from lrdecay.runs.seeding import seed_everything
from lrdecay.runs.spec import Probe, Progress, RunResult, RunSpec
from lrdecay.runs.trainable import HasDecay, HasPeak, Trainable, check_trainable

__all__ = ["TaskSource"]


@frozen
class TaskSource:
    """A task function, by reference."""

    reference: TaskReference

    @property
    def label(self) -> str:
        """What the user typed."""
        return self.reference.label

    def identity(self) -> Mapping[str, Any]:
        """The reference, its arguments, the hash of its source, and of every file an argument names."""
        return {
            "task": self.reference.target.rpartition(":")[2],
            "arguments": dict(self.reference.arguments),
            "source": self.reference.source_hash(),
            "data": self.reference.data_hashes(),
        }

    @property
    def knows_horizon(self) -> bool:
        """No: a trainable is told rates, and its batches are a pure function of (seed, sample)."""
        return False

    def build(self, seed: int) -> Trainable:
        """A fresh trainable; all random generators are seeded first, so that a forgetful task is still repeatable.

        Raises:
            InputError: the function fails, or returns something else.
        """
        function = self.reference.function()
        seed_everything(seed)
        try:
            made = function(seed, **self.reference.arguments)
        except LrdecayError:
            raise
        except (Exception, SystemExit) as problem:
            reason = " ".join(str(problem).split()) or "no message"
            msg = f"`{self.label}` must make a task, got {type(problem).__name__}: {reason}."
            raise InputError(msg) from problem
        return check_trainable(made, self.label)

    def probe(self, steps: int | None, epochs: float | None) -> Probe:
        """Build it once and ask."""
        made = self.build(0)
        horizon = made.horizon.lasting(steps=steps, epochs=epochs)
        decay = float(made.weight_decay) if isinstance(made, HasDecay) and "weight_decay" in made.sets else None
        peak = made.peak if isinstance(made, HasPeak) else None
        return Probe(self.label, horizon, made.metric, made.goal, weight_decay=decay, peak=peak)

    def execute(self, spec: RunSpec, progress: Progress) -> RunResult:
        """Build and drive, here; a run made apart measures only what it asks for."""
        if spec.view is not None:
            alone = spec.by_itself()
            return alone.source.execute(alone, progress)
        return (drive if spec.rule is None else drive_under_rule)(self.build(spec.seed), spec, progress)
