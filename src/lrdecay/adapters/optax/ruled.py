"""A schedule under a rule for an optax loop: the rate is worked out on the host and set in the state, never inside jit.

    drive = ruled("cosine(0.1) * plateau()", Horizon(steps=10_000))
    optimizer = optax.inject_hyperparams(optax.sgd)(learning_rate=0.1, momentum=0.9)
    state = optimizer.init(parameters)
    for t in range(10_000):
        parameters, state = update(parameters, drive.write(state, t), batch)      # compiled once
        if (t + 1) % 500 == 0:
            drive.observe(t + 1, loss=validate(parameters))

`optax.inject_hyperparams` keeps the rate in the state, as an array that is an argument of the compiled step, so another
rate compiles nothing. Several of them, of ``optax.multi_transform``, keep the ratios they were made with. The rate is
the float64 of every other framework, rounded once to the type that the state has it in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, final

from lrdecay.adapters.binding import bound_of
from lrdecay.adapters.hosted import HostDrive
from lrdecay.adapters.observed import ruled_of
from lrdecay.adapters.optax.rates import InjectedRates
from lrdecay.errors import InputError, refusal
from lrdecay.feedback.dial import Dial
from lrdecay.feedback.rule import Event
from lrdecay.feedback.ruled import Ruled
from lrdecay.runs.trainable import FloatArray
from lrdecay.schedule import Bound, Horizon, Schedule

__all__ = ["RuledRate", "ruled"]

_CURE = "Make the optimizer by optax.inject_hyperparams(optax.sgd)(learning_rate=0.1)."


@final
class RuledRate:
    """The rate of each update, which a rule and a hand may change; made by `ruled`.

    Attributes:
        events: what the rule did since this was made, in order.
    """

    def __init__(self, drive: HostDrive) -> None:
        self._drive = drive
        self.events: list[Event] = drive.events
        self._shares: list[float] | None = None  # of several groups; known from the first state on

    @property
    def dial(self) -> Dial:
        """Where the rates come from; an edit that is added to it holds for what is written from then on."""
        return self._drive.dial

    def at_boundary(self, callback: Callable[[int], object]) -> None:
        """Have ``callback(t)`` called once for each t, before the rate of update t is given; it may turn the dial."""
        self._drive.at_boundary(callback)

    def rate(self, t: int) -> float:
        """The rate of update t, for the group with the largest.

        Raises:
            InputError: not an integer >= 0; or past the end where the end policy is "raise".
        """
        return self._drive.rate(t)

    def write(self, state: Any, t: int) -> Any:
        """The state, any pytree with an optimizer's in it, with the rate of update t.

        Raises:
            InputError: it holds no learning rate that can be set, or t is none.
        """
        rates = InjectedRates(state, "write(state)", _CURE, self._shares)
        self._shares = rates.shares
        return rates.set(state, self.rate(t))

    def observe(self, t: int, **values: Any) -> Event | None:
        """Show the rule what was seen after t updates, such as ``observe(500, loss=0.5)``.

        Args:
            t: updates made; what the rule decides holds from update t on.
            values: by the names that the rule reads: numbers, or arrays of no dimension.

        Raises:
            InputError: a value that it needs is missing or no single number.
        """
        return self._drive.observe(t, values)

    def state_dict(self) -> dict[str, Any]:
        """What the rule remembers, what a hand did, and the ratios of groups, as plain JSON."""
        return self._drive.state() | {"shares": self._shares}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go to a state of `state_dict`.

        Raises:
            InputError: it is none, or of another schedule, horizon or rule.
        """
        self._drive.load(state)
        self._shares = state.get("shares")


def ruled(
    spec: Ruled | Schedule | Bound | str,
    horizon: Horizon | None = None,
    *,
    after: str | None = None,
    rates: FloatArray | None = None,
) -> RuledRate:
    """A rate that is set from the host before each update.

    Args:
        spec: a schedule under a rule, or without one to be turned by hand; its notation.
        horizon: the length of the run and its units.
        after: the end policy: "hold", the default, or "raise".
        rates: f(0), f(1), ... as float64, made elsewhere from this schedule.

    Raises:
        InputError: an argument does not fit.

    Example:
        >>> drive = ruled("linear(0.1)", Horizon(steps=4))
        >>> [round(drive.rate(t), 4) for t in range(4)]
        [0.1, 0.075, 0.05, 0.025]
    """
    said, rule = ruled_of(spec)
    if isinstance(said, str | Schedule | Bound):
        return RuledRate(HostDrive(bound_of(said, horizon, after), rule, rates))
    msg = refusal("ruled(...)", "must be given a schedule under a rule", said, 'Such as "cosine(0.1) * plateau()".')
    raise InputError(msg)
