"""After what share of a study's updates the eventual best is scored, with `compare --forecast` and without.

    python bench/forecast_order.py [NAME ...]

Each study is trained once, 16 schedules at one peak on 3 seeds, held-out losses measured 40 times. Then its training is
replayed with one worker, node by node as the executor goes through the tree, for several orders in which the schedules
may have been listed: as the tree is gone through, seed by seed as they were listed, which is an order by chance, and as
a forecast orders them, which is told each run when its last node is done.
A line gives the mean share of the updates after which the eventual best has its first seed and all seeds, the range of
the latter, and what ordered the seeds.
"""

from __future__ import annotations

import functools
import random
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import lrdecay
from lrdecay.runs.spec import RunResult, RunSpec
from lrdecay.runs.store.opening import open_store
from lrdecay.schedule import parse
from lrdecay.sweep.executor import line_of
from lrdecay.sweep.order import Frontier
from lrdecay.sweep.tree import plan_tree
from lrdecay.verbs.compare import Compared
from lrdecay.verbs.forecast_order import ForecastOrder
from lrdecay.verbs.sources import source_of

SCHEDULES = [
    "constant({0})",
    "cosine({0})",
    "linear({0})",
    "cosine({0}, floor=1e-3)",
    *('wsd({0}, warmup=0, cooldown="' + at + '%")' for at in ("5", "10", "20", "40", "60", "80")),
    'wsd({0}, warmup=0, cooldown="20%", shape="1-sqrt")',
    'wsd({0}, warmup=0, cooldown="40%", shape="1-sqrt")',
    'multi_step({0}, factor=0.1, at=["50%", "75%"])',
    'multi_step({0}, factor=0.3, at=["30%", "60%"])',
    "inverse_sqrt({0}, warmup=10)",
    "rex({0})",
]
SEEDS = 3
MEASURED = 40  # times along a run
ORDERS = 40  # in which schedules are listed
FORECASTS = 3  # of these, replayed with a forecast
STUDIES: dict[str, tuple[str, float, dict[str, Any]]] = {
    "digits": ("digits", 0.1, {}),
    "digits, low": ("digits", 0.01, {}),
    "mnist1d": ("mnist1d", 0.1, {"steps": 600}),
    "mnist1d, low": ("mnist1d", 0.02, {"steps": 600}),
    "quadratic": ("quadratic", 0.2, {"arguments": {"sigma": 1.0, "condition": 100.0, "dimension": 100, "steps": 600}}),
    "quadratic, quiet": (
        "quadratic",
        0.2,
        {"arguments": {"sigma": 0.1, "condition": 1000.0, "dimension": 100, "steps": 600}},
    ),
}


def trained(task: str, peak: float, told: Mapping[str, Any], folder: str) -> tuple[Compared, dict[str, RunResult]]:
    """The study, and its runs by identity."""
    given = [s.format(peak) for s in SCHEDULES]
    made = lrdecay.compare(
        task, given, seeds=SEEDS, fixed_peak=True, evaluations=MEASURED, workers=1, out=f"{folder}/r", **told
    )
    with open_store(made.store) as store:
        runs = {m.identity: store.result(m.identity) for m in store.members(made.id)}
    return made, {identity: run for identity, run in runs.items() if run is not None}


def replayed(
    runs: Sequence[RunSpec],
    results: Mapping[str, RunResult],
    order: ForecastOrder | None = None,
    ranks: Callable[[], Sequence[int]] | None = None,
) -> dict[str, float]:
    """After what share of the updates each run is finished, by identity."""
    tree = plan_tree([line_of(run) for run in runs])
    frontier = Frontier(tree, ranks=ranks if order is None else lambda: order.ranks(runs))
    done, standing, found = 0, None, {}
    while not frontier.finished:
        standing = frontier.take(standing)
        assert standing is not None
        done += tree.nodes[standing].steps
        frontier.done(standing)
        for i in tree.nodes[standing].ends:
            identity = runs[i].identity()
            found[identity] = done / tree.steps_trained
            if order is not None:
                order.told(runs[i], results[identity])
    return found


def specs_of(made: Compared, told: Mapping[str, Any], task: str) -> list[RunSpec]:
    """The runs of a study, by schedule and seed."""
    source = source_of(task, None, arguments=told.get("arguments"))
    probe = source.probe(told.get("steps"), None)
    found = []
    for row in made.study.main.rows:
        horizon = probe.horizon
        rates = parse(row.spec).bind(horizon).values()
        said = (row.spec, horizon, rates, probe.metric, probe.goal, MEASURED)
        found += [RunSpec(source, seed, *said) for seed in range(SEEDS)]
    return found


def main(names: Sequence[str]) -> None:
    """Print a line for each study."""
    print(f"{len(SCHEDULES)} schedules x {SEEDS} seeds; share of the updates until the eventual best has")
    for name in names or list(STUDIES):
        task, peak, told = STUDIES[name]
        with tempfile.TemporaryDirectory() as folder:
            made, results = trained(task, peak, told, folder)
        runs = specs_of(made, told, task)
        assert {run.identity() for run in runs} == set(results)
        best = [runs[i].identity() for i in range(SEEDS)]  # rows stand best first
        rng, began = random.Random(0), time.process_time()
        shares: dict[str, list[list[float]]] = {"the tree": [], "by chance": [], "forecast": []}
        said: tuple[str, ...] = ()
        for n in range(ORDERS):
            rows = [runs[i : i + SEEDS] for i in range(0, len(runs), SEEDS)]
            rng.shuffle(rows)
            listed = [run for row in rows for run in row]
            at = replayed(listed, results)
            shares["the tree"].append(sorted(at[i] for i in best))
            places = [len(rows) * run.seed + i for i, row in enumerate(rows) for run in row]
            at = replayed(listed, results, ranks=functools.partial(list, places))
            shares["by chance"].append(sorted(at[i] for i in best))
            if n < FORECASTS:
                order = ForecastOrder({})
                order.expect({r.identity(): r for r in listed}, {r.identity(): r.schedule for r in listed})
                at = replayed(listed, results, order)
                shares["forecast"].append(sorted(at[i] for i in best))
                said = order.outcome().sentences()
        print(f"\n{name}: best {made.study.main.rows[0].written}, {time.process_time() - began:.0f} CPU-s to replay")
        for kind, found in shares.items():
            first, last = [f[0] for f in found], [f[-1] for f in found]
            mean = f"{sum(first) / len(first):.2f} first seed   {sum(last) / len(last):.2f} all seeds"
            print(f"  {kind:10} {mean} ({min(last):.2f} to {max(last):.2f})")
        for text in said[:-1]:
            print(f"    {text}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
