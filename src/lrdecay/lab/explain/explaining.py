"""`lab explain`: a run of the user's own under the lab's instruments, and a page of what they saw."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import asdict, field, frozen

from lrdecay.errors import Constraint, InputError, non_negative_int, positive_int
from lrdecay.lab.explain.findings import findings
from lrdecay.lab.explain.stages import Stages, drawn, stages_of
from lrdecay.lab.laboratory import Laboratory, opened
from lrdecay.lab.running import FOLDER
from lrdecay.runs.files import write_text
from lrdecay.runs.local_files import content_hash
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.task_source import TaskSource
from lrdecay.schedule import peak_of
from lrdecay.schedule.notation import Spec
from lrdecay.sweep.pool import Watch, silent
from lrdecay.verbs.extras import require
from lrdecay.verbs.provenance import provenance
from lrdecay.verbs.show import horizon_of, spec_of
from lrdecay.verbs.sources import Task, source_of

__all__ = ["Explained", "explain"]

_a_share = Constraint("must be a share from 0 to 0.5", lambda v: type(v) in (int, float) and 0 <= v <= 0.5)


@frozen(eq=False)
class Explained:
    """What was found.

    Attributes:
        found: all of it, JSON.
        page: the HTML file.
        data: the JSON file beside it.
    """

    found: Mapping[str, Any] = field(repr=False)
    page: Path
    data: Path

    def to_json(self) -> dict[str, Any]:
        """What was found, and where the page is."""
        return {**self.found, "page": str(self.page), "data": str(self.data)}


def explain(
    task: Task | None = None,
    schedule: str = "",
    *,
    script: str | None = None,
    seed: int = 0,
    seeds: int = 3,
    steps: int | None = None,
    epochs: float | None = None,
    flip: float = 0.1,
    arguments: Mapping[str, Any] | None = None,
    metric: str | None = None,
    folder: str | Path = FOLDER,
    workers: int | None = None,
    watch: Watch | None = None,
    command: str = "lrdecay.lab.explain(...)",
) -> Explained:
    """Run a task or a script under a schedule, with the lab's instruments on it, and say what was seen.

    Args:
        task: a built-in name, ``file.py:function`` or a function that gives a `TorchTask`; or give ``script``.
        schedule: in the notation; it may carry its own horizon.
        script: a command that calls ``lrdecay.script()``.
        seed: the first.
        seeds: how many.
        steps: length in updates, in place of the task's own.
        epochs: length in epochs, in place of the task's own.
        flip: share of the training labels that are made wrong in a run of its own, from 0 (none) to 0.5.
        arguments: of the task.
        metric: what a script is judged by.
        folder: keeps what was run, and the page; what is in it is not run again.
        workers: processes; by default one per core.
        watch: told about the updates made.
        command: for the provenance.

    Raises:
        InputError: there is no such task, the schedule is none or never falls, or the task is no `TorchTask`.
        RunError: a script failed.
    """
    non_negative_int.check("--seed", seed)
    positive_int.check("--seeds", seeds)
    _a_share.check("--flip", flip)
    require("study", "lab explain")
    require("torch", "lab explain")
    spec = spec_of(schedule)
    if peak_of(spec.schedule) is None:
        msg = f"`lab explain -s {spec.text}` must have a stated peak, got an open one. Write the number."
        raise InputError(msg)
    source = source_of(task, script, arguments=arguments, metric=metric)
    which = tuple(range(seed, seed + seeds))
    watch = watch or silent()
    with opened(Path(folder), workers, watch) as lab:
        if isinstance(source, TaskSource):
            stages, found = _of_task(lab, source, spec, which, steps, epochs, float(flip), watch)
        elif isinstance(source, ScriptSource):
            from lrdecay.lab.explain.scripts import of_script

            stages, found = of_script(lab, source, spec, which, steps, epochs, watch, Path(folder))
    told = {
        "task": source.label,
        "spec": spec.text,
        "seeds": list(which),
        "steps": stages.steps,
        "plan": stages.to_json(),
        **found,
        "provenance": provenance(command),
    }
    return _written(told, Path(folder), {"source": dict(source.identity()), "seeds": which, "flip": flip})


def _of_task(
    lab: Laboratory,
    source: TaskSource,
    spec: Spec,
    seeds: tuple[int, ...],
    steps: int | None,
    epochs: float | None,
    flip: float,
    watch: Watch,
) -> tuple[Stages, dict[str, Any]]:
    """Runs in workers: one that is watched, and one with wrong labels, for each seed."""
    from lrdecay.lab.explain.watch import following, subject

    named = {"target": source.reference.target, "arguments": dict(source.reference.arguments)}
    probe = lab.ask(source.probe, steps, epochs)
    said = lab.ask(subject.described, *named.values(), seeds[0])
    horizon = horizon_of(spec, probe.horizon)
    rates = spec.schedule.bind(horizon).values()
    stages = stages_of(rates, horizon.epoch_length, spec.text)
    instruments = sorted(Path(following.__file__).parents[2].joinpath("instruments").glob("*.py"))
    known = {
        "source": dict(source.identity()),
        "instruments": content_hash(instruments),
        "torch": importlib.metadata.version("torch"),
    }
    common: dict[str, Any] = {**named, "rates": rates.tolist(), "window": stages.window, "known": known}
    cuts = [asdict(cut) | {"says": ""} for cut in stages.cuts]
    extra = sum(cut.end - cut.at for cut in stages.cuts)
    wrong = flip > 0 and not said["labels"]
    watch.begin("watching", len(seeds) * (stages.steps + extra))
    records = lab.compute(following.followed, [{"seed": s, **common, "cuts": cuts} for s in seeds])
    probes: list[dict[str, Any]] = []
    if wrong:
        watch.begin("with wrong labels", len(seeds) * stages.steps)
        bounds = list(stages.bounds)
        probes = lab.compute(following.probed, [{"seed": s, **common, "bounds": bounds, "share": flip} for s in seeds])
    missing = []
    if said["labels"]:
        missing.append(_lacks("Wrong labels, and who learned what", said["labels"]))
    elif flip == 0:
        missing.append(_lacks("Wrong labels", "none were asked for (--flip 0)"))
    if said["averages"]:
        missing.append(_lacks("Averages of the weights", said["averages"]))
    found = findings(stages, records, probes, missing)
    updates = len(seeds) * (stages.steps * (2 if wrong else 1) + extra)
    ran = {"mode": "task", "flip": flip if wrong else 0.0, "updates": updates, "rates": drawn(rates, stages)}
    return stages, {**ran, **found, "records": records, "probes": probes}


def _lacks(what: str, why: str, cure: str = "") -> dict[str, str]:
    return {"what": what, "why": why, "cure": cure}


def _written(told: dict[str, Any], folder: Path, question: Mapping[str, Any]) -> Explained:
    """The page and its numbers, under a name of this question's own."""
    from lrdecay.lab.explain.page import explain_html

    asked = {"spec": told["spec"], "steps": told["steps"], **question}
    key = hashlib.sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()[:8]
    slug = re.sub(r"[^a-z0-9]+", "-", told["task"].lower()).strip("-")[-40:].strip("-")
    place = folder / "explain" / f"{slug}-{key}"
    page, data = place.with_suffix(".html"), place.with_suffix(".json")
    write_text(data, json.dumps(told, allow_nan=False) + "\n")
    write_text(page, explain_html(told, data.name))
    return Explained(told, page, data)
