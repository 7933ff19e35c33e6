"""`extend`: a run is to be longer than was planned. Which way to go on from here is best?"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import frozen

from lrdecay.schedule import Schedule
from lrdecay.sweep.pool import LocalPool, Watch
from lrdecay.sweep.study import Study, rank
from lrdecay.verbs.branches import (
    ONE_SAMPLE,
    estimate_branches,
    raise_if_nothing_trained,
    seeds_of,
    train_branches,
)
from lrdecay.verbs.estimate import Estimate, disk_bytes
from lrdecay.verbs.extend_choices import Choices, Wishes
from lrdecay.verbs.extras import require
from lrdecay.verbs.provenance import provenance, report_folder
from lrdecay.verbs.sources import Task, source_of
from lrdecay.verbs.trunk import Trunk, trunk_of

__all__ = ["Extended", "extend", "extend_dry_run"]


@frozen(eq=False)
class Extended:
    """Ways to go on, compared."""

    trunk: Trunk
    choices: Choices
    study: Study
    report: Path
    folder: Path

    def to_json(self) -> dict[str, Any]:
        """Where it starts, the jump of the stretched curve, and the study's JSON as in ``compare --json``."""
        jump = self.choices.jump
        return self.study.to_json() | {
            "from": self.trunk.to_json(),
            "steps": self.choices.branches[0].horizon.steps,
            "jump": {"now": jump.now, "next": jump.next, "ratio": jump.ratio, "updates": jump.updates},
            "report": str(self.report),
        }


def extend(
    task: Task | None = None,
    *,
    steps: int,
    schedule: str | Schedule,
    script: str | None = None,
    checkpoint: str | Path | None = None,
    at: int | None = None,
    rewarm: str | int | None = None,
    peaks: str | Sequence[str] = ("50%", "100%"),
    cooldown: str = "20%",
    shapes: str | Sequence[str] = ("linear",),
    floor: float = 0.0,
    seeds: int | None = None,
    arguments: Mapping[str, Any] | None = None,
    metric: str | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    share: bool = True,
    max_disk: str | None = None,
    say: Callable[[str], None] | None = None,
    watch: Watch | None = None,
    command: str = "lrdecay.extend(...)",
) -> Extended:
    """Go on to ``steps`` updates in all in several ways, and say which is best; see `lrdecay.verbs.extend_choices`.

    Args:
        task: see `lrdecay.verbs.sources`; its trunk is trained once for each seed, up to ``at``. Or give ``script``.
        steps: the new length in all.
        schedule: what led to the checkpoint, with its old horizon: ``"cosine(0.1) @ 5000"``; without one, the source's
            own horizon is the old one.
        script: a command that calls ``lrdecay.script()`` and loops over ``run.steps(load=load)``.
        checkpoint: one of the script's own, which this tool need not have written. It is never changed.
        at: the step to start from, without a checkpoint.
        rewarm: over how long the rate is brought up again, a share of the new length or updates; None: not at all.
        peaks: shares of the old peak to bring it up to.
        cooldown: of the constant rate, a share of the new length.
        shapes: of the decays at the end.
        floor: the rate they end at.
        seeds: how many; by default 3, and 1 from a checkpoint, as in `lrdecay.cooldown`.
        arguments: keyword arguments of the task.
        metric: what a script is judged by.
        out: the report folder. The same command finds its finished runs there.
        workers: processes; by default one per core.
        share: whether runs that agree up to a step are trained once up to it. The results are the same.
        max_disk: what snapshots may take at once, such as "2GB".
        say: told the jump of the rate and what it will cost, before anything is trained.
        watch: told about the updates made.
        command: what to write into the provenance.

    Raises:
        InputError: something asked for cannot be done, such as to go on from a finished decay without ``rewarm``.
        RunError: every run diverged, or the script failed. Finished runs are kept in ``out``.
    """
    began = time.perf_counter()
    require("study", "extend")
    from lrdecay.report.html import write_report

    wishes = Wishes.read(steps, rewarm, peaks, cooldown, shapes, floor)
    room = None if max_disk is None else disk_bytes(max_disk)
    source = source_of(task, script, arguments=arguments, metric=metric)
    with LocalPool(workers, watch) as pool:
        trunk = trunk_of(pool, source, verb="extend", checkpoint=checkpoint, at=at, schedule=schedule)
        choices = wishes.choices(trunk)
        chosen = seeds_of("extend", seeds, trunk.origin)
        folder = Path(out) if out is not None else _folder(trunk, choices, chosen)
        for line in _sentences(trunk, choices) if say is not None else ():
            say(line)  # type: ignore[misc]
        done = train_branches(pool, trunk, choices.branches, chosen, folder, share=share, max_disk=room, say=say)
    first = done.rows[0].results[0]
    study = Study(
        task=trunk.task,
        metric=first.metric,
        goal=first.goal,
        seeds=done.seeds,
        pilot_seeds=(),
        main=rank(f"to {steps} updates in all", done.rows, first.goal),
        shared=None,
        choices={},
        steps_trained=done.steps_trained,
        steps_naive=done.steps_naive,
        seconds=time.perf_counter() - began,
        notes=(*_sentences(trunk, choices), *done.notes),
        provenance=provenance(command),
        caveats=() if trunk.origin is None else (ONE_SAMPLE,),
    )
    report = write_report(study, folder)
    raise_if_nothing_trained("extend", done.rows, report)
    return Extended(trunk, choices, study, report, folder)


def extend_dry_run(
    task: Task | None = None,
    *,
    steps: int,
    schedule: str | Schedule,
    script: str | None = None,
    checkpoint: str | Path | None = None,
    at: int | None = None,
    rewarm: str | int | None = None,
    peaks: str | Sequence[str] = ("50%", "100%"),
    cooldown: str = "20%",
    shapes: str | Sequence[str] = ("linear",),
    floor: float = 0.0,
    seeds: int | None = None,
    arguments: Mapping[str, Any] | None = None,
    metric: str | None = None,
    workers: int | None = None,
    share: bool = True,
    max_disk: str | None = None,
) -> tuple[list[str], Estimate]:
    """What `extend` with these arguments would do and cost: the jump of the rate in words, and the estimate.

    Raises:
        InputError: something asked for cannot be done.
        RunError: a script fails.
    """
    wishes = Wishes.read(steps, rewarm, peaks, cooldown, shapes, floor)
    room = None if max_disk is None else disk_bytes(max_disk)
    source = source_of(task, script, arguments=arguments, metric=metric)
    with LocalPool(workers) as pool:
        trunk = trunk_of(pool, source, verb="extend", checkpoint=checkpoint, at=at, schedule=schedule)
        choices = wishes.choices(trunk)
        chosen = seeds_of("extend", seeds, trunk.origin)
        runs = [branch.run(trunk, seed) for seed in chosen for branch in choices.branches]
        planned, _ = estimate_branches(pool, runs, share=share, max_disk=room)
    return _sentences(trunk, choices), planned


def _sentences(trunk: Trunk, choices: Choices) -> list[str]:
    return [f"from step {trunk.step}, at rate {trunk.rate:.6g}", *choices.notes]


def _folder(trunk: Trunk, choices: Choices, seeds: Sequence[int]) -> Path:
    runs = [branch.run(trunk, 0).identity() for branch in choices.branches]
    digest = hashlib.sha256(json.dumps([runs, list(seeds)]).encode()).hexdigest()
    return report_folder("extend", trunk.source.label, digest)
