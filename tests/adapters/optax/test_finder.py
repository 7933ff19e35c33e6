"""A range test on a JAX training loop: what it measures, what it refuses, and that fitting after it is fitting."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lrdecay.adapters.optax import attach, find
from lrdecay.errors import InputError, RunError
from lrdecay.rangetest.driver import rising_rates
from lrdecay.schedule import Horizon

DRAWS = np.random.default_rng(0)
X = DRAWS.normal(size=(64, 6)).astype("float32")
Y = X[:, :3].argmax(1)
BATCHES = [(X[i : i + 8], Y[i : i + 8]) for i in range(0, 64, 8)]
PARAMS = {"w": jnp.asarray(DRAWS.normal(size=(6, 3)), jnp.float32), "b": jnp.zeros(3)}
ADAM = optax.inject_hyperparams(optax.adam)(learning_rate=0.01)


def loss(params: Any, batch: Any) -> jax.Array:
    x, y = batch
    return optax.softmax_cross_entropy_with_integer_labels(x @ params["w"] + params["b"], y).mean()


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["count", "params", "opt_state", "key"], meta_fields=["apply"]
)
@dataclass(frozen=True)
class TrainState:
    """As flax has it: arrays, and a function beside them."""

    count: Any
    params: Any
    opt_state: Any
    key: Any
    apply: Any


@functools.partial(jax.jit, donate_argnums=0)
def step(state: TrainState, batch: Any) -> tuple[TrainState, dict[str, jax.Array]]:
    key, drawn = jax.random.split(state.key)
    x, y = batch
    kept = jax.random.bernoulli(drawn, 0.9, x.shape)
    value, gradients = jax.value_and_grad(state.apply)(state.params, (x * kept, y))
    updates, opt_state = ADAM.update(gradients, state.opt_state, state.params)
    params = optax.apply_updates(state.params, updates)
    return replace(state, count=state.count + 1, params=params, opt_state=opt_state, key=key), {"loss": value}


def fresh(params: Any = None) -> TrainState:
    params = jax.tree.map(jnp.copy, PARAMS) if params is None else params
    return TrainState(jnp.int32(0), params, ADAM.init(params), jax.random.key(0), loss)


def fit(state: TrainState, updates: int) -> TrainState:
    for i in range(updates):
        state, _ = step(state, BATCHES[i % 8])
    return state


def bits(state: TrainState) -> list[bytes]:
    leaves = jax.tree.leaves(replace(state, key=jax.random.key_data(state.key)))
    return [np.asarray(leaf).tobytes() for leaf in leaves]


class Failing:
    def __init__(self, at: int) -> None:
        self.left = at

    def __iter__(self) -> Iterator[Any]:
        for batch in BATCHES:
            self.left -= 1
            if self.left < 0:
                message = "on purpose"
                raise KeyboardInterrupt(message)
            random.random()
            yield batch


@pytest.mark.parametrize("fails_at", [None, 0, 15])
@pytest.mark.parametrize("warm", [0, 5])
def test_to_find_and_then_to_fit_is_bit_for_bit_to_fit_with_a_step_that_donates(
    warm: int, fails_at: int | None
) -> None:
    state = fit(fresh(), warm)
    before, drawn = bits(state), random.getstate()
    if fails_at is None:
        assert find(step, state=state, batches=BATCHES, points=12, repeats=2, high=100.0).restored
    else:
        with pytest.raises(KeyboardInterrupt, match="on purpose") as caught:
            find(step, state=state, batches=Failing(fails_at), points=12, repeats=2, high=100.0)
        assert not hasattr(caught.value, "__notes__")
    assert bits(state) == before
    assert random.getstate() == drawn
    assert bits(fit(state, 6)) == bits(fit(fit(fresh(), warm), 6))


def test_it_finds_a_peak_and_says_what_was_done() -> None:
    found = find(step, state=fresh(), batches=BATCHES, repeats=3, points=80, low=1e-4, high=100.0)
    assert 1e-3 < found.suggestion < 10
    assert found.label == "step"
    assert found.seeds == (20_000, 20_001, 20_002)
    assert len({c.losses[5] for c in found.curves}) == 3  # the repeat's seed is folded into the key in the state
    assert any("ran dry after 8 batches, and was begun again" in note for note in found.notes)
    assert found.curves[0].critical.rate > 0


@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("kind", ["factory", "scheduled", "injected"])
def test_a_loss_with_a_factory_or_an_injected_rate_is_trained_at_the_rates_asked_for(kind: str, warm: bool) -> None:
    rates = rising_rates(1e-3, 0.5, 12)
    plain = optax.adam(optax.constant_schedule(0.1) if kind == "scheduled" else 0.1)
    optimizer = ADAM if kind == "injected" else optax.adam
    params, opt_state = PARAMS, (ADAM if kind == "injected" else plain).init(PARAMS)
    if warm:
        for batch in BATCHES[:3]:
            user = ADAM if kind == "injected" else plain
            updates, opt_state = user.update(jax.grad(loss)(params, batch), opt_state, params)
            params = optax.apply_updates(params, updates)
    found = find(
        loss,
        params=params,
        optimizer=optimizer,
        opt_state=opt_state if warm or kind == "scheduled" else None,
        batches=BATCHES,
        points=12,
        repeats=1,
        low=1e-3,
        high=0.5,
    )

    inner = opt_state.inner_state if kind == "injected" else opt_state
    losses = []
    for i, rate in enumerate(rates.tolist()):
        value, gradients = jax.value_and_grad(loss)(params, BATCHES[i % 8])
        losses.append(float(value))
        tx = optax.adam((lambda _, r=rate: r) if kind == "scheduled" else rate)
        updates, inner = tx.update(gradients, inner, params)
        params = optax.apply_updates(params, updates)
    np.testing.assert_allclose(found.curves[0].losses, losses, rtol=1e-4)


def test_groups_keep_their_ratios_and_micro_batches_make_one_point() -> None:
    sgd = optax.inject_hyperparams(optax.sgd)
    optimizer = optax.MultiSteps(
        optax.multi_transform(
            {"big": sgd(learning_rate=0.2), "small": sgd(learning_rate=0.02)}, {"a": "big", "b": "small"}
        ),
        3,
    )
    params = {"a": jnp.zeros(()), "b": jnp.zeros(())}
    seen: list[tuple[float, float]] = []

    def heldout(p: Any) -> float:
        seen.append((float(p["a"]), float(p["b"])))
        return 0.0

    found = find(
        lambda p, _: p["a"] + p["b"] + 1.0,
        params=params,
        optimizer=optimizer,
        batches=[0],
        points=12,
        low=1e-3,
        high=1e-2,
        ramp="linear",
        repeats=1,
        heldout=heldout,
        heldout_every=1,
    )
    moves = -np.diff(np.array(seen), axis=0)
    np.testing.assert_allclose(moves[:, 0], found.curves[0].rates[:11], rtol=1e-4)
    np.testing.assert_allclose(moves[:, 1], moves[:, 0] / 10, rtol=1e-4)


def test_a_step_that_is_not_finite_and_skipped_is_no_point() -> None:
    optimizer = optax.apply_if_finite(optax.inject_hyperparams(optax.sgd)(learning_rate=0.1), 9)
    batches = [jnp.float32(1), jnp.float32(np.inf)]
    taken: list[float] = []

    def own(state: Any, batch: Any) -> Any:
        params, opt_state = state
        taken.append(float(batch))
        updates, opt_state = optimizer.update(batch, opt_state, params)
        return (optax.apply_updates(params, updates), opt_state), 1.0

    found = find(own, state=(jnp.float32(0), optimizer.init(jnp.float32(0))), batches=batches, points=12, repeats=1)
    assert len(found.curves[0].losses) == 12
    assert taken[-23:] == [1.0, np.inf] * 11 + [1.0]


def test_a_rate_that_the_user_sets_a_key_data_in_arrays_and_held_out_batches() -> None:
    def own(state: Any, batch: Any) -> Any:
        value, gradients = jax.value_and_grad(loss)(state["p"], batch)
        return state | {"p": jax.tree.map(lambda p, g: p - state["lr"] * g, state["p"], gradients)}, value

    own_state = {"p": PARAMS, "lr": 0.1}
    shape: dict[str, Any] = {"data": (X, Y), "batch_size": 8, "points": 12, "repeats": 2}
    mine = find(own, state=own_state, set_rate=lambda s, r: s | {"lr": r}, **shape)

    def noisy(params: Any, batch: Any, key: Any) -> jax.Array:
        return loss(params, batch) + 0 * jax.random.uniform(key)

    theirs = find(
        noisy,
        params=PARAMS,
        optimizer=optax.sgd,
        key=jax.random.PRNGKey(0),
        heldout=BATCHES,
        heldout_every=4,
        **shape,
    )
    for a, b in zip(mine.curves, theirs.curves, strict=True):
        np.testing.assert_allclose(a.losses, b.losses, rtol=1e-5)
    assert mine.curves[0].losses[0] != mine.curves[1].losses[0]
    assert theirs.curves[0].heldout[0] == pytest.approx(float(loss(PARAMS, (X, Y))), rel=1e-5)
    assert np.flatnonzero(np.isfinite(theirs.curves[0].heldout)).tolist() == [0, 4, 8]


def test_the_critical_rate_of_a_quadratic_under_gradient_descent_is_two_over_its_curvature() -> None:
    found = find(
        lambda w, _: 2 * w**2, params=jnp.float32(1), optimizer=optax.sgd, batches=[0], points=10, repeats=1, low=1e-4
    )
    critical = found.curves[0].critical
    assert critical.rate <= 2 / 4 < critical.raises_at
    assert critical.raises_at / critical.rate < 2**0.26


def test_a_step_that_writes_into_an_array_of_numpy_is_undone() -> None:
    state = {"p": np.ones(3), "lr": 0.1}

    def own(s: Any, _: Any) -> Any:
        state["p"] += 1.0
        return s, 1.0

    find(own, state=state, set_rate=lambda s, r: s | {"lr": r}, batches=[0], points=10, repeats=1)
    assert state["p"].tolist() == [1.0] * 3


SCHEDULED = attach(optax.adam, "cosine(0.1)", Horizon(steps=9))
NAN = jax.tree.map(lambda p: p * np.nan, PARAMS)
LOSS = {"function": loss, "params": PARAMS, "optimizer": optax.adam, "batches": BATCHES}
STEP = {"function": step, "state": fresh(), "batches": BATCHES}
BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    (LOSS | {"function": 3}, InputError, r"`find\(function\)` must be a function, got 3"),
    (LOSS | {"params": None}, InputError, r"must be given params=... and optimizer=... for a loss.* got 'neither'"),
    (LOSS | {"state": 1}, InputError, "got 'both'"),
    (LOSS | {"optimizer": None}, InputError, r"`find\(optimizer=...\)` must be an optax factory.*got 'NoneType'"),
    (
        LOSS | {"optimizer": optax.adam(0.1)},
        InputError,
        "a learning rate that can be set, got 'none'. Give the f",
    ),
    (LOSS | {"optimizer": lambda rate: optax.sgd(rate)}, InputError, "must be a factory that takes learning_rate"),
    (LOSS | {"optimizer": SCHEDULED}, InputError, "must keep the learning rate .* A schedule writes it"),
    (LOSS | {"opt_state": (1, 2)}, InputError, r"`find\(opt_state=...\)` must be the state of the optimizer"),
    (
        LOSS | {"function": lambda p, b: b[0] @ p["w"]},
        InputError,
        r"`loss\(params, batch\)` must give a single number, got 'an array of shape \(8, 3\)'",
    ),
    (
        LOSS | {"params": NAN},
        RunError,
        "must start from a finite loss, got nan at rate 1e-06",
    ),
    (LOSS | {"low": 1.0, "high": 1.0}, InputError, r"`find\(high=...\)` must be above low=1.0, got 1.0"),
    (LOSS | {"batches": []}, InputError, r"`find\(batches=...\)` must give at least one batch, got 'none'"),
    (LOSS | {"batches": iter([])}, InputError, r"`find\(batches=...\)` must be iterable again and again"),
    (LOSS | {"batches": None}, InputError, "must be given batches=..., or data=... with batch_size=..., got 'neither'"),
    (LOSS | {"batch_size": 3}, InputError, r"`find\(batch_size=...\)` must not be given with batches"),
    (
        LOSS | {"batches": None, "data": (X, Y[:5])},
        InputError,
        r"as many samples in all arrays, got \[5, 64\]",
    ),
    (LOSS | {"heldout": []}, InputError, r"`find\(heldout=...\)` must hold at least one batch"),
    (LOSS | {"set_rate": max}, InputError, r"`find\(set_rate=...\)` must not be given with params"),
    (STEP | {"optimizer": optax.adam}, InputError, r"`find\(optimizer=...\)` must not be given with state"),
    (STEP | {"state": PARAMS}, InputError, r"`find\(state=...\)` must hold a learning rate that can be set"),
    (STEP | {"heldout": BATCHES}, InputError, r"`find\(heldout=...\)` must be a function of the state with a step"),
    (STEP | {"function": lambda s, _: s}, InputError, r"`step\(state, batch\)` must return \(state, loss\)"),
    (
        STEP | {"function": lambda s, _: (s, np.ones(2))},
        InputError,
        "must give the loss as a single number",
    ),
    (STEP | {"function": lambda s, _: (s.params, 1.0)}, InputError, "must return a state like the one it was given"),
    (STEP | {"function": lambda s, _: (s, 1.0)}, RunError, "must make an optimizer step, got 1000 calls without one"),
]


@pytest.mark.parametrize(("given", "kind", "said"), BAD, ids=[said for *_, said in BAD])
def test_bad_input_is_one_clear_sentence(given: dict[str, Any], kind: type[Exception], said: str) -> None:
    call: Callable[..., Any] = find
    with pytest.raises(kind, match=said) as caught:
        call(given["function"], **({"repeats": 1, "points": 10} | {k: v for k, v in given.items() if k != "function"}))
    assert "\n" not in str(caught.value)
