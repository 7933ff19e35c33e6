"""What `attach` promises, with real optimizers: absolute rates, counted updates, no surprises for torch's users."""

from __future__ import annotations

import copy
import gc
import warnings
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from tests.adapters.torch.driven import BANK, HORIZON, RATES, STEPS, Run, expected, single, update
from torch.optim import SGD, Adagrad, AdamW, Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, SequentialLR

from lrdecay.adapters.torch import attach
from lrdecay.errors import InputError, RunError
from lrdecay.schedule import Horizon, constant, cosine, parse

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
        assert first.count == STEPS - 1
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
