"""The ways to go on past the end of a schedule, as rates.

With s the step, r the rate there and N the new end:

    stretched     the same schedule bound to N, from s on; with a rewarmup of k, in a straight line from r to its value
                  at s + k, where it stands above r
    constant      r up to N - L, then a cooldown over L, a share of N
    rewarmed      from r to a share of the peak over k, then down to the floor over all that is left
                  (Ibrahim et al. 2024, arXiv:2403.08763)

Where the decay had finished, r is next to nothing: there is no constant to go on at, and everything rewarms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from attrs import frozen

from lrdecay.errors import InputError, non_negative, positive_int, refusal
from lrdecay.schedule import Schedule, constant, join, ramp, wsd
from lrdecay.schedule.duration import duration, round_half_up
from lrdecay.schedule.shapes import CLOSED_SHAPES
from lrdecay.verbs.branches import Branch, branch_of
from lrdecay.verbs.cooldown_lengths import Length, lengths_of, matching_total, shapes_of
from lrdecay.verbs.trunk import Trunk

__all__ = ["Choices", "Jump", "Wishes"]


@frozen
class Jump:
    """What the stretched curve does to the rate at the step."""

    now: float
    next: float  # what the stretched curve says of the next update
    updates: int  # over which it is spread; 0: at once

    @property
    def ratio(self) -> float:
        """Next over now."""
        return self.next / self.now

    def __str__(self) -> str:
        said = f"rate now {self.now:.3g}, the stretched curve says {self.next:.3g}: a jump of {self.ratio:.3g}x"
        return f"{said}, spread over {self.updates} updates" if self.updates else said


@frozen(eq=False)
class Choices:
    """What is compared."""

    branches: tuple[Branch, ...]
    jump: Jump
    notes: tuple[str, ...]


@frozen
class Wishes:
    """What was asked, checked before anything is started."""

    steps: int  # in all
    rewarm: str | int | None
    peaks: tuple[Fraction, ...]  # shares of the old peak to rewarm to
    cooldown: Length
    shapes: tuple[str, ...]
    floor: float

    @classmethod
    def read(
        cls,
        steps: int | None,
        rewarm: str | int | None,
        peaks: str | Sequence[str],
        cooldown: str,
        shapes: str | Sequence[str],
        floor: float,
    ) -> Wishes:
        """Check each.

        Raises:
            InputError: one of them is out of range.
        """
        positive_int.check("--steps", steps)
        non_negative.check("--floor", floor)
        shares = tuple(dict.fromkeys(_share(word) for word in _words(peaks)))
        lengths = lengths_of(cooldown)
        if len(lengths) > 1 or not shares:
            msg = refusal("extend(cooldown=..., peaks=...)", "must be one length, and one share or more", cooldown)
            raise InputError(msg)
        if rewarm is not None:
            rewarm = int(rewarm) if isinstance(rewarm, str) and rewarm.isdecimal() else rewarm
            duration(rewarm, "--rewarm")
        return cls(steps, rewarm, shares, lengths[0], shapes_of(shapes, tuple(CLOSED_SHAPES)), float(floor))  # type: ignore[arg-type]

    def choices(self, trunk: Trunk) -> Choices:
        """The branches of a trunk.

        Raises:
            InputError: there is nothing to extend, or the decay had finished and nothing says how to rewarm.
        """
        if self.steps <= max(len(trunk.used), trunk.step):
            cure = f"It is the length in all. If the old one is not {len(trunk.used)}, say it: --schedule 'SPEC @ 900'."
            msg = refusal("--steps", f"must be more than {max(len(trunk.used), trunk.step)}", self.steps, cure)
            raise InputError(msg)
        if trunk.finished and self.rewarm is None:
            rule = f"must be given: the decay had finished at step {trunk.step} (rate {trunk.rate:.3g}, peak "
            cure = f"Rewarm, such as --rewarm 2%, or {trunk.go_back()}."
            msg = refusal("--rewarm", f"{rule}{trunk.peak:.3g})", None, cure)
            raise InputError(msg)
        over = self._rewarmed_over(trunk)
        stretched, jump = self._stretched(trunk, over)
        found, notes = [stretched], [f"stretched: {jump}"]
        if trunk.finished:
            notes.append(f"no constant rate is gone on at: the decay had finished at {trunk.rate:.3g}")
        else:
            found += self._constant(trunk)
        if over:
            found += self._rewarmed(trunk, over, notes)
        return Choices(tuple(found), jump, tuple(notes))

    def _rewarmed_over(self, trunk: Trunk) -> int:
        """Updates; 0: not at all."""
        if self.rewarm is None:
            return 0
        horizon = trunk.probe.horizon.lasting(steps=self.steps)
        over = round_half_up(horizon.length(duration(self.rewarm, "--rewarm")))
        if not 0 < over < self.steps - trunk.step:
            rule = f"must be at least one update and less than the {self.steps - trunk.step} that are left"
            msg = refusal("--rewarm", rule, self.rewarm)
            raise InputError(msg)
        return over

    def _stretched(self, trunk: Trunk, over: int) -> tuple[Branch, Jump]:
        schedule, s = trunk.spec.schedule, trunk.step
        whole = branch_of(trunk, f"stretched to {self.steps}", schedule, self.steps)
        after = whole.rates[s:].copy()
        rises = bool(over) and after[0] > trunk.rate
        jump = Jump(trunk.rate, float(after[0]), over if rises else 0)
        if not rises:
            return whole, jump
        after[:over] = trunk.rate + (after[over] - trunk.rate) * np.arange(over) / over
        return branch_of(trunk, f"stretched to {self.steps}, rewarmed over {over}", schedule, self.steps, after), jump

    def _constant(self, trunk: Trunk) -> list[Branch]:
        (stretch,) = matching_total(trunk.step, [self.cooldown], self.steps)
        named = f"constant to {stretch.start}, then"
        return [
            branch_of(trunk, f"{named} {shape}", self._cooling(trunk.rate, stretch.updates, shape), self.steps)
            for shape in self.shapes
        ]

    def _cooling(self, rate: float, updates: int, shape: str) -> Schedule:
        return wsd(rate, warmup=0, cooldown=updates, shape=shape, floor=self.floor)

    def _rewarmed(self, trunk: Trunk, over: int, notes: list[str]) -> list[Branch]:
        found = []
        s, now = trunk.step, trunk.rate
        for share in self.peaks:
            top, percent = float(share * Fraction(trunk.peak)), f"{float(share * 100):g}%"
            if top <= max(now, self.floor):
                notes.append(
                    f"no rewarmup to {percent} of the peak, {top:.3g}: it is not above {max(now, self.floor):.3g}"
                )
                continue
            for shape in self.shapes:
                again = join(constant(now), ramp(now, top, over=over), ramp(top, self.floor, shape), at=[s, s + over])
                found.append(branch_of(trunk, f"rewarmed to {percent} over {over}, then {shape}", again, self.steps))
        return found


def _share(word: str) -> Fraction:
    match = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*%", word, re.ASCII)
    share = Fraction(match[1]) / 100 if match else Fraction(0)
    if not 0 < share <= 1:
        msg = refusal("--peaks", "must be shares of the old peak, above 0% and up to 100%", word, "Such as 50%,100%.")
        raise InputError(msg)
    return share


def _words(given: str | Sequence[str]) -> list[str]:
    texts = [given] if isinstance(given, str) else list(given)
    return [word.strip() for text in texts for word in text.split(",") if word.strip()]
