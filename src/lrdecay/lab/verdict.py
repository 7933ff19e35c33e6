"""From estimates to a verdict: *holds*, *holds in part*, *does not hold here*, *cannot tell*, *not tested*.

    not tested          at scale smoke; behind a gate that did not open; where a statistic was not measured
    holds               every statistic of ``holds`` is there, and enough of ``some``
    holds in part       another is not there, and every one of ``in_part`` is
    does not hold here  another is not there: one of ``holds``, or so many of ``some`` that the rest is not enough
    cannot tell         else

and what a control contradicts is taken back: where the null was confirmed, "holds" and "holds in part" become "cannot
tell"; where the planted effect was not found, "does not hold here" and "holds in part" do. "Cannot tell" is then about
the experiment and not about the claim, and the reason says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from lrdecay.lab.declaration import Claim
from lrdecay.lab.estimate import Estimate

__all__ = ["Judged", "Verdict", "judge"]

Verdict = Literal["holds", "holds in part", "does not hold here", "cannot tell", "not tested"]


@frozen
class Judged:
    """A claim with its verdict."""

    claim: Claim
    verdict: Verdict
    reason: str  # one line
    estimates: tuple[Estimate, ...] = field(repr=False)  # of what it rests on, as declared
    null: Estimate | None = field(repr=False, default=None)
    planted: Estimate | None = field(repr=False, default=None)


def judge(claim: Claim, measured: Mapping[str, Estimate], *, scale: str, gate: str | None = None) -> Judged:
    """The verdict on one claim.

    Args:
        claim: as declared.
        measured: estimates by the name of their statistic.
        scale: smoke, small or full.
        gate: why the experiment says nothing of it, such as a regime that was not reached; None: it does.
    """
    own = tuple(measured[name] for name in claim.rests if name in measured)
    null = None if claim.null is None else measured.get(claim.null)
    planted = None if claim.planted is None else measured.get(claim.planted)
    verdict, reason = _of(claim, measured)
    missing = [name for name in claim.asks if name not in measured]
    if gate is not None:
        verdict, reason = "not tested", gate
    elif scale == "smoke":
        verdict, reason = "not tested", "the scale smoke only shows that it runs"
    elif missing:
        verdict, reason = "not tested", f"not measured: {', '.join(missing)}"
    elif verdict in ("holds", "holds in part") and null is not None and null.state == "there":
        verdict, reason = "cannot tell", f"the control confirmed it where there is nothing ({claim.null}); {reason}"
    elif verdict in ("does not hold here", "holds in part") and planted is not None and planted.state != "there":
        verdict, reason = "cannot tell", f"an effect that was put there was not found ({claim.planted}); {reason}"
    return Judged(claim, verdict, reason, own, null, planted)


def _of(claim: Claim, measured: Mapping[str, Estimate]) -> tuple[Verdict, str]:
    states = {name: measured[name].state for name in claim.asks if name in measured}
    asked = (*claim.some, *claim.holds)
    there = [name for name in asked if states.get(name) == "there"]
    absent = [name for name in asked if states.get(name) == "not there"]
    open_ = [name for name in asked if name not in there and name not in absent]
    said = "; ".join(
        f"{what}: {', '.join(names)}"
        for what, names in (("there", there), ("not there", absent), ("open", open_))
        if names
    )
    enough = sum(name in there for name in claim.some) >= claim.enough
    too_few = len(claim.some) - sum(name in absent for name in claim.some) < claim.enough
    if enough and all(name in there for name in claim.holds):
        return "holds", said
    lost = too_few or any(name in absent for name in claim.holds)
    if lost and claim.in_part and all(states.get(name) == "there" for name in claim.in_part):
        return "holds in part", said
    return ("does not hold here" if lost else "cannot tell"), said
