"""Plans: several values together, each in its range; the weight decay that is written; the one cycle of momentum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR

import lrdecay
from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    constant,
    cosine,
    group,
    layerwise,
    linear,
    multi_step,
    one_cycle_plan,
    piecewise,
    plan,
    ramp,
    tabulated,
    warmup,
)

H = Horizon(steps=100)


def test_a_plan_gives_every_value_for_every_update():
    bound = plan(lr=cosine(0.1), momentum=ramp(0.95, 0.85, over="30%") + ramp(0.85, 0.95), weight_decay=0.05).bind(H)

    assert bound.names == ("lr", "momentum", "weight_decay")
    assert bound.groups == ("",)
    np.testing.assert_array_equal(bound.values("lr"), cosine(0.1).bind(H).values())
    momentum = bound.values("momentum")
    assert (momentum[0], momentum[30]) == (0.95, 0.85)
    assert (bound.values("weight_decay") == 0.05).all()
    for name in bound.names:
        assert bound.values(name).dtype == np.float64
        assert bound.values(name).shape == (100,)


def test_what_is_given_out_is_a_copy():
    bound = plan(lr=0.1, momentum=0.9).bind(H)
    for name in bound.names:
        bound.values(name)[:] = 7
        assert bound.values(name)[0] != 7


def test_plans_are_equal_by_content():
    assert plan(lr=0.1, momentum=0.9) == plan(momentum=0.9, lr=0.1)
    assert plan(lr="cosine(0.1)") == plan(lr=cosine(0.1))
    assert plan(lr=0.1).bind(H) == plan(lr=0.1).bind(Horizon(steps=100))
    assert plan(lr=0.1).bind(H) != plan(lr=0.1).bind(Horizon(steps=101))
    assert plan(lr=0.1) != plan(lr=0.1, momentum=0.0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": None}, r"plan\(lr=\.\.\.\)` must be a number"),
        ({"lr": -1}, "must be a number >= 0"),
        ({"lr": float("nan")}, "must be a number >= 0"),
        ({"lr": 0.1, "momentum": 1.0}, r"in \[0, 1\)"),
        ({"lr": 0.1, "beta2": -0.1}, r"in \[0, 1\)"),
        ({"lr": 0.1, "weight_decay": -1e-9}, "must be a number >= 0"),
        ({"lr": 0.1, "batch_size": 0}, "positive integer"),
        ({"lr": 0.1, "batch_size": 12.5}, "positive integer"),
        ({"lr": 0.1, "momentum": True}, r"in \[0, 1\)"),
        ({"lr": 0.1, "weight_decay_times": "lr/peak"}, "must come with weight_decay"),
        ({"lr": 0.1, "weight_decay": 0.1, "weight_decay_times": "2"}, "one of lr, lr/peak, 1"),
        ({"lr": 0.1, "groups": {"": group()}}, "printable text"),
        ({"lr": 0.1, "groups": {"a": {"scale": 2}}}, "must be group"),
        ({"lr": 0.1, "groups": {"a": group(weight_decay=0)}}, "stated for the plan too"),
        ({"lr": 0.1, "groups": {"layer 1": group()}, "layers": layerwise(0.5, layers=3)}, "made for a layer"),
        ({"lr": 0.1, "layers": 0.75}, "must be layerwise"),
        ({"lr": "cosin(0.1)"}, "Did you mean `cosine`"),
    ],
)
def test_what_is_out_of_range_is_refused_when_it_is_said(arguments, message):
    with pytest.raises(InputError, match=message):
        plan(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"momentum": linear(1.5)}, r"in \[0, 1\) at every step, got 1.5. That is step 0"),
        ({"beta1": ramp(0.5, 1.5)}, r"in \[0, 1\) at every step"),
        ({"batch_size": cosine(8)}, "made of steps"),
        ({"batch_size": piecewise([8, 0.4], at=[5])}, "at least 1"),
        ({"lr": cosine(lrdecay.peak)}, "stated peak"),
        ({"lr": multi_step(0.1, factor=0.1, at=["1ep"])}, "one epoch"),
    ],
)
def test_what_a_schedule_does_out_of_range_is_refused_when_it_is_bound(arguments, message):
    with pytest.raises(InputError, match=message):
        plan(**({"lr": 0.1} | arguments)).bind(H)


def test_a_name_or_a_group_that_is_not_planned_is_refused():
    bound = plan(lr=0.1, groups={"head.*": group(scale=2)}).bind(H)
    with pytest.raises(InputError, match="must be planned"):
        bound.values("momentum")
    with pytest.raises(InputError, match=r"Did you mean `head.\*`"):
        bound.values("lr", "head")
    with pytest.raises(InputError, match="must be a Horizon"):
        plan(lr=0.1).bind(100)


# ---- weight decay ----

DECAY = {"lr": warmup(10) + cosine(0.4, floor=0.004), "weight_decay": linear(0.2, floor=0.1)}


def test_coupled_weight_decay_shrinks_by_the_rate_times_what_is_stated():
    bound = plan(**DECAY).bind(H)
    np.testing.assert_array_equal(bound.shrink(), bound.values("lr") * linear(0.2, floor=0.1).bind(H).values())


def test_weight_decay_times_the_share_of_the_peak_is_free_of_the_peak():
    shapes = [
        plan(**(DECAY | {"lr": c * DECAY["lr"]}), weight_decay_times="lr/peak").bind(H).shrink() for c in (1, 0.01)
    ]
    np.testing.assert_allclose(shapes[0], shapes[1], rtol=1e-12)
    expected = linear(0.2, floor=0.1).bind(H).values() * (DECAY["lr"].bind(H).values() / 0.4)
    np.testing.assert_allclose(shapes[0], expected, rtol=1e-12)


def test_weight_decay_times_one_shrinks_by_what_is_stated_whatever_the_rate():
    bound = plan(**DECAY, weight_decay_times="1").bind(H)
    np.testing.assert_allclose(bound.shrink(), linear(0.2, floor=0.1).bind(H).values(), rtol=1e-12)


@pytest.mark.parametrize("times", ["lr", "lr/peak", "1"])
def test_torchs_adamw_shrinks_by_exactly_the_planned_share(times):
    bound = plan(lr=cosine(0.1), weight_decay=0.05, weight_decay_times=times).bind(Horizon(steps=7))
    p = torch.nn.Parameter(torch.ones(1, dtype=torch.float64))
    optimizer = torch.optim.AdamW([p], lr=1.0)
    expected = 1.0
    for t in range(7):
        optimizer.param_groups[0]["lr"] = bound.values("lr")[t]
        optimizer.param_groups[0]["weight_decay"] = bound.values("weight_decay")[t]
        p.grad = torch.zeros_like(p)
        optimizer.step()
        expected *= 1 - bound.shrink()[t]
        assert p.item() == pytest.approx(expected, rel=1e-14)
    if times == "1":
        assert expected == pytest.approx(0.95**7)


def test_where_the_rate_is_zero_nothing_shrinks():
    for times in ("lr", "lr/peak", "1"):
        bound = plan(lr=ramp(0, 0.1, over=10) + constant(0.1), weight_decay=0.05, weight_decay_times=times).bind(H)
        assert bound.shrink()[0] == 0.0
        assert np.isfinite(bound.values("weight_decay")).all()
        assert bound.weight_decay_timescale()[0] == np.inf
    frozen = plan(lr=0.1, weight_decay=0.05, weight_decay_times="lr/peak", groups={"a": group(scale=0)}).bind(H)
    assert (frozen.values("weight_decay", "a") == 0).all()


def test_a_rate_too_small_to_divide_by_is_refused():
    with pytest.raises(InputError, match="too small"):
        plan(lr=tabulated([0.1, 1e-320]), weight_decay=0.1, weight_decay_times="1").bind(Horizon(steps=2))


def test_a_groups_scale_leaves_a_free_weight_decay_alone():
    for times in ("lr/peak", "1"):
        made = plan(**DECAY, weight_decay_times=times, groups={"a": group(scale=0.01)}, layers=layerwise(0.5, layers=2))
        bound = made.bind(H)
        for label in bound.groups:
            np.testing.assert_allclose(bound.shrink(label), bound.shrink(), rtol=1e-12)


def test_the_timescale_is_in_updates_and_in_epochs():
    h = Horizon(epochs=10, samples_per_epoch=100, batch_size=4)
    bound = plan(lr=0.1, weight_decay=0.01).bind(h)
    np.testing.assert_allclose(bound.weight_decay_timescale(), 1000)
    np.testing.assert_allclose(bound.weight_decay_timescale(unit="ep"), 40)
    growing = plan(lr=0.1, weight_decay=0.01, batch_size=piecewise([4, 8], at=["5ep"])).bind(h)
    assert growing.weight_decay_timescale(unit="ep")[[0, -1]].tolist() == pytest.approx([40, 80])
    with pytest.raises(InputError, match="one epoch"):
        plan(lr=0.1, weight_decay=0.01).bind(H).weight_decay_timescale(unit="ep")
    with pytest.raises(InputError, match="must be planned"):
        plan(lr=0.1).bind(H).shrink()


# ---- batch size ----


def test_a_batch_size_that_changes_changes_the_number_of_updates_but_not_of_samples():
    h = Horizon(epochs=10, samples_per_epoch=100, batch_size=4)
    bound = plan(lr=cosine(0.1), batch_size=piecewise([4, 10], at=["50%"])).bind(h)

    assert bound.steps == 125 + 50
    assert bound.values("batch_size").sum() == 1000
    assert bound.values("lr")[125] == pytest.approx(0.05)


def test_a_boundary_in_updates_counts_the_updates_of_the_plan_itself():
    h = Horizon(epochs=10, samples_per_epoch=100, batch_size=4)
    bound = plan(lr=0.1, batch_size=piecewise([4, 10, 20], at=[50, 70])).bind(h)

    assert np.flatnonzero(np.diff(bound.values("batch_size"))).tolist() == [49, 69]
    assert bound.steps == 70 + 600 // 20


def test_a_run_said_in_updates_keeps_them():
    bound = plan(lr=0.1, batch_size=piecewise([4, 8], at=[50])).bind(Horizon(steps=100, batch_size=4))
    assert (bound.steps, bound.values("batch_size").sum()) == (100, 600)
    with pytest.raises(InputError, match=r"share of a run|said in samples"):
        plan(lr=0.1, batch_size=piecewise([4, 8], at=["50%"])).bind(Horizon(steps=100, batch_size=4))


def test_the_batch_size_may_be_said_by_the_plan_alone_but_not_otherwise_by_the_horizon():
    assert plan(lr=0.1, batch_size=8).bind(H).horizon.batch_size == 8
    assert plan(lr=0.1, batch_size=8.4 * constant(1)).bind(H).values("batch_size")[0] == 8
    with pytest.raises(InputError, match="batch size of the horizon, 16"):
        plan(lr=0.1, batch_size=8).bind(Horizon(steps=100, batch_size=16))


# ---- one cycle ----


@pytest.mark.parametrize("three_phase", [False, True])
@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("beta", [False, True])
def test_the_cycle_of_momentum_is_that_of_torchs_one_cycle(three_phase, strategy, beta):
    steps, up = 50, 15
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([p]) if beta else torch.optim.SGD([p], momentum=0.9)
    peer = OneCycleLR(
        optimizer,
        max_lr=0.3,
        total_steps=steps + 1,  # torch's last step is the end of ours
        pct_start=(up + 1) / (steps + 1),
        anneal_strategy=strategy,
        base_momentum=0.8,
        max_momentum=0.92,
        three_phase=three_phase,
    )
    shape = {"cos": "cosine", "linear": "linear"}[strategy]
    cycles = "beta1" if beta else "momentum"
    bound = one_cycle_plan(
        0.3, up, low_momentum=0.8, high_momentum=0.92, cycles=cycles, shape=shape, three_phase=three_phase
    ).bind(Horizon(steps=steps))
    for t in range(steps):
        [g] = optimizer.param_groups
        assert bound.values("lr")[t] == pytest.approx(g["lr"], rel=1e-12)
        assert bound.values(cycles)[t] == pytest.approx(g["betas"][0] if beta else g["momentum"], rel=1e-12)
        optimizer.step()
        peer.step()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low_momentum": 0.9, "high_momentum": 0.8}, "at least low_momentum"),
        ({"high_momentum": 1.0}, r"in \[0, 1\)"),
        ({"cycles": "beta2"}, "one of momentum, beta1"),
        ({"momentum": 0.9}, "left to the cycle"),
    ],
)
def test_a_cycle_that_does_not_fit_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        one_cycle_plan(0.1, **arguments)
