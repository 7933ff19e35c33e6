"""The Keras schedule has the float64 rates rounded once, counts updates, and comes back from a saved model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tests.adapters.keras.models import KERAS_AND_NUMPY, ONE, SPEC, H, rates, scalar_model, weight_after, weight_of
from tests.bank import BANK, HORIZON

from lrdecay.adapters.keras import KerasSchedule, attach
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, cosine, peak

pytestmark = pytest.mark.filterwarnings(KERAS_AND_NUMPY)

STEPS = "constant(0.5, over=2) + constant(0.25, over=2) + constant(0.125)"  # exact in float32, whatever adds them


def as_numpy(tensor: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(tensor))


@pytest.mark.parametrize("policy", ["hold", "repeat"])
def test_every_family_has_the_float64_rates_rounded_once_to_float32_to_the_end_and_past_it(policy: str) -> None:
    t = np.arange(2 * HORIZON.steps + 3, dtype=np.int32)
    for name, spec in BANK:
        if name == "huge":
            continue
        got = as_numpy(KerasSchedule(spec, HORIZON, after=policy)(t))
        with np.errstate(under="ignore"):
            want = spec.bind(HORIZON, policy)(t).astype(np.float32)
        assert got.dtype == np.float32
        np.testing.assert_array_equal(got, want, err_msg=name)


def test_a_number_a_variable_and_a_float_are_update_indices_as_an_array_is() -> None:
    f = KerasSchedule(SPEC, H)
    for t, rate in enumerate(rates(9)):
        for index in (t, np.int32(t), float(t), keras.Variable(t, dtype="int32", trainable=False)):
            assert as_numpy(f(index)).item() == rate == f.at(t)


def test_the_compiled_step_makes_update_t_at_the_rate_of_t() -> None:
    model = scalar_model(keras.optimizers.SGD(1.0))
    attached = attach(model, SPEC, H)
    for t in range(11):
        assert (attached.count, attached.rate) == (t, rates(11)[t])
        model.train_on_batch(ONE, ONE)
        assert weight_of(model) == pytest.approx(weight_after(-rates(t + 1)) * -1, rel=1e-6)


def test_fit_walks_the_same_rates_as_single_batches() -> None:
    model = scalar_model(keras.optimizers.SGD(1.0))
    attach(model, STEPS, H)
    model.fit(np.ones((6, 1), np.float32), np.ones((6, 1)), batch_size=1, verbose=0)
    assert weight_of(model) == -(0.5 + 0.5 + 0.25 + 0.25 + 0.125 + 0.125)


def test_with_accumulation_the_schedule_counts_updates_and_not_batches() -> None:
    model = scalar_model(keras.optimizers.SGD(1.0, gradient_accumulation_steps=3))
    attached = attach(model, STEPS, H)
    seen = []
    for _ in range(18):
        model.train_on_batch(ONE, ONE)
        seen.append((attached.count, float(weight_of(model))))
    ends = [(1, -0.5), (2, -1.0), (3, -1.25), (4, -1.5), (5, -1.625), (6, -1.75)]
    assert seen[2::3] == ends
    attached.seek(2)
    for _ in range(3):
        model.train_on_batch(ONE, ONE)
    assert weight_of(model) == -2.0


def test_an_update_that_a_loss_scale_optimizer_skips_is_no_step() -> None:
    model = scalar_model(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1.0), initial_scale=2.0))
    attached = attach(model, STEPS, H)
    for x in (1, np.nan, 1, np.inf, 1):
        model.train_on_batch(np.full((1, 1), x, np.float32), ONE)
    assert attached.count == 3
    assert weight_of(model) == -1.25


@pytest.mark.parametrize("k", [0, 1, 4, 7])
def test_a_saved_model_goes_on_exactly_where_it_was(k: int, tmp_path: Path) -> None:
    batches = np.random.default_rng(0).normal(size=(9, 1, 1)).astype(np.float32)

    def trained(model: keras.Model, which: np.ndarray) -> keras.Model:
        for x in which:
            model.train_on_batch(x, ONE)
        return model

    def fresh() -> keras.Model:
        model = scalar_model(keras.optimizers.Adam(1.0))
        attach(model, SPEC, H)
        return model

    whole = trained(fresh(), batches)
    saved = trained(fresh(), batches[:k])
    saved.optimizer.build(saved.trainable_variables)
    saved.save(tmp_path / "m.keras")
    loaded = keras.saving.load_model(tmp_path / "m.keras")
    assert isinstance(loaded.optimizer._learning_rate, KerasSchedule)
    assert weight_of(trained(loaded, batches[k:])) == weight_of(whole)


def test_its_config_is_json_and_comes_back_as_the_same_rates() -> None:
    h = Horizon(epochs=3, samples_per_epoch=100, batch_size=7)
    f = KerasSchedule('warmup("1ep") + cosine(0.1)', h, after="repeat", accumulation=2)
    config = json.loads(json.dumps(keras.optimizers.schedules.serialize(f)))
    back = keras.optimizers.schedules.deserialize(config)
    assert isinstance(back, KerasSchedule)
    assert back.get_config() == f.get_config()
    assert (back.bound, back.accumulation) == (f.bound, 2)
    np.testing.assert_array_equal(as_numpy(back(np.arange(99))), as_numpy(f(np.arange(99))))


def test_attaching_again_to_a_trained_model_changes_its_compiled_step() -> None:
    model = scalar_model(keras.optimizers.SGD(1.0))
    for spec in ("constant(0.5)", "constant(0.25)"):
        attach(model, spec, H)
        model.train_on_batch(ONE, ONE)
    assert weight_of(model) == -0.75


def test_rates_made_elsewhere_are_taken_bit_for_bit() -> None:
    made = np.linspace(0.1, 0.2, 8)
    attached = attach(keras.optimizers.SGD(1.0), SPEC, H, rates=made)
    np.testing.assert_array_equal(as_numpy(attached.schedule(np.arange(8))), made.astype(np.float32))


@pytest.mark.parametrize(
    ("spec", "horizon", "options", "rule"),
    [
        (SPEC, None, {}, "must say how long the run is"),
        (3, H, {}, "must be given a schedule"),
        (SPEC, Horizon(steps=10_000_001), {}, "must be at most 10000000 steps long.*LRDecay"),
        (SPEC, H, {"after": "raise"}, "must be one of hold, repeat.*cannot raise"),
        ("constant(1e300)", H, {}, "must give rates that float32 holds"),
        (cosine(peak), H, {}, "must have a stated peak"),
    ],
)
def test_what_does_not_fit_is_refused(spec: Any, horizon: Any, options: dict[str, Any], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        attach(keras.optimizers.SGD(1.0), spec, horizon, **options)
    with pytest.raises(InputError, match=rule):
        KerasSchedule(spec, horizon, **options)


def test_what_is_no_optimizer_is_refused() -> None:
    with pytest.raises(InputError, match=r"must be a keras.optimizers.Optimizer or a compiled model, got 'int'"):
        attach(3, SPEC, H)
    with pytest.raises(InputError, match=r"got 'Sequential'. Call model.compile"):
        attach(keras.Sequential(), SPEC, H)
    with pytest.raises(InputError, match="must be an integer >= 0"):
        attach(keras.optimizers.SGD(1.0), SPEC, H).seek(-1)
    with pytest.raises(InputError, match="must be a positive integer"):
        KerasSchedule(SPEC, H, accumulation=0)
