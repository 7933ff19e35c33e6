"""The ways to go on, rate by rate, by hand; and what a decay that has finished asks for."""

from __future__ import annotations

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import Probe
from lrdecay.schedule import Horizon
from lrdecay.verbs.extend_choices import Wishes
from lrdecay.verbs.show import horizon_of, spec_of
from lrdecay.verbs.trunk import Trunk
from lrdecay.verbs.varied import Arm


def trunk(text, step, steps=10):
    probe = Probe("x", Horizon(steps=steps), None, None)
    spec = spec_of(text)
    used = spec.schedule.bind(horizon_of(spec, probe.horizon)).values()
    return Trunk("x", Arm(None, ScriptSource("true"), probe), step, spec, True, None, used)


def wishes(steps, rewarm=None, peaks="50%,100%", cooldown="20%", shapes="linear", floor=0.0):
    return Wishes.read(steps, rewarm, peaks, cooldown, shapes, floor)


def test_the_rate_at_a_step_is_the_next_one_and_at_the_end_the_last_one_made():
    line = trunk("linear(1.0)", 5)
    assert (line.rate, line.peak, line.finished) == (0.5, 1.0, False)
    end = trunk("linear(1.0)", 10)
    assert (end.rate, end.finished) == (pytest.approx(0.1), True)
    late = trunk("linear(1.0)", 12)
    assert late.past(20).tolist() == [*line.used.tolist(), line.used[-1], line.used[-1]]


@pytest.mark.parametrize(
    ("text", "step", "finished"),
    [
        ("linear(1.0)", 9, True),  # the last update
        ("linear(1.0)", 8, False),
        ("linear(1.0, floor=0.25, over=4) + constant(0.25)", 6, True),  # at its floor
        ("constant(1.0)", 10, False),
        ("warmup(3) + constant(1.0)", 6, False),
        ("wsd(1.0, warmup=2, cooldown=4)", 6, False),
        ("multi_step(1.0, factor=0.1, at=[6])", 7, True),
        ("multi_step(1.0, factor=0.1, at=[6])", 5, False),
    ],
)
def test_a_decay_has_finished_where_all_that_is_left_is_its_lowest_rate(text, step, finished):
    assert trunk(text, step).finished is finished


def test_a_finished_decay_asks_to_rewarm_or_to_go_back():
    with pytest.raises(InputError, match=r"`--rewarm` must be given: the decay had finished at step 10 .*of step 7 or"):
        wishes(20).choices(trunk("wsd(1.0, warmup=2, cooldown=4)", 10))
    with pytest.raises(InputError, match="decays from its first update on, so there is no checkpoint before it"):
        wishes(20).choices(trunk("cosine(1.0)", 10))


def test_a_stretched_curve_jumps_and_the_jump_is_said():
    choices = wishes(20).choices(trunk("linear(1.0)", 8))
    stretched, constant = choices.branches

    # now 1 - 8/10 = 0.2; stretched 1 - 8/20 = 0.6
    assert stretched.rates.tolist() == pytest.approx([*(1 - np.arange(8) / 10), *(1 - np.arange(8, 20) / 20)])
    assert choices.notes[0] == "stretched: rate now 0.2, the stretched curve says 0.6: a jump of 3x"
    # 20·0.8 = 16: 0.2 up to there, then down over 4
    assert constant.rates[8:].tolist() == pytest.approx([0.2] * 8 + [0.2, 0.15, 0.1, 0.05])
    assert constant.written == "constant to 16, then linear"


def test_a_rewarmup_brings_the_rate_up_in_a_straight_line():
    choices = wishes(20, rewarm="20%").choices(trunk("linear(1.0)", 8))
    stretched, _, half, whole = choices.branches

    # over 4 updates from 0.2 to the stretched curve's 1 - 12/20 = 0.4
    assert stretched.rates[8:13].tolist() == pytest.approx([0.2, 0.25, 0.3, 0.35, 0.4])
    assert stretched.rates[13:].tolist() == pytest.approx((1 - np.arange(13, 20) / 20).tolist())
    assert half.rates[8:13].tolist() == pytest.approx([0.2, 0.275, 0.35, 0.425, 0.5])
    assert whole.rates[8:].tolist() == pytest.approx([0.2, 0.4, 0.6, 0.8, *(1 - np.arange(8) / 8)])
    assert whole.written == "rewarmed to 100% over 4, then linear"
    assert choices.jump.updates == 4
    for branch in choices.branches[1:]:  # what a script is told says the same
        assert branch.schedule.bind(branch.horizon).values()[8:].tolist() == branch.rates[8:].tolist()


def test_after_a_finished_decay_nothing_goes_on_at_its_rate_and_what_does_not_rise_is_left_out():
    choices = wishes(20, rewarm=2, peaks="5%,50%").choices(trunk("linear(1.0)", 10))

    assert [b.written for b in choices.branches] == [
        "stretched to 20, rewarmed over 2",
        "rewarmed to 50% over 2, then linear",
    ]
    assert any("no constant rate" in note for note in choices.notes)
    assert any("no rewarmup to 5% of the peak, 0.05: it is not above 0.1" in note for note in choices.notes)


def test_a_curve_that_does_not_jump_up_is_not_rewarmed():
    choices = wishes(20, rewarm=2, peaks="100%").choices(trunk("constant(1.0)", 8))

    assert choices.jump.ratio == 1
    assert [b.written for b in choices.branches] == ["stretched to 20", "constant to 16, then linear"]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"steps": 10}, "`--steps` must be more than 10, got 10"),
        ({"steps": 0}, "`--steps` must be a positive integer"),
        ({"steps": 20, "rewarm": "90%"}, "`--rewarm` must be at least one update and less than the 12"),
        ({"steps": 20, "rewarm": "0%"}, "`--rewarm` must be a positive duration"),
        ({"steps": 20, "rewarm": "soon"}, "--rewarm"),
        ({"steps": 20, "peaks": "150%"}, "`--peaks` must be shares of the old peak"),
        ({"steps": 20, "cooldown": "80%"}, "must start at the checkpoint's step, 8, or later"),
        ({"steps": 20, "shapes": "exponential"}, "`--shapes` must be of linear"),
        ({"steps": 20, "floor": -1}, "`--floor` must be a number >= 0"),
        ({"steps": 20, "floor": 0.3}, "floor"),
    ],
)
def test_what_cannot_be_done_is_refused(asked, words):
    with pytest.raises(InputError, match=words):
        wishes(**asked).choices(trunk("linear(1.0)", 8))
