"""What a schedule is made of, read and rebuilt: the one walk that `peaks` and `rescale` share.

A node is a schedule or a prefix. Its fields hold numbers, durations, schedules, or tuples of these.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from attrs import Attribute, evolve, fields

from lrdecay.schedule.base import Prefix, Schedule

__all__ = ["leading", "mapped", "parts_of"]

Change = Callable[[Any, "Attribute[Any]", Any], Any]
"""change(node, field, value) -> the new value, for every value that is no node."""


def parts_of(node: Any) -> tuple[Any, ...]:
    """The schedules and prefixes that a node holds, in order."""
    held: list[Any] = []
    for a in fields(type(node)):
        value = getattr(node, a.name)
        held += [v for v in (value if isinstance(value, tuple) else (value,)) if isinstance(v, Schedule | Prefix)]
    return tuple(held)


def leading(node: Any) -> tuple[Any, ...]:
    """The parts whose rates are the node's own: all of them, or the first where the others only shape it.

    A node says the latter by ``first_leads``: the factors of a product, and the parts of a join that carries its value
    over, are read as multipliers.
    """
    parts = parts_of(node)
    return parts[:1] if getattr(node, "first_leads", False) else parts


def mapped(node: Any, change: Change, *, led: bool = False) -> Any:
    """The node with every value put through ``change``; with ``led``, parts that only shape it are left as they are.

    Raises:
        InputError: what comes out is no valid schedule.
    """
    moving = iter(range(len(leading(node)))) if led else itertools.count()  # one for each part that is not left alone
    changes: dict[str, Any] = {}

    def new(a: Attribute[Any], value: Any) -> Any:
        if isinstance(value, Schedule | Prefix):
            return value if next(moving, None) is None else mapped(value, change, led=led)
        return change(node, a, value)

    for a in fields(type(node)):
        value = getattr(node, a.name)
        changes[a.name] = tuple(new(a, v) for v in value) if isinstance(value, tuple) else new(a, value)
    return _rebuilt(node, {name: value for name, value in changes.items() if value != getattr(node, name)})


def _rebuilt(node: Any, changes: dict[str, Any]) -> Any:
    """A new node; parts that its constructor takes by position are given so."""
    if not changes:
        return node
    parts = next((a.name for a in fields(type(node)) if a.metadata.get("positional")), None)
    if parts is None:
        return evolve(node, **changes)
    given = {a.name: getattr(node, a.name) for a in fields(type(node))} | changes
    return type(node)(*given.pop(parts), **given)
