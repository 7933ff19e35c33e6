"""Keras', optax's and transformers' own numbers, on 50 random calls of each scheduler and 300 updates, seeded.

The difference is over max(|theirs|, 1e-3 · the largest of theirs): next to 0, (1 + cos πu)/2 is a difference of two
numbers near 1 and has no digits to compare.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
import transformers.optimization as hf
from numpy.typing import NDArray

import lrdecay.dialects.transformers  # noqa: F401
from lrdecay.adapters.transformers.peers import from_peer as from_transformers
from lrdecay.dialects.base import SAYINGS, Call, Run, translate
from lrdecay.schedule import Horizon, Schedule

SETS, STEPS = 50, 300
Rates = NDArray[np.float64]
Draw = Callable[[np.random.Generator], dict[str, Any]]


def distance(ours: Rates, theirs: Rates) -> float:
    scale = np.maximum(np.abs(theirs), 1e-3 * np.abs(theirs).max())
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


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_transformers_numbers_are_kept(name: str) -> None:
    worst = 0.0
    for named in drawn(name, TRANSFORMERS[name]):
        lr = 0.02 + 0.5 * (len(repr(named)) % 7)
        optimizer, scheduler = live(name, lr, **named)
        read = from_transformers(scheduler, steps=STEPS, as_is=True)
        said = translate(Call("transformers", name, (), named), Run(lr, STEPS, as_is=True))
        theirs = driven(optimizer, scheduler)
        worst = max(worst, distance(values(said), theirs), distance(values(read), theirs))
    print(f"{name}: {worst:.1e}")
    assert worst <= 1e-12


def test_every_scheduler_of_transformers_is_known() -> None:
    theirs = {f.__name__ for f in hf.TYPE_TO_SCHEDULER_FUNCTION.values()}
    ours = {name for library, name in SAYINGS if library == "transformers"}
    assert theirs | {"get_scheduler"} == ours
    assert theirs == {*TRANSFORMERS, "get_reduce_on_plateau_schedule", "get_greedy_schedule"}
