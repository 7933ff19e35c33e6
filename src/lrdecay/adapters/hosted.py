"""A rate that is asked for on the host before each update: a schedule's dial, with what a rule sees and a hand does.

    drive = HostDrive(bound, rule)
    rate = drive.rate(t)                       # of update t, after the callbacks of its boundary
    drive.observe(t, {"loss": 0.5})            # after t updates; holds from update t on

It is what the adapters have in common whose optimizers are compiled and know of no hooks. Its state is plain JSON.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, final

from lrdecay.adapters.binding import table_of
from lrdecay.adapters.observed import observed
from lrdecay.errors import InputError, non_negative_int, refusal
from lrdecay.feedback.dial import Dial
from lrdecay.feedback.edits import edits_of
from lrdecay.feedback.rule import Event, Rule
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Bound

__all__ = ["HostDrive"]


@final
class HostDrive:
    """The rates of a run, which a rule and a hand may change while it goes on.

    Args:
        bound: the schedule; under the end policy "hold" or "raise".
        rule: what multiplies its rates.
        rates: f(0), f(1), ... as float64, made elsewhere from this schedule.

    Attributes:
        dial: where the rates come from.
        events: what the rule did since this was made, in order.

    Raises:
        InputError: the schedule is repeated; an edit would not know which of its passes it is for.
    """

    def __init__(self, bound: Bound, rule: Rule | None, rates: FloatArray | None = None) -> None:
        if bound.after == "repeat":
            msg = refusal("attach(after=...)", 'must be "hold" under a rule or a hand', bound.after)
            raise InputError(msg)
        self._bound = bound
        self.dial = Dial(table_of(bound, rates), bound.horizon, rule)
        self.events: list[Event] = []
        self._callbacks: list[Callable[[int], object]] = []
        self._boundary = -1

    @property
    def needs(self) -> frozenset[str]:
        """What the rule reads."""
        return frozenset() if self.dial.rule is None else self.dial.rule.needs

    def at_boundary(self, callback: Callable[[int], object]) -> None:
        """Have ``callback(t)`` called once for each t, before the rate of update t is given; it may turn the dial."""
        self._callbacks.append(callback)

    def rate(self, t: int) -> float:
        """The rate of update t.

        Raises:
            InputError: not an integer >= 0; or past the end where the end policy is "raise".
        """
        non_negative_int.check("rate(t)", t)
        if self._bound.after == "raise":
            self._bound(t)
        if t != self._boundary:
            self._boundary = t
            for callback in self._callbacks:
                callback(t)
        return self.dial.rate(t)

    def observe(self, t: int, values: Mapping[str, Any]) -> Event | None:
        """Show the rule what was seen after t updates; what it decides holds from update t on.

        Raises:
            InputError: there is no rule, or a value it needs is missing or no single number.
        """
        non_negative_int.check("observe(t)", t)
        event = self.dial.observe(t, observed(values))
        if event is not None:
            self.events.append(event)
        return event

    def state(self) -> dict[str, Any]:
        """What is attached, the journal and the rule's state, as plain JSON."""
        named = {"schedule": repr(self._bound.schedule), "horizon": self._bound.horizon.to_json()}
        return {"format": 1, **named, "feedback": copy.deepcopy(self.dial.state())}

    def load(self, state: Mapping[str, Any]) -> None:
        """Go to a state.

        Raises:
            InputError: it is none, or of another schedule, horizon or rule. Nothing was changed.
        """
        ours = self.state()
        if not isinstance(state, Mapping) or state.get("format") != 1 or not state.keys() >= ours.keys():
            shown = sorted(state, key=str) if isinstance(state, Mapping) else type(state).__name__
            msg = refusal("load_state_dict(...)", "must be given a state of lrdecay, format 1", shown)
            raise InputError(msg)
        for name in ("schedule", "horizon"):
            if state[name] != ours[name]:
                cure = "Attach what the checkpoint says."
                msg = refusal(f"load_state_dict({name})", f"must be {ours[name]!r}", state[name], cure)
                raise InputError(msg)
        feedback = copy.deepcopy(state["feedback"])
        edits_of(feedback.get("journal") if isinstance(feedback, Mapping) else None)
        self.dial.load(feedback)
        self._boundary = -1
