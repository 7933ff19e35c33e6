"""Logs made by a law whose parameters are known, so that the right answer is."""

from __future__ import annotations

from functools import cache

import numpy as np

from lrdecay import Horizon, parse
from lrdecay.losslaws.curve import Curve, warmup_of
from lrdecay.losslaws.exposure import exposure
from lrdecay.losslaws.forecaster import forecaster
from lrdecay.losslaws.multi_power import MultiPower

PEAK, SPAN, LEVEL = 0.1, 2000.0, 3.0
LAW = MultiPower()
TRUTH = np.array([p.centred(SPAN) for p in LAW.parameters])
CONSTANT, SHORT, LONG = (
    "warmup(50) + constant(0.1)",
    'wsd(0.1, warmup=50, cooldown="10%")',
    'wsd(0.1, warmup=50, cooldown="30%")',
)


def rates_of(text, steps):
    return parse(text).bind(Horizon(steps=steps)).values()


def truth(text, steps, theta=TRUTH, at=None):
    """The loss by the planted law, at the end or at some steps."""
    rates = rates_of(text, steps)
    seen = exposure(rates, [steps] if at is None else at, warmup=warmup_of(rates), peak=PEAK, span=SPAN)
    loss = LEVEL * LAW.loss(theta, seen)
    return float(loss[0]) if at is None else loss


def curve(text, steps, theta=TRUTH, every=100):
    at = np.arange(every, steps + 1, every)
    rates = rates_of(text, steps)
    return Curve(text, rates, at, truth(text, steps, theta, at), warmup_of(rates))


@cache
def fitted(short=LONG):
    """A constant run and a cooldown, fitted by the law that made them."""
    return forecaster([curve(CONSTANT, 2000), curve(short, 1500)], "multi_power")
