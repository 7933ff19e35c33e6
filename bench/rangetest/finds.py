"""Draws of ours and of the peers, through one pool."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.rangetest.journal import Measurement
from bench.rangetest.peers import PEERS, measured
from bench.rangetest.protocol import (
    CURVATURES,
    DRAWS,
    KNOWN_DRAWS,
    OPTIMIZERS,
    REPEATS,
    SCHEDULES,
    TASKS,
    Cell,
    arguments,
    cells,
)
from bench.rangetest.truth import metrics_of

from lrdecay.rangetest.compressed import BUDGET
from lrdecay.stats.intervals import Interval
from lrdecay.verbs.find import search
from lrdecay.verbs.find_schedule import judged_by, search_schedule
from lrdecay.verbs.sources import source_of

__all__ = ["known", "peers", "plain"]


def _subjects(to: Measurement) -> list[tuple[str, str, Any]]:
    """(task, optimizer, source); of the quadratic the curvature stands for the optimizer."""
    found: list[tuple[str, str, Any]] = [
        (task, optimizer, source_of(task, arguments=arguments(task, optimizer, 1, to.directory)))
        for task in TASKS
        for optimizer in OPTIMIZERS
    ]
    curved = [source_of("quadratic", arguments={"curvature_scale": c}) for c in CURVATURES]
    found += [("quadratic", f"{c:g}", s) for c, s in zip(CURVATURES, curved, strict=True)]
    return [(task, optimizer, source) for task, optimizer, source in found if to.wants(task, optimizer)]


def peers(to: Measurement) -> None:
    """Every test of every finder; ignite's default once a draw."""
    for task, optimizer, source in _subjects(to):
        began = time.perf_counter()
        wanted = [
            (peer, draw, repeat)
            for peer in PEERS
            for draw in range(DRAWS)
            for repeat in range(1 if peer == "ignite, an epoch" else REPEATS)
        ]
        missing = [w for w in wanted if ("peer", task, optimizer, *w) not in to.journal]
        where = float(optimizer) if task == "quadratic" else source
        for i, row in to.pool.each(measured, [(peer, where, draw, r, REPEATS) for peer, draw, r in missing]):
            to.journal.add(("peer", task, optimizer, *missing[i]), row)
        sys.stderr.write(f"{time.perf_counter() - began:5.0f} s  peers {task} {optimizer}\n")


def plain(to: Measurement) -> None:
    """`find(task)` at its defaults."""
    commit = _commit()
    for task, optimizer, source in _subjects(to):
        began, probe = time.perf_counter(), to.pool.call(source.probe, None, None)
        for draw in range(DRAWS):
            key = ("find", task, optimizer, draw)
            if key in to.journal:
                continue
            found = search(to.pool, source, probe, seed=REPEATS * draw)
            both = None if found.repeatability is None else found.repeatability.to_json()
            row = {"suggestion": found.suggestion, "repeatability": both, "why_not": found.why_not}
            to.journal.add(key, {**row, "steps": found.steps_used, "commit": commit})
        sys.stderr.write(f"{time.perf_counter() - began:5.0f} s  find {task} {optimizer}\n")


def known(to: Measurement, length: int, *, loss: bool = False) -> None:
    """`find(task, schedule=...)`: short runs from the range test of the same draw, which `plain` has made.

    With ``loss``, as `find(metric="loss")`, on the tasks whose metric is another.
    """
    commit = _commit()
    wanted = [(c, arguments(c.task, c.optimizer, length, to.directory), KNOWN_DRAWS[length]) for c in cells(length)]
    if loss:
        wanted = [w for w in wanted if metrics_of(w[0].task)[0] != "loss"]
    elif length == 1:
        for curvature in CURVATURES:
            bent = {"curvature_scale": curvature}
            wanted += [(Cell("quadratic", f"{curvature:g}", s, 1), bent, KNOWN_DRAWS[1]) for s in SCHEDULES]
    for cell, given, draws in wanted:
        if not to.wants(cell.task, cell.optimizer):
            continue
        began, source = time.perf_counter(), source_of(cell.task, arguments=given)
        probe = None
        for draw in range(draws):
            key = ("known loss" if loss else "known", *cell, draw)
            if key in to.journal:
                continue
            tested = to.journal["find", cell.task, cell.optimizer, draw]
            if tested["suggestion"] is None:
                row = {"suggestion": None, "interval": None, "why_not": tested["why_not"], "steps": tested["steps"]}
                to.journal.add(key, {**row, "full": None, "finding": None, "commit": commit})
                continue
            probe = probe or to.pool.call(source.probe, None, None)
            near = Interval(*tested["repeatability"]["t"]["interval"])
            by = judged_by("loss", source, probe) if loss else None
            found = search_schedule(
                to.pool, source, probe, cell.schedule, near, budget=BUDGET, seed=REPEATS * draw, by=by
            )
            ends = None if found.interval is None else [found.interval.lo, found.interval.hi]
            row = {"suggestion": found.suggestion, "interval": ends, "why_not": found.why_not}
            row |= {"steps": tested["steps"] + found.steps_used, "full": probe.horizon.steps}
            to.journal.add(key, {**row, "finding": found.to_json(), "commit": commit})
        sys.stderr.write(f"{time.perf_counter() - began:5.0f} s  known {' '.join(map(str, cell))}\n")


def _commit() -> str:
    """Of the checkout, to say what was measured; "+" where files differ from it."""
    said = ["git", "describe", "--always", "--dirty=+", "--abbrev=8", "--exclude=*"]
    return subprocess.run(said, capture_output=True, text=True, check=True, cwd=Path(__file__).parent).stdout.strip()
