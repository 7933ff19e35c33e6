"""The parameter groups' multipliers: update t of group i is made at f(t) * m_i.

m_i is what ``attach(..., multipliers=...)`` states; else what the group carries as ``group["lr_scale"]``, the key that
timm's users know; else the group's rate over the *reference*, the largest rate of any group at the first attach. It is
then kept in ``group["lr_scale"]`` and never worked out again. The reference is unknown where the groups came with
multipliers: then a group added later must bring its own.

A rate may be a tensor, and one tensor may be the rate of several groups; those can only have one multiplier.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

import torch

from lrdecay.errors import InputError, non_negative, refusal

__all__ = ["carried_multipliers", "checked_multipliers", "first_multipliers", "keep_multipliers", "with_later_groups"]

_SCALE = "lr_scale"

Groups = Sequence[dict[str, Any]]
"""``optimizer.param_groups``."""


def first_multipliers(groups: Groups, stated: object) -> tuple[list[float], float | None]:
    """One multiplier per group, and the reference; None where it is unknown.

    Raises:
        InputError: no group holds parameters, a rate or a multiplier is unusable, only some groups carry a multiplier,
            or all rates are zero and no multipliers are stated.
    """
    if not any(group["params"] for group in groups):
        msg = refusal("attach(optimizer)", "must hold parameters", f"{len(groups)} groups without any")
        raise InputError(msg)
    rates = [_rate_of(group) for group in groups]
    carried = [_scale_of(group) for group in groups if _SCALE in group]
    reference = None if carried or not any(rates) else max(rates)
    if stated is not None:
        return checked_multipliers("attach(multipliers=...)", stated, len(groups)), reference
    if reference is not None:
        return [rate / reference for rate in rates], reference
    if not carried:
        cure = "Build the optimizer with the ratios you want, or pass multipliers=[...]."
        msg = refusal("attach(optimizer)", "must have a group whose rate is not zero", rates, cure)
        raise InputError(msg)
    if len(carried) < len(groups):
        cure = "Say one per group with multipliers=[...]."
        msg = refusal("attach(optimizer)", f"must carry {_SCALE} in every group or in none", carried, cure)
        raise InputError(msg)
    return carried, None


def with_later_groups(groups: Groups, known: list[float], reference: float | None) -> list[float]:
    """``known``, which are those of the first groups, and one multiplier for each group after them.

    Raises:
        InputError: a group has no multiplier of its own, and nothing says what its rate is a share of.
    """
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
            cure = 'Add it as {"params": ..., "lr_scale": 1.0}: its share of the schedule\'s rate.'
            msg = refusal("add_param_group(...)", f"must bring {_SCALE} to this optimizer", sorted(group), cure)
            raise InputError(msg)
    return multipliers


def carried_multipliers(groups: Groups, otherwise: Sequence[float]) -> list[float]:
    """What the groups carry; ``otherwise[i]`` for a group that carries none."""
    return [_scale_of(group) if _SCALE in group else own for group, own in zip(groups, otherwise, strict=True)]


def checked_multipliers(call: str, given: object, groups: int, cure: str = "") -> list[float]:
    """What was given, as floats, if it is one number >= 0 for each of so many groups; else `InputError`."""
    if not isinstance(given, list | tuple) or len(given) != groups:
        msg = refusal(call, f"must be a list of {groups} numbers, one per group", given, cure)
        raise InputError(msg)
    for multiplier in given:
        non_negative.check(call, multiplier)
    return [float(multiplier) for multiplier in given]


def keep_multipliers(groups: Groups, multipliers: Sequence[float]) -> None:
    """Write the multipliers into the groups, as ``lr_scale``.

    Raises:
        InputError: groups with one tensor for a rate would have different multipliers. Nothing was written.
    """
    seen: dict[int, float] = {}
    for group, multiplier in zip(groups, multipliers, strict=True):
        if torch.is_tensor(group["lr"]) and seen.setdefault(id(group["lr"]), multiplier) != multiplier:
            cure = "Give each group its own tensor, or build the optimizer with a float."
            msg = refusal("attach(optimizer)", "must not share one tensor rate between multipliers", multipliers, cure)
            raise InputError(msg)
    for group, multiplier in zip(groups, multipliers, strict=True):
        group[_SCALE] = multiplier


def _rate_of(group: Mapping[str, Any]) -> float:
    if not isinstance(group.get("lr"), Real | torch.Tensor):
        msg = refusal("attach(optimizer)", 'must have a rate in group["lr"]', group.get("lr"))
        raise InputError(msg)
    rate = float(group["lr"])
    non_negative.check('group["lr"]', rate)
    return rate


def _scale_of(group: Mapping[str, Any]) -> float:
    non_negative.check(f'group["{_SCALE}"]', group[_SCALE])
    return float(group[_SCALE])
