"""What every framework's find shares: one point is one successful step, and a loss seen by a step at rate 0."""

from __future__ import annotations

import math

import pytest

from lrdecay.errors import InputError, RunError
from lrdecay.rangetest.repeats import along, one_point


class Steps:
    """Calls that give these losses; the optimizer has stepped by so much after each."""

    def __init__(self, losses: list[float], steps: list[int]) -> None:
        self.losses, self.steps, self.calls = losses, steps, 0

    def call(self) -> float:
        self.calls += 1
        return self.losses[(self.calls - 1) % len(self.losses)]

    def made(self) -> int:
        return sum(self.steps[i % len(self.steps)] for i in range(self.calls))

    def point(self) -> float:
        return one_point(self.call, self.made, "step()", "Does it?")


def test_calls_that_make_no_step_are_averaged_into_the_point() -> None:
    steps = Steps([1.0, 2.0, 6.0], [0, 0, 1])
    assert [steps.point(), steps.point()] == [3.0, 3.0]
    assert steps.calls == 6


def test_a_loss_that_is_not_finite_ends_the_point_at_once() -> None:
    steps = Steps([1.0, math.nan], [0])
    assert math.isnan(steps.point())
    assert steps.calls == 2


def test_no_step_and_two_steps_are_refused() -> None:
    with pytest.raises(RunError, match=r"`step\(\)` must make an optimizer step, got 1000 calls without one. Does"):
        Steps([1.0], [0]).point()
    with pytest.raises(InputError, match=r"`step\(\)` must make at most one optimizer step in a call, got 2\."):
        Steps([1.0], [2]).point()


def test_the_loss_along_an_update_is_that_of_a_step_at_rate_0_on_the_same_batch_after_it() -> None:
    world = {"w": 1.0, "batch": 0}

    def point(rate: float) -> float:
        world["batch"] += 1
        loss = world["batch"] * world["w"] ** 2
        world["w"] -= rate * 2 * world["w"]
        return loss

    f = along(lambda: world.update(w=1.0), lambda: world.update(batch=0), point)
    assert [f(0.0), f(0.5), f(1.0), f(1.5)] == [1.0, 0.0, 1.0, 4.0]
