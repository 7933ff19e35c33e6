"""What stands around a range test that a framework's trainer makes: kept before it begins, put back after it ended.

The trainer's own objects by their attributes, as *which* objects those are; what training changes inside of (models,
optimizers, loaders, flags) as `lrdecay.adapters.torch.keeping` has it; and the random state. For use with
`lrdecay.rangetest.transaction`, around the transaction that the range test itself makes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, final

from attrs import frozen

from lrdecay.adapters.torch.keeping import fingerprint, keep
from lrdecay.adapters.torch.randomness import Randomness

__all__ = ["Surroundings"]


@frozen(eq=False)
class _Before:
    attributes: tuple[dict[str, Any], ...]  # of each holder
    back: Callable[[], None]
    random: Randomness


@final
@frozen(eq=False)
class Surroundings:
    """All that a trainer may change."""

    holders: Sequence[Any]  # put back by their attributes
    roots: Sequence[Any]  # put back with what is inside

    def snapshot(self) -> _Before:
        """As it is."""
        return _Before(tuple(dict(vars(one)) for one in self.holders), keep(self.roots), Randomness.now())

    def restore(self, s: _Before) -> None:
        """As it was."""
        for one, attributes in zip(self.holders, s.attributes, strict=True):
            vars(one).clear()
            vars(one).update(attributes)
        s.back()
        s.random.put_back()

    def digest(self) -> str:
        """Of everything kept."""
        total = hashlib.sha256(fingerprint(self.roots).encode())
        for one in self.holders:
            total.update(repr([(name, id(value)) for name, value in vars(one).items()]).encode())
        total.update(Randomness.now().content())
        return total.hexdigest()
