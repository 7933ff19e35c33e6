"""Which parameters belong to which label of a plan: by name, by predicate and by depth. Knows no framework.

Each parameter is taken by the first group that matches it, or by the default, and with `Layers` by its layer too.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from lrdecay.errors import InputError, refusal
from lrdecay.schedule.plan_layers import Layers
from lrdecay.schedule.plans import Plan, layer_label

__all__ = ["select"]


def select(plan: Plan, named: Iterable[tuple[str, Any]]) -> dict[str, list[tuple[str, Any]]]:
    """The parameters of each label, in the order of the plan's labels; labels without any are left out.

    Args:
        plan: its groups are tried in order.
        named: the name and the parameter, each parameter once.

    Raises:
        InputError: a pattern matches no name, a group is left without parameters because earlier ones take them all,
            or the names do not have as many layers as the plan says.
    """
    parameters = list(named)
    names = [name for name, _ in parameters]
    if plan.layers is not None:
        _check_layers(plan.layers, names)
    found: dict[str, list[tuple[str, Any]]] = {label: [] for label in plan.labels}
    taken = {label: 0 for label, _ in plan.groups}
    for name, parameter in parameters:
        label = next((label for label, g in plan.groups if g.takes(label, name, parameter)), "")
        if label:
            taken[label] += 1
        if plan.layers is not None:
            label = layer_label(label, plan.layers.layer_of(name))
        found[label].append((name, parameter))
    for label, g in plan.groups:
        for pattern in () if g.where is not None else g.match or (label,):
            if not any(fnmatchcase(name, pattern) for name in names):
                rule = "must match the name of a parameter"
                msg = refusal("group(match=...)", rule, pattern, _nearest(pattern, names))
                raise InputError(msg)
        if not taken[label]:
            rule = "must hold a parameter that no earlier group takes"
            msg = refusal("plan(groups=...)", rule, label, "Put the narrower groups first.")
            raise InputError(msg)
    return {label: held for label, held in found.items() if held}


def _check_layers(layers: Layers, names: list[str]) -> None:
    depths = [layers.layer_of(name) for name in names]
    blocks = max((d for d in depths if d <= layers.layers), default=0)
    if blocks != layers.layers:
        rule = f"must be {blocks}, the blocks found in the names of the parameters"
        cure = "Say what the list of blocks is called: stack=..." if blocks == 0 else ""
        msg = refusal(f"{type(layers).__name__.lower()}(layers=...)", rule, layers.layers, cure)
        raise InputError(msg)


def _nearest(pattern: str, names: list[str]) -> str:
    near = difflib.get_close_matches(pattern.replace("*", ""), names, n=1, cutoff=0.4)
    return f"Did you mean `{near[0]}`?" if near else f"Such as {', '.join(names[:3])}."
