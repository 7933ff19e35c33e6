"""What a forecast shows: a predicted schedule as a value, and the tables of laws and of predictions for a terminal.

held-out    the law's error on what it was not shown, root mean square over refits, in percent of the loss: on whole
            runs where there are three or more, otherwise on the ends of runs, which says less
90%         interval of the final loss
to the best the difference of final losses with its 90% interval: what both are off alike goes out
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from attrs import field, frozen
from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text

from lrdecay.losslaws.choosing import Candidate, Choice
from lrdecay.losslaws.cooldown_lengths import Length
from lrdecay.losslaws.curve import FloatArray, IntArray
from lrdecay.losslaws.forecaster import Difference, Prediction
from lrdecay.report.digits import UNKNOWN

__all__ = ["Predicted", "digits_of", "laws_table", "lengths_table", "loss_digits", "predictions_table"]


@frozen(eq=False)
class Predicted:
    """A schedule and where it would end.

    Attributes:
        spec: the schedule in the notation, its peak filled in.
        rates: of every update, shape (T,).
        warmup: updates of it that warm up.
        prediction: of the loss after the last update.
        steps: along the run, rising, the last one T.
        losses: predicted at them.
    """

    spec: str
    rates: FloatArray = field(repr=False)
    warmup: int
    prediction: Prediction
    steps: IntArray = field(repr=False)
    losses: FloatArray = field(repr=False)

    @property
    def length(self) -> int:
        """Updates."""
        return len(self.rates)


def loss_digits(predictions: Sequence[Prediction]) -> int:
    """Decimals that losses are written with: two digits of the narrowest interval's half."""
    return digits_of(min((p.high - p.low) / 2 for p in predictions))


def digits_of(half: float) -> int:
    """Decimals that show two digits of an interval's half-width."""
    return int(np.clip(1 - math.floor(math.log10(half)), 2, 8)) if half > 0 else 4


def laws_table(choice: Choice) -> RichTable:
    """The laws that were fitted, and what each was off on what it was not shown."""
    grid = _grid("\nlaw", "\nsource")
    for title in ("held-out error\nwhole runs", "held-out error\nends of runs"):
        grid.add_column(title, justify="right", no_wrap=True)
    grid.add_column("stopped\nat a bound")
    for candidate in choice.candidates:
        style = "bold" if candidate is choice.chosen and len(choice.candidates) > 1 else ""
        grid.add_row(*map(Text, _law_row(candidate)), style=style)
    return grid


def _law_row(candidate: Candidate) -> tuple[str, ...]:
    law = candidate.fit.law
    ends = [fold.error for fold in candidate.folds if not fold.whole]
    at_ends = float(np.sqrt(np.mean(np.square(ends)))) if ends else math.inf
    return law.name, law.source, _percent(candidate.elsewhere), _percent(at_ends), ", ".join(candidate.fit.bounded)


def _percent(error: float) -> str:
    return f"{error:.2%}" if math.isfinite(error) else UNKNOWN


def predictions_table(rows: Sequence[tuple[Predicted, Difference | None]]) -> RichTable:
    """Predicted schedules, lowest loss first, each with its difference to that; None: it is the lowest."""
    digits = loss_digits([p.prediction for p, _ in rows])
    grid = _grid("\nschedule")
    for title in ("\nupdates", "final\nloss", "\n90%", "to the best\n90%"):
        grid.add_column(title, justify="right", no_wrap=True)
    grid.add_column()
    for predicted, apart in sorted(rows, key=lambda row: row[0].prediction.loss):
        p = predicted.prediction
        between = "lowest" if apart is None else _signed(apart, digits)
        known = "extrapolated" if p.extrapolated else ""
        cells = (f"{p.loss:.{digits}f}", f"{p.low:.{digits}f} to {p.high:.{digits}f}", between, known)
        grid.add_row(*map(Text, (predicted.spec, f"{predicted.length}", *cells)), style="bold" if apart is None else "")
    return grid


def lengths_table(lengths: Sequence[Length]) -> RichTable:
    """Cooldowns by length; bold are those that cannot be told from the best."""
    half = min((own.high - own.low) / 2 for own in lengths)
    digits = digits_of(half)
    grid = _grid()
    for title in ("\ncooldown", "final\nloss", "\n90%", "to the best\n90%"):
        grid.add_column(title, justify="right", no_wrap=True)
    grid.add_column()
    best = min(lengths, key=lambda own: own.loss)
    for own in lengths:
        known = ["lowest"] if own is best else ["as good, as far as the law can tell"] if own.alike else []
        known += ["extrapolated"] if own.extrapolated else []
        between = "" if own is best else _signed(own.to_best, digits)
        cells = (f"{own.loss:.{digits}f}", f"{own.low:.{digits}f} to {own.high:.{digits}f}", between, ", ".join(known))
        grid.add_row(*map(Text, (f"{own.percent}%", *cells)), style="bold" if own.alike else "")
    return grid


def _signed(apart: Difference, digits: int) -> str:
    return f"{apart.value:+.{digits}f} ({apart.low:+.{digits}f} to {apart.high:+.{digits}f})"


def _grid(*titles: str) -> RichTable:
    grid = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True, header_style="")
    for title in titles:
        grid.add_column(title, overflow="fold")
    return grid
