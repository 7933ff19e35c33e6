"""The bucket keeps what it says, in a state that stays small, and its errors are those of the textbook."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from lrdecay.feedback.leaky import CELLS, EXPONENT, empty, estimate, held, poured, usable


def filled(values, leak=8):
    bucket = empty()
    for value in values:
        bucket = poured(bucket, float(value), leak)
    return bucket


@pytest.mark.parametrize("leak", [1, 2, 3, 8])
def test_up_to_the_most_cells_it_holds_exactly_the_last_share(leak):
    values = np.random.default_rng(0).normal(size=CELLS - 1)
    bucket = empty()
    for n, value in enumerate(values, 1):
        bucket = poured(bucket, float(value), leak)
        assert bucket["cells"] == values[n - math.ceil(n / leak) : n].tolist()


def test_beyond_it_holds_the_last_share_to_within_a_cell_and_stays_small():
    values = np.random.default_rng(1).normal(size=60_000)
    bucket, largest = empty(), 0
    for n, value in enumerate(values, 1):
        bucket = poured(bucket, float(value), 8)
        if n % 997 == 0:
            kept = held(bucket)
            assert math.ceil(n / 8) <= kept < math.ceil(n / 8) + bucket["size"]
            assert estimate(bucket).mean == pytest.approx(values[n - kept : n].mean(), abs=1e-12)
            largest = max(largest, len(json.dumps(bucket, allow_nan=False)))
            assert len(bucket["cells"]) < CELLS
    assert bucket["size"] == 16
    assert largest < 12_000


def test_batch_means_are_those_of_the_definition():
    values = np.random.default_rng(2).normal(size=400).cumsum()
    found, b = estimate(filled(values, leak=1)), round(400**EXPONENT)
    batches = values[400 - 400 // b * b :].reshape(-1, b).mean(axis=1)

    assert (found.count, found.batch, found.dof) == (400, b, len(batches) - 1)
    assert found.mean == pytest.approx(values.mean())
    assert (found.older, found.newer) == pytest.approx((values[:200].mean(), values[200:].mean()))
    assert found.error == pytest.approx(math.sqrt(b * batches.var(ddof=1) / 400))


def test_overlapping_batch_means_are_those_of_the_definition():
    values = np.random.default_rng(3).normal(size=400).cumsum()
    found, b, n = estimate(filled(values, leak=1), "olbm", 0.5), 20, 400
    batches = np.array([values[i : i + b].mean() for i in range(n - b + 1)])
    variance = n * b / ((n - b) * (n - b + 1)) * ((batches - values.mean()) ** 2).sum()

    assert (found.batch, found.dof) == (b, int(1.5 * (n / b - 1)))
    assert found.error == pytest.approx(math.sqrt(variance / n))


def test_independent_values_have_their_textbook_error():
    values = np.random.default_rng(4).normal(size=300)
    found = estimate(filled(values, leak=1), "iid")

    assert found.error == pytest.approx(values.std(ddof=1) / math.sqrt(300))
    assert found.dof == 299


def test_what_is_not_finite_or_beyond_squaring_cannot_be_poured():
    assert not any(map(usable, (math.nan, math.inf, -math.inf, 1e101, -1e300)))
    assert all(map(usable, (0.0, -1e99, 5e-324)))
