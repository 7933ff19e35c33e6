"""Printed code, run in the library it is printed for, gives our rates."""

from __future__ import annotations

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bank import BANK, HORIZON, bindable, horizons

from lrdecay.dialects.writing import WRITERS, write
from lrdecay.errors import InputError
from lrdecay.schedule import (
    Horizon,
    constant,
    cosine,
    exponential,
    inverse_time,
    linear,
    multi_step,
    one_cycle,
    parse,
    peak,
    piecewise,
    polynomial,
    ramp,
    rex,
    step,
    tabulated,
    triangular,
    warm_restarts,
    warmup,
    wsd,
)

RUN = Horizon(steps=600)

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
}

TORCH = """
import json, sys, torch
out = {}
for name, (code, steps) in json.load(sys.stdin).items():
    names = {"model": torch.nn.Linear(1, 1)}
    exec(code, names)
    optimizer, scheduler, rates = names["optimizer"], names["scheduler"], []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    out[name] = rates
json.dump(out, sys.stdout)
"""

JAX = """
import json, sys, jax, jax.numpy as jnp
out = {}
for name, (code, steps) in json.load(sys.stdin).items():
    names = {}
    exec(code, names)
    schedule = names["schedule"]
    if "def " in code:
        rates = [float(schedule(t)) for t in (0, 1, steps - 1)]
        many = schedule(jnp.arange(steps)).tolist()
        assert max(abs(a - b) for a, b in zip((many[0], many[1], many[-1]), rates)) <= 2e-7 * max(many), name
    else:
        quick = jax.jit(schedule)
        many = [float(quick(t)) for t in range(steps)]
    assert names["optimizer"] is not None
    out[name] = many
json.dump(out, sys.stdout)
"""

RUNNERS = {"torch": TORCH, "transformers": TORCH, "optax": JAX, "keras": JAX}
EXACT = {"torch": 1e-12, "transformers": 1e-12, "optax": 2e-6, "keras": 2e-6}


def chosen(library):
    """Plain schedules on whole updates; and the bank in one unit, on a run with fractions of an update."""
    units = {"torch": ("-ep", "-%", "tiny", "huge", "nested", "mixed"), "transformers": ("nested",)}
    some = [(n, s) for n, s in BANK if n.endswith(units.get(library, ("-ep", "nested")))]
    return {name: s.bind(RUN) for name, s in PLAIN.items()} | {f"bank {n}": s.bind(HORIZON) for n, s in some}


@pytest.mark.parametrize("library", WRITERS)
def test_printed_code_has_our_rates_in_the_library_itself(library):
    bounds = chosen(library)
    codes = {name: (write(bound, library), bound.steps) for name, bound in bounds.items()}

    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RUNNERS[library]],
        input=json.dumps(codes),
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stderr[-2000:]
    theirs = json.loads(done.stdout)
    assert set(theirs) == set(bounds)
    for name, bound in bounds.items():
        ours = bound.values()
        off = np.abs(np.array(theirs[name]) - ours).max() / ours.max()
        assert off <= EXACT[library], (name, off, codes[name][0])


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
    bound = data.draw(bindable(horizon)).bind(horizon)
    code = write(bound, "transformers")
    if "def rate(t):" not in code:
        return
    names: dict[str, object] = {}
    exec(compile(code.split("\n\n\noptimizer")[0].replace("import torch\n", ""), "printed", "exec"), names)
    rate = names["rate"]

    some = np.unique(np.linspace(0, bound.steps + 9, 60).astype(int))
    theirs = np.array([rate(int(t)) for t in some])  # type: ignore[operator]
    top = max(float(bound(some).max()), 1e-300)
    assert np.abs(theirs - bound(some)).max() <= 1e-11 * top


def test_keras_can_save_the_printed_class():
    code = write(rex(0.1).bind(RUN), "keras")
    check = (
        "import keras\nkept = keras.saving.serialize_keras_object(schedule)\n"
        "again = keras.saving.deserialize_keras_object(kept)\n"
        "assert type(again) is Rate and float(again(7)) == float(schedule(7)) > 0\n"
    )
    done = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]


def test_an_epoch_that_is_no_whole_number_of_updates_is_still_exact_in_integers():
    """390.625 updates an epoch: boundaries fall on 391, 781, 1172."""
    horizon = Horizon(epochs=4, samples_per_epoch=50_000, batch_size=128)
    code = write(step(0.1, factor=0.5, every="1ep").bind(horizon), "torch")

    names: dict[str, object] = {}
    exec(compile(code.split("\n\n\noptimizer")[0].replace("import torch\n", ""), "printed", "exec"), names)
    rates = [names["rate"](t) for t in range(1563)]  # type: ignore[operator]
    assert [t for t in range(1, 1563) if rates[t] != rates[t - 1]] == [391, 781, 1172]


@pytest.mark.parametrize(
    ("schedule", "steps", "library", "words"),
    [
        (cosine(0.1), 100, "jax", ["must be one of torch, keras, optax, transformers", "jax"]),
        (cosine(1e-300), 100, "optax", ["float32", "optax"]),
        (step(1e300, 0.5, 10), 100, "keras", ["float32", "keras"]),
        (rex(0.1), 2**40, "optax", ["integers up to 2**31", "optax"]),
        (parse('step(0.1, factor=0.5, every="12345tok")'), 10**7, "keras", ["integers up to 2**31"]),
    ],
)
def test_what_a_library_cannot_say_is_refused_in_one_line(schedule, steps, library, words):
    with pytest.raises(InputError) as refused:
        write(schedule.bind(Horizon(steps=steps, tokens_per_step=1013)), library)

    assert "\n" not in str(refused.value)
    for word in words:
        assert word in str(refused.value)


def test_a_long_table_is_broken_into_lines():
    rates = [0.1 + math.sin(t) / 20 for t in range(500)]
    code = write(tabulated(rates).bind(RUN), "torch")

    assert max(map(len, code.splitlines())) < 200
    assert code.count("\n") > 60


def test_an_open_peak_is_refused_before_anything_is_written():
    with pytest.raises(InputError, match="stated peak"):
        write(one_cycle(peak).bind(RUN), "torch")
