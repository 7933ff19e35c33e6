"""The range test raises the rate, sees training break, and leaves everything exactly as it was, whatever happens."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.adapters.torch import TorchTask
from lrdecay.errors import InputError, RunError
from lrdecay.rangetest.driver import STOP, range_test, rising_rates
from lrdecay.runs.seeding import RandomState, random_state, seed_everything
from lrdecay.runs.trainable import FloatArray, Snapshot
from lrdecay.tasks.quadratic import QuadraticTask, quadratic


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Failing:
    """Cross-entropy that raises at one call of many."""

    def __init__(self) -> None:
        self.at, self.failure = -1, KeyError

    def __call__(self, output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        self.at -= 1
        if self.at == -1:
            raise self.failure
        return torch.nn.functional.cross_entropy(output, target)


class Everything:
    """A torch task in the middle of training with all that a range test could disturb, and a copy of all of it."""

    def __init__(self, optimizer: type[torch.optim.Optimizer] = torch.optim.SGD, **options: Any) -> None:
        torch.manual_seed(0)
        self.loss = Failing()
        self.model = torch.nn.Sequential(
            torch.nn.Linear(4, 8),
            torch.nn.BatchNorm1d(8),
            torch.nn.ReLU(),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(8, 3),
        )
        self.optimizer = optimizer(self.model.parameters(), lr=0.125, **options)
        x, y = torch.randn(24, 4), torch.arange(24) % 3
        self.task = TorchTask(
            model=self.model,
            optimizer=self.optimizer,
            loss=self.loss,
            train=(x, y),
            heldout=(x, y),
            batch_size=8,
            steps=100,
        )
        self.task.advance({"lr": np.full(7, 0.1)})
        self.model[3].train(False)
        self.optimizer.param_groups[0]["lr"] = 0.5
        seed_everything(5)
        self.before = self.all()

    def all(self) -> dict[str, Any]:
        """The state as bytes and numbers, taken without the snapshot that is tested."""

        def raw(value: Any) -> Any:
            return value.numpy().tobytes() if torch.is_tensor(value) else value

        def of(state: RandomState) -> tuple[Any, ...]:
            return ({name: array.tobytes() for name, array in state.tensors.items()}, state.state)

        packed = self.optimizer.state_dict()
        return {
            "digest": self.task.digest(),
            "step": self.task.step,
            "model": {name: raw(value) for name, value in self.model.state_dict().items()},
            "gradients": [None if p.grad is None else raw(p.grad) for p in self.model.parameters()],
            "modes": [module.training for module in self.model.modules()],
            "optimizer": {i: {k: raw(v) for k, v in entry.items()} for i, entry in packed["state"].items()},
            "groups": packed["param_groups"],
            "parameters": [id(p) for p in self.model.parameters()],
            "process": of(random_state()),
        }

    def next_losses(self) -> list[float]:
        losses: list[float] = self.task.advance({"lr": np.full(9, 0.1)})["loss"].tolist()
        return losses


OPTIMIZERS = [(torch.optim.SGD, {"momentum": 0.9}), (torch.optim.AdamW, {})]
both = pytest.mark.parametrize(("optimizer", "options"), OPTIMIZERS, ids=["sgd", "adamw"])


@both
def test_after_a_range_test_everything_is_as_it_was_and_training_goes_on_the_same(
    optimizer: type[torch.optim.Optimizer], options: dict[str, Any]
) -> None:
    disturbed, undisturbed = Everything(optimizer, **options), Everything(optimizer, **options)
    assert any(gradient is not None for gradient in disturbed.before["gradients"])
    curve = range_test(disturbed.task, rising_rates(1e-4, 100.0, 40))
    assert curve.restored
    assert len(curve.losses) > 10
    assert disturbed.all() == disturbed.before
    assert disturbed.next_losses() == undisturbed.next_losses()


@both
@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_at_a_random_step_leaves_everything_as_it_was_and_is_passed_on(
    optimizer: type[torch.optim.Optimizer], options: dict[str, Any], failure: type[BaseException]
) -> None:
    at = random.randrange(30)
    e = Everything(optimizer, **options)
    e.loss.at, e.loss.failure = at, failure
    with pytest.raises(failure):
        range_test(e.task, rising_rates(1e-4, 1.0, 30))
    assert e.all() == e.before


def test_the_curve_is_what_training_under_these_rates_sees() -> None:
    rates = rising_rates(1e-4, 0.1, 50)
    task = quadratic(3)
    curve = range_test(task, rates)
    assert curve.rates.tobytes() == rates.tobytes()
    assert curve.losses.tobytes() == quadratic(3).advance({"lr": rates})["loss"].tobytes()
    assert not curve.diverged
    assert task.step == 0


def ends(losses: list[float]) -> int | None:
    """The first update at which the debiased average of the losses is above STOP times its minimum, or not finite."""
    averages: list[float] = []
    for t, loss in enumerate(losses):
        weights = [0.1 * 0.9 ** (t - i) for i in range(t + 1)]
        averages.append(math.fsum(w * v for w, v in zip(weights, losses, strict=False)) / math.fsum(weights))
        if not math.isfinite(loss) or averages[-1] > STOP * min(averages):
            return t
    return None


@given(
    high=st.floats(0.5, 1e6),
    points=st.integers(10, 120),
    seed=st.integers(0, 20),
    momentum=st.sampled_from([0.0, 0.9]),
)
def test_it_ends_at_the_first_update_whose_average_loss_is_four_times_its_lowest(
    high: float, points: int, seed: int, momentum: float
) -> None:
    rates = rising_rates(1e-3, high, points)
    losses = quadratic(seed, momentum=momentum).advance({"lr": rates})["loss"].tolist()
    curve = range_test(quadratic(seed, momentum=momentum), rates)
    end = ends(losses)
    count = points if end is None else end + 1
    assert curve.losses.tolist() == losses[:count]
    assert curve.rates.tobytes() == rates[:count].tobytes()
    assert curve.diverged == (end is not None)
    assert curve.restored


def test_an_infinite_loss_is_the_last_point_of_the_curve() -> None:
    curve = range_test(quadratic(0), np.array([0.1] * 11 + [1e200] * 9))
    assert curve.diverged
    assert len(curve.losses) == 13
    assert math.isinf(curve.losses[-1])


@pytest.mark.parametrize("broken", [math.nan, math.inf])
def test_a_model_that_is_broken_already_is_refused_and_left_as_it_was(broken: float) -> None:
    task = quadratic(0)
    start = task.snapshot()
    task.restore(Snapshot({"w": np.full(20, broken), "v": np.zeros(20)}, start.state))
    before = task.digest()
    with pytest.raises(
        RunError, match=r"must start from a finite loss, got (nan|inf) at rate 0.001. The model is broken"
    ):
        range_test(task, rising_rates(1e-3, 1.0, 20))
    assert task.digest() == before


class Odd:
    """A quadratic whose snapshot, restore or digest is somebody's own."""

    def __init__(self, task: QuadraticTask, **own: Callable[..., Any]) -> None:
        self._task, self._own = task, own

    def __getattr__(self, name: str) -> Any:
        return self._own[name] if name in self._own else getattr(self._task, name)


def test_a_task_whose_snapshot_forgets_state_is_refused() -> None:
    task = quadratic(0, momentum=0.9)

    def forgetful() -> Snapshot:
        return Snapshot({"w": task.snapshot().tensors["w"], "v": np.zeros(20)}, task.snapshot().state)

    task.advance({"lr": np.full(3, 0.1)})
    with pytest.raises(RunError, match=r"must leave the task as it was, got another digest\. Its snapshot") as caught:
        range_test(Odd(task, snapshot=forgetful), rising_rates(1e-3, 1.0, 20))
    assert "\n" not in str(caught.value)


def test_a_task_whose_restore_forgets_state_is_refused() -> None:
    task = quadratic(0)

    def forgetful(s: Snapshot) -> None:
        task.restore(Snapshot(s.tensors, {**s.state, "step": 1}))

    with pytest.raises(RunError, match="must leave the task as it was"):
        range_test(Odd(task, restore=forgetful), rising_rates(1e-3, 1.0, 20))


def test_a_task_may_have_a_digest_of_its_own_form() -> None:
    task = quadratic(0)
    curve = range_test(Odd(task, digest=lambda: f"mine {task.digest()}"), rising_rates(1e-3, 1.0, 20))
    assert curve.restored


def test_restoring_is_tried_also_when_the_first_update_fails() -> None:
    restored: list[Snapshot] = []
    task = quadratic(0)

    def broken(values: Mapping[str, FloatArray]) -> Mapping[str, FloatArray]:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        range_test(Odd(task, advance=broken, restore=restored.append), rising_rates(1e-3, 1.0, 20))
    assert len(restored) == 1


def test_the_rates_rise_evenly_on_a_logarithmic_axis_from_the_lowest_to_the_highest() -> None:
    rates = rising_rates(1e-6, 10.0, 71)
    assert rates.dtype == np.float64
    assert rates[0] == 1e-6
    np.testing.assert_allclose(rates, [10 ** (-6 + i / 10) for i in range(71)], rtol=1e-14)


@pytest.mark.parametrize(
    ("low", "high", "points", "said"),
    [
        (0, 1, 20, r"`find\(low=...\)` must be a positive number, got 0"),
        (1e-3, math.inf, 20, r"`find\(high=...\)` must be a positive number, got inf"),
        (1e-3, math.nan, 20, r"`find\(high=...\)` must be a positive number, got nan"),
        (1e-3, 1e-3, 20, r"`find\(high=...\)` must be above low=0.001, got 0.001"),
        (1, 0.1, 20, r"must be above low=1, got 0.1"),
        (1e-3, 1, 9, r"`find\(points=...\)` must be an integer of at least 10, got 9"),
        (1e-3, 1, 20.0, r"must be an integer of at least 10, got 20.0"),
        (1e-3, 1, True, r"must be an integer of at least 10, got True"),
    ],
)
def test_a_range_that_cannot_be_tested_is_refused(low: float, high: float, points: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        rising_rates(low, high, points)
