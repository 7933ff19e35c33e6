"""How long a cooldown: every length of one shape, where each ends, and which are as good as the best for all one knows.

A length is told apart from the best where it ends higher by more than differences are off by, and the 90% interval of
the difference is above zero: the rule by which `lrdecay.losslaws.recommending` recommends.
"""

from __future__ import annotations

from attrs import frozen

from lrdecay.errors import InputError, refusal
from lrdecay.losslaws.candidates import Family, cooldowns
from lrdecay.losslaws.forecaster import Difference, Forecaster
from lrdecay.losslaws.recommending import check_horizon, difference_error

__all__ = ["Length", "best_cooldown"]


@frozen
class Length:
    """A cooldown of some length.

    Attributes:
        spec: in the notation.
        percent: of the horizon.
        loss: predicted final loss.
        low: of its 90% interval.
        high: of it.
        extrapolated: whether it is longer, or decays more, than any log.
        to_best: its loss minus the lowest one's.
        alike: whether it cannot be told from the lowest.
    """

    spec: str
    percent: int
    loss: float
    low: float
    high: float
    extrapolated: bool
    to_best: Difference
    alike: bool


def best_cooldown(
    forecaster: Forecaster, steps: int, *, warmup: int = 0, shape: str = "linear", floor: float = 0.0
) -> tuple[Length, ...]:
    """Every length of one shape that fits beside the warmup, shortest first.

    Args:
        forecaster: of the logs.
        steps: the horizon.
        warmup: updates of it that warm up.
        shape: as in `wsd`.
        floor: where it ends, as a share of the peak, in [0, 1).

    Raises:
        InputError: the horizon is too short, or `wsd` does not take the shape or the floor.
    """
    check_horizon(steps, warmup)
    if not 0 <= floor < 1:
        raise InputError(refusal("best_cooldown(floor=...)", "must be a share of the peak in [0, 1)", floor))
    specs = {_percent(s): s for s in cooldowns(forecaster.peak, warmup, [shape], [floor])}
    if not specs:
        rule = "must be above 0 where shape='exponential'"
        raise InputError(refusal("best_cooldown(floor=...)", rule, floor, "A rate that is multiplied never reaches 0."))
    made = {p: Family.of(s, steps, warmup) for p, s in specs.items() if p * steps <= 100 * (steps - warmup)}
    said = {p: forecaster.predict(f.rates, warmup) for p, f in made.items()}
    best = min(said.values(), key=lambda own: own.loss)
    error = difference_error(forecaster) * best.loss
    found = []
    for p, own in said.items():
        apart = forecaster.difference(own, best)
        alike = apart.value < error or apart.low <= 0
        found.append(Length(made[p].spec, p, own.loss, own.low, own.high, own.extrapolated, apart, alike))
    return tuple(found)


def _percent(spec: str) -> int:
    return int(spec.split('"')[1].rstrip("%"))
