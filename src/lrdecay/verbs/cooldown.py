"""`cooldown`: from one step of a run, which cooldown is worth its updates? Many lengths and shapes, one trunk."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attrs import evolve, field, frozen

from lrdecay.schedule import Schedule
from lrdecay.sweep.pool import LocalPool, Watch
from lrdecay.sweep.study import Study, Table, rank
from lrdecay.verbs.branch_planning import Bounds, plan_branches
from lrdecay.verbs.branch_training import Branched, raise_if_nothing_trained, train_branches
from lrdecay.verbs.branches import Branch, facets_of, seeds_of
from lrdecay.verbs.cooldown_lengths import Stretch
from lrdecay.verbs.cooldown_plan import CooldownPlan, sentences_of
from lrdecay.verbs.estimate import Estimate
from lrdecay.verbs.export import export_tables, frame_of_tables, targets_of
from lrdecay.verbs.extras import require
from lrdecay.verbs.provenance import provenance, report_folder
from lrdecay.verbs.sources import Task, source_of
from lrdecay.verbs.trunk import Trunk
from lrdecay.verbs.trunks import trunks_of

if TYPE_CHECKING:
    from lrdecay.logs.frames import DataFrame

__all__ = ["Cooled", "cooldown", "cooldown_dry_run"]


@frozen(eq=False)
class Cooled:
    """Cooldowns compared in two ways, each a study with a report of its own."""

    trunk: Trunk
    matching_total: Study  # all end at one step
    matching_trunk: Study  # all start at the trunk's step
    boundaries: Mapping[str, tuple[Stretch, ...]]  # "matching_total" and "matching_trunk"
    reports: Mapping[str, Path]
    steps_trained: int
    steps_naive: int
    folder: Path
    facets: Mapping[str, Mapping[str, Any]] = field(factory=dict)  # row's name -> what a variant overrides -> value
    exported: tuple[str, ...] = ()  # as asked for: "parquet:runs.parquet"

    @property
    def tables(self) -> dict[str, Table]:
        """Both tables, by what they match."""
        return {"matching total": self.matching_total.main, "matching trunk": self.matching_trunk.main}

    def frame(self) -> DataFrame:
        """Every run in one long pandas DataFrame; one that stands in both tables once.

        Raises:
            MissingExtraError: pandas or pyarrow (``lrdecay[frames]``) is not installed.
        """
        return frame_of_tables(self.trunk.task, self.tables, "Cooled.frame()")

    def to_json(self) -> dict[str, Any]:
        """Where it starts, every boundary, and the JSON of both studies, as in ``compare --json``."""
        return {
            "from": self.trunk.to_json(),
            "boundaries": {name: [_spoken(s) for s in stretches] for name, stretches in self.boundaries.items()},
            "matching_total": self.matching_total.to_json() | {"report": str(self.reports["matching_total"])},
            "matching_trunk": self.matching_trunk.to_json() | {"report": str(self.reports["matching_trunk"])},
            "steps_trained": self.steps_trained,
            "steps_naive": self.steps_naive,
            "facets": {written: dict(axes) for written, axes in self.facets.items()},
            "exported": list(self.exported),
        }


def cooldown(
    task: Task | None = None,
    *,
    script: str | None = None,
    checkpoint: str | Path | None = None,
    at: int | None = None,
    schedule: str | Schedule | None = None,
    rate: float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    lengths: str | Sequence[str] = ("5%", "10%", "20%"),
    shapes: str | Sequence[str] = ("linear", "1-sqrt"),
    total: int | None = None,
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
    command: str = "lrdecay.cooldown(...)",
) -> Cooled:
    """Cool down from one step of a run in many ways, and say which is best: matching the total, and the trunk.

    Args:
        task: see `lrdecay.verbs.sources`; its trunk is trained once for each seed, up to ``at``. Or give ``script``.
        script: a command that calls ``lrdecay.script()`` and loops over ``run.steps(load=load)``.
        checkpoint: one of the script's own, which this tool need not have written. It is never changed.
        at: the step to start from, without a checkpoint.
        schedule: what led there, with the horizon it may carry; or give ``rate``.
        rate: the rate there.
        steps: the horizon of that schedule in updates, in place of the source's own.
        epochs: the same in epochs.
        lengths: percent of the final horizon: "5%,10%,20%", or a list.
        shapes: of `lrdecay.wsd`: "linear,1-sqrt", or a list.
        total: where all end that match in total; by default where the longest ends that starts at once.
        floor: the rate cooldowns end at.
        seeds: how many; by default 3, and 1 from a checkpoint: there several are orders of the data after it, for a
            script that uses ``run.seed`` or ``{seed}``.
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
        say: told the boundaries and what it will cost, before anything is trained.
        watch: told about the updates made.
        command: what to write into the provenance.

    Raises:
        InputError: something asked for cannot be done; nothing was trained.
        RunError: every run diverged, or the script failed. Finished runs are kept in ``out``.
    """
    began = time.perf_counter()
    require("study", "cooldown")
    targets = targets_of(export)
    from lrdecay.report.html import write_report

    asked = CooldownPlan.read(lengths, shapes, floor, total)
    bounds = Bounds.read(vary, budget, max_disk, share=share)
    source = source_of(task, script, arguments=arguments, metric=metric)
    with LocalPool(workers, watch) as pool:
        trunks = trunks_of(
            pool, source, bounds.variants, verb="cooldown", checkpoint=checkpoint, at=at, schedule=schedule, rate=rate,
            steps=steps, epochs=epochs,
        )  # fmt: skip
        trunk = trunks[0]
        stretches = asked.stretches(trunk)
        groups = {name: [b for t in trunks for b in asked.branches(t, stretches[name])] for name in stretches}
        everything = [branch for group in groups.values() for branch in group]
        chosen = seeds_of("cooldown", seeds, trunk.origin)
        folder = Path(out) if out is not None else _folder(trunk, everything, chosen)
        said = sentences_of(trunks, stretches)
        done = train_branches(pool, everything, chosen, folder, bounds, said, say)
    studies, at_row = {}, 0
    for name, group in groups.items():
        mine = evolve(done, rows=done.rows[at_row : at_row + len(group)])
        at_row += len(group)
        studies[name] = _study(trunks, name, stretches[name], mine, time.perf_counter() - began, command)
    reports = {name: write_report(study, folder / name.replace("_", "-")) for name, study in studies.items()}
    cooled = Cooled(
        trunk, **studies, boundaries=stretches, reports=reports, steps_trained=done.steps_trained,
        steps_naive=done.steps_naive, folder=folder, facets=facets_of(everything), exported=tuple(map(str, targets)),
    )  # fmt: skip
    for target in targets:
        export_tables(trunk.task, cooled.tables, target)
    raise_if_nothing_trained("cooldown", done.rows, reports["matching_total"])
    return cooled


def cooldown_dry_run(
    task: Task | None = None,
    *,
    script: str | None = None,
    checkpoint: str | Path | None = None,
    at: int | None = None,
    schedule: str | Schedule | None = None,
    rate: float | None = None,
    steps: int | None = None,
    epochs: float | None = None,
    lengths: str | Sequence[str] = ("5%", "10%", "20%"),
    shapes: str | Sequence[str] = ("linear", "1-sqrt"),
    total: int | None = None,
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
    """What `cooldown` with these arguments would do and cost: its boundaries in words, and the estimate.

    Raises:
        InputError: something asked for cannot be done.
        RunError: a script fails.
    """
    asked = CooldownPlan.read(lengths, shapes, floor, total)
    bounds = Bounds.read(vary, budget, max_disk, share=share)
    source = source_of(task, script, arguments=arguments, metric=metric)
    with LocalPool(workers) as pool:
        trunks = trunks_of(
            pool, source, bounds.variants, verb="cooldown", checkpoint=checkpoint, at=at, schedule=schedule, rate=rate,
            steps=steps, epochs=epochs,
        )  # fmt: skip
        stretches = asked.stretches(trunks[0])
        branches = [b for group in stretches.values() for t in trunks for b in asked.branches(t, group)]
        chosen = seeds_of("cooldown", seeds, trunks[0].origin)
        planned = plan_branches(pool, [(b, b.run(seed)) for seed in chosen for b in branches], bounds)
    return sentences_of(trunks, stretches), planned.whole


_TITLES = {
    "matching_total": "matching total: all end at step {ends}",
    "matching_trunk": "matching trunk: all start at step {starts}",
}


def _study(
    trunks: Sequence[Trunk], name: str, stretches: Sequence[Stretch], done: Branched, seconds: float, command: str
) -> Study:
    trunk = trunks[0]
    first = done.rows[0].results[0]
    title = _TITLES[name].format(ends=stretches[0].end, starts=trunk.step)
    caveats = done.caveats
    if name == "matching_trunk" and len(stretches) > 1:
        caveats = ("Longer cooldowns train for longer here; matching total compares them at one cost.", *caveats)
    return Study(
        task=trunk.task,
        metric=first.metric,
        goal=first.goal,
        seeds=done.seeds,
        pilot_seeds=(),
        main=rank(title, done.rows, first.goal),
        shared=None,
        choices={},
        steps_trained=done.steps_trained,
        steps_naive=done.steps_naive,
        seconds=seconds,
        notes=(*sentences_of(trunks, {name: tuple(stretches)}), *done.notes, "Updates made are those of both tables."),
        provenance=provenance(command),
        caveats=caveats,
    )


def _spoken(s: Stretch) -> dict[str, Any]:
    return {"length": s.length.written, "start": s.start, "end": s.end, "updates": s.updates}


def _folder(trunk: Trunk, branches: Sequence[Branch], seeds: Sequence[int]) -> Path:
    runs = sorted({branch.run(0).identity() for branch in branches})
    digest = hashlib.sha256(json.dumps([runs, list(seeds)]).encode()).hexdigest()
    return report_folder("cooldown", trunk.label, digest)
