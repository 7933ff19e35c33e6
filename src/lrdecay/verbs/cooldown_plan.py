"""What a study of cooldowns consists of: lengths and shapes, their boundaries from a trunk, and the branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from attrs import frozen

from lrdecay.errors import InputError, non_negative, refusal
from lrdecay.schedule import constant, wsd
from lrdecay.verbs.branches import Branch, branch_of
from lrdecay.verbs.cooldown_lengths import Length, Stretch, lengths_of, matching_total, matching_trunk, shapes_of
from lrdecay.verbs.trunk import Trunk
from lrdecay.verbs.trunks import variants_said

__all__ = ["CooldownPlan", "sentences_of"]


@frozen
class CooldownPlan:
    """Lengths, shapes and what else is checked before anything is started."""

    lengths: tuple[Length, ...]
    shapes: tuple[str, ...]
    floor: float
    total: int | None

    @classmethod
    def read(
        cls,
        lengths: str | Sequence[str],
        shapes: str | Sequence[str],
        floor: float,
        total: int | None,
    ) -> CooldownPlan:
        """Check each; see `lrdecay.cooldown`.

        Raises:
            InputError: one of them is out of range.
        """
        non_negative.check("--floor", floor)
        return cls(lengths_of(lengths), shapes_of(shapes), float(floor), total)

    def stretches(self, trunk: Trunk) -> dict[str, tuple[Stretch, ...]]:
        """The boundaries, both ways.

        Raises:
            InputError: the decay had finished, or a cooldown has no room.
        """
        if trunk.finished:
            cure = f"What had cooled down cannot cool down again: {trunk.go_back()}."
            msg = refusal("cooldown(schedule=...)", "must not have finished its decay", str(trunk.spec), cure)
            raise InputError(msg)
        return {
            "matching_total": matching_total(trunk.step, self.lengths, self.total),
            "matching_trunk": matching_trunk(trunk.step, self.lengths),
        }

    def branches(self, trunk: Trunk, stretches: Sequence[Stretch]) -> list[Branch]:
        """Every shape over every stretch, and to each end one that goes on at the rate there."""
        rate = trunk.rate
        found = [
            branch_of(
                trunk,
                f"{shape} {s.length.written}: {s.start} to {s.end}",
                wsd(rate, warmup=0, cooldown=s.updates, shape=shape, floor=self.floor),
                s.end,
            )
            for s in stretches
            for shape in self.shapes
        ]
        ends = dict.fromkeys(s.end for s in stretches)
        return found + [branch_of(trunk, f"no cooldown: to {end}", constant(rate), end) for end in ends]


def sentences_of(trunks: Sequence[Trunk], stretches: Mapping[str, Sequence[Stretch]]) -> list[str]:
    """Where it starts, the boundaries in numbers, and what variants mean."""
    trunk = trunks[0]
    said = [f"from step {trunk.step}, at rate {trunk.rate:.6g}"]
    if trunk.rate < trunk.peak:
        said.append(f"the rate had come down from {trunk.peak:.6g} by then: the trunk goes on at {trunk.rate:.6g}")
    for name, group in stretches.items():
        each = "; ".join(f"{s.length.written} is {s.start} to {s.end}, {s.updates} updates" for s in group)
        said.append(f"{name.replace('_', ' ')}: {each}")
    return said + variants_said(trunks)
