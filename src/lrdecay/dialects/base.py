"""The registry of translators, and what a translator is told.

A translator is a function named like the peer's scheduler, with the peer's own argument names and defaults after one
argument of ours:

    @says("torch", "CosineAnnealingLR", ends="bounces back up, with period 2·T_max")
    def cosine_annealing_lr(run: Run, T_max: int, eta_min: float = 0.0) -> Schedule: ...

It returns a schedule that gives, at each update t of ``run.steps``, the rate the peer would give at its t-th update.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from attrs import field, frozen

from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.schedule import Horizon, Schedule

__all__ = ["PEERS", "SAYINGS", "Call", "Run", "Saying", "says", "translate"]

PEERS = ("torch", "keras", "optax", "timm", "transformers", "composer")
"""The libraries that are read."""


@frozen
class Run:
    """What a peer's scheduler is told from outside: the optimizer's rate and the length of the run."""

    lr: float | None = None  # the rate in the optimizer, > 0; None where the scheduler says it itself
    length: int | None = None  # updates in the run; None where nobody has said
    as_is: bool = False  # whether a plain bug of the peer is to be kept, as `tabulated`
    horizon: Horizon | None = None  # the same length with its units, where they are known
    call: str = "convert"  # who asks, for the messages

    @property
    def base(self) -> float:
        """The optimizer's rate.

        Raises:
            InputError: it was not given.
        """
        if self.lr is None:
            msg = refusal("convert(lr=...)", "must be given for this scheduler", None, "Say the optimizer's: --lr 0.1.")
            raise InputError(msg)
        return self.lr

    @property
    def steps(self) -> int:
        """The updates in the run.

        Raises:
            InputError: the translation depends on it, and it was not given.
        """
        if self.length is None:
            cure = f"Say how long the run is: {'--steps N' if self.call == 'convert' else 'steps=N'}."
            msg = refusal(f"{self.call}(steps=...)", "must be given for this scheduler", None, cure)
            raise InputError(msg)
        return self.length


@frozen
class Call:
    """A peer's scheduler as it was called: ``torch.CosineAnnealingLR(T_max=100)``. Arguments may hold further calls."""

    library: str  # one of PEERS
    name: str
    positional: tuple[Any, ...] = ()
    named: Mapping[str, Any] = field(factory=dict)


@frozen
class Saying:
    """One scheduler of a peer, and how it is said here."""

    library: str
    name: str
    translator: Callable[..., Schedule]
    differs: str = ""  # the off-by-one or the boundary, for the table of the docs
    ends: str = ""  # what happens past its end
    bug: str = ""  # a plain bug of the peer; refused unless as_is


SAYINGS: dict[tuple[str, str], Saying] = {}
"""Every known scheduler, by library and name."""

Translator = Callable[..., Schedule]


def says(
    library: str, *names: str, differs: str = "", ends: str = "", bug: str = ""
) -> Callable[[Translator], Translator]:
    """Register a translator under one or more names of a library."""

    def register(translator: Translator) -> Translator:
        for name in names:
            SAYINGS[library, name] = Saying(library, name, translator, differs, ends, bug)
        return translator

    return register


def translate(call: Call, run: Run) -> Schedule:
    """The schedule that a peer's call means.

    Raises:
        InputError: the library or the scheduler is unknown, the arguments are not the peer's or of no use to it, or the
            peer's value is a plain bug and ``run.as_is`` was not asked for.
    """
    saying = SAYINGS.get((call.library, call.name))
    if saying is None:
        known = [f"{library}.{name}" for library, name in SAYINGS]
        spelled = f"{call.library}.{call.name}"
        msg = refusal("convert(...)", "must be given a known scheduler", spelled, did_you_mean(spelled, known))
        raise InputError(msg)
    signature = inspect.signature(saying.translator)
    try:
        bound = signature.bind(run, *call.positional, **call.named)
    except TypeError as problem:
        arguments = ", ".join(list(signature.parameters)[1:])
        msg = f"`{call.library}.{call.name}(...)` must be called with its arguments ({arguments}): {problem}."
        raise InputError(msg) from None
    try:
        return saying.translator(*bound.args, **bound.kwargs)
    except InputError:
        raise
    except (TypeError, ValueError, ArithmeticError, AttributeError, LookupError) as problem:
        # the arguments were written by hand: a text for a number fails wherever the translator first computes with it
        msg = f"`{call.library}.{call.name}(...)` must be given values it can compute with, got"
        msg += f" {type(problem).__name__}: {problem}."
        raise InputError(" ".join(msg.split())) from problem
