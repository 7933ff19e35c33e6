"""Answering a comparison's question: plan, range tests, pilots, scores and the report, each kept as soon as it is made.

`lrdecay.compare` asks a new question here; `lrdecay.verbs.resume` one that was kept.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from attrs import field, frozen

from lrdecay.errors import RunError
from lrdecay.runs.ruled import WATCHED_THE_SCORE
from lrdecay.runs.ruling import SCRIPTS_WHOLE
from lrdecay.runs.spec import RunSpec, Source
from lrdecay.runs.store.protocol import Member
from lrdecay.runs.trace import Trace
from lrdecay.sweep.foretold import Forecasted
from lrdecay.sweep.pilots import shared_peak
from lrdecay.sweep.pool import Watch
from lrdecay.sweep.pools import Pool
from lrdecay.sweep.runner import Runner
from lrdecay.sweep.study import Row, Study, rank
from lrdecay.verbs.engines import pool_of
from lrdecay.verbs.export import Target, export_study, frame_of
from lrdecay.verbs.find import search
from lrdecay.verbs.forecast_order import order_of
from lrdecay.verbs.keeping import Keeping, kept_in, wording_the_disk
from lrdecay.verbs.planning import plan_study
from lrdecay.verbs.provenance import provenance
from lrdecay.verbs.question import Question
from lrdecay.verbs.recorded import question_json
from lrdecay.verbs.ruling import check_rules
from lrdecay.verbs.scoring import score
from lrdecay.verbs.snapshots import snapshot_folder
from lrdecay.verbs.tuning import make_spec, tune
from lrdecay.verbs.varied import Arm, arms_of

if TYPE_CHECKING:
    from lrdecay.logs.frames import DataFrame

__all__ = ["Compared", "How", "answer"]


@frozen(eq=False)
class Compared:
    """A finished comparison and the folder its report is in."""

    study: Study
    folder: Path
    report: Path
    facets: Mapping[str, Mapping[str, Any]] = field(factory=dict)  # row's name -> axis of a grid, or variant -> value
    exported: tuple[str, ...] = ()  # as asked for: "parquet:runs.parquet"
    id: str = ""  # of the study in its store
    store: str = ""  # what opens it

    def to_json(self) -> dict[str, Any]:
        """The study's JSON, where it and the report are, what each row is on the axes of grids, what was exported."""
        facets = {written: dict(axes) for written, axes in self.facets.items()}
        more = {"report": str(self.report), "facets": facets, "exported": list(self.exported)}
        return self.study.to_json() | more | {"id": self.id, "store": self.store}

    def frame(self) -> DataFrame:
        """Every scored run in one long pandas DataFrame: run, params, step, name, value.

        Raises:
            MissingExtraError: pandas or pyarrow (``lrdecay[frames]``) is not installed.
        """
        return frame_of(self.study)


@frozen(eq=False)
class How:
    """How a question is to be answered; nothing of it decides which runs are made."""

    out: Path | None
    store: str | Path | None
    workers: int | None
    share: bool
    targets: Sequence[Target]
    say: Callable[[str], None] | None
    watch: Watch | None
    command: str
    engine: str = "local"
    address: str | None = None  # of a running Ray
    snapshots: str | Path | None = None  # where they are kept; by default in the report folder
    forecast: bool = False  # whether a forecast orders the scoring runs


def answer(question: Question, source: Source, steps: int | None, epochs: float | None, how: How) -> Compared:
    """Train what is not in the store yet, and say which schedule is best; see `lrdecay.compare`."""
    began = time.perf_counter()
    from lrdecay.report.html import write_report

    asked = question_json(question, source, steps, epochs)
    with pool_of(how.engine, how.workers, how.watch, how.address, how.snapshots) as pool:
        arms = arms_of(pool, source, question.variants, steps=steps, epochs=epochs)
        nominal = question.candidates(arms, {})
        check_rules(pool, [make_spec(c, c.stated, 0) for c in nominal])
        folder = how.out if how.out is not None else question.folder(source, arms)
        with kept_in(folder, how.store, asked, how.command, how.say) as keeping:
            place = snapshot_folder(pool, folder, how.snapshots)
            planned = plan_study(pool, question, arms, nominal, keeping.journal, share=how.share)
            if planned.estimate is not None and how.say is not None:
                for line in planned.estimate.sentences():
                    how.say(line)
            keeping.begin(how.command)
            notes = list(question.notes)
            if how.share and planned.apart is not None:
                notes.append(f"Every run was made apart: {planned.apart}")
            share = how.share and planned.apart is None
            room, least = planned.room, planned.least
            runner = Runner(pool, keeping.journal, share=share, snapshots=room, least=least, folder=place)
            found = {arm: _found(pool, keeping, arm) for arm in (arms if question.opens else ())}
            for arm, start in found.items():
                text = arm.named(f"Open peaks start from {start.peak:g}")
                how_found = f"found by a range test of {start.repeats} repeats" if start.repeats else _OWN
                notes.append(f"{text}, {how_found}.")
            candidates = question.candidates(arms, {arm: start.peak for arm, start in found.items()})
            tuned = tune(runner, candidates, question.pilot_seeds) if question.pilot_seeds else None
            own = {c.written: tuned.choices[c.written].peak if tuned else c.stated for c in candidates}
            common = None
            if tuned and len(candidates) > 1:
                common = shared_peak([tuned.choices[c.written].scores for c in candidates], tuned.goal)
                if common is None:
                    notes.append("No peak at which all schedules train was tried for all, so none is shared.")
            order = order_of(tuned, question.pilot_seeds) if how.forecast else None
            rows, level, raced = score(runner, candidates, own, common, question.seeds, question.race, order)
            forecasted = None if order is None else order.outcome()
            runner.clean()
            first = rows[0].results[0]
            study = Study(
                task=source.label,
                metric=first.metric,
                goal=first.goal,
                seeds=question.seeds if raced is None else question.seeds[: raced.made],
                pilot_seeds=question.pilot_seeds,
                main=rank("each at its best peak" if tuned else "each at its stated peak", rows, first.goal, raced),
                shared=rank(f"all at the shared peak {common:g}", level, first.goal) if level else None,
                choices=tuned.choices if tuned else {},
                steps_trained=runner.steps_trained + sum(start.steps for start in found.values() if not start.kept),
                steps_naive=runner.steps_asked + sum(start.steps for start in found.values()),
                seconds=time.perf_counter() - began,
                notes=(*notes, *runner.notes, *_said_by(rows), *_reused(runner), *_ordered(forecasted)),
                provenance=provenance(how.command),
                raced=raced,
                forecast=forecasted,
            )
            with wording_the_disk(folder):
                report = write_report(study, folder)
                for target in how.targets:
                    export_study(study, target)
            problem = _nothing_trained(rows, report)
            keeping.end("finished" if problem is None else "failed")
            if problem is not None:
                raise problem
            facets = question.facets(arms)
            return Compared(
                study, folder, report, facets, tuple(map(str, how.targets)), keeping.study.id, keeping.store.where
            )


_OWN = "at which the optimizer is as published"


@frozen
class _Found:
    """Where an open peak starts from."""

    peak: float
    repeats: int
    steps: int  # updates it took
    kept: bool  # whether it was found before


def _found(pool: Pool, keeping: Keeping, arm: Arm) -> _Found:
    """The range test of an arm, from the store if it was made before; kept as a node without updates of its own."""
    if arm.probe.peak is not None:
        return _Found(arm.probe.peak, 0, 0, kept=True)
    run = RunSpec(arm.source, 0, "range test", arm.probe.horizon, np.zeros(1), arm.probe.metric, arm.probe.goal)
    key = hashlib.sha256(b"range test 1 " + run.prefix_header()).hexdigest()
    kept = keeping.store.node(key)
    if kept is None:
        finding = search(pool, arm.source, arm.probe)
        start = _Found(float(f"{finding.peak():.2g}"), finding.repeats, finding.steps_used, kept=False)
        record = {"kind": "range test", "peak": start.peak, "repeats": start.repeats, "steps": start.steps}
        keeping.store.put_node(key, record, Trace(np.arange(0), np.zeros(0), np.zeros(0), np.zeros(0)))
    else:
        start = _Found(kept[0]["peak"], kept[0]["repeats"], kept[0]["steps"], kept=True)
    keeping.journal.join([Member(key, arm.named("range test"), "range test", 0, start.peak, "range test")])
    return start


def _nothing_trained(rows: Sequence[Row], report: Path) -> RunError | None:
    """A study in which every run diverged has failed; what there is to see is kept."""
    first = rows[0].results[0].diverged
    if first is None or any(row.diverged < len(row.results) for row in rows):
        return None
    msg = f"`compare` must have a run whose loss stays finite, got none: {rows[0].spec} was {first.loss} at step "
    msg += f"{first.step} (rate {first.rate:.6g}). Lower the peaks. The traces are beside {report}."
    return RunError(msg)


def _said_by(rows: Sequence[Row]) -> list[str]:
    """What the first run says of how it was made, and what runs under rules do."""
    ruled = [note for row in rows for note in row.results[0].notes if note in (WATCHED_THE_SCORE, SCRIPTS_WHOLE)]
    return list(dict.fromkeys((*rows[0].results[0].notes, *ruled)))


def _ordered(forecasted: Forecasted | None) -> tuple[str, ...]:
    return () if forecasted is None else forecasted.sentences()


def _reused(runner: Runner) -> tuple[str, ...]:
    if not runner.runs_reused:
        return ()
    return (f"{runner.runs_reused} runs were finished before and not made again; steps_trained counts only new ones.",)
