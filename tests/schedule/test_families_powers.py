"""Power laws after a warmup: their equations, continuity, and independence of the horizon."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, Schedule, inverse_sqrt, power
from lrdecay.schedule.base import FAMILIES

T = 100
H = Horizon(steps=T, steps_per_epoch=10)


def _after(exponent: float, w: int = 20) -> Callable[[int], float]:
    return lambda t: 0.2 * (t + 1) / (w + 1) if t < w else 0.2 * (w / t) ** exponent


EQUATIONS: list[tuple[Schedule, Callable[[int], float]]] = [
    (inverse_sqrt(0.2, warmup=20), _after(0.5)),
    (inverse_sqrt(0.2, warmup="1ep"), _after(0.5, 10)),
    (inverse_sqrt(0.2, warmup=20, over=50), lambda t: _after(0.5)(min(t, 50))),
    (power(0.2, warmup="20%", exponent=0.51), _after(0.51)),
    (power(0.2, warmup=20, exponent=2), _after(2.0)),
]


@pytest.mark.parametrize(("s", "equation"), EQUATIONS, ids=[repr(s) for s, _ in EQUATIONS])
def test_a_family_is_its_equation_at_every_update(s: Schedule, equation: Callable[[int], float]) -> None:
    np.testing.assert_allclose(s.bind(H).values(), [equation(t) for t in range(T)], rtol=1e-13)


def test_every_family_has_its_equation_in_the_table_above() -> None:
    here = {name for name, made in FAMILIES.items() if made.__module__ == "lrdecay.schedule.families_powers"}
    assert {type(s).__name__ for s, _ in EQUATIONS} == here


def test_the_peak_is_at_the_end_of_the_warmup_and_no_update_is_wasted() -> None:
    f = inverse_sqrt(0.3, warmup=25).bind(H)
    assert (f(0), f(25)) == (pytest.approx(0.3 / 26, rel=1e-15), 0.3)
    assert f.values().max() == 0.3
    assert f(99) == pytest.approx(0.3 * math.sqrt(25 / 99), rel=1e-15)


def test_a_longer_run_starts_with_the_same_rates() -> None:
    for s in (inverse_sqrt(0.3, warmup=25), power(0.3, warmup="3ep", exponent=0.7)):
        longer = s.bind(Horizon(steps=1000, steps_per_epoch=10)).values()
        assert longer[:T].tobytes() == s.bind(H).values().tobytes()


REFUSED: list[tuple[Callable[[], Schedule], str]] = [
    (lambda: inverse_sqrt(0.1, warmup=0), "`inverse_sqrt(warmup=...)` must be a positive duration, got 0."),
    (lambda: power(0.1, warmup=5, exponent=0), "`power(exponent=...)` must be a positive number, got 0.0."),
    (lambda: power(-1, warmup=5, exponent=1), "`power(peak=...)` must be a positive number, got -1.0."),
]


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_a_family_refuses_at_construction(make: Callable[[], Schedule], said: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value).startswith(said)
