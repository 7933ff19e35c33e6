"""Groups of parameters with values of their own, chosen by name or by predicate; by depth, see `plan_layers`.

    group(scale=10)                     the rate of these parameters is 10 times the plan's
    group(weight_decay=0)               no weight decay
    group(frozen_until="10ep")          rate 0 until then

A group chooses by its patterns (`fnmatch`: ``*``, ``?``, ``[...]``, case counts), which are its label where none are
given, or by ``where``, a function of a parameter's name and the parameter. The first group that matches wins.
"""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any, final

from attrs import field, frozen

from lrdecay.errors import (
    InputError,
    argument,
    non_negative,
    refusal,
)
from lrdecay.schedule.base import number
from lrdecay.schedule.duration import Duration, duration
from lrdecay.schedule.plan_values import Value, value

__all__ = ["Group", "as_json", "given_of", "group", "quoted", "texts"]

_OWN = ("lr", "momentum", "beta1", "beta2", "weight_decay")


def given_of(self: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """The fields that say something, in order."""
    return {k: v for k in names if (v := getattr(self, k)) is not None and v != () and (k, v) != ("scale", 1.0)}


@final
@frozen(repr=False)
class Group:
    """What some parameters have of their own; made by `group`."""

    match: tuple[str, ...] = ()  # patterns of names; none: the label is the pattern
    where: Callable[[str, Any], bool] | None = None  # of a parameter's name and the parameter; cannot be saved
    scale: float = field(default=1.0, converter=number, validator=argument(non_negative))  # of the rate
    lr: Value | None = None
    momentum: Value | None = None
    beta1: Value | None = None
    beta2: Value | None = None
    weight_decay: Value | None = None
    frozen_until: Duration | None = None  # the rate is 0 before it

    def takes(self, label: str, name: str, parameter: Any) -> bool:
        """Whether a parameter belongs to this group of the plan."""
        if self.where is not None:
            return bool(self.where(name, parameter))
        return any(fnmatchcase(name, pattern) for pattern in self.match or (label,))

    def to_json(self) -> dict[str, Any]:
        """What was given.

        Raises:
            InputError: it is chosen by a function, which text cannot say.
        """
        if self.where is not None:
            msg = refusal("group(where=...)", "must be left out of what is saved", self.where, "Use match=[...].")
            raise InputError(msg)
        given = given_of(self, ("match", "scale", *_OWN, "frozen_until"))
        return {k: list(v) if k == "match" else as_json(v) for k, v in given.items()}

    def __repr__(self) -> str:
        given = given_of(self, ("match", "where", "scale", *_OWN, "frozen_until"))
        shown = {k: texts(v) if k == "match" else repr(v) for k, v in given.items()}
        return f"group({', '.join(f'{k}={v}' for k, v in shown.items())})"


def group(
    *,
    match: Any = None,
    where: Callable[[str, Any], bool] | None = None,
    scale: float = 1.0,
    lr: Any = None,
    momentum: Any = None,
    beta1: Any = None,
    beta2: Any = None,
    weight_decay: Any = None,
    frozen_until: Any = None,
) -> Group:
    """What a group of parameters has of its own; everything else is the plan's.

    Args:
        match: patterns of parameter names, one text or several; without it the label in the plan is the pattern.
        where: a function of a parameter's name and the parameter, instead of patterns.
        scale: times the rate, whosever it is; 0 freezes.
        lr: a rate or schedule of its own.
        momentum: as in `plan`, and so are beta1, beta2 and weight_decay.
        beta1: see momentum.
        beta2: see momentum.
        weight_decay: see momentum.
        frozen_until: a duration from the start of the run; the rate is 0 before it. What the optimizer remembers
            (momentum, second moments) still follows the gradients.

    Raises:
        InputError: an argument does not fit, or both ``match`` and ``where`` are given.
    """
    patterns = (match,) if isinstance(match, str) else tuple(match or ())
    if any(not isinstance(p, str) or not p for p in patterns):
        msg = refusal("group(match=...)", "must be patterns of parameter names", match, 'Such as match=["*.bias"].')
        raise InputError(msg)
    if where is not None and (patterns or not callable(where)):
        rule = "must be a function of (name, parameter), instead of match"
        msg = refusal("group(where=...)", rule, where)
        raise InputError(msg)
    own = {"lr": lr, "momentum": momentum, "beta1": beta1, "beta2": beta2, "weight_decay": weight_decay}
    values = {name: value(f"group({name}=...)", name, given) for name, given in own.items()}
    until = None if frozen_until is None else duration(frozen_until, "group(frozen_until=...)")
    return Group(match=patterns, where=where, scale=scale, frozen_until=until, **values)


def as_json(stated: Any) -> Any:
    """A value, a duration or a schedule as JSON."""
    return stated.to_json() if hasattr(stated, "to_json") else stated


def texts(items: tuple[str, ...]) -> str:
    """A list of texts, as the notation writes it."""
    return f"[{', '.join(map(quoted, items))}]"


def quoted(text: str) -> str:
    """A text in double quotes, as the notation writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
