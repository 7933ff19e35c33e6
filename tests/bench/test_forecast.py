"""The bench of forecasting: what it fits and predicts is what it says; the measurement itself is not run."""

from __future__ import annotations

import numpy as np
import pytest
from bench.forecast import NOISE, STEPS, WARMUP, Row, curves, main, tables, texts

from lrdecay.losslaws.curve import warmup_of


def test_the_thousand_schedules_differ_and_share_the_warmup_of_the_logs() -> None:
    wanted = texts(1000)
    some = tables(wanted[::250], STEPS)

    assert len(set(wanted)) == 1000
    assert {len(r) for r in some} == {STEPS}
    assert {warmup_of(r) for r in some} == {WARMUP}


def test_the_curves_are_logged_as_published_and_differ_by_their_noise_alone() -> None:
    one, other = curves(seed=1), curves(seed=2)

    assert [(len(c.rates), c.warmup, int(np.diff(c.steps).max())) for c in one] == [
        (steps, WARMUP, 128) for steps in (24_000, 24_000, 16_000)
    ]
    assert all(0 <= len(c.rates) - c.last < 128 for c in one)
    off = np.concatenate([a.losses - b.losses for a, b in zip(one, other, strict=True)])
    assert off.std() == pytest.approx(2**0.5 * NOISE, rel=0.2)


def test_a_target_is_met_or_missed_and_none_is_neither() -> None:
    assert [Row("x", took, target, 2.0).cells()[2:4] for took, target in ((1, 3), (4, 3), (4, 0))] == [
        ("≤ 3 s", "met"),
        ("≤ 3 s", "missed"),
        ("", ""),
    ]


def test_an_unknown_section_is_refused() -> None:
    with pytest.raises(SystemExit, match="unknown section fits; there are fit, predict, grow"):
        main(["fits"])
