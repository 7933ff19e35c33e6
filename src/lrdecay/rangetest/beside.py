"""Other finders' answers beside ours: each peer reads every repeat as it came, and its answers are summed up.

    median    of the peer's answers over the repeats, on a logarithmic axis
    ratio     the largest over the smallest: how far the peer would move if the test were made again

A peer that is known to be wrong is shown too, and says so (`Beside.broken`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from attrs import frozen

from lrdecay.rangetest.driver import Curve
from lrdecay.rangetest.peers import peer_answers
from lrdecay.runs.trainable import FloatArray

__all__ = ["Beside", "peers_beside"]

_BROKEN = " (broken)"


@frozen
class Beside:
    """One peer's rule on the same repeats."""

    name: str  # "library rule"
    answers: tuple[float | None, ...]  # one per repeat; None where the peer would have none

    @property
    def given(self) -> tuple[float, ...]:
        """The answers there are."""
        return tuple(a for a in self.answers if a is not None)

    @property
    def median(self) -> float | None:
        """Of log10 of the answers, as a rate; None where there are none."""
        return float(10 ** np.median(np.log10(self.given))) if self.given else None

    @property
    def ratio(self) -> float | None:
        """Largest over smallest answer; None below two answers."""
        return max(self.given) / min(self.given) if len(self.given) > 1 else None

    @property
    def broken(self) -> bool:
        """Whether the rule is known not to do what it says (Lightning's: issue 21141)."""
        return self.name.endswith(_BROKEN)

    def to_json(self) -> dict[str, Any]:
        """``median, ratio, answers, broken``; null for what is not known."""
        return {"median": self.median, "ratio": self.ratio, "answers": list(self.answers), "broken": self.broken}


def peers_beside(asked: FloatArray, curves: Sequence[Curve]) -> tuple[Beside, ...]:
    """What every peer makes of the raw losses of each repeat.

    Args:
        asked: the rates of all points that were asked for, rising, shape (points,); peers count their windows by it.
        curves: the repeats, as they were measured.
    """
    found = [peer_answers(np.append(c.rates, asked[asked > c.rates[-1]]), c.losses) for c in curves]
    return tuple(Beside(name, tuple(f[name] for f in found)) for name in (found[0] if found else ()))
