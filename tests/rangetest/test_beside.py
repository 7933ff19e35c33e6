"""Peers read each repeat alone, and what is said of them is the median and the range of what they answered."""

from __future__ import annotations

import numpy as np
import pytest

from lrdecay.rangetest.beside import Beside, peers_beside
from lrdecay.rangetest.driver import Curve, rising_rates
from lrdecay.rangetest.peers import PEERS, peer_answers

RATES = rising_rates(1e-6, 10.0, 100)


def repeat(seed: int, points: int = 100) -> Curve:
    """A noisy curve that falls around 1e-2 and rises later."""
    x = np.log10(RATES / 1e-2)
    losses = 2.3 - 1.5 / (1 + np.exp(-4 * x)) + np.exp(4 * (x - 1.5))
    losses = losses + 0.02 * np.random.default_rng(seed).standard_normal(len(losses))
    return Curve(RATES[:points], losses[:points], restored=True, diverged=points < 100)


def test_each_repeat_is_read_alone_in_the_windows_of_the_whole_range() -> None:
    curves = [repeat(0), repeat(1), repeat(2, points=92)]
    found = peers_beside(RATES, curves)
    assert [peer.name for peer in found] == list(PEERS)
    for peer in found:
        assert peer.answers == tuple(peer_answers(RATES, c.losses)[peer.name] for c in curves)


def test_the_median_is_of_the_logarithms_and_the_ratio_is_the_largest_over_the_smallest() -> None:
    peer = Beside("p", (1e-3, None, 1e-1))
    assert peer.median == pytest.approx(1e-2)
    assert peer.ratio == pytest.approx(100)
    assert peer.to_json() == {
        "median": peer.median,
        "ratio": peer.ratio,
        "answers": [1e-3, None, 1e-1],
        "broken": False,
    }


def test_where_a_peer_has_no_answer_none_is_made_up() -> None:
    silent, once = Beside("p", (None, None)), Beside("p", (None, 0.5))
    assert (silent.median, silent.ratio) == (None, None)
    assert (once.median, once.ratio) == (0.5, None)


def test_only_lightnings_rule_is_marked_broken_and_its_answer_is_decades_off() -> None:
    found = {peer.name: peer for peer in peers_beside(RATES, [repeat(i) for i in range(5)])}
    assert [name for name, peer in found.items() if peer.broken] == ["lightning (broken)"]
    assert found["lightning (broken)"].median < found["fastai steep"].median / 100
