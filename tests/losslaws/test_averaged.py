"""A cooldown's end from averaged weights: the equation, its interval, what known cooldowns change, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.losslaws.averaged import AveragedTrunk, CooldownEstimate, Cooled

STEPS = np.arange(50, 801, 50)


def trunk(slope: float = -0.2, gap: float = 0.3, noise: float = 0.0, until: int = 800) -> AveragedTrunk:
    """Averaged losses on a line against ln t, and the weights' own above them, off by turns."""
    steps = STEPS[until >= STEPS]
    averaged = 3.0 + slope * np.log(steps / 800)
    return AveragedTrunk(steps, averaged, averaged + gap + noise * (-1.0) ** np.arange(len(steps)))


@pytest.mark.parametrize("share", [0.1, 0.2, 0.4])
def test_a_cooldown_ends_where_the_average_would_be_after_half_its_updates(share: float) -> None:
    found = trunk().estimate(share)

    assert found.loss == pytest.approx(3.0 - 0.2 * np.log1p(share / 2))
    assert (found.step, found.share, found.rising) == (800, share, False)
    assert found.now == pytest.approx(3.3)


def test_the_half_width_is_half_of_the_gain_and_goes_with_the_root_of_longer_lengths() -> None:
    for share, part in ((0.1, 0.5), (0.15, 0.5), (0.25, 0.57), (0.4, 1.14 * 0.4**0.5)):
        found = trunk().estimate(share)
        half = (found.high - found.low) / 2
        assert half == pytest.approx(part * (3.3 - found.loss))
        assert (found.high + found.low) / 2 == pytest.approx(found.loss)
    assert trunk(noise=0.1).estimate(0.2).high > trunk().estimate(0.2).high


def test_only_what_was_logged_by_then_is_felt() -> None:
    whole, cut = trunk(noise=0.05), trunk(noise=0.05, until=400)
    jumped = AveragedTrunk(whole.steps, np.where(STEPS > 400, 9.0, whole.averaged), whole.plain)

    assert jumped.estimate(0.2, at=400) == cut.estimate(0.2) == whole.estimate(0.2, at=400)


def test_known_cooldowns_change_the_width_and_never_the_estimate() -> None:
    own = trunk()
    plain, then = own.estimate(0.2), own.estimate(0.1, at=400)
    exact = own.estimate(0.2, known=[Cooled(400, 0.1, then.loss)])
    poor = own.estimate(0.2, known=[Cooled(400, 0.1, then.loss + 3 * (then.high - then.loss))])
    at_the_edge = [Cooled(400, 0.1, then.high)] * 1000

    assert exact.loss == poor.loss == plain.loss
    assert exact.high - exact.low == pytest.approx((plain.high - plain.low) * (4 / 5) ** 0.5)
    assert poor.high - poor.low == pytest.approx((plain.high - plain.low) * ((4 + 9 * 1.6449**2) / 5) ** 0.5)
    wide = own.estimate(0.2, known=at_the_edge)
    assert wide.high - wide.low == pytest.approx((plain.high - plain.low) * 1.6449, rel=0.01)


def test_a_loss_that_rises_is_said_to() -> None:
    assert trunk(slope=0.1).estimate().rising


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (2.88, 2.94, "a cooldown of 20% now would give about 2.91 (2.88 to 2.94)"),
        (2.5, 3.32, "a cooldown of 20% now would give about 2.9 (2.5 to 3.3)"),
        (2.9095, 2.9105, "a cooldown of 20% now would give about 2.9100 (2.9095 to 2.9105)"),
        (0.0, 22.0, "a cooldown of 20% now would give about 3 (0 to 22)"),
    ],
)
def test_an_estimate_reads_with_no_more_digits_than_it_knows(low: float, high: float, words: str) -> None:
    assert str(CooldownEstimate(2.91, low, high, 100, 0.2, 3.0, rising=False)) == words


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: trunk().estimate(0.05), "must be a share of the updates so far from 0.1 to 0.4"),
        (lambda: trunk().estimate(0.5), "must be a share"),
        (lambda: trunk().estimate(at=801), "must be a step at which both losses were measured"),
        (lambda: trunk(until=200).estimate(at=200 // 2), "must have 4 looks or more from step 50 to 100"),
        (lambda: trunk().estimate(at=400, known=[Cooled(450, 0.1, 2.0)]), "must have begun by step 400"),
        (lambda: trunk().estimate(known=[Cooled(400, 0.7, 2.0)]), "`Cooled(share=...)`"),
        (lambda: trunk().estimate(known=[Cooled(401, 0.1, 2.0)]), "`Cooled(step=...)`"),
        (lambda: AveragedTrunk([], [], []).estimate(), "a trunk with looks"),
        (lambda: AveragedTrunk([1, 2], [1.0], [1.0, 1.0]), "must be a loss for each of the 2 steps"),
        (lambda: AveragedTrunk([1, 2], [1.0, np.nan], [1.0, 1.0]), "must be finite, and is not at step 2, got nan"),
        (lambda: AveragedTrunk([2, 2], [1.0, 1.0], [1.0, 1.0]), "must rise"),
    ],
)
def test_what_cannot_be_said_is_refused_in_one_line(ask, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as caught:
        ask()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
