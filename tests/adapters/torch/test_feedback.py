"""A rule and a hand under `attach`: when they take hold, what a checkpoint keeps, and what is refused."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import numpy as np
import pytest
import torch
from tests.adapters.rules import falling
from tests.adapters.torch.driven import HORIZON, RATES, STEPS, Run, single, update

from lrdecay.adapters.torch import AttachedScheduler, attach, find
from lrdecay.errors import InputError
from lrdecay.feedback.edits import Edit
from lrdecay.feedback.rule import Event
from lrdecay.schedule import Horizon, cosine, parse, plan

SPEC = "warmup(3) + cosine(0.1)"
RULED = f"({SPEC}) * falling(factor=0.5)"
HELD = Horizon(steps=10)
SEEN = [3.0, 4.0, 2.0, 1.0, 1.5, float("nan"), 1.0, 2.0, 0.5]  # falling drops after updates 2, 5 and 8


def _edits(scheduler: AttachedScheduler) -> None:
    """At step 4 somebody halves the rate over two updates, at step 6 it is undone."""

    def hand(t: int) -> None:
        if t == 4:
            scheduler.dial.add(Edit(1, 4, "scale", 2, factor=0.5, asked="scale factor=0.5"))
        if t == 6:
            scheduler.dial.add(Edit(2, 6, "undo", 1, asked="undo"))

    scheduler.at_boundary(hand)


def _go(run: Run, scheduler: AttachedScheduler, first: int, last: int, *, late: bool) -> list[list[float]]:
    """Updates with an observation after each: before ``scheduler.step()``, or after it."""
    used = []
    for t in range(first, last):
        run.gradients(t)
        used.append(run.rates())
        run.optimizer.step()
        if late:
            scheduler.step()
        scheduler.observe(loss=SEEN[t])
        if not late:
            scheduler.step()
    return used


@pytest.mark.parametrize("late", [False, True])
def test_what_is_observed_after_t_updates_holds_from_update_t_on_wherever_step_is_called(late: bool) -> None:
    run = Run()
    scheduler = attach(run.optimizer, RULED, HORIZON)
    used = _go(run, scheduler, 0, STEPS, late=late)
    factors = [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]
    base = parse(SPEC).bind(HORIZON).values().tolist()
    assert used == [[rate * m * share for share in RATES] for rate, m in zip(base, factors, strict=True)]
    assert [(event.step, event.kind, event.after) for event in scheduler.events] == [
        (2, "drop", 0.5),
        (5, "drop", 0.25),
        (8, "drop", 0.125),
    ]
    assert scheduler.dial.multiplier == 0.125


def test_an_observation_before_step_leaves_the_written_rates_until_step() -> None:
    optimizer = single()
    scheduler = attach(optimizer, "constant(0.1) * falling()", HELD)
    assert scheduler.observe(loss=1.0) is None
    update(optimizer)
    said = scheduler.observe(loss=2.0)
    assert said == Event(1, "drop", 1.0, 0.5, "2 after 1")
    assert (optimizer.param_groups[0]["lr"], scheduler.get_last_lr(), scheduler.rate) == (0.1, [0.1], 0.05)
    scheduler.step()
    assert (optimizer.param_groups[0]["lr"], scheduler.get_last_lr()) == (0.05, [0.05])


@pytest.mark.parametrize(
    "value", [2.0, 2, np.float32(2), np.array(2.0), torch.tensor(2.0), torch.tensor(2.0).bfloat16()]
)
def test_a_value_may_be_any_single_number(value: Any) -> None:
    scheduler = attach(single(), cosine(0.1) * falling(), HELD)
    scheduler.observe(loss=torch.tensor(1.0, requires_grad=True))
    assert scheduler.observe(loss=value, accuracy=0.1) is not None


@pytest.mark.parametrize("value", [None, "2", True, [2.0], np.ones(1), torch.ones(2)])
def test_anything_else_is_refused_and_not_shown_to_the_rule(value: Any) -> None:
    scheduler = attach(single(), cosine(0.1) * falling(), HELD)
    before = scheduler.state_dict()
    with pytest.raises(InputError, match=r"`scheduler.observe\(loss=\.\.\.\)` must be a single number, got"):
        scheduler.observe(loss=value)
    with pytest.raises(InputError, match=r"must be given for falling\("):
        scheduler.observe(accuracy=0.1)
    assert scheduler.state_dict() == before


def test_a_callback_is_called_once_for_each_update_and_what_it_turns_is_written_with_the_groups_ratios() -> None:
    run = Run()
    scheduler = attach(run.optimizer, SPEC, HORIZON)
    called: list[int] = []
    scheduler.at_boundary(called.append)
    _edits(scheduler)
    used = []
    for t in range(STEPS):
        run.gradients(t)
        used.append(run.rates())
        run.optimizer.step()
        for _ in range(3):
            scheduler.step()
    assert called == list(range(1, STEPS + 1))
    f = parse(SPEC).bind(HORIZON).values().tolist()
    down = [f[4] * (1 - 1 / 3) + f[4] * 0.5 / 3, f[5] * (1 - 2 / 3) + f[5] * 0.5 * 2 / 3]
    back = [0.5 * (0.5 * f[6]) + 0.5 * f[6], f[7], f[8]]
    assert used == [pytest.approx([rate * share for share in RATES], rel=1e-15) for rate in f[:4] + down + back]
    assert [edit["sequence"] for edit in scheduler.state_dict()["feedback"]["journal"]] == [1, 2]


def test_a_group_added_later_and_a_tensor_rate_follow_the_dial() -> None:
    optimizer = single(torch.tensor(0.5))
    scheduler = attach(optimizer, "constant(0.25) * falling()", HELD)
    scheduler.observe(loss=1.0)
    rate = optimizer.param_groups[0]["lr"]
    scheduler.observe(loss=2.0)
    assert (optimizer.param_groups[0]["lr"], float(rate)) == (rate, 0.125)
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(1))], "lr": 0.05})
    update(optimizer)
    scheduler.step()
    assert scheduler.get_last_lr() == [0.125, 0.0125]
    assert float(optimizer.param_groups[1]["lr"]) == 0.0125


ORDERS = ("scheduler last", "optimizer last", "attached last", "scheduler alone")


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
@pytest.mark.parametrize("late", [False, True])
def test_a_run_under_a_rule_and_a_hand_resumed_at_any_step_goes_on_bit_for_bit(
    kind: str, order: str, late: bool
) -> None:
    whole = Run(kind)
    scheduler = attach(whole.optimizer, RULED, HORIZON)
    _edits(scheduler)
    used, checkpoints = [], []
    for k in range(STEPS):
        checkpoints.append(whole.saved(scheduler))
        used += _go(whole, scheduler, k, k + 1, late=late)
    assert len({rates[0] for rates in used}) > 6
    for k, checkpoint in enumerate(checkpoints):
        run, held = Run(kind), copy.deepcopy(checkpoint)
        run.load_weights(held)
        if order == "attached last":
            run.optimizer.load_state_dict(held["optimizer"])
        again = attach(run.optimizer, RULED, HORIZON)
        if order == "scheduler last":
            run.optimizer.load_state_dict(held["optimizer"])
        again.load_state_dict(json.loads(json.dumps(held["scheduler"])))
        if order == "optimizer last":
            run.optimizer.load_state_dict(held["optimizer"])
        _edits(again)
        assert _go(run, again, k, STEPS, late=late) == used[k:], k
        if order != "scheduler alone":
            assert all(torch.equal(a, b) for a, b in zip(run.weights, whole.weights, strict=True)), k
            assert again.state_dict() == scheduler.state_dict()


def test_a_plain_run_keeps_nothing_of_this_in_its_state_and_an_older_state_loads() -> None:
    scheduler = attach(single(), "cosine(0.1)", HELD, step=3)
    assert scheduler.dial.rate(3) == scheduler.rate
    state = scheduler.state_dict()
    assert "feedback" not in state
    edited = attach(single(), "cosine(0.1)", HELD)
    edited.dial.add(Edit(1, 2, "hold"))
    edited.load_state_dict(state)
    assert (edited.dial.journal, edited.rate) == ((), scheduler.rate)


def test_a_journal_comes_back_into_a_scheduler_that_was_never_turned() -> None:
    scheduler = attach(single(), "cosine(0.1)", HELD)
    scheduler.dial.add(Edit(1, 2, "hold"))
    optimizer = single()
    other = attach(optimizer, "cosine(0.1)", HELD)
    other.load_state_dict(scheduler.state_dict() | {"step": 7})
    assert optimizer.param_groups[0]["lr"] == other.rate == cosine(0.1).bind(HELD)(2)
    with pytest.raises(InputError, match="once, under a rule or a hand, got 'one that is repeated'"):
        attach(single(), "cosine(0.1)", HELD, after="repeat", override=True).load_state_dict(scheduler.state_dict())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("cosine(0.1) * falling()", "cosine(0.1)"),
        ("cosine(0.1)", "cosine(0.1) * falling()"),
        ("cosine(0.1) * falling(factor=0.1)", "cosine(0.1) * falling()"),
    ],
)
def test_a_checkpoint_of_another_rule_is_refused_unless_the_attached_one_is_to_win(
    ours: str, theirs: str, capsys: pytest.CaptureFixture[str]
) -> None:
    old = attach(single(), theirs, HELD, step=6)
    old.dial.add(Edit(1, 6, "scale", factor=0.5))
    if "falling" in theirs:
        old.observe(loss=1.0)
        old.observe(loss=2.0)
    strict = attach(single(), ours, HELD)
    before = strict.state_dict()
    with pytest.raises(InputError, match=r"must agree with what is attached, rule .*override=True"):
        strict.load_state_dict(old.state_dict())
    assert strict.state_dict() == before
    willing = attach(single(), ours, HELD, override=True)
    willing.load_state_dict(old.state_dict())
    assert "attached rule" in capsys.readouterr().err
    assert (willing.dial.multiplier, len(willing.dial.journal)) == (1.0, 1)
    assert willing.rate == 0.5 * cosine(0.1).bind(HELD)(6)


@pytest.mark.parametrize(
    "feedback",
    [
        None,
        {"journal": []},
        {"journal": [{}], "rule": None},
        {"journal": [], "rule": {"notation": "falling(factor=0.5)"}},
        {"journal": [], "rule": {"notation": "falling(factor=0.5)", "state": {"multiplier": float("nan")}}},
        {
            "journal": [],
            "rule": {"notation": "falling(factor=0.5)", "state": {"multiplier": -1.0, "window": 0, "own": 0}},
        },
    ],
)
def test_a_broken_state_is_refused_and_changes_nothing(feedback: Any) -> None:
    scheduler = attach(single(), "cosine(0.1) * falling(factor=0.5)", HELD, step=3)
    before = scheduler.state_dict()
    with pytest.raises(InputError, match=r"feedback|journal") as refused:
        scheduler.load_state_dict({**before, "step": 5, "feedback": feedback})
    assert "\n" not in str(refused.value)
    assert scheduler.state_dict() == before


def test_what_cannot_be_turned_says_so() -> None:
    p = plan(lr="cosine(0.1)")
    for call in (
        lambda: attach(single(), "plan(lr=cosine(0.1)) * falling()", HELD),
        lambda: attach(single(), "cosine(0.1) * falling()", HELD, after="repeat"),
        lambda: attach(single(), falling(), HELD),
        lambda: attach(single(), p, HELD).dial,
        lambda: attach(single(), p, HELD).observe(loss=1.0),
        lambda: attach(single(), "cosine(0.1)", HELD).observe(loss=1.0),
        lambda: attach(single(), "cosine(0.1)", HELD, after="repeat").dial,
    ):
        with pytest.raises(InputError):
            call()


def test_a_callback_follows_a_plan_too() -> None:
    optimizer = single()
    called: list[int] = []
    scheduler = attach(optimizer, plan(lr="cosine(0.1)"), HELD)
    scheduler.at_boundary(called.append)
    for _ in range(3):
        update(optimizer)
        scheduler.step()
        scheduler.step()
    assert called == [1, 2, 3]
    assert optimizer.param_groups[0]["lr"] == cosine(0.1).bind(HELD)(3)


def test_a_copied_optimizer_has_a_dial_of_its_own() -> None:
    optimizer = single()
    scheduler = attach(optimizer, "constant(0.1) * falling()", HELD)
    scheduler.observe(loss=1.0)
    other = copy.deepcopy(scheduler)
    other.observe(loss=2.0)
    assert (other.rate, scheduler.rate) == (0.05, 0.1)
    other.step()
    assert (other.optimizer.param_groups[0]["lr"], optimizer.param_groups[0]["lr"]) == (0.05, 0.1)


def test_past_the_end_the_last_rate_is_held_under_the_rule() -> None:
    optimizer = single()
    scheduler = attach(optimizer, "linear(0.1, floor=0.04) * falling()", Horizon(steps=2))
    for loss in (1.0, 0.5, 0.6, 0.3):
        update(optimizer)
        scheduler.observe(loss=loss)
        scheduler.step()
    assert scheduler.get_last_lr() == [0.02]


class Weights:
    """A run of a small layer with momentum, under a rule that looks at its weights and gradients by itself."""

    def __init__(self, ruled: str) -> None:
        torch.manual_seed(0)
        self.layer = torch.nn.Linear(3, 2)
        self.optimizer = torch.optim.SGD(self.layer.parameters(), lr=1.0, momentum=0.5)
        self.scheduler = attach(self.optimizer, ruled, Horizon(steps=40, steps_per_epoch=5))

    def train(self, first: int, last: int) -> list[float]:
        used = []
        for t in range(first, last):
            self.optimizer.zero_grad()
            x = torch.randn(4, 3, generator=torch.Generator().manual_seed(t))
            (self.layer(x) ** 2).mean().backward()
            used.append(self.optimizer.param_groups[0]["lr"])
            self.optimizer.step()
            self.scheduler.step()
        return used

    def saved(self) -> Any:
        file = io.BytesIO()
        kept = {"layer": self.layer.state_dict(), "optimizer": self.optimizer.state_dict()}
        torch.save(kept | {"scheduler": self.scheduler.state_dict()}, file)
        file.seek(0)
        return torch.load(file, weights_only=True)


@pytest.mark.parametrize("name", ["weight_norm", "distance", "gradient_norm", "gradient_dot", "stationarity"])
def test_a_rule_that_looks_at_weights_or_gradients_sees_them_itself_and_resumes_at_any_step(name: str) -> None:
    ruled = f'constant(0.1) * falling(factor=0.9, metric="{name}")'
    whole = Weights(ruled)
    assert whole.scheduler.watches
    used, kept = [], []
    for k in range(12):
        kept.append(whole.saved())
        used += whole.train(k, k + 1)
    told = whole.scheduler.dial.state()["rule"]["state"]
    assert told["multiplier"] < 1 or told["own"]["last"] is not None  # the norm of the weights only falls
    for k, checkpoint in enumerate(kept):
        run = Weights(ruled)
        run.layer.load_state_dict(checkpoint["layer"])
        run.optimizer.load_state_dict(checkpoint["optimizer"])
        run.scheduler.load_state_dict(checkpoint["scheduler"])
        assert run.train(k, 12) == used[k:], k
        same = zip(run.layer.parameters(), whole.layer.parameters(), strict=True)
        assert all(torch.equal(a, b) for a, b in same), k
    with pytest.raises(InputError, match="must not be given what the rule sees by itself"):
        whole.scheduler.observe(loss=1.0)


def test_the_angle_of_autodrop_is_of_the_steps_its_rule_says() -> None:
    run = Weights('constant(0.1) * autodrop(every="1ep")')
    seen: list[dict[str, float]] = []
    watch = run.scheduler._feedback.watch  # type: ignore[union-attr]
    for t in range(15):
        run.train(t, t + 1)
        seen.append(watch.values())  # type: ignore[union-attr]
    assert [t + 1 for t, found in enumerate(seen) if found["step_angle"] == found["step_angle"]] == [10, 15]


def test_an_update_that_is_skipped_shows_the_rule_nothing() -> None:
    run = Weights('constant(0.1) * falling(metric="weight_norm")')
    run.train(0, 2)
    before = run.scheduler.state_dict()["feedback"]
    fused = torch.optim.SGD(run.layer.parameters(), lr=1.0, fused=True)
    scheduler = attach(fused, 'constant(0.1) * falling(metric="weight_norm")', Horizon(steps=40, steps_per_epoch=5))
    scheduler.load_state_dict(run.scheduler.state_dict())
    fused.grad_scale, fused.found_inf = None, torch.tensor(1.0)  # as a GradScaler says it
    fused.step()
    assert (scheduler.count, scheduler.state_dict()["feedback"]) == (2, before)


def test_a_range_test_leaves_rule_and_hand_as_they_were() -> None:
    run = Weights('constant(0.1) * falling(factor=0.9, metric="distance")')
    run.train(0, 6)
    run.scheduler.dial.add(Edit(1, 6, "scale", factor=0.5))
    before, events = run.saved(), list(run.scheduler.events)
    batches = [(torch.ones(4, 3), torch.zeros(4, 2))] * 4
    options: dict[str, Any] = {"points": 12, "repeats": 1, "low": 1e-3, "high": 1.0}
    find(run.layer, run.optimizer, loss=torch.nn.functional.mse_loss, loader=batches, **options)
    after = run.saved()
    assert repr(after["scheduler"]) == repr(before["scheduler"])
    torch.testing.assert_close(after["layer"], before["layer"], rtol=0, atol=0)
    assert run.scheduler.events == events


def test_a_plan_or_a_bound_schedule_times_a_rule_says_what_is_wrong() -> None:
    for other in (plan(lr="cosine(0.1)"), plan(lr="cosine(0.1)").bind(HELD), cosine(0.1).bind(HELD)):
        with pytest.raises(InputError, match="must multiply a schedule, not a plan or a bound one"):
            other * falling()  # type: ignore[operator]
