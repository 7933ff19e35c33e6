"""Optimizers with and without decay: the table measures what is declared, and each optimizer is what it is called."""

from __future__ import annotations

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.lab.arms import Arm
from lrdecay.lab.claims.optimizers.arms import AVERAGE, DEFAULTS, PEAKS, SIZES, verdict_arms
from lrdecay.lab.claims.optimizers.experiment import AVERAGED, SAVED, TABLE
from lrdecay.lab.claims.optimizers.tasks.signals import OPTIMIZERS, signals
from lrdecay.lab.register import declared
from lrdecay.lab.tuning import Tuned


def test_every_declared_statistic_is_measured_by_arms_that_are_run() -> None:
    names = [f"{o} {kind}" for o in ("sgd", "adam", "adamw", "rmsprop", "adadelta") for kind in ("constant", "cosine")]
    names += ["schedulefree free", "schedulefree_sgd free", "sgd averaged", "adamw averaged"]
    arguments = {"optimizer": "sgd", "average": ["none"]}
    chosen = {n: Tuned(Arm(n, "x:y", "constant(0.1)", arguments, epochs=1), 0.1, 0.5, "") for n in names}
    run = {arm.name for arm in verdict_arms(chosen, SIZES["small"])}
    asked = {arm for row in TABLE.values() for arm, _ in row} | {arm for both in SAVED.values() for arm in both}
    asked |= {f"{optimizer} {kind}" for optimizer in AVERAGED.values() for kind in ("cosine", "averaged")}
    assert asked <= run
    assert {*TABLE, *AVERAGED, *SAVED} == set(declared("claims/optimizers").statistics)
    for row in TABLE.values():
        assert sum(weight for _, weight in row) == 0  # a difference: what all arms share falls out


def test_every_optimizer_has_as_many_trials() -> None:
    assert set(PEAKS) == set(OPTIMIZERS)
    assert {len(peaks) for peaks in PEAKS.values()} == {4}
    assert set(DEFAULTS) < set(PEAKS)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_optimizer_learns_a_little_in_one_epoch(optimizer: str) -> None:
    average = ["none", AVERAGE] if optimizer == "sgd" else ["none"]
    task = signals(0, optimizer=optimizer, images=500, epochs=1, average=average, split="validation")
    decays = {"weight_decay": np.full(10, task.weight_decay)} if "weight_decay" in task.sets else {}
    before = task.evaluate("train")["loss"]
    task.advance({"lr": np.full(10, PEAKS[optimizer][1])} | decays)
    assert task.evaluate("train")["loss"] < before
    assert (f"{AVERAGE}/accuracy" in task.evaluate()) == (optimizer == "sgd")


def test_an_optimizer_and_a_split_of_another_name_are_refused() -> None:
    with pytest.raises(InputError, match="optimizer"):
        signals(0, optimizer="adagrad")
    with pytest.raises(InputError, match="split"):
        signals(0, optimizer="sgd", split="train")
