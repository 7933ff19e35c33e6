"""The state of a scheduler as a checkpoint holds it, and what happens where it differs from what is attached.

    {"format": 1, "step": 5, "schedule": "cosine(0.1)", "horizon": {"steps": 9}, "after": "hold",
     "multipliers": [1.0, 0.1], "reference": 0.5,
     "feedback": {"journal": [...], "rule": {"notation": "plateau()", "state": {...}}}}

Plain JSON, so it loads with ``weights_only=True``. ``step`` is the number of updates made; multipliers and reference
are those of `lrdecay.adapters.torch.groups`; ``feedback``, only where there is a rule or an edit by hand, is the state
of `lrdecay.feedback.dial`; the rest says what was attached. Beside it stands "observables" where a rule looks at the
weights (`lrdecay.adapters.torch.observables`), which may hold tensors.

A difference is refused, or the attached wins and the difference is printed. Nothing is merged, and nobody guesses which
of the two was meant.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from typing import Any

from lrdecay.adapters.torch.groups import DrivenGroups, checked_multipliers
from lrdecay.adapters.torch.rate_table import RateTable
from lrdecay.errors import InputError, non_negative, positive, refusal
from lrdecay.feedback.edits import edits_of

__all__ = ["check_state", "feedback_of", "settle", "state_of"]

_FORMAT = 1  # raised when the meaning of a state changes
_KEYS = {"format", "step", "schedule", "horizon", "after", "multipliers", "reference"}


def state_of(step: int, table: RateTable, groups: DrivenGroups) -> dict[str, Any]:
    """The state after ``step`` updates; it shares nothing with the scheduler."""
    shares = {"multipliers": list(groups.multipliers), "reference": groups.reference}
    return {"format": _FORMAT, "step": step, **table.named(), **shares}


def feedback_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """The dial's part of a state; where there is none, that of a run without a rule and without edits.

    Raises:
        InputError: it is no state of a dial.
    """
    held = state.get("feedback", {"journal": [], "rule": None})
    call = "load_state_dict(feedback)"
    if not isinstance(held, Mapping) or not {"journal", "rule"} <= held.keys():
        msg = refusal(call, "must hold a journal and a rule", held)
        raise InputError(msg)
    edits_of(held["journal"])
    rule = held["rule"]
    if rule is None:
        return copy.deepcopy(dict(held))
    inner = rule.get("state") if isinstance(rule, Mapping) else None
    if not isinstance(inner, Mapping) or not {"multiplier", "window", "own"} <= inner.keys() or "notation" not in rule:
        msg = refusal(call, "must hold the notation and the state of a rule", rule)
        raise InputError(msg)
    non_negative.check(f"{call} multiplier", inner["multiplier"])
    return copy.deepcopy(dict(held))


def check_state(state: object, table: RateTable, groups: DrivenGroups) -> None:
    """Raise `InputError` for what is no state of this format, for these groups, at a step of this table."""
    if not isinstance(state, Mapping) or state.get("format") != _FORMAT or not state.keys() >= _KEYS:
        shown = sorted(state, key=str) if isinstance(state, Mapping) else type(state).__name__
        cure = "For a checkpoint of another scheduler, use seek(step)."
        msg = refusal("load_state_dict(...)", f"must be given a state of lrdecay, format {_FORMAT}", shown, cure)
        raise InputError(msg)
    table.check_step("load_state_dict(step)", state["step"])
    cure = "Add the same parameter groups before loading."
    checked_multipliers("load_state_dict(multipliers)", state["multipliers"], len(groups.multipliers), cure)
    if state["reference"] is not None:
        positive.check("load_state_dict(reference)", state["reference"])


def settle(call: str, attached: Mapping[str, Any], loaded: Mapping[str, Any], override: bool) -> None:
    """Where what is loaded differs from what is attached: refuse, or say on stderr that the attached one wins."""
    different = [name for name in attached if name in loaded and attached[name] != loaded[name]]
    if different and not override:
        ours, theirs = (", ".join(f"{name} {d[name]!r}" for name in different) for d in (attached, loaded))
        cure = "Attach what the checkpoint says, or pass attach(..., override=True) to let what is attached win."
        msg = f"`{call}` must agree with what is attached, {ours}, got {theirs}. {cure}"
        raise InputError(msg)
    for name in different:
        print(f"lrdecay: attached {name} {attached[name]!r} replaces {loaded[name]!r}", file=sys.stderr)
