"""Power laws after a warmup: their equations, continuity, and independence of the horizon."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, Schedule, at_peak, cosine, inverse_sqrt, join, noam, peak_of, power, token_power
from lrdecay.schedule.base import FAMILIES

T = 100
H = Horizon(steps=T, steps_per_epoch=10, tokens_per_step=1000)


def _after(exponent: float, w: int = 20) -> Callable[[int], float]:
    return lambda t: 0.2 * (t + 1) / (w + 1) if t < w else 0.2 * (w / t) ** exponent


def _law(t: int) -> float:
    """The share of a cap of 0.02 that a batch of one may have after t updates of 1000 tokens."""
    return 4 * (1000 * t) ** -0.5 / 0.02 if t else math.inf


EQUATIONS: list[tuple[Schedule, Callable[[int], float]]] = [
    (inverse_sqrt(0.2, warmup=20), _after(0.5)),
    (inverse_sqrt(0.2, warmup="1ep"), _after(0.5, 10)),
    (inverse_sqrt(0.2, warmup=20, over=50), lambda t: _after(0.5)(min(t, 50))),
    (power(0.2, warmup="20%", exponent=0.51), _after(0.51)),
    (power(0.2, warmup=20, exponent=2), _after(2.0)),
    (noam(512, warmup=20), lambda t: 512**-0.5 * min((t + 1) ** -0.5, (t + 1) * 20**-1.5)),
    (noam(512, warmup=1, scale=2), lambda t: 2 * 512**-0.5 * (t + 1) ** -0.5),
    (noam(64, warmup="2.5ep", over=50), lambda t: 64**-0.5 * min((min(t, 50) + 1) ** -0.5, (t + 1) * 25**-1.5)),
    (token_power(0.02, a=4, b=0.5, batch=1), lambda t: min(0.02, 4 * (1000 * t) ** -0.5) if t else 0.02),
    (token_power(0.02, a=4, b=0.5, batch=1, warmup="30000tok"), lambda t: 0.02 * min(1, (t + 1) / 31, _law(t))),
    (token_power(0.02, 4, 0.5, 1, warmup=80), lambda t: 0.02 * (_law(t) if t >= 80 else _law(80) * (t + 1) / 81)),
    (token_power(0.02, 4, 0.5, 2, over="6ep"), lambda t: 0.02 * min(1, 2 * _law(min(t, 60)))),
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


def test_noam_peaks_where_its_warmup_ends_and_says_how_high() -> None:
    s = noam(512, warmup=40)
    f = s.bind(H)
    assert int(f.values().argmax()) == 39
    assert peak_of(s) == f(39) == pytest.approx((512 * 40) ** -0.5, rel=1e-15)


def test_the_peak_of_noam_is_asked_for_with_the_horizon_where_it_depends_on_it() -> None:
    s = join(noam(512, warmup="40%"), cosine(1e-3), at=["60%"])
    for ask in (peak_of, lambda s: at_peak(s, 0.1)):
        with pytest.raises(
            InputError, match=r"`peak_of\(noam.*, horizon=...\)` must be given the horizon, got None. It pe"
        ):
            ask(s)
    for h in (H, Horizon(steps=1000)):
        assert peak_of(s, h) == s.bind(h).values().max()
        moved = at_peak(s, 0.3, h)
        assert moved.bind(h).values().max() == pytest.approx(0.3, rel=1e-15)
        np.testing.assert_allclose(moved.bind(h).values(), s.bind(h).values() * (0.3 / peak_of(s, h)), rtol=1e-14)


def test_a_run_too_short_for_its_warmup_has_no_room_for_noam() -> None:
    with pytest.raises(InputError, match="A warmup would run from step 0 to step 101"):
        noam(512, warmup=101).bind(H)
    assert noam(512, warmup=100).bind(H).values().argmax() == 99


def test_the_token_rule_is_the_same_in_tokens_whatever_the_batch() -> None:
    s = token_power(0.02, a=4.6, b=0.51, batch=4, warmup="9000tok")
    small = s.bind(Horizon(steps=900, tokens_per_step=100)).values()
    large = s.bind(Horizon(steps=90, tokens_per_step=1000)).values()
    np.testing.assert_allclose(small[90::10], large[9:], rtol=1e-12)
    with pytest.raises(InputError, match="must say what one token is"):
        s.bind(Horizon(steps=900, steps_per_epoch=50))


def test_what_moves_under_the_token_rule_is_its_cap() -> None:
    s = token_power(0.02, a=4, b=0.5, batch=1)
    assert at_peak(s, 0.05) == token_power(0.05, a=4, b=0.5, batch=1)
    late = slice(60, None)
    assert at_peak(s, 0.05).bind(H).values()[late].tolist() == s.bind(H).values()[late].tolist()


REFUSED: list[tuple[Callable[[], Schedule], str]] = [
    (lambda: inverse_sqrt(0.1, warmup=0), "`inverse_sqrt(warmup=...)` must be a positive duration, got 0."),
    (lambda: power(0.1, warmup=5, exponent=0), "`power(exponent=...)` must be a positive number, got 0.0."),
    (lambda: noam(512.0, warmup=5), "`noam(d_model=...)` must be a positive integer, got 512.0."),  # type: ignore[arg-type]
    (lambda: noam(512, warmup=0), "`noam(warmup=...)` must be a positive duration, got 0."),
    (lambda: noam(512, warmup=5, scale=0), "`noam(scale=...)` must be a positive number, got 0.0."),
    (lambda: token_power(0.1, 0, 1, 1), "`token_power(a=...)` must be a positive number, got 0.0."),
    (lambda: token_power(0.1, 1, -0.5, 1), "`token_power(b=...)` must be a positive number, got -0.5."),
    (lambda: token_power(0.1, 1e200, 1, 1e200), "`token_power(batch=...)` must be positive and finite times a, 1e+20"),
    (lambda: power(-1, warmup=5, exponent=1), "`power(peak=...)` must be a positive number, got -1.0."),
]


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_a_family_refuses_at_construction(make: Callable[[], Schedule], said: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value).startswith(said)
