"""The t distribution is scipy's."""

from __future__ import annotations

import pytest
from scipy.stats import t

from lrdecay.feedback.student import t_within, two_sided


@pytest.mark.parametrize("dof", [1, 2, 3, 4, 5, 9, 30, 31, 382, 511])
def test_quantiles_and_probabilities_are_those_of_scipy(dof):
    for significance in (0.9, 0.5, 0.05, 0.01, 1e-4):
        assert two_sided(significance, dof) == pytest.approx(t.ppf(1 - significance / 2, dof), rel=1e-10)
    for at in (0.0, 0.3, 1.0, 2.5, 40.0):
        assert t_within(at, dof) == pytest.approx(1 - 2 * t.sf(at, dof), abs=1e-13)
