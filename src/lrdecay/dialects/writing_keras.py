"""A schedule as Keras 3 code: one of its schedules if it has these numbers, else a serialisable class of the equation.

Keras computes with float32, as optax does (see `writing_optax`). Its PiecewiseConstantDecay still gives the old value
at a boundary, so that boundaries are written one earlier.
"""

from __future__ import annotations

from lrdecay.dialects.writing_optax import BASE, LONGEST
from lrdecay.dialects.writing_parts import Part, body, call, header, parts, whole
from lrdecay.dialects.writing_words import KERAS
from lrdecay.schedule import (
    Bound,
    cosine,
    exponential,
    inverse_time,
    linear,
    multi_step,
    piecewise,
    polynomial,
    ramp,
    step,
)
from lrdecay.schedule.duration import round_half_up

__all__ = ["write_keras"]

_SCHEDULES = "keras.optimizers.schedules"


def write_keras(bound: Bound) -> str:
    """The code.

    Raises:
        InputError: float32 or int32 cannot hold what has to be computed.
    """
    KERAS.check(bound)
    native = _native(parts(bound) or [], bound)
    use = "optimizer = keras.optimizers.SGD(learning_rate=schedule)  # or any other optimizer of Keras'\n"
    if native is not None:
        return f"import keras\n\n{header(bound)}\nschedule = {native}\n{use}"
    lines = "\n".join(f"    {line}" for line in body(bound, KERAS).splitlines())
    return (
        "import keras\n\n\n@keras.saving.register_keras_serializable()\n"
        f"class Rate(keras.optimizers.schedules.LearningRateSchedule):\n    {header(bound)}\n"
        f'    def __call__(self, step):\n        t = keras.ops.cast(step, "int32")\n{lines}\n\n'
        f"    def get_config(self):\n        return {{}}\n\n\nschedule = Rate()\n{use}"
    )


def _native(made: list[Part], bound: Bound) -> str | None:
    """The constructor of one of Keras' schedules."""
    if not made or bound.steps > LONGEST:
        return None
    s, steps = made[-1].schedule, made[-1].steps
    if len(made) == 2:
        up = made[0].schedule
        if not (isinstance(up, ramp) and up.shape == "linear" and isinstance(s, cosine) and up.end == s.peak):
            return None
        warm = {"warmup_target": s.peak, "warmup_steps": made[0].steps}
        ends = {"initial_learning_rate": up.start, "decay_steps": steps, "alpha": s.floor / s.peak}
        return call(f"{_SCHEDULES}.CosineDecay", **ends, **warm)
    return None if len(made) > 1 else _alone(made[0], bound)


def _alone(part: Part, bound: Bound) -> str | None:
    s, steps = part.schedule, part.steps
    until_end = steps >= bound.steps
    match s:
        case linear() | polynomial():
            ends = {"initial_learning_rate": s.peak, "decay_steps": steps, "end_learning_rate": s.floor}
            return call(f"{_SCHEDULES}.PolynomialDecay", **ends, power=getattr(s, "power", 1.0))
        case cosine():
            ends = {"initial_learning_rate": s.peak, "decay_steps": steps}
            return call(f"{_SCHEDULES}.CosineDecay", **ends, alpha=s.floor / s.peak)
        case step() | exponential() if until_end and s.factor <= BASE and (n := whole(s.every, bound)):
            ends = {"initial_learning_rate": s.peak, "decay_steps": n, "decay_rate": s.factor}
            return call(f"{_SCHEDULES}.ExponentialDecay", **ends, staircase=getattr(s, "staircase", True))
        case inverse_time() if until_end and (n := whole(s.every, bound)):
            ends = {"initial_learning_rate": s.peak, "decay_steps": n, "decay_rate": s.rate}
            return call(f"{_SCHEDULES}.InverseTimeDecay", **ends, staircase=s.staircase)
        case multi_step() | piecewise() if until_end:
            at = [round_half_up(bound.horizon.length(d)) for d in s.at]
            rates = s.values if isinstance(s, piecewise) else [s.peak * s.factor**i for i in range(len(at) + 1)]
            if len(set(at)) == len(at) and at[0] > 0:
                edges, values = [b - 1 for b in at], list(map(float, rates))
                return call(f"{_SCHEDULES}.PiecewiseConstantDecay", boundaries=edges, values=values)
    return None
