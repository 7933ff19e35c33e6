"""A rule under Keras' fit is shown the epochs' logs by their names there, and drives the rate from the host."""

from __future__ import annotations

import json
from typing import Any

import keras
import numpy as np
import pytest
from tests.adapters.keras.models import KERAS_AND_NUMPY, scalar_model, weight_of
from tests.adapters.rules import falling

from lrdecay.adapters.keras import LRDecay, attach
from lrdecay.errors import InputError
from lrdecay.feedback.edits import Edit
from lrdecay.schedule import Horizon, constant, plan

pytestmark = pytest.mark.filterwarnings(KERAS_AND_NUMPY)

H = Horizon(epochs=4, steps_per_epoch=2)
X = np.ones((2, 1), np.float32)


class Said(keras.callbacks.Callback):
    """Puts a validation loss of ours into the logs of some epochs."""

    def __init__(self, losses: dict[int, float]) -> None:
        super().__init__()
        self.losses = losses

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if epoch in self.losses:
            logs["val_loss"] = self.losses[epoch]


def fit(model: keras.Model, callbacks: list[Any], epochs: int = 4, first: int = 0) -> dict[str, list[float]]:
    options = {"batch_size": 1, "verbose": 0, "callbacks": callbacks, "epochs": epochs, "initial_epoch": first}
    return model.fit(X, X, **options).history


def plain() -> keras.Model:
    return scalar_model(keras.optimizers.SGD(1.0))


RULED = constant(0.5) * falling(metric="val_loss")
LOSSES = {0: 1.0, 1: 2.0, 2: 1.0, 3: 3.0}


def test_the_logs_of_an_epoch_decide_the_rate_of_the_next() -> None:
    model = plain()
    decay = attach(model, RULED, H)
    assert float(model.optimizer.learning_rate) == 0.5
    history = fit(model, [Said(LOSSES), decay])
    assert history["learning_rate"] == [0.5, 0.5, 0.25, 0.25]
    assert weight_of(model) == -2 * (0.5 + 0.5 + 0.25 + 0.25)
    assert [(event.step, event.after) for event in decay.events] == [(4, 0.5), (8, 0.25)]


def test_text_and_the_callback_alone_say_the_same() -> None:
    model = plain()
    fit(model, [Said(LOSSES), LRDecay('constant(0.5) * falling(metric="val_loss")', H)])
    other = plain()
    fit(other, [Said(LOSSES), attach(other, repr(RULED), H)])
    assert weight_of(model) == weight_of(other) == -3.0


def test_the_loss_of_training_is_named_loss_and_validation_is_keras_own() -> None:
    model = plain()
    decay = LRDecay(constant(0.5) * falling(metric="val_loss"), H)
    model.fit(X, X, batch_size=1, verbose=0, validation_data=(X, X), epochs=2, callbacks=[decay])
    assert decay.state_dict()["feedback"]["rule"]["state"]["own"]["last"] is not None
    trained = LRDecay(constant(0.5) * falling(), H)
    fit(plain(), [trained], epochs=1)
    assert trained.state_dict()["feedback"]["rule"]["state"]["own"]["last"] is not None


def test_validation_may_be_rarer_than_epochs_but_not_absent() -> None:
    decay = LRDecay(RULED, H)
    fit(plain(), [Said({1: 1.0, 3: 2.0}), decay])
    assert [event.step for event in decay.events] == [8]
    with pytest.raises(InputError, match=r"must find val_loss in the logs of an epoch, got \['loss'\]"):
        fit(plain(), [LRDecay(RULED, H)])
    with pytest.raises(InputError, match="must find accuracy in the logs of an epoch"):
        fit(plain(), [LRDecay(constant(0.5) * falling(metric="accuracy"), H)])


def test_a_fit_that_is_resumed_from_the_state_goes_on_as_if_it_had_not_stopped() -> None:
    whole = plain()
    fit(whole, [Said(LOSSES), attach(whole, RULED, H)])
    for k in range(1, 4):
        model = plain()
        decay = attach(model, RULED, H)
        fit(model, [Said(LOSSES), decay], epochs=k)
        text = json.dumps(decay.state_dict(), allow_nan=False)
        again = attach(model, RULED, H)  # the optimizer goes on, with its count
        again.load_state_dict(json.loads(text))
        fit(model, [Said(LOSSES), again], epochs=4, first=k)
        assert weight_of(model) == weight_of(whole), k


def test_a_hand_turns_the_rate_at_a_boundary() -> None:
    model, called = plain(), []
    decay = LRDecay(constant(0.5), H)
    decay.at_boundary(called.append)
    decay.at_boundary(lambda t: decay.dial.add(Edit(1, 3, "scale", factor=0.5)) if t == 3 else None)
    fit(model, [decay], epochs=3)
    assert called == list(range(6))
    assert weight_of(model) == -(3 * 0.5 + 3 * 0.25)


def test_a_loop_of_ones_own_steps_and_observes() -> None:
    optimizer = keras.optimizers.SGD(1.0)
    decay = attach(optimizer, constant(0.5) * falling(), H)
    used = []
    weight = keras.Variable([0.0])
    for loss in (1.0, 2.0, 1.0):
        used.append(decay.step())
        optimizer.apply([keras.ops.ones(1)], [weight])
        decay.observe(loss=np.float32(loss))
    assert used == [0.5, 0.5, 0.25]
    assert keras.ops.convert_to_numpy(weight).tolist() == [-1.25]


def test_layers_keep_their_multipliers_under_a_rule() -> None:
    model = plain()
    fit(model, [Said(LOSSES), attach(model, RULED, H, layer_multipliers={"*": 0.5})])
    assert weight_of(model) == -1.5


def test_what_cannot_be_ruled_is_refused() -> None:
    scheduled = plain()
    attach(scheduled, "constant(0.5)", H)
    for call in (
        lambda: attach(plain(), RULED, H, after="repeat"),
        lambda: attach(plain(), "plan(lr=constant(0.5)) * falling()", H),
        lambda: attach(scheduled, RULED, H),
        lambda: attach(plain(), RULED, H, rates=np.ones(8)),
        lambda: LRDecay(plan(lr=constant(0.5)), H),
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert "\n" not in str(refused.value)
