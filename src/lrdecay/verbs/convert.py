"""`convert`: a peer's scheduler as a schedule of ours, and ours as code for another library."""

from __future__ import annotations

import re
from typing import Any

from attrs import frozen

from lrdecay.dialects.base import Call, Run, Saying, translate
from lrdecay.dialects.reading import load_all, read_call, sayings_in
from lrdecay.dialects.writing import write
from lrdecay.errors import InputError, positive, refusal
from lrdecay.schedule import Bound, Horizon, Schedule
from lrdecay.schedule.register import FAMILIES
from lrdecay.verbs.show import horizon_of, spec_of

__all__ = ["Converted", "convert"]


@frozen
class Converted:
    """What a scheduler means here, and what it is called elsewhere."""

    schedule: Schedule
    bound: Bound | None  # on the length of the run; None where nobody said it
    sayings: tuple[Saying, ...] = ()  # the peer's schedulers that were read: what differs, and how each ends
    code: str = ""  # for another library; empty where none was asked for

    def to_json(self) -> dict[str, Any]:
        """As `show`'s: ``{"steps": N, "schedules": [{"spec", "values"}]}``, and ``"code"`` where some was asked for.

        Raises:
            InputError: nobody said how long the run is.
        """
        if self.bound is None:
            msg = refusal(
                "convert(steps=...)", "must be given to have values", None, "Say how long the run is: --steps N."
            )
            raise InputError(msg)
        values = self.bound.values().tolist()
        found: dict[str, Any] = {
            "steps": self.bound.steps,
            "schedules": [{"spec": repr(self.schedule), "values": values}],
        }
        return {**found, "code": self.code} if self.code else found


def convert(
    scheduler: str | Schedule,
    to: str | None = None,
    *,
    lr: float | None = None,
    as_is: bool = False,
    horizon: Horizon | None = None,
    **length: Any,
) -> Converted:
    """Read a scheduler of torch, Keras, optax, timm, transformers or composer; or write a schedule for a library.

    Args:
        scheduler: the peer's call as text, such as ``"torch.StepLR(step_size=30)"``; or a schedule of ours, as a value
            or in the notation, which may carry its own horizon (``@ 60ep``).
        to: torch, keras, optax or transformers: also write code for that library.
        lr: the rate in the optimizer, where the scheduler multiplies it.
        as_is: keep what is plainly a bug of the peer, as ``tabulated``.
        horizon: the length of the run; or give its arguments, such as ``steps=100``.
        length: the arguments of `lrdecay.Horizon`.

    Raises:
        InputError: the text is not understood, something is missing, or the library cannot say the schedule.
    """
    if lr is not None:
        positive.check("convert(lr=...)", lr)
    stated = horizon
    if horizon is None and any(k in length for k in ("steps", "epochs")):
        stated = Horizon(**length)
    if isinstance(scheduler, Schedule) or _is_ours(scheduler):
        return _ours(scheduler, to, stated, length)
    load_all()
    call = read_call(scheduler)
    schedule = _translated(call, lr, as_is, stated)
    bound = None if stated is None else schedule.bind(stated)
    return Converted(schedule, bound, sayings_in(call), _code(schedule, bound, to))


def _is_ours(text: Any) -> bool:
    """Whether a text is in our notation: it starts with a number or with the bare name of a family."""
    first = re.match(r"\s*(?:[\d.]|([A-Za-z_]\w*)\s*\()", text) if isinstance(text, str) else None
    return first is not None and (first[1] is None or first[1] in FAMILIES)


def _ours(scheduler: str | Schedule, to: str | None, stated: Horizon | None, units: dict[str, Any]) -> Converted:
    if to is None:
        cure = "It is a schedule of ours; say for which library: --to torch, keras, optax or transformers."
        msg = refusal("convert(to=...)", "must be given", None, cure)
        raise InputError(msg)
    spec = spec_of(scheduler)
    if stated is None and spec.horizon is not None:
        from lrdecay.verbs.show import show

        stated = show(str(spec), **units).bounds[0].horizon
    bound = None if stated is None else spec.schedule.bind(horizon_of(spec, stated))
    return Converted(spec.schedule, bound, code=_code(spec.schedule, bound, to))


def _translated(call: Call, lr: float | None, as_is: bool, horizon: Horizon | None) -> Schedule:
    length = None if horizon is None else horizon.steps
    return translate(call, Run(lr=lr, length=length, as_is=as_is, horizon=horizon))


def _code(schedule: Schedule, bound: Bound | None, to: str | None) -> str:
    if to is None:
        return ""
    if bound is None:
        cure = "Say how long the run is: --steps N."
        msg = refusal("convert(steps=...)", f"must be given to write {schedule!r} as code", None, cure)
        raise InputError(msg)
    return write(bound, to)
