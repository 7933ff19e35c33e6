"""The register of families: each by its name in the notation, its module loaded when it is first asked for.

A program that uses one family pays for that family's module, whatever the others cost to load. `HOMES` says where each
stands; a family that is defined elsewhere, with `lrdecay.schedule.base.family`, is known from its definition on.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import final

__all__ = ["FAMILIES", "HOMES", "Register"]

HOMES: dict[str, str] = {
    name: module
    for module, names in {
        "compose": ("warmup", "then", "scale", "clamp"),
        "compose_factors": ("product", "damped", "noisy"),
        "compose_join": ("join",),
        "families": (
            "constant",
            "step",
            "multi_step",
            "exponential",
            "inverse_time",
            "linear",
            "polynomial",
            "cosine",
            "wsd",
        ),
        "families_curves": (
            "natural_exponential",
            "halving",
            "rex",
            "tanh",
            "k_decay",
            "flat_cosine",
            "knee",
            "slanted_triangular",
        ),
        "families_cycles": ("warm_restarts", "triangular", "one_cycle"),
        "families_listed": ("piecewise", "tabulated", "ramp"),
        "families_powers": ("inverse_sqrt", "power", "noam", "token_power"),
    }.items()
    for name in names
}
"""The module of `lrdecay.schedule` in which each family stands."""


@final
class Register:
    """Families by name. To ask whether there is one, or for all names, loads nothing; to look one up loads it."""

    def __init__(self) -> None:
        self._made: dict[str, type] = {}

    def add(self, family: type) -> None:
        """Make a family known by its name."""
        self._made[family.__name__] = family

    def __getitem__(self, name: str) -> type:
        if name not in self._made and name in HOMES:
            importlib.import_module(f"lrdecay.schedule.{HOMES[name]}")
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in HOMES or name in self._made

    def __iter__(self) -> Iterator[str]:
        return iter(HOMES | self._made)

    def __len__(self) -> int:
        return len(HOMES | self._made)

    def items(self) -> list[tuple[str, type]]:
        """Every name with its family; loads them all."""
        return [(name, self[name]) for name in self]


FAMILIES = Register()
"""Every family by its name in the notation."""
