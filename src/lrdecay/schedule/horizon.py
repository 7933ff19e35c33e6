"""How long the run is, and what one update, one epoch and one token mean in it.

Time is counted in samples, as exact rationals; the axis of updates (steps) is derived from it. With n samples in an
epoch and a batch of b, an epoch is n/b updates, not rounded: 200 epochs of 50,000 samples at a batch of 128 are
200 * 50000 / 128 = 78125 updates, although one epoch is 390.625 of them. A loader that drops or pads its last batch
makes whole-number epochs; say that with ``steps_per_epoch=``.
"""

from __future__ import annotations

from fractions import Fraction
from numbers import Rational
from typing import Any, cast

from attrs import evolve, field, fields, frozen

from lrdecay.errors import Constraint, InputError, argument, positive, refusal
from lrdecay.schedule.duration import Duration, round_half_up

__all__ = ["Horizon"]


_MOST = 2**53  # updates; up to here a float64 tells each one from the next
_count = Constraint("must be a positive integer up to 2**53", lambda v: type(v) is int and 0 < v <= _MOST)


def _whole(instance: Any, attribute: Any, value: Any) -> None:
    if value is not None:
        argument(_count)(instance, attribute, value)


def _plain(value: Any) -> Any:
    """A number of another library as Python's own, so that it prints and saves."""
    return float(value) if isinstance(value, float) else value


def _amount(instance: Any, attribute: Any, value: Any) -> None:
    if value is not None:
        argument(positive)(instance, attribute, value)


@frozen(kw_only=True, repr=False)
class Horizon:
    """The length of a run and its units: ``Horizon(steps=10_000, steps_per_epoch=250)``.

    Give ``steps``, or ``epochs`` with a way to count an epoch: ``steps_per_epoch``, or ``samples_per_epoch`` and
    ``batch_size``. Tokens need ``tokens_per_step``.

    Raises:
        InputError: nothing says how long the run is, an amount is not positive, or two statements disagree.
    """

    steps: int = field(default=cast("int", None), validator=_whole)  # updates in the run, > 0; derived where not given
    epochs: float | None = field(default=None, converter=_plain, validator=_amount)  # passes over the data
    steps_per_epoch: int | None = field(default=None, validator=_whole)
    samples_per_epoch: int | None = field(default=None, validator=_whole)
    batch_size: int | None = field(default=None, validator=_whole)  # samples in one update, all processes together
    tokens_per_step: int | None = field(default=None, validator=_whole)

    def __attrs_post_init__(self) -> None:
        """Derive ``steps`` and check that what was said agrees."""
        given = cast("int | None", self.steps)
        per_epoch = self.epoch_length
        if self.steps_per_epoch is not None and self.samples_per_epoch is not None and self.batch_size is not None:
            counted = Fraction(self.samples_per_epoch, self.batch_size)
            if abs(counted - self.steps_per_epoch) >= 1:
                rule = f"must agree with samples_per_epoch / batch_size = {float(counted):g} to within one batch"
                msg = refusal("Horizon(steps_per_epoch=...)", rule, self.steps_per_epoch, "Leave one of them out.")
                raise InputError(msg)
        if self.epochs is not None and given is None:
            if per_epoch is None:
                cure = "Add steps_per_epoch=, or samples_per_epoch= and batch_size=."
                msg = refusal("Horizon(epochs=...)", "must come with the length of an epoch", self.epochs, cure)
                raise InputError(msg)
            steps = round_half_up(_exact(self.epochs) * per_epoch)
            if not 1 <= steps <= _MOST:
                msg = refusal("Horizon(epochs=...)", "must hold at least one update and at most 2**53", self.epochs)
                raise InputError(msg)
            object.__setattr__(self, "steps", steps)
        elif self.epochs is not None and per_epoch is not None:
            counted_steps = round_half_up(_exact(self.epochs) * per_epoch)
            if counted_steps != given:
                rule = f"must agree with epochs={self.epochs:g}, which are {counted_steps} steps"
                msg = refusal("Horizon(steps=...)", rule, given, "Leave one of them out.")
                raise InputError(msg)
        elif given is None:
            cure = "Give steps=, or epochs= and the length of an epoch."
            msg = refusal("Horizon(steps=...)", "must say how long the run is", None, cure)
            raise InputError(msg)

    @property
    def epoch_length(self) -> Fraction | None:
        """Updates in one epoch, exact; None where nothing says it."""
        if self.steps_per_epoch is not None:
            return Fraction(self.steps_per_epoch)
        if self.samples_per_epoch is not None and self.batch_size is not None:
            return Fraction(self.samples_per_epoch, self.batch_size)
        return None

    @property
    def exact_steps(self) -> Fraction:
        """The length of the run in updates before rounding; ``steps`` is this, rounded half up."""
        if self.epochs is not None and self.epoch_length is not None:
            return _exact(self.epochs) * self.epoch_length
        return Fraction(self.steps)

    def length(self, d: Duration) -> Fraction:
        """A duration in updates, exact.

        Raises:
            InputError: this horizon does not say how long an epoch, a token or a sample is, or it is beyond counting.
        """
        updates = self._updates(d)
        if updates > _MOST:
            msg = refusal(f"{self!r}", "must place every duration within 2**53 updates", d)
            raise InputError(msg)
        return updates

    def _updates(self, d: Duration) -> Fraction:
        if d.unit == "steps":
            return d.fraction
        if d.unit == "%":
            return d.fraction / 100 * self.exact_steps
        if d.unit == "ep" and self.epoch_length is not None:
            return d.fraction * self.epoch_length
        if d.unit == "tok" and self.tokens_per_step is not None:
            return d.fraction / self.tokens_per_step
        if d.unit == "samples" and self.batch_size is not None:
            return d.fraction / self.batch_size
        known = {
            "ep": ("epoch", "steps_per_epoch=, or samples_per_epoch= and batch_size="),
            "tok": ("token", "tokens_per_step="),
            "samples": ("sample", "batch_size="),
        }
        name, cure = known[d.unit]
        msg = refusal("Horizon(...)", f"must say what one {name} is to place {d!r}", self, f"Add {cure}.")
        raise InputError(msg)

    def lasting(self, *, steps: int | None = None, epochs: float | None = None) -> Horizon:
        """The same units with another length; with neither, this horizon.

        Raises:
            InputError: both are given, or epochs where nothing says how long one is.
        """
        if steps is not None and epochs is not None:
            msg = refusal("--steps, --epochs", "must not both be given", (steps, epochs), "Leave one of them out.")
            raise InputError(msg)
        if steps is None and epochs is None:
            return self
        return evolve(self, steps=cast("int", steps), epochs=epochs)

    def epoch_of(self, step: int) -> float | None:
        """Epochs completed before update ``step``; None where nothing says how long one is."""
        return None if self.epoch_length is None else float(step / self.epoch_length)

    def to_json(self) -> dict[str, Any]:
        """The constructor's arguments that were given or derived."""
        return {a.name: getattr(self, a.name) for a in fields(type(self)) if getattr(self, a.name) is not None}

    def __repr__(self) -> str:
        return f"Horizon({', '.join(f'{k}={v!r}' for k, v in self.to_json().items())})"


def _exact(amount: Any) -> Fraction:
    """The decimal a person wrote: 0.1 means one tenth, not the nearest binary number."""
    return Fraction(amount) if isinstance(amount, Rational) else Fraction(repr(float(amount)))
