"""A JAX script under a study: it is driven at the study's rates, and a fork ends where the whole run does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax
import pytest
from tests.adapters.orders import ran

import lrdecay
from lrdecay.adapters.optax import OptaxSchedule
from lrdecay.schedule import Horizon, parse


def weights(names: dict[str, Any]) -> list[np.ndarray]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves((names["params"], names["opt_state"]))]


def test_a_fork_of_the_example_ends_bit_for_bit_where_the_whole_run_does(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = {"steps": 40, "seed": 3, "spec": "warmup(5) + cosine(0.2)"}
    whole = ran("script_optax.py", monkeypatch, **told)
    ran("script_optax.py", monkeypatch, **told, stop=17, save=tmp_path / "c")
    fork = ran("script_optax.py", monkeypatch, **told, load=tmp_path / "c")

    assert whole["run"].seed == 3
    assert all(np.array_equal(a, b) for a, b in zip(weights(whole), weights(fork), strict=True))


def test_run_attach_gives_the_module_a_schedule_and_a_factory_an_optimizer() -> None:
    want = parse("cosine(0.1)").bind(Horizon(steps=5)).values().astype(np.float32)
    f = lrdecay.script(steps=5).attach(optax, "cosine(0.1)")
    assert isinstance(f, OptaxSchedule)
    np.testing.assert_array_equal(np.asarray(f(np.arange(5))), want)

    run = lrdecay.script(steps=5)
    optimizer = run.attach(optax.adamw, "cosine(0.1)", weight_decay=0.1)
    state = optimizer.init(np.float32(1))
    for t in run.steps():
        _, state = optimizer.update(np.float32(1), state, np.float32(1))
        assert state.hyperparams["learning_rate"] == want[t]
        run.log(loss=1.0)
