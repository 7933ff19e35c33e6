"""A curve refuses what no law can read, and is cut, thinned and warmed up as it says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrdecay import Horizon, parse
from lrdecay.errors import InputError
from lrdecay.losslaws.curve import Curve, warmup_of


def curve(rates=(1.0,) * 10, steps=(2, 4, 6), losses=(3.0, 2.0, 1.0), warmup=0):
    return Curve("run", np.array(rates, float), np.array(steps, np.int64), np.array(losses, float), warmup)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"rates": (1.0, np.nan) * 5}, r"rates=\.\.\.\)` must be finite"),
        ({"rates": (1.0, np.inf) * 5}, "must be finite"),
        ({"rates": (1.0, -0.1) * 5}, ">= 0"),
        ({"rates": (0.0,) * 10}, "somewhere above 0"),
        ({"steps": (2, 4)}, "one step for each loss"),
        ({"steps": (2, 6, 4)}, "must rise"),
        ({"steps": (2, 2, 4)}, "must rise"),
        ({"steps": (0, 2, 4)}, r"must lie in 1 to 10, .* got \[0, 4\]"),
        ({"steps": (2, 4, 11)}, r"must lie in 1 to 10, .* got \[2, 11\]"),
        ({"losses": (3.0, np.nan, 1.0)}, "finite and above 0"),
        ({"losses": (3.0, np.inf, 1.0)}, "finite and above 0"),
        ({"losses": (3.0, 2.0, 0.0)}, "finite and above 0"),
    ],
)
def test_what_no_law_can_read_is_refused_by_the_name_of_the_run(wrong, says):
    with pytest.raises(InputError, match=says) as refused:
        curve(**wrong)
    assert "'run'" in str(refused.value)


def test_the_peak_is_the_highest_rate_and_the_last_step_the_last_with_a_loss():
    found = curve(rates=(0.1, 0.4, 0.2, 0.0, 0.0, 0.0))
    assert (found.peak, found.last) == (0.4, 6)


def test_after_a_step_only_later_losses_are_kept_and_all_rates():
    found = curve().after(4)

    assert found.steps.tolist() == [6]
    assert found.losses.tolist() == [1.0]
    assert len(found.rates) == 10


def test_until_a_step_neither_rates_nor_losses_nor_warmup_are_known_beyond():
    found = curve(warmup=7).until(5)

    assert (found.steps.tolist(), found.losses.tolist()) == ([2, 4], [3.0, 2.0])
    assert (len(found.rates), found.warmup) == (5, 5)
    assert curve().until(6).steps.tolist() == [2, 4, 6]  # the loss at step 6 has felt the rates [0, 6)


@settings(max_examples=25)
@given(st.integers(1, 60), st.integers(1, 40))
def test_thinning_keeps_a_straight_line_straight_and_never_more_points_than_asked(n, most):
    steps = np.arange(2, 2 * n + 2, 2)
    found = curve(rates=np.ones(130), steps=steps, losses=200.0 - steps).thinned(most)

    assert len(found.steps) == min(n, most)
    np.testing.assert_allclose(found.losses, 200.0 - found.steps, atol=0.5)  # a step is rounded


def test_a_curve_with_few_points_is_thinned_to_itself():
    found = curve()
    assert found.thinned(3) is found


@pytest.mark.parametrize(
    ("text", "updates"),
    [
        ("warmup(30) + cosine(0.1)", 30),
        ("cosine(0.1)", 0),
        ("constant(0.1)", 0),
        ("warmup(30) + constant(0.1)", 30),
        ("wsd(0.1, warmup=25, cooldown=40)", 25),
        ("ramp(0.1, 0.05, over=10) + ramp(0.05, 0.2, over=30) + linear(0.2)", 0),  # it fell first
    ],
)
def test_a_run_warmed_up_while_its_rate_rose_all_the_way_to_the_peak(text, updates):
    assert warmup_of(parse(text).bind(Horizon(steps=200)).values()) == updates
