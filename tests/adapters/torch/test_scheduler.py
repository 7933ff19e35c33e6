"""Everything `attach` promises, with real optimizers: absolute rates, counted updates, any load order, no surprises."""

from __future__ import annotations

import copy
import gc
import io
import json
import warnings
import weakref
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import SGD, Adagrad, AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, SequentialLR

from lrdecay.adapters.torch.scheduler import AttachedScheduler, attach
from lrdecay.errors import InputError, RunError
from lrdecay.schedule import Horizon, constant, cosine, parse

STEPS = 9
HORIZON = Horizon(steps=STEPS, steps_per_epoch=4)

BANK = [
    "constant(0.3)",
    'step(0.1, factor=0.5, every="1ep")',
    "multi_step(0.1, factor=0.2, at=[3, 7])",
    "exponential(0.1, factor=0.9)",
    "inverse_time(0.1, rate=0.7)",
    "linear(0.1, floor=0.01)",
    "polynomial(0.1, floor=0.001, power=2)",
    "cosine(0.1, floor=0.001)",
    "warmup(3) + cosine(0.1)",
    'wsd(0.1, warmup=2, cooldown="30%", shape="1-sqrt")',
    "join(constant(0.2), linear(0.1), at=[5])",
    "0.5 * clamp(cosine(0.3), low=0.01, high=0.2)",
]

OPTIMIZERS: dict[str, Callable[[Any], Optimizer]] = {
    "sgd": lambda groups: SGD(groups, momentum=0.9),
    "adamw": lambda groups: AdamW(groups, weight_decay=0.1),
}
RATES = (1.0, 0.1, 0.0)


class Run:
    """A tiny model in three groups (rates 1, 0.1 and 0), its optimizer, and one exact update after another."""

    def __init__(self, kind: str = "sgd", rates: tuple[float, ...] = RATES) -> None:
        generator = torch.Generator().manual_seed(0)
        self.weights = [torch.randn(3, generator=generator).requires_grad_() for _ in rates]
        self.optimizer = OPTIMIZERS[kind]([{"params": [w], "lr": r} for w, r in zip(self.weights, rates, strict=True)])

    def rates(self) -> list[float]:
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def gradients(self, t: int) -> None:
        for i, w in enumerate(self.weights):
            w.grad = torch.full_like(w, 0.1 + 0.01 * t + 0.1 * i)

    def train(self, scheduler: AttachedScheduler, first: int, last: int) -> list[list[float]]:
        """Updates first, ..., last - 1; the rates each of them used."""
        used = []
        for t in range(first, last):
            self.gradients(t)
            used.append(self.rates())
            self.optimizer.step()
            scheduler.step()
        return used

    def saved(self, scheduler: AttachedScheduler) -> dict[str, Any]:
        """A checkpoint, through a file."""
        file = io.BytesIO()
        torch.save(
            {
                "weights": [w.detach() for w in self.weights],
                "optimizer": self.optimizer.state_dict(),
                "scheduler": scheduler.state_dict(),
            },
            file,
        )
        file.seek(0)
        return torch.load(file, weights_only=True)

    def load_weights(self, checkpoint: dict[str, Any]) -> None:
        with torch.no_grad():
            for mine, theirs in zip(self.weights, checkpoint["weights"], strict=True):
                mine.copy_(theirs)


def expected(spec: str, scales: tuple[float, ...] = RATES) -> list[list[float]]:
    return [[rate * scale for scale in scales] for rate in parse(spec).bind(HORIZON).values().tolist()]


def single(lr: Any = 0.5, **options: Any) -> SGD:
    return SGD([torch.nn.Parameter(torch.ones(2))], lr=lr, **options)


def update(optimizer: Optimizer) -> None:
    for group in optimizer.param_groups:
        for p in group["params"]:
            p.grad = torch.ones_like(p)
    optimizer.step()


# ---- the numbers ----


@pytest.mark.parametrize("spec", BANK)
def test_the_rates_of_a_real_run_are_the_bound_schedules_values_exactly(spec: str) -> None:
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 1)
    optimizer = SGD(model.parameters(), lr=7.0, momentum=0.9)
    scheduler = attach(optimizer, parse(spec), HORIZON)
    used = []
    for _ in range(STEPS):
        x = torch.randn(8, 4)
        optimizer.zero_grad()
        (model(x) - x.sum(dim=1, keepdim=True)).square().mean().backward()
        used.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert used == parse(spec).bind(HORIZON).values().tolist()
    assert all(type(rate) is float for rate in used)


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_groups_keep_the_ratios_they_came_with_also_one_at_zero(kind: str) -> None:
    run = Run(kind, (0.5, 0.05, 0.0))
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    scales = tuple(rate / 0.5 for rate in (0.5, 0.05, 0.0))
    assert run.train(scheduler, 0, STEPS) == expected(BANK[7], scales)
    assert [group["lr_scale"] for group in run.optimizer.param_groups] == list(scales)


def test_the_rate_of_the_first_update_is_written_by_attaching_and_nothing_else_happens() -> None:
    optimizer = single()
    step = optimizer.step
    scheduler = attach(optimizer, "cosine(0.1)", Horizon(steps=10))
    assert optimizer.param_groups[0]["lr"] == 0.1
    assert scheduler.count == 0
    assert optimizer.step == step
    assert set(optimizer.param_groups[0]) - set(single().param_groups[0]) == {"lr_scale"}


def test_a_run_can_be_attached_at_any_step() -> None:
    bound = cosine(0.1).bind(Horizon(steps=10))
    for k in range(10):
        optimizer = single()
        scheduler = attach(optimizer, bound, step=k)
        assert (scheduler.count, scheduler.rate, optimizer.param_groups[0]["lr"]) == (k, bound(k), bound(k))


def test_a_table_of_rates_is_used_bit_for_bit_and_the_schedule_is_not_evaluated() -> None:
    table = np.array([0.3, 0.1, 0.1 + 1e-17, 0.25])
    optimizer = single()
    scheduler = attach(optimizer, "cosine(0.1)", Horizon(steps=4), rates=table)
    used = []
    for _ in range(4):
        used.append(optimizer.param_groups[0]["lr"])
        update(optimizer)
        scheduler.step()
    assert used == table.tolist()
    assert scheduler.state_dict()["schedule"] == "cosine(0.1)"


def test_a_table_holds_the_entry_after_its_last_step_where_it_has_one() -> None:
    short, long = (attach(single(), "cosine(0.1)", Horizon(steps=2), rates=r) for r in ([0.3, 0.2], [0.3, 0.2, 0.1]))
    short.seek(5)
    long.seek(5)
    assert (short.rate, long.rate) == (0.2, 0.1)


@pytest.mark.parametrize("after", ["hold", "repeat"])
def test_past_the_end_the_bounds_policy_speaks(after: str) -> None:
    bound = parse("linear(0.1, floor=0.02)").bind(Horizon(steps=4), after)
    optimizer = single()
    scheduler = attach(optimizer, bound)
    for t in range(11):
        assert optimizer.param_groups[0]["lr"] == bound(t)
        update(optimizer)
        scheduler.step()


def test_under_raise_the_update_past_the_end_is_refused_and_the_last_scheduler_step_is_not() -> None:
    optimizer = single()
    scheduler = attach(optimizer, "linear(0.1)", Horizon(steps=3), after="raise")
    for _ in range(3):
        update(optimizer)
        scheduler.step()
    weights = optimizer.param_groups[0]["params"][0].detach().clone()
    with pytest.raises(InputError, match=r"optimizer\.step\(\).*past the end"):
        update(optimizer)
    assert torch.equal(weights, optimizer.param_groups[0]["params"][0])
    with pytest.raises(InputError, match=r"seek\(step\)"):
        scheduler.seek(4)
    scheduler.seek(2)
    update(optimizer)


# ---- counting ----


def test_calling_the_scheduler_any_number_of_times_gives_every_update_the_same_rate() -> None:
    run = Run()
    scheduler = attach(run.optimizer, BANK[8], HORIZON)
    used = []
    for t in range(STEPS):
        run.gradients(t)
        used.append(run.rates())
        run.optimizer.step()
        for _ in range(1 + t % 3):
            scheduler.step()
    assert used == expected(BANK[8])


def test_a_missed_call_is_made_good_by_the_next() -> None:
    optimizer = single()
    scheduler = attach(optimizer, "linear(0.1)", Horizon(steps=10))
    update(optimizer)
    update(optimizer)
    scheduler.step()
    assert optimizer.param_groups[0]["lr"] == parse("linear(0.1)").bind(Horizon(steps=10))(2)


def test_accumulating_gradients_counts_updates_not_micro_batches() -> None:
    model = torch.nn.Linear(3, 1)
    optimizer = AdamW(model.parameters())
    scheduler = attach(optimizer, "cosine(0.1)", Horizon(steps=5))
    used = []
    for micro in range(20):
        model(torch.randn(2, 3)).sum().backward()
        if micro % 4 == 3:
            used.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            optimizer.zero_grad()
        scheduler.step()
    assert used == cosine(0.1).bind(Horizon(steps=5)).values().tolist()


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("kind", [SGD, AdamW, Adagrad])
def test_an_update_skipped_by_a_grad_scaler_is_not_counted(kind: type[Optimizer], fused: bool) -> None:
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = kind([weight], lr=0.5, fused=fused)  # type: ignore[call-arg]
    assert getattr(optimizer, "_step_supports_amp_scaling", False) is fused
    scheduler = attach(optimizer, "linear(0.1)", Horizon(steps=10))
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    counts, moved = [], []
    for t in range(6):
        before = weight.detach().clone()
        optimizer.zero_grad()
        loss = (weight * (torch.inf if t % 2 else 1.0)).sum()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
        counts.append(scheduler.count)
        moved.append(not torch.equal(before, weight))
    assert moved == [True, False] * 3
    assert counts == [1, 1, 2, 2, 3, 3]
    assert optimizer.param_groups[0]["lr"] == parse("linear(0.1)").bind(Horizon(steps=10))(3)


def test_an_update_skipped_after_unscaling_by_hand_is_not_counted() -> None:
    optimizer = single(fused=True)
    scheduler = attach(optimizer, "linear(0.1)", Horizon(steps=10))
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    for factor in (1.0, torch.nan):
        optimizer.zero_grad()
        scaler.scale((optimizer.param_groups[0]["params"][0] * factor).sum()).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
    assert scheduler.count == 1


def test_an_optimizer_that_hides_its_skips_is_refused() -> None:
    class Hiding(SGD):
        _step_supports_amp_scaling = True

        def step(self, closure: Any = None, *, grad_scaler: Any = None) -> None:  # type: ignore[override]
            return super().step(closure)

    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = Hiding([weight], lr=0.1)
    attach(optimizer, "linear(0.1)", Horizon(steps=10))
    scaler = torch.amp.GradScaler("cpu")
    scaler.scale(weight.sum()).backward()
    with pytest.warns(FutureWarning, match="GradScaler"), pytest.raises(InputError, match="grad_scaler"):
        scaler.step(optimizer)


def test_an_update_that_raises_is_not_counted() -> None:
    optimizer = single()
    scheduler = attach(optimizer, "linear(0.1)", Horizon(steps=10))

    def fails() -> float:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        optimizer.step(fails)
    assert scheduler.count == 0


# ---- stopping and going on ----


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
    for state in (theirs, None, [], {}):
        with pytest.raises(InputError, match=r"seek\(step\)"):
            scheduler.load_state_dict(state)  # type: ignore[arg-type]


# ---- groups ----


@pytest.mark.parametrize("when", ["before the update", "after the update"])
def test_a_group_added_later_trains_at_its_share_from_its_first_update_on(when: str) -> None:
    run = Run(rates=(0.5, 0.05))
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    run.train(scheduler, 0, 4)
    late = torch.nn.Parameter(torch.ones(2))
    if when == "before the update":
        run.optimizer.add_param_group({"params": [late], "lr": 0.25})
        late.grad = torch.ones(2)
        run.gradients(4)
        before = late.detach().clone()
        run.optimizer.step()
        assert torch.equal(late, before - expected(BANK[7], (0.5,))[4][0])
        scheduler.step()
    else:
        run.train(scheduler, 4, 5)
        run.optimizer.add_param_group({"params": [late], "lr": 0.25})
        scheduler.step()
    assert run.rates() == expected(BANK[7], (1.0, 0.1, 0.5))[5]
    assert scheduler.state_dict()["multipliers"] == [1.0, 0.1, 0.5]

    resumed = Run(rates=(0.5, 0.05))
    resumed.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.25})
    other = attach(resumed.optimizer, BANK[7], HORIZON)
    other.load_state_dict(scheduler.state_dict())
    assert resumed.train(other, 5, STEPS) == expected(BANK[7], (1.0, 0.1, 0.5))[5:]


def test_a_resumed_run_measures_later_groups_by_the_first_attachs_rates() -> None:
    whole = Run(rates=(0.5, 0.05))
    first = attach(whole.optimizer, BANK[7], HORIZON)
    whole.train(first, 0, 4)
    checkpoint = whole.saved(first)
    run = Run(rates=(0.5, 0.05))
    run.optimizer.load_state_dict(checkpoint["optimizer"])  # its rates are decayed ones
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    scheduler.load_state_dict(checkpoint["scheduler"])
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.25})
    scheduler.step()
    assert run.rates() == expected(BANK[7], (1.0, 0.1, 0.5))[4]


def test_a_group_added_just_before_attaching_again_gets_its_share() -> None:
    run = Run(rates=(0.5, 0.05))
    run.train(attach(run.optimizer, BANK[7], HORIZON), 0, 4)
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.25})
    attach(run.optimizer, BANK[5], HORIZON)
    assert run.rates() == expected(BANK[5], (1.0, 0.1, 0.5))[0]


def test_the_multipliers_of_a_checkpoint_replace_those_worked_out_from_new_rates() -> None:
    whole = Run(rates=(0.5, 0.05))
    checkpoint = whole.saved(attach(whole.optimizer, BANK[7], HORIZON, step=4))
    run = Run(rates=(0.5, 0.5))
    attach(run.optimizer, BANK[7], HORIZON, step=4)
    run.optimizer.load_state_dict(checkpoint["optimizer"])
    assert run.rates() == expected(BANK[7], (1.0, 0.1))[4]


def test_a_group_added_before_loading_a_foreign_checkpoint_keeps_its_own_share() -> None:
    foreign = Run(rates=(1e-3, 2e-3, 3e-3)).optimizer.state_dict()
    run = Run(rates=(0.5, 0.05))
    attach(run.optimizer, BANK[7], HORIZON, step=4)
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(3))], "lr": 0.25})
    run.optimizer.load_state_dict(foreign)
    assert run.rates() == expected(BANK[7], (1.0, 0.1, 0.5))[4]


def test_a_group_may_bring_its_own_multiplier_and_must_where_no_reference_is_known() -> None:
    run = Run(rates=(0.5, 0.05))
    for group, scale in zip(run.optimizer.param_groups, (1.0, 0.7), strict=True):
        group["lr_scale"] = scale
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    assert run.rates() == expected(BANK[7], (1.0, 0.7))[0]
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr_scale": 0.3})
    scheduler.step()
    assert run.rates() == expected(BANK[7], (1.0, 0.7, 0.3))[0]
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.1})
    with pytest.raises(InputError, match="lr_scale"):
        scheduler.step()


def test_removing_a_group_is_an_error_that_says_so() -> None:
    run = Run()
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    run.optimizer.param_groups.pop()
    for use in (scheduler.step, scheduler.state_dict, run.optimizer.step):
        with pytest.raises(RunError, match="must find the 3 groups"):
            use()
    again = attach(run.optimizer, BANK[5], HORIZON)
    assert run.rates() == expected(BANK[5], RATES[:2])[0]
    run.weights.pop()
    assert run.train(again, 0, STEPS) == expected(BANK[5], RATES[:2])


def test_stated_multipliers_stand_in_for_rates_that_are_all_zero() -> None:
    run = Run(rates=(0.0, 0.0))
    with pytest.raises(InputError, match="multipliers"):
        attach(run.optimizer, BANK[7], HORIZON)
    assert all("lr_scale" not in group for group in run.optimizer.param_groups)
    attach(run.optimizer, BANK[7], HORIZON, multipliers=[0.25, 1])
    assert run.rates() == expected(BANK[7], (0.25, 1.0))[0]


def test_attaching_again_takes_over_with_the_same_ratios_and_retires_the_first() -> None:
    run = Run()
    first = attach(run.optimizer, BANK[7], HORIZON)
    run.train(first, 0, STEPS - 1)
    second = attach(run.optimizer, BANK[5], HORIZON)
    assert run.train(second, 0, 3) == expected(BANK[5])[:3]
    assert (first.count, second.count) == (STEPS - 1, 3)
    for use in (first.step, first.state_dict, lambda: first.seek(0)):
        with pytest.raises(RunError, match="took this optimizer over"):
            use()
    run.optimizer.load_state_dict(run.optimizer.state_dict())
    assert run.rates() == expected(BANK[5])[3]
    run.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.5})
    second.step()
    assert run.rates() == expected(BANK[5], (*RATES, 0.5))[3]


def test_an_attach_that_is_refused_leaves_the_optimizer_and_its_scheduler_alone() -> None:
    run = Run()
    first = attach(run.optimizer, BANK[7], HORIZON)
    groups = [{k: v for k, v in group.items() if k != "params"} for group in run.optimizer.param_groups]
    with pytest.raises(InputError):
        attach(run.optimizer, BANK[5], HORIZON, multipliers=[1.0])
    assert groups == [{k: v for k, v in group.items() if k != "params"} for group in run.optimizer.param_groups]
    assert run.train(first, 0, STEPS) == expected(BANK[7])


# ---- tensor rates ----


def tensor_run(rates: tuple[float, ...] = (1.0, 0.5)) -> SGD:
    return SGD(
        [
            {"params": [torch.nn.Parameter(torch.ones(3))], "lr": torch.tensor(rate, dtype=torch.float64)}
            for rate in rates
        ],
        foreach=True,
    )


def test_a_tensor_rate_is_filled_in_place_and_never_replaced() -> None:
    optimizer = tensor_run()
    tensors = [group["lr"] for group in optimizer.param_groups]
    scheduler = attach(optimizer, BANK[7], HORIZON)
    for t in range(STEPS):
        assert all(group["lr"] is tensor for group, tensor in zip(optimizer.param_groups, tensors, strict=True))
        assert [tensor.item() for tensor in tensors] == expected(BANK[7], (1.0, 0.5))[t]
        assert scheduler.get_last_lr() == expected(BANK[7], (1.0, 0.5))[t]
        update(optimizer)
        scheduler.step()
    json.dumps(scheduler.state_dict())


def test_tensor_rates_resume_in_both_orders() -> None:
    trunk = tensor_run()
    scheduler = attach(trunk, BANK[7], HORIZON)
    for _ in range(5):
        update(trunk)
        scheduler.step()
    for optimizer_first in (True, False):
        optimizer = tensor_run()
        other = attach(optimizer, BANK[7], HORIZON)
        loads = [
            lambda o=optimizer: o.load_state_dict(trunk.state_dict()),
            lambda s=other: s.load_state_dict(scheduler.state_dict()),
        ]
        for load in loads if optimizer_first else reversed(loads):
            load()
        for t in range(5, STEPS):
            assert [group["lr"].item() for group in optimizer.param_groups] == expected(BANK[7], (1.0, 0.5))[t]
            update(optimizer)
            other.step()


def test_float_and_tensor_rates_may_stand_side_by_side() -> None:
    optimizer = single()
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": torch.tensor(0.25).double()})
    scheduler = attach(optimizer, BANK[7], HORIZON)
    for t in range(STEPS):
        a, b = (group["lr"] for group in optimizer.param_groups)
        assert type(a) is float
        assert [a, b.item()] == expected(BANK[7], (1.0, 0.5))[t]
        update(optimizer)
        scheduler.step()


def test_one_tensor_shared_by_groups_drives_them_alike_or_is_refused() -> None:
    shared = torch.tensor(0.5)
    optimizer = single(shared, foreach=True)
    scheduler = attach(optimizer, "linear(0.1)", Horizon(steps=10))
    update(optimizer)
    scheduler.step()
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))]})  # torch hands out the same tensor
    assert optimizer.param_groups[1]["lr"] is shared
    scheduler.step()
    assert scheduler.state_dict()["multipliers"] == [1.0, 1.0]
    assert shared.item() == pytest.approx(0.09)
    with pytest.raises(InputError, match="share one tensor"):
        attach(optimizer, "linear(0.1)", Horizon(steps=10), multipliers=[1.0, 0.5], override=True)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")  # torch's own, on first compiling
def test_a_compiled_update_is_counted_and_new_rates_do_not_recompile_it() -> None:
    torch._dynamo.reset()
    optimizer = single(torch.tensor(0.5), foreach=True)
    scheduler = attach(optimizer, "linear(0.1)", Horizon(steps=20))
    graphs = []

    def backend(graph: torch.fx.GraphModule, example_inputs: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    compiled = torch.compile(optimizer.step, backend=backend)
    weight = optimizer.param_groups[0]["params"][0]
    seen = []
    for _ in range(12):
        weight.grad = torch.ones_like(weight)
        compiled()
        scheduler.step()
        seen.append(len(graphs))
    torch._dynamo.reset()
    assert scheduler.count == 12
    assert seen[0] >= 1
    assert seen[2:] == [seen[2]] * 10
    assert weight[0].item() == pytest.approx(1.0 - sum(parse("linear(0.1)").bind(Horizon(steps=20)).values()[:12]))


# ---- what torch and its users see ----


def test_it_is_a_torch_scheduler_to_code_typed_for_torch() -> None:
    def log(scheduler: LRScheduler) -> list[float]:
        return [float(rate) for rate in scheduler.get_last_lr()]

    run = Run()
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    assert isinstance(scheduler, LRScheduler)
    assert scheduler.optimizer is run.optimizer
    assert scheduler.base_lrs == expected(BANK[7])[0]
    for t in range(STEPS):
        assert scheduler.last_epoch == t
        assert log(scheduler) == scheduler._last_lr == scheduler.get_lr() == expected(BANK[7])[t]
        run.train(scheduler, t, t + 1)


def test_no_warning_about_the_order_of_calls_is_given() -> None:
    optimizer = single()
    scheduler = attach(optimizer, "cosine(0.1)", Horizon(steps=10))
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        scheduler.step()
        scheduler.step()
        update(optimizer)
        scheduler.step()
    assert given == []
    assert scheduler.count == 1


def test_torch_schedulers_that_move_others_are_refused() -> None:
    optimizer = single()
    theirs = CosineAnnealingLR(optimizer, T_max=5)
    scheduler = attach(optimizer, "cosine(0.1)", Horizon(steps=10))
    with pytest.raises(InputError, match="SequentialLR"):
        SequentialLR(optimizer, [scheduler, theirs], milestones=[3])
    with pytest.raises(InputError, match=r"seek\(step\)"):
        scheduler.step(3)


def test_a_deep_copy_counts_its_own_optimizer() -> None:
    run = Run()
    scheduler = attach(run.optimizer, BANK[7], HORIZON)
    run.train(scheduler, 0, 3)
    other = copy.deepcopy(scheduler)
    update(other.optimizer)
    other.step()
    assert (scheduler.count, other.count) == (3, 4)
    assert run.rates() == expected(BANK[7])[3]
    assert [group["lr"] for group in other.optimizer.param_groups] == expected(BANK[7])[4]


def test_an_attached_optimizer_is_not_kept_alive() -> None:
    optimizer = single()
    attach(optimizer, "cosine(0.1)", Horizon(steps=10))
    watched = weakref.ref(optimizer)
    del optimizer
    gc.collect()
    assert watched() is None


# ---- wrong arguments ----

H = Horizon(steps=4)
GOOD = np.array([0.4, 0.3, 0.2, 0.1])


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        (("cosine(0.1)",), {}, r"attach\(horizon\)"),
        (("cosine(0.1)", 4), {}, r"attach\(horizon\)"),
        ((cosine(0.1).bind(H), H), {}, "left out"),
        ((cosine(0.1).bind(H),), {"after": "repeat"}, r"attach\(after=...\)"),
        ((0.1, H), {}, r"attach\(schedule\)"),
        (("cosin(0.1)", H), {}, "cosine"),
        (("cosine(peak)", H), {}, "peak"),
        (("cosine(peak)", H), {"rates": GOOD}, "peak"),
        (("cosine(0.1)", H), {"after": "bounce"}, "hold, repeat, raise"),
        (("cosine(0.1)", H), {"rates": GOOD, "after": "bounce"}, "hold, repeat, raise"),
        (("cosine(0.1)", H), {"step": -1}, r"attach\(step=...\)"),
        (("cosine(0.1)", H), {"step": 1.5}, r"attach\(step=...\)"),
        (("cosine(0.1)", H), {"step": 5, "after": "raise"}, "end of the horizon"),
        (("cosine(0.1)", H), {"override": 1}, r"attach\(override=...\)"),
        (("cosine(0.1)", H), {"multipliers": [1.0, 1.0]}, "list of 1 numbers"),
        (("cosine(0.1)", H), {"multipliers": 1.0}, "list of 1 numbers"),
        (("cosine(0.1)", H), {"multipliers": [-1.0]}, r"attach\(multipliers=...\)"),
        (("cosine(0.1)", H), {"multipliers": [float("inf")]}, r"attach\(multipliers=...\)"),
        (("cosine(0.1)", H), {"multipliers": ["1"]}, r"attach\(multipliers=...\)"),
        (("cosine(0.1)", H), {"rates": GOOD[:3]}, r"attach\(rates=...\)"),
        (("cosine(0.1)", H), {"rates": GOOD.astype(np.float32)}, "float64"),
        (("cosine(0.1)", H), {"rates": GOOD.reshape(2, 2)}, "shape"),
        (("cosine(0.1)", H), {"rates": -GOOD}, r"rates >= 0"),
        (("cosine(0.1)", H), {"rates": GOOD * np.nan}, "finite"),
    ],
)
def test_a_wrong_argument_is_one_clear_line_and_changes_nothing(
    arguments: tuple[Any, ...], options: dict[str, Any], says: str
) -> None:
    optimizer = single()
    with pytest.raises(InputError, match=says) as refused:
        attach(optimizer, *arguments, **options)
    assert "\n" not in str(refused.value)
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert "lr_scale" not in optimizer.param_groups[0]


def test_what_is_no_optimizer_or_holds_nothing_to_train_is_refused() -> None:
    model = torch.nn.Linear(2, 1)
    with pytest.raises(InputError, match=r"torch\.optim\.Optimizer"):
        attach(model, constant(0.1), H)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="parameters"):
        attach(SGD([{"params": []}], lr=0.1), constant(0.1), H)
    emptied = single()
    emptied.param_groups.clear()
    with pytest.raises(InputError, match="parameters"):
        attach(emptied, constant(0.1), H)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"lr": None}, "rate"),
        ({"lr": float("nan")}, "lr"),
        ({"lr": -0.1}, "lr"),
        ({"lr_scale": -1.0}, "lr_scale"),
        ({"lr_scale": "big"}, "lr_scale"),
    ],
)
def test_a_group_with_an_unusable_rate_or_multiplier_is_refused(change: dict[str, Any], says: str) -> None:
    optimizer = single()
    optimizer.param_groups[0].update(change)
    with pytest.raises(InputError, match=says):
        attach(optimizer, constant(0.1), H)


def test_multipliers_in_some_groups_only_are_refused() -> None:
    run = Run()
    run.optimizer.param_groups[1]["lr_scale"] = 0.3
    with pytest.raises(InputError, match="every group or in none"):
        attach(run.optimizer, BANK[7], HORIZON)
    attach(run.optimizer, BANK[7], HORIZON, multipliers=[1.0, 0.3, 0.2])
    assert run.rates() == expected(BANK[7], (1.0, 0.3, 0.2))[0]
