"""Schedule-free optimizers: trained at y, measured at x, and nothing of a measurement stays behind."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import schedulefree
import torch
from tests.adapters.torch.test_task import RATES, STEPS, Noisy, data, make, through_a_disk

from lrdecay.adapters.torch import TorchTask
from lrdecay.errors import InputError

FREE = {
    "adamw": lambda p: schedulefree.AdamWScheduleFree(p, lr=1.0, weight_decay=0.1),
    "sgd": lambda p: schedulefree.SGDScheduleFree(p, lr=1.0, momentum=0.9),
}
each_free = pytest.mark.parametrize("name", FREE)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def free(name: str, **changed: Any) -> TorchTask:
    torch.manual_seed(0)
    net = Noisy()
    return make(0, net, FREE[name](net.parameters()), **changed)


@each_free
def test_measuring_changes_no_bit_of_the_training(name: str) -> None:
    once, often = free(name), free(name)
    once.advance({"lr": RATES})
    for rate in RATES:
        often.advance({"lr": np.array([rate])})
        assert often.evaluate() == often.evaluate()
    assert often.digest() == once.digest()


@each_free
def test_a_run_resumed_at_any_step_in_a_fresh_task_is_bit_identical(name: str, tmp_path: Path) -> None:
    task = free(name)
    snapshots = [task.snapshot()]
    for rate in RATES:
        task.advance({"lr": np.array([rate])})
        snapshots.append(task.snapshot())
    for at in range(0, STEPS + 1, 3):
        fresh = free(name)
        fresh.restore(through_a_disk(snapshots[at], tmp_path))
        assert fresh.digest() == snapshots[at].digest()
        fresh.advance({"lr": RATES[at:]})
        assert fresh.digest() == task.digest()
        assert fresh.evaluate() == task.evaluate()


@each_free
def test_what_is_measured_is_what_the_package_would_measure_with_statistics_of_its_own(name: str) -> None:
    """Twin: the package's own way, as its page tells it, on a model with batch norm and no randomness."""
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Linear(8, 6), torch.nn.BatchNorm1d(6), torch.nn.ReLU(), torch.nn.Linear(6, 3))
    optimizer = FREE[name](net.parameters())
    task = make(0, net, optimizer)
    task.advance({"lr": RATES})
    found = task.evaluate()

    optimizer.eval()
    net[1].reset_running_stats()
    net[1].momentum = None
    with torch.no_grad():
        net.train()(data()[0])
        net.eval()
        x, y = data(15)
        assert found["loss"] == pytest.approx(float(torch.nn.functional.cross_entropy(net(x), y)), rel=1e-5)


def test_an_average_of_an_average_is_refused() -> None:
    with pytest.raises(InputError, match="must not be given with an optimizer that averages itself, got 'ema'"):
        free("sgd", average="ema")
