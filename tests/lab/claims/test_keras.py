"""Keras' decay=, computed: the numbers by hand, and controls that come out on the right side."""

from __future__ import annotations

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.lab.claims.keras.experiment import measured
from lrdecay.lab.claims.keras.falls import falls, inside, legacy, unequal
from lrdecay.lab.estimate import estimated
from lrdecay.lab.register import declared
from lrdecay.lab.verdict import judge


def test_decay_divides_by_one_more_decay_each_update() -> None:
    assert legacy(1.0, 1.0, 4) == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])


def test_falls_are_told_apart_inside_and_between_epochs() -> None:
    stairs = np.array([3.0, 3.0, 2.0, 2.0, 1.0, 1.0])
    assert falls(stairs, 2).tolist() == [1.0, 1.0]
    assert (inside(stairs, 2), unequal(stairs, 2)) == (0.0, 0.0)
    halved = np.array([4.0, 3.0, 2.0, 2.0, 1.0, 1.0])
    assert inside(halved, 2) == 0.5
    assert unequal(halved, 2) == pytest.approx(np.log(2))
    with pytest.raises(InputError, match="whole epochs"):
        falls(stairs, 4)


def test_each_control_is_on_its_side_and_decay_is_inverse_time_by_updates() -> None:
    declaration = declared("claims/keras")
    values = measured()
    assert set(values) == set(declaration.statistics)
    found = estimated(declaration.statistics, {name: (value,) for name, value in values.items()})
    for claim in declaration.claims:
        assert claim.null is not None
        assert claim.planted is not None
        assert (found[claim.null].state, found[claim.planted].state) == ("not there", "there")
    verdicts = {claim.name: judge(claim, found, scale="small").verdict for claim in declaration.claims}
    assert verdicts == {"epoch": "does not hold here", "fixed": "does not hold here", "inverse": "holds"}
    assert values["inside an epoch"] == pytest.approx(0.99, abs=0.005)
    first, last = (1 / (1 + 0.2 * k) - 1 / (1 + 0.2 * (k + 1)) for k in (0, 48))
    assert values["largest over smallest fall"] == pytest.approx(np.log(first / last))
