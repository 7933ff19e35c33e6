"""A schedule of ours as code for another library: imports, then the construction, and no lrdecay in it.

Where the library has a scheduler with the same numbers, that is written; else the schedule's own equation, as the kind
of schedule that this library takes: a function for torch's LambdaLR and for optax, a serialisable class for Keras. What
a library's number formats cannot hold is refused.
"""

from __future__ import annotations

from collections.abc import Callable

from lrdecay.dialects.writing_keras import write_keras
from lrdecay.dialects.writing_optax import write_optax
from lrdecay.dialects.writing_torch import write_torch
from lrdecay.dialects.writing_transformers import write_transformers
from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.schedule import Bound

__all__ = ["WRITERS", "write"]

WRITERS: dict[str, Callable[[Bound], str]] = {
    "torch": write_torch,
    "keras": write_keras,
    "optax": write_optax,
    "transformers": write_transformers,
}
"""The libraries that code is written for."""


def write(bound: Bound, library: str) -> str:
    """The code that gives a bound schedule's rates in a library, for each update of its horizon.

    Raises:
        InputError: the library is unknown, or cannot say this schedule.
    """
    if library not in WRITERS:
        rule = f"must be one of {', '.join(WRITERS)}"
        msg = refusal("convert(to=...)", rule, library, did_you_mean(library, WRITERS))
        raise InputError(msg)
    return WRITERS[library](bound)
