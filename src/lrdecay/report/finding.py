"""What `find` answers, in words and tables for a terminal: the peak, all rules side by side, and the schedule's peak.

What the schedule's short runs gave comes as any object with their numbers (`ShortRunsFound`), since who made them
stands above this room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text

from lrdecay.rangetest.beside import Beside
from lrdecay.rangetest.compressed import Design
from lrdecay.rangetest.extrapolation import Law, Rung
from lrdecay.rangetest.repeatability import Repeatability, width
from lrdecay.rangetest.whole import Whole
from lrdecay.report.digits import UNKNOWN, rate
from lrdecay.stats.intervals import Interval

__all__ = ["ShortRunsFound", "answer_text", "rules_table", "schedule_text"]


class ShortRunsFound(Protocol):
    """What is shown of a search for a schedule's peak."""

    @property
    def spec(self) -> str:
        """The schedule."""

    @property
    def plan(self) -> Design:
        """The design of the short runs."""

    @property
    def rungs(self) -> tuple[Rung, ...]:
        """What each length gave."""

    @property
    def law(self) -> Law | None:
        """The law through them; None: there is none."""

    @property
    def scored_by(self) -> str:
        """The metric of the short runs."""

    @property
    def steps_used(self) -> int:
        """Updates of the short runs."""

    @property
    def held(self) -> str:
        """What was the same at every length."""

    @property
    def why_not(self) -> str | None:
        """Why there is no recommendation."""

    @property
    def suggestion(self) -> float | None:
        """The peak to use; None: there is no recommendation."""

    @property
    def whole(self) -> Whole | None:
        """Full runs that tried the law's peak; None: none were made."""


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


def schedule_text(found: ShortRunsFound) -> str:
    """The schedule's peak with its interval, how it was reached, and what it rests on."""
    plan, law, whole = found.plan, found.law, found.whole
    if law is None or found.why_not or found.suggestion is None:
        lines = [f"{found.spec}: no recommendation for {plan.full} updates: {found.why_not}"]
    else:
        sure = "the best of four full runs" if whole is not None and whole.overfits else f"95%: {_ends(law.interval)}"
        lines = [f"peak for {found.spec} over {plan.full} updates: {found.suggestion:.2g}  ({sure})"]
    measured = ", ".join(f"{r.peak:.2g} at {r.steps}" for r in found.rungs)
    if measured:
        lines.append(
            f"  best peaks of short runs: {measured} updates ({plan.repeats} seeds, by held-out {found.scored_by})"
        )
    if law is not None:
        e = law.exponent_interval
        lines.append(
            f"  peak ∝ length^-p, p = {law.exponent:.2f} (95% by t: {e.lo:.2f} to {e.hi:.2f}); "
            f"used {law.exponent_used:.2f}, drawn to 1/4; the full run is {plan.ratio:.1f}x the longest short one"
        )
    if whole is not None:
        lines.append(f"  {whole.text()}")
    made = "short runs" if whole is None else "short and full runs"
    lines.append(f"  {found.steps_used} updates in {made}, {found.steps_used / plan.full:.2g} full runs; {found.held}")
    return "\n".join(lines)


def _ends(interval: Interval) -> str:
    return f"{interval.lo:.2g} to {interval.hi:.2g}, {width(interval):.2f} decades"
