"""ABEL: drop the rate when the weight norm has bounced, and once more near the end.

With weight decay the norm |w| first falls, then rises (the bounce) and settles. The rate is dropped at the next maximum
after a minimum, both seen by the change of sign of |w(t)| - |w(t-1)|; then the next bounce is awaited. Where nothing
bounces, a constant rate with one drop near the end is what the paper recommends, and what this rule does.

Source: Lewkowycz 2021, How to decay your learning rate, arXiv:2103.12682 (ABEL: automatic, bouncing into equilibration
learning rate). Recalled, from the pseudo-code in its appendix: a drop at every second change of sign, one decay at a
last epoch. What is ours, and so said:

* The paper's first change of sign is taken for a minimum whichever it is. Here a minimum is one: a norm that first
  rises, then falls, has not bounced.
* Equal values in a row change no sign; the direction is that of the last value that differed.
* It looks once an epoch, at the mean of the norms observed in it (``every``), since single norms are noisy.
* ``last`` is 10% where nothing is said. A public implementation multiplies by the factor at every call after the last
  epoch, so the rate goes to 0; here the last drop is one.
* factor = 1/2 is that implementation's; the paper takes the factor of the schedule that is to be matched.
"""

from __future__ import annotations

import math
from typing import Any, final

from attrs import Attribute, Converter, field

from lrdecay.errors import InputError, argument, factor_in_unit_interval, refusal
from lrdecay.feedback.rule import Decision, Observation, Rule, State, rule
from lrdecay.schedule.base import durations_field, number
from lrdecay.schedule.duration import Duration, duration

__all__ = ["weight_norm_bounce"]


def _or_never(value: Any, instance: Any, attribute: Attribute[Any]) -> Duration | None:
    return None if value is None else duration(value, f"{type(instance).__name__}({attribute.name}=...)")


@final
@rule
class weight_norm_bounce(Rule):  # noqa: N801
    """ABEL (Lewkowycz 2021, arXiv:2103.12682); the module says what is recalled and what is ours.

    Reads "weight_norm"; values that are not finite are passed over.

    Attributes:
        factor: what a drop multiplies the rate by, in (0, 1].
        last: how long before the end the one last drop comes; None: never.
        every: how often it looks; "1ep" needs a horizon that says what an epoch is, 1 looks at each observation.

    Raises:
        InputError: an argument is out of range; when shown a negative norm.
    """

    factor: float = field(default=0.5, converter=number, validator=argument(factor_in_unit_interval))
    last: Any = field(default=duration("10%"), converter=Converter(_or_never, takes_self=True, takes_field=True))
    every: Any = durations_field(default="1ep")

    @property
    def needs(self) -> frozenset[str]:
        """The norm of the weights."""
        return frozenset({"weight_norm"})

    def begin(self) -> State:
        """The last norm, whether it rose (1) or fell (-1), whether a minimum was seen, and whether the end was."""
        return {"norm": None, "way": 0, "minimum": False, "ended": False}

    def decide(self, seen: Observation, own: State, multiplier: float) -> Decision:
        """Drop at a maximum after a minimum, and once near the end."""
        norm, why = seen.values["weight_norm"], []
        if norm < 0:
            msg = refusal("observe(weight_norm=...)", "must be a number >= 0", norm)
            raise InputError(msg)
        after = dict(own)
        if math.isfinite(norm):
            before = own["norm"]
            after["norm"] = norm
            way = 0 if before is None else (norm > before) - (norm < before)
            if way:
                after["way"] = way
                if (own["way"], way) == (-1, 1):
                    after["minimum"] = True
                elif (own["way"], way) == (1, -1) and own["minimum"]:
                    after["minimum"] = False
                    multiplier *= self.factor
                    why.append(
                        f"the weight norm bounced: after a minimum it fell again, from {before:.6g} to {norm:.6g}"
                    )
        if self.last is not None and not own["ended"] and seen.step >= seen.horizon.steps - seen.length(self.last):
            after["ended"] = True
            multiplier *= self.factor
            why.append(f"the last {self.last} of the run began")
        return Decision(multiplier, after, "; ".join(why) or None)
