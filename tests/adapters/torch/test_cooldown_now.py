"""`CooldownNow` in a user's own loop: it disturbs nothing, survives a checkpoint, and says what the losses say."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from lrdecay.adapters.torch import CooldownNow
from lrdecay.adapters.torch.keeping import fingerprint
from lrdecay.errors import InputError
from lrdecay.logs.reading import read_tables
from lrdecay.losslaws.averaged import AveragedTrunk
from lrdecay.runs.seeding import random_state

X = torch.linspace(-2, 2, 64 * 3).reshape(64, 3)
Y = X.sum(1, keepdim=True).sin()


def net(normed: bool = True) -> nn.Module:
    torch.manual_seed(0)
    middle: list[nn.Module] = [nn.BatchNorm1d(8)] if normed else []
    return nn.Sequential(nn.Linear(3, 8), *middle, nn.Tanh(), nn.Dropout(0.1), nn.Linear(8, 1))


def heldout(model: nn.Module) -> float:
    """Leaves the model in evaluation mode, and draws, as a user's function may."""
    model.train(False)
    torch.rand(3)
    return float(functional.mse_loss(model(X), Y))


def train(model: nn.Module, optimizer: torch.optim.Optimizer, watch: CooldownNow | None, steps: int) -> list[Any]:
    said = []
    for _ in range(steps):
        chosen = torch.randint(len(X), (8,))
        optimizer.zero_grad(set_to_none=False)
        functional.mse_loss(model(X[chosen]), Y[chosen]).backward()
        optimizer.step()
        if watch is not None:
            said.append(watch.after_step())
    return said


def watched(model: nn.Module, optimizer: torch.optim.Optimizer | None = None, **more: Any) -> CooldownNow:
    return CooldownNow(model, heldout, **{"every": 5, "batches": X.split(16), "optimizer": optimizer, **more})


def begun(normed: bool = True) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = net(normed)
    return model, torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)


def test_a_run_that_is_watched_is_the_run_that_is_not_bit_for_bit() -> None:
    ends = []
    for watches in (False, True):
        model, optimizer = begun()
        torch.manual_seed(1)
        said = train(model, optimizer, watched(model, optimizer) if watches else None, 60)
        drawn = random_state().tensors["torch"].tobytes()
        ends.append((fingerprint([model, optimizer], identity=False), drawn))
    assert ends[0] == ends[1]
    assert any(s is not None for s in said)
    assert model.training


def test_everything_is_put_back_also_when_the_evaluation_fails() -> None:
    def fails(model: nn.Module) -> float:
        heldout(model)
        model[0].weight.data.zero_()
        raise KeyboardInterrupt

    model, optimizer = begun()
    watch = CooldownNow(model, fails, every=3, batches=X.split(16))
    train(model, optimizer, watch, 2)
    before, drawn = fingerprint([model]), random_state().tensors["torch"].tobytes()
    with pytest.raises(KeyboardInterrupt):
        watch.after_step()
    assert fingerprint([model]) == before
    assert random_state().tensors["torch"].tobytes() == drawn


def test_the_average_is_measured_with_batch_norm_statistics_of_its_own() -> None:
    seen = []

    def look(model: nn.Module) -> float:
        model.train(False)
        seen.append((model[0].weight.clone(), model[1].running_mean.clone()))
        return float(functional.mse_loss(model(X), Y))

    model, optimizer = begun()
    watch = CooldownNow(model, look, every=30, batches=DataLoader(TensorDataset(X, Y), 16, shuffle=True))
    weights = []
    for _ in range(30):
        train(model, optimizer, None, 1)
        weights.append(model[0].weight.detach().clone())
        watch.after_step()

    expected = weights[0]
    for n, last in enumerate(weights[1:], 2):
        expected = expected + 20 / (n + 19) * (last - expected)
    (own, own_mean), (averaged, mean) = seen
    assert torch.equal(own, weights[-1])
    assert torch.equal(own_mean, model[1].running_mean)
    assert torch.allclose(averaged, expected, atol=1e-6)
    bias = watch.state_dict()["average"]["1"]
    assert torch.allclose(mean, functional.linear(X, averaged, bias).mean(0), atol=1e-6)


def test_it_says_what_the_measured_losses_say_from_the_fourth_look_of_the_last_half_on() -> None:
    model, optimizer = begun()
    watch = watched(model, optimizer)
    with pytest.raises(InputError, match=r"holds 4 looks or more, got 0\. That is from step 30 on"):
        watch.estimate()
    said = train(model, optimizer, watch, 60)

    assert [i + 1 for i, s in enumerate(said) if s is not None] == [30, 35, 40, 45, 50, 55, 60]
    looks = watch.state_dict()["looks"]
    trunk = AveragedTrunk(*([look[k] for look in looks] for k in ("step", "averaged", "plain")))
    assert said[-1] == watch.estimate() == trunk.estimate(0.2)
    assert watch.estimate(0.4) == trunk.estimate(0.4)
    watch.cooled(40, 0.1, looks[7]["plain"])
    assert watch.estimate().loss == said[-1].loss
    assert watch.estimate().high != said[-1].high


def test_a_run_resumed_from_a_checkpoint_says_the_same_bits() -> None:
    model, optimizer = begun()
    watch = watched(model, optimizer)
    train(model, optimizer, watch, 43)
    watch.cooled(40, 0.1, 0.2)
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "watch": watch.state_dict()}, file)
    torch.manual_seed(5)
    said = train(model, optimizer, watch, 17)

    file.seek(0)
    saved = torch.load(file, weights_only=True)
    model, optimizer = begun()
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    again = watched(model, optimizer)
    again.load_state_dict(saved["watch"])
    torch.manual_seed(5)
    assert train(model, optimizer, again, 17) == said
    assert again.step == watch.step == 60
    one, other = again.state_dict(), watch.state_dict()
    assert all(torch.equal(one["average"][k], w) for k, w in other["average"].items())
    assert {k: v for k, v in one.items() if k != "average"} == {k: v for k, v in other.items() if k != "average"}


def test_along_a_rate_that_falls_nothing_is_said() -> None:
    model, optimizer = begun(normed=False)
    watch = watched(model, optimizer)
    assert train(model, optimizer, watch, 40)[-1] is not None
    optimizer.param_groups[0]["lr"] *= 0.5
    assert not any(train(model, optimizer, watch, 20))
    with pytest.raises(InputError, match=r"along a constant rate, got \[0.025, 0.05\]"):
        watch.estimate()
    assert train(model, optimizer, watch, 80)[-1] is not None


def test_after_a_loss_that_is_not_finite_nothing_is_said_until_it_is_long_past() -> None:
    model, optimizer = begun(normed=False)
    losses = iter([1.0, 0.9] * 10 + [np.inf, np.inf] + [1.0, 0.9] * 30)
    watch = CooldownNow(model, lambda _model: next(losses), every=5)
    said = train(model, optimizer, watch, 150)
    assert said[49] is not None
    assert next(i + 1 for i, s in enumerate(said) if i >= 50 and s is not None) == 115


def test_the_log_is_read_by_the_readers_of_forecast_and_holds_each_look_once(tmp_path: Path) -> None:
    model, optimizer = begun(normed=False)
    watch = watched(model, optimizer, log=tmp_path / "watch.csv")
    train(model, optimizer, watch, 47)
    state = watch.state_dict()
    train(model, optimizer, watch, 13)
    watch.load_state_dict(state)
    train(model, optimizer, watch, 13)

    (table,) = read_tables(str(tmp_path / "watch.csv"))
    assert table.columns["heldout_loss"].steps.tolist() == list(range(5, 61, 5))
    assert set(table.columns["lr"].values) == {0.05}
    looks = watch.state_dict()["looks"]
    assert table.columns["averaged"].values.tolist() == [look["averaged"] for look in looks]
    assert table.columns["estimate"].values[-1] == watch.estimate().loss


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: CooldownNow(3, heldout, every=5), "must be a torch.nn.Module"),
        (lambda: CooldownNow(net(), 0.3, every=5), "must be a function of the model"),
        (lambda: CooldownNow(net(), heldout, every=0), "`CooldownNow(every=...)` must be a positive integer"),
        (lambda: CooldownNow(net(), heldout, every=5), "must be given for a model with batch norm"),
        (lambda: CooldownNow(net(), heldout, every=5, batches=iter([X])), "must give a fresh pass each time"),
        (lambda: CooldownNow(net(False), heldout, every=5, cooldown=0.5), "from 0.1 to 0.4"),
        (lambda: CooldownNow(net(False), lambda _m: "low", every=1).after_step(), "must give a number, got 'str'"),
        (lambda: watched(net()).load_state_dict({"format": 9}), "must be of format 1"),
        (
            lambda: watched(net()).load_state_dict({**watched(net()).state_dict(), "average": {"0": X}}),
            "must be of a model with these parameters",
        ),
    ],
)
def test_what_cannot_be_watched_is_refused_in_one_line(make, words) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_average_of_bfloat16_weights_follows_them_where_its_shares_are_below_their_precision() -> None:
    model = nn.Linear(1, 1, bias=False).bfloat16()
    watch = CooldownNow(model, lambda m: float(m.weight), every=10_000)
    start = watch.state_dict()
    one = {"0": torch.ones(1, 1)}
    watch.load_state_dict({**start, "step": 100_000, "average": one})
    with torch.no_grad():
        model.weight.fill_(2.0)
    for _ in range(1000):
        watch.after_step()
    expected = 1.0
    for n in range(100_001, 101_001):
        expected += 20 / (n + 19) * (2.0 - expected)
    assert float(watch.state_dict()["average"]["0"]) == pytest.approx(expected, abs=1e-4)
    assert expected == pytest.approx(1.18, abs=0.01)
