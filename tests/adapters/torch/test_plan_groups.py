"""Parameter groups of a torch model from a plan."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lrdecay.adapters.torch import parameter_groups
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, cosine, group, layerwise, plan


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(5, 4)
        self.blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        self.head = nn.Linear(4, 5, bias=False)
        self.head.weight = self.embed.weight


PLAN = plan(lr=cosine(0.1), weight_decay=0.1, groups={"*.bias": group(weight_decay=0)}, layers=layerwise(0.5, layers=3))


def test_every_parameter_is_in_exactly_one_group_and_shared_ones_once():
    model = Tiny()
    groups = parameter_groups(model, PLAN)

    held = [id(p) for g in groups for p in g["params"]]
    assert sorted(held) == sorted({id(p) for p in model.parameters()})
    assert [g["plan"] for g in groups] == ["layer 0", "layer 1", "layer 2", "layer 3"] + [
        f"*.bias layer {k}" for k in (1, 2, 3)
    ]
    assert groups[0]["param_names"] == ["embed.weight"]


def test_the_labels_are_kept_by_any_optimizer_and_by_its_checkpoint():
    optimizer = torch.optim.AdamW(parameter_groups(Tiny(), PLAN), lr=1.0)
    again = torch.optim.AdamW(parameter_groups(Tiny(), repr(PLAN)), lr=1.0)
    again.load_state_dict(optimizer.state_dict())

    bound = PLAN.bind(Horizon(steps=10))
    for g in again.param_groups:
        assert g["plan"] in bound.groups
        assert g["lr_scale"] == 1.0


def test_a_module_added_later_brings_its_own_label():
    optimizer = torch.optim.SGD(parameter_groups(nn.Linear(2, 2), plan(lr=0.1)), lr=1.0)
    later = plan(lr=0.1, groups={"weight": group(scale=3)})
    for g in parameter_groups(nn.Linear(2, 2), later.bind(Horizon(steps=3))):
        optimizer.add_param_group(g)
    assert [g["plan"] for g in optimizer.param_groups] == ["", "", "weight"]


def test_a_predicate_sees_the_parameter():
    made = plan(lr=0.1, groups={"vectors": group(where=lambda _name, p: p.ndim < 2)})
    groups = parameter_groups(nn.Linear(2, 2), made)
    assert [(g["plan"], g["param_names"]) for g in groups] == [("", ["weight"]), ("vectors", ["bias"])]


@pytest.mark.parametrize(
    ("model", "given", "message"),
    [
        (nn.ReLU(), plan(lr=0.1), "must have parameters"),
        ([], plan(lr=0.1), "torch.nn.Module"),
        (nn.Linear(2, 2), 3, "must be a plan"),
        (nn.Linear(2, 2), plan(lr=0.1, groups={"wieght": group()}), "Did you mean `weight`"),
    ],
)
def test_what_does_not_fit_is_refused(model, given, message):
    with pytest.raises(InputError, match=message):
        parameter_groups(model, given)
