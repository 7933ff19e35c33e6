"""Noise as a pure function: the published generator, the right distribution, the same in any order."""

from __future__ import annotations

import math

import numpy as np
import pytest
from tests.twin import _philox

from lrdecay.schedule import Horizon, constant, noisy
from lrdecay.schedule.noise import Noise


def test_the_generator_is_philox_as_published() -> None:
    """The answer for a counter and a key of zeros is one that the authors' Random123 is tested with."""
    known = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert _philox(0, 0, 0) == known
    for n, k in ((0, 0), (5, 3), (10**12, 1)):
        drawn = np.random.Philox(key=np.array([42, k], dtype=np.uint64), counter=n).random_raw(4)
        assert drawn.tolist() == _philox(n + 1, 42, k)


def cut(pct: float, std: float) -> float:
    """The deviation of a normal that is cut at ±pct: std·√(1 - 2z·φ(z)/(2Φ(z) - 1)), z = pct/std."""
    z = pct / std
    return std * math.sqrt(1 - 2 * z * math.exp(-z * z / 2) / math.sqrt(2 * math.pi) / math.erf(z / math.sqrt(2)))


@pytest.mark.parametrize(
    ("noise", "deviation"),
    [
        (Noise("uniform", 0.5, 1.0, 1), 0.5 / math.sqrt(3)),
        (Noise("normal", 1.0, 0.1, 2), 0.1),
        (Noise("normal", 0.2, 100.0, 3), 0.2 / math.sqrt(3)),
        (Noise("normal", 0.67, 1.0, 4), cut(0.67, 1.0)),
        (Noise("normal", 0.5, 0.5, 5), cut(0.5, 0.5)),
    ],
    ids=repr,
)
def test_the_deviations_are_distributed_as_they_are_said_to_be(noise: Noise, deviation: float) -> None:
    n = 60_000
    eps = noise(np.arange(n))
    assert np.abs(eps).max() < noise.pct
    assert abs(eps.mean()) < 4 * deviation / math.sqrt(n)
    assert eps.std() == pytest.approx(deviation, rel=4 / math.sqrt(n))
    assert abs(np.corrcoef(eps[1:], eps[:-1])[0, 1]) < 4 / math.sqrt(n)


def test_the_middle_of_a_wide_and_of_a_narrow_normal_holds_its_share() -> None:
    def share(pct: float, std: float) -> float:
        inside = math.erf(0.25 * pct / std / math.sqrt(2))
        return inside / math.erf(pct / std / math.sqrt(2))

    for pct, std in ((0.67, 1.0), (0.67, 0.4), (0.67, 0.67)):
        eps = Noise("normal", pct, std, 6)(np.arange(40_000))
        assert np.mean(np.abs(eps) < 0.25 * pct) == pytest.approx(share(pct, std), abs=4 * 0.5 / 200)


def test_the_same_update_has_the_same_noise_in_any_order_and_company() -> None:
    f = noisy(constant(1.0), seed=9).bind(Horizon(steps=10**6))
    table = f.values()
    some = np.random.default_rng(0).integers(0, 10**6, 50)
    assert f(some).tobytes() == table[some].tobytes()
    assert [f(int(t)) for t in some] == table[some].tolist()
    assert f(np.repeat(some, 3)).tobytes() == np.repeat(table[some], 3).tobytes()


def test_noise_is_of_the_update_not_of_the_length_of_the_run_and_changes_with_the_seed() -> None:
    short, long = (noisy(constant(1.0)).bind(Horizon(steps=n)).values() for n in (50, 5000))
    assert short.tobytes() == long[:50].tobytes()
    other = noisy(constant(1.0), seed=43).bind(Horizon(steps=50)).values()
    assert not (short == other).any()
