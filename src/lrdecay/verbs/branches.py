"""Branches of one trunk: what `cooldown` and `extend` compare.

A branch has the trunk's rates up to the step it starts from and its own from there on. From a checkpoint, the root of
the tree is the checkpoint, and nothing before it is trained. One trunk is one sample of it: several seeds are then
several orders of the data after it, and their spread is that of the branches alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from lrdecay.errors import positive_int
from lrdecay.runs.origin import Origin
from lrdecay.runs.spec import RunSpec
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Horizon, Schedule
from lrdecay.verbs.trunk import Trunk

__all__ = ["ONE_SAMPLE", "Branch", "branch_of", "facets_of", "seeds_of"]

ONE_SAMPLE = (
    "All runs start from one checkpoint: a difference between seeds is that of the branches alone, and the one trunk "
    "is one sample of trunks."
)
"""What intervals over seeds leave out, from a checkpoint."""

_SEEDS = 3  # where each seed has a trunk of its own


@frozen(eq=False)
class Branch:
    """One way to go on."""

    trunk: Trunk
    own: str  # what to call it on any variant
    schedule: Schedule  # says the rates from the trunk's step on; what it says of earlier ones is not what was used
    horizon: Horizon
    rates: FloatArray  # float64, shape (horizon.steps,), the trunk's own before its step

    @property
    def written(self) -> str:
        """As it is named in tables."""
        return self.trunk.arm.named(self.own)

    @property
    def spec(self) -> str:
        """The notation, and the variant."""
        return self.trunk.arm.named(f"{self.schedule!r} @ {self.horizon.steps}")

    def run(self, seed: int) -> RunSpec:
        """The run of one seed."""
        trunk, probe = self.trunk, self.trunk.probe
        return RunSpec(
            trunk.source, seed, repr(self.schedule), self.horizon, self.rates, probe.metric, probe.goal,
            origin=trunk.origin, view=trunk.arm.view,
        )  # fmt: skip


def branch_of(trunk: Trunk, written: str, schedule: Schedule, steps: int, rates: FloatArray | None = None) -> Branch:
    """A branch up to ``steps`` updates in all.

    Args:
        trunk: what it goes on from.
        written: what to call it on any variant.
        schedule: says its rates from the trunk's step on.
        steps: updates of the whole run, above the trunk's step.
        rates: the rates from the trunk's step on, where the schedule does not say them exactly.

    Raises:
        InputError: the schedule does not fit.
    """
    horizon = trunk.probe.horizon.lasting(steps=steps)
    after = schedule.bind(horizon).values()[trunk.step :] if rates is None else rates
    return Branch(trunk, written, schedule, horizon, np.concatenate([trunk.past(steps), after]))


def seeds_of(verb: str, seeds: int | None, origin: Origin | None) -> tuple[int, ...]:
    """Seeds 0 .. n - 1; by default 3, and 1 from a checkpoint, where only a script that asks for its seed has others.

    Raises:
        InputError: not a positive integer.
    """
    if seeds is None:
        seeds = _SEEDS if origin is None else 1
    positive_int.check(f"{verb}(seeds=...)", seeds)
    return tuple(range(seeds))


def facets_of(branches: Sequence[Branch]) -> dict[str, Mapping[str, Any]]:
    """What each row is on the axes of variants, by its name; rows without any are left out."""
    found = {branch.written: branch.trunk.arm.overrides for branch in branches}
    return {written: axes for written, axes in found.items() if axes}
