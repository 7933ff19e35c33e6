"""What every schedule is: a frozen value, equal by what was spelled, that binds to a horizon.

A schedule holds no optimizer, no counter and no clock. ``repr`` is its constructor and its text notation; JSON is the
same content. Open arithmetic: ``a + b`` is *a, then b*, with b on its own clock from 0; ``0.5 * a`` is a scaled;
``a * b`` is a with b as a factor, each on its own clock over the same span.

House law: a class is abstract (`Schedule`, `Family`) or final (every named family). To change a family, wrap it.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cache
from numbers import Real
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, dataclass_transform

from attrs import NOTHING, Attribute, Converter, Factory, field, fields

from lrdecay.errors import InputError, argument, positive, refusal
from lrdecay.schedule.duration import Duration, duration
from lrdecay.schedule.register import FAMILIES
from lrdecay.schedule.value import value

if TYPE_CHECKING:
    from lrdecay.schedule.bound import Bound
    from lrdecay.schedule.horizon import Horizon
    from lrdecay.schedule.places import Place

__all__ = [
    "FAMILIES",
    "MOVES",
    "PEAK",
    "Family",
    "OpenPeak",
    "Prefix",
    "Rate",
    "Schedule",
    "durations_field",
    "family",
    "peak_field",
    "spelled",
    "spelled_json",
]

C = TypeVar("C", bound=type)


class OpenPeak:
    """A peak left open, to be found: spelled ``peak`` in the notation, `lrdecay.peak` in Python. One object."""

    _one: ClassVar[OpenPeak | None] = None

    def __new__(cls) -> OpenPeak:
        """There is one open peak."""
        if cls._one is None:
            cls._one = object.__new__(cls)
        return cls._one

    def __repr__(self) -> str:
        return "peak"

    def __reduce__(self) -> tuple[type[OpenPeak], tuple[()]]:
        return (OpenPeak, ())


PEAK = OpenPeak()
Rate = float | OpenPeak

MOVES = {"moves": True}
"""Metadata of the fields that a change of the peak moves: the peak, or what stands for it in a family without one."""


class Schedule(ABC):
    """A learning rate as a total function of the update index, once bound to a horizon."""

    __slots__ = ()

    @abstractmethod
    def expand(self) -> Place:
        """This schedule as core nodes; only those are evaluated."""

    @property
    @abstractmethod
    def lasts(self) -> tuple[Duration, ...] | None:
        """How long it speaks (durations to be summed); None: whatever is left of the horizon."""

    def bind(self, horizon: Horizon, after: str = "hold") -> Bound:
        """Fix this schedule on a horizon, once; see `lrdecay.schedule.bound.Bound`.

        Args:
            horizon: the length of the run and its units.
            after: the end policy: "hold" the value at the end, "repeat" from the start, or "raise".

        Raises:
            InputError: the peak is still open, a part does not fit, or a unit is unknown to the horizon.
        """
        from lrdecay.schedule.bound import bind

        return bind(self, horizon, after)

    def to_json(self) -> dict[str, Any]:
        """A JSON object with the family's name under ``"type"``; `from_json` reads it back."""
        return spelled_json(self)

    def __add__(self, other: Any) -> Schedule:
        from lrdecay.schedule.compose import chain

        return chain(self, other) if isinstance(other, Schedule | Prefix) else NotImplemented

    def __mul__(self, factor: Any) -> Schedule:
        from lrdecay.schedule.compose import scale
        from lrdecay.schedule.compose_factors import product

        if isinstance(factor, Schedule):
            return product(self, factor)
        return scale(self, factor) if isinstance(factor, int | float) else NotImplemented

    __rmul__ = __mul__


class Family(Schedule):
    """A schedule that stands in one span: its body fills what it is given, and ``over`` may give it less."""

    __slots__ = ()
    over: Any  # Duration or None; a field of every family

    @abstractmethod
    def body(self) -> Place:
        """The family's equation as core nodes, filling the span they are given."""

    def expand(self) -> Place:
        """The body, on a span of its own where ``over`` says how long."""
        from lrdecay.schedule.places import Span

        return self.body() if self.over is None else Span(self.body(), (self.over,))

    @property
    def lasts(self) -> tuple[Duration, ...] | None:
        """As said by ``over``."""
        return None if self.over is None else (self.over,)


class Prefix(ABC):  # noqa: B024
    """Something that is only meaningful before a schedule, such as a warmup."""

    __slots__ = ()

    def to_json(self) -> dict[str, Any]:
        """As `Schedule.to_json`."""
        return spelled_json(self)

    def __add__(self, other: Any) -> Schedule:
        from lrdecay.schedule.compose import chain

        return chain(self, other) if isinstance(other, Schedule | Prefix) else NotImplemented


def peak_field() -> Any:
    """A peak: a positive rate, or `PEAK`."""
    return field(converter=number, validator=_positive_rate, metadata=MOVES)


def durations_field(default: Any = NOTHING, *, zero: bool = False) -> Any:
    """A duration; with ``default=None`` it may be left out."""
    stated = default if default is None or default is NOTHING else duration(default, zero=zero)
    return field(default=stated, converter=_to_duration(default is None, zero))


@cache
def _to_duration(optional: bool, zero: bool) -> Any:
    """One converter for all fields alike: attrs reads the signature of each anew."""

    def convert(value: Any, instance: Any, attribute: Attribute[Any]) -> Duration | None:
        if value is None and optional:
            return None
        return duration(value, f"{type(instance).__name__}({attribute.name}=...)", zero=zero)

    return Converter(convert, takes_self=True, takes_field=True)


@dataclass_transform(frozen_default=True, field_specifiers=(field, peak_field, durations_field))
def family(cls: C) -> C:
    """Make a class a named family: frozen, its ``repr`` its constructor, known to the notation by its name."""
    if "__repr__" not in cls.__dict__:
        setattr(cls, "__repr__", spelled)  # noqa: B010
    made = value(cls)
    FAMILIES.add(made)
    return made


def number(value: Any) -> Any:
    """A real number of any type as the float it means, -0.0 as 0.0; the rest is left for the constraint to judge."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    try:
        return float(value) + 0.0
    except OverflowError:
        return value


setattr(number, "__signature__", inspect.signature(number))  # noqa: B010  (attrs asks for it at every field)


setattr(number, "__signature__", inspect.signature(number))  # noqa: B010  (attrs asks for it at every field)


def check_floor(schedule: Any) -> None:
    """The floor must not stand above the peak."""
    if isinstance(schedule.peak, float) and schedule.floor > schedule.peak:
        name = type(schedule).__name__
        msg = refusal(f"{name}(floor=...)", f"must be at most the peak, {schedule.peak!r}", schedule.floor)
        raise InputError(msg)


def _positive_rate(instance: Any, attribute: Attribute[Any], value: Any) -> None:
    if value is not PEAK:
        argument(positive)(instance, attribute, value)


def _defaults(a: Attribute[Any]) -> Any:
    return a.default.factory() if isinstance(a.default, Factory) else a.default  # type: ignore[arg-type,union-attr]


def _given(self: Any) -> list[tuple[Attribute[Any], Any]]:
    """The fields that differ from their defaults, in order."""
    return [(a, getattr(self, a.name)) for a in fields(type(self)) if getattr(self, a.name) != _defaults(a)]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(_text(v) for v in value)}]"
    return repr(value)


def spelled(self: Any) -> str:
    """``family(first, name=value, ...)``: a mandatory first argument is positional, defaults are left out."""
    parts = [
        _text(value) if i == 0 and a.default is NOTHING else f"{a.name}={_text(value)}"
        for i, (a, value) in enumerate(_given(self))
    ]
    return f"{type(self).__name__}({', '.join(parts)})"


def spelled_json(self: Any) -> dict[str, Any]:
    """The given fields as JSON, under the family's name."""
    return {"type": type(self).__name__, **{a.name: _json(value) for a, value in _given(self)}}


def _json(value: Any) -> Any:
    to_json: Callable[[], Any] | None = getattr(value, "to_json", None)
    if to_json is not None:
        return to_json()
    if isinstance(value, tuple):
        return [_json(v) for v in value]
    return "peak" if value is PEAK else value
