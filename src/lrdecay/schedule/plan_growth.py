"""Growing the batch instead of decaying the learning rate.

The noise in the updates of SGD has the scale

    g = lr · N / (B · (1 - m)),   N samples of data, B in a batch, m the momentum,  for B << N

so a decay of lr by a factor f does to it what a growth of B by 1/f does, in fewer updates (Smith, Kindermans, Ying and
Le 2018, arXiv:1711.00489). `grow_batch` makes each decay of a plan's rate growth of its batch until ``max_batch`` is
reached; from then on the rate decays. The run sees as many samples as before, and at each of them g is the same, but
for the rounding of a batch size to whole samples. Momentum, weight decay and everything else stay.
"""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any, NoReturn, final

import numpy as np
from attrs import evolve, frozen
from numpy.typing import NDArray

from lrdecay.errors import InputError, positive_int, refusal
from lrdecay.schedule.base import Schedule
from lrdecay.schedule.duration import duration, round_half_up
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.plan_pieces import MOST, Piece, steps_of, ticks_of
from lrdecay.schedule.plans import Plan

__all__ = ["Growth", "grow_batch", "grown"]

Curve = NDArray[np.float64]


@final
@frozen(eq=False)
class Growth:
    """What growing the batch made of a plan on a horizon."""

    horizon: Horizon  # as many samples, with growing batches
    rate: Curve  # the plan's lr, shape (steps,)
    factor: Curve  # what it was multiplied by, shape (steps,): for groups with rates of their own


def grow_batch(plan: Any, max_batch: int, every: Any = None) -> Plan:
    """The plan with each decay of its rate made growth of its batch, until ``max_batch``; then the rate decays.

    The first batch size is the horizon's. A boundary of the rate that is written in updates counts those of the plan
    as it was, at the first batch size. A warmup at the start stays a warmup of the rate.

    Args:
        plan: one whose rate only falls after its warmup, and whose batch size does not change.
        max_batch: the largest batch size, samples.
        every: needed where the rate falls smoothly: its value is taken once per this duration, which makes steps of it.

    Raises:
        InputError: an argument does not fit, or the plan's batch is planned already.
    """
    positive_int.check("grow_batch(max_batch=...)", max_batch)
    if not isinstance(plan, Plan):
        msg = refusal("grow_batch(plan)", "must be a plan", plan, "Such as plan(lr=0.1).")
        raise InputError(msg)
    if plan.max_batch is not None or isinstance(plan.batch_size, Schedule):
        msg = refusal("grow_batch(plan)", "must have a batch size that does not change yet", plan)
        raise InputError(msg)
    grown_plan: Plan = evolve(
        plan, max_batch=max_batch, every=None if every is None else duration(every, "grow_batch(every=...)")
    )
    return grown_plan


def grown(plan: Plan, horizon: Horizon) -> Growth:
    """Bind what `grow_batch` says to a horizon of one batch size.

    Raises:
        InputError: the rate rises or is smooth, or the first batch size is not known or above the largest.
    """
    first, most = horizon.batch_size, plan.max_batch or 0
    if first is None or horizon.clock is not None:
        rule = "must have one batch_size to grow from"
        msg = refusal("bind(horizon=...)", rule, horizon, "Write Horizon(..., batch_size=128).")
        raise InputError(msg)
    if first > most:
        msg = refusal("grow_batch(max_batch=...)", f"must be at least the first batch size, {first}", most)
        raise InputError(msg)
    before = _as_it_was(plan, horizon)
    pieces = _steps(plan, horizon, before)
    sizes, rates = [first], [pieces[0][1]]
    for _, rate in pieces[1:]:
        wanted = first * rates[0] / rate if rate > 0 else float("inf")
        whole = round_half_up(Fraction(wanted)) if wanted < most + 1 else most + 1
        sizes.append(min(whole, most))
        rates.append(rates[0] if whole <= most else rate * (most / first))
    bound = _horizon(horizon, [(p * first, size) for (p, _), size in zip(pieces, sizes, strict=True)])
    return Growth(bound, *_curves(bound, before, pieces, rates, first))


def _as_it_was(plan: Plan, horizon: Horizon) -> Curve:
    """The plan's rate at the first batch size."""
    if not isinstance(plan.lr, Schedule):
        return np.full(horizon.steps, float(plan.lr))
    return plan.lr.bind(horizon).values()


def _steps(plan: Plan, horizon: Horizon, before: Curve) -> list[Piece]:
    """The steps of the rate, or its values at the ticks of ``every`` after its peak; falling."""
    if not isinstance(plan.lr, Schedule):
        return [(Fraction(0), float(plan.lr))]
    if plan.every is None:
        cure = 'Say how often the batch may grow: grow_batch(..., every="1ep").'
        pieces = steps_of("grow_batch(plan(lr=...))", plan.lr, horizon, warm=True, cure=cure)
    else:
        top = int(np.argmax(before))
        ticks = ticks_of(Fraction(0), horizon.exact_steps, plan.every, horizon)
        if len(ticks) > MOST:
            msg = refusal("grow_batch(every=...)", f"must divide the run into at most {MOST} parts", plan.every)
            raise InputError(msg)
        ticked = [(p, float(before[t])) for p in ticks if top < (t := round_half_up(p)) < horizon.steps]
        pieces = [(Fraction(0), float(before[top])), *ticked]
        if (np.diff(before[: top + 1]) < 0).any() or (np.diff(before[top:]) > 0).any():
            _refuse_rise(plan)
    if any(now[1] > earlier[1] for earlier, now in itertools.pairwise(pieces)):
        _refuse_rise(plan)
    return pieces


def _refuse_rise(plan: Plan) -> NoReturn:
    msg = refusal("grow_batch(plan(lr=...))", "must only fall after its warmup", plan.lr)
    raise InputError(msg)


def _horizon(horizon: Horizon, sizes: list[tuple[Fraction, int]]) -> Horizon:
    """As many samples as the horizon, with a batch size from each of these samples on."""
    changes = tuple(now for earlier, now in itertools.pairwise(sizes) if now[1] != earlier[1])
    if not changes:
        return horizon
    if horizon.epochs is not None:
        return evolve(horizon, steps=None, batch_changes=changes)  # type: ignore[arg-type]
    counting = evolve(horizon, batch_changes=changes)
    if counting.clock is None or horizon.batch_size is None:
        return counting
    steps = round_half_up(counting.clock.updates(Fraction(horizon.steps * horizon.batch_size)))
    return evolve(horizon, steps=steps, batch_changes=changes)


def _curves(bound: Horizon, before: Curve, pieces: list[Piece], rates: list[float], first: int) -> tuple[Curve, Curve]:
    """The rate and its factor for every update; in the first step the rate is as it was, warmup and all."""
    clock = bound.clock
    starts = [p if clock is None else clock.updates(p * first) for p, _ in pieces]
    edges = [*map(round_half_up, starts), bound.steps]
    rate, factor = np.empty(bound.steps), np.ones(bound.steps)
    for (_, was), now, (a, b) in zip(pieces, rates, itertools.pairwise(edges), strict=True):
        rate[a:b] = now
        factor[a:b] = now / was if was > 0 else 1.0
    warm = min(edges[1], int(np.argmax(before)))
    rate[:warm] = before[:warm]
    return rate, factor
