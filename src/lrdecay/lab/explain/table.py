"""What was found, short enough for a terminal."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from lrdecay.lab.explain.words import amount, count, share

__all__ = ["explain_table"]

_WIDE = 110


def explain_table(told: Mapping[str, Any]) -> str:
    """One row a fall of the rate, then the sentences."""
    metric = told["metric"]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("fall")
    unit = ", points" if metric == "accuracy" else ""
    for name in (f"came ({metric}{unit})", "averaged had", "rate × λ", "turned back", "noise scale"):
        table.add_column(name)
    for cut in told["cuts"]:
        split = cut["split"]
        sides = [cut["before"], cut["after"]]
        scaled = [_short(cut["scaled"][side]["mean"]) for side in ("before", "after")]
        turned = [share(side["flips"]["mean"]) for side in sides]
        scale = [_scale(cut["noise"][side]["seeds"]) for side in ("before", "after")]
        table.add_row(
            cut["says"],
            amount(split["came"]["mean"], metric),
            amount(split["had"]["mean"], metric),
            " → ".join(scaled),
            " → ".join(turned),
            " → ".join(scale),
        )
    console = Console(file=io.StringIO(), width=_WIDE)
    console.print(table)
    lines = [cut["gained"] for cut in told["cuts"]]
    lines += [told["memory"]["says"]] if told["memory"] else []
    lines += [f"Not seen: {m['what']}: {m['why']}.{' ' + m['cure'] if m['cure'] else ''}" for m in told["missing"]]
    lines += [f"Seed {seed} diverged at update {step}." for seed, step in told["diverged"].items()]
    text = "\n".join(textwrap.fill(line, _WIDE) for line in lines)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    return f"{told['task']} under {told['spec']}\n{shown}\n{text}\n"


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def _scale(seeds: list[Mapping[str, Any]]) -> str:
    """The seeds' median where all are measurable; else that it is not."""
    if any(one.get("why") for one in seeds):
        return "not seen"
    values = sorted(one["value"] for one in seeds if one.get("value") is not None)
    return count(values[len(values) // 2], 2) if len(values) == len(seeds) and values else "not measurable"
