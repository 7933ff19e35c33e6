"""A plan under `attach` writes every group's own rate, momentum, betas and weight decay, exactly as it was bound."""

from __future__ import annotations

import copy
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.adapters.torch.driven import HORIZON, STEPS
from torch.optim import SGD, Adagrad, AdamW, Optimizer

from lrdecay.adapters.torch import AttachedScheduler, GrowingBatchSampler, attach, parameter_groups
from lrdecay.errors import InputError, RunError
from lrdecay.schedule import Horizon, Plan, cosine, group, grow_batch, linear, multi_step, plan, ramp, warmup

SGD_PLAN = plan(
    lr=warmup(2) + cosine(0.1),
    momentum=ramp(0.95, 0.85, over=4) + ramp(0.85, 0.95),
    weight_decay=linear(0.01),
    groups={"slow": group(scale=0.1, weight_decay=0), "own": group(lr=linear(0.3), momentum=0.5)},
)
ADAM_PLAN = plan(
    lr=cosine(0.1),
    beta1=ramp(0.95, 0.85),
    beta2=ramp(0.9, 0.999),
    weight_decay=0.1,
    weight_decay_times="1",
    groups={"slow": group(scale=0.1, beta1=0.8), "own": group(frozen_until=3)},
)
MAKERS: dict[str, tuple[Callable[..., Optimizer], Plan]] = {"sgd": (SGD, SGD_PLAN), "adamw": (AdamW, ADAM_PLAN)}
LABELS = ("", "slow", "own")
KINDS = pytest.mark.parametrize("kind", MAKERS)


def made(kind: str, labels: tuple[str, ...] = LABELS) -> Optimizer:
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(3, generator=generator).requires_grad_() for _ in labels]
    return MAKERS[kind][0](
        [{"params": [w]} | ({"plan": label} if label else {}) for w, label in zip(weights, labels, strict=True)], lr=1.0
    )


def read(optimizer: Optimizer) -> list[dict[str, float]]:
    """What the groups hold, by the plan's names."""
    return [
        {"lr": g["lr"], "weight_decay": g["weight_decay"]}
        | ({"momentum": g["momentum"]} if "momentum" in g else {"beta1": g["betas"][0], "beta2": g["betas"][1]})
        for g in optimizer.param_groups
    ]


def planned(kind: str, t: int, labels: tuple[str, ...] = LABELS) -> list[dict[str, float]]:
    bound = MAKERS[kind][1].bind(HORIZON)
    return [{name: bound.values(name, label)[min(t, STEPS - 1)] for name in bound.names} for label in labels]


def update(optimizer: Optimizer, t: int) -> None:
    for i, g in enumerate(optimizer.param_groups):
        for p in g["params"]:
            p.grad = torch.full_like(p, 0.1 + 0.01 * t + 0.1 * i)
    optimizer.step()


def train(optimizer: Optimizer, scheduler: AttachedScheduler, first: int, last: int) -> list[list[dict[str, float]]]:
    used = []
    for t in range(first, last):
        used.append(read(optimizer))
        update(optimizer, t)
        scheduler.step()
    return used


@KINDS
def test_every_update_is_made_with_the_bound_plans_values_exactly(kind: str) -> None:
    optimizer = made(kind)
    scheduler = attach(optimizer, MAKERS[kind][1], HORIZON)
    assert train(optimizer, scheduler, 0, STEPS) == [planned(kind, t) for t in range(STEPS)]
    assert all(type(v) is float for g in read(optimizer) for v in g.values())


@KINDS
def test_a_plan_may_be_given_bound_or_as_text(kind: str) -> None:
    given = MAKERS[kind][1]
    for arguments in ((given.bind(HORIZON),), (repr(given), HORIZON)):
        optimizer = made(kind)
        attach(optimizer, *arguments, step=4)
        assert read(optimizer) == planned(kind, 4)


def test_what_is_not_planned_stays_as_it_was() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = AdamW([weight], lr=1.0, betas=(0.7, 0.8), weight_decay=0.3, eps=1e-5)
    attach(optimizer, plan(lr=0.1, beta2=0.9), HORIZON)
    (g,) = optimizer.param_groups
    assert (g["lr"], g["betas"], g["weight_decay"], g["eps"]) == (0.1, (0.7, 0.9), 0.3, 1e-5)


def test_a_plan_of_the_rate_alone_is_the_schedule() -> None:
    a, b = made("sgd", ("", "")), made("sgd", ("", ""))
    one, other = attach(a, plan(lr=cosine(0.1)), HORIZON), attach(b, cosine(0.1), HORIZON)
    for t in range(STEPS - 1):
        update(a, t)
        update(b, t)
        one.step()
        other.step()
        assert [g["lr"] for g in a.param_groups] == [g["lr"] for g in b.param_groups]
        assert one.get_last_lr() == other.get_last_lr()
        assert one.rate == other.rate


def test_the_groups_own_ratios_multiply_the_planned_rates() -> None:
    optimizer = made("sgd")
    for g, scale in zip(optimizer.param_groups, (1.0, 0.5, 0.25), strict=True):
        g["lr_scale"] = scale
    scheduler = attach(optimizer, SGD_PLAN, HORIZON, step=5)
    rates = [values["lr"] for values in planned("sgd", 5)]
    assert scheduler.get_last_lr() == [r * s for r, s in zip(rates, (1.0, 0.5, 0.25), strict=True)]
    assert [g["lr"] for g in optimizer.param_groups] == scheduler.get_last_lr()


@KINDS
def test_a_group_added_later_is_driven_by_its_labels_plan_from_its_first_update_on(kind: str) -> None:
    optimizer = made(kind, ("",))
    scheduler = attach(optimizer, MAKERS[kind][1], HORIZON)
    train(optimizer, scheduler, 0, 4)
    late = torch.nn.Parameter(torch.ones(3))
    optimizer.add_param_group({"params": [late], "plan": "slow"})
    update(optimizer, 4)
    assert read(optimizer) == planned(kind, 4, ("", "slow"))
    scheduler.step()
    assert train(optimizer, scheduler, 5, STEPS) == [planned(kind, t, ("", "slow")) for t in range(5, STEPS)]


def test_a_group_added_with_a_label_the_plan_has_not_is_refused() -> None:
    optimizer = made("sgd")
    scheduler = attach(optimizer, SGD_PLAN, HORIZON)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(3))], "plan": "slwo"})
    with pytest.raises(InputError, match=r"label of the plan, got 'slwo'. Did you mean `slow`\?"):
        scheduler.step()


def test_a_tensor_rate_is_filled_in_place_under_a_plan_too() -> None:
    rate = torch.tensor(1.0, dtype=torch.float64)
    optimizer = SGD([torch.nn.Parameter(torch.ones(2))], lr=rate, foreach=True)
    scheduler = attach(optimizer, SGD_PLAN, HORIZON)
    for t in range(STEPS):
        assert optimizer.param_groups[0]["lr"] is rate
        assert rate.item() == planned("sgd", t)[0]["lr"]
        update(optimizer, t)
        scheduler.step()


# ---- where the run ends ----


@pytest.mark.parametrize(("after", "index"), [("hold", STEPS - 1), ("repeat", 2)])
def test_past_the_end_the_last_values_are_held_or_the_first_come_again(after: str, index: int) -> None:
    optimizer = made("adamw")
    scheduler = attach(optimizer, ADAM_PLAN, HORIZON, after=after)
    train(optimizer, scheduler, 0, STEPS + 2)
    assert read(optimizer) == planned("adamw", index)


def test_a_plan_that_grows_its_batches_ends_where_they_have_covered_the_epochs() -> None:
    horizon = Horizon(epochs=4, samples_per_epoch=64, batch_size=4)
    bound = grow_batch(plan(lr=multi_step(0.1, factor=0.5, at=["2ep"]), momentum=0.9), max_batch=8).bind(horizon)
    assert bound.steps == 48 < horizon.steps
    optimizer = made("sgd", ("",))
    scheduler = attach(optimizer, bound, after="raise")
    for t, batch in enumerate(GrowingBatchSampler(64, bound, seed=0)):
        assert len(batch) == bound.values("batch_size")[t]
        assert optimizer.param_groups[0]["lr"] == bound.values("lr")[t]
        update(optimizer, t)
        scheduler.step()
    assert scheduler.count == 48
    with pytest.raises(InputError, match="past the end of the horizon, step 48"):
        update(optimizer, 48)


# ---- checkpoints ----


def saved(optimizer: Optimizer, scheduler: AttachedScheduler) -> dict[str, Any]:
    file = io.BytesIO()
    torch.save({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("order", ["new opt sched", "new sched opt", "opt new sched", "sched only"])
@KINDS
def test_a_run_resumed_at_any_step_in_any_order_goes_on_with_the_same_values(kind: str, order: str) -> None:
    whole = made(kind)
    scheduler = attach(whole, MAKERS[kind][1], HORIZON)
    for k in range(STEPS):
        checkpoint = saved(whole, scheduler)
        json.dumps(checkpoint["scheduler"])
        optimizer = made(kind)
        if order == "opt new sched":
            optimizer.load_state_dict(copy.deepcopy(checkpoint["optimizer"]))
        again = attach(optimizer, MAKERS[kind][1], HORIZON)
        if order == "new opt sched":
            optimizer.load_state_dict(copy.deepcopy(checkpoint["optimizer"]))
        again.load_state_dict(checkpoint["scheduler"])
        if order == "new sched opt":
            optimizer.load_state_dict(copy.deepcopy(checkpoint["optimizer"]))
        assert train(optimizer, again, k, STEPS) == [planned(kind, t) for t in range(k, STEPS)], k
        train(whole, scheduler, k, k + 1)


def test_a_checkpoint_of_an_optimizer_without_labels_leaves_them_where_they_are() -> None:
    foreign = made("sgd", ("", "", ""))
    for g in foreign.param_groups:
        g.pop("plan", None)
    optimizer = made("sgd")
    attach(optimizer, SGD_PLAN, HORIZON, step=4)
    optimizer.load_state_dict(foreign.state_dict())
    assert [g.get("plan", "") for g in optimizer.param_groups] == list(LABELS)
    assert read(optimizer) == planned("sgd", 4)


@pytest.mark.parametrize(
    "other", [plan(lr=cosine(0.1), momentum=0.9), plan(lr=cosine(0.1)), cosine(0.1), plan(lr=cosine(0.2))], ids=repr
)
def test_a_checkpoint_of_another_plan_is_refused_unless_the_attached_one_is_to_win(
    other: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    ours = plan(lr=cosine(0.1), momentum=0.8)
    labels = ("",)
    state = attach(made("sgd", labels), other, HORIZON, step=4).state_dict()
    with pytest.raises(InputError, match="must agree with what is attached"):
        attach(made("sgd", labels), ours, HORIZON).load_state_dict(state)
    willing = attach(made("sgd", labels), ours, HORIZON, override=True)
    willing.load_state_dict(state)
    assert willing.count == 4
    assert repr(other) in capsys.readouterr().err


def test_a_group_chosen_by_a_function_does_not_keep_a_checkpoint_from_its_own_plan() -> None:
    def bound() -> Any:
        return plan(lr=cosine(0.1), groups={"v": group(where=lambda _name, p: p.ndim < 2, scale=0.5)}).bind(HORIZON)

    model = torch.nn.Linear(2, 2)
    state = attach(SGD(parameter_groups(model, bound()), lr=1.0), bound(), step=3).state_dict()
    optimizer = SGD(parameter_groups(model, bound()), lr=1.0)
    scheduler = attach(optimizer, bound())
    scheduler.load_state_dict(state)
    assert [g["lr"] for g in optimizer.param_groups] == [bound().values("lr", label)[3] for label in ("", "v")]


def test_a_copied_scheduler_drives_its_own_optimizer_by_the_plan() -> None:
    optimizer = made("adamw")
    scheduler = attach(optimizer, ADAM_PLAN, HORIZON)
    other = copy.deepcopy(scheduler)
    train(other.optimizer, other, 0, 3)
    assert read(optimizer) == planned("adamw", 0)
    assert read(other.optimizer) == planned("adamw", 3)


def test_a_schedule_attached_later_takes_over_and_leaves_the_rest_alone() -> None:
    optimizer = made("sgd")
    first = attach(optimizer, SGD_PLAN, HORIZON, step=3)
    second = attach(optimizer, cosine(0.5), HORIZON)
    train(optimizer, second, 0, 2)
    assert [g["lr"] for g in optimizer.param_groups] == [cosine(0.5).bind(HORIZON)(2)] * 3
    assert [g["momentum"] for g in optimizer.param_groups] == [v["momentum"] for v in planned("sgd", 3)]
    with pytest.raises(RunError, match="took this optimizer over"):
        first.step()


# ---- what does not fit ----

ONE = plan(lr=0.1)


@pytest.mark.parametrize(
    ("optimizer", "arguments", "options", "says"),
    [
        (AdamW, (plan(lr=0.1, momentum=0.9), HORIZON), {}, "must have momentum .* got 'AdamW'. Plan beta1"),
        (SGD, (plan(lr=0.1, beta1=0.9), HORIZON), {}, "must have betas .* got 'SGD'. Plan momentum"),
        (SGD, (plan(lr=0.1, beta2=0.9), HORIZON), {}, "must have betas .* got 'SGD'. Plan momentum"),
        (Adagrad, (plan(lr=0.1, momentum=0.9), HORIZON), {}, "must have momentum"),
        (SGD, (ONE,), {}, r"attach\(horizon\)"),
        (SGD, (ONE, 10), {}, r"attach\(horizon\)"),
        (SGD, (ONE.bind(HORIZON), HORIZON), {}, "left out for a bound plan"),
        (SGD, (ONE, HORIZON), {"rates": [0.1] * STEPS}, r"attach\(rates=...\)"),
        (SGD, (ONE, HORIZON), {"after": "bounce"}, "hold, repeat, raise"),
        (SGD, (ONE, HORIZON), {"after": "raise", "step": STEPS + 1}, "end of the horizon"),
        (SGD, ("plan(lr=cosin(0.1))", HORIZON), {}, "cosine"),
    ],
)
def test_a_plan_that_does_not_fit_is_one_clear_line_and_changes_nothing(
    optimizer: Any, arguments: tuple[Any, ...], options: dict[str, Any], says: str
) -> None:
    driven = optimizer([torch.nn.Parameter(torch.ones(2))], lr=0.5)
    before = {k: v for k, v in driven.param_groups[0].items() if k != "params"}
    with pytest.raises(InputError, match=says) as refused:
        attach(driven, *arguments, **options)
    assert "\n" not in str(refused.value)
    assert {k: v for k, v in driven.param_groups[0].items() if k != "params"} == before


def test_betas_that_are_tensors_are_refused() -> None:
    betas = (torch.tensor(0.9), torch.tensor(0.99))
    optimizer = AdamW([torch.nn.Parameter(torch.ones(2))], lr=torch.tensor(0.1), betas=betas, capturable=True)
    with pytest.raises(InputError, match="must have betas as plain numbers"):
        attach(optimizer, plan(lr=0.1, beta1=0.9), HORIZON)
