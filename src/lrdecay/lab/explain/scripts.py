"""`lab explain --script`: the same question of a user's own script, with what its five lines show."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from attrs import asdict

from lrdecay.lab.explain.findings import findings
from lrdecay.lab.explain.stages import Stages, drawn, stages_of
from lrdecay.lab.laboratory import Laboratory
from lrdecay.runs.local_files import content_hash
from lrdecay.runs.script_source import ScriptSource
from lrdecay.schedule.notation import Spec
from lrdecay.sweep.pool import Watch
from lrdecay.verbs.show import horizon_of

__all__ = ["missing_of", "of_script"]

_PROBED = (
    "Sharpness: the largest eigenvalue of the Hessian of the loss on at most 512 samples of run.probe, in evaluation "
    "mode; turned back: along its vector at the beginning of the window. Who was learned is counted on all of them."
)

_NOTE = (
    "A script is measured by its own means: at a rate of 0 weights stay where they are put while it draws batches and "
    "evaluates, so that its gradients give the noise scale (after clipping, if it clips) and its own evaluation the "
    "metric of any weights. Such a run begins at update 0. How often it evaluates is taken from its log: at least once "
    "in the longest stretch in which the metric did not change."
)


def of_script(
    lab: Laboratory,
    source: ScriptSource,
    spec: Spec,
    seeds: tuple[int, ...],
    steps: int | None,
    epochs: float | None,
    watch: Watch,
    folder: Path,
) -> tuple[Stages, dict[str, Any]]:
    """Watch a script in workers, which start it; gives its stages and what was found.

    Raises:
        InputError: it never calls ``lrdecay.script()``, or logs not what it is judged by.
        RunError: it failed.
    """
    from lrdecay.lab.explain.watch import scripted as watching

    probe = lab.ask(source.probe, steps, epochs)
    horizon = horizon_of(spec, probe.horizon)
    rates = spec.schedule.bind(horizon).values()
    stages = stages_of(rates, horizon.epoch_length, spec.text)
    instruments = sorted(Path(watching.__file__).parents[2].joinpath("instruments").glob("*.py"))
    known = {
        "source": dict(source.identity()),
        "instruments": content_hash(instruments),
        "torch": importlib.metadata.version("torch"),
    }
    calls = [
        {
            "seed": seed,
            "command": source.command,
            "judged_by": source.metric,
            "spec": spec.text,
            "horizon": horizon.to_json(),
            "rates": rates.tolist(),
            "cuts": [asdict(cut) | {"says": ""} for cut in stages.cuts],
            "window": stages.window,
            "folder": str(folder.absolute() / "explain" / f"children-{content_key(known, spec.text, stages.steps)}"),
            "known": known,
        }
        for seed in seeds
    ]
    extra = sum(cut.end - cut.at for cut in stages.cuts)
    watch.begin("watching", len(seeds) * (stages.steps + extra))
    records = lab.compute(watching.scripted, calls)
    found = findings(stages, records, (), missing_of(records))
    found["notes"] = [_NOTE] if records[0]["looked"] else []
    found["notes"] += [_PROBED] if records[0]["probed"] else []
    ran = {"mode": "script", "flip": 0.0, "updates": len(seeds) * (stages.steps + extra), "rates": drawn(rates, stages)}
    return stages, {**ran, **found, "records": records, "probes": []}


def content_key(known: Mapping[str, Any], spec: str, steps: int) -> str:
    """A folder's name for what is asked."""
    return hashlib.sha256(json.dumps([known, spec, steps], sort_keys=True, default=str).encode()).hexdigest()[:8]


def missing_of(records: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What could not be seen of a script, why, and what would show it."""
    first = records[0]
    found = [
        {
            "what": "Wrong labels: how much is memorized in which stage",
            "why": "a script's training data are its own",
            "cure": "As a task, file.py:function that gives a TorchTask, it has them.",
        }
    ]
    if not first["looked"]:
        found.append(
            {
                "what": "Gradient noise scale, averaged weights, sharpness, oscillation, who was learned",
                "why": "run.attach(...) was given something else than an optimizer of torch",
                "cure": "",
            }
        )
    if first["looked"] and not first["probed"]:
        found.append(
            {
                "what": "Sharpness, oscillation along the sharpest direction, and who was newly learned in which stage",
                "why": "the script shows its optimizer and no model",
                "cure": "One line before the loop shows them, and does nothing otherwise: "
                "run.probe(model, loss, (x, y)), with some hundred samples that are not trained on.",
            }
        )
    if not first["forks"]:
        found.append(
            {
                "what": "Forks",
                "why": "the script does not save and load, so every branch was trained from the beginning",
                "cure": "run.steps(save=..., load=...) saves that time; what is seen is the same.",
            }
        )
    if first["unevaluated"]:
        found.append(
            {"what": f"{first['metric']} of given weights", "why": first["unevaluated"], "cure": "Evaluate more often."}
        )
    return found
