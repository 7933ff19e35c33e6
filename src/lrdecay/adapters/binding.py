"""What every adapter's ``attach`` is asked, framework or not: a schedule, a horizon, an end policy, perhaps the rates.

    bound = bound_of(schedule, horizon, after)
    table = table_of(bound, rates)          # float64; f(0), ..., f(steps - 1), and under "hold" the f(steps) held

A step that was compiled once cannot evaluate Python, nor raise. It looks the rate up in such a table, by

    t = min(count, steps) under "hold",  t = count mod steps under "repeat".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrdecay.errors import InputError, one_of, refusal
from lrdecay.schedule import Bound, BoundPlan, Horizon, Plan, Schedule, constant, parse, tabulated
from lrdecay.schedule.bound import AFTER

__all__ = ["COMPILED", "LONGEST", "bound_of", "curve_of", "plan_of", "single", "table_of"]

COMPILED = ("hold", "repeat")
"""The end policies of a compiled step, which cannot raise."""

LONGEST = 10_000_000
"""Updates in a table that is compiled into a step: 40 MB of float32."""


def plan_of(said: object, horizon: object) -> BoundPlan | None:
    """The plan that was given in place of a schedule, bound; None for a schedule.

    Raises:
        InputError: it does not fit the horizon, or is bound and a horizon was given too.
    """
    if isinstance(said, BoundPlan):
        if horizon is not None:
            msg = refusal("attach(horizon)", "must be left out for a bound plan, which has its own", horizon)
            raise InputError(msg)
        return said
    if not isinstance(said, Plan):
        return None
    if not isinstance(horizon, Horizon):
        msg = refusal("attach(horizon)", "must say how long the run is", horizon, "Such as Horizon(steps=1000).")
        raise InputError(msg)
    return said.bind(horizon)


def curve_of(plan: BoundPlan, name: str, group: str, after: str | None) -> Bound:
    """What a plan says of one name for one group, as a bound schedule; past the end, the last value is held."""
    values = plan.values(name, group)
    listed = tabulated(values.tolist()) if values.max() > 0 else 0 * constant(1.0)
    return bound_of(listed, Horizon(steps=len(values)), after, COMPILED)


def bound_of(schedule: object, horizon: object, after: str | None, policies: tuple[str, ...] = AFTER) -> Bound:
    """Read the arguments of `attach`: a schedule or its notation with a horizon, or a bound schedule alone.

    Raises:
        InputError: one of them does not fit, the schedule's peak is open, or the end policy is not one of ``policies``.
    """
    if isinstance(schedule, Bound):
        if horizon is not None:
            msg = refusal("attach(horizon)", "must be left out for a bound schedule, which has its own", horizon)
            raise InputError(msg)
        if after not in (None, schedule.after):
            msg = refusal("attach(after=...)", f"must be that of the bound schedule, {schedule.after!r}", after)
            raise InputError(msg)
        _check_policy(schedule.after, policies)
        return schedule
    if isinstance(schedule, str):
        schedule = parse(schedule)
    if not isinstance(schedule, Schedule):
        msg = refusal("attach(schedule)", "must be given a schedule", schedule, 'Such as "cosine(0.1)".')
        raise InputError(msg)
    if not isinstance(horizon, Horizon):
        msg = refusal("attach(horizon)", "must say how long the run is", horizon, "Such as Horizon(steps=1000).")
        raise InputError(msg)
    after = "hold" if after is None else after
    _check_policy(after, policies)
    return schedule.bind(horizon, after)


def table_of(bound: Bound, rates: object = None, longest: int | None = None, cure: str = "") -> NDArray[np.float64]:
    """The rate of every update, and under "hold" the one after; read-only.

    Args:
        bound: what gives the rates.
        rates: f(0), f(1), ... made elsewhere from the same schedule; taken bit for bit, in place of evaluating.
        longest: the most updates there may be.
        cure: what to do about a longer run.

    Raises:
        InputError: the run is too long, the rates are no float64 array of at least ``steps``, or one is not a rate.
    """
    steps = bound.steps
    if longest is not None and steps > longest:
        rule = f"must be at most {longest} steps long for a table that is compiled into the step"
        msg = refusal("attach(horizon)", rule, steps, cure)
        raise InputError(msg)
    length = steps + (bound.after == "hold")
    if rates is None:
        table = np.asarray(bound(np.arange(length)))
    else:
        table = _checked(rates, steps)[:length].copy()
        if len(table) < length:
            table = np.append(table, table[-1])
    table.setflags(write=False)
    return table


def single(table: NDArray[np.float64]) -> NDArray[np.float32]:
    """The table in float32, each rate rounded once; a rate below what it holds is 0.

    Raises:
        InputError: a rate is above the largest float32, 3.4e38.
    """
    largest = float(table.max())
    if largest > float(np.finfo(np.float32).max):
        msg = refusal("attach(schedule)", "must give rates that float32 holds, up to 3.4e38", largest)
        raise InputError(msg)
    with np.errstate(under="ignore"):
        return table.astype(np.float32)


def _check_policy(after: str, policies: tuple[str, ...]) -> None:
    if after in AFTER and after not in policies:
        cure = "A compiled step cannot raise; stop the loop at the horizon."
        msg = refusal("attach(after=...)", f"must be one of {', '.join(policies)}", after, cure)
        raise InputError(msg)
    one_of(AFTER).check("attach(after=...)", after)


def _checked(rates: object, steps: int) -> NDArray[np.float64]:
    """Rates made elsewhere, if they can be a table of ``steps`` updates."""
    table = np.asarray(rates)
    if table.dtype != np.float64 or table.ndim != 1 or len(table) < steps:
        rule = f"must be a float64 array of shape (steps,) for at least {steps} steps"
        msg = refusal("attach(rates=...)", rule, f"{table.dtype} {table.shape}")
        raise InputError(msg)
    bad = table[~(np.isfinite(table) & (table >= 0))]
    if bad.size:
        msg = refusal("attach(rates=...)", "must hold finite rates >= 0", float(bad[0]))
        raise InputError(msg)
    return table
