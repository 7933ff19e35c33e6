"""Printed code, run in the library it is printed for, gives our rates."""

from __future__ import annotations

import json
import math
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bank import BANK, HORIZON, bindable, horizons

from lrdecay.dialects.writing import WRITERS, write
from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    constant,
    cosine,
    damped,
    exponential,
    inverse_time,
    join,
    linear,
    multi_step,
    noam,
    noisy,
    one_cycle,
    parse,
    peak,
    piecewise,
    polynomial,
    ramp,
    rex,
    step,
    tabulated,
    token_power,
    triangular,
    warm_restarts,
    warmup,
    wsd,
)

RUN = Horizon(steps=600, tokens_per_step=2048)

PLAIN = {
    "constant": constant(0.1),
    "linear": linear(0.1),
    "linear-floor": linear(0.1, floor=0.01),
    "cosine": cosine(0.1, floor=0.01),
    "polynomial": polynomial(0.1, power=2),
    "step": step(0.1, 0.5, 100),
    "step-near-1": step(0.1, 0.99, 1),
    "multi_step": multi_step(0.1, 0.1, [100, 300]),
    "exponential": exponential(0.1, 0.999),
    "exponential-100": exponential(0.1, 0.5, 100),
    "inverse_time": inverse_time(0.1, 2, 100),
    "piecewise": piecewise([0.1, 0.2, 0.01], [100, 300]),
    "restarts": warm_restarts(0.1, 50, floor=0.01),
    "restarts-2": warm_restarts(0.1, 50, 2),
    "triangular": triangular(0.01, 0.1, 50),
    "triangular-halve": triangular(0.01, 0.1, 50, "halve"),
    "triangular-exp": triangular(0.01, 0.1, 50, "exp", 0.999),
    "warmup-cosine": warmup(50) + cosine(0.1, floor=0.01),
    "ramp-constant": ramp(0, 0.1, over=50) + constant(0.1),
    "ramp-linear": ramp(0, 0.1, over=50) + linear(0.1),
    "ramp-cosine": ramp(0, 0.1, over=50) + cosine(0.1),
    "ramp-cosine-floor": ramp(0, 0.1, over=50) + cosine(0.1, floor=0.01),
    "ramp-polynomial": ramp(0, 0.1, over=50) + polynomial(0.1, floor=0.01, power=2),
    "wsd": wsd(0.1, 50, 100),
    "wsd-cosine": wsd(0.1, 0, 100, "cosine", 0.01),
    "ends-early": constant(0.1, over=50) + step(0.1, 0.5, 20, over=100),
    "holds-early": cosine(0.1, over=300),
    "product": step(0.1, 0.5, 100) * linear(1, floor=0.1, over=500),
    "product-level": constant(0.1) * constant(0.5),
    "carried": join(step(0.1, 0.5, 70), cosine(1, floor=0.2), at=[200], carry=True),
    "warmup-shaped": warmup(50, shape="cosine") + cosine(0.1),
    "warmup-exponential": constant(0.1, over=20) + warmup(50, shape="exponential") + step(0.1, 0.5, 100),
    "damped": damped(cosine(0.1), by="untuned_linear"),
    "damped-exponential": constant(0.1, over=50) + damped(cosine(0.1), by="exponential", period=70),
    "damped-radam": damped(constant(0.1), by="radam"),
    "damped-radam-short": damped(cosine(0.1), by="radam", beta2=0.9),
    "damped-radam-long": damped(constant(0.1), by="radam", beta2=0.99999),
    "noam": noam(512, warmup=100),
    "noam-at-once": noam(512, warmup=1),
    "token-power": token_power(0.02, a=4.6, b=0.51, batch=4, warmup=50),
    "token-power-below": token_power(0.02, a=0.001, b=0.51, batch=4),
    "token-power-capped": token_power(0.02, a=1e30, b=2.5, batch=4),
    "gamma-late": constant(0.1, over=400) + triangular(0.01, 0.1, 50, "exp", 0.01),
}

LONGEST = 640  # updates asked of jax at once: of one length for all, so that it compiles once


def run(code: str, **given: Any) -> dict[str, Any]:
    """The names of printed code, which is run as it is."""
    names: dict[str, Any] = dict(given)
    exec(compile(code, "printed", "exec"), names)
    return names


def by_torch(code: str, steps: int) -> list[float]:
    names = run(code, model=torch.nn.Linear(1, 1))
    optimizer, scheduler, rates = names["optimizer"], names["scheduler"], []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


def by_jax(code: str, steps: int) -> list[float]:
    names = run(code)
    schedule = names["schedule"]
    assert names["optimizer"] is not None
    if "def " not in code:
        quick = jax.jit(schedule)
        return [float(quick(t)) for t in range(steps)]
    many = schedule(jnp.arange(LONGEST)).tolist()[:steps]
    for t in (0, 1, steps - 1):
        assert abs(many[t] - float(schedule(t))) <= 2e-7 * max(many), t
    return many


RUNNERS = {"torch": by_torch, "transformers": by_torch, "optax": by_jax, "keras": by_jax}
EXACT = {"torch": 1e-12, "transformers": 1e-12, "optax": 2e-6, "keras": 2e-6}


def chosen(library):
    """Plain schedules on whole updates; and the bank in one unit, on a run with fractions of an update."""
    units = {"torch": ("-ep", "-%", "tiny", "huge", "nested", "mixed"), "transformers": ("nested",)}
    some = [(n, s) for n, s in BANK if n.endswith(units.get(library, ("-ep", "nested")))]
    if library in ("optax", "keras"):  # jax compiles; where a part ends is the same code as elsewhere
        some = [(n, s) for n, s in some if "-over-" not in n]
    bank = {f"bank {n}": s.bind(HORIZON) for n, s in some if "noisy" not in n}
    return {name: s.bind(RUN) for name, s in PLAIN.items()} | bank


@pytest.mark.parametrize("library", WRITERS)
def test_printed_code_has_our_rates_in_the_library_itself(library):
    for name, bound in chosen(library).items():
        code, ours = write(bound, library), bound.values()
        off = np.abs(np.array(RUNNERS[library](code, bound.steps)) - ours).max() / ours.max()
        assert off <= EXACT[library], (name, off, code)


NATIVE = {
    "torch": {
        "constant": "ConstantLR(",
        "linear-floor": "LinearLR(",
        "cosine": "CosineAnnealingLR(optimizer, T_max=600, eta_min=0.01)",
        "polynomial": "PolynomialLR(",
        "step": "StepLR(optimizer, step_size=100, gamma=0.5)",
        "multi_step": "MultiStepLR(optimizer, milestones=[100, 300], gamma=0.1)",
        "exponential": "ExponentialLR(optimizer, gamma=0.999)",
        "restarts-2": "CosineAnnealingWarmRestarts(",
        "triangular-halve": "CyclicLR(",
        "warmup-cosine": "LambdaLR(",
    },
    "keras": {
        "warmup-cosine": "CosineDecay(",
        "linear": "PolynomialDecay(",
        "step": "ExponentialDecay(",
        "step-near-1": "LearningRateSchedule)",
        "inverse_time": "InverseTimeDecay(",
        "multi_step": "PiecewiseConstantDecay(boundaries=[99, 299], ",
    },
    "optax": {
        "constant": "constant_schedule(",
        "cosine": "cosine_decay_schedule(",
        "wsd": "boundaries=[50, 500]",
        "exponential-100": "exponential_decay(",
        "multi_step": "piecewise_constant_schedule(",
        "exponential": "def schedule(t):",
        "ends-early": "def schedule(t):",
    },
    "transformers": {
        "constant": "get_constant_schedule(optimizer)",
        "ramp-linear": "get_linear_schedule_with_warmup(optimizer, num_warmup_steps=50, num_training_steps=600)",
        "ramp-cosine": "get_cosine_schedule_with_warmup(",
        "ramp-cosine-floor": "get_cosine_with_min_lr_schedule_with_warmup(",
        "ramp-polynomial": "get_polynomial_decay_schedule_with_warmup(",
        "warmup-cosine": "LambdaLR(",
        "warmup-shaped": "LambdaLR(",
        "product": "LambdaLR(",
        "holds-early": "LambdaLR(",
    },
}


@pytest.mark.parametrize(("library", "name"), [(lib, name) for lib, names in NATIVE.items() for name in names])
def test_the_library_s_own_scheduler_is_written_where_it_is_exact(library, name):
    assert NATIVE[library][name] in write(PLAIN[name].bind(RUN), library)


@pytest.mark.parametrize("library", WRITERS)
def test_printed_code_is_whole_and_needs_no_lrdecay(library):
    for name, bound in chosen(library).items():
        code = write(bound, library)
        compile(code, name, "exec")
        assert code.startswith("import ")
        assert code.endswith("\n")
        assert "import lrdecay" not in code
        assert "from lrdecay" not in code


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_equation_of_any_schedule_is_its_rates_and_its_end_is_held(data):
    horizon = data.draw(horizons())
    schedule = data.draw(bindable(horizon))
    bound = schedule.bind(horizon)
    if "noisy(" in repr(schedule):
        with pytest.raises(InputError, match="must be free of random numbers"):
            write(bound, "transformers")
        return
    code = write(bound, "transformers")
    if "def rate(t):" not in code:
        return
    rate = run(code.split("\n\n\noptimizer")[0])["rate"]

    some = np.unique(np.linspace(0, bound.steps + 9, 60).astype(int))
    theirs = np.array([rate(int(t)) for t in some])
    top = max(float(bound(some).max()), 1e-300)
    assert np.abs(theirs - bound(some)).max() <= 1e-11 * top


def test_keras_can_save_the_printed_class():
    names = run(write(rex(0.1).bind(RUN), "keras"))
    kept = json.loads(json.dumps(keras.saving.serialize_keras_object(names["schedule"])))
    again = keras.saving.deserialize_keras_object(kept)

    assert type(again) is names["Rate"]
    assert float(again(7)) == float(names["schedule"](7)) > 0


def test_an_epoch_that_is_no_whole_number_of_updates_is_still_exact_in_integers():
    """390.625 updates an epoch: boundaries fall on 391, 781, 1172."""
    horizon = Horizon(epochs=4, samples_per_epoch=50_000, batch_size=128)
    code = write(step(0.1, factor=0.5, every="1ep").bind(horizon), "torch")

    rate = run(code.split("\n\n\noptimizer")[0])["rate"]
    rates = [rate(t) for t in range(1563)]
    assert [t for t in range(1, 1563) if rates[t] != rates[t - 1]] == [391, 781, 1172]


@pytest.mark.parametrize(
    ("schedule", "steps", "library", "words"),
    [
        (cosine(0.1), 100, "jax", ["must be one of torch, keras, optax, transformers", "jax"]),
        (cosine(1e-300), 100, "optax", ["float32", "optax"]),
        (step(1e300, 0.5, 10), 100, "keras", ["float32", "keras"]),
        (rex(0.1), 2**40, "optax", ["integers up to 2**31", "optax"]),
        (parse('step(0.1, factor=0.5, every="12345tok")'), 10**7, "keras", ["integers up to 2**31"]),
        (noisy(cosine(0.1), pct=0.1), 100, "torch", ["free of random numbers", "Noise(kind='normal'", "tabulated("]),
        (noisy(cosine(0.1), kind="uniform"), 100, "keras", ["free of random numbers"]),
        (constant(1e30) * linear(1e-40, over=50), 100, "optax", ["float32", "optax", "1e-40"]),
    ],
)
def test_what_a_library_cannot_say_is_refused_in_one_line(schedule, steps, library, words):
    with pytest.raises(InputError) as refused:
        write(schedule.bind(Horizon(steps=steps, tokens_per_step=1013)), library)

    assert "\n" not in str(refused.value)
    for word in words:
        assert word in str(refused.value)


@pytest.mark.parametrize("library", WRITERS)
@pytest.mark.parametrize(
    "schedule",
    [cosine(0.1), warmup(5) + rex(0.1), step(0.1, 0.5, "2ep"), warm_restarts(0.1, "2ep"), triangular(0.01, 0.1, "2ep")],
    ids=repr,
)
def test_what_counts_samples_is_refused_where_the_batch_size_changes(library, schedule):
    horizon = Horizon(epochs=10, samples_per_epoch=1000, batch_size=10, batch_changes=[("5ep", 20)])
    with pytest.raises(InputError, match="must have one batch size to be written as code") as refused:
        write(schedule.bind(horizon), library)
    assert "\n" not in str(refused.value)


def test_what_counts_updates_is_written_where_the_batch_size_changes_too():
    horizon = Horizon(epochs=10, samples_per_epoch=1000, batch_size=10, batch_changes=[("5ep", 20)])
    code = write(step(0.1, factor=0.5, every=100).bind(horizon), "torch")

    assert "def rate(t):" in code


def test_a_long_table_is_broken_into_lines():
    rates = [0.1 + math.sin(t) / 20 for t in range(500)]
    code = write(tabulated(rates).bind(RUN), "torch")

    assert max(map(len, code.splitlines())) < 200
    assert code.count("\n") > 60


def test_an_open_peak_is_refused_before_anything_is_written():
    with pytest.raises(InputError, match="stated peak"):
        write(one_cycle(peak).bind(RUN), "torch")
