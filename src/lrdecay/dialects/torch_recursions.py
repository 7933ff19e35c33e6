"""torch's own arithmetic for one parameter group, ``step()`` by ``step()``, without torch.

torch's ``SequentialLR`` and ``ChainedScheduler`` are not equations: their parts share one rate, which each of them
reads, changes and writes, and one ``initial_lr``, which ``OneCycleLR`` and ``CyclicLR`` overwrite. `torch_joined` needs
what comes out of that: to know where it is not what the parts mean, and to say it as it is.
"""

from __future__ import annotations

import inspect
from bisect import bisect_right
from typing import Protocol, final

from attrs import define

from lrdecay.dialects.base import SAYINGS, Call
from lrdecay.dialects.torch_formulas import FORMULAS, Arguments, Group, One
from lrdecay.errors import InputError, refusal

__all__ = ["CLOSED", "arguments", "rates"]

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
        """What torch calls ``_initial_step``."""

    def step(self) -> None:
        """A plain ``step()``."""

    def restart(self) -> None:
        """What torch calls ``_update_lr(0)``, at a milestone."""

    def undo(self) -> None:
        """Take back the constructor's step."""


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
    formula, closed = FORMULAS[call.name](a)
    one = One(group, group["initial_lr"], formula, closed)
    one.begin()
    if base is not None:
        one.base = base
    return one


def arguments(call: Call) -> Arguments:
    """By name, with defaults; the translators have the peer's signatures."""
    if call.library != "torch" or (call.name not in FORMULAS and call.name not in ("SequentialLR", "ChainedScheduler")):
        msg = refusal("schedulers=[...]", "must be schedulers of torch", f"{call.library}.{call.name}")
        raise InputError(msg)
    bound = inspect.signature(SAYINGS["torch", call.name].translator).bind(None, *call.positional, **call.named)
    bound.apply_defaults()
    return dict(bound.arguments)
