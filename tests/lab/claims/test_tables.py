"""Experiments that are tables of differences measure all that they declare, and nothing else."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

from lrdecay.lab.differences import differences
from lrdecay.lab.register import declared


@pytest.mark.parametrize("name", ["claims/decay", "claims/knobs", "claims/layers"])
def test_every_declared_statistic_stands_in_the_table(name: str) -> None:
    module = importlib.import_module(f"lrdecay.lab.{name.replace('/', '.')}.experiment")
    assert set(module.TABLE) == set(declared(name).statistics)
    for row in module.TABLE.values():
        assert sum(weight for _, weight in row) == 0  # a difference: what all arms share falls out


def test_a_difference_is_taken_by_seed_and_a_divergence_counts_as_the_worst() -> None:
    class Made:
        def end(self, arm: str, _metric: str) -> np.ndarray:
            return {"a": np.array([0.9, 0.8]), "b": np.array([0.7, np.nan])}[arm]

    found = differences(Made(), {"d": [("a", 1), ("b", -1)]}, "accuracy", worst=0.1)  # type: ignore[arg-type]
    assert found["d"] == pytest.approx([0.2, 0.7])
