"""A layer's multiplier is a multiplier of its updates, for SGD and for Adam, as torch's parameter groups have it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import torch
from tests.adapters.keras.models import KERAS_AND_NUMPY, ONE, H, scalar_model, weight_of

from lrdecay.adapters.keras import LRDecay, attach
from lrdecay.adapters.keras.layers import multipliers_of
from lrdecay.errors import InputError

pytestmark = pytest.mark.filterwarnings(KERAS_AND_NUMPY)

GRADIENTS = np.random.default_rng(1).normal(size=(6, 2, 3)).astype(np.float32)
SCALES = {"slow": 0.1, "fast": 1.0}

OPTIMIZERS: dict[str, tuple[Any, Any]] = {
    "sgd": (lambda **o: keras.optimizers.SGD(1.0, **o), lambda groups: torch.optim.SGD(groups)),
    "momentum": (
        lambda **o: keras.optimizers.SGD(1.0, momentum=0.9, **o),
        lambda groups: torch.optim.SGD(groups, momentum=0.9),
    ),
    "adam": (
        lambda **o: keras.optimizers.Adam(1.0, epsilon=1e-12, **o),
        lambda groups: torch.optim.Adam(groups, eps=1e-12),
    ),
    "adamw": (
        lambda **o: keras.optimizers.AdamW(1.0, weight_decay=0.5, epsilon=1e-12, **o),
        lambda groups: torch.optim.AdamW(groups, weight_decay=0.5, eps=1e-12),
    ),
}


def variables() -> list[keras.Variable]:
    return [keras.Variable(np.ones(3, np.float32), name=name) for name in SCALES]


def peer_values(make: Any, gradients: np.ndarray = GRADIENTS) -> np.ndarray:
    """What torch makes of two parameter groups with these multipliers at rate 0.05; shape (2, 3)."""
    parameters = [torch.nn.Parameter(torch.ones(3)) for _ in SCALES]
    groups = [{"params": [p], "lr": 0.05 * m} for p, m in zip(parameters, SCALES.values(), strict=True)]
    optimizer = make(groups)
    for row in gradients:
        for p, g in zip(parameters, row, strict=True):
            p.grad = torch.from_numpy(g.copy())
        optimizer.step()
    return torch.stack([p.detach() for p in parameters]).numpy()


def applied(optimizer: Any, held: list[keras.Variable], gradients: np.ndarray = GRADIENTS) -> np.ndarray:
    for row in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in row], held)
    return np.stack([v.numpy() for v in held])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_each_variable_moves_as_torch_moves_a_group_of_that_rate(name: str) -> None:
    ours, theirs = OPTIMIZERS[name]
    held, optimizer = variables(), ours()
    optimizer.build(held)
    attach(optimizer, "constant(0.05)", H, layer_multipliers={"slow": 0.1})
    np.testing.assert_allclose(applied(optimizer, held), peer_values(theirs), rtol=2e-5)


@pytest.mark.parametrize("name", ["momentum", "adamw"])
def test_multipliers_hold_through_accumulation(name: str) -> None:
    ours, theirs = OPTIMIZERS[name]
    held, optimizer = variables(), ours(gradient_accumulation_steps=2)
    optimizer.build(held)
    attach(optimizer, "constant(0.05)", H, layer_multipliers={"slow": 0.1})
    mean = GRADIENTS.reshape(3, 2, 2, 3).mean(axis=1)
    np.testing.assert_allclose(applied(optimizer, held), peer_values(theirs, mean), rtol=2e-5)


def test_what_is_excluded_from_weight_decay_stays_so() -> None:
    held, optimizer = variables(), keras.optimizers.SGD(1.0, weight_decay=0.5)
    optimizer.exclude_from_weight_decay(var_names=["slow"])
    optimizer.build(held)
    attach(optimizer, "constant(0.5)", H, layer_multipliers={"slow": 0.1})
    np.testing.assert_allclose(applied(optimizer, held, np.zeros((1, 2, 3), np.float32)), [[1] * 3, [0.75] * 3])


@pytest.mark.parametrize("scaled", [False, True], ids=["bare", "loss_scale"])
def test_in_a_compiled_model_a_layer_is_slowed_frozen_and_given_back(scaled: bool) -> None:
    bare = keras.optimizers.SGD(1.0)
    model = scalar_model(keras.optimizers.LossScaleOptimizer(bare, initial_scale=2.0) if scaled else bare)
    moved = []
    for multipliers in ({"dense*": 0.5}, {"dense/kernel": 0}, {}):
        attach(model, "constant(0.5)", H, layer_multipliers=multipliers)
        before = weight_of(model)
        model.train_on_batch(ONE, ONE)
        moved.append(float(before - weight_of(model)))
    assert moved == [0.25, 0, 0.5]


def test_the_callback_takes_multipliers_too() -> None:
    model = scalar_model(keras.optimizers.SGD(1.0))
    x = np.ones((2, 1), np.float32)
    for multipliers in ({"dense": 0.5}, None):
        callback = LRDecay("constant(0.5)", H, layer_multipliers=multipliers)
        model.fit(x, x, batch_size=1, verbose=0, callbacks=[callback])
    assert weight_of(model) == -(0.25 + 0.25 + 0.5 + 0.5)


def test_a_saved_model_says_that_its_multipliers_must_be_attached_again(tmp_path: Path) -> None:
    model = scalar_model(keras.optimizers.SGD(1.0))
    attach(model, "constant(0.5)", H, layer_multipliers={"dense": 0.5})
    model.train_on_batch(ONE, ONE)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    with pytest.raises(
        Exception, match=r"must be followed by attach where more than the rate was driven.*'dense': 0.5"
    ):
        loaded.train_on_batch(ONE, ONE)
    attach(loaded, "constant(0.5)", H, layer_multipliers={"dense": 0.5})
    loaded.train_on_batch(ONE, ONE)
    assert weight_of(loaded) == -0.5


def test_patterns_match_a_path_or_a_part_of_it() -> None:
    paths = ["net/dense_1/kernel", "net/dense_1/bias", "net/dense_2/kernel"]
    assert list(multipliers_of(paths, {"dense_1": 0.1}).values()) == [0.1, 0.1, 1]
    assert list(multipliers_of(paths, {"bias": 2}).values()) == [1, 2, 1]
    assert list(multipliers_of(paths, {"net/*/kernel": 0}).values()) == [0, 1, 0]
    assert list(multipliers_of(paths, {"dense_1/bias": 0, "net/dense_2": 2}).values()) == [1, 0, 2]
    assert list(multipliers_of(paths, {"dense_?": 0.5}).values()) == [0.5] * 3


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({"dens_1": 0.1}, "must match a variable, got 'dens_1'. Did you mean `dense_1`"),
        ({"dense_1": 0.1, "bias": 1.0}, "must give net/dense_1/bias one multiplier, but 'dense_1' says 0.1, got 1.0"),
        ({"dense_1": -1}, "must be a number >= 0, got -1"),
        ([0.1], "must map patterns of names to numbers"),
    ],
)
def test_multipliers_that_mean_nothing_are_refused(said: Any, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        multipliers_of(["net/dense_1/kernel", "net/dense_1/bias"], said)


def test_an_optimizer_that_knows_no_variables_yet_is_refused() -> None:
    with pytest.raises(InputError, match="must know the optimizer's variables, got 'one not built'"):
        attach(keras.optimizers.SGD(1.0), "constant(0.5)", H, layer_multipliers={"dense": 0.5})


@pytest.mark.skipif(keras.backend.backend() != "torch", reason="only torch updates all variables at once")
def test_nadam_on_torch_is_refused_for_its_variables_share_a_state() -> None:
    held, optimizer = variables(), keras.optimizers.Nadam(1.0)
    optimizer.build(held)
    with pytest.raises(InputError, match="must not drive variables apart with Nadam on the torch backend"):
        attach(optimizer, "constant(0.5)", H, layer_multipliers={"slow": 0.5})
