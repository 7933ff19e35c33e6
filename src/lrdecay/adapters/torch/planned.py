"""A plan under `attach`: what is written into an optimizer's groups besides the rate of a single schedule.

    lr             group["lr"] = lr(t) * group["lr_scale"], of the group's label
    momentum       group["momentum"]              SGD, RMSprop
    beta1, beta2   group["betas"] = (b1, b2)      Adam and its kin; what is not planned stays as it was
    weight_decay   group["weight_decay"]          the number that the plan gives out for optimizers which multiply by lr

A group says its label in ``group["plan"]``, as `lrdecay.adapters.torch.plan_groups` makes it; without one it is in the
default group. A batch size is not the optimizer's business: `lrdecay.adapters.torch.batches` follows that. Past the
end of the run, "hold" holds the values of the last update. A plan is written group by group: a few microseconds where
a schedule, which `lrdecay.adapters.torch.writers` writes, costs a fraction of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, final

import attrs
import numpy as np
import torch
from numpy.typing import NDArray

from lrdecay.adapters.torch.rate_table import RateTable
from lrdecay.errors import InputError, did_you_mean, one_of, refusal
from lrdecay.schedule import BoundPlan, Horizon, Plan
from lrdecay.schedule.bound import AFTER

__all__ = ["Planned", "planned_table"]

_LABEL = "plan"
_KEYS = {"momentum": "momentum", "beta1": "betas", "beta2": "betas", "weight_decay": "weight_decay"}
_INSTEAD = {
    "momentum": "Plan beta1 and beta2 for Adam and its kin.",
    "betas": "Plan momentum for SGD and its kin.",
    "weight_decay": "Leave weight_decay out of the plan.",
}

Group = dict[str, Any]


@final
class Planned:
    """The values of a bound plan for the groups of one optimizer, looked up by label and index into the run."""

    def __init__(self, bound: BoundPlan) -> None:
        self._bound = bound
        self._names = [name for name in bound.names if name in _KEYS]
        self._curves: dict[tuple[str, str], NDArray[np.float64]] = {}
        self._labels: list[str] = []  # as last written, for a loaded checkpoint that knows of none

    def check(self, groups: Sequence[Group], optimizer: str) -> None:
        """See that every group has what is planned and a label of the plan.

        Args:
            groups: those that are to be driven.
            optimizer: the name of its class, for the message.

        Raises:
            InputError: a group has no momentum, betas or weight decay to be written, or as a tensor; or its label is
                none of the plan's.
        """
        for group in groups:
            label = group.get(_LABEL, "")
            if label not in self._bound.groups:
                cure = did_you_mean(str(label), self._bound.groups)
                msg = refusal('group["plan"]', "must be a label of the plan", label, cure)
                raise InputError(msg)
            for name in self._names:
                key = _KEYS[name]
                if key not in group:
                    rule = f"must have {key} in every group, because the plan has {name}"
                    msg = refusal("attach(optimizer)", rule, optimizer, _INSTEAD[key])
                    raise InputError(msg)
                held = group[key] if isinstance(group[key], tuple | list) else (group[key],)
                if any(isinstance(value, torch.Tensor) for value in held):
                    msg = refusal("attach(optimizer)", f"must have {key} as plain numbers to be planned", held)
                    raise InputError(msg)

    def rates(self, groups: Sequence[Group], i: int) -> list[float]:
        """The planned rate of update i for each group, before its ``lr_scale``."""
        return [self._value("lr", group.get(_LABEL, ""), i) for group in groups]

    def write(self, groups: Sequence[Group], i: int) -> None:
        """Write what is planned for update i besides the rate."""
        for group in groups:
            label = group.get(_LABEL, "")
            for name in self._names:
                value = self._value(name, label, i)
                if name == "beta1":
                    group["betas"] = (value, *group["betas"][1:])
                elif name == "beta2":
                    group["betas"] = (group["betas"][0], value, *group["betas"][2:])
                else:
                    group[name] = value

    def remember(self, groups: Sequence[Group]) -> None:
        """Keep the labels of all groups."""
        self._labels = [group.get(_LABEL, "") for group in groups]

    def restore(self, groups: Sequence[Group]) -> None:
        """Put the labels back into groups that lost theirs to a checkpoint of the optimizer without any."""
        for group, label in zip(groups, self._labels, strict=False):
            if label:
                group.setdefault(_LABEL, label)

    def _value(self, name: str, label: str, i: int) -> float:
        if (name, label) not in self._curves:
            self._curves[name, label] = self._bound.values(name, label)
        value: float = self._curves[name, label].item(i)
        return value


def planned_table(
    plan: Plan | BoundPlan, horizon: object, after: str | None, rates: object
) -> tuple[RateTable, Planned]:
    """The rates of the default group as a table, and the rest, from the arguments of `attach`.

    How a function chooses the parameters of a group is left out of the notation that a checkpoint is compared by: the
    group's label is in it, and a function has no text.

    Raises:
        InputError: an argument does not fit, or the plan does not fit on the horizon.
    """
    if rates is not None:
        msg = refusal("attach(rates=...)", "must be left out for a plan, which has a table for each group", "a table")
        raise InputError(msg)
    if isinstance(plan, Plan):
        if not isinstance(horizon, Horizon):
            msg = refusal("attach(horizon)", "must say how long the run is", horizon, "Such as Horizon(steps=1000).")
            raise InputError(msg)
        plan = plan.bind(horizon)
    elif horizon is not None:
        msg = refusal("attach(horizon)", "must be left out for a bound plan, which has its own", horizon)
        raise InputError(msg)
    after = "hold" if after is None else after
    one_of(AFTER).check("attach(after=...)", after)
    named = [(label, attrs.evolve(group, where=None)) for label, group in plan.plan.groups]
    notation = repr(attrs.evolve(plan.plan, groups=tuple(named)))
    return RateTable(notation, plan.stated, plan.steps, after, plan.values("lr").tolist()), Planned(plan)
