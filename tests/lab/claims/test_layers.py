"""The fine-tuned task: which layers move and how far, what it was trained on before, which labels it sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lrdecay.errors import InputError
from lrdecay.lab.claims.layers.tasks.fine_tuned import fine_tuned, layers_of, pretrained, ratios

BEFORE = 2


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def _moved(rates: str, ratio: float = 2.6) -> list[float]:
    """How far each layer goes in one update."""
    task = fine_tuned(0, rates=rates, ratio=ratio, before=BEFORE, labels=10, split="validation")
    layers = layers_of(task._model)  # type: ignore[arg-type]
    before = [[p.detach().clone() for p in layer] for layer in layers]
    task.advance({"lr": np.full(1, 0.1)})
    return [
        max(float((p.detach() - q).abs().max()) for p, q in zip(layer, old, strict=True))
        for layer, old in zip(layers, before, strict=True)
    ]


def test_layers_move_in_the_ratio_of_their_rates_and_frozen_ones_do_not() -> None:
    one = _moved("one")
    assert len(one) == 4
    assert np.array(_moved("discriminative")) / one == pytest.approx([2.6**-3, 2.6**-2, 1 / 2.6, 1], rel=1e-3)
    assert np.array(_moved("discriminative", 1 / 2.6)) / one == pytest.approx([1, 1 / 2.6, 2.6**-2, 2.6**-3], rel=1e-3)
    frozen = _moved("frozen")
    assert frozen[:3] == [0, 0, 0]
    assert frozen[3] == one[3]
    assert ratios("one", 2.6) == [1, 1, 1, 1]


def test_what_was_trained_before_is_another_network_with_the_same_new_last_layer() -> None:
    drawn, trained = (pretrained(0, source, BEFORE) for source in ("none", "others"))
    same = {name for name in drawn if torch.equal(drawn[name], trained[name])}
    assert same == {"last.weight", "last.bias"}
    trained["last.bias"] += 1
    assert torch.equal(pretrained(0, "others", BEFORE)["last.bias"], drawn["last.bias"])


def test_it_sees_as_many_labels_of_each_new_class_and_some_are_wrong_on_purpose() -> None:
    x, y = fine_tuned(3, before=BEFORE, labels=20, split="validation")._train
    assert torch.bincount(y).tolist() == [20] * 5
    wrong_x, wrong = fine_tuned(3, before=BEFORE, labels=20, split="validation", wrong=0.5)._train
    assert torch.equal(x, wrong_x)
    assert 0.3 < float((y != wrong).double().mean()) < 0.5
    with pytest.raises(InputError, match="rates"):
        fine_tuned(0, rates="several")
