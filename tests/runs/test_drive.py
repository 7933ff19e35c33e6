"""Driving a trainable along a table: the same updates as by hand, measured on the way, ended by a loss gone wrong."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.errors import InputError
from lrdecay.runs.drive import drive, first_divergence
from lrdecay.runs.reference import TaskReference
from lrdecay.runs.spec import Divergence, RunSpec
from lrdecay.runs.task_source import TaskSource
from lrdecay.schedule import Horizon
from lrdecay.tasks.quadratic import quadratic

SOURCE = TaskSource(TaskReference("lrdecay.tasks.quadratic:quadratic", {}, "quadratic"))


def along(rates: np.ndarray, seed: int = 0, **more: Any) -> RunSpec:
    horizon = Horizon(**({"steps": len(rates)} | more.pop("horizon", {})))
    return RunSpec(SOURCE, seed, "a table", horizon, rates, "loss", "min", **more)


def deaf(_done: int, _loss: float) -> None:
    return


@given(
    rates=st.lists(st.floats(0, 1.9), min_size=1, max_size=170).map(np.array),
    evaluations=st.integers(1, 200),
    seed=st.integers(0, 10),
)
def test_a_driven_run_is_the_run_made_by_hand_with_metrics_after_the_updates_they_are_due_at(
    rates: np.ndarray, evaluations: int, seed: int
) -> None:
    spec = along(rates, seed, evaluations=evaluations)
    result = drive(quadratic(seed), spec, deaf)

    hand, losses, due = quadratic(seed), [], {}
    for t, rate in enumerate(rates):
        losses.append(hand.advance({"lr": np.array([rate])})["loss"][0])
        if t + 1 in spec.evaluation_steps():
            due[t + 1] = hand.evaluate()["loss"]

    assert result.trace.loss.tobytes() == np.array(losses).tobytes()
    assert result.trace.rate.tobytes() == rates.tobytes()
    assert result.trace.step.tolist() == list(range(len(rates)))
    done, measured = result.trace.measured("heldout_loss")
    assert dict(zip(done.tolist(), measured.tolist(), strict=True)) == due
    assert result.score == result.metrics["loss"] == due[len(rates)]
    assert result.diverged is None
    assert (result.steps, result.seed, result.metric, result.goal) == (len(rates), seed, "loss", "min")
    assert result.identity == spec.identity()


def test_the_trace_counts_epochs_where_somebody_says_what_one_is() -> None:
    rates = np.full(5, 0.1)
    assert np.isnan(drive(quadratic(0), along(rates), deaf).trace.epoch).all()
    in_epochs = drive(quadratic(0), along(rates, horizon={"steps_per_epoch": 4}), deaf).trace.epoch
    assert in_epochs.tolist() == [0, 0.25, 0.5, 0.75, 1]
    uneven = {"samples_per_epoch": 7, "batch_size": 3}
    assert drive(quadratic(0), along(rates, horizon=uneven), deaf).trace.epoch.tolist() == [t * 3 / 7 for t in range(5)]


def test_progress_is_told_more_and_more_updates_and_ends_with_all_of_them() -> None:
    told: list[tuple[int, float]] = []
    result = drive(quadratic(0), along(np.full(333, 0.1)), lambda done, loss: told.append((done, loss)))
    done = [d for d, _ in told]
    assert done == sorted(set(done))
    assert done[-1] == 333
    assert all(loss == result.trace.loss[d - 1] for d, loss in told)
    assert max(np.diff([0, *done])) <= 50


@given(at=st.integers(0, 298), evaluations=st.integers(1, 30))
def test_a_loss_that_is_not_finite_ends_the_run_at_its_step_and_rate_and_the_trace_until_then_is_kept(
    at: int, evaluations: int
) -> None:
    rates = np.linspace(0.1, 0.4, 300)
    rates[at] = 1e200  # makes the weights 1e200, whose square is beyond float64
    told: list[int] = []
    spec = along(rates, evaluations=evaluations)
    result = drive(quadratic(0), spec, lambda done, _loss: told.append(done))
    assert result.diverged == Divergence(at + 1, float(rates[at + 1]), "inf")
    assert result.steps == at + 2 == told[-1]
    assert math.isinf(result.trace.loss[-1])
    assert np.isfinite(result.trace.loss[:-1]).all()
    assert result.trace.rate.tobytes() == rates[: at + 2].tobytes()
    assert math.isnan(result.score)
    assert result.metrics == {}
    assert result.trace.measured("heldout_loss")[0].tolist() == [m for m in spec.evaluation_steps() if m <= at + 1]


def test_a_rate_that_is_too_high_grows_the_loss_until_it_is_infinite() -> None:
    result = drive(quadratic(0), along(np.full(3000, 2.5)), deaf)
    assert result.diverged is not None
    assert result.diverged.rate == 2.5
    assert result.diverged.loss == "inf"
    assert result.diverged.step == result.steps - 1
    # the stiffest direction grows by 1.5 an update: (1.5^t)^2 / 2 passes 1.8e308 at t = 877
    assert 865 <= result.diverged.step <= 880


def test_a_run_that_is_to_see_its_loss_explode_goes_on_to_the_end() -> None:
    rates = np.full(120, 0.1)
    rates[60] = 1e200
    result = drive(quadratic(0), along(rates, stop_after_divergence=False), deaf)
    assert result.diverged == Divergence(61, 0.1, "inf")
    assert result.steps == 120
    assert not np.isfinite(result.trace.loss[61:]).any()
    assert result.trace.measured("heldout_loss")[0].tolist() == [12, 24, 36, 48, 60]
    assert math.isnan(result.score)


def test_a_run_that_its_last_update_breaks_has_diverged_at_that_update_and_has_no_score() -> None:
    rates = np.full(30, 0.1)
    rates[-1] = 1e200
    result = drive(quadratic(0), along(rates), deaf)
    assert np.isfinite(result.trace.loss).all()
    assert result.diverged == Divergence(29, 1e200, "inf")
    assert math.isnan(result.score)


@pytest.mark.parametrize(
    ("loss", "found"),
    [
        ([1, 2, 3], None),
        ([], None),
        ([1, math.nan, math.inf], Divergence(8, 0.2, "nan")),
        ([1, 2, -math.inf], Divergence(9, 0.3, "-inf")),
    ],
)
def test_the_first_bad_loss_is_named_by_its_update_in_the_whole_run(
    loss: list[float], found: Divergence | None
) -> None:
    assert first_divergence(np.array(loss, dtype=np.float64), np.array([0.1, 0.2, 0.3]), 7) == found


def test_a_metric_that_is_never_measured_is_an_error_that_names_those_that_are() -> None:
    task = quadratic(0)
    task.metric = "accuracy"
    with pytest.raises(InputError, match=r"`metric='accuracy'` must be measured by quadratic, got \['loss'\]"):
        drive(task, along(np.full(3, 0.1)), deaf)


def test_an_error_of_the_trainable_is_not_caught() -> None:
    def broken(*_: object, **__: object) -> None:
        raise MemoryError

    task = quadratic(0)
    task.advance = broken  # type: ignore[method-assign, assignment]
    with pytest.raises(MemoryError):
        drive(task, along(np.full(3, 0.1)), deaf)
