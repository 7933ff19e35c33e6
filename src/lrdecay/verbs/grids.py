"""Every way to name several schedules at once: grids in one line, and files of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from lrdecay.feedback.notation import parse_ruled_spec
from lrdecay.schedule.grid import Grid, GridPoint, check_grid, is_grid, read_grid
from lrdecay.schedule.grid_file import read_grid_file
from lrdecay.schedule.plan_notation import is_plan
from lrdecay.verbs.show import Said, ruled_spec_of

__all__ = ["check_typed", "grids_of", "names_several", "preview"]


def names_several(item: object) -> bool:
    """Whether a text is a grid, or names a file: ``@FILE``."""
    return isinstance(item, str) and not is_plan(item) and (is_grid(item) or item.lstrip().startswith("@"))


def check_typed(given: Iterable[str], call: str) -> None:
    """Refuse a grid by the name of what it was typed as, such as ``-s TEXT``; files name themselves.

    Raises:
        InputError: a text with braces is no grid.
    """
    for text in given:
        if names_several(text) and not text.lstrip().startswith("@"):
            check_grid(text, call)


def grids_of(given: Said | Iterable[Said]) -> list[Grid]:
    """Every item as a grid, many of them of one schedule; a file is as many as it has entries.

    Raises:
        InputError: an item is no schedule, no grid and no file of them.
        MissingExtraError: it is a YAML file, and PyYAML is not installed.
    """
    found: list[Grid] = []
    for item in [given] if isinstance(given, Said) else given:
        if names_several(item):
            text = str(item).strip()
            found += (
                read_grid_file(text[1:], parse_ruled_spec)
                if text.startswith("@")
                else [read_grid(text, parse_ruled_spec)]
            )
        else:
            spec = ruled_spec_of(item)
            found.append(Grid(str(spec), (GridPoint(spec, {}),), ()))
    return found


def preview(grids: Sequence[Grid]) -> dict[str, Any]:
    """``{"count": N, "schedules": [{"spec", "axes"}], "repeated": [...]}``: what would be compared."""
    points = [point for grid in grids for point in grid.points]
    return {
        "count": len(points),
        "schedules": [{"spec": str(point.spec), "axes": dict(point.axes)} for point in points],
        "repeated": [text for grid in grids for text in grid.repeated],
    }
