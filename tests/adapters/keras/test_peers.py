"""A live schedule of Keras is read back."""

from __future__ import annotations

import keras
import pytest

from lrdecay.adapters.keras.peers import from_peer
from lrdecay.errors import InputError

peer = keras.optimizers.schedules


def test_a_schedule_is_read_back_with_its_defaults() -> None:
    assert repr(from_peer(peer.PolynomialDecay(0.1, 50))) == "linear(0.1, floor=0.0001, over=50)"


def test_the_schedule_of_an_optimizer_is_found() -> None:
    optimizer = keras.optimizers.SGD(learning_rate=peer.ExponentialDecay(0.1, 10, 0.9))
    assert repr(from_peer(optimizer)) == "exponential(0.1, factor=0.9, every=10)"


def test_another_schedule_cannot_be_read() -> None:
    class Mine(peer.LearningRateSchedule):
        def __call__(self, step: int) -> float:
            return 1 / (step + 1)

    for other in (Mine(), 0.1, keras.optimizers.SGD(0.1)):
        with pytest.raises(InputError, match="must be one of keras"):
            from_peer(other)


def test_cycles_that_shrink_are_refused() -> None:
    with pytest.raises(InputError, match="cycles that shrink pile up"):
        from_peer(peer.CosineDecayRestarts(0.1, 10, t_mul=0.5), steps=100)
