"""A rule and a hand on the host drive a compiled optax step: the rates, the ratios, one compilation, a resume."""

from __future__ import annotations

import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from tests.adapters.rules import falling

from lrdecay.adapters.optax import RuledRate, ruled
from lrdecay.errors import InputError
from lrdecay.feedback.edits import Edit
from lrdecay.schedule import Horizon, cosine, parse, plan

STEPS = 9
HORIZON = Horizon(steps=STEPS)
SPEC = "warmup(3) + cosine(0.1)"
SEEN = [3.0, 4.0, 2.0, 1.0, 1.5, float("nan"), 1.0, 2.0, 0.5]
FACTORS = [1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.125]


def _hand(drive: RuledRate) -> None:
    drive.at_boundary(lambda t: drive.dial.add(Edit(1, 4, "scale", factor=0.5)) if t == 4 else None)


class Loop:
    """A compiled step of Adam on two groups, the second at a tenth of the rate."""

    def __init__(self) -> None:
        made = {name: optax.inject_hyperparams(optax.adam)(learning_rate=r) for name, r in {"a": 1.0, "b": 0.1}.items()}
        self.optimizer = optax.multi_transform(made, {"a": "a", "b": "b"})
        self.parameters: Any = {"a": jnp.ones(2), "b": jnp.ones(2)}
        self.state: Any = self.optimizer.init(self.parameters)
        self.compiled = 0

        @jax.jit
        def update(parameters: Any, state: Any) -> Any:
            self.compiled += 1
            updates, state = self.optimizer.update(jax.tree.map(lambda p: 0.3 * p, parameters), state, parameters)
            return optax.apply_updates(parameters, updates), state

        self.update = update

    def train(self, drive: RuledRate, first: int, last: int) -> list[list[float]]:
        used = []
        for t in range(first, last):
            self.state = drive.write(self.state, t)
            inner = self.state.inner_states
            used.append([float(inner[name].inner_state.hyperparams["learning_rate"]) for name in "ab"])
            self.parameters, self.state = self.update(self.parameters, self.state)
            drive.observe(t + 1, loss=jnp.float32(SEEN[t]))
        return used


def test_the_step_is_compiled_once_and_made_at_the_rates_that_rule_and_hand_say() -> None:
    loop, drive = Loop(), ruled(f"({SPEC}) * falling()", HORIZON)
    _hand(drive)
    used = loop.train(drive, 0, STEPS)
    f = parse(SPEC).bind(HORIZON).values()
    rates = f * np.array([m * (0.5 if t >= 4 else 1) for t, m in enumerate(FACTORS)])
    assert used == [[float(np.float32(r)), float(np.float32(r * float(np.float32(0.1))))] for r in rates]
    assert loop.compiled == 1
    assert [event.step for event in drive.events] == [2, 5, 8]


def test_a_run_resumed_at_any_step_goes_on_bit_for_bit() -> None:
    loop, drive = Loop(), ruled(f"({SPEC}) * falling()", HORIZON)
    _hand(drive)
    used, kept = [], []
    for k in range(STEPS):
        kept.append((loop.parameters, loop.state, json.dumps(drive.state_dict(), allow_nan=False)))
        used += loop.train(drive, k, k + 1)
    for k, (parameters, state, text) in enumerate(kept):
        other, again = Loop(), ruled(f"({SPEC}) * falling()", HORIZON)
        other.parameters, other.state = parameters, state
        again.load_state_dict(json.loads(text))
        _hand(again)
        assert other.train(again, k, STEPS) == used[k:]
        same = jax.tree.map(np.array_equal, (other.parameters, other.state), (loop.parameters, loop.state))
        assert jax.tree.all(same)


def test_what_does_not_fit_is_refused() -> None:
    drive = ruled(cosine(0.1) * falling(), HORIZON)
    plain = optax.sgd(0.1).init(jnp.ones(2))
    one = optax.inject_hyperparams(optax.sgd)(learning_rate=0.1).init(jnp.ones(2))
    drive.write(one, 0)
    state = drive.state_dict()
    for call, said in (
        (lambda: ruled(cosine(0.1) * falling(), HORIZON, after="repeat"), "under a rule or a hand"),
        (lambda: ruled(plan(lr=cosine(0.1)), HORIZON), "a schedule under a rule"),
        (lambda: ruled(cosine(0.1), HORIZON).observe(1, loss=0.5), "must have a rule"),
        (lambda: drive.observe(1, accuracy=0.5), "must be given for falling"),
        (lambda: drive.observe(1, loss=jnp.ones(2)), "a single number"),
        (lambda: drive.write(plain, 0), "inject_hyperparams"),
        (lambda: drive.write(Loop().state, 0), "1 learning rates, as before, got 2"),
        (lambda: drive.rate(-1), "integer"),
        (lambda: ruled(cosine(0.1), HORIZON, after="raise").rate(STEPS), "before the end of the horizon"),
        (lambda: ruled(cosine(0.2) * falling(), HORIZON).load_state_dict(state), "cosine"),
        (lambda: ruled(cosine(0.1), HORIZON).load_state_dict(state), "must be of the rule None"),
        (lambda: drive.load_state_dict({"format": 2}), "format 1"),
    ):
        with pytest.raises(InputError) as refused:
            call()
        assert said in str(refused.value)
    assert drive.state_dict() == state
