"""`extend`: a run is to be longer than was planned. Which way to go on from here is best?"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import field, frozen

from lrdecay.schedule import Schedule
from lrdecay.sweep.pool import LocalPool, Watch
from lrdecay.sweep.study import Study, rank
from lrdecay.verbs.branch_planning import Bounds, plan_branches
from lrdecay.verbs.branch_training import raise_if_nothing_trained, train_branches
from lrdecay.verbs.branches import Branch, facets_of, seeds_of
from lrdecay.verbs.estimate import Estimate
from lrdecay.verbs.export import export_tables, frame_of_tables, targets_of
from lrdecay.verbs.extend_choices import Choices, Wishes
from lrdecay.verbs.extras import require
from lrdecay.verbs.provenance import provenance, report_folder
from lrdecay.verbs.sources import Task, source_of
from lrdecay.verbs.trunk import Trunk
from lrdecay.verbs.trunks import trunks_of, variants_said

if TYPE_CHECKING:
    from lrdecay.logs.frames import DataFrame

__all__ = ["Extended", "extend", "extend_dry_run"]


@frozen(eq=False)
class Extended:
    """Ways to go on, compared."""

    trunk: Trunk
    choices: Choices
    study: Study
    report: Path
    folder: Path
    facets: Mapping[str, Mapping[str, Any]] = field(factory=dict)  # row's name -> what a variant overrides -> value
    exported: tuple[str, ...] = ()  # as asked for: "parquet:runs.parquet"

    def frame(self) -> DataFrame:
        """Every run in one long pandas DataFrame: run, params, step, name, value.

        Raises:
            MissingExtraError: pandas or pyarrow (``lrdecay[frames]``) is not installed.
        """
        return frame_of_tables(self.trunk.task, {"main": self.study.main}, "Extended.frame()")

    def to_json(self) -> dict[str, Any]:
        """Where it starts, the jump of the stretched curve, and the study's JSON as in ``compare --json``."""
        jump = self.choices.jump
        return self.study.to_json() | {
            "from": self.trunk.to_json(),
            "steps": self.choices.branches[0].horizon.steps,
            "jump": {"now": jump.now, "next": jump.next, "ratio": jump.ratio, "updates": jump.updates},
            "report": str(self.report),
            "facets": {written: dict(axes) for written, axes in self.facets.items()},
            "exported": list(self.exported),
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
    vary: str | Sequence[str] = (),
    budget: str | int | None = None,
    metric: str | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    share: bool = True,
    max_disk: str | None = None,
    export: Sequence[str] = (),
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
        vary: other arguments of the task, or words of the script's command, every branch under each; from a checkpoint
            what they override holds after it. See `lrdecay.verbs.trunks`.
        budget: refuse a study that costs more: "8h", "30min", "500epochs", "2e9tok", or a number of updates.
        metric: what a script is judged by.
        out: the report folder. The same command finds its finished runs there.
        workers: processes; by default one per core.
        share: whether runs that agree up to a step are trained once up to it. The results are the same.
        max_disk: what snapshots may take at once, such as "2GB".
        export: where to hand the runs on, as ``KIND:PATH``; see `lrdecay.verbs.export`.
        say: told the jump of the rate and what it will cost, before anything is trained.
        watch: told about the updates made.
        command: what to write into the provenance.

    Raises:
        InputError: something asked for cannot be done, such as to go on from a finished decay without ``rewarm``.
        RunError: every run diverged, or the script failed. Finished runs are kept in ``out``.
    """
    began = time.perf_counter()
    require("study", "extend")
    targets = targets_of(export)
    from lrdecay.report.html import write_report

    wishes = Wishes.read(steps, rewarm, peaks, cooldown, shapes, floor)
    bounds = Bounds.read(vary, budget, max_disk, share=share)
    source = source_of(task, script, arguments=arguments, metric=metric)
    with LocalPool(workers, watch) as pool:
        trunks = trunks_of(
            pool, source, bounds.variants, verb="extend", checkpoint=checkpoint, at=at, schedule=schedule
        )
        trunk, choices, branches = _ways(wishes, trunks)
        chosen = seeds_of("extend", seeds, trunk.origin)
        folder = Path(out) if out is not None else _folder(trunk, branches, chosen)
        said = _sentences(trunks, choices)
        done = train_branches(pool, branches, chosen, folder, bounds, said, say)
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
        notes=(*said, *done.notes),
        provenance=provenance(command),
        caveats=done.caveats,
    )
    report = write_report(study, folder)
    for target in targets:
        export_tables(trunk.task, {"main": study.main}, target)
    raise_if_nothing_trained("extend", done.rows, report)
    return Extended(trunk, choices, study, report, folder, facets_of(branches), tuple(map(str, targets)))


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
    vary: str | Sequence[str] = (),
    budget: str | int | None = None,
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
    bounds = Bounds.read(vary, budget, max_disk, share=share)
    source = source_of(task, script, arguments=arguments, metric=metric)
    with LocalPool(workers) as pool:
        trunks = trunks_of(
            pool, source, bounds.variants, verb="extend", checkpoint=checkpoint, at=at, schedule=schedule
        )
        trunk, choices, branches = _ways(wishes, trunks)
        chosen = seeds_of("extend", seeds, trunk.origin)
        planned = plan_branches(pool, [(b, b.run(seed)) for seed in chosen for b in branches], bounds)
    return _sentences(trunks, choices), planned.whole


def _ways(wishes: Wishes, trunks: Sequence[Trunk]) -> tuple[Trunk, Choices, list[Branch]]:
    """The first trunk, its choices, and the branches of all: variants have one rate there, and so the same choices."""
    each = [wishes.choices(trunk) for trunk in trunks]
    return trunks[0], each[0], [branch for choices in each for branch in choices.branches]


def _sentences(trunks: Sequence[Trunk], choices: Choices) -> list[str]:
    return [f"from step {trunks[0].step}, at rate {trunks[0].rate:.6g}", *choices.notes, *variants_said(trunks)]


def _folder(trunk: Trunk, branches: Sequence[Branch], seeds: Sequence[int]) -> Path:
    runs = [branch.run(0).identity() for branch in branches]
    digest = hashlib.sha256(json.dumps([runs, list(seeds)]).encode()).hexdigest()
    return report_folder("extend", trunk.label, digest)
