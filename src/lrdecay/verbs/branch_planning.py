"""What branches cost, asked before any is trained: a short timed run on each source, then its tree, then the bounds."""

from __future__ import annotations

import functools
from collections.abc import Sequence

from attrs import evolve, frozen

from lrdecay.errors import RunError
from lrdecay.runs.spec import RunSpec
from lrdecay.sweep.costs import Costs, measure
from lrdecay.sweep.executor import check_room, line_of, shareable
from lrdecay.sweep.near import near_misses
from lrdecay.sweep.order import simulate
from lrdecay.sweep.pool import LocalPool
from lrdecay.sweep.tree import plan_tree
from lrdecay.verbs.affording import check_budget
from lrdecay.verbs.branches import Branch
from lrdecay.verbs.budget import Budget, parse_budget
from lrdecay.verbs.estimate import Estimate, disk_bytes, together
from lrdecay.verbs.planning import Planned
from lrdecay.verbs.trunks import fixed_by_the_checkpoint
from lrdecay.verbs.variants import Variant, parse_variants

__all__ = ["Bounds", "Wanted", "plan_branches"]

Wanted = tuple[Branch, RunSpec]
"""A branch, and its run of one seed."""

_FEWER = "Fewer --seeds, fewer branches or variants, a shorter run; or a larger --budget."


@frozen
class Bounds:
    """What every study of branches may be asked beside its branches, read before anything is started."""

    variants: tuple[Variant, ...]
    budget: Budget | None
    max_disk: int | None  # bytes
    share: bool

    @classmethod
    def read(cls, vary: str | Sequence[str], budget: str | int | None, max_disk: str | None, *, share: bool) -> Bounds:
        """Check each; see `lrdecay.cooldown`.

        Raises:
            InputError: one of them cannot be read.
        """
        bound = None if budget is None else parse_budget(budget)
        return cls(parse_variants(vary), bound, None if max_disk is None else disk_bytes(max_disk), share)

    def room(self, costs: Costs) -> int | None:
        """How many snapshots fit on the disk at once; None: as many as there are."""
        return None if self.max_disk is None else self.max_disk // max(costs.snapshot, 1)


def plan_branches(pool: LocalPool, wanted: Sequence[Wanted], bounds: Bounds) -> Planned:
    """What runs cost here as trees, one for each source; measured on a few updates that are thrown away.

    Raises:
        InputError: they do not keep within the budget, the disk has no room, or a variant cannot go on from the
            checkpoint.
        RunError: a script fails.
    """
    if not wanted:
        return Planned(None)
    groups: list[list[Wanted]] = []
    for one in {run.identity(): (branch, run) for branch, run in wanted}.values():
        mine = next((group for group in groups if group[0][1].source == one[1].source), None)
        if mine is None:
            groups.append([one])
        else:
            mine.append(one)
    measured = [_measured(pool, group, bounds) for group in groups]
    parts = [
        _estimate(pool, [run for _, run in group], costs, bounds) for group, costs in zip(groups, measured, strict=True)
    ]
    parts[0] = evolve(parts[0], assumes=(*parts[0].assumes, *_not_seen_yet(groups, measured)))
    if bounds.budget is not None:
        horizons = [group[0][1].horizon for group in groups]
        check_budget(bounds.budget, list(zip(horizons, parts, strict=True)), _FEWER)
    return Planned(
        together(parts),
        next((costs.apart for costs in measured if costs.apart is not None), None),
        min((room for costs in measured if (room := bounds.room(costs)) is not None), default=None),
        max(costs.least for costs in measured),
    )


def _measured(pool: LocalPool, group: Sequence[Wanted], bounds: Bounds) -> Costs:
    """Of the longest run: a script is forked once only where that is worth it."""
    branch, run = max(group, key=lambda one: one[1].to_train) if bounds.share else group[0]
    try:
        costs = pool.call(functools.partial(measure, forks=bounds.share), run)
    except RunError as problem:
        if branch.trunk.arm.variant is None or run.origin is None:
            raise
        raise fixed_by_the_checkpoint(branch.trunk.arm, problem) from problem
    return costs if bounds.share else evolve(costs, apart="--no-share was given")


def _not_seen_yet(groups: Sequence[Sequence[Wanted]], measured: Sequence[Costs]) -> list[str]:
    """Variants of a script that have changed nothing so far; an average is not expected to change the training."""
    alike: dict[tuple[float, ...], dict[str, str]] = {}
    for ((branch, _), *_), costs in zip(groups, measured, strict=True):
        arm = branch.trunk.arm
        training = repr({name: value for name, value in arm.overrides.items() if name != "average"})
        if costs.losses and branch.trunk.origin is not None:
            alike.setdefault(costs.losses, {}).setdefault(training, str(arm.variant))
    return [
        f"{' and '.join(names.values())} come to differ, though their first {len(losses)} updates after the checkpoint "
        "are the same bit for bit: does load(path) put the old value back?"
        for losses, names in alike.items()
        if len(names) > 1
    ]


def _estimate(pool: LocalPool, runs: Sequence[RunSpec], costs: Costs, bounds: Bounds) -> Estimate:
    shared = costs.apart is None and all(shareable(run) for run in runs)
    lines = [line_of(run) for run in runs]
    if not shared:
        lines = [evolve(line, header=line.header + str(i).encode()) for i, line in enumerate(lines)]
    tree = plan_tree(lines, costs.least)
    room = bounds.room(costs)
    played = simulate(tree, pool.workers, None if room is None else check_room(tree, room))
    evaluations = sum(len(node.marks) for node in tree.nodes)
    seconds = played.steps * costs.update
    seconds += (len(tree.nodes) * costs.start + evaluations * costs.evaluation) / min(pool.workers, len(tree.nodes))
    per_epoch = runs[0].horizon.epoch_length
    misses = near_misses(plan_tree(lines)) if shared else []
    return Estimate(
        runs=len(runs),
        steps_naive=tree.steps_naive,
        steps_trained=tree.steps_trained,
        per_epoch=None if per_epoch is None else float(per_epoch),
        snapshots=tree.snapshots,
        peak_snapshots=played.peak_snapshots,
        bytes_per_snapshot=costs.snapshot,
        seconds=seconds,
        near_misses=tuple(
            {"schedules": [runs[i].schedule for i in miss.runs], "at": miss.at, "until": miss.until} for miss in misses
        ),
        advice=(),
        assumes=() if costs.apart is None else (f"every run is made apart: {costs.apart}",),
        apart=not shared,
    )
