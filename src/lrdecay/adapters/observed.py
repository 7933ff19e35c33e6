"""What every adapter is told to look at: a schedule that may be under a rule, and the values that were observed.

schedule, rule = ruled_of("cosine(0.1) * plateau()")
values = observed({"loss": torch.tensor(0.5)})          # {"loss": 0.5}
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

from lrdecay.errors import InputError, refusal
from lrdecay.feedback.notation import is_ruled, parse_ruled
from lrdecay.feedback.rule import Rule
from lrdecay.feedback.ruled import Ruled
from lrdecay.schedule.plan_notation import is_plan

__all__ = ["observed", "ruled_of"]


def ruled_of(said: Any) -> tuple[Any, Rule | None]:
    """What was given as a schedule, without its rule, and the rule; None where there is none.

    Args:
        said: whatever `attach` takes; only a `Ruled` or its text is looked into.

    Raises:
        InputError: it names a rule and cannot be read, or a plan is under a rule.
    """
    if isinstance(said, str) and is_ruled(said):
        if is_plan(said.strip().lstrip("(")):
            cure = "Put the rule on a schedule, such as cosine(0.1) * plateau()."
            msg = refusal("attach(schedule)", "must not put a plan under a rule", said, cure)
            raise InputError(msg)
        said = parse_ruled(said)
    if isinstance(said, Rule):
        msg = refusal("attach(schedule)", "must say what the rule multiplies", said, f"Such as cosine(0.1) * {said!r}.")
        raise InputError(msg)
    return (said.schedule, said.rule) if isinstance(said, Ruled) else (said, None)


def observed(values: Mapping[str, Any], call: str = "observe") -> dict[str, float]:
    """Observed values as floats, nan and inf among them.

    Args:
        values: numbers, or arrays and tensors of no dimension, by name.
        call: who was given them, for the message.

    Raises:
        InputError: one of them is not a single number.
    """
    return {name: _number(value, f"{call}({name}=...)") for name, value in values.items()}


def _number(value: Any, call: str) -> float:
    held = value.detach() if hasattr(value, "detach") else value
    shape = getattr(held, "shape", None)
    if isinstance(held, bool) or not (isinstance(held, Real) or (shape is not None and len(shape) == 0)):
        found = type(value).__name__ if shape is None else f"shape {tuple(shape)}"
        msg = refusal(call, "must be a single number", found, "Take its mean.")
        raise InputError(msg)
    return float(held)
