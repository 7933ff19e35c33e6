"""The random state of the process and of the accelerators in use, taken, put back, and read for a digest."""

from __future__ import annotations

from typing import final

from attrs import frozen

from lrdecay.runs.seeding import RandomState, random_state, set_random_state

__all__ = ["Randomness"]


@final
@frozen(eq=False)
class Randomness:
    """The state of python's, numpy's and torch's generators, those of CUDA devices and of MPS among them."""

    process: RandomState

    @classmethod
    def now(cls) -> Randomness:
        """As it is."""
        return cls(random_state())

    def put_back(self) -> None:
        """Everything is drawn from here again."""
        set_random_state(self.process)

    def content(self) -> bytes:
        """For a digest."""
        tensors = self.process.tensors
        arrays = [name.encode() + tensors[name].tobytes() for name in sorted(tensors)]
        return b"".join(arrays) + repr(self.process.state).encode()
