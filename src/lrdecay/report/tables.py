"""The table of a comparison, for a terminal: rich, as wide as it needs to be, readable at 80 columns.

    mean        over seeds, ± half of its 95% t interval
    to the best the mean difference (this minus the best) on the same seeds, ± half of its 95% interval
    p           of no difference, adjusted over all rows (Holm)
    P best      probability that the row's true mean is the best of all

The best row stands first; a winner is named only where the study has one. A row with a diverged seed has no mean and
says how many diverged in its place. A row that a race dropped stands last: its mean and its difference to the best are
over the seeds it has.
"""

from __future__ import annotations

import math

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from lrdecay.report.digits import UNKNOWN, Digits, digits_of, rate
from lrdecay.stats.intervals import Interval
from lrdecay.sweep.study import Row, Study, Table

__all__ = ["p_best", "p_value", "study_table"]


def study_table(study: Study) -> RenderableType:
    """The main table and, where there is one, the table at a shared peak. Print it with a rich console."""
    digits = digits_of(study)
    tables = [study.main, *([] if study.shared is None else [study.shared])]
    seeds = "1 seed" if len(study.seeds) == 1 else f"{len(study.seeds)} seeds"
    better = "larger" if study.goal == "max" else "smaller"
    head = Text(f"{study.metric} on {study.task}, {seeds}, {better} is better", style="bold")
    parts = [part for table in tables for part in (Text(f"\n{table.title}"), _grid(table, digits))]
    if study.raced is not None and study.raced.dropped:
        parts.append(Text("Where p would stand, a number of seeds: the race dropped it then.", style="dim"))
    return Group(head, *parts)


def _grid(table: Table, digits: Digits) -> RichTable:
    """One table, best first."""
    grid = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True, header_style="")
    grid.add_column("\nschedule", overflow="fold")
    for title in ("\npeak", "mean\n± 95%", "to the best\n± 95%", "p\n(Holm)", "P\nbest"):
        grid.add_column(title, justify="right", no_wrap=True)
    for row in table.rows:
        style = "bold" if row.spec == table.ranking.best else "dim" if row.diverged or row.dropped else ""
        grid.add_row(*map(Text, (row.written, rate(row.peak), *_scores(row, table, digits))), style=style)
    return grid


def _scores(row: Row, table: Table, digits: Digits) -> tuple[str, str, str, str]:
    """Mean, difference to the best, its p value, and the probability of being best."""
    standing = table.ranking[row.spec]
    known = standing.difference is not None and math.isfinite(standing.difference.sd)
    mean = f"{row.diverged} of {len(row.values)} diverged" if row.diverged else digits(row.mean)
    if row.spec == table.ranking.best:
        apart = "winner" if table.winner else "best mean"
    elif standing.difference is None:
        apart = UNKNOWN
    else:
        apart = digits.signed(standing.difference.mean) + _half(standing.difference.interval, digits)
    p = p_value(standing.p_adjusted if known else None)
    if row.dropped is not None:
        p = f"{len(row.values)} seeds"
    return mean + _half(row.interval, digits), apart, p, p_best(row, table)


def _half(interval: Interval | None, digits: Digits) -> str:
    """Half of an interval behind its middle; nothing where the spread is unknown."""
    half = math.inf if interval is None else (interval.hi - interval.lo) / 2
    return f" ± {digits(half)}" if math.isfinite(half) else ""


def p_value(p: float | None) -> str:
    """Three decimals are enough to judge by."""
    return UNKNOWN if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def p_best(row: Row, table: Table) -> str:
    """Two decimals: draws cannot tell 0.001 from nothing. A dash for a diverged row and where it is not known."""
    chance = table.evidence.p_best.get(row.spec)
    if chance is None or row.diverged:
        return UNKNOWN
    return "<.01" if chance < 0.01 else ">.99" if chance > 0.99 else f"{chance:.2f}"
