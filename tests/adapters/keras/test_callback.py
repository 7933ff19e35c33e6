"""The callback writes the rate of the update to come, whatever fit is told, and resumes from the optimizer alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tests.adapters.keras.models import KERAS_AND_NUMPY, SPEC, H, rates, scalar_model, weight_of

from lrdecay.adapters.keras import LRDecay, attach
from lrdecay.errors import InputError

pytestmark = pytest.mark.filterwarnings(KERAS_AND_NUMPY)

STEPS = "constant(0.5, over=2) + constant(0.25, over=2) + constant(0.125)"


def fit(model: keras.Model, callbacks: list[Any], batches: int = 2, **options: Any) -> dict[str, list[float]]:
    x = np.ones((batches, 1), np.float32)
    return model.fit(x, x, batch_size=1, verbose=0, callbacks=callbacks, **options).history


def test_update_t_of_fit_is_made_at_the_rate_of_t_and_the_last_of_each_epoch_is_logged() -> None:
    model = scalar_model(keras.optimizers.SGD(1.0))
    history = fit(model, [LRDecay(SPEC, H)], epochs=4)
    np.testing.assert_array_equal(np.float32(history["learning_rate"]), rates(8)[1::2])
    assert weight_of(model) == pytest.approx(-rates(8).sum(), rel=1e-6)


def test_fit_called_again_and_initial_epoch_go_on_at_the_optimizers_count() -> None:
    model, callback = scalar_model(keras.optimizers.SGD(1.0)), LRDecay(STEPS, H)
    fit(model, [callback])
    assert weight_of(model) == -1.0
    fit(model, [callback], initial_epoch=1, epochs=2)
    assert weight_of(model) == -1.5


def test_accumulated_batches_are_one_step() -> None:
    model = scalar_model(keras.optimizers.SGD(1.0, gradient_accumulation_steps=3))
    fit(model, [LRDecay(STEPS, H)], batches=18)
    assert weight_of(model) == -1.75


def test_a_skipped_update_is_no_step() -> None:
    model = scalar_model(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0), initial_scale=2.0))
    x = np.array([[1], [np.nan], [1], [np.nan], [1]], np.float32)
    model.fit(x, x, batch_size=1, shuffle=False, verbose=0, callbacks=[LRDecay(STEPS, H)])
    assert weight_of(model) == -1.25


def test_a_run_that_dies_goes_on_exactly_by_backup_and_restore(tmp_path: Path) -> None:
    class Dies(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            if epoch == 2:
                raise KeyboardInterrupt

    def backup() -> keras.callbacks.Callback:
        return keras.callbacks.BackupAndRestore(str(tmp_path / "backup"))

    whole = scalar_model(keras.optimizers.SGD(1.0))
    fit(whole, [LRDecay(STEPS, H)], epochs=4)
    with pytest.raises(KeyboardInterrupt):
        fit(scalar_model(keras.optimizers.SGD(1.0)), [backup(), LRDecay(STEPS, H), Dies()], epochs=4)
    again = scalar_model(keras.optimizers.SGD(1.0))
    history = fit(again, [backup(), LRDecay(STEPS, H)], epochs=4)
    assert history["learning_rate"] == [0.125, 0.125]
    assert weight_of(again) == weight_of(whole) == -2.0


def test_past_the_end_the_end_policy_speaks() -> None:
    h = type(H)(steps=3)
    model = scalar_model(keras.optimizers.SGD(1.0))
    fit(model, [LRDecay("linear(0.75, floor=0)", h, after="repeat")], batches=6)
    assert weight_of(model) == -3.0
    with pytest.raises(InputError, match="must be before the end of the horizon, step 3, got 6"):
        fit(model, [LRDecay("linear(0.75)", h, after="raise")])


def test_an_optimizer_with_a_schedule_of_its_own_and_batches_run_together_are_refused() -> None:
    model = scalar_model(keras.optimizers.SGD(1.0))
    attach(model, SPEC, H)
    with pytest.raises(InputError, match="learning rate is a number, got 'KerasSchedule'"):
        fit(model, [LRDecay(SPEC, H)])
    together = scalar_model(keras.optimizers.SGD(1.0), steps_per_execution=2)
    with pytest.raises(InputError, match=r"with steps_per_execution=1, got 2. Use attach\(model"):
        fit(together, [LRDecay(SPEC, H)])
    with pytest.raises(InputError, match="must be given a schedule"):
        LRDecay(3, H)  # type: ignore[arg-type]
