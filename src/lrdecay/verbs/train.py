"""`train`: one run under one schedule, logged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import evolve, field, frozen

from lrdecay.errors import InputError, RunError, non_negative_int, positive_int, refusal
from lrdecay.runs.files import write_text
from lrdecay.runs.fork import ForkCheck, fork_steps, verify_forks
from lrdecay.runs.protocol import finite
from lrdecay.runs.spec import EVALUATIONS, RunResult, RunSpec
from lrdecay.schedule import at_peak, peak_of
from lrdecay.sweep.pool import LocalPool, Watch
from lrdecay.verbs.provenance import provenance, report_folder
from lrdecay.verbs.ruling import check_rules
from lrdecay.verbs.show import Said, horizon_of, ruled_spec_of
from lrdecay.verbs.sources import Task, source_of

__all__ = ["Trained", "train"]


@frozen(eq=False)
class Trained:
    """One finished run."""

    task: str
    result: RunResult = field(repr=False)
    folder: Path
    forks: tuple[ForkCheck, ...]
    provenance: Mapping[str, Any] = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """Spec, metric, score, all final metrics, what a rule did, forks, provenance."""
        r = self.result
        return {
            "task": self.task,
            "spec": r.schedule,
            "seed": r.seed,
            "steps": r.steps,
            "metric": r.metric,
            "score": finite(r.score),
            "metrics": {name: finite(value) for name, value in r.metrics.items()},
            "forks": [fork.to_json() for fork in self.forks],
            "seconds": round(r.seconds, 2),
            "notes": list(r.notes),
            "events": [dict(event) for event in r.events],
            "trace": str(self.folder / "trace.csv"),
            "provenance": dict(self.provenance),
        }


def train(
    task: Task | None = None,
    schedule: Said = "",
    *,
    script: str | None = None,
    peak: float | None = None,
    seed: int = 0,
    steps: int | None = None,
    epochs: float | None = None,
    arguments: Mapping[str, Any] | None = None,
    metric: str | None = None,
    evaluations: int | None = None,
    out: str | Path | None = None,
    verify_fork: int = 0,
    watch: Watch | None = None,
    command: str = "lrdecay.train(...)",
) -> Trained:
    """Train once and keep the trace.

    Args:
        task: see `lrdecay.verbs.sources`; or give ``script``.
        schedule: a value or its notation, which may carry its own horizon; it may be under a rule.
        script: a command that calls ``lrdecay.script()``.
        peak: fills or replaces the schedule's peak.
        seed: of the run.
        steps: length in updates, in place of the task's own.
        epochs: length in epochs, in place of the task's own.
        arguments: keyword arguments of the task.
        metric: what a script is judged by.
        evaluations: how many times along the run the held-out metrics are measured, evenly, the last time at its end;
            10 by default. A script measures where it logs.
        out: a folder for ``trace.csv`` and ``result.json``; by default one named after the run.
        verify_fork: how many steps to fork at, to measure whether a fork ends where the whole run does.
        watch: told about the updates made.
        command: what to write into the provenance.

    Raises:
        InputError: something asked for cannot be done.
        RunError: the loss was not finite, or a script failed; the trace until then is in ``out``.
    """
    non_negative_int.check("train(seed=...)", seed)
    if evaluations is not None:
        positive_int.check("train(evaluations=...)", evaluations)
        if script is not None:
            cure = "It measures where it logs: let it log more often."
            raise InputError(refusal("train(evaluations=...)", "must be left out with a script", evaluations, cure))
    spec = ruled_spec_of(schedule)
    if peak is not None:
        spec = evolve(spec, schedule=at_peak(spec.schedule, peak))
    elif peak_of(spec.schedule) is None:
        msg = f"`{spec.text}` must have a stated peak to be trained, got an open one. Give --peak, or use `find`."
        raise InputError(msg)
    if verify_fork and spec.rule is not None:
        msg = refusal("--verify-fork", "must be left out under a rule, whose runs are not forked", spec.text)
        raise InputError(msg)
    source = source_of(task, script, arguments=arguments, metric=metric)
    with LocalPool(1, watch) as pool:
        probe = pool.call(source.probe, steps, epochs)
        horizon = horizon_of(spec, probe.horizon)
        rates = spec.schedule.bind(horizon).values()
        looks = EVALUATIONS if evaluations is None else evaluations
        run = RunSpec(
            source, seed, spec.text, horizon, rates, probe.metric, probe.goal, rule=spec.rule, evaluations=looks
        )
        check_rules(pool, [run])
        if verify_fork:
            fork_steps(run.steps, verify_fork, seed)
        pool.watch.begin("training", run.steps)
        _, result = next(iter(pool.run([run])))
        folder = Path(out) if out is not None else report_folder("train", source.label, run.identity())
        trained = Trained(source.label, result, folder, (), provenance(command))
        _keep(trained)
        _raise_if_failed(result, folder)
        if verify_fork:
            forks = tuple(pool.call(verify_forks, run, verify_fork))
            trained = evolve(trained, forks=forks)
            _keep(trained)
    return trained


def _keep(trained: Trained) -> None:
    trained.result.trace.to_csv(trained.folder / "trace.csv")
    write_text(trained.folder / "result.json", json.dumps(trained.to_json(), indent=2, allow_nan=False) + "\n")


def _raise_if_failed(result: RunResult, folder: Path) -> None:
    kept = f" The trace until then is in {folder / 'trace.csv'}."
    if result.diverged is not None:
        d = result.diverged
        msg = (
            f"`train` must have a finite loss, got {d.loss} at step {d.step} (rate {d.rate:.6g}).{kept} Lower the peak."
        )
        raise RunError(msg)
    if result.failure is not None:
        raise RunError(result.failure + kept)
