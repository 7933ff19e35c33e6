"""Averages are what their equations say, change nothing of the training, and come back from snapshots bit for bit."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.adapters.torch.test_task import BATCH, RATES, STEPS, N, data, make, through_a_disk
from torch import nn

from lrdecay.adapters.torch import TorchTask
from lrdecay.adapters.torch.averages import AverageSpec, average_of
from lrdecay.errors import InputError
from lrdecay.runs.seeding import random_state
from lrdecay.runs.trainable import Snapshot
from lrdecay.schedule import Horizon

AVERAGES = ["ema", "ema(3)", "lawa", "lawa(2, 0.5ep)", "polynomial", "polynomial(1.5)"]
each_average = pytest.mark.parametrize("average", AVERAGES)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def raw(s: Snapshot) -> dict[str, bytes]:
    """Everything but the average."""
    return {k: a.tobytes() for k, a in s.tensors.items() if not k.startswith("average/")}


def along(task: TorchTask) -> list[list[torch.Tensor]]:
    """The weights after every update."""
    found = []
    for rate in RATES:
        task.advance({"lr": np.array([rate])})
        found.append([p.detach().clone() for p in task._model.parameters()])
    return found


def measured(task: TorchTask) -> list[torch.Tensor]:
    return [p.detach().clone() for p in task._measured.model(task._random).parameters()]


def close(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    return all(torch.allclose(x, y, atol=1e-6) for x, y in zip(a, b, strict=True))


@each_average
@pytest.mark.parametrize("model", ["noisy", "convolutional"])
def test_an_average_does_not_change_the_training(model: str, average: str) -> None:
    plain, averaged = make(0, model), make(0, model, average=average)
    for rate in RATES:
        assert plain.advance({"lr": np.array([rate])})["loss"] == averaged.advance({"lr": np.array([rate])})["loss"]
        averaged.evaluate()
        averaged.evaluate("train")
    assert raw(averaged.snapshot()) == raw(plain.snapshot())


def test_an_ema_is_an_even_mean_for_its_window_and_then_forgets_exponentially() -> None:
    task = make(0, "plain", average="ema(3)")
    weights = along(task)
    expected = weights[0]
    for n, last in enumerate(weights[1:], 2):
        a = max(1 / n, 1 / 3)
        expected = [(1 - a) * e + a * w for e, w in zip(expected, last, strict=True)]
    assert close(measured(task), expected)
    early = make(0, "plain", average="ema(3)")
    early.advance({"lr": RATES[:3]})
    assert close(measured(early), [torch.stack(w).mean(0) for w in zip(*weights[:3], strict=True)])


def test_lawa_is_the_mean_of_the_latest_checkpoints_at_the_ends_of_epochs() -> None:
    task = make(0, "plain", average="lawa(2)")
    weights = along(task)
    ends = [math.floor(Fraction(N, BATCH) * j + Fraction(1, 2)) for j in (1, 2, 3)]  # an epoch is 20 / 6 updates
    assert ends == [3, 7, 10]
    assert STEPS == 12
    assert close(measured(task), [(a + b) / 2 for a, b in zip(weights[6], weights[9], strict=True)])


def test_before_its_first_checkpoint_lawa_measures_the_last_weights_and_ema_before_its_first_update() -> None:
    for average in ("lawa", "ema"):
        assert make(0, average=average).evaluate() == make(0).evaluate()
    short, plain = make(0, average="lawa"), make(0)
    for task in (short, plain):
        task.advance({"lr": RATES[:2]})
    assert short.evaluate() == plain.evaluate()


@each_average
def test_a_run_resumed_at_any_step_in_a_fresh_task_measures_the_same_bits(average: str, tmp_path: Path) -> None:
    task = make(0, average=average)
    snapshots, metrics = [task.snapshot()], [task.evaluate()]
    for rate in RATES:
        task.advance({"lr": np.array([rate])})
        snapshots.append(task.snapshot())
        metrics.append(task.evaluate())
    for at in (0, 2, 3, 7, STEPS):
        fresh = make(0, average=average)
        fresh.restore(through_a_disk(snapshots[at], tmp_path))
        assert fresh.digest() == snapshots[at].digest()
        assert fresh.evaluate() == metrics[at]
        fresh.advance({"lr": RATES[at:]})
        assert fresh.digest() == task.digest()
        assert fresh.evaluate() == metrics[-1]


@each_average
def test_measuring_changes_nothing_and_gives_the_same_twice(average: str) -> None:
    task = make(0, average=average)
    task.advance({"lr": RATES})
    before, process = task.digest(), random_state()
    first = task.evaluate()
    torch.rand(3)
    assert task.evaluate() == first
    assert task.digest() == before
    torch.manual_seed(5)
    assert task.evaluate() == first
    assert process.tensors.keys() == random_state().tensors.keys()


def test_batch_norm_statistics_are_those_of_the_averaged_weights_on_the_training_set() -> None:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(8, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 3))
    task = make(0, net, average="ema(4)")
    task.advance({"lr": RATES})
    model = task._measured.model(task._random)
    h = data()[0] @ model[0].weight.T + model[0].bias
    assert torch.allclose(model[1].running_mean, h.mean(0), atol=1e-5)
    assert torch.allclose(model[1].running_var, h.var(0), atol=1e-5)
    assert not torch.allclose(net[1].running_mean, h.mean(0), atol=1e-5)
    assert model[1].momentum == net[1].momentum == 0.1


def test_an_average_takes_away_most_of_the_excess_loss_of_a_constant_rate() -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(400, 5, generator=generator)
    y = x @ torch.ones(5, 1) + torch.randn(400, 1, generator=generator)

    def loss(average: str) -> float:
        torch.manual_seed(0)
        model = nn.Linear(5, 1)
        task = TorchTask(
            model=model,
            optimizer=torch.optim.SGD(model.parameters(), lr=1.0),
            loss=nn.functional.mse_loss,
            train=(x, y),
            heldout=(x, y),
            batch_size=4,
            epochs=5,
            metric="loss",
            average=average,
        )
        task.advance({"lr": np.full(500, 0.1)})
        return float(task.evaluate()["loss"])

    whole = torch.cat([x, torch.ones(400, 1)], 1)
    least = float((y - whole @ torch.linalg.lstsq(whole, y).solution).square().mean())
    excess = loss("none") - least
    assert 0 < loss("ema") - least < excess / 4
    assert 0 < loss("lawa(20, 10)") - least < excess / 4


def test_the_snapshot_of_another_average_is_refused_and_nothing_is_changed() -> None:
    snapshots = {average: make(0, average=average) for average in ("none", *AVERAGES)}
    for task in snapshots.values():
        task.advance({"lr": RATES[:7]})
    for own, task in snapshots.items():
        before = task.digest()
        for other, from_ in snapshots.items():
            if other != own:
                with pytest.raises(InputError, match="must be given a snapshot of a task with average="):
                    task.restore(from_.snapshot())
                assert task.digest() == before


def test_a_plain_task_has_nothing_of_an_average_in_its_snapshot() -> None:
    s = make(0).snapshot()
    assert not any(k.startswith("average") for k in (*s.tensors, *s.state))


@pytest.mark.parametrize(
    "text", ["none", "ema", " ema( 0.5ep )", "lawa", "lawa(6)", "lawa(6, 100)", "lawa(6,2e3samples)", "polynomial(1.5)"]
)
def test_an_average_is_read_from_its_text(text: str) -> None:
    spec = AverageSpec.read(text)
    assert spec.kind == "none" or AverageSpec.read(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("emma", "must be none, ema, lawa or polynomial"),
        ("none(3)", "must be none, ema, lawa or polynomial"),
        ("ema(3, 4)", "must be none, ema, lawa or polynomial"),
        ("polynomial(3, 4)", "must be none, ema, lawa or polynomial"),
        ("polynomial(1001)", "must have a γ from 0 to 1000"),
        ("polynomial(x)", "must have a γ from 0 to 1000"),
        (None, "must be none, ema, lawa or polynomial"),
        ("ema(0.5)", "must be a positive duration"),
        ("ema(10%)", "must be in epochs"),
        ("ema(0.1ep)", "at least one update"),
        ("lawa(0)", "from 1 to 1000 checkpoints"),
        ("lawa(1ep)", "from 1 to 1000 checkpoints"),
        ("lawa(2, )", "must be a positive duration"),
    ],
)
def test_what_is_no_average_is_refused_in_one_line(text: str, words: str) -> None:
    horizon = Horizon(epochs=3, samples_per_epoch=N, batch_size=BATCH)
    with pytest.raises(InputError) as caught:
        average_of(text, nn.Linear(2, 1), horizon)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


SEVERAL = ["none", *AVERAGES]


@pytest.mark.parametrize("model", ["noisy", "convolutional"])
def test_several_averages_are_each_what_it_is_alone_bit_for_bit(model: str, tmp_path: Path) -> None:
    together = make(0, model, average=SEVERAL)
    alone = {average: make(0, model, average=average) for average in SEVERAL}
    for part in (RATES[:5], RATES[5:]):
        logged = together.advance({"lr": part})["loss"]
        found, digests = together.evaluate(), together.digests()
        for average, task in alone.items():
            assert task.advance({"lr": part})["loss"].tobytes() == logged.tobytes()
            own = {k.removeprefix(f"{average}/"): v for k, v in found.items() if k.startswith(f"{average}/")}
            assert own == task.evaluate()
            assert digests[average] == task.digest()
            assert task.digests() == {average: task.digest()}
    assert {k: v for k, v in found.items() if "/" not in k} == alone["none"].evaluate()  # the first
    fresh = make(0, model, average=SEVERAL)
    fresh.restore(through_a_disk(together.snapshot(), tmp_path))
    assert fresh.digest() == together.digest()
    assert fresh.evaluate() == found


def test_one_of_several_averages_given_twice_or_with_a_schedule_that_averages_itself_is_refused() -> None:
    for wrong in ([], ["ema", "ema"], ["ema", 3]):
        with pytest.raises(InputError, match=r"TorchTask\(average=\.\.\.\)` must be"):
            make(0, average=wrong)
    task = make(0, average=["none", "ema"])
    for other in ("none", "ema", ["none", "lawa"]):
        with pytest.raises(InputError, match="must be given a snapshot of a task with average"):
            make(0, average=other).restore(task.snapshot())
