"""A range test's answer in words, and all rules side by side, for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text

from lrdecay.rangetest.beside import Beside
from lrdecay.rangetest.repeatability import Repeatability, width
from lrdecay.report.digits import UNKNOWN, rate
from lrdecay.stats.intervals import Interval

__all__ = ["answer_text", "rules_table"]


def answer_text(suggestion: float | None, why_not: str | None, sure: Repeatability | None) -> str:
    """The peak and how repeatable it is, or that there is no clear answer and what to do."""
    if suggestion is None:
        return f"no clear answer: {why_not}"
    if sure is None:
        return f"peak: {suggestion:.2g}  (one repeat: how repeatable it is, nobody knows)"
    return (
        f"peak: {suggestion:.2g}  (95% over repeats: {_ends(sure.t)}, by t on log10; "
        f"{_ends(sure.bootstrap)}, by bootstrap)"
    )


def rules_table(ours: Mapping[str, float], peers: Sequence[Beside]) -> RichTable:
    """Every rule's answer: ours on the averaged curve, the peers' as the median over single repeats with its range."""
    grid = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True, header_style="")
    grid.add_column("rule", overflow="fold")
    for title in ("rate", "largest / smallest", "repeats answered"):
        grid.add_column(title, justify="right", no_wrap=True)
    for name, at in ours.items():
        grid.add_row(*map(Text, (name, rate(at), "", "averaged")), style="bold" if name == "lrdecay" else "")
    for peer in peers:
        middle = UNKNOWN if peer.median is None else rate(peer.median)
        ratio = UNKNOWN if peer.ratio is None else f"{peer.ratio:.2g}x"
        cells = (peer.name, middle, ratio, f"{len(peer.given)} of {len(peer.answers)}")
        grid.add_row(*map(Text, cells), style="dim" if peer.broken else "")
    return grid


def _ends(interval: Interval) -> str:
    return f"{interval.lo:.2g} to {interval.hi:.2g}, {width(interval):.2f} decades"
