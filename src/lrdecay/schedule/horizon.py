"""How long the run is, and what one update, one epoch and one token mean in it.

Time is counted in samples, as exact rationals; the axis of updates (steps) is derived from it. With n samples in an
epoch and a batch of b, an epoch is n/b updates, not rounded: 200 epochs of 50,000 samples at a batch of 128 are
200 * 50000 / 128 = 78125 updates, although one epoch is 390.625 of them. A loader that drops or pads its last batch
makes whole-number epochs; say that with ``steps_per_epoch=``.

An update is one step of the optimizer, however many processes and micro-batches share it:

    batch_size = micro_batch_size (of one process) * grad_accumulation * world_size

Where the batch size changes, ``batch_changes=`` says when: the run is still as many samples, and updates are counted
by `lrdecay.schedule.batch_clock`.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from attrs import evolve, field, fields, frozen
from numpy.typing import NDArray

from lrdecay.errors import InputError, refusal
from lrdecay.schedule.batch_changes import changing_clock, moment_text, shared_batch
from lrdecay.schedule.duration import Duration
from lrdecay.schedule.horizon_checks import (
    MOST,
    amount,
    check_epoch,
    check_length,
    counted,
    exact,
    plain,
    unknown_unit,
    whole,
)
from lrdecay.schedule.ticks import Ticks

if TYPE_CHECKING:
    from lrdecay.schedule.batch_clock import BatchClock, ClockTicks

__all__ = ["Horizon"]


@frozen(kw_only=True, repr=False)
class Horizon:
    """The length of a run and its units: ``Horizon(steps=10_000, steps_per_epoch=250)``.

    Give ``steps``, or ``epochs`` with a way to count an epoch: ``steps_per_epoch``, or ``samples_per_epoch`` and
    ``batch_size``. Tokens need ``tokens_per_step``. The batch of one update may be said by its parts instead:
    ``Horizon(epochs=3, samples_per_epoch=10_000, micro_batch_size=4, grad_accumulation=8, world_size=2)``.

    With ``batch_changes``, ``batch_size`` and ``tokens_per_step`` are those of the first update, an epoch must be said
    in samples, and "%" is a share of the samples of the run; a change that starts at one needs ``epochs``.

    Attributes:
        clock: where the batch size changes, what counts samples and updates; None where it does not.

    Raises:
        InputError: nothing says how long the run is, an amount is not positive, or two statements disagree.
    """

    steps: int = field(default=cast("int", None), validator=whole)  # updates in the run, > 0; derived where not given
    epochs: float | None = field(default=None, converter=plain, validator=amount)  # passes over the data
    steps_per_epoch: int | None = field(default=None, validator=whole)
    samples_per_epoch: int | None = field(default=None, validator=whole)
    batch_size: int | None = field(default=None, validator=whole)  # samples in one update, all processes together
    tokens_per_step: int | None = field(default=None, validator=whole)
    micro_batch_size: int | None = field(default=None, validator=whole)  # samples one process takes at once
    grad_accumulation: int | None = field(default=None, validator=whole)  # micro-batches of a process in one update
    world_size: int | None = field(default=None, validator=whole)  # data-parallel processes
    batch_changes: Any = ()  # {when: batch size from then on}; kept as `Changes`, in exact samples
    clock: BatchClock | None = field(init=False, eq=False, default=None)

    def __attrs_post_init__(self) -> None:
        """Derive the batch, its clock and ``steps``, and check that what was said agrees."""
        given = cast("int | None", self.steps)
        batch = shared_batch(self.batch_size, self.micro_batch_size, self.grad_accumulation, self.world_size)
        object.__setattr__(self, "batch_size", batch)
        if self.batch_changes:
            self._change()
        else:
            object.__setattr__(self, "batch_changes", ())
        check_epoch(self.steps_per_epoch, self.samples_per_epoch, self.batch_size)
        if self.epochs is None or self.epoch_length is None:
            check_length(given, self.epochs)
        else:
            object.__setattr__(self, "steps", counted(given, self.epochs, self.exact_steps))

    def _change(self) -> None:
        """Put the changes of the batch size on a clock, and keep them as samples."""
        if self.batch_size is None or self.steps_per_epoch is not None:
            cure = "Say an epoch by samples_per_epoch=."
            rule = "must come with the first batch_size, and without steps_per_epoch"
            msg = refusal("Horizon(batch_changes=...)", rule, self.batch_changes, cure)
            raise InputError(msg)
        evenly = (self.micro_batch_size or 1) * (self.world_size or 1)
        clock = changing_clock(self.batch_changes, self.batch_size, evenly, self._start_of_change)
        object.__setattr__(self, "clock", clock)
        object.__setattr__(self, "batch_changes", tuple(zip(clock.starts[1:], clock.sizes[1:], strict=True)))

    def _start_of_change(self, d: Duration) -> Fraction:
        if d.unit == "%" and self.epochs is None:
            cure = "Say the run as epochs=, with samples_per_epoch= and batch_size=."
            msg = refusal("Horizon(steps=...)", f"must be said in samples to place {d!r}", self.steps, cure)
            raise InputError(msg)
        return self.samples(d)

    @property
    def epoch_length(self) -> Fraction | None:
        """Updates in one epoch, exact, at the first batch size if it changes; None where nothing says it."""
        if self.steps_per_epoch is not None:
            return Fraction(self.steps_per_epoch)
        if self.samples_per_epoch is not None and self.batch_size is not None:
            return Fraction(self.samples_per_epoch, self.batch_size)
        return None

    @property
    def exact_steps(self) -> Fraction:
        """The length of the run in updates before rounding; ``steps`` is this, rounded half up."""
        if self.epochs is None or self.epoch_length is None:
            return Fraction(self.steps)
        at_first = exact(self.epochs) * self.epoch_length
        return at_first if self.clock is None else self.clock.updates(at_first * self._first_batch)

    @property
    def _first_batch(self) -> int:
        return cast("int", self.batch_size)  # there is one where there is a clock

    def length(self, d: Duration) -> Fraction:
        """A duration from the start of the run in updates, exact.

        Raises:
            InputError: this horizon does not say how long an epoch, a token or a sample is, or it is beyond counting.
        """
        return self.after(Fraction(0), d)

    def after(self, position: Fraction, d: Duration) -> Fraction:
        """The position a duration after another; both in updates from the start of the run, exact.

        Raises:
            InputError: as `length`.
        """
        return self._moved(position, d, 1)

    def before(self, position: Fraction, d: Duration) -> Fraction:
        """The position a duration before another; both in updates from the start of the run, exact.

        Raises:
            InputError: as `length`.
        """
        return self._moved(position, d, -1)

    def ticks(self, start: Fraction, every: Duration) -> Ticks | ClockTicks:
        """Ticks from a position in updates on, one per ``every``.

        Raises:
            InputError: as `length`.
        """
        if self.clock is None or every.unit == "steps":
            return Ticks.of(start, self.length(every))
        from lrdecay.schedule.batch_clock import ClockTicks

        return ClockTicks.of(self.clock, self.clock.samples(start), self.samples(every))

    def samples(self, d: Duration) -> Fraction:
        """A duration that is not in updates, in samples, exact.

        Raises:
            InputError: as `length`.
        """
        if self.batch_size is None:
            msg = refusal("Horizon(...)", f"must say what one sample is to place {d!r}", self, "Add batch_size=.")
            raise InputError(msg)
        return self._updates(d) * self.batch_size

    def _moved(self, position: Fraction, d: Duration, sign: int) -> Fraction:
        if self.clock is None or d.unit == "steps":
            updates = self._updates(d)
            moved = position + sign * updates
        else:
            moved = self.clock.updates(self.clock.samples(position) + sign * self.samples(d))
            updates = abs(moved - position)
        if updates > MOST:
            msg = refusal(f"{self!r}", "must place every duration within 2**53 updates", d)
            raise InputError(msg)
        return moved

    def _updates(self, d: Duration) -> Fraction:
        """A duration in updates at the first batch size."""
        if d.unit == "steps":
            return d.fraction
        if d.unit == "%":
            whole = self.exact_steps if self.clock is None else self.clock.samples(self.exact_steps) / self._first_batch
            return d.fraction / 100 * whole
        if d.unit == "ep" and self.epoch_length is not None:
            return d.fraction * self.epoch_length
        if d.unit == "tok" and self.tokens_per_step is not None:
            return d.fraction / self.tokens_per_step
        if d.unit == "samples" and self.batch_size is not None:
            return d.fraction / self.batch_size
        raise unknown_unit(self, d)

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
        if self.epoch_length is None:
            return None
        if self.clock is not None:
            return float(self.clock.samples(Fraction(step)) / (self.epoch_length * self._first_batch))
        return float(step / self.epoch_length)

    def batches(self) -> NDArray[np.int64]:
        """The batch size of every update of the run: int64, shape (steps,).

        Raises:
            InputError: nothing says what it is.
        """
        if self.clock is not None:
            return self.clock.sizes_at(np.arange(self.steps))
        if self.batch_size is None:
            msg = refusal("Horizon(...)", "must say the batch size", self, "Add batch_size=.")
            raise InputError(msg)
        return np.full(self.steps, self.batch_size, dtype=np.int64)

    def epochs_per_step(self) -> NDArray[np.float64]:
        """The share of an epoch that each update is: float64, shape (steps,).

        Raises:
            InputError: nothing says how long an epoch is.
        """
        if self.epoch_length is None:
            cure = "Add steps_per_epoch=, or samples_per_epoch= and batch_size=."
            msg = refusal("Horizon(...)", "must say what one epoch is", self, cure)
            raise InputError(msg)
        if self.clock is None:
            return np.full(self.steps, float(1 / self.epoch_length))
        return self.batches() / float(self.epoch_length * self._first_batch)

    def to_json(self) -> dict[str, Any]:
        """The constructor's arguments that were given or derived."""
        names = [a.name for a in fields(type(self)) if a.init]
        given = {k: v for k in names if (v := getattr(self, k)) not in (None, ())}
        if self.batch_changes:
            given["batch_changes"] = {moment_text(when): size for when, size in self.batch_changes}
        return given

    def __repr__(self) -> str:
        return f"Horizon({', '.join(f'{k}={v!r}' for k, v in self.to_json().items())})"
