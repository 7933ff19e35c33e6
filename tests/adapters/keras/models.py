"""A Keras model whose gradient is 1 at every update, so that its weight tells the rates it was moved by."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from lrdecay.schedule import Horizon, parse

__all__ = ["KERAS_AND_NUMPY", "ONE", "SPEC", "H", "rates", "scalar_model", "weight_after", "weight_of"]

KERAS_AND_NUMPY = "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
"""What Keras 3.15 says of its own variables under numpy 2.4, whenever it saves them."""

H = Horizon(steps=8)
SPEC = "warmup(3) + cosine(0.1)"
ONE = np.ones((1, 1), np.float32)


def rates(count: int, spec: str = SPEC, horizon: Horizon = H) -> np.ndarray:
    """The float32 rates of the first updates."""
    return parse(spec).bind(horizon)(np.arange(count)).astype(np.float32)


def scalar_model(optimizer: Any, **compiled: Any) -> keras.Model:
    """y = w x from w = 0; the loss is the mean of y, whose gradient is the mean of x."""
    inputs = keras.Input((1,))
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="dense")
    model = keras.Model(inputs, dense(inputs))
    model.compile(optimizer=optimizer, loss=_mean, **compiled)
    return model


@keras.saving.register_keras_serializable(package="lrdecay_tests", name="mean")
def _mean(_: Any, predicted: Any) -> Any:
    return keras.ops.mean(predicted)


def weight_of(model: keras.Model) -> np.float32:
    """w."""
    return np.float32(model.trainable_variables[0].numpy().item())


def weight_after(moved: np.ndarray, start: float = 0.0) -> np.float32:
    """What w is after updates of these rates, one float32 subtraction after the other."""
    w = np.float32(start)
    for rate in moved:
        w = np.float32(w - np.float32(rate))
    return w
