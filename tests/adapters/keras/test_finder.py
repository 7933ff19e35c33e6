"""A range test on a compiled Keras model: what it measures, what it refuses, and that fitting after it is fitting."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import keras
import numpy as np
import pytest
from attrs import frozen
from tests.adapters.keras.models import KERAS_AND_NUMPY

from lrdecay.adapters.keras import attach, find
from lrdecay.errors import InputError, RunError
from lrdecay.rangetest.driver import rising_rates
from lrdecay.schedule import Horizon, cosine, plan

pytestmark = pytest.mark.filterwarnings(KERAS_AND_NUMPY)

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(64, 6)).astype("float32")
Y = X[:, :3].argmax(1)


class Failing:
    """Batches of 8; the one of this number raises."""

    def __init__(self, at: int, failure: Callable[[], object]) -> None:
        self.left, self.failure = at, failure

    def __iter__(self) -> Iterator[Any]:
        for i in range(0, 64, 8):
            self.left -= 1
            if self.left < 0:
                self.failure()
            random.random()
            yield X[i : i + 8], Y[i : i + 8]


def raising(kind: type[BaseException]) -> Callable[[], object]:
    def fail() -> None:
        if kind is KeyboardInterrupt:
            signal.raise_signal(signal.SIGINT)
        message = "on purpose"
        raise kind(message)

    return fail


def net(optimizer: Any) -> keras.Model:
    layers = [keras.layers.Dense(8), keras.layers.BatchNormalization(), keras.layers.ReLU(), keras.layers.Dropout(0.2)]
    model = keras.Sequential([keras.Input((6,)), *layers, keras.layers.Dense(3)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    return model


def left(model: keras.Model) -> dict[str, Any]:
    """All that is left behind, but for which objects they are."""
    name, keys, *more = np.random.get_state()  # noqa: NPY002
    variables = [*model.variables, *model.optimizer.variables]
    return {
        "variables": [keras.ops.convert_to_numpy(v.value).tobytes() for v in variables],
        "random": (random.getstate(), name, keys.tobytes(), *more),
    }


@frozen
class Trial:
    name: str
    optimizer: Callable[[], Any]
    warm: bool = False
    attached: bool = False
    fails_at: int | None = None
    failure: type[BaseException] = RuntimeError  # KeyboardInterrupt: by a signal


TRIALS = [
    Trial("momentum cold", lambda: keras.optimizers.SGD(0.1, momentum=0.9)),
    Trial("momentum warm fails", lambda: keras.optimizers.SGD(0.1, momentum=0.9), warm=True, fails_at=9),
    Trial(
        "adam attached Ctrl-C", lambda: keras.optimizers.Adam(), attached=True, fails_at=15, failure=KeyboardInterrupt
    ),
    Trial(
        "scaled adamw that accumulates",
        lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.AdamW(0.01, gradient_accumulation_steps=2)),
        warm=True,
        fails_at=50,
    ),
]


def fit(trial: Trial, found: Callable[[keras.Model], None] | None = None, *callbacks: Any) -> Any:
    keras.utils.set_random_seed(3)
    model = net(trial.optimizer())
    if trial.attached:
        attach(model, "cosine(0.05)", Horizon(steps=30))
    if trial.warm:
        model.fit(X, Y, batch_size=8, verbose=0)
    if found is not None:
        found(model)
    history = model.fit(X, Y, batch_size=8, verbose=0, callbacks=list(callbacks)).history
    return history, left(model)


@cache
def plain(trial: Trial) -> Any:
    """To fit alone."""
    return fit(trial)


@pytest.mark.parametrize("trial", TRIALS, ids=lambda t: t.name)
def test_to_find_and_then_to_fit_is_bit_for_bit_to_fit(trial: Trial) -> None:
    def looked(model: keras.Model) -> None:
        before, rate, step = left(model), model.optimizer._learning_rate, model.train_function
        shape = {"repeats": 2, "points": 12, "low": 1e-3, "high": 100.0}
        if trial.fails_at is None:
            assert find(model, X, Y, batch_size=8, heldout=(X, Y), heldout_every=4, **shape).restored
        else:
            with pytest.raises(trial.failure) as caught:
                find(model, Failing(trial.fails_at, raising(trial.failure)), **shape)
            assert not hasattr(caught.value, "__notes__")
            assert str(caught.value) in ("on purpose", "")
        after = left(model)
        assert after["random"] == before["random"]
        if trial.warm:  # a cold optimizer is built by a look at it
            assert after == before
        assert model.optimizer._learning_rate is rate
        assert model.train_function is step

    assert fit(trial, looked) == plain(trial)


def test_in_a_callback_in_the_middle_of_an_epoch_it_changes_nothing() -> None:
    class Look(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 2:
                assert find(self.model, X, Y, batch_size=8, points=10, repeats=1).restored

    assert fit(TRIALS[0], None, Look()) == plain(TRIALS[0])


def summing(optimizer: Any) -> keras.Model:
    """y = a x + b x from a = b = 0; the loss is the mean of y, plus 1: the gradients are the mean of x."""
    inputs = keras.Input((1,))
    parts = [keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name=name)(inputs) for name in "ab"]
    model = keras.Model(inputs, keras.layers.Add()(parts))
    model.compile(optimizer=optimizer, loss=lambda _, predicted: keras.ops.mean(predicted) + 1)
    return model


ONES = np.ones((8, 1), "float32")


def weights_at_points(model: keras.Model, **more: Any) -> tuple[np.ndarray, Any]:
    """The weights before each point, shape (points, 2)."""
    seen: list[list[float]] = []

    def heldout() -> float:
        seen.append([float(keras.ops.convert_to_numpy(v.value).item()) for v in model.trainable_variables])
        return 0.0

    shape = {"points": 11, "low": 1e-3, "high": 1e-2, "ramp": "linear", "repeats": 1} | more
    found = find(model, ONES, ONES, batch_size=4, heldout=heldout, heldout_every=1, **shape)
    return np.array(seen), found


def test_the_rates_are_those_asked_for_whatever_was_attached_and_multipliers_hold() -> None:
    model = summing(keras.optimizers.SGD(0.7))
    attach(model, "constant(0.5)", Horizon(steps=9), layer_multipliers={"b": 0.1})
    seen, found = weights_at_points(model)
    np.testing.assert_allclose(-np.diff(seen[:, 0]), rising_rates(1e-3, 1e-2, 11, "linear")[:10], rtol=1e-3)
    np.testing.assert_allclose(np.diff(seen[:, 1]), np.diff(seen[:, 0]) / 10, rtol=1e-2)
    assert found.curves[0].losses[0] == 1.0


def test_a_point_is_one_update_of_accumulated_batches_and_a_skipped_one_is_none() -> None:
    seen, found = weights_at_points(summing(keras.optimizers.SGD(0.1, gradient_accumulation_steps=3)))
    assert len(found.curves[0].losses) == 11
    np.testing.assert_allclose(-np.diff(seen[:, 0]), rising_rates(1e-3, 1e-2, 11, "linear")[:10], rtol=1e-3)

    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=2.0**127)
    model = summing(scaled)
    model.compile(optimizer=scaled, loss=lambda _, predicted: 4 * keras.ops.mean(predicted) + 1)
    seen, found = weights_at_points(model)
    assert len(found.curves[0].losses) == 11
    np.testing.assert_allclose(-np.diff(seen[:, 0]), 4 * rising_rates(1e-3, 1e-2, 11, "linear")[:10], rtol=1e-3)
    assert float(keras.ops.convert_to_numpy(scaled.dynamic_scale.value)) == 2.0**127


def test_it_finds_a_peak_and_says_what_was_done() -> None:
    keras.utils.set_random_seed(0)
    model = net(keras.optimizers.Adam())
    batches = [(X[i : i + 32], Y[i : i + 32]) for i in (0, 32)]
    found = find(model, batches, repeats=2, points=60, low=1e-4, high=30.0, heldout=batches)
    assert 1e-3 < found.suggestion < 3
    assert found.restored
    assert found.seeds == (20_000, 20_001)
    assert found.curves[0].losses[5] != found.curves[1].losses[5]  # each its own dropout
    assert found.curves[0].critical.rate > 0
    assert found.curves[0].heldout[0] == pytest.approx(
        model.evaluate(X, Y, verbose=0, return_dict=True)["loss"], rel=1e-5
    )
    assert any("does not shuffle" in note for note in found.notes)
    assert any("ran dry after 2 batches, and was begun again" in note for note in found.notes)
    shuffled = find(model, X.astype("float64"), Y, batch_size=32, repeats=2, points=10, low=1e-5)
    assert shuffled.curves[0].losses[0] != shuffled.curves[1].losses[0]


def test_the_critical_rate_of_a_quadratic_under_gradient_descent_is_two_over_its_curvature() -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(optimizer=keras.optimizers.SGD(), loss=lambda _, out: 2 * keras.ops.mean(out**2))
    critical = find(model, ONES, ONES, repeats=1, points=10, low=1e-4).curves[0].critical
    assert critical.rate <= 2 / 4 < critical.raises_at
    assert critical.raises_at / critical.rate < 2**0.26


def test_a_model_that_is_not_built_is_built_as_fit_would() -> None:
    class Late(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.noise = keras.layers.Dense(3), keras.layers.Dropout(0.1)

        def call(self, inputs: Any, training: bool = False) -> Any:
            return self.noise(self.body(inputs), training=training)

    def trained(looks: bool) -> Any:
        keras.utils.set_random_seed(5)
        model = Late()
        model.compile(
            optimizer=keras.optimizers.Adam(0.01), loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        )
        if looks:
            assert find(model, X, Y, batch_size=8, points=10, repeats=1).restored
        return model.fit(X, Y, batch_size=8, verbose=0).history, left(model)

    assert trained(True) == trained(False)


def test_a_change_out_of_sight_is_put_back_where_it_is_named() -> None:
    other = keras.Variable(0.0)

    class Counting:
        def __iter__(self) -> Iterator[Any]:
            other.assign_add(1.0)
            return iter([(ONES, ONES)])

    find(summing(keras.optimizers.SGD()), Counting(), keep=[other], points=10, repeats=1)
    assert float(keras.ops.convert_to_numpy(other.value)) == 0.0


def uncompiled() -> keras.Model:
    return keras.Sequential([keras.Input((6,)), keras.layers.Dense(3)])


def broken() -> keras.Model:
    model = net(keras.optimizers.SGD())
    model.trainable_variables[0].assign(np.full((6, 8), np.nan, "float32"))
    return model


def planned() -> keras.Model:
    model = net(keras.optimizers.SGD(momentum=0.9))
    attach(model, plan(lr=cosine(0.1), momentum=0.9), Horizon(steps=9))
    return model


def together() -> keras.Model:
    model = uncompiled()
    model.compile(optimizer="sgd", loss="mse", steps_per_execution=2)
    return model


def lossless() -> keras.Model:
    class Own(keras.Sequential):
        def train_on_batch(self, *_: Any, **__: Any) -> Any:
            return {"loss": np.ones(3)}

    model = Own([keras.Input((6,)), keras.layers.Dense(3)])
    model.compile(optimizer="sgd", loss="sparse_categorical_crossentropy")
    return model


def frozen_model() -> keras.Model:
    model = uncompiled()
    model.trainable = False
    model.compile(optimizer="sgd", loss="mse")
    return model


BAD: list[tuple[Callable[[], Any], dict[str, Any], type[Exception], str]] = [
    (lambda: "model", {}, InputError, r"`find\(model\)` must be a keras.Model, got 'model'"),
    (uncompiled, {}, InputError, r"`find\(model\)` must be compiled, .* Call model.compile"),
    (together, {}, InputError, "must make one update in a call, with steps_per_execution=1, got 2"),
    (planned, {}, InputError, "must have one rate, or multipliers of one, got 'a plan that drives it'"),
    (frozen_model, {}, InputError, "must have weights to train"),
    (lossless, {}, InputError, r"must give the loss as a single number, got 'an array of shape \(3,\)'"),
    (broken, {}, RunError, "must start from a finite loss, got nan at rate 1e-06"),
    (net, {"low": 1.0, "high": 1.0}, InputError, r"`find\(high=...\)` must be above low=1.0, got 1.0"),
    (net, {"x": None, "y": None}, InputError, r"`find\(model\)` must be given data, got 'none'"),
    (net, {"x": [], "y": None}, InputError, r"`find\(x=...\)` must give at least one batch, got 'none'"),
    (net, {"x": iter([]), "y": None}, InputError, r"`find\(x=...\)` must be iterable again and again"),
    (
        net,
        {"x": [(X, Y)], "y": None, "batch_size": 8},
        InputError,
        "must be given with arrays, not with batches",
    ),
    (net, {"y": Y[:5]}, InputError, r"as many samples in all arrays, got \[5, 64\]"),
    (net, {"heldout": []}, InputError, r"`find\(heldout=...\)` must hold at least one batch"),
    (net, {"repeats": 0}, InputError, r"`find\(repeats=...\)` must be a positive integer, got 0"),
]


@pytest.mark.parametrize(("make", "given", "kind", "said"), BAD, ids=[said for *_, said in BAD])
def test_bad_input_is_one_clear_sentence(
    make: Callable[..., Any], given: dict[str, Any], kind: type[Exception], said: str
) -> None:
    model = make(keras.optimizers.SGD()) if make is net else make()
    with pytest.raises(kind, match=said) as caught:
        find(model, **({"x": X, "y": Y, "repeats": 1, "points": 10} | given))
    assert "\n" not in str(caught.value)
