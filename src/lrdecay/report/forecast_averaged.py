"""What averaged weights say of cooldowns from here, as a value, and its table for a terminal.

See `lrdecay.losslaws.averaged`. Where a law was fitted to the same column, what it says of the same cooldowns stands
beside it; the two know nothing of each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import field, frozen
from rich.box import SIMPLE_HEAD
from rich.table import Table as RichTable
from rich.text import Text

from lrdecay.losslaws.averaged import AveragedTrunk
from lrdecay.losslaws.forecaster import Prediction
from lrdecay.report.digits import UNKNOWN
from lrdecay.report.forecasting import digits_of

__all__ = ["AveragedLog", "CooledNow", "averaged_table"]


@frozen(eq=False)
class CooledNow:
    """A cooldown, linear to zero, that begins at the end of a log.

    Attributes:
        share: its length, of the updates before it.
        updates: the same in updates.
        spec: the whole run in the notation, the past within 0.5% of the peak.
        loss: held out, at its end, by the averaged weights.
        low: of the 90% interval.
        high: of it.
        law: where a law says that it ends; None: none was fitted to this column.
    """

    share: float
    updates: int
    spec: str
    loss: float
    low: float
    high: float
    law: Prediction | None = None

    @property
    def apart(self) -> bool:
        """Whether the two intervals have nothing in common."""
        return self.law is not None and (self.law.low > self.high or self.law.high < self.low)

    def to_json(self) -> dict[str, Any]:
        """``{"share", "updates", "spec", "loss", "interval", "law": {"loss", "interval", "extrapolated"}}``."""
        p = self.law
        law = None if p is None else {"loss": p.loss, "interval": [p.low, p.high], "extrapolated": p.extrapolated}
        said = {"share": self.share, "updates": self.updates, "spec": self.spec}
        return said | {"loss": self.loss, "interval": [self.low, self.high], "law": law}


@frozen(eq=False)
class AveragedLog:
    """What one log says.

    Attributes:
        log: its name.
        step: of its last look, from which the cooldowns begin.
        now: the loss of the weights themselves there, on its line over the last half of the updates.
        cooldowns: the shortest first.
        trunk: the losses, of the weights and of their average.
        column: of the weights' own loss.
    """

    log: str
    step: int
    now: float
    cooldowns: tuple[CooledNow, ...]
    trunk: AveragedTrunk = field(repr=False)
    column: str

    def to_json(self) -> dict[str, Any]:
        """``{"log", "step", "now", "cooldowns"}``."""
        rows = [own.to_json() for own in self.cooldowns]
        return {"log": self.log, "step": self.step, "now": self.now, "cooldowns": rows}


def averaged_table(cooldowns: Sequence[CooledNow]) -> RichTable:
    """Cooldowns by length; the law's columns stand where a law was fitted."""
    digits = digits_of(min((own.high - own.low) / 2 for own in cooldowns))
    grid = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True, header_style="")
    titles = ["\ncooldown", "\nupdates", "final\nloss", "\n90%"]
    lawful = any(own.law is not None for own in cooldowns)
    for title in [*titles, "by the law:\nfinal loss", "\n90%"] if lawful else titles:
        grid.add_column(title, justify="right", no_wrap=True)
    grid.add_column()
    for own in cooldowns:
        cells = [f"{own.share:.0%}", f"{own.updates}", f"{own.loss:.{digits}f}", _span(own.low, own.high, digits)]
        if lawful:
            p = own.law
            cells += [UNKNOWN] * 2 if p is None else [f"{p.loss:.{digits}f}", _span(p.low, p.high, digits)]
        known = ["they disagree"] if own.apart else []
        known += ["law extrapolated"] if own.law is not None and own.law.extrapolated else []
        grid.add_row(*map(Text, (*cells, ", ".join(known))))
    return grid


def _span(low: float, high: float, digits: int) -> str:
    return f"{low:.{digits}f} to {high:.{digits}f}"
