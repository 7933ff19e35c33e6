"""A schedule as optax code: its factories, joined, if they have these numbers, else a function in jax.numpy.

optax computes with float32. Its exponential_decay raises a base that was rounded to float32; for bases near 1 that is
off by more than 2e-6 of the peak, and the equation is written instead.
"""

from __future__ import annotations

import itertools

from lrdecay.dialects.writing_parts import Part, body, call, header, parts, whole
from lrdecay.dialects.writing_words import JAX
from lrdecay.schedule import Bound, constant, cosine, exponential, linear, multi_step, polynomial, ramp, step
from lrdecay.schedule.duration import round_half_up

__all__ = ["BASE", "LONGEST", "write_optax"]

BASE = 0.97
"""A base up to which x·base^x·2^-24, the error of a power of its rounded value, stays below 1e-6."""

LONGEST = 2**22
"""Updates up to which ⌊t / n⌋ is right in float32."""


def write_optax(bound: Bound) -> str:
    """The code.

    Raises:
        InputError: float32 or int32 cannot hold what has to be computed.
    """
    JAX.check(bound)
    native = _native(parts(bound) or [], bound)
    use = "optimizer = optax.sgd(learning_rate=schedule)  # or any other optimizer of optax's\n"
    if native is not None:
        return f"import optax\n\n{header(bound)}\nschedule = {native}\n{use}"
    lines = body(bound, JAX)
    return (
        f"import jax.numpy as jnp\nimport optax\n\n\n{header(bound)}\ndef schedule(t):\n"
        f"    t = jnp.asarray(t, dtype=jnp.int32)\n{lines}\n\n\n{use}"
    )


def _native(made: list[Part], bound: Bound) -> str | None:
    """A factory, or several joined."""
    if not made or bound.steps > LONGEST:
        return None
    fills = sum(part.steps for part in made) >= bound.steps
    texts = [_factory(part, bound, goes_on=fills or part is not made[-1]) for part in made]
    factories = [text for text in texts if text is not None]
    if len(factories) < len(texts):
        return None
    if len(factories) == 1:
        return factories[0]
    edges = list(itertools.accumulate(part.steps for part in made[:-1]))
    joined = "".join(f"        {text},\n" for text in factories)
    return f"optax.join_schedules(\n    [\n{joined}    ],\n    boundaries={edges!r},\n)"


def _factory(part: Part, bound: Bound, *, goes_on: bool) -> str | None:
    """One of optax's factories; some go on past their end, which must be allowed."""
    s, steps = part.schedule, part.steps
    match s:
        case constant():
            return call("optax.constant_schedule", value=s.peak)
        case linear():
            return call("optax.linear_schedule", init_value=s.peak, end_value=s.floor, transition_steps=steps)
        case ramp() if s.shape == "linear":
            return call("optax.linear_schedule", init_value=s.start, end_value=s.end, transition_steps=steps)
        case polynomial():
            ends = {"init_value": s.peak, "end_value": s.floor, "power": s.power}
            return call("optax.polynomial_schedule", **ends, transition_steps=steps)
        case cosine():
            return call("optax.cosine_decay_schedule", init_value=s.peak, decay_steps=steps, alpha=s.floor / s.peak)
        case step() if goes_on and s.factor <= BASE and (n := whole(s.every, bound)):
            ends = {"init_value": s.peak, "transition_steps": n, "decay_rate": s.factor}
            return call("optax.exponential_decay", **ends, staircase=True)
        case exponential() if goes_on and s.factor <= BASE and (n := whole(s.every, bound)):
            ends = {"init_value": s.peak, "transition_steps": n, "decay_rate": s.factor}
            return call("optax.exponential_decay", **ends, staircase=s.staircase)
        case multi_step() if goes_on:
            at = [round_half_up(bound.horizon.length(d)) for d in s.at]
            if len(set(at)) == len(at):
                scales = dict.fromkeys(at, s.factor)
                return call("optax.piecewise_constant_schedule", init_value=s.peak, boundaries_and_scales=scales)
    return None
