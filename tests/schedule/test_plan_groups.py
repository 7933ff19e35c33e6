"""Groups of a plan: which parameters they take, and what rates they get."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, constant, cosine, discriminative, group, layerwise, linear, plan
from lrdecay.schedule.plan_selection import select

H = Horizon(epochs=10, steps_per_epoch=10)
VIT = [
    "cls_token",
    "pos_embed",
    "patch_embed.proj.weight",
    *(f"blocks.{i}.{part}" for i in range(4) for part in ("attn.qkv.weight", "attn.qkv.bias", "norm1.weight")),
    "norm.weight",
    "head.weight",
    "head.bias",
]
BERT = ["bert.embeddings.word_embeddings.weight", "bert.encoder.layer.0.output.dense.weight"]
BERT += ["bert.encoder.layer.1.output.dense.weight", "bert.pooler.dense.weight", "classifier.weight"]


def labels(made, names):
    return {label: [name for name, _ in held] for label, held in select(made, [(n, None) for n in names]).items()}


def test_the_first_group_that_matches_takes_a_parameter():
    made = plan(
        lr=0.1, weight_decay=0.1, groups={"head.*": group(scale=10), "plain": group(match=["*.bias"], weight_decay=0)}
    )
    found = labels(made, VIT)

    assert found["head.*"] == ["head.weight", "head.bias"]
    assert found["plain"] == [f"blocks.{i}.attn.qkv.bias" for i in range(4)]
    assert sorted(itertools.chain(*found.values())) == sorted(VIT)
    assert list(found) == ["", "head.*", "plain"]


def test_a_pattern_minds_case_and_knows_brackets():
    assert labels(plan(lr=1, groups={"blocks.[01].*.weight": group()}), VIT)["blocks.[01].*.weight"] == [
        "blocks.0.attn.qkv.weight",
        "blocks.0.norm1.weight",
        "blocks.1.attn.qkv.weight",
        "blocks.1.norm1.weight",
    ]
    with pytest.raises(InputError, match=r"must match the name of a parameter, got 'Head\.\*'. Did you mean `head"):
        labels(plan(lr=1, groups={"Head.*": group()}), VIT)


def test_a_group_may_choose_by_a_function():
    made = plan(lr=1, groups={"vectors": group(where=lambda name, p: p < 2 and "norm" not in name)})
    found = select(made, [("a.weight", 2), ("a.bias", 1), ("norm.weight", 1)])
    assert [n for n, _ in found["vectors"]] == ["a.bias"]


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({"head.*": group(), "b": group(match=["*.bias", "*.scale"])}, r"must match .* got '\*\.scale'"),
        ({"*": group(), "*.bias": group()}, "no earlier group takes"),
        ({"none": group(where=lambda _n, _p: False)}, "no earlier group takes"),
    ],
)
def test_a_group_that_gets_nothing_is_refused(groups, message):
    with pytest.raises(InputError, match=message):
        labels(plan(lr=1, groups=groups), VIT)


def test_layers_are_read_from_names():
    found = labels(plan(lr=1, layers=layerwise(0.75, layers=4)), VIT)
    assert found["layer 0"] == VIT[:3]
    assert found["layer 3"] == [n for n in VIT if n.startswith("blocks.2.")]
    assert found["layer 5"] == ["norm.weight", "head.weight", "head.bias"]
    bert = labels(plan(lr=1, layers=layerwise(0.8, layers=2)), BERT)
    assert bert == {"layer 0": BERT[:1], "layer 1": BERT[1:2], "layer 2": BERT[2:3], "layer 3": BERT[3:]}


def test_a_stack_of_another_name_is_found_when_it_is_named():
    names = ["stages.0.w", "stages.1.w", "fc.w"]
    assert list(labels(plan(lr=1, layers=layerwise(0.5, layers=2, stack="stages")), names)) == [
        "layer 1",
        "layer 2",
        "layer 3",
    ]
    with pytest.raises(InputError, match=r"must be 0.*stack="):
        labels(plan(lr=1, layers=layerwise(0.5, layers=2)), names)


@pytest.mark.parametrize(("layers", "message"), [(3, "at least 4"), (5, "must be 4")])
def test_another_number_of_layers_is_refused_with_the_right_one(layers, message):
    with pytest.raises(InputError, match=message):
        labels(plan(lr=1, layers=layerwise(0.75, layers=layers)), VIT)


def test_layer_wise_decay_is_one_at_the_top_and_least_at_the_embeddings():
    bound = plan(lr=cosine(0.1), layers=layerwise(0.75, layers=12)).bind(H)
    for k in range(14):
        np.testing.assert_allclose(bound.values("lr", f"layer {k}"), 0.75 ** (13 - k) * bound.values("lr"), rtol=1e-15)
    assert bound.values("lr", "layer 13")[0] == 0.1


def test_discriminative_rates_are_a_geometric_ladder():
    layers = discriminative(0.01, 2, layers=3)
    scales = [layers.scale(k) for k in range(5)]
    assert (scales[0], scales[-1]) == (0.01, 2.0)
    np.testing.assert_allclose(np.diff(np.log(scales)), np.log(200) / 4)


def test_groups_and_layers_multiply():
    made = plan(
        lr=0.1, weight_decay=0.5, groups={"*.bias": group(scale=2, weight_decay=0)}, layers=layerwise(0.5, layers=4)
    )
    bound = made.bind(H)
    found = labels(made, VIT)

    assert set(found) <= set(bound.groups)
    assert found["*.bias layer 1"] == ["blocks.0.attn.qkv.bias"]
    assert bound.values("lr", "*.bias layer 1")[0] == pytest.approx(0.1 * 2 * 0.5**4)
    assert bound.values("weight_decay", "*.bias layer 1")[0] == 0
    assert bound.values("weight_decay", "layer 1")[0] == 0.5


def test_a_group_may_have_a_schedule_of_its_own():
    made = plan(lr=cosine(0.1), momentum=0.9, groups={"head": group(lr=linear(0.3), scale=0.5, momentum=0.5)})
    bound = made.bind(H)
    np.testing.assert_allclose(bound.values("lr", "head"), 0.5 * linear(0.3).bind(H).values())
    assert (bound.values("momentum", "head") == 0.5).all()
    assert (bound.values("momentum") == 0.9).all()


def test_a_frozen_group_has_rate_zero_until_it_thaws():
    bound = plan(lr=cosine(0.1), groups={"body": group(frozen_until="3ep")}).bind(H)
    values = bound.values("lr", "body")
    assert (values[:30] == 0).all()
    np.testing.assert_array_equal(values[30:], bound.values("lr")[30:])


def test_gradual_unfreezing_goes_down_from_the_top():
    bound = plan(lr=0.1, layers=layerwise(1.0, layers=2, unfreeze="2ep")).bind(H)
    thaws = [int(np.argmax(bound.values("lr", f"layer {k}") > 0)) for k in range(4)]
    assert thaws == [60, 40, 20, 0]


def test_a_group_frozen_beyond_the_end_never_moves():
    assert (plan(lr=constant(0.1), groups={"a": group(frozen_until=1000)}).bind(H).values("lr", "a") == 0).all()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: group(scale=-1), "must be a number >= 0"),
        (lambda: group(match=[""]), "patterns of parameter names"),
        (lambda: group(match="a", where=lambda _n, _p: True), "instead of match"),
        (lambda: group(where="a"), "function of"),
        (lambda: group(frozen_until="0ep"), "positive duration"),
        (lambda: group(momentum=1.5), r"in \[0, 1\)"),
        (lambda: layerwise(1.5, layers=2), r"in \(0, 1\]"),
        (lambda: layerwise(0.5, layers=0), "positive integer"),
        (lambda: layerwise(0.5, layers=2, stack=[]), "names of lists"),
        (lambda: discriminative(0, layers=2), "must be a positive number"),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_said(make, message):
    with pytest.raises(InputError, match=message):
        make()
