"""A range test on the user's own model: what it measures, what it refuses, and that fitting after it is fitting."""

from __future__ import annotations

import math
import signal
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from tests.twice import Trial, World, fit
from torch.nn import functional
from torch.utils.data import DataLoader, DistributedSampler, TensorDataset

from lrdecay.adapters.torch import attach, find
from lrdecay.errors import InputError, RunError
from lrdecay.rangetest.driver import rising_rates
from lrdecay.schedule import Horizon

TRIALS = [
    Trial("sgd"),
    Trial("sgd", accumulate=3, fails_at=20, failure=KeyboardInterrupt),
    Trial("sgd", amp="scaler", way="step_fn", scheduled=True),
    Trial("momentum", amp="bf16", fails_at=1),
    Trial("momentum", accumulate=2, way="step_fn", warm=0),
    Trial("momentum", amp="scaler", accumulate=2, scheduled=True, fails_at=8, failure=SystemExit),
    Trial("momentum", scheduled=True, warm=18),
    Trial("adamw"),
    Trial("adamw", amp="bf16", accumulate=3, way="step_fn", fails_at=15),
    Trial("adamw", amp="scaler", accumulate=3, warm=0),
    Trial("adamw", scheduled=True, fails_at=0),
    Trial("adamw tensor rate", way="step_fn", scheduled=True),
    Trial("adamw tensor rate", accumulate=2, amp="bf16", fails_at=11),
]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def looked(world: World) -> None:
    """A range test that ends as its trial says."""
    if world.trial.fails_at is None:
        assert world.find().restored
        return
    with pytest.raises(world.trial.failure, match="on purpose") as caught:
        world.find()
    assert not hasattr(caught.value, "__notes__")


@pytest.mark.parametrize("trial", TRIALS, ids=lambda t: t.name)
def test_to_find_and_then_to_fit_is_bit_for_bit_to_fit(trial: Trial) -> None:
    assert fit(trial, found=looked) == fit(trial)


def net(seed: int = 0) -> torch.nn.Module:
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(6, 12), torch.nn.ReLU(), torch.nn.Linear(12, 3))


def data(n: int = 64, **more: Any) -> DataLoader[Any]:
    g = torch.Generator().manual_seed(1)
    x = torch.randn(n, 6, generator=g)
    return DataLoader(TensorDataset(x, x[:, :3].argmax(1)), **({"batch_size": 8, "shuffle": True} | more))


def sgd(model: torch.nn.Module, rate: float = 0.1) -> torch.optim.SGD:
    return torch.optim.SGD(model.parameters(), lr=rate, momentum=0.9)


def search(model: torch.nn.Module, optimizer: Any, **more: Any) -> Any:
    return find(model, optimizer, **({"loss": functional.cross_entropy, "loader": data(), "repeats": 2} | more))


def test_it_finds_a_peak_and_says_what_was_done() -> None:
    model = net()
    found = search(model, sgd(model), repeats=3, high=100.0)

    assert 0.01 < found.suggestion < 3
    assert found.restored
    assert found.seeds == (20_000, 20_001, 20_002)
    assert len({c.losses[5] for c in found.curves}) == 3  # each its own data order
    assert any("ran dry after 8 batches, and was begun again" in note for note in found.notes)


def test_the_curve_is_what_training_under_these_rates_sees() -> None:
    model = net()
    optimizer = sgd(model)
    curve = search(model, optimizer, repeats=1, points=30, low=1e-3, high=0.5).curves[0]

    torch.manual_seed(20_000)
    losses = []
    rates = rising_rates(1e-3, 0.5, 30).tolist()
    while len(losses) < 30:
        for x, y in data():
            optimizer.param_groups[0]["lr"] = rates[len(losses)]
            loss = functional.cross_entropy(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
            if len(losses) == 30:
                break
    assert curve.losses.tolist() == losses


def test_groups_keep_their_ratios_and_a_schedulers_writing_does_not_matter() -> None:
    model = net()
    groups = [{"params": model[0].parameters(), "lr": 0.02}, {"params": model[2].parameters(), "lr": 0.2}]
    optimizer = torch.optim.SGD(groups)
    scheduler = attach(optimizer, "linear(0.4)", Horizon(steps=5), after="raise")
    seen: list[tuple[float, float]] = []
    optimizer.register_step_post_hook(lambda o, *_: seen.append(tuple(g["lr"] for g in o.param_groups)))
    batches = data()

    def step_fn() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model((b := next(iter(batches)))[0]), b[1])
        loss.backward()
        scheduler.step()  # in the wrong place, and it writes f(0)
        optimizer.step()
        return loss

    found = find(model, optimizer, step_fn, points=20, low=1e-3, high=1.0, ramp="linear", repeats=1)
    assert [big for _, big in seen] == found.curves[0].rates.tolist()
    assert [small for small, _ in seen] == pytest.approx([big / 10 for _, big in seen], rel=1e-12)
    assert np.allclose(np.diff(found.curves[0].rates), 0.999 / 19)
    assert scheduler.count == 0
    assert any("rewind" in note for note in found.notes)


def test_a_point_is_one_successful_step_and_its_loss_the_mean_of_its_micro_batches() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    calls = 0

    def step_fn() -> torch.Tensor:
        nonlocal calls
        calls += 1
        loss = model(torch.ones(1)).sum() * 0 + (calls - 1) % 3
        loss.backward()
        if calls % 3 == 0:
            optimizer.step()
        return loss

    curve = find(model, optimizer, step_fn, points=10, repeats=1).curves[0]
    assert calls == 30
    assert curve.losses.tolist() == [1.0] * 10


def test_a_step_that_the_scaler_skips_repeats_the_rate() -> None:
    model = net()
    optimizer = sgd(model)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    seen: list[float] = []
    optimizer.register_step_post_hook(lambda o, *_: seen.append(o.param_groups[0]["lr"]))
    calls = 0

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return 8 * functional.cross_entropy(output, target)

    curve = search(model, optimizer, loss=loss, scaler=scaler, repeats=1, points=12, low=1e-4, high=1e-2).curves[0]
    assert seen[-12:] == curve.rates.tolist()  # the first steps were the critical rate's
    assert calls > 12 + 1 + curve.critical.passes
    assert scaler.state_dict()["scale"] == 2.0**127


def test_a_step_that_a_fused_optimizer_skips_inside_is_no_point() -> None:
    model = net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, fused=True)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**127)
    weights: list[list[float]] = []
    optimizer.register_step_pre_hook(lambda *_: weights.append(model[0].weight.flatten().tolist()))

    curve = search(
        model,
        optimizer,
        loss=lambda o, y: 64 * functional.cross_entropy(o, y),
        scaler=scaler,
        repeats=1,
        points=12,
        low=1e-4,
        high=1e-3,
    ).curves[0]
    ramp = weights[max(i for i, w in enumerate(weights) if w == weights[0]) :]
    assert len(ramp) == len(curve.losses) == 12  # every point moved the weights
    assert len(weights) > 14


def test_the_loss_along_an_update_is_seen_with_the_random_numbers_of_the_update() -> None:
    model = torch.nn.Sequential(torch.nn.Dropout(0.5), net())
    seen: list[float] = []

    def loss(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        value = functional.cross_entropy(output, target)
        seen.append(float(value.detach()))
        return value

    search(model, sgd(model), loss=loss, repeats=1, points=10)
    assert seen[0] == seen[1]  # the update's own forward pass, and the first look, at the same weights


def test_the_held_out_loss_is_measured_every_few_points_without_dropout() -> None:
    model = torch.nn.Sequential(net(), torch.nn.Dropout(0.9))
    x, y = next(iter(data(batch_size=64)))
    found = search(model, sgd(model), heldout=[(x[:48], y[:48]), (x[48:], y[48:])], heldout_every=4, points=20)

    for curve in found.curves:
        assert np.flatnonzero(np.isfinite(curve.heldout)).tolist() == list(range(0, len(curve.losses), 4))
    model.train(False)
    assert found.curves[0].heldout[0] == pytest.approx(float(functional.cross_entropy(model(x), y).detach()), rel=1e-6)


def test_the_critical_rate_of_a_quadratic_under_gradient_descent_is_two_over_its_curvature() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.ones_(model.weight)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    batch = (torch.ones(1, 1), torch.zeros(1, 1))
    for curvature in (4.0, 0.04):
        found = find(
            model, optimizer, loss=lambda o, _y, c=curvature: 0.5 * c * (o**2).mean(), loader=[batch], repeats=1
        )
        critical = found.curves[0].critical
        assert critical.rate <= 2 / curvature < critical.raises_at
        assert critical.raises_at / critical.rate < 2**0.26
        assert 5 <= critical.passes <= 12


def test_a_step_function_that_can_be_rewound_has_the_critical_rate_of_its_batches() -> None:
    def world(way: str) -> Any:
        return World(Trial("sgd", way=way, warm=0))

    found = world("step_fn").find(repeats=1, low=1e-4)
    assert found.curves[0].critical.rate > 0.01


def test_ctrl_c_at_any_moment_leaves_everything_as_it_was() -> None:
    for calls in (0, 3, 40):
        world = World(Trial("adamw"))
        world.train(3)
        before = world.left()
        left = calls

        def interrupting(output: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
            nonlocal left
            left -= 1
            if left == -1:
                signal.raise_signal(signal.SIGINT)
            return functional.cross_entropy(output, target)

        world.loss = interrupting  # type: ignore[method-assign]
        with pytest.raises(KeyboardInterrupt):
            world.find(points=40)
        assert world.left() == before
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_change_that_is_out_of_sight_is_an_error_unless_it_is_named() -> None:
    class Average:
        def __init__(self) -> None:
            self.weights = torch.zeros(3)

    average, saved = Average(), [0]

    def step_fn() -> torch.Tensor:
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(torch.ones(2, 6)), torch.tensor([0, 1]))
        loss.backward()
        optimizer.step()
        average.weights.add_(1.0)
        saved[0] += 1
        return loss

    model = net()
    optimizer = sgd(model)
    find(model, optimizer, step_fn, keep=[average], repeats=1, points=10)
    assert average.weights.tolist() == [0.0] * 3

    with pytest.raises(RunError, match=r"must leave the task as it was, got another digest\. .*keep="):
        find(model, optimizer, step_fn, rewind=(lambda: saved[0], lambda _: None), repeats=1, points=10)


def broken(model: torch.nn.Module) -> torch.nn.Module:
    with torch.no_grad():
        model[0].weight.fill_(math.nan)
    return model


def empty(model: torch.nn.Module) -> torch.optim.Optimizer:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    optimizer.param_groups[0]["params"] = []
    return optimizer


def frozen(model: torch.nn.Module) -> torch.optim.Optimizer:
    for p in model.parameters():
        p.requires_grad_(False)
    return sgd(model)


BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"low": 1.0, "high": 1.0}, InputError, r"`find\(high=...\)` must be above low=1.0, got 1.0"),
    ({"optimizer": empty}, InputError, r"`find\(optimizer\)` must have parameters to update, got 'none'"),
    ({"optimizer": frozen}, InputError, "must have parameters to update, got '4 parameters, none of which wants"),
    ({"optimizer": lambda m: sgd(m, 0.0)}, InputError, "must have a group with a positive learning rate"),
    ({"optimizer": lambda m: "sgd"}, InputError, r"`find\(optimizer\)` must be a torch.optim.Optimizer, got 'sgd'"),
    ({"loader": []}, InputError, r"`find\(loader=...\)` must give at least one batch, got 'none'"),
    ({"loader": iter([])}, InputError, r"`find\(loader=...\)` must be iterable again and again, got 'list_iterator'"),
    ({"loader": [torch.ones(8, 6)]}, InputError, r"`find\(loader=...\)` must give pairs \(x, y\), got 'a Tensor'"),
    ({"loader": None}, InputError, r"must be given step_fn, or loss=... and loader=..., got 'loss=...'"),
    ({"rewind": (int, int)}, InputError, r"`find\(rewind=...\)` must not be given with loader"),
    ({"step_fn": int}, InputError, r"`find\(loader=...\)` must not be given with step_fn"),
    (
        {"loss": lambda o, y: functional.cross_entropy(o, y, reduction="none")},
        InputError,
        r"`find\(loss=...\)` must give a single number, got 'a tensor of shape \(8,\)'",
    ),
    (
        {"step_fn": lambda: None, "loss": None, "loader": None},
        InputError,
        r"`step_fn\(\)` must give .*, got 'NoneType'",
    ),
    ({"step_fn": lambda: 1.0, "loss": None, "loader": None}, RunError, r"`step_fn\(\)` must make an optimizer step"),
    ({"model": broken}, RunError, "must start from a finite loss, got nan at rate 1e-06. The model is broken already"),
    ({"heldout": []}, InputError, r"`find\(heldout=...\)` must hold at least one batch"),
    ({"ramp": "cubic"}, InputError, r"`find\(ramp=...\)` must be one of exponential, linear, got 'cubic'"),
    ({"repeats": 0}, InputError, r"`find\(repeats=...\)` must be a positive integer, got 0"),
]


@pytest.mark.parametrize(("given", "kind", "said"), BAD, ids=[said for *_, said in BAD])
def test_bad_input_is_one_clear_sentence_and_nothing_is_changed(
    given: dict[str, Any], kind: type[Exception], said: str
) -> None:
    model = given.get("model", lambda m: m)(net())
    optimizer = given.get("optimizer", sgd)(model)
    before = {k: v.numpy().tobytes() for k, v in model.state_dict().items()}, torch.get_rng_state().tolist()

    with pytest.raises(kind, match=said) as caught:
        search(model, optimizer, **{k: v for k, v in given.items() if k not in ("model", "optimizer")})

    assert "\n" not in str(caught.value)
    assert before == ({k: v.numpy().tobytes() for k, v in model.state_dict().items()}, torch.get_rng_state().tolist())
    assert all(p.grad is None for p in model.parameters())


def test_two_steps_in_one_call_are_refused() -> None:
    model = net()
    optimizer = sgd(model)

    def step_fn() -> float:
        optimizer.step()
        optimizer.step()
        return 1.0

    with pytest.raises(InputError, match=r"must make at most one optimizer step in a call, got 2\."):
        find(model, optimizer, step_fn)


@pytest.mark.filterwarnings("ignore:os.fork")  # JAX, if another test has loaded it, warns when a loader forks
@pytest.mark.parametrize("persistent", [False, True])
def test_a_pass_over_the_loader_that_is_under_way_goes_on(persistent: bool) -> None:
    model = net()
    optimizer = sgd(model)

    def batches(look: Callable[[Any], object]) -> list[Any]:
        loader = data(num_workers=int(persistent), persistent_workers=persistent)
        torch.manual_seed(0)
        look(loader)
        given = iter(loader)
        first = [next(given) for _ in range(2)]
        look(loader)
        return [x.tolist() for x, _ in [*first, *given, *loader]]

    def looking(loader: Any) -> None:
        search(model, optimizer, loader=loader, points=10, repeats=1)

    assert batches(looking) == batches(lambda _: None)


def test_a_loader_with_its_own_generator_is_put_back_and_one_in_order_is_said() -> None:
    model = net()
    optimizer = sgd(model)
    generator = torch.Generator().manual_seed(7)
    before = generator.get_state().tolist()
    found = search(model, optimizer, loader=data(generator=generator), points=10)
    assert generator.get_state().tolist() == before
    assert found.curves[0].losses[0] != found.curves[1].losses[0]
    found = search(model, optimizer, loader=data(shuffle=False), points=10)
    assert any("does not shuffle" in note for note in found.notes)
    assert found.curves[0].losses.tolist() == found.curves[1].losses.tolist()


def test_a_sampler_with_epochs_gives_each_repeat_its_own_order_and_is_put_back() -> None:
    model = net()
    sampler = DistributedSampler(data().dataset, num_replicas=2, rank=1, seed=3)
    sampler.set_epoch(4)
    loader = data(shuffle=False, sampler=sampler)
    before = [x.tolist() for x, _ in loader]
    found = search(model, sgd(model), loader=loader, points=10)
    assert found.curves[0].losses[0] != found.curves[1].losses[0]
    assert sampler.epoch == 4
    assert [x.tolist() for x, _ in loader] == before
