"""`lab run`, `lab list`: experiments by name, at a scale, in a folder that keeps everything.

smoke   everything runs, in minutes; the verdict is always "not tested"
small   a verdict; about half an hour an experiment at most, on 2 cores
full    as large as the experiment declares
"""

from __future__ import annotations

import datetime
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from lrdecay.errors import InputError, one_of, refusal
from lrdecay.lab.committed import commit_of
from lrdecay.lab.declaration import SCALES
from lrdecay.lab.laboratory import opened
from lrdecay.lab.register import NAMES, chosen, declared, folder_of, measure_of
from lrdecay.lab.result import Result, keep, kept, result_of
from lrdecay.sweep.pool import Watch
from lrdecay.verbs.extras import require
from lrdecay.verbs.provenance import provenance

__all__ = ["FOLDER", "experiments", "read_seeds", "run_experiments"]

FOLDER = Path("lrdecay-lab")
"""Where the lab keeps its runs and results unless it is told."""

_SMOKE_SEEDS = 2


def read_seeds(text: str | int) -> tuple[int, ...]:
    """Seeds as they are typed: "5" is 0 to 4, "10-14" those, "3,5,8" those.

    Raises:
        InputError: it is none of these, or a seed stands twice.
    """
    said = str(text).replace(" ", "")
    seeds: tuple[int, ...] = ()
    if re.fullmatch(r"\d+", said):
        seeds = tuple(range(int(said)))
    elif re.fullmatch(r"\d+-\d+", said):
        first, last = map(int, said.split("-"))
        seeds = tuple(range(first, last + 1))
    elif re.fullmatch(r"\d+(,\d+)+", said):
        seeds = tuple(map(int, said.split(",")))
    if not seeds or len(set(seeds)) != len(seeds):
        msg = refusal("--seeds K", "must be a number of seeds, a range such as 10-14, or seeds with commas", text)
        raise InputError(msg)
    return seeds


def run_experiments(
    names: Sequence[str],
    *,
    seeds: str | int | None = None,
    scale: str = "small",
    folder: str | Path = FOLDER,
    workers: int | None = None,
    watch: Watch | None = None,
    say: Callable[[str], None] | None = None,
    command: str = "lrdecay.lab.run_experiments(...)",
) -> Iterator[Result]:
    """Run experiments one after the other; gives each result once it is kept.

    Args:
        names: of experiments or papers, or "all".
        seeds: how many, or which; by default those of the declaration.
        scale: smoke, small or full.
        folder: keeps runs and results; what is in it is not made again.
        workers: processes; by default one per core.
        watch: told about the updates made.
        say: told the name of each experiment as it begins.
        command: for the provenance.

    Raises:
        InputError: there is no such experiment or scale, or the seeds are none.
        MissingExtraError: a package is missing.
    """
    one_of(SCALES).check("--scale", scale)
    wanted = chosen(names)
    own = None if seeds is None else read_seeds(seeds)
    require("study", "lab run")
    require("torch", "lab run")
    require("lab", "lab run")
    return _each(wanted, own, scale, Path(folder), workers, watch, say, command)


def _each(
    names: Sequence[str],
    typed: tuple[int, ...] | None,
    scale: str,
    folder: Path,
    workers: int | None,
    watch: Watch | None,
    say: Callable[[str], None] | None,
    command: str,
) -> Iterator[Result]:
    with opened(folder, workers, watch) as lab:
        for name in names:
            if say is not None:
                say(name)
            declaration, commit = declared(name), commit_of(folder_of(name) / "claim.toml")
            own = typed or (declaration.seeds[:_SMOKE_SEEDS] if scale == "smoke" else declaration.seeds)
            older = commit.older_than(datetime.datetime.now(datetime.UTC))
            began, asked, made = time.monotonic(), lab.steps_asked, lab.steps_trained
            evidence = measure_of(name)(lab, own, scale)
            cost = {
                "seconds": round(time.monotonic() - began, 1),
                "steps_asked": lab.steps_asked - asked,
                "steps_trained": lab.steps_trained - made,
            }
            result = result_of(
                declaration,
                evidence,
                scale=scale,
                seeds=own,
                commit=commit,
                older=older,
                cost=cost,
                provenance=provenance(command),
            )
            keep(result, folder)
            yield result


def experiments(folder: str | Path = FOLDER) -> list[dict[str, Any]]:
    """Every claim of every experiment, with the verdict that is kept in a folder, for ``lab list``.

    A verdict on an older declaration does not count: then it is "not tested".
    """
    rows: list[dict[str, Any]] = []
    for name in NAMES:
        declaration, found = declared(name), kept(Path(folder), name)
        current = found is not None and found["declared"]["sha256"] == declaration.sha256
        verdicts = {c["name"]: c["verdict"] for c in found["claims"]} if found is not None and current else {}
        rows += [
            {
                "name": f"{name}/{claim.name}",
                "claim": claim.says,
                "source": claim.source or declaration.source,
                "verdict": verdicts.get(claim.name, "not tested"),
            }
            for claim in declaration.claims
        ]
    return rows
