"""An optax schedule has the float64 rates, rounded once, inside and outside of jit, vmap and grad."""

from __future__ import annotations

import pickle

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tests.bank import BANK, HORIZON

from lrdecay.adapters.optax import OptaxSchedule, schedule
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, Schedule, cosine, parse, peak

H = Horizon(steps=10)
IN_SINGLE = [pair for pair in BANK if pair[0] != "huge"]


@pytest.mark.parametrize("policy", ["hold", "repeat"])
def test_every_family_has_the_float64_rates_rounded_once_to_float32_to_the_end_and_past_it(policy: str) -> None:
    t = np.arange(2 * HORIZON.steps + 3)
    for name, spec in IN_SINGLE:
        got = jax.vmap(schedule(spec, HORIZON, after=policy))(jnp.asarray(t))
        with np.errstate(under="ignore"):
            want = spec.bind(HORIZON, policy)(t).astype(np.float32)
        assert got.dtype == jnp.float32
        np.testing.assert_array_equal(np.asarray(got), want, err_msg=name)


def test_compiled_the_rates_are_the_same_bits() -> None:
    curves = [schedule(spec, HORIZON) for _, spec in IN_SINGLE[::10]]
    t = np.arange(HORIZON.steps + 3)
    for f, got in zip(curves, jax.jit(lambda t: [curve(t) for curve in curves])(t), strict=True):
        np.testing.assert_array_equal(np.asarray(got), np.asarray(f(t)))


def test_under_x64_it_gives_the_float64_rates_themselves() -> None:
    with jax.enable_x64(True):
        t = jnp.arange(HORIZON.steps)
        for name, spec in BANK:
            got = jax.vmap(schedule(spec, HORIZON))(t)
            assert got.dtype == jnp.float64
            np.testing.assert_array_equal(np.asarray(got), spec.bind(HORIZON).values(), err_msg=name)


def test_made_under_x64_it_is_rounded_where_x64_is_off_again() -> None:
    with jax.enable_x64(True):
        f = schedule("cosine(0.1)", H)
        huge = schedule("constant(1e300)", H)
    assert f(jnp.int32(3)).dtype == jnp.float32
    with pytest.raises(InputError, match="must give rates that float32 holds"):
        huge(jnp.int32(3))


def test_a_scalar_an_array_jit_vmap_and_scan_agree_bit_for_bit() -> None:
    f = schedule("warmup(3) + cosine(0.1)", H)
    one_by_one = np.array([f(t) for t in range(14)])
    t = jnp.arange(14)
    for got in (f(t), jax.jit(f)(t), jax.vmap(f)(t), jax.lax.scan(lambda c, _: (c + 1, f(c)), 0, t)[1]):
        np.testing.assert_array_equal(np.asarray(got), one_by_one)
    assert f(t.reshape(2, 7)).shape == jax.jit(f)(t.reshape(2, 7)).shape == (2, 7)


@pytest.mark.parametrize("dtype", [jnp.int32, jnp.uint32, jnp.int16, jnp.float32])
def test_a_count_of_any_type_is_an_update_index(dtype: jnp.dtype) -> None:
    f = schedule("cosine(0.1)", H)
    assert float(f(dtype(7))) == float(jax.jit(f)(dtype(7))) == float(f(7))


def test_a_float_count_means_its_whole_part_and_has_no_gradient() -> None:
    f = schedule("cosine(0.1)", H)
    assert float(f(7.9)) == float(jax.jit(f)(7.9)) == float(f(7))
    assert float(jax.grad(lambda t: f(t))(7.5)) == 0
    gradient = jax.grad(lambda w: f(jnp.int32(10)) * w**2)(3.0)  # the rate is 0 here
    assert float(gradient) == 0


def test_at_the_largest_count_of_optax_it_still_speaks() -> None:
    last = jnp.int32(2**31 - 1)
    assert float(jax.jit(schedule("linear(0.1, floor=0.01)", H))(last)) == np.float32(0.01)
    assert float(jax.jit(schedule("linear(0.1)", H, after="repeat"))(last)) == float(schedule("linear(0.1)", H)(7))


def test_it_drives_an_optax_optimizer_update_by_update() -> None:
    f = schedule("cosine(0.1)", H)
    optimizer = optax.sgd(f)
    parameter = jnp.float32(0)
    state = optimizer.init(parameter)
    step = jax.jit(optimizer.update)
    for t in range(12):
        update, state = step(jnp.float32(1), state)
        assert float(update) == -float(f(t))


def test_equal_words_are_equal_hashable_and_no_reason_to_trace_again() -> None:
    a, b, other = schedule("cosine(0.1)", H), schedule(cosine(0.1), H), schedule("cosine(0.2)", H)
    assert a == b
    assert hash(a) == hash(b)
    assert a != other
    assert a != schedule("cosine(0.1)", H, after="repeat")
    traced = []

    @jax.jit
    def rate(f: OptaxSchedule, t: jax.Array) -> jax.Array:
        traced.append(f)
        return f(t)

    assert float(rate(a, jnp.int32(3))) == float(rate(b, jnp.int32(3))) == float(a(3))
    assert len(traced) == 1
    assert float(rate(other, jnp.int32(0))) == np.float32(0.2)


def test_pickled_it_is_its_notation_and_comes_back_equal() -> None:
    f = schedule(parse("warmup(3) + cosine(0.1)"), Horizon(steps=100_000, steps_per_epoch=10), after="repeat")
    text = pickle.dumps(f)
    back = pickle.loads(text)
    assert len(text) < 1000
    assert back == f
    np.testing.assert_array_equal(back(np.arange(9)), f(np.arange(9)))


def test_rates_made_elsewhere_are_taken_bit_for_bit() -> None:
    rates = np.linspace(0.1, 0.2, 10)
    f = schedule("cosine(0.1)", H, rates=rates)
    np.testing.assert_array_equal(np.asarray(f(np.arange(10))), rates.astype(np.float32))
    assert float(f(10)) == np.float32(0.2)  # nothing more was given: the last is held


@pytest.mark.parametrize(
    ("spec", "horizon", "options", "rule"),
    [
        ("cosine(0.1)", None, {}, "must say how long the run is"),
        (3, H, {}, "must be given a schedule"),
        ("cosine(0.1)", Horizon(steps=10_000_001), {}, "must be at most 10000000 steps long.*inject_hyperparams"),
        ("cosine(0.1)", H, {"after": "raise"}, "must be one of hold, repeat.*cannot raise"),
        ("cosine(0.1)", H, {"after": "bounce"}, "must be one of hold, repeat, raise"),
        ("constant(1e300)", H, {}, "must give rates that float32 holds"),
        ("cosine(0.1)", H, {"rates": [0.1]}, r"must be a float64 array of shape \(steps,\)"),
        ("cosine(0.1)", H, {"rates": [-1.0] * 10}, "must hold finite rates >= 0"),
        (cosine(peak), H, {}, "must have a stated peak"),
        (cosine(0.1).bind(H), H, {}, "must be left out for a bound schedule"),
        (cosine(0.1).bind(H), None, {"after": "repeat"}, "must be that of the bound schedule"),
    ],
)
def test_what_does_not_fit_is_refused(spec: Schedule, horizon: Horizon, options: dict[str, object], rule: str) -> None:
    with pytest.raises(InputError, match=rule) as refused:
        schedule(spec, horizon, **options)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)
