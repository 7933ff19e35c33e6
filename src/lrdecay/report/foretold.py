"""The table of what a forecast that ordered a study predicted, beside what came: for a terminal and for the page.

One line for each schedule and what predicted it: means over the runs that were predicted so and did not diverge, and of
a law's 90% intervals how many held what came.
"""

from __future__ import annotations

import math

from attrs import frozen
from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from lrdecay.report.digits import UNKNOWN
from lrdecay.sweep.foretold import Forecasted, Foretold

__all__ = ["HEADS", "Line", "forecast_lines", "forecast_shown"]

HEADS = ("by", "of", "seeds", "predicted", "observed", "error", "inside 90%")
"""Of every column but the schedule's."""


@frozen
class Line:
    """A schedule's predictions by one law, or from other seeds, as text."""

    schedule: str
    cells: tuple[str, ...]  # as in `HEADS`


def forecast_lines(forecast: Forecasted) -> list[Line]:
    """In the order in which they were first finished; none where nothing was predicted."""
    found: dict[tuple[str, str, str], list[Foretold]] = {}
    for run in forecast.runs:
        found.setdefault((run.schedule, run.by, run.of), []).append(run)
    return [_line(*key, runs) for key, runs in found.items()]


def forecast_shown(forecast: Forecasted) -> RenderableType:
    """By what the study was ordered, and the lines, for a rich console."""
    said = Text(f"\nforecast: {' '.join(forecast.sentences())}")
    return Group(said, Text(""), _grid(forecast)) if forecast.runs else said


def _grid(forecast: Forecasted) -> RichTable:
    grid = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True, header_style="")
    grid.add_column("schedule", overflow="fold")
    for head in HEADS:
        grid.add_column(head, justify="left" if head in ("by", "of") else "right", no_wrap=True)
    for line in forecast_lines(forecast):
        grid.add_row(*map(Text, (line.schedule, *line.cells)))
    return grid


def _line(schedule: str, by: str, of: str, runs: list[Foretold]) -> Line:
    whole = [run for run in runs if math.isfinite(run.observed)]
    known = [run.inside for run in whole if run.inside is not None]
    n = len(whole)
    if not n:
        return Line(schedule, (by, of, f"{len(runs)} diverged", _mean(runs, "predicted"), *[UNKNOWN] * 3))
    seeds = ", ".join(str(run.seed) for run in whole)
    held = f"{sum(known)} of {len(known)}" if known else UNKNOWN
    error = f"{math.fsum(run.error for run in whole) / n:+.3g}"
    return Line(schedule, (by, of, seeds, _mean(whole, "predicted"), _mean(whole, "observed"), error, held))


def _mean(runs: list[Foretold], name: str) -> str:
    return f"{math.fsum(getattr(run, name) for run in runs) / len(runs):.4g}"
