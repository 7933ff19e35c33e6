"""The run that would tell most is the one whose end goes along with what is in doubt."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from attrs import evolve
from tests.losslaws.planted import CONSTANT, LONG, SHORT, curve, fitted, rates_of

from lrdecay import Horizon, parse
from lrdecay.errors import InputError
from lrdecay.losslaws.next_run import next_runs, trunk_of

WANTED = (SHORT, 'wsd(0.1, warmup=50, cooldown="40%")', "warmup(50) + cosine(0.1)")


@cache
def found():
    return next_runs(fitted(SHORT), [rates_of(s, 3000) for s in WANTED], warmup=50)


def test_suggestions_are_ranked_and_shares_are_shares():
    shares = [s.share for s in found()]
    assert all(0 <= s <= 1 for s in shares)
    assert max(shares) > 0.1
    assert all(a >= b - 0.04 for a, b in pairwise(shares))


def test_runs_bind_and_the_cost_is_what_lies_beyond_the_checkpoint():
    for run in found():
        assert len(parse(run.spec).bind(Horizon(steps=run.steps)).values()) == run.steps
        assert run.cost == run.steps - run.start > 0
        assert run.start in (0, 1000, 2000)


def test_what_decays_gain_is_told_by_a_decay_and_not_by_more_of_the_constant_run():
    best = found()[0]
    constant = next(s for s in found() if "constant" in s.spec)
    assert "constant" not in best.spec
    assert best.share > 2 * constant.share


def test_the_share_is_the_variance_that_remains_in_a_linear_gaussian_model():
    """With one parameter in doubt all differences go along with any end: the share is var y over var y + ε²."""
    own = fitted(SHORT)
    thetas = np.tile(own.law.fit.theta, (40, 1))
    thetas[:, 3] *= np.exp(np.linspace(-0.02, 0.02, 40))  # B
    single = evolve(own, thetas=thetas)
    for run in next_runs(single, [rates_of(s, 3000) for s in WANTED], warmup=50):
        if "constant" in run.spec:
            assert run.share < 1e-6
            continue
        said = single.predict(rates_of(run.spec, run.steps), 50)
        error = np.hypot(np.median(own.law.fit.noise.sd), single.miss) * said.loss
        variance = said.members.var(ddof=1)
        assert run.share == pytest.approx(variance / (variance + error**2), rel=1e-3)


def test_of_one_schedule_its_loss_is_wanted_and_of_none_nothing():
    assert next_runs(fitted(SHORT), [rates_of(SHORT, 3000)], warmup=50)[0].share > 0
    with pytest.raises(InputError, match="at least one schedule"):
        next_runs(fitted(SHORT), [])


def test_the_trunk_is_the_log_that_held_its_peak_longest():
    logs = [curve(LONG, 2000), curve(CONSTANT, 1000)]
    trunk, end = trunk_of(logs)
    assert trunk is logs[0]
    assert end == pytest.approx(1430, abs=2)  # it left 95% a twentieth of 600 after 1400
    assert trunk_of([logs[1]]) == (logs[1], 1000)
