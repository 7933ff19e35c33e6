"""What composer's schedulers are made of: lines, cosines and powers of the optimizer's rate B, and their warmup."""

from __future__ import annotations

from collections.abc import Sequence

from lrdecay.dialects.base import Run
from lrdecay.dialects.composer_time import after, in_updates, stated
from lrdecay.errors import InputError, refusal
from lrdecay.schedule import (
    Duration,
    Schedule,
    constant,
    cosine,
    duration,
    multi_step,
    piecewise,
    polynomial,
    ramp,
    tabulated,
)

__all__ = ["cosine_to", "length_of", "line", "polynomial_to", "steps_down", "times", "warmed"]


def length_of(over: Duration | None, run: Run) -> Duration | int:
    """A duration that must be said; the whole run in updates where it is the whole run."""
    return run.steps if over is None else over


def line(run: Run, alpha_i: float, alpha_f: float, over: Duration | int | None) -> Schedule:
    """From α_i·B straight to α_f·B."""
    if alpha_i == alpha_f:
        return constant(run.base * alpha_i)
    return ramp(run.base * alpha_i, run.base * alpha_f, over=over)


def cosine_to(run: Run, alpha_f: float, over: Duration | int | None) -> Schedule:
    """From B along half a cosine to α_f·B, which may lie above."""
    if alpha_f > 1:
        return ramp(run.base, run.base * alpha_f, shape="cosine", over=over)
    return cosine(run.base, floor=run.base * alpha_f, over=over)


def polynomial_to(run: Run, power: float, alpha_f: float, over: Duration | int | None) -> Schedule:
    """From B along a power to α_f·B."""
    return polynomial(run.base, floor=run.base * alpha_f, power=power, over=over)


def steps_down(run: Run, milestones: Sequence[str], gamma: float, ssr: float, start: Duration | None) -> Schedule:
    """The rates from ``start`` on; milestones at or before it have been passed."""
    if isinstance(milestones, str):
        msg = refusal("MultiStepScheduler(milestones=...)", "must be a list of times", milestones)
        raise InputError(msg)
    stated_times = [stated(m, run, "MultiStepScheduler(milestones=...)", ssr) for m in milestones]
    inside = [m for m in stated_times if m is not None]  # one at the end of the run is never reached
    units = {m.unit for m in inside} | ({start.unit} if start is not None and start.amount else set())
    if len(units) > 1:
        inside = [duration(in_updates(m, run), zero=True) for m in inside]
        start = duration(in_updates(start, run), zero=True)
    elif start is not None and not start.amount and inside:
        start = Duration(start.amount, inside[0].unit)
    left = [after(start, m, run) for m in inside]
    passed = sum(m == 0 for m in left)
    ahead = sorted((m for m in left if isinstance(m, Duration)), key=lambda m: m.amount)
    at = sorted(set(ahead), key=lambda m: m.amount)
    rates = [run.base * gamma ** (passed + sum(m.amount <= edge.amount for m in ahead)) for edge in at]
    first = run.base * gamma**passed
    if not at:
        return constant(first)
    if len(at) == len(ahead) and 0 < gamma <= 1:
        return multi_step(first, factor=gamma, at=at)
    return piecewise([first, *rates], at=at)


def times(run: Run, name: str, t_warmup: str, t_max: str, ssr: float) -> tuple[Duration | None, Duration | int | None]:
    """The warmup, and what is left of t_max after it.

    Raises:
        InputError: composer would raise: one counts samples or tokens and the other does not, or t_max ends too early.
    """
    warm = stated(t_warmup, run, f"{name}(t_warmup=...)")
    end = stated(t_max, run, f"{name}(t_max=...)", ssr)
    if _counted(warm) != _counted(end):
        msg = refusal(f"{name}(t_max=...)", "must count what t_warmup counts", t_max, "Composer raises a ValueError.")
        raise InputError(msg)
    known = run.length is not None and (run.horizon is not None or (end is not None and end.unit in ("steps", "%")))
    if end is not None and _counted(end) == "updates" and known and in_updates(end, run) < run.steps:
        rule = f"must not end before the run, which has {run.steps} updates"
        msg = refusal(f"{name}(t_max=...)", rule, t_max, "Composer raises a ValueError.")
        raise InputError(msg)
    return warm, after(warm, end, run)


def _counted(length: Duration | None) -> str:
    """What composer counts a time in: epochs and shares of the run are updates to it."""
    return length.unit if length is not None and length.unit in ("samples", "tok") else "updates"


def warmed(run: Run, name: str, t_warmup: str, alpha: float, scale: bool, ssr: float, rest: Schedule) -> Schedule:
    """A line from 0 to alpha·B, then ``rest``; with ``scale`` the line is stretched, but not the time it is given."""
    warm, stretched = (stated(t_warmup, run, f"{name}(t_warmup=...)", ratio) for ratio in (1.0, ssr))
    if warm is not None and not warm.amount:
        return rest
    top = run.base * alpha
    if not scale or stretched == warm:
        return ramp(0.0, top, over=warm) + rest if warm is not None else ramp(0.0, top)
    if not run.as_is:
        cure = "The slope of the warmup is scaled and its time is not. Leave scale_warmup out, or add --as-is."
        msg = refusal(
            f"{name}(scale_warmup=...)", f"must be False with ssr={ssr}, a plain bug of composer", scale, cure
        )
        raise InputError(msg)
    short, long = in_updates(warm, run), in_updates(stretched, run)
    line_up = [top * min(t / long, 1.0) for t in range(short)] if long else [top] * short
    return tabulated(line_up, over=short) + rest
