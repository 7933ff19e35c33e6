"""torch's own arithmetic for one parameter group, ``step()`` by ``step()``, without torch.

torch's ``SequentialLR`` and ``ChainedScheduler`` are not equations: their parts share one rate, which each of them reads,
changes and writes, and one ``initial_lr``, which ``OneCycleLR`` and ``CyclicLR`` overwrite. `torch_joined` needs what
comes out of that: to know where it is not what the parts mean, and to say it as it is.

A scheduler here is a counter t and two formulas, as in torch: ``formula`` for a plain step, ``closed`` for a restart.
"""

from __future__ import annotations

import inspect
import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, final

from attrs import define

from lrdecay.dialects.base import SAYINGS, Call
from lrdecay.dialects.torch_cycles import _scaling, cyclic_rate, one_cycle_phases, one_cycle_rate, restarts_rate
from lrdecay.errors import InputError, refusal

__all__ = ["CLOSED", "arguments", "one_cycle_length", "rates"]

Group = dict[str, float]
Arguments = dict[str, Any]

CLOSED = frozenset({"LambdaLR", "CyclicLR", "CosineAnnealingWarmRestarts", "OneCycleLR"})
"""These overwrite whatever rate they find."""


def rates(call: Call, lr: float, steps: int) -> list[float]:
    """The rates that torch would use at updates 0 to steps - 1 under this scheduler, the optimizer built with ``lr``.

    Raises:
        InputError: a part is not one of torch's schedulers, or torch itself would raise.
    """
    group = {"lr": lr}
    try:
        scheduler = _build(call, group)
        used = [group["lr"]]
        for _ in range(steps - 1):
            scheduler.step()
            used.append(group["lr"])
    except (ArithmeticError, NotImplementedError, ValueError) as problem:
        if isinstance(problem, InputError):
            raise
        cure = "Say what you mean with `+` and `join`."
        msg = refusal(f"torch.{call.name}(...)", "must run", f"{type(problem).__name__} from torch itself", cure)
        raise InputError(msg) from None
    return used


class _Scheduler(Protocol):
    def begin(self) -> None:
        """Torch's ``_initial_step``."""

    def step(self) -> None:
        """Torch's ``step``."""

    def restart(self) -> None:
        """Torch's ``_update_lr(0)``, at a milestone."""

    def undo(self) -> None:
        """Torch's ``recursive_undo``."""


@final
@define
class _One:
    """A scheduler that is not made of others."""

    group: Group
    base: float
    formula: Callable[[_One], float]
    closed: Callable[[_One], float]
    t: int = -1
    calls: int = 0
    initial: bool = False

    @property
    def lr(self) -> float:
        return self.group["lr"]

    def begin(self) -> None:
        self.calls, self.initial = 0, True
        self.step()
        self.initial = False

    def step(self) -> None:
        self.calls += 1
        self.t += 1
        self.group["lr"] = self.formula(self)

    def restart(self) -> None:
        self.t = 0
        self.group["lr"] = self.closed(self)

    def undo(self) -> None:
        self.t -= 1


@final
@define
class _Sequence:
    """SequentialLR."""

    group: Group
    parts: list[_Scheduler]
    edges: list[int]
    t: int = 0

    def __attrs_post_init__(self) -> None:
        self.group["lr"] = self.group["initial_lr"]
        self.undo()
        self.parts[bisect_right(self.edges, 0)].begin()

    def begin(self) -> None:
        self.step()

    def step(self) -> None:
        self.t += 1
        i = bisect_right(self.edges, self.t)
        if i > 0 and self.edges[i - 1] == self.t:
            self.parts[i].restart()
        else:
            self.parts[i].step()

    def restart(self) -> None:
        raise NotImplementedError

    def undo(self) -> None:
        for part in self.parts:
            part.undo()


@final
@define
class _Chain:
    """ChainedScheduler."""

    parts: list[_Scheduler]

    def begin(self) -> None:
        self.step()

    def step(self) -> None:
        for part in self.parts:
            part.step()

    def restart(self) -> None:
        raise NotImplementedError

    def undo(self) -> None:
        for part in self.parts:
            part.undo()


def _build(call: Call, group: Group) -> _Scheduler:
    """Construct it, with what its constructor does to the group; parts first, in the order they are written."""
    a = arguments(call)
    if call.name in ("SequentialLR", "ChainedScheduler"):
        parts = [_build(part, group) for part in a["schedulers"]]
        return _Sequence(group, parts, list(a["milestones"])) if call.name == "SequentialLR" else _Chain(parts)
    base = None
    if call.name == "CyclicLR":
        base = group["lr"] = a["base_lr"]
    if call.name == "SWALR":
        group["swa_lr"] = a["swa_lr"]
    if call.name == "OneCycleLR":
        group["initial_lr"], group["max_lr"] = a["max_lr"] / a["div_factor"], a["max_lr"]
        group["min_lr"] = group["initial_lr"] / a["final_div_factor"]
    group.setdefault("initial_lr", group["lr"])
    formula, closed = _FORMULAS[call.name](a)
    one = _One(group, group["initial_lr"], formula, closed)
    one.begin()
    if base is not None:
        one.base = base
    return one


def arguments(call: Call) -> Arguments:
    """By name, with defaults; the translators have the peer's signatures."""
    if call.library != "torch" or (
        call.name not in _FORMULAS and call.name not in ("SequentialLR", "ChainedScheduler")
    ):
        msg = refusal("schedulers=[...]", "must be schedulers of torch", f"{call.library}.{call.name}")
        raise InputError(msg)
    bound = inspect.signature(SAYINGS["torch", call.name].translator).bind(None, *call.positional, **call.named)
    bound.apply_defaults()
    return dict(bound.arguments)


Formula = Callable[[_One], float]
Formulas = tuple[Formula, Formula]


def _step(a: Arguments) -> Formulas:
    every, g = a["step_size"], a["gamma"]
    return lambda s: s.lr if s.t == 0 or s.t % every else s.lr * g, lambda s: s.base * g ** (s.t // every)


def _multi_step(a: Arguments) -> Formulas:
    counts, g = Counter(a["milestones"]), a["gamma"]
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

    def formula(s: _One) -> float:
        if s.t == 0:
            return s.lr * f
        return s.lr if s.initial or s.t > n else s.lr * (1.0 + d / (n * f + (s.t - 1) * d))

    return formula, lambda s: s.base * (f + d * min(n, s.t) / n)


def _exponential(a: Arguments) -> Formulas:
    return lambda s: s.lr if s.initial else s.lr * a["gamma"], lambda s: s.base * a["gamma"] ** s.t


def _polynomial(a: Arguments) -> Formulas:
    n, p = a["total_iters"], a["power"]

    def formula(s: _One) -> float:
        return s.lr if s.initial or s.t > n else s.lr * ((1.0 - s.t / n) / (1.0 - (s.t - 1) / n)) ** p

    return formula, lambda s: s.base * (1.0 - min(n, s.t) / n) ** p


def _cosine(a: Arguments) -> Formulas:
    n, floor = a["T_max"], a["eta_min"]

    def closed(s: _One) -> float:
        return floor + (s.base - floor) * (1 + math.cos(math.pi * s.t / n)) / 2

    def formula(s: _One) -> float:
        if s.initial:
            return s.lr
        if s.calls == 1 and s.t > 0:
            return closed(s)
        if (s.t - 1 - n) % (2 * n) == 0:
            return s.lr + (s.base - floor) * (1 - math.cos(math.pi / n)) / 2
        ratio = (1 + math.cos(math.pi * s.t / n)) / (1 + math.cos(math.pi * (s.t - 1) / n))
        return ratio * (s.lr - floor) + floor

    return formula, closed


def _swa(a: Arguments) -> Formulas:
    n = a["anneal_epochs"]

    def weight(step: int) -> float:
        u = max(0, min(1, step / max(1, n)))
        return u if a["anneal_strategy"] == "linear" else (1 - math.cos(math.pi * u)) / 2

    def formula(s: _One) -> float:
        step = max(1, s.calls - 1) if n == 0 else s.calls - 1
        target, before, now = s.group["swa_lr"], weight(step - 1), weight(step)
        start = target if before == 1 else (s.lr - before * target) / (1 - before)
        return float(target * now + start * (1 - now))

    return formula, formula


def _multiplicative(a: Arguments) -> Formulas:
    def formula(s: _One) -> float:
        return s.lr if s.initial else s.lr * float(a["lr_lambda"](s.t))

    return formula, formula


def _lambda(a: Arguments) -> Formulas:
    def formula(s: _One) -> float:
        return s.base * float(a["lr_lambda"](s.t))

    return formula, formula


def _cyclic(a: Arguments) -> Formulas:
    up = float(a["step_size_up"])
    down = up if a["step_size_down"] is None else float(a["step_size_down"])
    scaling = _scaling(a["mode"], a["gamma"], a["scale_fn"], a["scale_mode"])
    rate = partial(cyclic_rate, high=a["max_lr"], up=up, down=down, **scaling)
    return lambda s: rate(s.t, low=s.base), lambda s: rate(s.t, low=s.base)


def _restarts(a: Arguments) -> Formulas:
    rate = partial(restarts_rate, first=a["T_0"], growth=a["T_mult"], floor=a["eta_min"])
    return lambda s: rate(s.t, lr=s.base), lambda s: rate(s.t, lr=s.base)


def one_cycle_length(a: Arguments) -> int:
    """The updates of a OneCycleLR."""
    return int(a["epochs"] * a["steps_per_epoch"] if a["total_steps"] is None else a["total_steps"])


def _one_cycle(a: Arguments) -> Formulas:
    total = one_cycle_length(a)
    phases = one_cycle_phases(total, a["pct_start"], a["three_phase"])
    names = ("initial_lr", "max_lr", *(["initial_lr"] if a["three_phase"] else []), "min_lr")

    def formula(s: _One) -> float:
        if s.t > total:
            raise ValueError
        return one_cycle_rate(s.t, tuple(s.group[n] for n in names), phases, a["anneal_strategy"] == "linear")

    return formula, formula


_FORMULAS: dict[str, Callable[[Arguments], Formulas]] = {
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
