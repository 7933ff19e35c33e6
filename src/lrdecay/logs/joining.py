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
    """The step from which a log knows its own rates; 0 where they were given by a schedule."""
    log = reading.log
    return 0 if reading.scheduled or log.rate is None or not len(log.rate) else int(log.rate.steps.min())


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
