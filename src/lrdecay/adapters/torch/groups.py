"""An optimizer's parameter groups under a schedule: update t of group i is made at f(t) * m_i.

A schedule has one f for all groups, a plan one for each label.

The multiplier m_i is what ``attach(..., multipliers=...)`` states; else what the group carries as
``group["lr_scale"]``, the key that timm's users know; else the group's rate over the *reference*, the largest rate of
any group at the first attach. It is then kept in ``group["lr_scale"]`` and never worked out again. Where the first
groups came with ``lr_scale``, the reference is unknown, and a group added later must bring its own.

Whether a group's rate is a tensor is looked at when the group is first seen and after loading. Groups that share one
tensor have one multiplier.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import torch
from torch.optim import Optimizer

from lrdecay.errors import InputError, RunError, non_negative, refusal

__all__ = ["DrivenGroups", "checked_multipliers"]

_SCALE = "lr_scale"

Group = dict[str, Any]


class DrivenGroups:
    """The groups of one optimizer with their multipliers. Making it reads the groups; `take` is the first to write.

    Attributes:
        multipliers: one number >= 0 per group; none after `release`.
        reference: the rate > 0 that a later group's is a share of; None where it is unknown.

    Raises:
        InputError: no group holds parameters, a rate or a multiplier is unusable, some groups have a multiplier and
            some have none, or all rates are zero and no multipliers are stated.
    """

    def __init__(self, optimizer: Optimizer, stated: object, earlier: DrivenGroups | None) -> None:
        groups = optimizer.param_groups
        if not any(group["params"] for group in groups):
            msg = refusal("attach(optimizer)", "must hold parameters", f"{len(groups)} groups without any")
            raise InputError(msg)
        rates = [_rate_of(group) for group in groups]
        known = any(_SCALE in group for group in groups)
        if stated is None and not known and not any(rates):
            cure = "Build the optimizer with the ratios you want, or pass multipliers=[...]."
            msg = refusal("attach(optimizer)", "must have a group whose rate is not zero", rates, cure)
            raise InputError(msg)
        self.reference = None if known or not any(rates) else max(rates)
        if earlier is not None:
            self.reference = earlier.reference
        self._optimizer, self._stated = optimizer, stated is not None
        if stated is None:
            self.multipliers = _extended([], groups, self.reference)
        else:
            self.multipliers = checked_multipliers("attach(multipliers=...)", stated, len(groups))

    def named(self) -> dict[str, Any]:
        """What must agree between a checkpoint and what is attached: multipliers that were stated."""
        return {"multipliers": self.multipliers} if self._stated else {}

    def carried(self) -> list[float]:
        """What the groups carry as ``lr_scale``; our multiplier where they carry none."""
        pairs = zip(self._optimizer.param_groups, self.multipliers, strict=True)
        return [_scale_of(group) if _SCALE in group else own for group, own in pairs]

    def take(self, multipliers: Sequence[float]) -> None:
        """Go over to these multipliers, one per group, and keep them in the groups.

        Raises:
            InputError: groups that share a tensor would have different ones. Nothing was changed.
        """
        groups, shared = self._optimizer.param_groups, dict[int, float]()
        for group, multiplier in zip(groups, multipliers, strict=True):
            rate = group["lr"]
            if torch.is_tensor(rate) and shared.setdefault(id(rate), multiplier) != multiplier:
                cure = "Give each group its own tensor, or build the optimizer with a float."
                rule = "must not share one tensor rate between multipliers"
                msg = refusal("attach(optimizer)", rule, multipliers, cure)
                raise InputError(msg)
        for group, multiplier in zip(groups, multipliers, strict=True):
            group[_SCALE] = multiplier
        self.multipliers = list(multipliers)

    def adopt(self, rates: Callable[[], Sequence[float]]) -> None:
        """Give the groups added since their multipliers, and write their rates; ``rates()`` is f(t) for every group.

        Raises:
            InputError: a group brings no usable rate or multiplier.
            RunError: these groups were released, or some were removed.
        """
        groups, known = self._optimizer.param_groups, len(self.multipliers)
        if known == 0:
            msg = "`AttachedScheduler` must be the one attached last, but a later attach() took this optimizer over."
            raise RunError(msg)
        if len(groups) < known:
            msg = refusal("AttachedScheduler", f"must find the {known} groups it drives", len(groups), "Attach again.")
            raise RunError(msg)
        if len(groups) > known:
            added = rates()
            self.take(_extended(self.multipliers, groups, self.reference))
            self.write(added, known)

    @torch.no_grad()
    def write(self, rates: Sequence[float], first: int = 0) -> None:
        """Write each rate times the multiplier into the groups from ``first`` on; a tensor is filled in place."""
        for group, value in list(zip(self._optimizer.param_groups, self.rates(rates), strict=True))[first:]:
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(value)
            else:
                group["lr"] = value

    def rates(self, rates: Sequence[float]) -> list[float | torch.Tensor]:
        """What `write` writes, one rate per group; floats, but torch's type says either."""
        return [rate * multiplier for rate, multiplier in zip(rates, self.multipliers, strict=True)]

    def release(self) -> None:
        """Drive them no more; `adopt` then says who does."""
        self.multipliers = []


def checked_multipliers(call: str, given: object, groups: int, cure: str = "") -> list[float]:
    """What was given, as floats, if it is one number >= 0 for each of so many groups; else `InputError`."""
    if not isinstance(given, list | tuple) or len(given) != groups:
        msg = refusal(call, f"must be a list of {groups} numbers, one per group", given, cure)
        raise InputError(msg)
    for multiplier in given:
        non_negative.check(call, multiplier)
    return [float(multiplier) for multiplier in given]


def _extended(known: list[float], groups: Sequence[Group], reference: float | None) -> list[float]:
    """``known``, which are the multipliers of the first groups, and one for each group after them."""
    multipliers = list(known)
    for group in groups[len(known) :]:
        rate = group["lr"]
        shared = [m for g, m in zip(groups, multipliers, strict=False) if g["lr"] is rate and torch.is_tensor(rate)]
        if _SCALE in group:
            multipliers.append(_scale_of(group))
        elif shared:
            multipliers.append(shared[0])
        elif reference is not None:
            multipliers.append(_rate_of(group) / reference)
        else:
            cure = 'Add it as {"params": ..., "lr_scale": 1.0}, a share of the rate, or attach with multipliers=[...].'
            rule = f"must carry {_SCALE} in every group or in none"
            msg = refusal("optimizer.param_groups", rule, [g.get(_SCALE) for g in groups], cure)
            raise InputError(msg)
    return multipliers


def _rate_of(group: Group) -> float:
    if not isinstance(group.get("lr"), Real | torch.Tensor):
        msg = refusal("attach(optimizer)", 'must have a rate in group["lr"]', group.get("lr"))
        raise InputError(msg)
    rate = float(group["lr"])
    non_negative.check('group["lr"]', rate)
    return rate


def _scale_of(group: Group) -> float:
    non_negative.check(f'group["{_SCALE}"]', group[_SCALE])
    return float(group[_SCALE])
