"""What sharing saves: the same runs as a tree, as a plain loop and by Ray Tune, on two processes of one thread each.

    make bench-sweep                            everything: about 25 CPU-minutes in all
    python -m bench.sweep fashion24 planning    some of the parts; fashion27x6: six times the updates
    python -m bench.sweep --out FOLDER          where to leave the numbers, sweep.json; by default bench-results

Protocol, written before the first number:

Parts. *fashion24*: 24 schedules, 3 seeds, 50 updates: 12 step decays (first milestone at 40% or 60%; second at 70%, 80%
or 90%; factor 0.1 or 0.5) and 12 `wsd` (cooldowns of 10%, 20%, 30% and 40%, each linear, 1-sqrt and cosine, after 10
updates of warmup). *fashion27* and *digits27*: the 27 step decays (40%, 50% or 60%; 70%, 80% or 90%; factor 0.1, 0.2 or
0.5), 2 seeds, 100 updates of `fashion` and 460 of `digits`. `fashion` has 2,000 images, 200 held out, its CNN and
batches of 32, so that an update costs 3 ms or more. Every run is at its stated peak, 0.05, and evaluated 10 times.
*fashion24x4*, *fashion27x6* and *digits27x6*: the same with that many times the updates. They were added, before they
were measured, after the short ones had missed the target in the start of the workers alone, which costs the same
however long a study is.
*planning*: the plan of 10,000 schedules of 2,000 updates.

Sides. *tree*: `lrdecay.sweep.runner.Runner` on two workers, with its journal, store and snapshots. *loop*: two
processes that take the runs one after another and train each from its beginning with `lrdecay.runs.drive.drive`;
nothing is written. *ray* (fashion24 alone): `ray.tune.Tuner` over the same runs, two at once of one CPU, the same
`drive` inside, actors reused, which is kind to it; its start is part of what it costs. *start*: the tree's workers,
which only build the task and make one update. Each side is a fresh process; they run one after another.

Numbers. *updates* made. *CPU*: user and system seconds of the side with all of its children, by `getrusage` once it has
ended; for Ray, whose daemons nobody waits for, the larger of that and the sum of what every process of its tree had
used when last seen. *wall*: from start to end of the side's process. *memory*: the most that the resident sizes of all
of its processes sum to, pages they share counted for each; *disk*: the most that its folder holds. The last two and
Ray's processes are looked at five times a second, so that a shorter peak is missed.

Asserted: tree and loop give every run the same digest of the final state, score and trace, bit for bit. Ray's are
compared, too.

Target: the tree costs at most 1.15 times (its share of updates) times the loop, in CPU and in wall time; for the 27
decays. *ratio* is that quotient with everything in it, *after the start* the same once *start* is taken off both.
Planning: under 5 s and 500 MB. A target that is missed is reported; nothing fails for being slow.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from lrdecay.runs.drive import drive
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.runs.task_source import TaskSource
from lrdecay.schedule import Horizon, parse
from lrdecay.sweep.executor import line_of
from lrdecay.sweep.journal import Journal
from lrdecay.sweep.pool import LocalPool
from lrdecay.sweep.runner import Runner
from lrdecay.sweep.tree import Line, plan_tree

WORKERS = 2
LOOKS_EVERY = 0.2  # seconds
TARGET = 1.15
SIDES = {
    "fashion24": ("start", "tree", "ray", "loop"),
    "fashion27": ("start", "tree", "loop"),
    "digits27": ("start", "tree", "loop"),
}

PARTS = ("fashion24", "fashion27", "fashion24x4", "fashion27x6", "digits27x6", "planning")


def step_decays(firsts: Sequence[int], factors: Sequence[float]) -> list[str]:
    """Every pair of milestones, in percent, with every factor."""
    return [
        f'multi_step(0.05, factor={factor}, at=["{first}%", "{second}%"])'
        for first, second, factor in itertools.product(firsts, (70, 80, 90), factors)
    ]


def cooldowns() -> list[str]:
    """12 endings of one trunk."""
    return [
        f'wsd(0.05, warmup=10, cooldown="{length}%", shape="{shape}")'
        for length, shape in itertools.product((10, 20, 30, 40), ("linear", "1-sqrt", "cosine"))
    ]


def runs_of(part: str) -> list[RunSpec]:
    """The runs of a part, seed by seed; of ``fashion27x6``, each six times as long."""
    part, _, longer = part.partition("x")
    times = int(longer or 1)
    if part == "digits27":
        source = TaskSource(TaskReference("lrdecay.tasks.digits:digits", {}, "digits"))
        horizon = Horizon(steps=460 * times)
    else:
        arguments = {"images": 2000, "heldout": 200, "batch_size": 32}
        source = TaskSource(TaskReference("lrdecay.tasks.fashion:fashion", arguments, "fashion"))
        horizon = Horizon(steps=(50 if part == "fashion24" else 100) * times)
    if part == "fashion24":
        written, seeds = [*step_decays((40, 60), (0.1, 0.5)), *cooldowns()], range(3)
    else:
        written, seeds = step_decays((40, 50, 60), (0.1, 0.2, 0.5)), range(2)
    values = [parse(text).bind(horizon).values() for text in written]
    return [
        RunSpec(source, seed, text, horizon, rates, "accuracy", "max")
        for seed in seeds
        for text, rates in zip(written, values, strict=True)
    ]


def bits_of(result: RunResult) -> dict[str, Any]:
    """What two sides must agree on."""
    columns = [result.trace.step, result.trace.rate, result.trace.loss, *result.trace.metrics.values()]
    trace = hashlib.sha256(b"".join(column.tobytes() for column in columns)).hexdigest()
    return {"digest": result.digest, "score": result.score.hex(), "trace": trace}


def one_run(part: str, number: int) -> dict[str, Any]:
    """Build the task and drive it, in whatever process this is."""
    spec = runs_of(part)[number]
    return bits_of(drive(spec.source.build(spec.seed), spec, _deaf))  # type: ignore[attr-defined]


def by_tree(part: str, folder: Path) -> tuple[list[dict[str, Any]], int]:
    """The runs as a tree, and the updates it took."""
    with LocalPool(WORKERS) as pool:
        runner = Runner(pool, Journal(folder))
        found = runner.run(runs_of(part), part)
        runner.clean()
        return [bits_of(result) for result in found], runner.steps_trained


def by_loop(part: str, folder: Path) -> tuple[list[dict[str, Any]], int]:
    """The runs one after another on two processes."""
    del folder
    specs = runs_of(part)
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(one_run, itertools.repeat(part), range(len(specs))))
    return found, sum(spec.steps for spec in specs)


def by_ray(part: str, folder: Path) -> tuple[list[dict[str, Any]], int]:
    """The runs as trials of Ray Tune."""
    import ray
    from ray import tune

    specs = runs_of(part)
    ray.init(
        num_cpus=WORKERS,
        include_dashboard=False,
        object_store_memory=10**8,
        log_to_driver=False,
        _temp_dir=str(folder / "r"),
    )

    def trial(config: dict[str, Any]) -> None:
        tune.report(one_run(part, config["number"]))

    tuner = tune.Tuner(
        tune.with_resources(trial, {"cpu": 1}),
        param_space={"number": tune.grid_search(list(range(len(specs))))},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(storage_path=str(folder / "s"), verbose=0),
    )
    trials = {result.config["number"]: result.metrics for result in tuner.fit()}
    ray.shutdown()
    found = [{name: trials[i][name] for name in ("digest", "score", "trace")} for i in range(len(specs))]
    return found, sum(spec.steps for spec in specs)


def by_start(part: str, folder: Path) -> tuple[list[dict[str, Any]], int]:
    """Nothing but the tree's workers, ready to train."""
    del folder
    with LocalPool(WORKERS) as pool:
        for _ in pool.each(_ready, [(part,)] * WORKERS):
            pass
    return [], WORKERS


def _ready(part: str) -> None:
    spec = runs_of(part)[0]
    spec.source.build(spec.seed).advance(spec.table(0, 1))  # type: ignore[attr-defined]


def _deaf(_done: int, _loss: float) -> None:
    return


def measured(part: str, side: str) -> dict[str, Any]:
    """Start one side and watch it to its end."""
    with tempfile.TemporaryDirectory(prefix="ls-") as name:
        folder = Path(name)
        command = [sys.executable, "-m", "bench.sweep", part, "--side", side, "--folder", name]
        before, began = _spent(), time.perf_counter()
        used: dict[int, float] = {}
        memory = disk = 0
        with (folder / "said").open("w") as said:
            child = subprocess.Popen(
                command, stdout=said, stderr=said, env=os.environ | {"RAY_USAGE_STATS_ENABLED": "0"}
            )
            watched = psutil.Process(child.pid)
            while child.poll() is None:
                memory = max(memory, _look(watched, used))
                disk = max(disk, _held(folder))
                time.sleep(LOOKS_EVERY)
        wall = time.perf_counter() - began
        if child.returncode:
            msg = f"{part} {side}:\n{(folder / 'said').read_text()}"
            raise SystemExit(msg)
        cpu = _spent() - before
        if side == "ray":
            cpu = max(cpu, sum(used.values()))
        told = json.loads((folder / "result.json").read_text())
    return told | {"cpu": cpu, "wall": wall, "memory": memory, "disk": disk}


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _look(parent: psutil.Process, used: dict[int, float]) -> int:
    """Resident bytes of a tree of processes; the CPU seconds of each are noted."""
    total = 0
    try:
        tree = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in tree:
        try:
            total += process.memory_info().rss
            times = process.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used[process.pid] = times.user + times.system
    return total


def _held(folder: Path) -> int:
    """Bytes of the files below a folder that are there now."""
    total = 0
    for where, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(where) / name).lstat().st_size
            except FileNotFoundError:
                continue
    return total


def compared(part: str) -> dict[str, Any]:
    """All sides of a part, one table line each, and the ratios."""
    specs = runs_of(part)
    tree = plan_tree([line_of(spec) for spec in specs])
    share = tree.steps_trained / tree.steps_naive
    print(
        f"\n{part}: {len(specs)} runs, {tree.steps_naive} updates apart, {tree.steps_trained} as a tree ({share:.3f})"
    )
    print(f"{'side':6}{'updates':>9}{'CPU s':>9}{'wall s':>9}{'memory MB':>11}{'disk MB':>9}")
    found: dict[str, dict[str, Any]] = {}
    for side in SIDES[part.partition("x")[0]]:
        told = found[side] = measured(part, side)
        sizes = f"{told['memory'] / 1e6:11.0f}{told['disk'] / 1e6:9.2f}"
        print(f"{side:6}{told['updates']:9}{told['cpu']:9.1f}{told['wall']:9.1f}{sizes}", flush=True)
    bits = {side: told.pop("bits") for side, told in found.items()}
    assert bits["tree"] == bits["loop"], f"{part}: the tree's runs are not the loop's, bit for bit"
    print(f"tree and loop: {len(specs)} runs equal bit for bit")
    if "ray" in bits:
        same = sum(a == b for a, b in zip(bits["ray"], bits["loop"], strict=True))
        print(f"ray and loop: {same} of {len(specs)} equal bit for bit")
    ratios = ratios_of(found, share)
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f} (target {TARGET}: {'met' if ratio <= TARGET else 'missed'})", flush=True)
    return {"sides": found, "share": share, "ratios": ratios}


def ratios_of(found: dict[str, dict[str, Any]], share: float) -> dict[str, float]:
    """The tree's cost in units of its share of the loop's: 1 is what sharing could give at best."""
    ratios = {}
    for unit in ("cpu", "wall"):
        tree, loop, start = (found[side][unit] for side in ("tree", "loop", "start"))
        ratios[f"{unit} ratio"] = tree / (share * loop)
        if loop > start:
            ratios[f"{unit} ratio after the start"] = (tree - start) / (share * (loop - start))
    return ratios


def planning() -> dict[str, float]:
    """10,000 step decays of 2,000 updates with three milestones, planned once for time and once for memory."""
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(10_000):
        at = np.sort(rng.choice(np.arange(100, 2000, 10), 3, replace=False))
        values = np.repeat(0.1 * 0.5 ** np.arange(4), np.diff([0, *at, 2000]))
        lines.append(Line(b"", values, (2000,)))
    began = time.perf_counter()
    plan_tree(lines)
    seconds = time.perf_counter() - began
    tracemalloc.start()
    plan_tree(lines)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    tables = sum(line.values.nbytes for line in lines)
    print(
        f"\nplanning: {seconds:.2f} s (under 5), {peak / 1e6:.0f} MB beside {tables / 1e6:.0f} MB of tables (under 500)"
    )
    return {"seconds": seconds, "bytes": peak, "bytes_of_tables": tables}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m bench.sweep", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"by default {' '.join(PARTS)}")
    parser.add_argument("--out", type=Path, default=Path("bench-results"))
    parser.add_argument("--side", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.side:
        sides = {"tree": by_tree, "loop": by_loop, "ray": by_ray, "start": by_start}
        bits, updates = sides[asked.side](asked.parts[0], asked.folder)
        (asked.folder / "result.json").write_text(json.dumps({"bits": bits, "updates": updates}))
        return
    unknown = [part for part in asked.parts if part.partition("x")[0] not in {*SIDES, "planning"}]
    if unknown:
        parser.error(f"no such part: {', '.join(unknown)}")
    asked.out.mkdir(parents=True, exist_ok=True)
    path = asked.out / "sweep.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    for part in asked.parts or PARTS:
        found[part] = planning() if part == "planning" else compared(part)
        path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
