"""What a cooldown that begins now would reach, without a law: from the loss of averaged weights along the trunk.

Averaging the weights of a run at a constant rate takes out the noise that a decay takes out (Izmailov et al., Averaging
Weights Leads to Wider Optima and Better Generalization, 2018, arXiv:1803.05407), and so the averaged model, which costs
no training, stands near what a cooldown would reach (Sanyal et al., Early Weight Averaging meets High Learning Rates
for LLM Pre-training, 2023, arXiv:2306.03241; Hägele et al., Scaling Laws and Compute-Optimal Training Beyond Fixed
Training Durations, 2024, arXiv:2405.18392, who find the average a little worse than the cooldown). A cooldown also goes
on learning: linear to zero over a share c of the t updates so far, its rates sum to those of c t / 2 updates. So with A
the averaged loss and b its slope against ln t, a least-squares line over the last half of the updates,

    loss = A(t) + b ln(1 + c / 2)

The average is running, with a window of 5% of the updates so far: "polynomial(19)" of the torch adapter's averages.
Half the width of the 90% interval is, with P the loss of the weights themselves,

    max(0.5, 1.14 √c) hypot(P(t) - loss, sd of P about its line)

P(t) on its line. So y is about half of the gain up to c = 20%, and 72% of it for 40%. The window, the 2 and the
half-width are measured, by `python -m bench.averaged_forecast`: small models on four data sets, 200 to 1,600 updates,
lengths of 10 to 40%, nine looks in the last half of the updates. Set on three of these data sets, the interval holds
91% of the cooldowns on the fourth, 82% on the worst of them. What is off is not the same from one cooldown to the next:
moving the estimate by how far it was off at an earlier real cooldown made it worse. So known cooldowns only change the
width, by

    k = sqrt((4 + Σ (1.645 off/half)²) / (4 + n))

Nothing is known of rates that changed, other shapes, or lengths outside 10 to 40%.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from attrs import field, frozen

from lrdecay.errors import Constraint, InputError, refusal
from lrdecay.losslaws.curve import FloatArray, IntArray

__all__ = ["AVERAGE", "LENGTHS", "STEEPNESS", "AveragedTrunk", "Cooled", "CooldownEstimate", "check_share"]

STEEPNESS = 19
"""γ of the average, w_avg <- w_avg + (γ+1)/(n+γ) (w - w_avg) after the n-th update: its window is 1/(γ+1) of them."""

AVERAGE = f"polynomial({STEEPNESS})"
"""Its name among the averages of a task."""

LENGTHS = (0.1, 0.4)
"""Shortest and longest cooldown that was measured, as shares of the updates before it."""

FEWEST = 4
"""Looks in the last half of the updates, at least; a line has two parameters and its residuals need two more."""

HALF = 1.14
"""Of the 90% interval, for a cooldown as long as the trunk; it goes with the root of the length."""

LEAST = 0.5
"""Of it, for short ones."""

_Z = 1.6449  # of 90%
_WEIGHT = 4.0  # of what was measured here, in cooldowns of one's own
_share = Constraint(
    f"must be a share of the updates so far from {LENGTHS[0]} to {LENGTHS[1]}",
    lambda v: isinstance(v, int | float) and LENGTHS[0] - 1e-9 <= v <= LENGTHS[1] + 1e-9,
    "Nothing else was measured.",
)


def check_share(call: str, share: float) -> None:
    """Refuse a length of a cooldown of which nothing is known.

    Raises:
        InputError: it is outside `LENGTHS`.
    """
    _share.check(call, share)


@frozen
class Cooled:
    """A real cooldown from the trunk, linear to zero.

    Attributes:
        step: updates made when it began.
        share: its length, as a share of these.
        loss: where it ended, held out, of the weights themselves.
    """

    step: int
    share: float
    loss: float


@frozen
class CooldownEstimate:
    """What a cooldown that begins now would reach.

    Attributes:
        loss: held out, at its end.
        low: of the 90% interval.
        high: of it.
        step: updates made by now.
        share: length of the cooldown, as a share of these.
        now: the loss of the weights themselves, on its line.
        rising: whether the averaged loss rises with the updates: training longer makes it worse. No run that was
            measured did.
    """

    loss: float
    low: float
    high: float
    step: int
    share: float
    now: float
    rising: bool

    def __str__(self) -> str:
        half = (self.high - self.low) / 2
        places = int(np.clip(-np.floor(np.log10(half)), 0, 6)) if half > 0 else 6
        low, loss, high = (f"{v:.{places}f}" for v in (self.low, self.loss, self.high))
        return f"a cooldown of {self.share:.0%} now would give about {loss} ({low} to {high})"


def _half(share: float) -> float:
    return float(max(LEAST, HALF * np.sqrt(share)))


def _whole(values: Sequence[int] | IntArray) -> IntArray:
    return np.asarray(values, dtype=np.int64)


def _real(values: Sequence[float] | FloatArray) -> FloatArray:
    return np.asarray(values, dtype=np.float64)


@frozen(eq=False)
class AveragedTrunk:
    """The losses of a run at a constant rate, of its weights and of their average.

    Attributes:
        steps: updates made before each look, shape (n,), rising, from 1 on.
        averaged: held-out loss of the averaged weights (`AVERAGE`), shape (n,).
        plain: the same of the weights themselves.

    Raises:
        InputError: the shapes differ, the steps do not rise, or a loss is not finite.
    """

    steps: IntArray = field(converter=_whole, repr=False)
    averaged: FloatArray = field(converter=_real, repr=False)
    plain: FloatArray = field(converter=_real, repr=False)

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot be read."""
        for name, losses in (("averaged", self.averaged), ("plain", self.plain)):
            if losses.shape != self.steps.shape or losses.ndim != 1:
                rule = f"must be a loss for each of the {len(self.steps)} steps"
                raise InputError(refusal(f"AveragedTrunk({name}=...)", rule, f"shape {losses.shape}"))
            if not np.isfinite(losses).all():
                i = int(np.flatnonzero(~np.isfinite(losses))[0])
                rule = f"must be finite, and is not at step {self.steps[i]}"
                raise InputError(refusal(f"AveragedTrunk({name}=...)", rule, float(losses[i])))
        if (np.diff(self.steps) <= 0).any() or (self.steps < 1).any():
            raise InputError(refusal("AveragedTrunk(steps=...)", "must rise, from 1 on", self.steps))

    def estimate(self, share: float = 0.2, *, at: int | None = None, known: Sequence[Cooled] = ()) -> CooldownEstimate:
        """What a cooldown, linear to zero, would reach.

        Args:
            share: its length, of the updates so far, in `LENGTHS`.
            at: where it begins, one of the steps; None: at the last.
            known: real cooldowns from this trunk, begun no later; they change how sure the answer is, nothing else.

        Raises:
            InputError: the length is outside `LENGTHS`, there are fewer than `FEWEST` looks in the last half of the
                updates, or a cooldown begins where nobody looked or later.
        """
        check_share("estimate(share)", share)
        step = self._step("estimate(at=...)", at)
        loss, scale, now, slope = self._read(step, share)
        off = [self._off(cooled, step) for cooled in known]
        wider = float(np.sqrt((_WEIGHT + sum(z**2 for z in off)) / (_WEIGHT + len(off))))
        half = wider * _half(share) * scale
        return CooldownEstimate(loss, loss - half, loss + half, step, share, now, slope > 0)

    def _off(self, cooled: Cooled, step: int) -> float:
        """By how much the estimate missed a real cooldown, in standard deviations."""
        check_share("Cooled(share=...)", cooled.share)
        if self._step("Cooled(step=...)", cooled.step) > step:
            msg = refusal("estimate(known=...)", f"must have begun by step {step}", cooled.step)
            raise InputError(msg)
        loss, scale, _, _ = self._read(cooled.step, cooled.share)
        return _Z * (cooled.loss - loss) / (_half(cooled.share) * scale)

    def _step(self, call: str, at: int | None) -> int:
        if at is not None and at not in self.steps:
            raise InputError(refusal(call, "must be a step at which both losses were measured", at))
        if not len(self.steps):
            raise InputError(refusal(call, "must be asked of a trunk with looks", "none"))
        return int(self.steps[-1] if at is None else at)

    def _read(self, step: int, share: float) -> tuple[float, float, float, float]:
        """The estimate, the scale of its error, the loss now and the slope."""
        felt = (self.steps >= step / 2) & (self.steps <= step)
        if felt.sum() < FEWEST:
            rule = f"must have {FEWEST} looks or more from step {step // 2} to {step}"
            raise InputError(refusal("estimate(at=...)", rule, int(felt.sum()), "Look more often, or later."))
        x = np.log(self.steps[felt] / step)
        slope = float(np.polyfit(x, self.averaged[felt], 1)[0])
        gain, now = np.polyfit(x, self.plain[felt], 1)
        noise = float(np.sqrt(np.sum((self.plain[felt] - now - gain * x) ** 2) / (felt.sum() - 2)))
        loss = float(self.averaged[felt][-1]) + slope * float(np.log1p(share / 2))
        scale = max(float(np.hypot(now - loss, noise)), 1e-9 * abs(loss))
        return loss, scale, float(now), slope
