"""The page's figures as data, for `lrdecay.lab.drawing.lines_figure`: mean of the seeds and their range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

__all__ = ["figures_of"]

Figure = dict[str, Any]


def figures_of(told: Mapping[str, Any]) -> dict[str, Figure]:
    """The figures "rate", "metric" and, where there was a run with wrong labels, "memory".

    Args:
        told: the whole JSON.
    """
    cuts = told["plan"]["cuts"]
    marks = [[cut["at"], cut["says"]] for cut in cuts]
    records, probes = told["records"], told["probes"]
    metric = records[0]["metric"]
    found = {"rate": _rates(told["rates"], marks)}
    since = max(1, cuts[0]["at"] // 4)
    lines = [_line("as it ran", [r["curve"] for r in records], metric, since)]
    lines.append(_line("averaged weights", [r["curve"] for r in records], f"averaged {metric}", since))
    for label, column in (("rate kept", metric), ("rate kept, averaged", f"averaged {metric}")):
        parts = [
            _line(label, [r["cuts"][i]["kept"] for r in records if i < len(r["cuts"])], column, since)
            for i in range(len(cuts))
        ]
        lines.append(_joined(label, [p for p in parts if p is not None]))
    shown = [line for line in lines if line is not None and line["x"]]
    unit = " (held out)" if "held" not in metric else ""
    found["metric"] = _figure(f"{metric}{unit}", shown, marks)
    if probes:
        named = {
            "wrong labels": "wrong_fit",
            "other labels": "clean_fit",
            "wrong, averaged": "averaged wrong_fit",
            "other, averaged": "averaged clean_fit",
        }
        shares = [_line(name, [p["curve"] for p in probes], column, 0) for name, column in named.items()]
        found["memory"] = _figure("share of training labels fitted", [s for s in shares if s is not None], marks)
    return found


def _figure(title: str, lines: Sequence[Mapping[str, Any]], marks: Sequence[Sequence[Any]], log: str = "") -> Figure:
    return {
        "title": title,
        "x_label": "update",
        "lines": list(lines),
        "marks": list(marks),
        "log": [log] if log else [],
    }


def _rates(rates: Mapping[str, Sequence[float]], marks: Sequence[Sequence[Any]]) -> Figure:
    """The rate along the run; logarithmic where it falls far."""
    values = list(rates["rate"])
    line = {"name": "rate", "x": rates["step"], "y": values, "lo": [], "hi": []}
    low = min(v for v in values if v > 0)
    log = "y" if max(values) / low > 20 and min(values) > 0.001 * max(values) else ""
    return _figure("learning rate", [line], marks, log)


def _line(name: str, curves: Sequence[Mapping[str, Any]], column: str, since: int) -> dict[str, Any] | None:
    """Mean and range of the seeds, from an update on; None where nothing was measured."""
    own = [c for c in curves if column in c]
    if not own:
        return None
    steps = max((c["step"] for c in own), key=len)
    table = np.full((len(own), len(steps)), np.nan)
    for row, c in zip(table, own, strict=True):
        values = [np.nan if v is None else v for v in c[column]]
        row[: len(values)] = values
    kept = [i for i, step in enumerate(steps) if step >= since and not np.isnan(table[:, i]).all()]
    mean, lo, hi = (f(table[:, kept], axis=0) for f in (np.mean, np.min, np.max))
    band = len(own) > 1
    return {
        "name": name,
        "x": [float(steps[i]) for i in kept],
        "y": _plain(mean),
        "lo": _plain(lo) if band else [],
        "hi": _plain(hi) if band else [],
    }


def _plain(values: Sequence[float]) -> list[float | None]:
    return [float(v) if np.isfinite(v) else None for v in values]


def _joined(name: str, parts: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Branches one behind the other, with a gap between."""
    if not parts:
        return None
    line: dict[str, Any] = {"name": name, "x": [], "y": [], "lo": [], "hi": []}
    for i, part in enumerate(parts):
        if i:
            line["x"].append(part["x"][0] if part["x"] else line["x"][-1])
            for column in ("y", "lo", "hi") if part["lo"] else ("y",):
                line[column].append(None)
        for column in ("x", "y", "lo", "hi"):
            line[column] += part[column]
    return line
