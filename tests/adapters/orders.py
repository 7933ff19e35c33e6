"""An example script run inside this process under the orders of a study, and what it ends with."""

from __future__ import annotations

import runpy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lrdecay.runs.protocol import Orders, variables
from lrdecay.runs.seeding import kept_random_state

__all__ = ["EXAMPLES", "ran"]

EXAMPLES = Path(__file__).parents[2] / "examples"


def ran(name: str, patch: pytest.MonkeyPatch, **orders: Any) -> dict[str, Any]:
    """The names that an example leaves behind."""

    def cleared() -> Iterator[str]:
        return (f"LRDECAY_{field.name.upper()}" for field in Orders.__attrs_attrs__)

    with patch.context() as environment, kept_random_state():
        for variable in cleared():
            environment.delenv(variable, raising=False)
        for variable, value in variables(Orders(**orders)).items():
            environment.setenv(variable, value)
        return runpy.run_path(str(EXAMPLES / name))
