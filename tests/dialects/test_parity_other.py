"""Keras', optax's and transformers' own numbers, on 50 random calls of each scheduler and 300 updates, seeded.

The difference is over max(|theirs|, 1e-3 · the largest of theirs): next to 0, (1 + cos πu)/2 is a difference of two
numbers near 1 and has no digits to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import pytest
import torch
import transformers.optimization as hf
from numpy.typing import NDArray

import lrdecay.dialects.keras
import lrdecay.dialects.optax
import lrdecay.dialects.transformers  # noqa: F401
from lrdecay.adapters.keras.peers import from_peer as from_keras
from lrdecay.adapters.torch import from_peer as from_transformers
from lrdecay.dialects.base import SAYINGS, Call, Run, translate
from lrdecay.schedule import Horizon, Schedule

SETS, STEPS = 50, 300
Rates = NDArray[np.float64]
Draw = Callable[[np.random.Generator], dict[str, Any]]


def distance(ours: Rates, theirs: Rates, least: float = 1e-3) -> float:
    scale = np.maximum(np.abs(theirs), least * np.abs(theirs).max())
    return float((np.abs(ours - theirs) / scale).max())


def values(schedule: Schedule) -> Rates:
    return schedule.bind(Horizon(steps=STEPS)).values()


def drawn(seed: str, draw: Draw) -> Iterator[dict[str, Any]]:
    rng = np.random.default_rng(list(seed.encode()))
    return (draw(rng) for _ in range(SETS))


# --- transformers: float64, by its own LambdaLR on a torch optimizer


def live(name: str, lr: float, **named: Any) -> tuple[Any, Any]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    return optimizer, getattr(hf, name)(optimizer, **named)


def driven(optimizer: Any, scheduler: Any, steps: int = STEPS) -> Rates:
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return np.array(rates)


def counts(rng: np.random.Generator) -> dict[str, int]:
    w = int(rng.choice([0, 1, 2, rng.integers(3, 90)]))
    return {"num_warmup_steps": w, "num_training_steps": int(w + rng.integers(1, 400))}


def cycles(rng: np.random.Generator) -> float:
    return float(rng.choice([0.25, 0.5, 0.5, 0.5, 1.0, 1.5, 2.0, 0.7]))


def floor(rng: np.random.Generator) -> dict[str, float]:
    return {"min_lr": float(rng.uniform(0, 0.01))} if rng.random() < 0.5 else {"min_lr_rate": float(rng.uniform(0, 1))}


def restarts(rng: np.random.Generator) -> dict[str, Any]:
    """Divisors of the span in half of the sets."""
    w, n = int(rng.integers(0, 50)), int(rng.integers(1, 9))
    span = n * int(rng.integers(1, 40)) if rng.random() < 0.5 else int(rng.integers(1, 400))
    return {"num_warmup_steps": w, "num_training_steps": w + span, "num_cycles": n}


def wsd(rng: np.random.Generator) -> dict[str, Any]:
    w, d = (int(rng.choice([0, rng.integers(1, 120)])) for _ in range(2))
    length = (
        {"num_stable_steps": int(rng.integers(0, 200))}
        if rng.random() < 0.5
        else {"num_training_steps": max(1, w + d + int(rng.integers(-60, 200)))}
    )
    kinds = ["linear", "cosine", "1-sqrt"]
    return {
        "num_warmup_steps": w,
        "num_decay_steps": d,
        **length,
        "warmup_type": str(rng.choice(kinds)),
        "decay_type": str(rng.choice(kinds)),
        "min_lr_ratio": float(rng.choice([0.0, rng.uniform(0, 1)])),
        "num_cycles": cycles(rng),
    }


TRANSFORMERS: dict[str, Draw] = {
    "get_constant_schedule": lambda rng: {},
    "get_constant_schedule_with_warmup": lambda rng: {"num_warmup_steps": int(rng.integers(0, 350))},
    "get_linear_schedule_with_warmup": lambda rng: counts(rng) | {"num_training_steps": int(rng.integers(1, 400))},
    "get_cosine_schedule_with_warmup": lambda rng: counts(rng) | {"num_cycles": cycles(rng)},
    "get_cosine_with_hard_restarts_schedule_with_warmup": restarts,
    "get_polynomial_decay_schedule_with_warmup": lambda rng: (
        counts(rng) | {"lr_end": float(rng.uniform(0, 0.01)), "power": float(rng.choice([1, 2, rng.uniform(0.3, 4)]))}
    ),
    "get_inverse_sqrt_schedule": lambda rng: {
        "num_warmup_steps": int(rng.choice([0, rng.integers(1, 200)])),
        "timescale": [None, int(rng.integers(1, 1000))][int(rng.integers(2))],
    },
    "get_cosine_with_min_lr_schedule_with_warmup": lambda rng: counts(rng) | floor(rng) | {"num_cycles": cycles(rng)},
    "get_cosine_with_min_lr_schedule_with_warmup_lr_rate": lambda rng: (
        counts(rng)
        | floor(rng)
        | {"num_cycles": cycles(rng), "warmup_lr_rate": [None, float(rng.uniform(0, 1))][int(rng.integers(2))]}
    ),
    "get_wsd_schedule": wsd,
}


def worst_of_transformers(name: str) -> float:
    """The worst of all sets, read from a text and from the live scheduler."""
    worst = 0.0
    for named in drawn(name, TRANSFORMERS[name]):
        lr = 0.02 + 0.5 * (len(repr(named)) % 7)
        optimizer, scheduler = live(name, lr, **named)
        read = from_transformers(scheduler, steps=STEPS, as_is=True)
        said = translate(Call("transformers", name, (), named), Run(lr, STEPS, as_is=True))
        theirs = driven(optimizer, scheduler)
        worst = max(worst, distance(values(said), theirs), distance(values(read), theirs))
    return worst


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_transformers_numbers_are_kept(name: str) -> None:
    assert worst_of_transformers(name) <= 1e-12


def test_every_scheduler_of_transformers_is_known() -> None:
    theirs = {f.__name__ for f in hf.TYPE_TO_SCHEDULER_FUNCTION.values()}
    ours = {name for library, name in SAYINGS if library == "transformers"}
    assert theirs | {"get_scheduler"} == ours
    assert theirs == {*TRANSFORMERS, "get_reduce_on_plateau_schedule", "get_greedy_schedule"}


# --- Keras: on jax; in float64 to compare the formulas, in float32 as it runs


def by_keras(schedule: Any, ours: Rates, x64: bool) -> Rates:
    kind = keras.config.floatx()
    keras.config.set_floatx("float64" if x64 else "float32")
    try:
        with jax.enable_x64(x64):
            if (
                getattr(schedule, "warmup_target", None) is not None
            ):  # branches by `cond`, which takes one step at a time
                theirs = jax.vmap(schedule)(jnp.arange(STEPS))
            else:
                with jax.disable_jit():
                    return called_again(schedule(jnp.arange(STEPS)), ours, schedule)
            return called_again(theirs, ours, schedule)
    finally:
        keras.config.set_floatx(kind)


def called_again(theirs: Any, ours: Rates, schedule: Any) -> Rates:
    """What differs is asked for again, one update at a time: divided in bulk, 83/83 is below 1 on this processor."""
    again = np.array(theirs, dtype=np.float64)
    for t in np.flatnonzero(np.abs(ours - again) > 2e-6 * np.abs(again).max())[:20]:
        again[t] = float(schedule(int(t)))
    return again


def base(rng: np.random.Generator) -> dict[str, Any]:
    return {"initial_learning_rate": float(rng.uniform(1e-3, 2)), "decay_steps": int(rng.integers(1, 400))}


def decaying(rng: np.random.Generator) -> dict[str, Any]:
    """A rate above 1 in some sets, a length between two updates in some."""
    stairs, rate = bool(rng.random() < 0.5), float(rng.choice([rng.uniform(0.3, 1), rng.uniform(1, 1.1)], p=[0.8, 0.2]))
    more = base(rng) | {"decay_steps": float(rng.uniform(20, 90))} if rng.random() < 0.2 else base(rng)
    return more | {"decay_rate": rate, "staircase": stairs}


def boundaries(rng: np.random.Generator) -> dict[str, Any]:
    at = sorted(rng.choice(350, size=int(rng.integers(1, 6)), replace=False).tolist())
    if rng.random() < 0.3:
        at = [b + 0.5 for b in at]
    return {"boundaries": at, "values": rng.uniform(0, 1, len(at) + 1).tolist()}


def cycling(rng: np.random.Generator) -> dict[str, Any]:
    return base(rng) | {
        "end_learning_rate": float(rng.uniform(0, 2) if rng.random() < 0.2 else rng.uniform(0, 1e-3)),
        "power": float(rng.choice([1.0, 2.0, rng.uniform(0.3, 4)])),
        "cycle": bool(rng.random() < 0.5),
    }


def warm_cosine(rng: np.random.Generator) -> dict[str, Any]:
    more = {"warmup_target": float(rng.uniform(0.01, 2)), "warmup_steps": int(rng.integers(0, 90))}
    return base(rng) | {"alpha": float(rng.uniform(0, 0.5))} | (more if rng.random() < 0.6 else {})


def restarting(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "initial_learning_rate": float(rng.uniform(1e-3, 2)),
        "first_decay_steps": int(rng.integers(2, 150)),
        "t_mul": float(rng.choice([1.0, 2.0, 2.0, 1.5, 3.0, 1.31])),
        "m_mul": float(rng.choice([1.0, rng.uniform(0.5, 1), rng.uniform(1, 1.2)])),
        "alpha": float(rng.choice([0.0, rng.uniform(0, 0.3)])),
    }


KERAS: dict[str, Draw] = {
    "ExponentialDecay": decaying,
    "InverseTimeDecay": decaying,
    "PiecewiseConstantDecay": boundaries,
    "PolynomialDecay": cycling,
    "CosineDecay": warm_cosine,
    "CosineDecayRestarts": restarting,
}


def worst_of_keras(name: str) -> dict[str, float]:
    """The worst of all sets by kind of float; of float64 on a tenth of them."""
    worst = {"float64": 0.0, "float32": 0.0}
    for i, named in enumerate(drawn(name, KERAS[name])):
        live = getattr(keras.optimizers.schedules, name)(**named)
        said = values(translate(Call("keras", name, (), named), Run(None, STEPS)))
        with jax.disable_jit():  # it tries the restarts, and each `cond` would be compiled
            assert (values(from_keras(live, steps=STEPS)) == said).all()
        worst["float32"] = max(worst["float32"], distance(said, by_keras(live, said, x64=False), least=1.0))
        if "Cosine" not in name and i % 10 == 0:  # Keras' own cosine is a float32 even then
            worst["float64"] = max(worst["float64"], distance(said, by_keras(live, said, x64=True)))
    return worst


@pytest.mark.parametrize("name", KERAS)
def test_keras_numbers_are_kept(name: str) -> None:
    worst = worst_of_keras(name)
    assert worst["float32"] <= 2e-6
    assert worst["float64"] <= 1e-12


def test_every_schedule_of_keras_is_known() -> None:
    theirs = {n for n, v in vars(keras.optimizers.schedules).items() if isinstance(v, type)} - {"LearningRateSchedule"}
    assert theirs == {name for library, name in SAYINGS if library == "keras"} == set(KERAS)


# --- optax: in float64 to compare the formulas, in float32 as it runs


def by_optax(schedule: Any, ours: Rates, x64: bool) -> Rates:
    with jax.enable_x64(x64):
        kind = jnp.float64 if x64 else jnp.float32
        theirs = jax.vmap(lambda t: jnp.asarray(schedule(t), dtype=kind))(jnp.arange(STEPS))
        return called_again(theirs, ours, schedule)


def rate(rng: np.random.Generator) -> float:
    return float(rng.choice([0.0, rng.uniform(1e-3, 2)], p=[0.1, 0.9]))


def peak(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.01, 2))


def transition(rng: np.random.Generator) -> dict[str, Any]:
    begin = int(rng.choice([0, rng.integers(1, 100)]))
    return {"transition_steps": int(rng.integers(1, 250)), "transition_begin": begin}


def falling(rng: np.random.Generator) -> dict[str, Any]:
    r = float(rng.choice([rng.uniform(0.3, 1), 1.0, rng.uniform(1, 1.1)], p=[0.7, 0.1, 0.2]))
    end = {"end_value": float(rng.uniform(0, 2))} if rng.random() < 0.5 else {}
    return transition(rng) | {"decay_rate": r, "staircase": bool(rng.random() < 0.5)} | end


def knots(rng: np.random.Generator) -> dict[str, Any]:
    """None or three: jax compiles for each count, and a cycle of three lines has as many."""
    at = rng.choice(320, size=int(rng.choice([0, 3], p=[0.1, 0.9])), replace=False).tolist()
    same = float(rng.uniform(0.1, 1)) if rng.random() < 0.3 else None
    scales = {b: same or float(rng.uniform(0, 1.5)) for b in at}
    return {"init_value": peak(rng), "boundaries_and_scales": scales or None}


def one_cycle(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "transition_steps": int(rng.integers(20, 400)),
        "peak_value": peak(rng),
        "pct_start": float(rng.uniform(0.1, 0.5)),
        "div_factor": float(rng.uniform(2, 50)),
        "final_div_factor": float(rng.uniform(1, 1e4)),
    }


def warm(rng: np.random.Generator) -> dict[str, Any]:
    w = int(rng.choice([0, rng.integers(1, 100)]))
    return {"init_value": rate(rng), "peak_value": peak(rng), "warmup_steps": w}


def exponent(rng: np.random.Generator) -> float:
    return float(rng.choice([1.0, 1.0, 2.0, rng.uniform(0.4, 3)]))


def warm_decay(rng: np.random.Generator) -> dict[str, Any]:
    more = warm(rng)
    length = more["warmup_steps"] + int(rng.integers(1, 200))
    return more | {"decay_steps": length, "end_value": float(rng.uniform(0, 0.1)), "exponent": exponent(rng)}


def pieces(rng: np.random.Generator) -> dict[str, Any]:
    """Calls of optax as data: what a text is read as."""
    names = [str(n) for n in rng.choice(["linear_schedule", "warmup_cosine_decay_schedule"], size=rng.integers(1, 5))]
    draws = {"linear_schedule": OPTAX["linear_schedule"], "warmup_cosine_decay_schedule": warm_decay}
    at = sorted(rng.choice(np.arange(1, 290), size=len(names) - 1, replace=False).tolist())
    return {"schedules": [Call("optax", n, (), draws[n](rng)) for n in names], "boundaries": at}


OPTAX: dict[str, Draw] = {
    "constant_schedule": lambda rng: {"value": peak(rng)},
    "polynomial_schedule": lambda rng: (
        transition(rng)
        | {"init_value": peak(rng), "end_value": rate(rng), "power": float(rng.choice([1, 2, rng.uniform(0.3, 4)]))}
    ),
    "linear_schedule": lambda rng: transition(rng) | {"init_value": rate(rng), "end_value": peak(rng)},
    "cosine_decay_schedule": lambda rng: {
        "init_value": peak(rng),
        "decay_steps": int(rng.integers(1, 400)),
        "alpha": float(rng.choice([0.0, rng.uniform(0, 0.5)])),
        "exponent": exponent(rng),
    },
    "exponential_decay": lambda rng: falling(rng) | {"init_value": peak(rng)},
    "piecewise_constant_schedule": knots,
    "piecewise_interpolate_schedule": lambda rng: (
        knots(rng) | {"interpolate_type": str(rng.choice(["linear", "cosine"]))}
    ),
    "linear_onecycle_schedule": lambda rng: one_cycle(rng) | {"pct_final": float(rng.uniform(0.6, 0.9))},
    "cosine_onecycle_schedule": one_cycle,
    "warmup_constant_schedule": lambda rng: warm(rng) | {"warmup_steps": int(rng.integers(1, 200))},
    "warmup_cosine_decay_schedule": warm_decay,
    "warmup_exponential_decay_schedule": lambda rng: warm(rng) | falling(rng),
    "sgdr_schedule": lambda rng: {"cosine_kwargs": [warm_decay(rng) for _ in range(rng.integers(1, 5))]},
    "join_schedules": pieces,
}


def made(value: Any) -> Any:
    """optax' own schedule for a call, and for the calls in it."""
    if isinstance(value, Call):
        return getattr(optax.schedules, value.name)(**{k: made(v) for k, v in value.named.items()})
    return [made(v) for v in value] if isinstance(value, list) else value


def worst_of_optax(name: str) -> dict[str, float]:
    """The worst of all sets by kind of float; of float64 on a tenth of them."""
    worst = {"float64": 0.0, "float32": 0.0}
    for i, named in enumerate(drawn(name, OPTAX[name])):
        call = Call("optax", name, (), named)
        live = made(call)
        said = values(translate(call, Run(None, STEPS)))
        worst["float32"] = max(worst["float32"], distance(said, by_optax(live, said, x64=False), least=1.0))
        if i % 10 == 0:
            worst["float64"] = max(worst["float64"], distance(said, by_optax(live, said, x64=True)))
    return worst


@pytest.mark.parametrize("name", OPTAX)
def test_optax_numbers_are_kept(name: str) -> None:
    worst = worst_of_optax(name)
    assert worst["float32"] <= 2e-6
    assert worst["float64"] <= 1e-12


def test_every_schedule_of_optax_is_known() -> None:
    factories = {n for n, v in vars(optax.schedules).items() if callable(v) and n.islower()}
    theirs = factories - {"inject_hyperparams", "inject_stateful_hyperparams"}  # these make no schedule
    assert theirs == {name for library, name in SAYINGS if library == "optax"} == set(OPTAX)
