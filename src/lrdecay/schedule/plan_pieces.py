"""Schedules made of steps, as the list of their steps: where each starts, exactly, and its value.

A batch size is a schedule of this kind, and so is a learning rate whose decays are to become batch growth.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction

import numpy as np

from lrdecay.errors import InputError, refusal
from lrdecay.schedule.base import Schedule
from lrdecay.schedule.cycles import Halvings
from lrdecay.schedule.duration import Duration, round_half_up
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.places import Clamp, Edge, Hold, Join, Place, Progression, Ramp, Scale, Span, Table, Warm

__all__ = ["MOST", "Piece", "steps_of", "ticks_of"]

Piece = tuple[Fraction, float]
"""Where a step starts, in exact updates from the start of the run, and its value."""

MOST = 1000
"""Steps that a batch size may have."""


def steps_of(call: str, schedule: Schedule, horizon: Horizon, *, warm: bool = False, cure: str = "") -> list[Piece]:
    """The steps of a schedule on a horizon, each different from the one before it; the first starts at 0.

    Args:
        call: how the caller spells the schedule, for the message.
        schedule: one made of steps: holds, joins of them, staircases, tables.
        horizon: the length of the run and its units.
        warm: whether a warmup at the very start is let pass, as a part of the first step.
        cure: what to do about a schedule that is not made of steps.

    Raises:
        InputError: the schedule is smooth somewhere, or has too many steps.
    """
    _ = schedule.bind(horizon)  # refuses what does not fit
    end = horizon.exact_steps
    node = schedule.expand()
    if warm and isinstance(node, Warm):
        later = _pieces(node.rest, horizon.after(Fraction(0), node.over), end, horizon)
        found = None if later is None else [(Fraction(0), later[0][1]), *later[1:]]
    else:
        found = _pieces(node, Fraction(0), end, horizon)
    if found is None:
        msg = refusal(call, "must be made of steps", schedule, cure)
        raise InputError(msg)
    spoken = [p for p in found if p[0] == 0 or round_half_up(p[0]) < horizon.steps]
    kept = [p for i, p in enumerate(spoken) if i == 0 or p[1] != spoken[i - 1][1]]
    if len(kept) > MOST:
        msg = refusal(call, f"must have at most {MOST} steps", len(kept))
        raise InputError(msg)
    return kept


def _mapped(pieces: list[Piece] | None, change: Callable[[float], float]) -> list[Piece] | None:
    return None if pieces is None else [(p, change(v)) for p, v in pieces]


def ticks_of(start: Fraction, end: Fraction, every: Duration, horizon: Horizon) -> list[Fraction]:
    """start, start + every, start + 2·every, ... before the end, but no more than too many."""
    found = [start]
    while len(found) <= MOST:
        following = horizon.after(start, Duration(every.amount * len(found), every.unit))
        if following >= end:
            break
        found.append(following)
    return found


def _pieces(node: Place, start: Fraction, end: Fraction, horizon: Horizon) -> list[Piece] | None:
    """The steps of a node on its span; None where it is smooth."""
    match node:
        case Hold(value=value):
            return [(start, value)]
        case Ramp(start=first, end=last) if first == last:
            return [(start, first)]
        case Table(values=values):
            return [(start if i == 0 else Fraction(round_half_up(start) + i), v) for i, v in enumerate(values)]
        case Progression(peak=peak, shape=shape, every=every, staircase=True):
            ticks = ticks_of(start, end, every, horizon)
            return [(p, float(peak * shape(np.array(float(k))))) for k, p in enumerate(ticks)]
        case Halvings(peak=peak):
            phases = max((round_half_up(end) - round_half_up(start)).bit_length() - 1, 1)
            return [(start + k * (end - start) / phases, peak * 0.5**k) for k in range(phases)]
        case Span(inner=inner, over=over):
            return _pieces(inner, start, Edge(over).position(start, end, horizon), horizon)
        case Scale(inner=inner, factor=factor):
            return _mapped(_pieces(inner, start, end, horizon), lambda v: factor * v)
        case Clamp(inner=inner, low=low, high=high):
            return _mapped(_pieces(inner, start, end, horizon), lambda v: min(max(v, low), high))
        case Join(parts=parts, edges=edges):
            positions = [start, *(edge.position(start, end, horizon) for edge in edges)]
            found: list[Piece] = []
            for part, (a, b) in zip(parts, itertools.pairwise([*positions, end]), strict=True):
                pieces = _pieces(part, a, min(b, end), horizon) if a < end or a == start else []
                if pieces is None:
                    return None
                found += [p for p in pieces if p[0] == a or p[0] < b]
            return found
    return None
