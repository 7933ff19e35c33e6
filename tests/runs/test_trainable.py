"""The seam: snapshots that are equal exactly when states are, and what may stand behind it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from lrdecay.adapters.torch import TorchTask
from lrdecay.errors import InputError
from lrdecay.runs.trainable import Snapshot, Trainable, check_trainable, check_values
from lrdecay.tasks.quadratic import quadratic

W = np.array([[1.0, -0.0], [np.nan, 3.0]])


def small_task(seed: int = 0) -> TorchTask:
    torch.manual_seed(seed)
    model = torch.nn.Linear(2, 2)
    x, y = torch.randn(8, 2), torch.arange(8) % 2
    return TorchTask(
        model=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=1.0),
        loss=torch.nn.functional.cross_entropy,
        train=(x, y),
        heldout=(x, y),
        batch_size=4,
        steps=4,
    )


def test_a_digest_depends_on_every_bit_name_type_and_shape_and_on_the_state_but_not_on_order_or_layout() -> None:
    s = Snapshot({"a": W, "b": np.zeros(2)}, {"step": 1, "x": [0.1]})
    same = [
        Snapshot({"b": np.zeros(2), "a": W.copy()}, {"x": [0.1], "step": 1}),
        Snapshot({"a": np.asfortranarray(W), "b": np.zeros(4)[::2]}, {"step": 1, "x": [0.1]}),
    ]
    flipped = W.copy()
    flipped[0, 1] = 0.0
    nudged = W.copy()
    nudged[0, 0] = np.nextafter(1.0, 2.0)
    others = [
        Snapshot({"a": flipped, "b": np.zeros(2)}, s.state),
        Snapshot({"a": nudged, "b": np.zeros(2)}, s.state),
        Snapshot({"a": W.reshape(4), "b": np.zeros(2)}, s.state),
        Snapshot({"a": W, "b": np.zeros(4, dtype=np.float32)}, s.state),
        Snapshot({"a": W, "b": np.zeros(2, dtype=np.int64)}, s.state),
        Snapshot({"a": W, "c": np.zeros(2)}, s.state),
        Snapshot({"a": np.zeros(2), "b": W}, s.state),
        Snapshot({"a": W}, s.state),
        Snapshot(s.tensors, {"step": 2, "x": [0.1]}),
        Snapshot(s.tensors, {"step": 1, "x": [np.nextafter(0.1, 1)]}),
    ]
    assert {other.digest() for other in same} == {s.digest()}
    assert len({other.digest() for other in others} | {s.digest()}) == len(others) + 1


def test_the_size_of_a_snapshot_is_that_of_its_arrays() -> None:
    assert Snapshot({"a": W, "b": np.zeros(3, dtype=np.float32)}, {}).nbytes == 32 + 12


@pytest.mark.parametrize("make", [quadratic, small_task], ids=["quadratic", "torch"])
def test_the_digest_of_a_trainable_changes_with_an_update_and_comes_back_with_the_snapshot(make: Any) -> None:
    t = make(0)
    before, start = t.digest(), t.snapshot()
    t.advance({"lr": np.array([0.1])})
    assert t.digest() != before
    t.restore(start)
    assert t.digest() == before == start.digest()


@pytest.mark.parametrize("make", [quadratic, small_task], ids=["quadratic", "torch"])
def test_what_obeys_the_protocol_is_given_back_as_it_is(make: Any) -> None:
    made = make(0)
    assert isinstance(made, Trainable)
    assert check_trainable(made, "t.py:f") is made


@pytest.mark.parametrize(
    "made", [None, 3, "model", torch.nn.Linear(1, 1), (1, 2), quadratic], ids=lambda v: type(v).__name__
)
def test_anything_else_is_refused_in_one_line_that_says_what_to_return(made: object) -> None:
    with pytest.raises(InputError, match=r"`t\.py:f` must return a Trainable.*got \w+\. Return .*TorchTask") as caught:
        check_trainable(made, "t.py:f")
    assert type(made).__name__ in str(caught.value)
    assert "\n" not in str(caught.value)


def test_something_close_is_told_what_it_lacks() -> None:
    close = SimpleNamespace(**dict.fromkeys(("sets", "step", "horizon", "metric", "advance", "evaluate", "snapshot")))
    with pytest.raises(InputError, match=r"\(it lacks goal, restore, digest\)"):
        check_trainable(close, "t.py:f")
    with pytest.raises(InputError, match=r"it lacks step, horizon"):
        check_trainable(type(quadratic(0)), "t.py:f")


def test_a_table_of_values_says_how_many_updates_it_asks_for() -> None:
    rates = np.zeros(3)
    assert check_values({"lr": rates}, frozenset({"lr"})) == 3
    assert check_values({"lr": rates, "momentum": rates}, frozenset({"lr", "momentum", "batch_size"})) == 3
    assert check_values({"lr": np.zeros(0)}, frozenset({"lr"})) == 0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, r"must hold 'lr' and otherwise only \['lr', 'momentum'\], got \[\]"),
        ({"momentum": np.zeros(2)}, r"must hold 'lr'"),
        ({"lr": np.zeros(2), "weight_decay": np.zeros(2)}, r"got \['lr', 'weight_decay'\]"),
        ({"lr": np.zeros(2), "momentum": np.zeros(3)}, r"must hold columns of one length, got \[2, 3\]"),
    ],
    ids=["nothing", "no rate", "unknown", "lengths"],
)
def test_a_table_that_the_trainable_cannot_obey_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        check_values(values, frozenset({"lr", "momentum"}))
