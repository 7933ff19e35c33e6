"""Make the runs: `python -m bench.own.runs chars --text novels.txt` and `... fashion`, some 45 CPU-minutes each.

Protocol, written before the first run:

Tasks      chars (transformer of two layers, width 64, context 64, AdamW, batches of 32, one pass over the six novels
           of Jane Austen: 4,025,027 characters as Debian's r-cran-janeaustenr has them, with a line break after each
           line) for 1,600 updates, and fashion (small CNN, SGD with momentum, 60,000 images, batches of 64) for 2,000.
Schedules  those of `LONG`, and those of `SHORT` over half the updates; warmup of 60 updates. 22 in all.
Peaks      two a task: about the best of a short search, and a half or a third of it.
Seeds      0, 1, 2: initial weights and order of the data.
Made by    `lrdecay.compare`, which trains what schedules share once; held-out loss every 40 updates (chars: 600
           windows, fashion: 5,000 images), the same data for every run.

Kept are, per task, ``TASK.json`` (arguments, versions, the runs) and ``TASK.csv`` with ``run, step, heldout_loss,
train_loss``: the loss is that after so many updates, train_loss the mean over the updates since the row before.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import lrdecay
from lrdecay.runs.files import write_text
from lrdecay.runs.spec import RunResult

__all__ = ["DATA", "LONG", "SHORT", "main"]

DATA = Path(__file__).parent / "data"

EVERY, WARMUP = 40, 60

LONG = (
    "warmup(60) + constant({peak})",
    'wsd({peak}, warmup=60, cooldown="10%")',
    'wsd({peak}, warmup=60, cooldown="20%")',
    'wsd({peak}, warmup=60, cooldown="40%")',
    'wsd({peak}, warmup=60, cooldown="60%")',
    'wsd({peak}, warmup=60, cooldown="80%")',
    'wsd({peak}, warmup=60, cooldown="20%", shape="1-sqrt")',
    'wsd({peak}, warmup=60, cooldown="40%", shape="1-sqrt")',
    "warmup(60) + cosine({peak})",
    "warmup(60) + cosine({peak}, floor={tenth})",
    "warmup(60) + linear({peak})",
    "warmup(60) + polynomial({peak}, power=2)",
    'warmup(60) + multi_step({peak}, factor=0.3, at=["50%"])',
    'warmup(60) + multi_step({peak}, factor=0.1, at=["50%", "75%"])',
    'warmup(60) + multi_step({peak}, factor=0.1, at=["80%"])',
    "inverse_sqrt({peak}, warmup=60)",
)

SHORT = (
    'wsd({peak}, warmup=60, cooldown="20%")',
    'wsd({peak}, warmup=60, cooldown="40%")',
    'wsd({peak}, warmup=60, cooldown="60%")',
    "warmup(60) + cosine({peak})",
    "warmup(60) + linear({peak})",
    'warmup(60) + multi_step({peak}, factor=0.1, at=["50%"])',
)

STEPS = {"chars": 1600, "fashion": 2000}
PEAKS = {"chars": (0.008, 0.004), "fashion": (0.1, 0.03)}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "chars": {"heldout": 600},
    "fashion": {"images": 60_000, "heldout": 5_000, "batch_size": 64},
}
SEEDS = 3


def main(task: str, text: str | None, out: Path, folder: Path, workers: int | None) -> None:
    """Make what is missing in ``folder``, and write both files to ``out``."""
    arguments = ARGUMENTS[task] | ({"text": text} if text else {})
    rows, runs = ["run,step,heldout_loss,train_loss"], []
    for peak in PEAKS[task]:
        for steps, specs in ((STEPS[task], LONG), (STEPS[task] // 2, SHORT)):
            named = [s.format(peak=peak, tenth=peak / 10) for s in specs]
            found = lrdecay.compare(
                task,
                named,
                seeds=SEEDS,
                fixed_peak=True,
                steps=steps,
                arguments=arguments,
                evaluations=steps // EVERY,
                out=folder / f"{task}-{peak}-{steps}",
                workers=workers,
                say=lambda line: print(line, file=sys.stderr, flush=True),
            )
            made = {row.spec: row.results for row in found.study.main.rows}
            for spec, results in sorted(made.items()):
                for result in results:
                    rows += _rows(len(runs), result)
                    runs.append({"spec": spec, "steps": steps, "peak": peak, "seed": result.seed})
    own = {k: v for k, v in arguments.items() if k != "text"}
    said = {"task": task, "arguments": own, "every": EVERY, "warmup": WARMUP, "versions": _versions(), "runs": runs}
    if text:
        said["text_sha256"] = hashlib.sha256(Path(text).read_bytes()).hexdigest()
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / f"{task}.csv", "\n".join(rows) + "\n")
    write_text(out / f"{task}.json", json.dumps(said, indent=1) + "\n")


def _rows(run: int, result: RunResult) -> Iterator[str]:
    steps, losses = result.trace.measured("heldout_loss")
    before = 0
    for step, loss in zip(steps.tolist(), losses.tolist(), strict=True):
        yield f"{run},{step},{loss:.6f},{float(np.mean(result.trace.loss[before:step])):.6f}"
        before = step


def _versions() -> Mapping[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("torch", "numpy")}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the runs of one task.")
    parser.add_argument("task", choices=sorted(STEPS))
    parser.add_argument("--text", help="for chars: the novels in one file")
    parser.add_argument("--out", type=Path, default=DATA)
    parser.add_argument("--folder", type=Path, help="where studies are kept while they are made")
    parser.add_argument("--workers", type=int)
    given = parser.parse_args()
    main(given.task, given.text, given.out, given.folder or Path(tempfile.mkdtemp()), given.workers)
