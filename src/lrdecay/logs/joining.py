"""A branch and its trunk: a log that begins in the middle, with the rates of the run that it went on from.

A cooldown is often logged as a run of its own, from the step where it left a constant run. What its rate was before is
then in the trunk's log, and only there.
"""

from __future__ import annotations

import numpy as np
from attrs import evolve

from lrdecay.errors import InputError, refusal
from lrdecay.logs.reading import Reading
from lrdecay.losslaws.curve import Curve, warmup_of

__all__ = ["begins", "joined"]


def begins(reading: Reading) -> int:
    """The step from which a log that begins in the middle has rates; 0 where it begins at the start.

    Where a schedule gave the rates, nothing is missing: 0 too.
    """
    rate = reading.log.rate
    if reading.scheduled or rate is None or not len(rate):
        return 0
    steps = np.unique(rate.steps)
    near = 2.0 * float(np.median(np.diff(steps))) if len(steps) > 1 else 2.0
    return int(steps[0]) if steps[0] > near else 0


def joined(branch: Reading, trunk: Reading) -> Reading:
    """The branch with the trunk's rates before its own, and the trunk's warmup.

    Between the branch's first row of any kind and its first rate, the rate is a straight line.

    Args:
        branch: a log that begins in the middle.
        trunk: the run that it went on from.

    Raises:
        InputError: the branch does not begin in the middle, or the trunk ends before it.
    """
    own = begins(branch)
    left = min(branch.log.first, own)
    if left == 0:
        raise InputError(refusal("joined(branch=...)", "must be a log that begins in the middle", branch.log.name))
    before = trunk.curve.rates
    if len(before) < left:
        rule = f"must reach step {left}, where {branch.log.name} begins"
        raise InputError(refusal("joined(trunk=...)", rule, f"{trunk.log.name}, which ends at {trunk.curve.last}"))
    rates = branch.curve.rates.copy()
    rates[:left] = before[:left]
    until = min(own, len(rates) - 1)
    rates[left:until] = np.interp(
        np.arange(left, until), [left, until], [before[min(left, len(before) - 1)], rates[until]]
    )
    said = f"The log's rates start at step {own}"
    notes = (
        *(n for n in branch.notes if not n.startswith(said)),
        f"Before step {left} the rates are {trunk.log.name}'s.",
    )
    warmup = trunk.curve.warmup or warmup_of(rates)
    curve = Curve(branch.curve.name, rates, branch.curve.steps, branch.curve.losses, min(warmup, branch.curve.last))
    return evolve(branch, curve=curve, notes=notes)
