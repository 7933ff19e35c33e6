"""A Keras script under a study: it is driven at the study's rates, and a fork ends where the whole run does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from tests.adapters.keras.models import KERAS_AND_NUMPY, ONE, H, rates, scalar_model, weight_of
from tests.adapters.orders import ran

import lrdecay

pytestmark = pytest.mark.filterwarnings(KERAS_AND_NUMPY)


def held(names: dict[str, Any]) -> list[np.ndarray]:
    model = names["model"]
    return [keras.ops.convert_to_numpy(v.value) for v in [*model.trainable_variables, *model.optimizer.variables]]


def test_a_fork_of_the_example_ends_bit_for_bit_where_the_whole_run_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = {"steps": 20, "seed": 3, "spec": "warmup(5) + cosine(0.2)"}
    whole = ran("script_keras.py", monkeypatch, **told)
    ran("script_keras.py", monkeypatch, **told, stop=7, save=tmp_path / "c")
    fork = ran("script_keras.py", monkeypatch, **told, load=tmp_path / "c")

    assert any("seed" in v.path for v in whole["model"].variables)  # dropout's, which the checkpoint holds
    assert all(np.array_equal(a, b) for a, b in zip(held(whole), held(fork), strict=True))


@pytest.mark.parametrize("whole", [True, False], ids=["model", "optimizer"])
def test_run_attach_drives_a_model_or_its_optimizer(whole: bool) -> None:
    model = scalar_model(keras.optimizers.SGD(1.0))
    run = lrdecay.script(steps=H.steps)
    attached = run.attach(model if whole else model.optimizer, "warmup(3) + cosine(0.1)")
    for t in run.steps():
        assert (attached.count, attached.rate) == (t, rates(8)[t])
        model.train_on_batch(ONE, ONE)
    assert weight_of(model) == pytest.approx(-rates(8).sum(), rel=1e-6)
