"""The plateau rules of torch, Keras and optax, with their own arguments, defaults and behaviour, oddities included.

    torch_plateau    torch.optim.lr_scheduler.ReduceLROnPlateau, torch 2.13
    keras_plateau    keras.callbacks.ReduceLROnPlateau, Keras 3.15
    optax_plateau    optax.contrib.reduce_on_plateau, optax 0.2.8

For moving a run over without a change. What they do that one may not expect:

- torch's relative threshold asks of a negative metric a value worse than the best, so that nothing ever counts as bad;
- the first value of Keras is its best even if it is nan, and then nothing is ever better;
- Keras compares in float32; it drops at the ``patience``-th bad observation, torch at the one after;
- optax drops where the count of bad observations *equals* ``patience``: with 0 at each that is good;
- torch and Keras leave the rate at ``min_lr``; the bound is on the rate and not on the multiplier, and it is looked at
  when there is a drop, so that a schedule that falls goes below it.

Best values that are not finite are kept in the state as text, which `float` reads.
"""

from __future__ import annotations

import math
from typing import Any, final

import numpy as np
from attrs import field

from lrdecay.errors import Constraint, argument, non_negative, non_negative_int, one_of, positive, positive_int
from lrdecay.feedback.rule import Decision, Observation, Rule, State, every_field, goal, metric_field, rule

__all__ = ["keras_plateau", "optax_plateau", "torch_plateau"]

_below_one = Constraint("must be a number above 0 and below 1", lambda v: positive.holds(v) and v < 1)
_share = Constraint("must be in [0, 1]", lambda v: non_negative.holds(v) and v <= 1)


def _kept(best: float) -> float | str:
    """A best value as JSON holds it."""
    return best if math.isfinite(best) else str(best)


def _lowered(seen: Observation, multiplier: float, factor: float, low: float) -> float:
    """The multiplier for which the rate is max(factor times the rate, low)."""
    wanted = seen.rate * factor
    return multiplier * factor if wanted >= low else multiplier * (low / seen.rate)


@final
@rule
class torch_plateau(Rule):  # noqa: N801
    """Torch's ReduceLROnPlateau; arguments as there, with one ``min_lr``.

    Attributes:
        mode: "min" or "max".
        factor: in (0, 1).
        patience: bad observations that are tolerated, >= 0.
        threshold: >= 0.
        threshold_mode: "rel": good is y < y* (1 - threshold), for "max" y > y* (1 + threshold); "abs": y* ∓ threshold.
        cooldown: observations after a drop in which bad ones are not counted.
        min_lr: the rate is not lowered below it.
        eps: a rate that would change by no more is left alone.
        metric: what is watched.
        every: how often it looks; None: at each observation.
    """

    mode: str = field(default="min", validator=argument(goal))
    factor: float = field(default=0.1, validator=argument(_below_one))
    patience: int = field(default=10, validator=argument(non_negative_int))
    threshold: float = field(default=1e-4, validator=argument(non_negative))
    threshold_mode: str = field(default="rel", validator=argument(one_of(("rel", "abs"))))
    cooldown: int = field(default=0, validator=argument(non_negative_int))
    min_lr: float = field(default=0.0, validator=argument(non_negative))
    eps: float = field(default=1e-8, validator=argument(non_negative))
    metric: str = metric_field(default="loss")
    every: Any = every_field(default=None)

    @property
    def needs(self) -> frozenset[str]:
        """The metric."""
        return frozenset({self.metric})

    def begin(self) -> State:
        """The best, bad observations in a row, and what is left of the cooldown."""
        return {"best": "inf" if self.mode == "min" else "-inf", "bad": 0, "cooldown": 0}

    def decide(self, seen: Observation, own: State, multiplier: float) -> Decision:
        """Count; the cooldown is counted down after the comparison, and forgets what was bad."""
        new, best = float(seen.values[self.metric]), float(own["best"])
        good = self._good(new, best)
        resting = own["cooldown"] > 0
        bad = 0 if good or resting else own["bad"] + 1
        kept = {"best": _kept(new if good else best), "bad": bad, "cooldown": own["cooldown"] - resting}
        if bad <= self.patience:
            return Decision(multiplier, kept)
        kept |= {"bad": 0, "cooldown": self.cooldown}
        if seen.rate - max(seen.rate * self.factor, self.min_lr) <= self.eps:
            return Decision(multiplier, kept)
        lower = _lowered(seen, multiplier, self.factor, self.min_lr)
        return Decision(lower, kept, f"{self.metric} was no better than {best:.6g} for {bad} observations")

    def _good(self, new: float, best: float) -> bool:
        if self.mode == "min":
            return new < (best * (1.0 - self.threshold) if self.threshold_mode == "rel" else best - self.threshold)
        return new > (best * (self.threshold + 1.0) if self.threshold_mode == "rel" else best + self.threshold)


@final
@rule
class keras_plateau(Rule):  # noqa: N801
    """Keras' ReduceLROnPlateau; arguments as there, ``monitor`` called ``metric`` and ``mode`` stated.

    Attributes:
        metric: what is watched.
        factor: in (0, 1).
        patience: the bad observation at which it drops; 0 is as 1.
        mode: "min" or "max"; Keras' "auto" is not known here.
        min_delta: good is y < y* - min_delta, for "max" y > y* + min_delta.
        cooldown: observations after a drop in which bad ones are not counted; one less, as Keras counts down first.
        min_lr: the rate is not lowered below it.
        every: how often it looks; None: at each observation.
    """

    metric: str = metric_field(default="loss")
    factor: float = field(default=0.1, validator=argument(_below_one))
    patience: int = field(default=10, validator=argument(non_negative_int))
    mode: str = field(default="min", validator=argument(goal))
    min_delta: float = field(default=1e-4, validator=argument(non_negative))
    cooldown: int = field(default=0, validator=argument(non_negative_int))
    min_lr: float = field(default=0.0, validator=argument(non_negative))
    every: Any = every_field(default=None)

    @property
    def needs(self) -> frozenset[str]:
        """The metric."""
        return frozenset({self.metric})

    def begin(self) -> State:
        """The best, bad observations in a row, and what is left of the cooldown."""
        return {"best": None, "bad": 0, "cooldown": 0}

    def decide(self, seen: Observation, own: State, multiplier: float) -> Decision:
        """Count; the cooldown is counted down before the comparison; at ``min_lr`` the count goes on."""
        new = float(seen.values[self.metric])
        resting = own["cooldown"] > 0
        left = own["cooldown"] - resting
        bad = 0 if resting else own["bad"]
        if own["best"] is None or self._good(new, float(own["best"])):
            return Decision(multiplier, {"best": _kept(new), "bad": 0, "cooldown": left})
        bad += left == 0
        kept = {**own, "bad": bad, "cooldown": left}
        if left or bad < self.patience or np.float32(seen.rate) <= np.float32(self.min_lr):
            return Decision(multiplier, kept)
        lower = _lowered(seen, multiplier, self.factor, self.min_lr)
        kept |= {"bad": 0, "cooldown": self.cooldown}
        why = f"{self.metric} was no better than {float(own['best']):.6g} for {bad} observations"
        return Decision(lower, kept, why)

    def _good(self, new: float, best: float) -> bool:
        with np.errstate(over="ignore"):
            if self.mode == "min":
                return bool(np.float32(new + self.min_delta) < np.float32(best))
            return bool(np.float32(new - self.min_delta) > np.float32(best))


@final
@rule
class optax_plateau(Rule):  # noqa: N801
    """optax's reduce_on_plateau; arguments as there. It knows minimising only: watch the negative to maximise.

    Attributes:
        factor: in (0, 1).
        patience: the number of bad means at which it drops.
        rtol: in [0, 1]; good is y < (1 - rtol) y* - atol.
        atol: >= 0; one of the two is above 0.
        cooldown: means after a drop in which bad ones are not counted.
        accumulation_size: observations whose mean is compared, >= 1; a nan among them makes the mean one.
        min_scale: the multiplier is never below it, >= 0.
        metric: what is watched.
        every: how often it looks; None: at each observation.
    """

    factor: float = field(default=0.1, validator=argument(_below_one))
    patience: int = field(default=10, validator=argument(non_negative_int))
    rtol: float = field(default=1e-4, validator=argument(_share))
    atol: float = field(default=0.0, validator=argument(non_negative))
    cooldown: int = field(default=0, validator=argument(non_negative_int))
    accumulation_size: int = field(default=1, validator=argument(positive_int))
    min_scale: float = field(default=0.0, validator=argument(non_negative))
    metric: str = metric_field(default="loss")
    every: Any = every_field(default=None)

    def __attrs_post_init__(self) -> None:
        """One of the tolerances must be there."""
        positive.check("optax_plateau(rtol=..., atol=...)", max(self.rtol, self.atol))

    @property
    def needs(self) -> frozenset[str]:
        """The metric."""
        return frozenset({self.metric})

    def begin(self) -> State:
        """The best, bad means in a row, what is left of the cooldown, and the mean of so many observations."""
        return {"best": "inf", "bad": 0, "cooldown": 0, "mean": 0.0, "count": 0}

    def decide(self, seen: Observation, own: State, multiplier: float) -> Decision:
        """Collect, then count."""
        count = own["count"] + 1
        mean = (own["count"] * float(own["mean"]) + float(seen.values[self.metric])) / count
        if count != self.accumulation_size:
            return Decision(multiplier, {**own, "mean": _kept(mean), "count": count})
        best = float(own["best"])
        good = mean < (1 - self.rtol) * best - self.atol
        bad = 0 if good else own["bad"] + 1
        kept = {"best": _kept(mean if good else best), "bad": 0, "cooldown": 0, "mean": 0.0, "count": 0}
        if own["cooldown"] > 0:
            return Decision(multiplier, {**kept, "cooldown": own["cooldown"] - 1})
        if bad != self.patience:
            return Decision(max(multiplier, self.min_scale), {**kept, "bad": bad}, "the multiplier was below min_scale")
        lower = max(multiplier * self.factor, self.min_scale)
        why = f"{self.metric} was no better than {best:.6g} for {bad} means"
        return Decision(lower, {**kept, "cooldown": self.cooldown}, why)
