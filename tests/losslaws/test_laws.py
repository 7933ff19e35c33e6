"""Every law is its formula, step by step, and its gradient is that of it; a fit finds what was planted."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrdecay import Horizon, parse
from lrdecay.losslaws.curve import Curve, warmup_of
from lrdecay.losslaws.ensemble import members
from lrdecay.losslaws.exposure import LOWEST, exposure
from lrdecay.losslaws.fitting import data_of, fit
from lrdecay.losslaws.functional import Functional
from lrdecay.losslaws.momentum import Momentum
from lrdecay.losslaws.multi_power import MultiPower
from lrdecay.losslaws.noise_floor import NoiseFloor

LAWS = {law.name: law for law in (MultiPower(), NoiseFloor(), Momentum(), Functional())}
SCHEDULES = (
    "warmup(100) + constant(0.2)",
    "warmup(100) + cosine(0.2)",
    "warmup(100) + cosine(0.2, floor=0.02)",
    "wsd(0.2, warmup=100, cooldown=400)",
    'wsd(0.2, warmup=0, cooldown=1200, shape="1-sqrt")',
    "step(0.2, factor=0.3, every=500)",
    "triangular(0.02, high=0.2, half_cycle=300)",
    "warm_restarts(0.2, first=400, floor=0.01)",
)
SPAN, STEPS = 1000.0, 2000
AT = np.array([150, 700, 1000, 1999, 2000])


def rates_of(text, steps=STEPS):
    return parse(text).bind(Horizon(steps=steps)).values()


def centre(law, span=SPAN):
    return np.array([p.centred(span) for p in law.parameters])


def seen(rates, at=AT, blocks=200, warmup=None, span=SPAN):
    warm = warmup_of(rates) if warmup is None else warmup
    return exposure(rates, at, warmup=warm, peak=rates.max(), span=span, blocks=blocks)


# ---- the formulas, one update after the other ----


def naive(law, theta, rates, s, span=SPAN):
    """The loss after s updates; rates in peaks, areas and steps in spans."""
    r, first = rates[:s] / rates.max(), warmup_of(rates) + 1
    area = np.concatenate([[0.0], np.cumsum(r)]) / span
    progress = sum(x ** theta[5] for x in r) / span if law.name == "noise_floor" else area[-1]
    loss = theta[0] + theta[1] * progress ** -theta[2]
    for k in range(first, s) if law.name != "momentum" else ():
        drop, since = r[k - 1] - r[k], area[s] - area[k]
        if law.name == "functional":
            b, c, rate, gamma = theta[3:]
            loss -= b * drop * (c + area[k] ** -theta[2]) * (1 - (1 + rate * since) ** -gamma)
        elif law.name == "noise_floor":
            b, c, _, a = theta[3:]
            loss -= b * (r[k - 1] ** a - r[k] ** a) * (1 - 1 / (1 + c * since))
        else:
            b, c, beta, gamma = theta[3:7]
            loss -= b * drop * (1 - (1 + c * max(r[k], LOWEST) ** -gamma * since) ** -beta)
    return loss - (annealed(theta[3:], r, first, span) if law.name == "momentum" else 0.0)


def annealed(theta, r, first, span):
    """C S2 of Tissue et al., S2 = Σ m_i and m_i = λ m_{i-1} + drop_i."""
    decay, momentum, total = np.exp(-1 / (theta[1] * span)), 0.0, 0.0
    for k in range(first, len(r)):
        momentum = decay * momentum + r[k - 1] - r[k]
        total += momentum
    return theta[0] * (1 - decay) * total


@cache
def expected(name, text):
    law = LAWS[name]
    return np.array([naive(law, centre(law), rates_of(text), s) for s in AT])


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("text", SCHEDULES)
def test_a_law_is_its_formula_within_what_blocks_leave_and_exact_with_one_for_each_drop(name, text):
    law, rates = LAWS[name], rates_of(text)
    in_blocks, exact = (law.loss(centre(law), seen(rates, blocks=b)) for b in (200, 100 * STEPS))

    np.testing.assert_allclose(in_blocks, expected(name, text), rtol=1e-3)
    np.testing.assert_allclose(exact, expected(name, text), rtol=1e-9)


@pytest.mark.parametrize("name", LAWS)
def test_more_blocks_come_nearer(name):
    law, text = LAWS[name], "warmup(100) + cosine(0.2)"
    errors = [
        np.abs(law.loss(centre(law), seen(rates_of(text), blocks=b)) - expected(name, text)).max()
        for b in (10, 100, 1000)
    ]
    assert errors[0] > 3 * errors[1] > 9 * errors[2]


# ---- gradients ----


@settings(max_examples=10)
@given(
    levels=st.lists(st.floats(0.002, 0.1), min_size=2, max_size=5),
    smooth=st.booleans(),
    off=st.lists(st.floats(-0.5, 0.5), min_size=8, max_size=8),
)
@pytest.mark.parametrize("name", LAWS)
def test_the_gradient_is_that_of_the_loss(name, levels, smooth, off):
    law, at = LAWS[name], np.array([20, 111, 200])
    spread = np.linspace(0, len(levels) - 1, 200)
    rates = (
        np.interp(spread, np.arange(len(levels)), levels) if smooth else np.array(levels)[spread.round().astype(int)]
    )
    look = seen(rates, at, blocks=30, warmup=0, span=150.0)
    theta = centre(law, 150.0) * np.exp(off[: len(law.parameters)])
    numeric = np.stack(
        [(law.loss(theta + d, look) - law.loss(theta - d, look)) / (2 * d.sum()) for d in np.diag(1e-5 * theta)],
        axis=1,
    )

    np.testing.assert_allclose(law.gradient(theta, look) * theta, numeric * theta, rtol=1e-5, atol=1e-8)


# ---- what must hold ----


@pytest.mark.parametrize("name", LAWS)
def test_a_drop_of_exactly_zero_changes_nothing(name):
    law = LAWS[name]
    once, again = (
        law.loss(centre(law), seen(rates_of(text)))
        for text in ("piecewise([0.2, 0.1], at=[700])", "piecewise([0.2, 0.2, 0.1, 0.1], at=[300, 700, 900])")
    )
    flat = seen(rates_of("constant(0.2)"))
    progress = flat.progress(centre(law)[5])[0] if name == "noise_floor" else flat.area
    power = centre(law)[0] + centre(law)[1] * progress ** -centre(law)[2]

    assert once.tolist() == again.tolist()
    assert law.loss(centre(law), flat).tolist() == power.tolist()


STOPPED = np.concatenate([np.ones(800), np.linspace(1, 0.2, 200), np.zeros(1000)])


@pytest.mark.parametrize("name", ["multi_power", "functional"])
def test_at_a_rate_of_zero_nothing_moves(name):
    law = LAWS[name]
    found = law.loss(centre(law), seen(STOPPED, [1000, 1001, 1500, 2000]))
    np.testing.assert_allclose(found, found[0], rtol=1e-12)


def test_by_the_noise_floor_law_next_to_nothing_moves_at_a_rate_of_zero():
    law = LAWS["noise_floor"]
    found = law.loss(centre(law), seen(STOPPED, [1000, 1001, 1500, 2000]))
    np.testing.assert_allclose(found, found[0], rtol=1e-6)


def test_by_the_momentum_law_the_loss_goes_on_falling_at_a_rate_of_zero_which_is_its_known_flaw():
    law = LAWS["momentum"]
    found = law.loss(centre(law), seen(STOPPED, [1000, 1001, 1500, 2000]))
    assert (np.diff(found) < 0).all()


@pytest.mark.parametrize("text", SCHEDULES)
def test_what_fell_in_blocks_is_what_fell_at_every_update_in_a_power_of_the_rate(text):
    few, every = (seen(rates_of(text), blocks=b).fallen(0.7)[0].sum() for b in (7, 100 * STEPS))
    r, first = rates_of(text) / 0.2, warmup_of(rates_of(text))

    assert few == pytest.approx(every, rel=1e-12)
    assert few == pytest.approx(r[first] ** 0.7 - r[-1] ** 0.7, abs=1e-9)


@pytest.mark.parametrize("text", SCHEDULES)
def test_progress_with_the_power_one_is_the_area(text):
    look = seen(rates_of(text))
    np.testing.assert_allclose(look.progress(1.0)[0], look.area, rtol=1e-6)  # a stretch is taken for 1e-9 at least


def test_the_area_counts_the_warmup_and_the_drops_do_not():
    warm, cold = (seen(rates_of("warmup(100) + cosine(0.2)"), warmup=w) for w in (100, 0))
    r = rates_of("warmup(100) + cosine(0.2)") / 0.2

    assert warm.drop.sum() == pytest.approx(1 - r[-1])
    assert cold.drop.sum() == pytest.approx(r[0] - r[-1])
    assert warm.area.tolist() == cold.area.tolist()
    assert warm.area[0] == pytest.approx(r[:150].sum() / SPAN)
    assert seen(rates_of("warmup(100) + constant(0.2)")).drop.size == 0


# ---- fits ----

LOGGED = np.arange(150, 2001, 50)
UNSEEN = ('wsd(0.2, warmup=100, cooldown="20%")', 'wsd(0.2, warmup=100, cooldown="60%")', "warmup(100) + linear(0.2)")


@cache
def planted(name):
    """A fit to noise-free curves of a law, off its prior's centre; the truth; and its units."""
    law = LAWS[name]
    widths = np.array([p.width for p in law.parameters])
    truth = centre(law, 1900.0) * np.exp(0.5 * widths * np.random.default_rng(1).choice([-1, 1], len(widths)))
    curves = []
    for text in ("warmup(100) + constant(0.2)", "warmup(100) + cosine(0.2)", "piecewise([0.2, 0.06], at=[1000])"):
        rates = rates_of(text)
        look = seen(rates, LOGGED, span=1900.0)
        curves.append(Curve(text, rates, LOGGED, 3 * law.loss(truth, look), warmup_of(rates)))
    return fit(law, data_of(curves, points=12)), truth, curves


@pytest.mark.parametrize("name", LAWS)
def test_a_fit_predicts_unseen_schedules_of_the_law_that_it_saw(name):
    found, truth, _ = planted(name)
    for text in UNSEEN:
        rates = rates_of(text, 3000)
        wanted = 3 * LAWS[name].loss(truth, seen(rates, [3000], span=1900.0))
        assert found.at(rates, [3000], warmup_of(rates)) == pytest.approx(wanted, rel=0.01)


def test_members_are_the_same_by_seed_and_near_the_fit():
    found, _, curves = planted("momentum")
    one, again, other = members(found, 3, seed=1), members(found, 3, seed=1), members(found, 3, seed=2)

    assert one.tolist() == again.tolist() != other.tolist()
    assert one.shape == (3, 5)
    look = found.units.exposure(curves[1].rates, [2000], curves[1].warmup)
    ends = [float(found.units.level * found.law.loss(theta, look)[0]) for theta in one]
    assert ends == pytest.approx([curves[1].losses[-1]] * 3, rel=0.02)
    assert len({round(x, 9) for x in ends}) == 3
