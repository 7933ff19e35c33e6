"""What `places` and `segments` are made of: values, frozen and equal by content, whose classes are quick to make.

``attrs`` writes and compiles an ``__eq__``, a ``__hash__`` and a ``__repr__`` for each class, which is most of what
loading the schedule language would cost. Here they are written once, for all of these classes.
"""

from __future__ import annotations

from typing import Any, TypeVar, dataclass_transform

from attrs import field, frozen

__all__ = ["value"]

C = TypeVar("C", bound=type)


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: C) -> C:
    """A frozen attrs class, equal and hashable by its class and its fields; its own ``__repr__`` stays."""
    for name, method in (("__eq__", _equal), ("__hash__", _hash), ("__repr__", _repr)):
        if name not in cls.__dict__:
            setattr(cls, name, method)
    return frozen(cls, eq=False, repr=False, slots=False)


def _equal(self: Any, other: object) -> Any:
    return self.__dict__ == other.__dict__ if other.__class__ is self.__class__ else NotImplemented


def _hash(self: Any) -> int:
    return hash((self.__class__, *self.__dict__.values()))


def _repr(self: Any) -> str:
    return f"{type(self).__name__}({', '.join(f'{name}={held!r}' for name, held in self.__dict__.items())})"
