"""Branches of one trunk, trained as a tree and compared: what `cooldown` and `extend` share.

A branch has the trunk's rates up to the step it starts from and its own from there on. From a checkpoint, the root of
the tree is the checkpoint, and nothing before it is trained. One trunk is one sample of it: several seeds are then
several orders of the data after it, and their spread is that of the branches alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from attrs import evolve, frozen

from lrdecay.errors import InputError, RunError, positive_int, refusal
from lrdecay.runs.origin import Origin
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Horizon, Schedule
from lrdecay.sweep.costs import Costs, measure
from lrdecay.sweep.executor import check_room, line_of, shareable
from lrdecay.sweep.journal import Journal
from lrdecay.sweep.near import near_misses
from lrdecay.sweep.order import simulate
from lrdecay.sweep.pool import LocalPool
from lrdecay.sweep.runner import Runner
from lrdecay.sweep.study import Row
from lrdecay.sweep.tree import plan_tree
from lrdecay.verbs.estimate import Estimate
from lrdecay.verbs.trunk import Trunk

__all__ = [
    "ONE_SAMPLE",
    "Branch",
    "Branched",
    "branch_of",
    "estimate_branches",
    "raise_if_nothing_trained",
    "seeds_of",
    "train_branches",
]

ONE_SAMPLE = (
    "All runs start from one checkpoint: a difference between seeds is that of the branches alone, and the one trunk "
    "is one sample of trunks."
)
"""What intervals over seeds leave out, from a checkpoint."""

_SEEDS = 3  # where each seed has a trunk of its own


@frozen(eq=False)
class Branch:
    """One way to go on."""

    written: str  # as it is named in tables
    schedule: Schedule  # says the rates from the trunk's step on; what it says of earlier ones is not what was used
    horizon: Horizon
    rates: FloatArray  # float64, shape (horizon.steps,), the trunk's own before its step

    @property
    def spec(self) -> str:
        """The notation."""
        return f"{self.schedule!r} @ {self.horizon.steps}"

    def run(self, trunk: Trunk, seed: int) -> RunSpec:
        """The run of one seed."""
        probe, text = trunk.probe, repr(self.schedule)
        return RunSpec(
            trunk.source, seed, text, self.horizon, self.rates, probe.metric, probe.goal, origin=trunk.origin
        )


@frozen(eq=False)
class Branched:
    """Trained branches: of each, a row with its results, the same seeds for all."""

    rows: tuple[Row, ...]
    seeds: tuple[int, ...]
    notes: tuple[str, ...]
    steps_trained: int
    steps_naive: int


def branch_of(trunk: Trunk, written: str, schedule: Schedule, steps: int, rates: FloatArray | None = None) -> Branch:
    """A branch up to ``steps`` updates in all.

    Args:
        trunk: what it goes on from.
        written: its name.
        schedule: says its rates from the trunk's step on.
        steps: updates of the whole run, above the trunk's step.
        rates: the rates from the trunk's step on, where the schedule does not say them exactly.

    Raises:
        InputError: the schedule does not fit.
    """
    horizon = trunk.probe.horizon.lasting(steps=steps)
    after = schedule.bind(horizon).values()[trunk.step :] if rates is None else rates
    return Branch(written, schedule, horizon, np.concatenate([trunk.past(steps), after]))


def seeds_of(verb: str, seeds: int | None, origin: Origin | None) -> tuple[int, ...]:
    """Seeds 0 .. n - 1; by default 3, and 1 from a checkpoint, where only a script that asks for its seed has others.

    Raises:
        InputError: not a positive integer.
    """
    if seeds is None:
        seeds = _SEEDS if origin is None else 1
    positive_int.check(f"{verb}(seeds=...)", seeds)
    return tuple(range(seeds))


def estimate_branches(
    pool: LocalPool, runs: Sequence[RunSpec], *, share: bool, max_disk: int | None
) -> tuple[Estimate, Costs]:
    """What runs cost here as a tree; measured on a few updates that are thrown away.

    Raises:
        InputError: the disk has no room.
        RunError: a script fails.
    """
    if share:
        costs = pool.call(measure, max(runs, key=lambda run: run.to_train))
    else:
        costs = evolve(pool.call(_measured_apart, runs[0]), apart="--no-share was given")
    shared = costs.apart is None and all(shareable(run) for run in runs)
    lines = [line_of(run) for run in runs]
    if not shared:
        lines = [evolve(line, header=line.header + str(i).encode()) for i, line in enumerate(lines)]
    tree = plan_tree(lines, costs.least)
    room = None if max_disk is None else check_room(tree, max_disk // max(costs.snapshot, 1))
    played = simulate(tree, pool.workers, room)
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
    ), costs


def _measured_apart(run: RunSpec) -> Costs:
    return measure(run, forks=False)


def train_branches(
    pool: LocalPool,
    trunk: Trunk,
    branches: Sequence[Branch],
    seeds: tuple[int, ...],
    folder: Path,
    *,
    share: bool,
    max_disk: int | None,
    say: Callable[[str], None] | None,
) -> Branched:
    """Train every branch on every seed; say before what it will cost.

    Seeds that gave the same bits are one seed: a script that takes its data order from its checkpoint has one.

    Raises:
        InputError: the checkpoint lies where snapshots are kept, the disk has no room, or the script is unfit.
        RunError: a script failed. Finished runs are kept in the folder.
    """
    if trunk.origin is not None and trunk.origin.checkpoint.is_relative_to((folder / "snapshots").absolute()):
        cure = "What is there is removed when a study ends: copy it elsewhere first."
        msg = refusal("--from CHECKPOINT", "must not lie among the report's own snapshots", str(folder), cure)
        raise InputError(msg)
    runs = [branch.run(trunk, seed) for branch in branches for seed in seeds]
    with Journal(folder) as journal:
        left = {run.identity(): run for run in runs if journal.get(run.identity()) is None}
        notes: list[str] = []
        least, room = 0, None
        if left:
            planned, costs = estimate_branches(pool, list(left.values()), share=share, max_disk=max_disk)
            if say is not None:
                for line in planned.sentences():
                    say(line)
            if share and costs.apart is not None:
                notes.append(f"Every run was made apart: {costs.apart}")
            share = share and costs.apart is None
            least, room = costs.least, None if max_disk is None else max_disk // max(costs.snapshot, 1)
        runner = Runner(pool, journal, share=share, snapshots=room, least=least)
        results = runner.run(runs, f"branches from step {trunk.step}")
        runner.clean()
    n = len(seeds)
    each = [results[i * n : (i + 1) * n] for i in range(len(branches))]
    if trunk.origin is not None and n > 1 and any(_alike(row) for row in each):
        note = "The seeds gave the same run bit for bit, so they count as one: the script takes its data order from the"
        notes.append(f"{note} checkpoint, and neither from run.seed nor from {{seed}} in its command.")
        seeds, each = seeds[:1], [row[:1] for row in each]
    rows = [
        Row(b.written, b.spec, float(b.rates[trunk.step :].max()), tuple(row))
        for b, row in zip(branches, each, strict=True)
    ]
    if runner.runs_reused:
        notes.append(f"{runner.runs_reused} runs were finished before and not made again.")
    return Branched(
        tuple(rows),
        seeds,
        (*notes, *runner.notes, *results[0].notes),
        runner.steps_trained,
        runner.steps_asked,
    )


def _alike(results: Sequence[RunResult]) -> bool:
    """Whether two seeds gave the same losses, all of them."""
    losses = [r.trace.loss.tobytes() for r in results if r.trace.steps]
    return len(set(losses)) < len(losses)


def raise_if_nothing_trained(verb: str, rows: Sequence[Row], report: Path) -> None:
    """A study in which every run diverged has failed; what there is to see is kept.

    Raises:
        RunError: every run did.
    """
    first = rows[0].results[0].diverged
    if first is not None and all(row.diverged == len(row.results) for row in rows):
        msg = f"`{verb}` must have a run whose loss stays finite, got none: {rows[0].spec} was {first.loss} at step "
        msg += f"{first.step} (rate {first.rate:.6g}). The traces are beside {report}."
        raise RunError(msg)
