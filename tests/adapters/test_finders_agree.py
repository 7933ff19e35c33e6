"""One least-squares problem, searched through the door of each framework: one answer."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import jax.numpy as jnp
import keras
import numpy as np
import optax
import pytest
import torch

import lrdecay
from lrdecay.verbs.finding import Finding

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(256, 8)).astype("float32")
Y = (X @ np.arange(1, 9, dtype="float32") / 8 + 0.1 * DRAWS.normal(size=256)).astype("float32")[:, None]
SHAPE = {"repeats": 5, "points": 100, "low": 1e-4, "high": 10.0}


def through_torch() -> Finding:
    model = torch.nn.Linear(8, 1, bias=False)
    torch.nn.init.zeros_(model.weight)
    data = torch.utils.data.TensorDataset(torch.from_numpy(X), torch.from_numpy(Y))
    loader = torch.utils.data.DataLoader(data, batch_size=64, shuffle=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    return lrdecay.find(model, optimizer, loss=torch.nn.functional.mse_loss, loader=loader, **SHAPE)


def through_keras() -> Finding:
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    return lrdecay.find(model, x=X, y=Y, batch_size=64, **SHAPE)


def through_optax() -> Finding:
    def loss(w: jnp.ndarray, batch: tuple[jnp.ndarray, jnp.ndarray]) -> jnp.ndarray:
        return jnp.mean((batch[0] @ w - batch[1]) ** 2)

    return lrdecay.find(
        loss, optax.sgd, params=jnp.zeros((8, 1)), data=(jnp.asarray(X), jnp.asarray(Y)), batch_size=64, **SHAPE
    )


def test_the_doors_agree_within_three_tenths_of_a_decade() -> None:
    found = {"torch": through_torch(), "keras": through_keras(), "optax": through_optax()}
    answers = [math.log10(f.peak()) for f in found.values()]
    assert max(answers) - min(answers) < 0.3
    for keras_curve, optax_curve in zip(found["keras"].curves, found["optax"].curves, strict=True):
        np.testing.assert_allclose(keras_curve.losses[:60], optax_curve.losses[:60], rtol=1e-4)  # the same batches
    critical = [math.log10(f.critical_rate) for f in found.values()]
    assert max(critical) - min(critical) < 0.3
    for f in found.values():
        data = json.loads(json.dumps(f.to_json(), allow_nan=False))
        assert data["restored"] is True
        assert data["interval"][0] < data["suggestion"] < data["interval"][1]
        assert len(data["peers"]) == 7
        assert all(len(peer["answers"]) == 5 for peer in data["peers"].values())


def test_what_is_given_says_the_framework_and_no_other_is_loaded() -> None:
    code = """
import sys
import numpy as np
import lrdecay, lrdecay.verbs.find
assert not {"jax", "keras", "torch"} & set(sys.modules)
import keras
model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
model.compile(optimizer="sgd", loss="mse")
x = np.ones((32, 1), "float32")
assert lrdecay.find(model, x=x, y=x, repeats=1, points=10).restored
assert not {"optax", "torch"} & set(sys.modules), set(sys.modules) & {"optax", "torch"}
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_arguments_of_another_framework_are_refused() -> None:
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1)])
    model.compile(optimizer="sgd", loss="mse")
    cases = [
        (
            lambda: lrdecay.find(model, model.optimizer, x=X, y=Y),
            r"`find\(optimizer=...\)` must not be given with a",
        ),
        (
            lambda: lrdecay.find(model, x=X, y=Y, loader=[]),
            r"`find\(loader=...\)` must not be given with a Keras",
        ),
        (
            lambda: lrdecay.find(model, x=X, y=Y, schedule="cosine"),
            r"`find\(schedule=...\)` must not be given with a",
        ),
        (
            lambda: lrdecay.find(len, optax.sgd, step_fn=len),
            r"`find\(step_fn=...\)` must not be given with a JAX",
        ),
        (lambda: lrdecay.find(len, optax.sgd, batches=[0]), r"must be given params=... and optimizer=... for a loss"),
        (
            lambda: lrdecay.find(len, state=0, x=X),
            r"`find\(x=...\)` must not be given with a JAX training",
        ),
    ]
    for call, said in cases:
        with pytest.raises(lrdecay.InputError, match=said):
            call()
