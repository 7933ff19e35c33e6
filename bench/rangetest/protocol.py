"""The protocol, written and committed before anything was measured, and its numbers.

    make bench-find                                    about an hour on two cores; it can be stopped and run again
    python -m bench.rangetest truth peers plain known  some of the stages, in that order
    python -m bench.rangetest --report                 the tables, from what is there

Question    Is `find` clearly better than the finders in use, as they are: fastai 2.8, torch-lr-finder 0.2.2,
            Lightning's Tuner (2.6) and ignite's FastaiLRFinder (0.5.5)? And is its interval worth the name?

Tasks       digits and mnist1d (MLP 100-100; find's constants were chosen on these, with other seeds), fashion (2,000
            images, MLP 64) and chars (a transformer of one block, width 32, context 32, on the first 200,000
            characters of Python's own help texts, `pydoc_data.topics`), on which nothing was chosen; the two halves
            are reported apart. SGD with momentum 0.9, and AdamW. Full runs of 337, 344, 360 and 340 updates, and four
            times those; find(schedule=) takes none much shorter, and makes little of 340.
Draws       12, each with other initial weights and another data order. A draw of ours is `find` at its defaults: five
            curves of 100 updates. A peer is driven through its public interface on the same model, data and
            optimizer:
              equal steps: five tests of 100 updates on the same five seeds, answers averaged as log10
              default: its first test alone; ignite's has no default length but the trainer's: one epoch
            torch-lr-finder and ignite begin at the optimizer's own rate: 1e-7, as torch-lr-finder's readme has it.
            Ranges and all else are the peers' own defaults. fastai is asked for valley, its default, and its other
            three.

Spread      sd of log10 of the answers over the draws, its 95% interval by chi-square, and the largest over the
            smallest. Goal: sd at most .055; best peer's range at defaults is 1.7 to 2.5x.
Tracking    `quadratic` with ten times the curvature: the mean of log10 over 12 draws is to move by -1 within .1. For
            `find(schedule=)` over 3 draws, each schedule. For peers on the same quadratic written in torch.

Truth       per task, optimizer, schedule (constant, linear, cosine) and length (1x, 4x), 48 cells: full runs on a
            grid of peaks in factors of two, k = -2 to 2 around .16 (sgd) and .008 (adamw), grown by one while the
            best of either score stands at an edge, to k = -8 and 8 at most. Five seeds choose: the best peak is the
            lowest (highest) point of the parabola in log rate through the best mean and its neighbours. A constant
            rate at 1x is the first quarter of the run at 4x: it is the same run. A run that diverged scores as the
            worst that did not, or chance (accuracy 1/10, loss log of the classes or symbols), whichever is worse.
Scores      the task's metric (accuracy; loss for chars), and the held-out loss.
Regret      on three other seeds: score at the best peak - score at the answer, both from the same seed's scores
            interpolated along log rate (monotone cubic, which does not overshoot), averaged over the draws that
            answered. Beyond the grid's ends the end holds; such answers are counted, and their regret is too small.
            Its upper bound is one-sided, 95%, by t over the three scoring seeds. Compared with sd, over all eight
            seeds, of the score at the grid's best peak: what one seed cannot tell apart. Goal: bound under one sd in
            at least 90% of cells with the schedule known, and mean regret below every peer. A cell in which more than
            half the draws gave no answer fails. With the schedule known there are 3 draws of a cell at 1x and 2 at
            4x, since a draw costs two full runs.
Intervals   at 95%. Of repeatability (t and bootstrap): holds the geometric mean of the other draws' answers. Of the
            best peak (`find(schedule=)`): holds the truth's best peak, in the metric and in loss; also within half a
            grid step (a factor of √2), since the truth is known no better. And what find's plain interval would hold,
            which does not claim to. Coverage with Wilson's interval; median width in decades (goal at most .5);
            Winkler's score, width + 2/.05 times the distance outside, in decades; answer rate (goal at least 80%),
            abstentions counted.
Loss        find(schedule=) is measured as it is, which is to say for the task's metric, and with metric="loss" on the
            three tasks whose metric is accuracy; each is scored both ways. (Added when find learnt to be told the
            metric: after the truth at 1x and some peers were measured, before any draw of find(schedule=).)
Steps       updates used by a draw, and by ours in full runs.

Not said    one machine, one thread, small models, runs of seconds; nothing here says anything of large ones. Draws
            within a cell share its truth, and cells share tasks: a cell is counted as one, not as so many draws.
            Before this was committed the code was tried on one cell of the truth and a few draws; other lengths.
"""

from __future__ import annotations

import math
import pydoc_data.topics
from pathlib import Path
from typing import Any, NamedTuple

__all__ = [
    "CHANCE",
    "CHOSEN_ON",
    "CURVATURES",
    "DRAWS",
    "GRID_SEEDS",
    "KNOWN_DRAWS",
    "LENGTHS",
    "OPTIMIZERS",
    "REPEATS",
    "SCHEDULES",
    "SCORING_SEEDS",
    "TASKS",
    "Cell",
    "arguments",
    "cells",
    "peak_of",
    "write_text",
]

TASKS: dict[str, dict[str, Any]] = {
    "digits": {"epochs": 15},
    "mnist1d": {"epochs": 5.5},
    "fashion": {"images": 2000, "heldout": 1000, "model": "mlp", "hidden": "64", "batch_size": 50, "epochs": 9},
    "chars": {"context": 32, "width": 32, "depth": 1, "batch_size": 8, "steps": 340},
}
"""Arguments of a full run at 1x."""

CHOSEN_ON = ("digits", "mnist1d")
"""Tasks on which find's constants were chosen."""

OPTIMIZERS = ("sgd", "adamw")
SCHEDULES = ("constant", "linear", "cosine")
LENGTHS = (1, 4)

GRID_SEEDS = (0, 1, 2, 3, 4)
SCORING_SEEDS = (5, 6, 7)

DRAWS = 12
KNOWN_DRAWS = {1: 3, 4: 2}
REPEATS = 5
"""Of `find` at its defaults; a draw's seeds follow each other, and no two draws share one."""

CURVATURES = (1.0, 10.0)
FIRST_K, LAST_K = -8, 8
START_K = (-2, -1, 0, 1, 2)

_CENTRE = {"sgd": 0.16, "adamw": 0.008}
_CHARACTERS = 200_000


class Cell(NamedTuple):
    """What has one best peak."""

    task: str
    optimizer: str
    schedule: str
    length: int  # 1 or 4


def cells(length: int | None = None) -> list[Cell]:
    """All of them, or those of one length."""
    lengths = LENGTHS if length is None else (length,)
    return [Cell(t, o, s, n) for n in lengths for t in TASKS for o in OPTIMIZERS for s in SCHEDULES]


def peak_of(optimizer: str, k: int) -> float:
    """The rate of a point of the grid."""
    return _CENTRE[optimizer] * 2.0**k


def write_text(directory: Path) -> None:
    """Put the text of chars where `arguments` says it is."""
    path = _text(directory)
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(pydoc_data.topics.topics.values())[:_CHARACTERS], encoding="utf-8")


def arguments(task: str, optimizer: str, length: int, directory: Path) -> dict[str, Any]:
    """Of the task function, for a full run of so many times the length."""
    found = {**TASKS[task], "optimizer": optimizer}
    for name in ("epochs", "steps"):
        if name in found:
            found[name] *= length
    if task == "chars":
        found["text"] = str(_text(directory))
    return found


def _text(directory: Path) -> Path:
    return directory / "python-topics.txt"


_SYMBOLS = len(set("\n".join(pydoc_data.topics.topics.values())[:_CHARACTERS]))
CHANCE = {task: {"accuracy": 0.1, "loss": math.log(_SYMBOLS if task == "chars" else 10)} for task in TASKS}
"""What a guess scores."""
