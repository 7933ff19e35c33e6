"""Where the rate of a run comes from: its schedule's table, the journal of what a hand did, and a rule's multiplier.

    r(t) = edited(f, journal)(t) · m

An adapter keeps one `Dial` for what it drives. It asks `rate` before each update, hands `observe` what was seen and
`command` what was asked, and keeps `state` in its checkpoint. All that can change is in that state, as JSON.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from lrdecay.errors import InputError, refusal
from lrdecay.feedback.commands import resolve
from lrdecay.feedback.edits import Edit, check_journal, edited, edits_of
from lrdecay.feedback.rule import Event, Observation, Rule, State
from lrdecay.schedule.horizon import Horizon

__all__ = ["Dial"]


@final
class Dial:
    """The rate of each update, and what may change it.

    Args:
        rates: of the schedule, f(0), f(1), ..., float64; the last one is held past its end.
        horizon: of the run.
        rule: what multiplies them by looking; None: nothing does.
        journal: edits made before.

    Attributes:
        life: which run of a store this is, as `lrdecay.runs.live` says it, JSON; None: of none. Kept in the state.
    """

    def __init__(
        self, rates: NDArray[np.float64], horizon: Horizon, rule: Rule | None = None, journal: tuple[Edit, ...] = ()
    ) -> None:
        self._schedule = np.asarray(rates, dtype=np.float64)
        self.horizon = horizon
        self.rule = rule
        self._state: State | None = None if rule is None else rule.init()
        self.life: dict[str, Any] | None = None
        self._replay(journal)

    @property
    def journal(self) -> tuple[Edit, ...]:
        """What a hand did, in order."""
        return self._journal

    @property
    def multiplier(self) -> float:
        """What the rule multiplies the rates by; 1 without one."""
        return 1.0 if self._state is None else float(self._state["multiplier"])

    @property
    def rates(self) -> list[float]:
        """The table with its edits and without the rule's multiplier; not to be changed."""
        return self._table

    def rate(self, t: int) -> float:
        """The rate of update t >= 0."""
        return self._table[min(t, len(self._table) - 1)] * self.multiplier

    def scheduled(self, t: int) -> float:
        """What the schedule alone says of update t >= 0."""
        return float(self._schedule[min(t, len(self._schedule) - 1)])

    def remaining(self, t: int) -> NDArray[np.float64]:
        """The rates of updates t, t + 1, ... to the end of the horizon, if nothing changes from here on."""
        return np.array(self._table[t : self.horizon.steps]) * self.multiplier

    def observe(self, t: int, values: Mapping[str, float]) -> Event | None:
        """Show the rule what was seen after t updates; what it changes holds from update t on.

        Raises:
            InputError: there is no rule, or a value it needs is missing.
        """
        if self.rule is None or self._state is None:
            cure = 'Attach a rule, such as "cosine(0.1) * plateau()".'
            msg = refusal("observe(...)", "must have a rule to be shown to", sorted(values), cure)
            raise InputError(msg)
        response = self.rule.update(Observation(t, values, self.rate(t), self.horizon), self._state)
        self._state = response.state
        return response.event

    def command(self, command: Mapping[str, Any], sequence: int, t: int) -> Edit:
        """What a command becomes at update t; nothing is changed before `add`.

        Raises:
            InputError: it cannot be done.
        """
        return resolve(command, sequence, t, self._schedule, self._journal, self.multiplier, self.horizon)

    def add(self, edit: Edit) -> None:
        """Put an edit into the journal; it may stand at a step that is still to come.

        Raises:
            InputError: it does not fit what is in the journal.
        """
        self._replay((*self._journal, edit))

    def state(self) -> State:
        """The journal, the rule with its state, and the life if any, as JSON; shares nothing with this dial."""
        rule = None if self.rule is None else {"notation": repr(self.rule), "state": self._state}
        life = {} if self.life is None else {"life": dict(self.life)}
        return {"journal": [edit.to_json() for edit in self._journal], "rule": rule} | life

    def load(self, state: Mapping[str, Any]) -> None:
        """Go to a state; the rule's is taken where its notation is the same.

        Raises:
            InputError: it is no state of a dial, or of another rule.
        """
        if not isinstance(state, Mapping) or not {"journal", "rule"} <= state.keys():
            msg = refusal("load_state_dict(feedback)", "must hold a journal and a rule", state)
            raise InputError(msg)
        theirs = None if state["rule"] is None else state["rule"]["notation"]
        ours = None if self.rule is None else repr(self.rule)
        if theirs != ours:
            cure = "Attach the rule the checkpoint was made with, or start its state anew with observe() alone."
            msg = refusal("load_state_dict(feedback)", f"must be of the rule {ours}", theirs, cure)
            raise InputError(msg)
        self._replay(edits_of(state["journal"]))
        self.life = None if state.get("life") is None else dict(state["life"])
        if state["rule"] is not None:
            self._state = state["rule"]["state"]

    def _replay(self, journal: tuple[Edit, ...]) -> None:
        check_journal(journal)
        self._journal = journal
        self._table: list[float] = edited(self._schedule, journal).tolist() if journal else self._schedule.tolist()
