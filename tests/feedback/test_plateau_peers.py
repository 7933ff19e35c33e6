"""Torch's, Keras' and optax's plateau rules against the real ones: 200 random sequences each, drop for drop."""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.feedback.plateau_peers import keras_plateau, optax_plateau, torch_plateau
from lrdecay.feedback.rule import Observation, Rule
from lrdecay.schedule.horizon import Horizon

LENGTH = 30
BASE = 0.125  # exact in float32
HORIZON = Horizon(steps=1000)


def sequence(rng: random.Random) -> list[float]:
    """A metric: falling or flat, of any sign and size, coarse or fine, with holes."""
    level, pace = rng.choice([-3.0, 0.0, 0.5, 4.0, 200.0]), rng.choice([0.0, 0.01, -0.01, 0.1])
    sd = rng.choice([0.0, 0.1, 1.0])
    values = [level - pace * t + rng.gauss(0, sd) for t in range(LENGTH)]
    if rng.random() < 0.3:
        values = [round(v, 1) for v in values]
    if rng.random() < 0.4:
        for _ in range(rng.randint(1, 6)):
            values[rng.randrange(LENGTH)] = rng.choice([math.nan, math.nan, math.inf, -math.inf])
    return values


def rates(rule: Rule, values: list[float], base: float = BASE) -> list[float]:
    """The rate after each observation, under a constant schedule."""
    state, found = rule.init(), []
    for t, value in enumerate(values, 1):
        rate = base * state["multiplier"]
        state = rule.update(Observation(t, {"loss": value}, rate, HORIZON), state).state
        found.append(base * state["multiplier"])
    return found


def agree(ours: list[float], theirs: list[float]) -> bool:
    """Equal to float32, as many drops; what is below 1e-30 is 0, since Keras' float32 ends there."""
    a, b = (np.where(np.array(found) < 1e-30, 0.0, found) for found in (ours, theirs))
    return a == pytest.approx(b, rel=1e-5, abs=0) and np.count_nonzero(np.diff(a)) == np.count_nonzero(np.diff(b))


def test_torch_plateau_is_torchs_drop_for_drop() -> None:
    import torch

    rng, drops = random.Random(1), 0
    for _ in range(200):
        named: dict[str, Any] = {
            "mode": rng.choice(["min", "max"]),
            "factor": rng.choice([0.1, 0.5, 0.9]),
            "patience": rng.choice([0, 1, 3, 10]),
            "threshold": rng.choice([0.0, 1e-4, 0.1, 1.0]),
            "threshold_mode": rng.choice(["rel", "abs"]),
            "cooldown": rng.choice([0, 1, 4]),
            "min_lr": rng.choice([0.0, 0.01, 0.05, 1.0]),
            "eps": rng.choice([0.0, 1e-8, 0.02]),
        }
        values = sequence(rng)
        optimizer = torch.optim.SGD([torch.zeros(1)], lr=BASE)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **named)
        theirs = []
        for value in values:
            scheduler.step(value)
            theirs.append(optimizer.param_groups[0]["lr"])
        drops += np.count_nonzero(np.diff([BASE, *theirs]))
        assert agree(rates(torch_plateau(**named), values), theirs), (named, values)
    assert drops > 200


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning")
def test_keras_plateau_is_keras_drop_for_drop() -> None:
    import keras

    model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(BASE), "mse")
    rng, drops = random.Random(2), 0
    for _ in range(200):
        named: dict[str, Any] = {
            "mode": rng.choice(["min", "max"]),
            "factor": rng.choice([0.1, 0.5, 0.9]),
            "patience": rng.choice([0, 1, 3, 10]),
            "min_delta": rng.choice([0.0, 1e-4, 0.1]),
            "cooldown": rng.choice([0, 1, 4]),
            "min_lr": rng.choice([0.0, 0.01, 0.05, 1.0]),
        }
        values = sequence(rng)
        callback = keras.callbacks.ReduceLROnPlateau(monitor="loss", **named)
        callback.set_model(model)
        model.optimizer.learning_rate = BASE
        callback.on_train_begin()
        theirs = []
        for epoch, value in enumerate(values):
            callback.on_epoch_end(epoch, {"loss": value})
            theirs.append(float(np.asarray(model.optimizer.learning_rate)))
        drops += np.count_nonzero(np.diff([BASE, *theirs]))
        assert agree(rates(keras_plateau(**named), values), theirs), (named, values)
    assert drops > 200


def test_optax_plateau_is_optax_drop_for_drop() -> None:
    import jax
    import jax.numpy as jnp
    from optax.contrib import reduce_on_plateau

    rng, drops = random.Random(3), 0
    with jax.enable_x64(True):
        params = {"w": jnp.zeros(1, jnp.float64)}
        for _ in range(8):
            named: dict[str, Any] = {
                "factor": rng.choice([0.1, 0.5, 0.9]),
                "patience": rng.choice([0, 1, 3, 10]),
                "rtol": rng.choice([0.0, 1e-4, 0.1, 1.0]),
                "atol": rng.choice([1e-6, 0.1]),
                "cooldown": rng.choice([0, 1, 4]),
                "accumulation_size": rng.choice([1, 1, 3]),
                "min_scale": rng.choice([0.0, 0.05, 0.3]),
            }
            sequences = [sequence(rng) for _ in range(25)]
            transform = reduce_on_plateau(**named)

            def scales(values: Any, transform: Any = transform) -> Any:
                def one(state: Any, value: Any) -> Any:
                    state = transform.update(params, state, value=value)[1]
                    return state, state.scale

                return jax.lax.scan(one, transform.init(params), values)[1]

            found = np.asarray(jax.vmap(scales)(jnp.array(sequences)))
            for values, theirs in zip(sequences, BASE * found, strict=True):
                drops += np.count_nonzero(np.diff([BASE, *theirs]))
                assert agree(rates(optax_plateau(**named), values), theirs.tolist()), (named, values)
    assert drops > 200


def test_the_lowest_rate_is_a_rate_and_not_a_share_of_the_schedule() -> None:
    state = torch_plateau(factor=0.1, patience=0, min_lr=0.01).init()
    rule = torch_plateau(factor=0.1, patience=0, min_lr=0.01)
    for t, rate in ((1, 0.08), (2, 0.08)):
        response = rule.update(Observation(t, {"loss": 1.0}, rate, HORIZON), state)
        state = response.state
    assert response.multiplier * 0.08 == pytest.approx(0.01)


def test_torchs_relative_threshold_never_fires_on_a_negative_metric() -> None:
    flat = [-1.0] * 100
    assert rates(torch_plateau(patience=1), flat) == [BASE] * 100
    assert rates(torch_plateau(patience=1, threshold_mode="abs"), flat)[-1] < BASE


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (
            lambda: torch_plateau(factor=1.0),
            "`torch_plateau(factor=...)` must be a number above 0 and below 1, got 1.0",
        ),
        (lambda: keras_plateau(mode="auto"), "`keras_plateau(mode=...)` must be one of min, max, got 'auto'"),
        (lambda: optax_plateau(rtol=0.0), "`optax_plateau(rtol=..., atol=...)` must be a positive number, got 0.0"),
        (lambda: optax_plateau(rtol=2), "`optax_plateau(rtol=...)` must be in [0, 1], got 2"),
    ],
)
def test_a_wrong_argument_is_refused_in_one_line(make: Any, says: str) -> None:
    with pytest.raises(InputError) as refused:
        make()
    assert str(refused.value).startswith(says)
    assert "\n" not in str(refused.value)
