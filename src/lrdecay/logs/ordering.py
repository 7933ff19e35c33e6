"""Putting the entries of a log in the order of their steps, and saying what had to be done for it.

Going along the entries as they were logged, a step below the one before is either a line out of its place or a restart.
It is a **restart** where what comes after covers steps that were logged already, or falls between them off their
spacing: then what was logged before from that step on was undone, and is left out. Otherwise, and where steps go back
again and again, the entries are only **out of order**, and are sorted.
"""

from __future__ import annotations

import numpy as np

from lrdecay.logs.log import IntArray, Series

__all__ = ["ordered"]

_OFTEN = 0.1  # of the entries; steps that go back more often than this are out of order, not restarted
_FEW = 2


def ordered(logged: Series, what: str) -> tuple[Series, list[str]]:
    """Entries with strictly rising steps, and notes.

    Args:
        logged: at any steps, in the order in which they were logged.
        what: "losses" or "rates", for the notes.
    """
    entries, notes = logged, []
    fresh = _first_of_each(entries)
    if len(fresh) < len(entries):
        notes.append(f"{len(entries) - len(fresh)} {what} that were logged twice were left out once.")
        entries = entries.only(fresh)
    back = np.flatnonzero(np.diff(entries.steps) < 0) + 1
    if len(back) and _out_of_order(entries.steps, back):
        entries = entries.only(np.argsort(entries.steps, kind="stable"))
        notes.append(f"The {what} were not in the order of their steps, and were sorted.")
    notes += [
        f"The run went back to step {at}, a restart: {what} logged before from there on were left out."
        for at in _restarts(entries.steps)
    ]
    entries = entries.only(_standing(entries.steps))
    last = np.append(np.diff(entries.steps) > 0, True) if len(entries) else np.zeros(0, dtype=np.bool_)
    if not last.all():
        notes.append(f"{int((~last).sum())} steps have several {what}; the last of each was kept.")
    return entries.only(last), notes


def _first_of_each(entries: Series) -> IntArray:
    """The first of all entries with the same step and the same value."""
    pairs = np.stack([entries.steps.astype(np.float64), np.nan_to_num(entries.values, nan=-1.25e308)], axis=1)
    _, first = np.unique(pairs, axis=0, return_index=True)
    return np.sort(first).astype(np.int64)


def _out_of_order(steps: IntArray, back: IntArray) -> bool:
    if len(back) > max(_FEW, _OFTEN * len(steps)):
        return True
    gaps = np.diff(steps)
    sorted_gaps = np.diff(np.sort(steps))
    return bool(sorted_gaps.min() >= gaps[gaps > 0].min(initial=1 << 62))


def _restarts(steps: IntArray) -> list[int]:
    return [int(steps[i]) for i in np.flatnonzero(np.diff(steps) < 0) + 1]


def _standing(steps: IntArray) -> IntArray:
    """Entries after which no lower step was logged."""
    after = np.minimum.accumulate(steps[::-1])[::-1]
    return np.flatnonzero(steps <= after).astype(np.int64)
