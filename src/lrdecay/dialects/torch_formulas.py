"""torch's schedulers as torch computes them: what a plain ``step()`` makes of the present rate, and a closed form.

These are ``get_lr`` and ``_get_closed_form_lr`` of torch 2.13 for one parameter group; `torch_recursions` runs them.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, final

from attrs import define

from lrdecay.dialects.torch_cycles import cyclic_rate, one_cycle_phases, one_cycle_rate, restarts_rate, scaling

__all__ = ["FORMULAS", "Arguments", "Group", "One", "one_cycle_length"]

Group = dict[str, float]
Arguments = dict[str, Any]


@final
@define
class One:
    """A scheduler that is not made of others: a counter t and two formulas, one for a plain step, one for a restart."""

    group: Group
    base: float
    formula: Callable[[One], float]
    closed: Callable[[One], float]
    t: int = -1
    calls: int = 0
    initial: bool = False

    @property
    def lr(self) -> float:
        """The rate that all schedulers of the group share."""
        return self.group["lr"]

    def begin(self) -> None:
        """What torch calls ``_initial_step``."""
        self.calls, self.initial = 0, True
        self.step()
        self.initial = False

    def step(self) -> None:
        """A plain ``step()``."""
        self.calls += 1
        self.t += 1
        self.group["lr"] = self.formula(self)

    def restart(self) -> None:
        """What torch calls ``_update_lr(0)``, at a milestone."""
        self.t = 0
        self.group["lr"] = self.closed(self)

    def undo(self) -> None:
        """Take back the constructor's step."""
        self.t -= 1


def one_cycle_length(a: Arguments) -> int:
    """The updates of a OneCycleLR."""
    return int(a["epochs"] * a["steps_per_epoch"] if a["total_steps"] is None else a["total_steps"])


Formula = Callable[[One], float]
Formulas = tuple[Formula, Formula]


def _step(a: Arguments) -> Formulas:
    every, g = a["step_size"], a["gamma"]
    return lambda s: s.lr if s.t == 0 or s.t % every else s.lr * g, lambda s: s.base * g ** (s.t // every)


def _multi_step(a: Arguments) -> Formulas:
    counts: Counter[int] = Counter(a["milestones"])
    g = a["gamma"]
    at = sorted(counts.elements())
    return lambda s: s.lr * g ** counts[s.t] if s.t in counts else s.lr, lambda s: s.base * g ** bisect_right(at, s.t)


def _constant(a: Arguments) -> Formulas:
    f, n = a["factor"], a["total_iters"]
    return (
        lambda s: s.lr * f if s.t == 0 else s.lr * (1.0 / f) if s.t == n else s.lr,
        lambda s: s.base * (f + (s.t >= n) * (1 - f)),
    )


def _linear(a: Arguments) -> Formulas:
    f, d, n = a["start_factor"], a["end_factor"] - a["start_factor"], a["total_iters"]

    def formula(s: One) -> float:
        if s.t == 0:
            return float(s.lr * f)
        return s.lr if s.initial or s.t > n else float(s.lr * (1.0 + d / (n * f + (s.t - 1) * d)))

    return formula, lambda s: s.base * (f + d * min(n, s.t) / n)


def _exponential(a: Arguments) -> Formulas:
    return lambda s: s.lr if s.initial else s.lr * a["gamma"], lambda s: s.base * a["gamma"] ** s.t


def _polynomial(a: Arguments) -> Formulas:
    n, p = a["total_iters"], a["power"]

    def formula(s: One) -> float:
        return s.lr if s.initial or s.t > n else float(s.lr * ((1.0 - s.t / n) / (1.0 - (s.t - 1) / n)) ** p)

    return formula, lambda s: s.base * (1.0 - min(n, s.t) / n) ** p


def _cosine(a: Arguments) -> Formulas:
    n, floor = a["T_max"], a["eta_min"]

    def closed(s: One) -> float:
        return float(floor + (s.base - floor) * (1 + math.cos(math.pi * s.t / n)) / 2)

    def formula(s: One) -> float:
        if s.initial:
            return s.lr
        if s.calls == 1 and s.t > 0:
            return closed(s)
        if (s.t - 1 - n) % (2 * n) == 0:
            return float(s.lr + (s.base - floor) * (1 - math.cos(math.pi / n)) / 2)
        ratio = (1 + math.cos(math.pi * s.t / n)) / (1 + math.cos(math.pi * (s.t - 1) / n))
        return float(ratio * (s.lr - floor) + floor)

    return formula, closed


def _swa(a: Arguments) -> Formulas:
    n = a["anneal_epochs"]

    def weight(step: int) -> float:
        u = max(0, min(1, step / max(1, n)))
        return u if a["anneal_strategy"] == "linear" else (1 - math.cos(math.pi * u)) / 2

    def formula(s: One) -> float:
        step = max(1, s.calls - 1) if n == 0 else s.calls - 1
        target, before, now = s.group["swa_lr"], weight(step - 1), weight(step)
        start = target if before == 1 else (s.lr - before * target) / (1 - before)
        return float(target * now + start * (1 - now))

    return formula, formula


def _multiplicative(a: Arguments) -> Formulas:
    def formula(s: One) -> float:
        return s.lr if s.initial else s.lr * float(a["lr_lambda"](s.t))

    return formula, formula


def _lambda(a: Arguments) -> Formulas:
    def formula(s: One) -> float:
        return s.base * float(a["lr_lambda"](s.t))

    return formula, formula


def _cyclic(a: Arguments) -> Formulas:
    up = float(a["step_size_up"])
    down = up if a["step_size_down"] is None else float(a["step_size_down"])
    told = scaling(a["mode"], a["gamma"], a["scale_fn"], a["scale_mode"])
    rate = partial(cyclic_rate, high=a["max_lr"], up=up, down=down, **told)
    return lambda s: rate(s.t, low=s.base), lambda s: rate(s.t, low=s.base)


def _restarts(a: Arguments) -> Formulas:
    rate = partial(restarts_rate, first=a["T_0"], growth=a["T_mult"], floor=a["eta_min"])
    return lambda s: rate(s.t, lr=s.base), lambda s: rate(s.t, lr=s.base)


def _one_cycle(a: Arguments) -> Formulas:
    total = one_cycle_length(a)
    phases = one_cycle_phases(total, a["pct_start"], a["three_phase"])
    names = ("initial_lr", "max_lr", *(["initial_lr"] if a["three_phase"] else []), "min_lr")

    def formula(s: One) -> float:
        if s.t > total:
            raise ValueError
        return one_cycle_rate(s.t, tuple(s.group[n] for n in names), phases, a["anneal_strategy"] == "linear")

    return formula, formula


FORMULAS: dict[str, Callable[[Arguments], Formulas]] = {
    "StepLR": _step,
    "MultiStepLR": _multi_step,
    "ConstantLR": _constant,
    "LinearLR": _linear,
    "ExponentialLR": _exponential,
    "PolynomialLR": _polynomial,
    "CosineAnnealingLR": _cosine,
    "SWALR": _swa,
    "MultiplicativeLR": _multiplicative,
    "LambdaLR": _lambda,
    "CyclicLR": _cyclic,
    "CosineAnnealingWarmRestarts": _restarts,
    "OneCycleLR": _one_cycle,
}
