"""Both stages of a start, a loss times four, and what is read of sharpness where it is known."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
import torch

from lrdecay.errors import InputError
from lrdecay.lab.claims.minima.experiment import SCALES, TABLE, sharpness_table
from lrdecay.lab.claims.minima.reading import Place, log_ratios, ungated
from lrdecay.lab.claims.minima.tasks.started import started
from lrdecay.lab.claims.signal_sets import signal_sets
from lrdecay.lab.register import declared
from lrdecay.lab.subjects.signals import signals


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.soak
def test_the_signals_are_those_that_other_experiments_train_on() -> None:
    plain = signals(0, test=300)
    for split in ("validation", "test"):
        train, held = signal_sets(split, 300)
        other = signals(0, test=300, split=split)
        for own, theirs in ((train, plain._train), (held, other._sets["heldout"])):
            assert all(torch.equal(a, b) for a, b in zip(own, theirs, strict=True))
    with pytest.raises(InputError, match="split"):
        signal_sets("train")


def test_random_labels_are_learned_until_the_switch_and_true_ones_afterwards_across_a_snapshot() -> None:
    task = started(0, images=100, width=16, switch=120, split="validation")
    task.advance({"lr": np.full(120, 0.1)})
    before = task.evaluate()
    assert before["random_fit"] > 0.8 > 0.3 > before["fit"]
    kept, first = task.snapshot(), task.advance({"lr": np.full(60, 0.1)})["loss"]
    after = task.evaluate()
    assert after["fit"] > 0.8 > 0.4 > after["random_fit"]
    other = started(0, images=100, width=16, switch=120, split="validation")
    other.restore(kept)
    assert (other.advance({"lr": np.full(60, 0.1)})["loss"] == first).all()


def test_four_times_the_loss_at_a_quarter_of_the_rate_is_the_same_run_four_times_as_sharp() -> None:
    plain = started(0, images=600, width=4, sharp=True, split="validation")
    four = started(0, images=600, width=4, sharp=True, split="validation", times=4.0)
    plain.advance({"lr": np.full(6, 0.1)})
    four.advance({"lr": np.full(6, 0.1 / 4)})
    found = [task.evaluate() for task in (plain, four)]
    weights = [task.snapshot().tensors for task in (plain, four)]
    assert all((weights[0][n] == weights[1][n]).all() for n in weights[0] if n.startswith("model"))
    assert found[0]["accuracy"] == found[1]["accuracy"]
    assert found[1]["sharpness"] / found[0]["sharpness"] == pytest.approx(4, rel=1e-3)
    assert max(f["residual"] for f in found) < 1e-3


class _Runs:
    """What an arm measures, whatever the step: arm -> metric -> one value a seed."""

    def __init__(self, found: Mapping[str, Mapping[str, list[float]]]) -> None:
        self.found = found

    def at(self, arm: str, metric: str, _step: int) -> np.ndarray:
        return np.array(self.found[arm][metric])


def test_a_sharpness_that_has_not_converged_or_a_run_that_diverged_is_not_reached() -> None:
    runs = _Runs(
        {
            "a": {"sharpness": [8.0, 8.0, np.nan, 0.0], "residual": [1e-6, 0.01, np.nan, 1.0]},
            "b": {"ema/sharpness": [2.0] * 4, "ema/residual": [1e-6] * 4},
        }
    )
    found = log_ratios(runs, {"r": (Place("a", 1), Place("b", 1, "ema/"))})  # type: ignore[arg-type]
    assert found["r"] == [pytest.approx(math.log(4)), None, None, None]


def test_nothing_is_said_of_a_start_that_has_not_fitted_its_labels() -> None:
    gates = ungated({"random": np.array([0.7, 0.9]), "small": np.array([0.99, 1.0])}, 0.9)
    assert (
        set(gates)
        == {"leaves-random", "forgets-random", "smooths"}
        <= {c.name for c in declared("claims/minima").claims}
    )
    assert ungated({"random": np.array([0.95])}, 0.9) == {}
    assert "smooths" in ungated({"random": np.array([np.nan])}, 0.9)


def test_every_declared_statistic_is_a_difference_or_a_ratio_and_parts_of_a_run_fit_it() -> None:
    assert set(TABLE) | set(sharpness_table(1, 2, 3)) == set(declared("claims/minima").statistics)
    for size in SCALES.values():
        assert size.second % 2 == 0
        assert size.first % (size.second // 2) == 0
        assert size.images >= 512
