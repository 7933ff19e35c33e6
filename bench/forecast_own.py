"""Forecasts of our own runs that were not fitted: `python -m bench.forecast_own` (some 4 CPU-minutes).

The runs are those of `bench.own.runs`: held-out loss of 22 schedules for each task, peak and seed, kept in
``bench/own/data``. They were first looked at when the law, its priors and what intervals rest on had been frozen, and
nothing was set on them. A group is one task, peak and seed: its schedules share trunks, so they are one trial of the
intervals, not 22.

Every row is the mean over groups; the scores are those of `bench.forecast_scores`, in units of the loss (nats). A final
loss is the last one that was measured. `--laws` prints every law's errors beside the one that is chosen.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bench.forecast_scores import regret, scores
from bench.own.runs import DATA

from lrdecay import Horizon, parse
from lrdecay.errors import InputError
from lrdecay.losslaws.choosing import LAWS
from lrdecay.losslaws.curve import Curve
from lrdecay.losslaws.forecaster import Forecaster, forecaster
from lrdecay.losslaws.support import check_fit

__all__ = ["LOGS", "groups", "main"]

LOGS: dict[str, tuple[tuple[str, float], ...]] = {
    "constant, cosine, one drop": (("constant", 1), ("cosine/2", 1), ("drop", 1)),
    "constant, 20% of half": (("constant", 1), ("20%/2", 1)),
    "constant, cosine of half": (("constant", 1), ("cosine/2", 1)),
    "cosine of half alone": (("cosine/2", 1),),
    "constant until 50%, 20% of half": (("constant", 0.5), ("20%/2", 1)),
    "constant until 30%, 20% of half": (("constant", 0.3), ("20%/2", 1)),
}
"""What is fitted: names, and the share of each that is shown."""

_COLUMNS = ("final", "bias", "pairs", "within", "width", "interval", "order", "same", "R2", "MAE")
_LOST = ("choice", "followed", "40%", "60%", "cosine", "linear")


def groups(folder: Path = DATA) -> Iterator[tuple[str, dict[str, Curve]]]:
    """The curves of every task, peak and seed; those of half the length end in ``/2``."""
    for told in sorted(folder.glob("*.json")):
        said = json.loads(told.read_text())
        rows: dict[int, list[tuple[int, float]]] = defaultdict(list)
        with told.with_suffix(".csv").open(newline="") as f:
            for row in csv.DictReader(f):
                rows[int(row["run"])].append((int(row["step"]), float(row["heldout_loss"])))
        longest = max(run["steps"] for run in said["runs"])
        found: dict[str, dict[str, Curve]] = defaultdict(dict)
        for i, run in enumerate(said["runs"]):
            name = _named(run["spec"]) + ("/2" if run["steps"] < longest else "")
            steps, losses = np.array(rows[i]).T
            rates = parse(run["spec"]).bind(Horizon(steps=run["steps"])).values()
            curve = Curve(name, rates, steps.astype(np.int64), losses, said["warmup"])
            found[f"{said['task']}, peak {run['peak']:g}, seed {run['seed']}"][name] = curve
        yield from found.items()


def main(folder: Path, laws: bool) -> None:
    """Print the tables of every task."""
    of_task: dict[str, list[dict[str, Curve]]] = defaultdict(list)
    for name, curves in groups(folder):
        of_task[name.split(",")[0]].append(curves)
    print("| task, logs | groups | fitted | " + " | ".join(_COLUMNS) + " |")
    print("| --- " * (3 + len(_COLUMNS)) + "|")
    lost: list[str] = []
    for task, all_curves in of_task.items():
        for what, logs in LOGS.items():
            for law in ("auto", *(own.name for own in LAWS)) if laws else ("auto",):
                made = [m for m in (_made(curves, logs, law) for curves in all_curves) if m is not None]
                name = f"{task}: {what}" + ("" if law == "auto" else f", {law}")
                head = f"| {name} | {len(all_curves)} | {len(made)} | "
                print(
                    head + " | ".join(_mean([scores(*m, last=1) for m in made], k) for k in _COLUMNS) + " |", flush=True
                )
                if law == "auto":
                    lost.append(f"| {name} | " + _lost(made) + " |")
    print("\nRegret: observed final loss of what was chosen, less the least among the schedules of full length.\n")
    print("| task, logs | " + " | ".join(("decided", *_LOST)) + " |")
    print("| --- " * (2 + len(_LOST)) + "|")
    print("\n".join(lost))


def _made(
    curves: Mapping[str, Curve], logs: Sequence[tuple[str, float]], law: str
) -> tuple[Forecaster, Mapping[str, Curve], list[str]] | None:
    """A forecaster of some logs, all curves, and the names of those shown; None: the fit is refused."""
    own = [curves[n] if share == 1 else curves[n].until(round(share * curves[n].last)) for n, share in logs]
    found = forecaster(own, law)
    try:
        check_fit(found)
    except InputError:
        return None
    return found, curves, [n for n, _ in logs]


def _lost(made: Sequence[tuple[Forecaster, Mapping[str, Curve], list[str]]]) -> str:
    each: list[dict[str, float]] = []
    for found, curves, _ in made:
        among = {n: c for n, c in curves.items() if not n.endswith("/2") and n != "constant"}
        each.append(regret(found, [among], last=1, log="cosine"))
    return " | ".join(_mean(each, k) for k in ("decided", *_LOST))


def _mean(found: Sequence[Mapping[str, Any]], key: str) -> str:
    own = [f[key] for f in found if np.isfinite(f[key])]
    return f"{np.mean(own):.4f}" if own else "-"


def _named(spec: str) -> str:
    """What tells a schedule from the others of its group."""
    if spec.startswith("wsd"):
        length = spec.split('cooldown="')[1].split('"')[0]
        return length + (" 1-sqrt" if "1-sqrt" in spec else "")
    if "multi_step" in spec:
        at = spec.split("at=[")[1].rstrip("])")
        return "drop" if "0.3" in spec else "steps at " + at.replace('"', "")
    own = spec.removeprefix("warmup(60) + ").split("(")[0]
    return own + (" to a tenth" if "floor" in spec else "")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Forecast our own runs.")
    parser.add_argument("folder", type=Path, nargs="?", default=DATA)
    parser.add_argument("--laws", action="store_true")
    given = parser.parse_args()
    main(given.folder, given.laws)
