"""A plan drives momentum, betas and weight decay of every group inside the compiled step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tests.adapters.keras.models import KERAS_AND_NUMPY, ONE, scalar_model, weight_of

from lrdecay.adapters.keras import attach
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, group, plan

pytestmark = pytest.mark.filterwarnings(KERAS_AND_NUMPY)

H = Horizon(steps=5)
GRADIENTS = np.random.default_rng(2).normal(size=(7, 2, 3)).astype(np.float32)
SAYS = plan(
    lr="linear(0.1, floor=0.02)",
    beta1="linear(0.9, floor=0.5)",
    beta2=0.95,
    weight_decay=0.5,
    groups={"slow": group(scale=0.1, weight_decay=0), "late": group(frozen_until=2)},
)
NAMES = ("slow", "late")


def peer_values(kind: Any, says: Any, attributes: dict[str, str], rows: np.ndarray) -> np.ndarray:
    """Each variable alone under an optimizer whose plain numbers are written by hand before every update."""
    bound, ends = says.bind(H), []
    for i, label in enumerate(NAMES):
        v = keras.Variable(np.ones(3, np.float32), name=label)
        optimizer = kind()
        optimizer.build([v])
        for t, row in enumerate(rows):
            for name, attribute in attributes.items():
                setattr(optimizer, attribute, float(bound.values(name, label)[min(t, 4)]))
            optimizer.apply([keras.ops.convert_to_tensor(row[i])], [v])
        ends.append(v.numpy())
    return np.stack(ends)


@pytest.mark.parametrize("accumulation", [None, 2])
def test_every_group_moves_as_under_plain_numbers_written_by_hand(accumulation: int | None) -> None:
    def adamw(**more: Any) -> Any:
        return keras.optimizers.AdamW(1.0, weight_decay=0.3, **more)

    held = [keras.Variable(np.ones(3, np.float32), name=name) for name in NAMES]
    optimizer = adamw(gradient_accumulation_steps=accumulation)
    optimizer.build(held)
    attached = attach(optimizer, SAYS, H)
    for row in np.repeat(GRADIENTS, accumulation or 1, axis=0):
        optimizer.apply([keras.ops.convert_to_tensor(g) for g in row], held)
    attributes = {"lr": "learning_rate", "beta1": "beta_1", "beta2": "beta_2", "weight_decay": "weight_decay"}
    np.testing.assert_allclose(
        np.stack([v.numpy() for v in held]), peer_values(adamw, SAYS, attributes, GRADIENTS), rtol=1e-5
    )
    assert attached.count == 7
    assert (optimizer.beta_1, optimizer.weight_decay) == (0.9, 0.3)  # as it was built


def test_momentum_of_sgd_is_driven_in_a_compiled_model() -> None:
    model = scalar_model(keras.optimizers.SGD(1.0, momentum=0.9))
    attach(model, plan(lr=0.5, momentum="constant(0.5, over=2) + constant(0.25)"), H)
    velocity = weight = 0.0
    for momentum in (0.5, 0.5, 0.25, 0.25):
        model.train_on_batch(ONE, ONE)
        velocity = momentum * velocity - 0.5
        weight += velocity
        assert weight_of(model) == weight


def test_a_saved_model_says_that_its_plan_must_be_attached_again(tmp_path: Path) -> None:
    says = plan(lr=0.5, weight_decay=0.5)
    model = scalar_model(keras.optimizers.SGD(1.0))
    attach(model, says, H)
    model.train_on_batch(ONE, ONE)
    model.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    with pytest.raises(Exception, match=r"must be followed by attach where more than the rate was driven.*plan\("):
        loaded.train_on_batch(ONE, ONE)
    attach(loaded, says, H)
    loaded.train_on_batch(ONE, ONE)
    assert weight_of(loaded) == -0.5 * 0.75 - 0.5


def test_names_are_paths_within_the_model_whatever_keras_calls_it() -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros", name="d")])
    model.compile(optimizer=keras.optimizers.SGD(1.0), loss="mse")
    attach(model, plan(lr=0.5, groups={"d.bias": group(scale=0)}), H)
    model.train_on_batch(ONE, ONE)  # the gradient is -2
    assert [keras.ops.convert_to_numpy(v.value).item() for v in model.trainable_variables] == [1.0, 0.0]


def test_what_cannot_be_driven_is_refused() -> None:
    model = scalar_model(keras.optimizers.SGD(1.0))
    with pytest.raises(InputError, match=r"must have an optimizer with momentum, got 'SGD'. Build it with momentum="):
        attach(model, plan(lr=0.5, momentum=0.9), H)
    with pytest.raises(InputError, match="must have an optimizer with beta_1"):
        attach(model, plan(lr=0.5, beta1=0.9), H)
    with pytest.raises(InputError, match=r"must match the name of a parameter, got 'dens'.*mean `dense.kernel`"):
        attach(model, plan(lr=0.5, groups={"dens": group(scale=2)}), H)
    with pytest.raises(InputError, match=r"must be left out for a plan.*groups="):
        attach(model, plan(lr=0.5), H, layer_multipliers={"dense": 0.5})
    with pytest.raises(InputError, match="must know the optimizer's variables"):
        attach(keras.optimizers.SGD(1.0), plan(lr=0.5), H)
