"""A run stopped anywhere and resumed in any order goes on bit for bit, and what does not fit is refused."""

from __future__ import annotations

import copy
import io
import json
from functools import cache
from typing import Any

import pytest
import torch
from tests.adapters.torch.driven import BANK, HORIZON, OPTIMIZERS, RATES, STEPS, Run, expected, single, update
from torch.optim.lr_scheduler import CosineAnnealingLR

from lrdecay.adapters.torch import AttachedScheduler, attach
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, parse


def _new_opt_sched(run: Run, c: dict[str, Any], spec: str, k: int) -> AttachedScheduler:
    scheduler = attach(run.optimizer, spec, HORIZON)
    run.optimizer.load_state_dict(c["optimizer"])
    scheduler.load_state_dict(c["scheduler"])
    return scheduler


def _new_sched_opt(run: Run, c: dict[str, Any], spec: str, k: int) -> AttachedScheduler:
    scheduler = attach(run.optimizer, spec, HORIZON)
    scheduler.load_state_dict(c["scheduler"])
    run.optimizer.load_state_dict(c["optimizer"])
    return scheduler


def _opt_new_sched(run: Run, c: dict[str, Any], spec: str, k: int) -> AttachedScheduler:
    run.optimizer.load_state_dict(c["optimizer"])
    scheduler = attach(run.optimizer, spec, HORIZON)
    scheduler.load_state_dict(c["scheduler"])
    return scheduler


def _sched_only(run: Run, c: dict[str, Any], spec: str, k: int) -> AttachedScheduler:
    scheduler = attach(run.optimizer, spec, HORIZON)
    scheduler.load_state_dict(c["scheduler"])
    return scheduler


def _fresh_at_step(run: Run, c: dict[str, Any], spec: str, k: int) -> AttachedScheduler:
    return attach(run.optimizer, spec, HORIZON, step=k)


def _opt_at_step(run: Run, c: dict[str, Any], spec: str, k: int) -> AttachedScheduler:
    run.optimizer.load_state_dict(c["optimizer"])
    return attach(run.optimizer, spec, HORIZON, step=k)


def _at_step_opt(run: Run, c: dict[str, Any], spec: str, k: int) -> AttachedScheduler:
    scheduler = attach(run.optimizer, spec, HORIZON, step=k)
    run.optimizer.load_state_dict(c["optimizer"])
    return scheduler


def _opt_new_seek(run: Run, c: dict[str, Any], spec: str, k: int) -> AttachedScheduler:
    run.optimizer.load_state_dict(c["optimizer"])
    scheduler = attach(run.optimizer, spec, HORIZON)
    scheduler.seek(k)
    return scheduler


LOADS_ALL = [_new_opt_sched, _new_sched_opt, _opt_new_sched, _opt_at_step, _at_step_opt, _opt_new_seek]


LOADS_RATES = [_sched_only, _fresh_at_step]


@cache
def trunk(kind: str, spec: str) -> tuple[Run, list[list[float]], list[dict[str, Any]]]:
    """An uninterrupted run, the rates it used, and a checkpoint before each of its updates."""
    whole = Run(kind)
    scheduler = attach(whole.optimizer, spec, HORIZON)
    used, checkpoints = [], []
    for k in range(STEPS):
        checkpoints.append(whole.saved(scheduler))
        used += whole.train(scheduler, k, k + 1)
    assert used == expected(spec)
    return whole, used, checkpoints


@pytest.mark.parametrize("order", [*LOADS_ALL, *LOADS_RATES], ids=lambda f: f.__name__[1:])
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_a_run_resumed_at_any_step_in_any_order_has_the_uninterrupted_rates_and_weights(kind: str, order: Any) -> None:
    for spec in BANK:
        whole, used, checkpoints = trunk(kind, spec)
        for k, checkpoint in enumerate(checkpoints):
            run = Run(kind)
            run.load_weights(checkpoint)
            # a copy, for torch trains on in the very tensors it was given to load
            scheduler = order(run, copy.deepcopy(checkpoint), spec, k)
            assert run.train(scheduler, k, STEPS) == used[k:], (spec, k)
            assert run.rates() == whole.rates()
            if order in LOADS_ALL:
                assert all(torch.equal(a, b) for a, b in zip(run.weights, whole.weights, strict=True)), (spec, k)


def test_an_optimizer_checkpoint_that_never_knew_lrdecay_gets_its_multipliers_back() -> None:
    foreign = Run(rates=(0.4, 0.2, 0.0))
    CosineAnnealingLR(foreign.optimizer, T_max=3)
    update(foreign.optimizer)
    checkpoint = foreign.optimizer.state_dict()
    assert all("lr_scale" not in group for group in checkpoint["param_groups"])
    for stated in (None, [1.0, 0.1, 0.0]):
        run = Run()
        scheduler = attach(run.optimizer, BANK[7], HORIZON, multipliers=stated, step=4)
        run.optimizer.load_state_dict(checkpoint)
        assert [group["lr_scale"] for group in run.optimizer.param_groups] == list(RATES)
        assert run.rates() == expected(BANK[7])[4]
        assert scheduler.count == 4


def test_a_schedulers_own_copy_of_the_multipliers_outlives_an_optimizer_checkpoint_without_them() -> None:
    trunk = Run()
    state = attach(trunk.optimizer, BANK[7], HORIZON, step=3).state_dict()
    foreign = Run(rates=(0.4, 0.2, 0.1)).optimizer.state_dict()
    for late in (False, True):
        run = Run(rates=(0.4, 0.2, 0.1))
        if not late:
            run.optimizer.load_state_dict(foreign)
        scheduler = attach(run.optimizer, BANK[7], HORIZON)
        scheduler.load_state_dict(state)
        if late:
            run.optimizer.load_state_dict(foreign)
        assert run.rates() == expected(BANK[7])[3]


def test_the_state_is_plain_json_and_loads_with_weights_only() -> None:
    run = Run()
    scheduler = attach(run.optimizer, BANK[8], HORIZON)
    run.train(scheduler, 0, 5)
    state = scheduler.state_dict()
    assert state == {
        "format": 1,
        "step": 5,
        "schedule": "warmup(3) + cosine(0.1)",
        "horizon": {"steps": 9, "steps_per_epoch": 4},
        "after": "hold",
        "multipliers": [1.0, 0.1, 0.0],
        "reference": 1.0,
    }
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    for back in (json.loads(json.dumps(state)), torch.load(file, weights_only=True)):
        other = attach(Run().optimizer, BANK[8], HORIZON)
        other.load_state_dict(back)
        assert other.state_dict() == state


def test_a_state_that_was_taken_does_not_change_when_training_goes_on() -> None:
    run = Run("adamw")
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    run.train(scheduler, 0, 3)
    taken, optimizer = scheduler.state_dict(), copy.deepcopy(run.optimizer.state_dict())
    kept = copy.deepcopy(taken)
    run.train(scheduler, 3, STEPS)
    assert taken == kept
    assert [group["lr"] for group in optimizer["param_groups"]] == expected(BANK[7])[3]
    fresh = Run("adamw")
    fresh.optimizer.load_state_dict(optimizer)
    assert fresh.rates() == expected(BANK[7])[3]


@pytest.mark.parametrize(
    ("spec", "horizon", "after", "names"),
    [
        ("cosine(0.2)", Horizon(steps=10), "hold", ["schedule"]),
        ("cosine(0.1)", Horizon(steps=20), "hold", ["horizon"]),
        ("cosine(0.1)", Horizon(steps=10), "repeat", ["after"]),
        ("linear(0.1)", Horizon(steps=20), "hold", ["schedule", "horizon"]),
    ],
)
def test_a_checkpoint_of_another_plan_is_refused_unless_the_attached_one_is_to_win(
    spec: str, horizon: Horizon, after: str, names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    old = attach(single(), "cosine(0.1)", Horizon(steps=10), step=6).state_dict()

    strict_optimizer = single()
    strict = attach(strict_optimizer, spec, horizon, after=after)
    before = strict.state_dict()
    with pytest.raises(InputError) as refused:
        strict.load_state_dict(old)
    new = strict.state_dict()
    for name in names:
        assert repr(old[name]) in str(refused.value)
        assert repr(new[name]) in str(refused.value)
    assert "override=True" in str(refused.value)
    assert strict.state_dict() == before
    assert strict_optimizer.param_groups[0]["lr"] == strict.rate
    assert capsys.readouterr().err == ""

    optimizer = single()
    willing = attach(optimizer, spec, horizon, after=after, override=True)
    willing.load_state_dict(old)
    assert willing.count == 6
    assert optimizer.param_groups[0]["lr"] == parse(spec).bind(horizon, after)(6)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == len(names)
    for line, name in zip(lines, names, strict=True):
        assert name in line
        assert repr(old[name]) in line
        assert repr(new[name]) in line
    willing.load_state_dict(willing.state_dict())
    assert capsys.readouterr().err == ""


def test_stated_multipliers_that_a_checkpoint_contradicts_are_refused_or_win(
    capsys: pytest.CaptureFixture[str],
) -> None:
    trunk = Run()
    trunk_scheduler = attach(trunk.optimizer, BANK[7], HORIZON, step=2)
    checkpoint = trunk.saved(trunk_scheduler)
    stated = [1.0, 0.5, 0.5]

    def load_optimizer(run: Run, override: bool) -> None:
        attach(run.optimizer, BANK[7], HORIZON, multipliers=stated, step=2, override=override)
        run.optimizer.load_state_dict(checkpoint["optimizer"])

    def load_scheduler(run: Run, override: bool) -> None:
        scheduler = attach(run.optimizer, BANK[7], HORIZON, multipliers=stated, override=override)
        scheduler.load_state_dict(checkpoint["scheduler"])

    def attach_late(run: Run, override: bool) -> None:
        run.optimizer.load_state_dict(checkpoint["optimizer"])
        attach(run.optimizer, BANK[7], HORIZON, multipliers=stated, step=2, override=override)

    for load in (load_optimizer, load_scheduler, attach_late):
        with pytest.raises(InputError, match="multipliers"):
            load(Run(), False)
        assert capsys.readouterr().err == ""
        run = Run()
        load(run, True)
        assert run.rates() == expected(BANK[7], tuple(stated))[2]
        assert [group["lr_scale"] for group in run.optimizer.param_groups] == stated
        assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"step": -1},
        {"step": 1.0},
        {"step": True},
        {"schedule": None},
        {"horizon": [10]},
        {"multipliers": [1.0, 1.0]},
        {"multipliers": [float("nan")]},
        {"multipliers": [-1.0]},
        {"multipliers": [None]},
        {"reference": 0.0},
        {"reference": "1"},
    ],
)
def test_a_broken_state_is_refused_and_changes_nothing(change: dict[str, Any]) -> None:
    optimizer = single()
    scheduler = attach(optimizer, "cosine(0.1)", Horizon(steps=10), step=3)
    before = scheduler.state_dict()
    with pytest.raises(InputError, match="load_state_dict") as refused:
        scheduler.load_state_dict({**before, "step": 5, **change})
    assert "\n" not in str(refused.value)
    assert scheduler.state_dict() == before
    assert optimizer.param_groups[0]["lr"] == scheduler.rate


def test_the_state_of_a_torch_scheduler_is_refused_with_the_way_out() -> None:
    scheduler = attach(single(), "cosine(0.1)", Horizon(steps=10))
    theirs = CosineAnnealingLR(single(), T_max=10).state_dict()
    for state in (theirs, None, [], {}, {"format": 1}):
        with pytest.raises(InputError, match=r"seek\(step\)"):
            scheduler.load_state_dict(state)  # type: ignore[arg-type]
