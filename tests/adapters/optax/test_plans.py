"""`attach` makes an optax optimizer that counts updates, whatever wraps it, and goes on from any state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lrdecay.adapters.optax import attach, schedule, seek
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, cosine, group, layerwise, parse, plan

H = Horizon(steps=12)
SPEC = "warmup(3) + cosine(0.1)"
RATES = parse(SPEC).bind(H)(np.arange(13)).astype(np.float32)
ONE = jnp.float32(1)


def updates(optimizer: Any, state: Any, gradients: list[float], parameter: Any = ONE) -> tuple[list[float], Any]:
    """What each gradient moves a parameter by, and the state after."""
    moved = []
    for gradient in gradients:
        update, state = optimizer.update(jnp.float32(gradient), state, parameter)
        moved.append(float(update))
    return moved, state


def test_after_k_updates_the_next_is_made_at_the_rate_of_k() -> None:
    optimizer = attach(optax.sgd, SPEC, H)
    state, step = optimizer.init(ONE), jax.jit(optimizer.update)
    for t in range(15):
        assert int(state.count) == t
        moved, state = step(ONE, state)
        assert -moved == RATES[min(t, 12)] == float(state.hyperparams["learning_rate"])


def test_the_state_is_a_plain_pytree_that_resumes_exactly_at_any_step() -> None:
    optimizer = attach(optax.adamw, SPEC, H, b2=0.95, weight_decay=0.1)
    whole, _ = updates(optimizer, optimizer.init(ONE), [1, -2, 3, 4, -5, 6])
    for k in range(6):
        _, state = updates(optimizer, optimizer.init(ONE), [1, -2, 3, 4, -5, 6][:k])
        saved = [np.asarray(leaf) for leaf in jax.tree.leaves(state)]
        again = attach(optax.adamw, SPEC, H, b2=0.95, weight_decay=0.1)
        loaded = jax.tree.unflatten(jax.tree.structure(again.init(ONE)), [jnp.asarray(leaf) for leaf in saved])
        assert updates(again, loaded, [1, -2, 3, 4, -5, 6][k:])[0] == whole[k:]


def test_constants_reach_the_factory() -> None:
    optimizer = attach(optax.sgd, "constant(0.1)", H, momentum=0.5, nesterov=True)
    peer = optax.sgd(0.1, momentum=0.5, nesterov=True)
    ours, theirs = (updates(o, o.init(ONE), [1, 2, 3])[0] for o in (optimizer, peer))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_a_factory_of_ones_own_may_chain_with_what_is_static_said_so() -> None:
    def make(learning_rate: Any, clip: float) -> optax.GradientTransformation:
        assert isinstance(clip, float)
        return optax.chain(optax.clip(clip), optax.sgd(learning_rate))

    optimizer = attach(make, SPEC, H, clip=0.5, static=["clip"])
    assert updates(optimizer, optimizer.init(ONE), [9])[0] == [-0.5 * RATES[0]]


def test_accumulating_micro_batches_is_one_step_for_each_real_update() -> None:
    optimizer = optax.MultiSteps(attach(optax.sgd, SPEC, H), every_k_schedule=3)
    moved, state = updates(optimizer, optimizer.init(ONE), [1.0] * 12)
    assert moved == pytest.approx([x for t in range(4) for x in (0, 0, -RATES[t])], rel=1e-6)
    assert int(state.inner_opt_state.count) == 4


def test_an_update_that_is_skipped_for_not_being_finite_is_no_step() -> None:
    optimizer = optax.apply_if_finite(attach(optax.sgd, SPEC, H), max_consecutive_errors=5)
    moved, state = updates(optimizer, optimizer.init(ONE), [1, float("nan"), 1, float("inf"), 1])
    assert moved == [-RATES[0], 0, -RATES[1], 0, -RATES[2]]
    assert int(state.inner_state.count) == 3


def test_with_the_wrapper_inside_the_factory_a_skipped_update_is_counted() -> None:
    optimizer = attach(lambda learning_rate: optax.apply_if_finite(optax.sgd(learning_rate), 5), SPEC, H)
    assert updates(optimizer, optimizer.init(ONE), [1, float("nan"), 1])[0] == [-RATES[0], 0, -RATES[2]]


@pytest.mark.parametrize(
    "make",
    [
        lambda: attach(optax.sgd, SPEC, H),
        lambda: optax.sgd(schedule(SPEC, H)),
        lambda: optax.MultiSteps(attach(optax.sgd, SPEC, H), 1),
        lambda: optax.chain(optax.clip(1.0), attach(optax.sgd, SPEC, H)),
        lambda: attach(lambda learning_rate: optax.sgd(learning_rate, momentum=0.0), SPEC, H),
    ],
    ids=["attached", "schedule", "multi_steps", "chained", "momentum"],
)
def test_seek_goes_to_the_rate_of_any_step_wherever_the_count_is(make: Callable[[], Any]) -> None:
    optimizer = make()
    for k in (0, 5, 11, 40):
        state = seek(optimizer.init(ONE), k)
        assert updates(optimizer, state, [1, 1])[0] == [-RATES[min(k, 12)], -RATES[min(k + 1, 12)]]


def test_seek_leaves_what_the_optimizer_has_learnt() -> None:
    optimizer = attach(optax.adam, SPEC, H)
    _, state = updates(optimizer, optimizer.init(ONE), [1, 2])
    moved = seek(state, 7)
    np.testing.assert_array_equal(*(np.asarray(jax.tree.leaves(s.inner_state)) for s in (state, moved)))


def test_seek_refuses_what_holds_nothing_scheduled_and_what_is_no_step() -> None:
    with pytest.raises(InputError, match="must hold a scheduled value"):
        seek(optax.sgd(0.1).init(ONE), 3)
    with pytest.raises(InputError, match="must be an integer >= 0"):
        seek(attach(optax.sgd, SPEC, H).init(ONE), -1)


def test_a_plan_drives_every_hyperparameter_that_it_names_but_the_batch_size() -> None:
    says = plan(
        lr=cosine(0.1), beta1="linear(0.9, floor=0.5)", beta2=0.99, weight_decay=0.5, weight_decay_times="lr/peak"
    )
    bound = says.bind(H)
    optimizer = attach(optax.adamw, says, H)
    state = optimizer.init(ONE)
    for t in range(14):
        _, state = updates(optimizer, state, [1])
        for name, argument in {
            "lr": "learning_rate",
            "beta1": "b1",
            "beta2": "b2",
            "weight_decay": "weight_decay",
        }.items():
            assert state.hyperparams[argument] == np.float32(bound.values(name)[min(t, 11)])
    with_batches = plan(lr=0.5, batch_size=32).bind(Horizon(epochs=1, samples_per_epoch=320, batch_size=32))
    assert updates(*(lambda o: (o, o.init(ONE)))(attach(optax.sgd, with_batches)), [1])[0] == [-0.5]


def test_groups_and_layers_of_a_plan_go_to_the_parameters_their_patterns_name() -> None:
    says = plan(
        lr=cosine(0.1),
        weight_decay=0.5,
        groups={"*.b": group(weight_decay=0), "head.*": group(scale=10, frozen_until=2)},
        layers=layerwise(0.5, layers=2),
    )
    parameters = {"embed": ONE, "layers": [{"w": ONE, "b": ONE}, {"w": ONE, "b": ONE}], "head": {"w": ONE}}
    bound, optimizer = says.bind(H), attach(optax.adamw, says, H)
    state, step = optimizer.init(parameters), jax.jit(optimizer.update)
    labels = {"embed": "layer 0", "layers.0.w": "layer 1", "layers.1.b": "*.b layer 2", "head.w": "head.* layer 3"}
    for t in range(4):
        update, state = step(parameters, state, parameters)
        moved = {"embed": update["embed"], "layers.0.w": update["layers"][0]["w"]}
        moved |= {"layers.1.b": update["layers"][1]["b"], "head.w": update["head"]["w"]}
        for name, label in labels.items():  # gradients of one: Adam's step is 1, and all weights are 1
            rate, decay = bound.values("lr", label)[t], bound.values("weight_decay", label)[t]
            assert float(moved[name]) == pytest.approx(-rate * (1 + decay), rel=1e-5), (name, t)
    sought = seek(optimizer.init(parameters), 7)
    update, _ = optimizer.update(parameters, sought, parameters)
    assert float(update["embed"]) == pytest.approx(-bound.values("lr", "layer 0")[7] * 1.5, rel=1e-5)


def test_labels_may_be_said_and_patterns_that_name_nothing_are_refused() -> None:
    says = plan(lr=0.5, groups={"fast": group(scale=2)})
    parameters = {"a": ONE, "b": {"w": ONE}}
    optimizer = attach(optax.sgd, says, H, labels={"a": "", "b": "fast"})
    update, _ = optimizer.update(parameters, optimizer.init(parameters), parameters)
    assert (update["a"], update["b"]["w"]) == (-0.5, -1.0)
    with pytest.raises(InputError, match="must match the name of a parameter, got 'fast'"):
        attach(optax.sgd, says, H).init(parameters)


@pytest.mark.parametrize(
    ("make", "spec", "options", "rule"),
    [
        (3, SPEC, {}, "must be what makes an optimizer"),
        (optax.clip, SPEC, {}, "must take lr or learning_rate, which is scheduled, got 'max_delta'"),
        (optax.sgd, SPEC, {"learning_rate": 0.1}, "must be said once, got 0.1"),
        (optax.sgd, plan(lr=0.1).bind(H), {}, "must be left out for a bound plan"),
        (optax.sgd, plan(lr=0.1, weight_decay=0.1), {}, "must take weight_decay"),
        (optax.sgd, plan(lr=0.1), {"rates": np.ones(3)}, "must be left out for a plan"),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, spec: Any, options: dict[str, Any], rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        attach(make, spec, H, **options)
