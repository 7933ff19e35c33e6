"""The schedules of a comparison: from values, notation, grids and files to what is compared, each once.

A text may be a schedule, a grid (`lrdecay.schedule.grid`), or ``@FILE``: a JSON or YAML file of both
(`lrdecay.schedule.grid_file`). Where peaks are chosen on pilot seeds, schedules of one grid that differ only in the
peak are one schedule, and their peaks are the first ones tried.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from lrdecay.errors import InputError, refusal
from lrdecay.schedule import at_peak, peak_of
from lrdecay.schedule.grid import GridPoint
from lrdecay.schedule.notation import Spec
from lrdecay.verbs.grids import grids_of
from lrdecay.verbs.show import Said

__all__ = ["FAR", "Asked", "schedules_of"]

FAR = 1e6
"""A peak above any floor, to compare schedules up to their peak."""


@frozen
class Asked:
    """One schedule to compare."""

    spec: Spec
    peaks: tuple[float, ...]  # stated ones to begin with; empty where the peak is open
    axes: Mapping[str, Any] = field(factory=dict, eq=False)  # what a grid chose for it, apart from peaks to be tuned

    @property
    def written(self) -> str:
        """As it is named in tables."""
        return str(self.spec)


def schedules_of(given: Sequence[Said], *, fixed_peak: bool) -> tuple[list[Asked], list[str]]:
    """What to compare, and what a reader must know of how it was read.

    Raises:
        InputError: there are none, one is given twice, or two that are no grid differ only in the peak, which is to be
            chosen.
    """
    asked: list[Asked] = []
    notes: list[str] = []
    names: dict[Spec, str] = {}
    for grid in grids_of(given):
        rows: dict[Spec, Asked] = {}
        for point in grid.points:
            same = point.spec if fixed_peak else evolve(point.spec, schedule=at_peak(point.spec.schedule, FAR))
            if same in names:
                cure = (
                    "" if fixed_peak else "Each schedule's peak is chosen on pilot seeds; --fixed-peak compares peaks."
                )
                rule = f"must differ from {names[same]} in more than the peak"
                msg = refusal("compare(schedules=...)", rule, str(point.spec), cure)
                raise InputError(msg)
            rows[same] = _with(rows.get(same), point)
        names |= {same: row.written for same, row in rows.items()}
        asked += rows.values()
        notes += [f"{row.written}: first tried at the peaks {_listed(row)}." for row in rows.values() if row.peaks[1:]]
        if grid.repeated:
            twice = ", ".join(dict.fromkeys(grid.repeated))
            notes.append(f"{grid.written} has a schedule more than once: {twice}; each was run once.")
    if not asked:
        msg = refusal("compare(schedules=...)", "must hold at least one schedule", [], "Add -s 'cosine(peak)'.")
        raise InputError(msg)
    return asked, notes


def _with(row: Asked | None, point: GridPoint) -> Asked:
    """A row with one more point of its grid: one more peak, and no axis on which its points differ."""
    peak = peak_of(point.spec.schedule)
    peaks = () if peak is None else (peak,)
    if row is None:
        return Asked(point.spec, peaks, dict(point.axes))
    shared = {k: v for k, v in row.axes.items() if point.axes[k] == v}
    return evolve(row, peaks=tuple(dict.fromkeys((*row.peaks, *peaks))), axes=shared)


def _listed(row: Asked) -> str:
    return ", ".join(f"{p:g}" for p in row.peaks)
