"""Logs that cannot carry the question are refused with the run that would help; thin ones are warned of."""

from __future__ import annotations

import numpy as np
import pytest
from tests.losslaws.planted import CONSTANT, SHORT, curve, fitted

from lrdecay.errors import InputError
from lrdecay.losslaws.curve import Curve, cooled_updates, decays
from lrdecay.losslaws.forecaster import forecaster
from lrdecay.losslaws.support import check_fit, support

COSINE = "warmup(50) + cosine(0.1)"


def of(losses, rates=None):
    n = len(losses)
    return Curve("run", np.linspace(1, 0.1, n) if rates is None else rates, np.arange(1, n + 1), np.array(losses))


def test_a_constant_run_with_a_cooldown_carries_the_question():
    assert support([curve(CONSTANT, 2000), curve(SHORT, 2000)], 2000) == ()


def test_logs_that_no_law_fits_are_refused_with_how_far_it_is_off():
    check_fit(fitted())
    steps = np.arange(1, 201)
    vanishing = [of(np.exp(-steps / 10), np.linspace(0.1, 0.001, 200)), of(np.exp(-steps / 12), np.full(200, 0.1))]
    with pytest.raises(InputError, match=r"momentum is off by \d+% of the loss") as refused:
        check_fit(forecaster(vanishing, "momentum"))
    assert "\n" not in str(refused.value)


def test_constant_runs_alone_are_refused_and_a_short_cooldown_from_the_end_is_the_cure():
    with pytest.raises(InputError, match="rate decays") as refused:
        support([curve(CONSTANT, 1800), curve(CONSTANT, 1300)])
    said = str(refused.value)
    assert "step 1800, linearly to 0 over 200 updates" in said  # 200 of 2000 is 10%
    assert "\n" not in said


@pytest.mark.parametrize(
    ("losses", "says"),
    [
        (np.linspace(3, 2, 11), "at least 12 losses .*got 11"),
        (np.full(40, 2.0), "losses that fall"),
        (np.linspace(2, 3, 40), r"losses that fall.*got \[2\.\d+, 2\.\d+\]"),
    ],
)
def test_too_few_losses_and_losses_that_do_not_fall_are_refused_by_name(losses, says):
    with pytest.raises(InputError, match=says) as refused:
        support([of(losses)])
    assert "'run'" in str(refused.value)


def test_losses_of_the_warmup_do_not_count():
    log = Curve("run", np.linspace(1, 0.1, 30), np.arange(1, 31), np.linspace(3, 2, 30), 20)
    with pytest.raises(InputError, match="got 10"):
        support([log])


def test_no_log_is_refused():
    with pytest.raises(InputError, match="at least one run"):
        support([])


def test_one_decaying_log_alone_is_warned_of():
    (said,) = support([curve(COSINE, 2000)])
    assert "cannot be told apart" in said
    assert "constant rate" in said


def test_decays_that_stay_above_half_of_the_peak_are_warned_of():
    shallow = curve('wsd(0.1, warmup=50, cooldown="20%", floor=0.07)', 2000)
    (said,) = support([curve(CONSTANT, 2000), shallow])
    assert "decays below 70% of its peak" in said


def test_a_short_cooldown_and_short_logs_are_warned_of_by_the_horizon_asked():
    logs = [curve(CONSTANT, 2000), curve(SHORT, 2000)]
    short, far = support(logs, 10_000)

    assert "189 updates, 1.9% of the 10000 asked" in short
    assert "2000 updates, 20% of the 10000 asked" in far
    assert len(support(logs, 3_900)) == 1  # 189 is 4.8%, 2000 is 51%
    assert support(logs, 3_700) == ()


def test_a_log_decays_where_its_rate_falls_after_the_warmup_before_its_last_loss():
    assert not decays(curve(CONSTANT, 2000))
    assert decays(curve(SHORT, 2000))
    assert not decays(curve(SHORT, 2000).until(1800))
    assert cooled_updates(curve(SHORT, 2000)) == 189  # of 200, in the first 11 the rate is 95% or more
