"""What a script's rows and looks come to: a curve at some marks, how often it evaluates, one side of a cut."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrdecay.lab.explain.watch.children import Child
from lrdecay.lab.instruments.oscillation import flip_rate
from lrdecay.runs.protocol import finite

__all__ = ["curve_of", "period_of", "side_of"]

_MARKS = 60

_LINE = "the script has no line run.probe(model, loss, (x, y))"


def curve_of(
    rows: Mapping[int, Mapping[str, float]], rates: NDArray[np.float64], metric: str, bounds: Sequence[int]
) -> dict[str, list[float | None]]:
    """At some marks, the stages' bounds among them: step, rate, mean loss since the mark before, last metric logged.

    Args:
        rows: step -> what was logged there.
        rates: of every update.
        metric: its name.
        bounds: steps that are marks whatever else is.
    """
    steps = sorted(rows)
    first, last = steps[0], steps[-1] + 1
    marks = sorted(
        {*np.linspace(first + 1, last, min(_MARKS, last - first)).round().astype(int).tolist(), *bounds} - {0}
    )
    curve: dict[str, list[float | None]] = {"step": [], "rate": [], "loss": [], metric: []}
    at, value = first, None
    for mark in marks:
        since = [rows[t] for t in range(at, mark) if t in rows]
        losses = [row["loss"] for row in since if "loss" in row]
        value = next((row[metric] for row in reversed(since) if metric in row), value)
        mean = finite(float(np.mean(losses))) if losses else None
        curve["step"].append(int(mark))
        curve["rate"].append(float(rates[mark - 1]))
        curve["loss"].append(mean)
        if metric != "loss":
            curve[metric].append(None if value is None else finite(value))
        at = mark
    return curve


def period_of(rows: Mapping[int, Mapping[str, float]], metric: str) -> int:
    """How often the metric is measured: the longest stretch between two changes, or a third of the run."""
    known = [(t, rows[t][metric]) for t in sorted(rows) if metric in rows[t]]
    changes = [t for (_, a), (t, b) in itertools.pairwise(known) if a != b]
    gaps = np.diff([known[0][0], *changes]) if known and changes else np.array([1])
    return int(min(gaps.max(), max(1, len(rows) // 3)))


def side_of(parts: Sequence[Child], at: int, window: int, side: str) -> dict[str, Any]:
    """What was seen just before or just after a cut; "why" where sharpness is not known.

    Args:
        parts: of the run.
        at: the cut.
        window: updates on either side.
        side: "before" or "after".
    """
    start, place = (at - window, at) if side == "before" else (at, at + window)
    along, turned, random = ([_of(parts, kind, start)] for kind in ("along", "turned", "random"))
    here = _top(parts, place)
    begun = _top(parts, start)
    why = here.get("why", "") if here else _LINE
    return {
        "eigenvalue": begun.get("eigenvalue"),
        "residual": begun.get("residual"),
        "why": why,
        "sharp": here.get("eigenvalue"),
        "off": here.get("residual"),
        "flips": finite(flip_rate(along[0])),
        "random": finite(flip_rate(random[0])),
        "turned": float(np.mean(turned[0] < 0)) if len(turned[0]) else None,
        "updates": window,
    }


def _of(parts: Sequence[Child], kind: str, start: int) -> NDArray[np.float64]:
    """Numbers of a window, by its first step."""
    found = [part.said[kind][str(start)] for part in parts if str(start) in part.said.get(kind, {})]
    return np.array(found[0] if found else [], dtype=np.float64)


def _top(parts: Sequence[Child], at: int) -> dict[str, Any]:
    found = [part.said["tops"][str(at)] for part in parts if str(at) in part.said.get("tops", {})]
    return dict(found[0]) if found else {}
