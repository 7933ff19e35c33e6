"""Training branches as a tree, and what came of them: what `cooldown` and `extend` share."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen

from lrdecay.errors import InputError, RunError, refusal
from lrdecay.runs.spec import RunResult
from lrdecay.sweep.journal import Journal
from lrdecay.sweep.pool import LocalPool
from lrdecay.sweep.runner import Runner
from lrdecay.sweep.study import Row
from lrdecay.verbs.branch_planning import Bounds, Wanted, plan_branches
from lrdecay.verbs.branches import ONE_SAMPLE, Branch

__all__ = ["Branched", "raise_if_nothing_trained", "train_branches"]


@frozen(eq=False)
class Branched:
    """Trained branches: of each, a row with its results, the same seeds for all."""

    rows: tuple[Row, ...]
    seeds: tuple[int, ...]
    notes: tuple[str, ...]
    caveats: tuple[str, ...]  # what a verdict ends with
    steps_trained: int
    steps_naive: int


def train_branches(
    pool: LocalPool,
    branches: Sequence[Branch],
    seeds: tuple[int, ...],
    folder: Path,
    bounds: Bounds,
    said: Sequence[str],
    say: Callable[[str], None] | None,
) -> Branched:
    """Train every branch on every seed; say before what will be done, ``said``, and what it will cost.

    Seeds that gave the same bits are one seed: a script that takes its data order from its checkpoint has one.

    Raises:
        InputError: the checkpoint lies where snapshots are kept, the study does not keep within its bounds, or the
            script is unfit; nothing was trained, and no folder is left.
        RunError: a script failed. Finished runs are kept in the folder.
    """
    trunk = branches[0].trunk
    if trunk.origin is not None and trunk.origin.checkpoint.is_relative_to((folder / "snapshots").absolute()):
        cure = "What is there is removed when a study ends: copy it elsewhere first."
        msg = refusal("--from CHECKPOINT", "must not lie among the report's own snapshots", str(folder), cure)
        raise InputError(msg)
    wanted = [(branch, branch.run(seed)) for branch in branches for seed in seeds]
    planned = plan_branches(pool, _unfinished(wanted, folder), bounds)
    for line in (*said, *(() if planned.estimate is None else planned.estimate.sentences())):
        if say is not None:
            say(line)
    notes = [f"Every run was made apart: {planned.apart}"] if bounds.share and planned.apart is not None else []
    share = bounds.share and planned.apart is None
    with Journal(folder) as journal:
        runner = Runner(pool, journal, share=share, snapshots=planned.room, least=planned.least)
        results = runner.run([run for _, run in wanted], f"branches from step {trunk.step}")
        runner.clean()
    n = len(seeds)
    each = [results[i * n : (i + 1) * n] for i in range(len(branches))]
    caveats = [] if trunk.origin is None else [*_without_effect(branches, each), ONE_SAMPLE]
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
        tuple(caveats),
        runner.steps_trained,
        runner.steps_asked,
    )


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


def _unfinished(wanted: Sequence[Wanted], folder: Path) -> list[Wanted]:
    """The runs that are not kept in the folder; one that is not there is not made."""
    if not folder.exists():
        return list(wanted)
    with Journal(folder) as journal:
        return [(branch, run) for branch, run in wanted if journal.get(run.identity()) is None]


def _alike(results: Sequence[RunResult]) -> bool:
    """Whether two seeds gave the same losses, all of them."""
    losses = [r.trace.loss.tobytes() for r in results if r.trace.steps]
    return len(set(losses)) < len(losses)


def _without_effect(branches: Sequence[Branch], each: Sequence[Sequence[RunResult]]) -> list[str]:
    """Variants that gave the same losses and the same scores on every branch: the checkpoint put the old value back."""
    marks: dict[str, list[bytes]] = {}
    for branch, results in zip(branches, each, strict=True):
        own = f"{branch.own} {branch.schedule!r} {branch.horizon.steps}".encode()
        for r in results:
            said = own + r.trace.loss.tobytes() + repr(sorted(r.metrics.items())).encode()
            marks.setdefault(str(branch.trunk.arm.variant), []).append(hashlib.sha256(said).digest())
    alike: dict[tuple[bytes, ...], list[str]] = {}
    for variant, prints in marks.items():
        alike.setdefault(tuple(sorted(prints)), []).append(variant)
    return [
        f"{' and '.join(names)} gave the same runs bit for bit: what they override has no effect after the checkpoint. "
        "Does load(path) put the old value back?"
        for names in alike.values()
        if len(names) > 1
    ]
