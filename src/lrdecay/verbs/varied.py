"""From a source and its variants to one source for each: other arguments of the task, or another command."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from attrs import evolve, frozen

from lrdecay.errors import InputError, refusal
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import Probe, Source, View
from lrdecay.runs.task_source import TaskSource
from lrdecay.sweep.pools import Pool
from lrdecay.verbs.averaged import shared_averages
from lrdecay.verbs.variants import Variant, filled

__all__ = ["Arm", "arms_of"]


@frozen(eq=False)
class Arm:
    """What the schedules of a study run on: a source, what it says of itself, and how it differs from the others."""

    variant: Variant | None  # None: as it was given
    source: Source
    probe: Probe
    view: View | None = None  # what of the source's measurements is its own, where it shares them with other averages

    @property
    def overrides(self) -> dict[str, Any]:
        """What its variant chose, by short name."""
        return {} if self.variant is None else dict(self.variant.overrides)

    def named(self, schedule: str) -> str:
        """What to call a schedule on this arm: ``SCHEDULE | wd=0.05``."""
        return schedule if self.variant is None else f"{schedule} | {self.variant}"


def arms_of(
    pool: Pool, source: Source, variants: Sequence[Variant], *, steps: int | None, epochs: float | None
) -> list[Arm]:
    """Every variant of a source, probed; the source itself where there is none.

    Variants of a task that differ only in the average of the weights that is measured have one source; see
    `lrdecay.verbs.averaged`.

    Raises:
        InputError: neither does the task take an argument nor does the command have a place for it, it was given a
            value already, or the variants are not judged alike.
    """
    sources: list[tuple[Variant | None, Source]] = [(v, _varied(pool, source, v)) for v in variants]
    arms = [Arm(v, s, pool.call(s.probe, steps, epochs)) for v, s in sources or [(None, source)]]
    shared = shared_averages(pool, [arm.source for arm in arms])
    arms = [
        arm if one is None else evolve(arm, source=one[0], view=one[1]) for arm, one in zip(arms, shared, strict=True)
    ]
    judged = {(arm.probe.metric, arm.probe.goal) for arm in arms}
    if len(judged) > 1:
        cure = "Runs are compared by one metric."
        msg = refusal("--vary", "must leave the metric as it is", sorted(map(str, judged)), cure)
        raise InputError(msg)
    return arms


def _varied(pool: Pool, source: Source, variant: Variant) -> Source:
    if isinstance(source, ScriptSource):
        return evolve(source, command=filled(source.command, variant))
    if not isinstance(source, TaskSource):
        msg = refusal("--vary", "must vary a task or a script", type(source).__name__)
        raise InputError(msg)
    given = dict(source.reference.arguments)
    changed = variant.arguments(pool.call(_taken, source.reference), source.label)
    twice = sorted(set(given) & set(changed))
    if twice:
        msg = refusal(f"--with {twice[0]}=...", "must not be given with --vary of it", given[twice[0]])
        raise InputError(msg)
    return evolve(source, reference=evolve(source.reference, arguments=given | changed))


def _taken(reference: TaskReference) -> tuple[str, ...] | None:
    """The names a task's function takes besides the seed; None where it takes any. In a worker, since it imports it."""
    parameters = list(inspect.signature(reference.function()).parameters.values())[1:]
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return None
    return tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))
