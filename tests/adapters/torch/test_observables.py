"""What is computed around an update is its definition, on problems whose every value is known, and nothing else is."""

from __future__ import annotations

import io
import json
import math

import numpy as np
import pytest
import torch
from torch import nn

from lrdecay.adapters.torch.observables import COMPUTED, Observables
from lrdecay.errors import InputError
from lrdecay.feedback.dial import Dial
from lrdecay.feedback.notation import parse_rule
from lrdecay.schedule.horizon import Horizon

ALL = frozenset(COMPUTED)
CURVATURE = np.array([1.0, 0.5, 0.1])
START = np.array([1.0, -2.0, 3.0])


class Quadratic:
    """½ Σ c x² in float64 under SGD: x_t = (1 - α c)^t x_0, g_t = c x_t; split over two parameters, or two groups."""

    def __init__(self, rate: float = 0.2, needs: frozenset[str] = ALL, period: int = 1, groups: int = 1) -> None:
        x = torch.tensor(START)
        self.parts = [nn.Parameter(x[:1].clone()), nn.Parameter(x[1:].clone())]
        self.c = [torch.tensor(CURVATURE[:1]), torch.tensor(CURVATURE[1:])]
        given = [{"params": [p]} for p in self.parts] if groups == 2 else self.parts
        self.optimizer = torch.optim.SGD(given, lr=rate)
        self.seen = Observables(self.optimizer, needs, period)

    def step(self) -> dict[str, float]:
        self.optimizer.zero_grad()
        sum((0.5 * c * p * p).sum() for c, p in zip(self.c, self.parts, strict=True)).backward()
        self.seen.before_update()
        self.optimizer.step()
        self.seen.after_update()
        return self.seen.values()


def x(t, rate=0.2):
    return (1 - rate * CURVATURE) ** t * START


def angle(a, b):
    return math.degrees(math.acos(a @ b / np.linalg.norm(a) / np.linalg.norm(b)))


def test_every_value_is_the_closed_form_on_a_quadratic():
    q = Quadratic()
    for t in range(1, 30):
        found = q.step()
        g, before = CURVATURE * x(t - 1), CURVATURE * x(t - 2)
        d = (x(t - 1) - x(t)) / 0.2

        assert found["weight_norm"] == pytest.approx(np.linalg.norm(x(t)), rel=1e-12)
        assert found["gradient_norm"] == pytest.approx(np.linalg.norm(g), rel=1e-12)
        assert found["distance"] == pytest.approx(np.linalg.norm(x(t) - START), rel=1e-12)
        assert found["stationarity"] == pytest.approx(x(t) @ d + 0.1 * d @ d, rel=1e-9)
        if t == 1:
            assert math.isnan(found["gradient_dot"])
            assert math.isnan(found["step_angle"])
        else:
            assert found["gradient_dot"] == pytest.approx(g @ before, rel=1e-12)
            assert found["step_angle"] == pytest.approx(angle(x(t) - x(t - 1), x(t - 1) - x(t - 2)), abs=1e-5)


def test_before_the_first_update_nothing_is_known():
    assert all(map(math.isnan, Quadratic().seen.values().values()))


def test_the_statistic_is_sasas_for_momentum_weight_decay_and_groups_at_rates_of_their_own():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 2))
    groups = [{"params": model[0].parameters(), "lr": 0.05}, {"params": model[2].parameters(), "lr": 0.4}]
    for optimizer in (
        torch.optim.SGD(groups, lr=0.1, momentum=0.9, weight_decay=1e-2),
        torch.optim.AdamW(groups, lr=0.1, weight_decay=0.1),
    ):
        seen = Observables(optimizer, frozenset({"stationarity"}))
        for _ in range(5):
            optimizer.zero_grad()
            model(torch.randn(8, 5)).square().mean().backward()
            before = [p.detach().double().clone() for g in optimizer.param_groups for p in g["params"]]
            rates = [g["lr"] for g in optimizer.param_groups for _ in g["params"]]
            seen.before_update()
            optimizer.step()
            seen.after_update()
            after = [p.detach().double() for g in optimizer.param_groups for p in g["params"]]
            expected = 0.0
            for old, new, rate in zip(before, after, rates, strict=True):
                d = (old - new) / rate
                expected += float((new * d).sum() + rate / 2 * (d * d).sum())
            assert seen.values()["stationarity"] == pytest.approx(expected, rel=1e-9)


def test_at_rate_zero_there_is_no_such_statistic():
    assert math.isnan(Quadratic(rate=0.0).step()["stationarity"])


def test_a_drop_moves_the_reference_of_the_distance():
    q = Quadratic()
    for _ in range(3):
        q.step()
    q.seen.dropped()
    assert q.seen.values()["distance"] == 0.0
    q.step()
    assert q.step()["distance"] == pytest.approx(np.linalg.norm(x(5) - x(3)), rel=1e-12)


def test_steps_of_a_period_have_their_angle_at_its_end():
    q = Quadratic(period=4)
    found = [q.step()["step_angle"] for _ in range(16)]

    assert [math.isnan(v) for v in found] == [(t % 4 != 0) or t == 4 for t in range(1, 17)]
    for t in (8, 12, 16):
        assert found[t - 1] == pytest.approx(angle(x(t) - x(t - 4), x(t - 4) - x(t - 8)), abs=1e-5)


def test_a_step_back_and_forth_is_half_a_turn_and_no_step_has_no_angle():
    p = nn.Parameter(torch.zeros(2))
    seen, found = Observables(torch.optim.SGD([p], lr=1.0), frozenset({"step_angle"})), []
    for move in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, 0.0), (1.0, 1.0)):
        p.data += torch.tensor(move)
        seen.after_update()
        found.append(seen.values()["step_angle"])

    assert found[1:3] == pytest.approx([180.0, 90.0])
    assert all(math.isnan(found[i]) for i in (0, 3, 4))


def test_what_is_not_needed_touches_nothing():
    class Untouchable:
        def __getattr__(self, name):
            raise AssertionError(name)

    seen = Observables(Untouchable(), frozenset({"loss", "accuracy"}))
    seen.before_update()
    seen.after_update()
    seen.dropped()

    assert seen.values() == {}
    assert seen.state() == {"values": {}, "made": 0, "copies": {}}


def test_it_installs_nothing_on_the_optimizer():
    q = Quadratic()
    assert not q.optimizer._optimizer_step_pre_hooks
    assert not q.optimizer._optimizer_step_post_hooks


@pytest.mark.parametrize("name", sorted(COMPUTED))
def test_only_what_is_asked_for_is_there_and_copies_only_where_said(name):
    q = Quadratic(needs=frozenset({name, "loss"}))
    for _ in range(3):
        found = q.step()

    assert found.keys() == {name}
    assert math.isfinite(found[name])
    copies = {"gradient_dot": 1, "distance": 1, "step_angle": 2}.get(name, 0)
    assert len(q.seen.state()["copies"]) == copies


@pytest.mark.parametrize("at", range(9))
def test_it_goes_on_from_its_state_as_if_not_interrupted(at):
    whole, halted = Quadratic(period=3, groups=2), Quadratic(period=3, groups=2)
    for t in range(at):
        whole.step()
        halted.step()
        if t == 4:
            whole.seen.dropped()
            halted.seen.dropped()
    state = halted.seen.state()
    json.dumps({k: v for k, v in state.items() if k != "copies"}, allow_nan=False)
    kept = io.BytesIO()
    torch.save(state, kept)
    kept.seek(0)
    halted.seen = Observables(halted.optimizer, ALL, 3)
    halted.seen.load(torch.load(kept, weights_only=True))

    assert repr(halted.seen.values()) == repr(whole.seen.values())
    for _ in range(8):
        assert repr(halted.step()) == repr(whole.step())


def test_a_state_shares_nothing_with_the_run():
    q = Quadratic()
    q.step()
    state = q.seen.state()
    before = {name: [t.clone() for t in held] for name, held in state["copies"].items()}
    q.step()
    q.seen.dropped()

    assert all(torch.equal(a, b) for n in before for a, b in zip(before[n], state["copies"][n], strict=True))


def test_a_state_that_does_not_fit_is_refused():
    q = Quadratic()
    q.step()
    state = q.seen.state()
    other = Observables(torch.optim.SGD([nn.Parameter(torch.zeros(4))], lr=0.1), ALL)
    for call, match in (
        (lambda: other.load(state), "shapes"),
        (lambda: q.seen.load({"values": {}}), "state of observables"),
        (lambda: Observables(q.optimizer, frozenset({"distance"})).load(state), "must be of"),
        (lambda: q.seen.load({**state, "copies": {}}), "must hold the copies"),
        (lambda: Observables(q.optimizer, ALL, 0), "period"),
    ):
        with pytest.raises(InputError, match=match):
            call()


def test_parameters_without_gradients_sparse_and_complex_ones_count_as_what_they_are():
    embedding = nn.Embedding(4, 2, sparse=True)
    wave, idle = nn.Parameter(torch.tensor([3.0 + 4.0j])), nn.Parameter(torch.full((1,), 12.0))
    with torch.no_grad():
        embedding.weight.zero_()
    optimizer = torch.optim.SGD([embedding.weight, wave, idle], lr=0.0)
    seen = Observables(optimizer, frozenset({"weight_norm", "gradient_norm", "gradient_dot"}))
    for _ in range(2):
        optimizer.zero_grad()
        (embedding(torch.tensor([1, 1])).sum() + wave.abs().sum()).backward()
        seen.before_update()
        optimizer.step()
        seen.after_update()
    found = seen.values()

    assert found["weight_norm"] == pytest.approx(13.0)
    assert found["gradient_norm"] == pytest.approx(3.0)  # (2, 2) of the row seen twice, and a unit of the wave
    assert found["gradient_dot"] == pytest.approx(9.0)


def test_a_group_added_later_has_stood_still_until_then():
    q = Quadratic()
    q.step()
    late = nn.Parameter(torch.tensor([10.0], dtype=torch.float64))
    q.optimizer.add_param_group({"params": [late]})
    found = q.step()

    assert found["distance"] == pytest.approx(np.linalg.norm(x(2) - START))
    assert found["gradient_dot"] == pytest.approx((CURVATURE * x(1)) @ (CURVATURE * x(0)))
    assert found["weight_norm"] == pytest.approx(math.hypot(np.linalg.norm(x(2)), 10.0))


def noisy(rule: str, steps: int, start: float) -> list[tuple[int, str]]:
    """The drops of a rule while SGD with gradient noise goes to the optimum of a quadratic, from so far away."""
    generator = torch.Generator().manual_seed(0)
    p = nn.Parameter(torch.full((50,), start))
    optimizer = torch.optim.SGD([p], lr=0.02)
    asked = parse_rule(rule)
    dial, seen, drops = Dial(np.full(steps, 0.02), Horizon(steps=steps), asked), Observables(optimizer, asked.needs), []
    for t in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = dial.rate(t - 1)
        p.grad = p.detach() + torch.randn(50, generator=generator)
        seen.before_update()
        optimizer.step()
        seen.after_update()
        event = dial.observe(t, seen.values())
        if event is not None:
            drops.append((t, event.kind))
            seen.dropped()
    return drops


@pytest.mark.parametrize("rule", ["sasa(least=100)", "distance_slope()", "weight_norm_bounce(every=50, last=None)"])
def test_a_rule_drops_once_the_weights_wander_about_the_optimum_and_not_on_the_way(rule):
    drops = noisy(rule, 3000, start=100.0)  # 0.98^t of the way is left: under the noise after some 300 updates

    assert drops
    assert all(kind == "drop" for _, kind in drops)
    assert drops[0][0] > (50 if rule.startswith("distance") else 300)


def test_the_hypergradient_lowers_a_rate_at_which_the_gradients_flip_sign():
    p = nn.Parameter(torch.tensor([1.0, 1.0]))
    optimizer, rule = torch.optim.SGD([p], lr=1.8), parse_rule('hypergradient(0.05, "multiplicative")')
    dial, seen = Dial(np.full(100, 1.8), Horizon(steps=100), rule), Observables(optimizer, rule.needs)
    for t in range(1, 101):
        optimizer.param_groups[0]["lr"] = dial.rate(t - 1)
        p.grad = p.detach().clone()
        seen.before_update()
        optimizer.step()
        seen.after_update()
        dial.observe(t, seen.values())

    assert dial.rate(100) < 1.5
    assert p.abs().max() < 1e-6
