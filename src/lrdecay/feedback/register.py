"""The register of rules: each by its name in the notation, its module loaded when it is first asked for."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import final

__all__ = ["HOMES", "RULES", "Rules"]

HOMES: dict[str, str] = {
    name: module
    for module, names in {
        "wrappers": ("delayed", "floored", "limited", "rested"),
        "ruled": ("together",),
        "plateau": ("plateau",),
        "plateau_classic": ("classic_plateau",),
        "plateau_peers": ("torch_plateau", "keras_plateau", "optax_plateau"),
        "sasa": ("sasa",),
        "distance": ("distance_slope",),
        "bounce": ("weight_norm_bounce",),
        "autodrop": ("autodrop",),
        "greedy": ("greedy",),
        "hypergradient": ("hypergradient",),
    }.items()
    for name in names
}
"""The module of `lrdecay.feedback` in which each rule stands."""


@final
class Rules:
    """Rules by name. To ask whether there is one, or for all names, loads nothing; to look one up loads it."""

    def __init__(self) -> None:
        self._made: dict[str, type] = {}

    def add(self, rule: type) -> None:
        """Make a rule known by its name."""
        self._made[rule.__name__] = rule

    def __getitem__(self, name: str) -> type:
        if name not in self._made and name in HOMES:
            importlib.import_module(f"lrdecay.feedback.{HOMES[name]}")
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in HOMES or name in self._made

    def __iter__(self) -> Iterator[str]:
        return iter(HOMES | self._made)


RULES = Rules()
"""Every rule by its name in the notation."""
