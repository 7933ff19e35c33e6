"""The peers' rules are the peers': held against the real package where it is installed, else their formula."""

from __future__ import annotations

import numpy as np
import pytest
from lightning.pytorch.tuner.lr_finder import _LRFinder

from lrdecay.rangetest.driver import rising_rates
from lrdecay.rangetest.peers import PEERS, peer_answers, slide, steep, valley

RATES = rising_rates(1e-7, 10.0, 100)


def curve(seed: int, steepest: float = 1e-2, noise: float = 0.05) -> np.ndarray:
    """A loss that falls around a rate and rises a decade and a half later."""
    x = np.log10(RATES / steepest)
    loss = 2.3 - 1.5 / (1 + np.exp(-4 * x)) + np.exp(4 * (x - 1.5))
    return loss + noise * np.random.default_rng(seed).standard_normal(len(loss))


def slow_valley(rates: np.ndarray, losses: np.ndarray) -> float:
    """fastai's quadratic search, as its documentation describes it."""
    longest = [1] * len(losses)
    first = last = 0
    for i in range(1, len(losses)):
        for j in range(i):
            if losses[i] < losses[j] and longest[i] < longest[j] + 1:
                longest[i] = longest[j] + 1
            if longest[last] < longest[i]:
                last, first = i, i - longest[i]
    third = (last - first) / 3
    return float(rates[first + int(third) + int(third / 2)])


@pytest.mark.parametrize("seed", range(12))
def test_the_valley_is_fastais_on_averaged_and_on_raw_curves(seed: int) -> None:
    raw = curve(seed)
    smooth = PEERS["fastai valley"].record(raw)
    for losses in (raw, smooth, raw[::-1].copy(), np.sort(raw)):
        assert valley(RATES[: len(losses)], losses) == slow_valley(RATES[: len(losses)], losses)


@pytest.mark.parametrize("seed", range(12))
def test_lightnings_answer_is_lightnings(seed: int) -> None:
    peer = PEERS["lightning (broken)"]
    raw = curve(seed)
    recorded = peer.record(raw)
    theirs = _LRFinder("exponential", 1e-7, 10.0, 100)
    theirs.results = {"lr": RATES[: len(recorded)].tolist(), "loss": recorded.tolist()}
    ours = peer.answer(RATES, raw)
    assert ours is not None
    assert ours == pytest.approx(theirs.suggestion(), rel=1e-6)


def test_lightnings_answer_is_decades_below_the_steepest_point_of_a_slightly_noisy_curve() -> None:
    answers = peer_answers(RATES, curve(0, steepest=1e-3, noise=0.01))
    assert answers["lightning (broken)"] < 1e-5
    assert 3e-4 < answers["fastai steep"] < 1e-2


def test_fastais_average_is_debiased_and_the_others_start_from_the_first_loss() -> None:
    flat = np.full(20, 2.0)
    for peer in PEERS.values():
        np.testing.assert_allclose(peer.record(flat), 2.0)
    rising = np.arange(1.0, 4.0)
    np.testing.assert_allclose(PEERS["fastai steep"].record(rising)[1], (0.98 * 0.02 * 1 + 0.02 * 2) / (1 - 0.98**2))
    np.testing.assert_allclose(PEERS["ignite"].record(rising)[1], 0.95 * 1 + 0.05 * 2)


def test_a_peer_stops_where_its_average_exceeds_its_multiple_of_the_best() -> None:
    losses = np.array([1.0] * 30 + [1e3] * 30)
    for peer in PEERS.values():
        kept = peer.record(losses)
        assert len(kept) < 40
        assert kept[-1] > peer.stop * kept.min() >= kept[-2]


def test_rules_read_single_steps_as_said() -> None:
    rates = np.logspace(-3, 0, 40)
    losses = np.full(40, 1.0)
    losses[20:] = 0.5
    assert steep(rates, losses) == rates[19]
    assert slide(rates, losses) is not None
    assert slide(rates[:15], losses[:15]) is None


def test_a_curve_too_short_to_be_read_has_no_answer() -> None:
    assert set(peer_answers(RATES, np.array([1.0, np.inf])).values()) == {None}
