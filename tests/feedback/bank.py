"""Every rule there is, one of each, and runs to show them."""

from __future__ import annotations

import importlib.util
import math
import random

from lrdecay.feedback.notation import parse_rule
from lrdecay.feedback.register import HOMES, RULES
from lrdecay.feedback.rule import Event, Observation, Rule, State
from lrdecay.schedule.horizon import Horizon

HORIZON = Horizon(steps=4000, steps_per_epoch=10)

_SPELLED = (
    "plateau(delta=0.01, patience=5)",
    'plateau(metric="accuracy", goal="max")',
    'classic_plateau(patience=2, every="1ep")',
    'torch_plateau(patience=1, cooldown=2, mode="max")',
    "keras_plateau(patience=2, cooldown=3, min_lr=0.001)",
    "optax_plateau(patience=2, accumulation_size=3)",
    'delayed(classic_plateau(patience=1), over="2ep")',
    'rested(classic_plateau(patience=1), over="3ep")',
    "limited(classic_plateau(patience=1), drops=2)",
    "floored(classic_plateau(patience=1), low=0.05)",
    'limited(classic_plateau(patience=1) * torch_plateau(patience=2, metric="accuracy", mode="max"), drops=3)',
    "classic_plateau(patience=3) * plateau(delta=0.01)",
)
_MUST = {"hypergradient": "0.001"}
_PLAIN = [
    f"{name}({_MUST.get(name, '')})"
    for name, module in HOMES.items()
    if module not in ("wrappers", "ruled") and importlib.util.find_spec(f"lrdecay.feedback.{module}")
]
NOTATIONS = (*_PLAIN, *_SPELLED)
"""Every rule with what it has by default, and some with more to say."""


def every_rule() -> list[Rule]:
    """One of each."""
    assert set(HOMES) <= set(RULES)
    return [parse_rule(text) for text in NOTATIONS]


def observations(rule: Rule, count: int, seed: int = 0, holes: bool = True) -> list[Observation]:
    """A run that improves, then does not, one observation an update; some values are nan or infinite."""
    rng, found = random.Random(seed), []
    for t in range(1, count + 1):
        values = {name: 1.0 + max(0.0, 1 - t / 60) + rng.gauss(0, 0.05) for name in sorted(rule.needs)}
        if holes and rng.random() < 0.05:
            values[rng.choice(sorted(values))] = rng.choice([math.nan, math.inf, -math.inf])
        found.append(Observation(t, values, 0.1, HORIZON))
    return found


def shown(rule: Rule, run: list[Observation], state: State | None = None) -> tuple[list[float], list[Event], State]:
    """The multiplier after each observation, what happened, and the state at the end."""
    state, multipliers, events = rule.init() if state is None else state, [], []
    for seen in run:
        response = rule.update(seen, state)
        state = response.state
        multipliers.append(response.multiplier)
        events += [response.event] if response.event else []
    return multipliers, events, state


def losses(values: list[float], rate: float = 0.1) -> list[Observation]:
    """Observations of a loss, one an update."""
    return [Observation(t, {"loss": v}, rate, HORIZON) for t, v in enumerate(values, 1)]
