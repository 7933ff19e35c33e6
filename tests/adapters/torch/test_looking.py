"""What is read of a run through its optimizer, beside the same worked out by hand; the run itself is not changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lrdecay.adapters.torch.looking import Looking

X = torch.randn(64, 3, generator=torch.Generator().manual_seed(1))
Y = X @ torch.tensor([1.0, -2.0, 0.5]) + 0.1


def looked(tmp_path: Path, rates: list[float], *, probe: bool = False, **order: Any) -> tuple[Any, list[np.ndarray]]:
    """Train a linear model under an order; gives what was seen, and the weights before and after every update."""
    said = {"out": str(tmp_path / "seen.npz"), "window": 3, "average": None, "keep": [], "windows": [], "put": []}
    file = tmp_path / "order.json"
    file.write_text(json.dumps(said | {"groups": 4, "batches": 8} | order))
    torch.manual_seed(0)
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    looking = Looking(optimizer, file)
    if probe:
        looking.probe(model, lambda out, y: (out[:, 0] - y).square().mean() / 2, (X, Y))
    looking.begin(0)
    weights = [flat(model)]
    for t, rate in enumerate(rates):
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad()
        i = torch.arange(4 * t, 4 * t + 4) % 64
        (model(X[i])[:, 0] - Y[i]).square().mean().div(2).backward()
        optimizer.step()
        weights.append(flat(model))
    looking.end()
    with np.load(tmp_path / "seen.npz", allow_pickle=False) as kept:
        return {name: kept[name] for name in kept.files}, weights


def flat(model: torch.nn.Module) -> np.ndarray:
    return torch.cat([p.detach().reshape(-1).double() for p in model.parameters()]).numpy()


def test_a_run_that_is_looked_at_is_the_run(tmp_path: Path) -> None:
    plain = looked(tmp_path, [0.1] * 10)[1]
    seen = looked(tmp_path, [0.1] * 10, probe=True, keep=[2, 5], windows=[[2, 5], [5, 8]])[1]
    assert all(np.array_equal(a, b) for a, b in zip(plain, seen, strict=True))


def test_weights_averages_and_turns_are_those_of_the_run(tmp_path: Path) -> None:
    seen, weights = looked(tmp_path, [0.7] * 10, keep=[4], windows=[[2, 7]])
    assert np.array_equal(seen["weights@4"], weights[4])
    average = weights[1].copy()
    for n, w in enumerate(weights[2:], start=2):
        average += max(1 / n, 1 / 3) * (w - average)
    assert seen["average"] == pytest.approx(average, abs=1e-6)
    updates = np.diff(weights, axis=0)[2:7]
    said = json.loads(bytes(seen["said"]))
    assert said["turned"]["2"] == pytest.approx(np.sum(updates[1:] * updates[:-1], axis=1), rel=1e-4, abs=1e-7)
    assert len(said["random"]["2"]) == 5


def test_at_a_rate_of_0_gradients_are_of_the_weights_that_were_put_there(tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", a=np.array([1.0, -2.0, 0.5, 0.1]), b=np.zeros(4))
    file = str(tmp_path / "some.npz")
    put = [{"at": 0, "file": file, "name": "a"}, {"at": 10, "file": file, "name": "b"}]
    seen, _ = looked(tmp_path, [0.0] * 20, put=put)
    said = json.loads(bytes(seen["said"]))
    assert said["moved"] == {"0": 0.0, "1": 0.0}
    assert seen["squares@0"].max() < 1e-9  # the weights that fit all data have no gradient, in any batch
    at_zero = []
    for t in range(11, 19):
        i = torch.arange(4 * t, 4 * t + 4) % 64
        at_zero.append(-torch.cat([(Y[i, None] * X[i]).mean(0), Y[i].mean()[None]]).double().numpy())
    groups = np.array(at_zero).reshape(4, 2, 4)
    assert seen["squares@1"] == pytest.approx((groups**2).sum(axis=2).mean(axis=1), rel=1e-5)
    means = groups.mean(axis=1)
    assert seen["products@1"] == pytest.approx(means @ means.T, rel=1e-5, abs=1e-9)


def test_weights_that_do_not_stay_are_told(tmp_path: Path) -> None:
    np.savez(tmp_path / "some.npz", a=np.ones(4))
    seen, _ = looked(tmp_path, [0.1] * 12, put=[{"at": 0, "file": str(tmp_path / "some.npz"), "name": "a"}])
    assert json.loads(bytes(seen["said"]))["moved"]["0"] > 0


def test_a_probe_gives_the_largest_eigenvalue(tmp_path: Path) -> None:
    seen, _ = looked(tmp_path, [0.1] * 6, probe=True, keep=[2], windows=[[2, 6]])
    one = torch.cat([X, torch.ones(64, 1)], dim=1).double().numpy()
    said = json.loads(bytes(seen["said"]))
    assert said["tops"]["2"]["eigenvalue"] == pytest.approx(np.linalg.eigvalsh(one.T @ one / 64)[-1], rel=1e-4)
    assert len(said["along"]["2"]) == 4
    assert "right@2" not in seen  # its targets are no classes
