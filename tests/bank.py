"""The bank: every family and composition in every unit, and hypothesis strategies for random ones.

A law that should hold of schedules is parametrized over `BANK` and drawn from `spelled` (any valid value, to be read
and written) or `bindable` (with a horizon on which every part has room). A new family belongs in all three; the first
two tests in ``tests/schedule/test_laws.py`` fail until it is there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Any

from attrs import frozen
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from lrdecay.schedule import (
    Duration,
    Horizon,
    Schedule,
    clamp,
    constant,
    cosine,
    damped,
    exponential,
    flat_cosine,
    halving,
    inverse_sqrt,
    inverse_time,
    join,
    k_decay,
    knee,
    linear,
    multi_step,
    natural_exponential,
    noam,
    noisy,
    one_cycle,
    peak,
    piecewise,
    polynomial,
    power,
    product,
    ramp,
    rex,
    scale,
    slanted_triangular,
    step,
    tabulated,
    tanh,
    token_power,
    triangular,
    warm_restarts,
    warmup,
    wsd,
)
from lrdecay.schedule.base import Prefix
from lrdecay.schedule.compose_factors import DAMPERS
from lrdecay.schedule.duration import UNITS
from lrdecay.schedule.shapes import CLOSED_SHAPES, RISES

__all__ = ["BANK", "COOLDOWNS", "HORIZON", "OPEN", "bindable", "durations", "horizons", "rates", "spelled", "within"]

HORIZON = Horizon(epochs=40, samples_per_epoch=1000, batch_size=64, tokens_per_step=2048)
"""A horizon on which every schedule of the bank has room: 625 updates, 15.625 to an epoch."""

COOLDOWNS = (*CLOSED_SHAPES, "power", "exponential")

_LONG: dict[str, Any] = {"steps": 60, "ep": "3.3ep", "%": "12%", "tok": "123456tok", "samples": "4e3samples"}
_LONGER: dict[str, Any] = {"steps": 200, "ep": "11ep", "%": "37.5%", "tok": "5e5tok", "samples": "15000samples"}


def _bank() -> Iterator[tuple[str, Schedule]]:
    for unit, long in _LONG.items():
        longer = _LONGER[unit]
        yield f"constant-{unit}", constant(0.1, over=longer)
        yield f"step-{unit}", step(0.1, factor=0.5, every=long)
        yield f"step-over-{unit}", step(0.1, factor=0.5, every=long, over=longer)
        yield f"multi_step-{unit}", multi_step(0.1, factor=0.1, at=[long, longer])
        yield f"multi_step-over-{unit}", multi_step(0.1, factor=0.1, at=[long], over=longer)
        for stairs in (False, True):
            kind = "stairs" if stairs else "smooth"
            yield f"exponential-{kind}-{unit}", exponential(0.1, factor=0.3, every=long, staircase=stairs)
            yield f"exponential-{kind}-over-{unit}", exponential(0.1, 0.3, long, stairs, over=longer)
            yield f"natural_exponential-{kind}-{unit}", natural_exponential(0.1, 0.7, long, stairs)
            yield f"natural_exponential-{kind}-over-{unit}", natural_exponential(0.1, 0.7, long, stairs, over=longer)
            yield f"inverse_time-{kind}-{unit}", inverse_time(0.1, rate=0.7, every=long, staircase=stairs)
            yield f"inverse_time-{kind}-over-{unit}", inverse_time(0.1, 0.7, long, stairs, over=longer)
        yield f"linear-{unit}", linear(0.1, floor=0.01, over=longer)
        yield f"polynomial-{unit}", polynomial(0.1, floor=0.01, power=2.5, over=longer)
        yield f"cosine-{unit}", cosine(0.1, floor=0.01, over=longer)
        yield f"piecewise-{unit}", piecewise([0.1, 0.3, 0.0], at=[long, longer])
        yield f"piecewise-over-{unit}", piecewise([0.1, 0.02], at=[long], over=longer)
        yield f"tabulated-{unit}", tabulated([0.1, 0.0, 0.3, 1e-3], over=longer)
        yield f"ramp-{unit}", ramp(0, 0.1, over=longer) + ramp(0.1, 0.02, shape="cosine")
        yield f"halving-{unit}", halving(0.1, over=longer)
        yield f"rex-{unit}", rex(0.1, floor=0.01, over=longer)
        yield f"tanh-{unit}", tanh(0.1, floor=0.01, lower=-5, over=longer)
        yield f"flat_cosine-{unit}", flat_cosine(0.1, flat=long, floor=0.01)
        yield f"flat_cosine-over-{unit}", flat_cosine(0.1, flat=long, over=longer)
        yield f"knee-{unit}", knee(0.1, warmup=long, explore=long)
        yield f"knee-over-{unit}", knee(0.1, warmup=0, explore=long, over=longer)
        yield f"slanted_triangular-{unit}", slanted_triangular(0.1, cut=long, over=longer)
        yield f"inverse_sqrt-{unit}", inverse_sqrt(0.1, warmup=long)
        yield f"inverse_sqrt-over-{unit}", inverse_sqrt(0.1, warmup=long, over=longer)
        yield f"power-{unit}", power(0.1, warmup=long, exponent=0.3, over=longer)
        yield f"noam-{unit}", noam(512, warmup=long)
        yield f"noam-over-{unit}", noam(64, warmup=long, scale=2, over=longer)
        yield f"token_power-{unit}", token_power(0.02, a=4.6, b=0.51, batch=4, warmup=long, over=longer)
        for growth in (1, 1.5, 2):
            yield f"warm_restarts-{growth}-{unit}", warm_restarts(0.1, first=long, growth=growth, floor=0.01)
            yield f"warm_restarts-{growth}-over-{unit}", warm_restarts(0.1, long, growth, shrink=0.7, over=longer)
        for kind in ("constant", "halve"):
            yield f"triangular-{kind}-{unit}", triangular(0.01, 0.1, half_cycle=long, scale=kind)
        yield f"triangular-exp-{unit}", triangular(0.01, 0.1, long, scale="exp", gamma=0.99, over=longer)
        for three in (False, True):
            phases = "three" if three else "two"
            yield f"one_cycle-{phases}-{unit}", one_cycle(0.1, warmup=long, three_phase=three)
            yield f"one_cycle-{phases}-over-{unit}", one_cycle(0.1, long, 10, 100, "linear", three, over=longer)
        for shape in CLOSED_SHAPES:
            yield f"k_decay-{shape}-{unit}", k_decay(0.1, k=2.5, shape=shape, floor=0.01, over=longer)
        for shape in COOLDOWNS:
            yield f"wsd-{shape}-{unit}", wsd(0.1, warmup=long, cooldown=longer, shape=shape, floor=1e-3)
        yield f"wsd-power-3-{unit}", wsd(0.1, warmup=long, cooldown=longer, shape="power", power=3.5)
        yield f"wsd-over-{unit}", wsd(0.1, warmup=0, cooldown=long, over=longer)
        yield f"warmup-{unit}", warmup(long) + cosine(0.1)
        for shape in sorted(set(RISES) - {"linear"}):
            yield f"warmup-{shape}-{unit}", warmup(long, shape=shape) + cosine(0.1)
        yield f"warmup-stairs-{unit}", warmup(long) + step(0.1, factor=0.5, every=long)
        yield f"then-{unit}", constant(0.1, over=long) + warmup(long) + linear(0.05, over=longer) + cosine(0.02)
        yield f"join-{unit}", join(warmup(long) + cosine(0.1), linear(0.05), constant(1e-3), at=[longer, "80%"])
        yield f"join-over-{unit}", join(constant(0.1), linear(0.05), at=[long], over=longer)
        carried = step(0.1, factor=0.5, every=long), cosine(1, floor=0.2), constant(7)
        yield f"join-carry-{unit}", join(*carried, at=[longer, "80%"], carry=True)
        yield f"join-lengths-{unit}", join(constant(0.1, over=long), linear(2, floor=1, over=longer), constant(3))
        yield f"product-{unit}", step(0.1, factor=0.5, every=long) * linear(1, floor=0.1, over=longer)
        yield f"damped-{unit}", damped(step(0.1, factor=0.5, every=longer), by="linear", period=long)
        yield f"damped-exponential-{unit}", damped(cosine(0.1, over=longer), by="exponential", period=long)
        yield f"noisy-{unit}", noisy(cosine(0.1, over=longer), pct=0.3, between=[long, longer])
        yield f"scale-{unit}", 0.5 * step(0.1, factor=0.5, every=long)
        yield f"clamp-{unit}", clamp(step(0.1, factor=0.5, every=long), low=0.01, high=0.07)
    yield "constant", constant(0.1)
    yield "exponential-per-update", exponential(0.1, factor=0.999)
    yield "inverse_time-per-update", inverse_time(0.1, rate=0.001)
    yield "linear", linear(0.1)
    yield "polynomial", polynomial(0.1, power=0.5)
    yield "cosine", cosine(0.1)
    yield "natural_exponential-per-update", natural_exponential(0.1, rate=0.01)
    yield "halving", halving(0.1)
    yield "rex", rex(0.1)
    yield "tanh", tanh(0.1)
    yield "k_decay", k_decay(0.1, k=0.5)
    yield "one_cycle", one_cycle(0.1)
    yield "slanted_triangular", slanted_triangular(0.1)
    yield "wsd-flat", wsd(0.1, warmup=5, cooldown="50%", shape="exponential", floor=0.1)
    yield "tabulated", tabulated([0.1, 0.2, 0.05])
    yield "piecewise-mixed", piecewise([1, 2, 3, 0, 4], at=[10, "2ep", "50%", "1e6tok"])
    yield "multi_step-mixed", multi_step(0.1, factor=0.2, at=[10, "2ep", "50%", "1e6tok", "3.8e4samples"])
    yield "nested", clamp(0.5 * (warmup("5%") + join(cosine(0.1), scale(linear(0.05), 2), at=["40%"])), low=1e-4)
    for by in DAMPERS[2:]:
        yield f"damped-{by}", damped(cosine(0.1), by=by, beta2=0.99)
        yield f"damped-{by}-late", constant(0.1, over=50) + damped(warmup(5) + linear(0.1), by=by)
    yield "noisy-normal", noisy(cosine(0.1), seed=7)
    yield "noisy-narrow", noisy(cosine(0.1), pct=0.9, std=0.2)
    yield "noisy-wide", noisy(cosine(0.1), pct=1e-3, std=1e3, seed=2**64 - 1)
    yield "noisy-uniform", constant(0.1, over=50) + noisy(linear(0.1), kind="uniform", pct=1, between=[0, "50%"])
    yield "product-of-three", cosine(0.1) * linear(1, floor=0.1) * ramp(0.5, 2)
    yield "token_power", token_power(0.02, a=4.6, b=0.51, batch=4)
    yield "tiny", cosine(1e-300, floor=1e-310)
    yield "huge", step(1e300, factor=1e-3, every="10%")


BANK: list[tuple[str, Schedule]] = list(_bank())
"""(id, schedule) for every family and composition, in every unit."""

OPEN: list[tuple[str, Schedule]] = [
    ("constant", constant(peak)),
    ("step", step(peak, factor=0.5, every="10%")),
    ("multi_step", multi_step(peak, factor=0.5, at=[3, 5])),
    ("exponential", exponential(peak, factor=0.99)),
    ("inverse_time", inverse_time(peak, rate=1)),
    ("linear", linear(peak, floor=1e-4)),
    ("polynomial", polynomial(peak, power=2)),
    ("cosine", cosine(peak)),
    ("wsd", wsd(peak, warmup="5%", cooldown="20%")),
    ("natural_exponential", natural_exponential(peak, rate=0.1)),
    ("halving", halving(peak)),
    ("rex", rex(peak)),
    ("tanh", tanh(peak, floor=1e-5)),
    ("k_decay", k_decay(peak, k=2)),
    ("flat_cosine", flat_cosine(peak, flat="72%")),
    ("knee", knee(peak, warmup=10, explore="50%")),
    ("slanted_triangular", slanted_triangular(peak)),
    ("inverse_sqrt", inverse_sqrt(peak, warmup=100)),
    ("power", power(peak, warmup=100, exponent=0.5)),
    ("warm_restarts", warm_restarts(peak, first="10%", growth=2)),
    ("one_cycle", one_cycle(peak)),
    ("wsd-power", wsd(peak, warmup="5%", cooldown="20%", shape="power", power=0.5)),
    ("wsd-exponential", wsd(peak, warmup="5%", cooldown="20%", shape="exponential", floor=1e-5)),
    ("then", warmup(10) + cosine(peak)),
    ("join", join(constant(peak), cosine(peak), at=["50%"])),
    ("ramp", ramp(0, peak, over="10%") + cosine(peak)),
    ("carried", join(constant(peak), cosine(1), at=["50%"], carry=True)),
    ("product", cosine(peak) * linear(1, floor=0.1)),
    ("damped", damped(cosine(peak), by="radam")),
    ("noisy", noisy(cosine(peak), pct=0.1)),
    ("token_power", token_power(peak, a=4.6, b=0.51, batch=4)),
    ("scale", 0.5 * cosine(peak)),
    ("clamp", clamp(cosine(peak), low=1e-4)),
]
"""Every family and composition with its peak left open."""


@st.composite
def durations(draw: DrawFn) -> int | str:
    """A duration as a user types it, of any size and in any unit."""
    unit = draw(st.sampled_from(UNITS))
    if unit == "steps":
        return draw(st.integers(1, 10**9))
    digits, places = draw(st.integers(1, 10**12)), draw(st.integers(0, 6))
    amount = Decimal(digits).scaleb(-places)
    text = draw(st.sampled_from([f"{amount:f}", f"{amount:e}", f"{amount}"]))
    return f"{text}{unit}"


@st.composite
def horizons(draw: DrawFn) -> Horizon:
    """A horizon of 60 to some thousand updates that knows every unit; epochs are seldom whole numbers of updates."""
    batch = draw(st.integers(1, 300))
    samples = draw(st.integers(10 * batch, 60 * batch))
    tokens = draw(st.integers(1, 4096))
    if draw(st.booleans()):
        epochs: Any = draw(st.one_of(st.integers(6, 40), st.integers(60, 400).map(lambda n: n / 10)))
        return Horizon(epochs=epochs, samples_per_epoch=samples, batch_size=batch, tokens_per_step=tokens)
    steps = draw(st.integers(60, 2000))
    return Horizon(steps=steps, samples_per_epoch=samples, batch_size=batch, tokens_per_step=tokens)


@st.composite
def within(draw: DrawFn, horizon: Horizon, low: Fraction, high: Fraction, units: tuple[str, ...] = UNITS) -> Duration:
    """A duration that lasts from ``low`` to ``high`` updates; at least one whole number lies between."""
    unit = draw(st.sampled_from(units))
    if unit == "steps":
        return Duration(Decimal(draw(st.integers(math.ceil(low), math.floor(high)))), "steps")
    one = horizon.length(Duration(Decimal(1), unit))
    places = 9
    least, most = math.ceil(low / one * 10**places), math.floor(high / one * 10**places)
    share = draw(st.integers(0, 1000))
    return Duration((Decimal(least + (most - least) * share // 1000)).scaleb(-places), unit)


def rates() -> SearchStrategy[float]:
    """A rate that a person would use, or an extreme one that is still a normal float."""
    usual = st.floats(1e-8, 10.0, allow_nan=False)
    return st.one_of(usual, usual, st.floats(1e-290, 1e290, allow_nan=False))


_PLAIN: list[Any] = [constant, step, multi_step, exponential, inverse_time, linear, polynomial, cosine, wsd]
_FURTHER: list[Any] = [piecewise, natural_exponential, halving, ramp, rex, tanh, k_decay, flat_cosine, knee, tabulated]
_FURTHER += [slanted_triangular, inverse_sqrt, power, noam, token_power, warm_restarts, triangular, one_cycle]


@st.composite
def _leaf(draw: DrawFn, length: SearchStrategy[Any], room: Any, marks: Any, over: Any) -> Schedule:
    """A named family; ``room`` gives two durations that fit into its span, ``marks`` rising ones."""
    top = draw(rates())
    floor = draw(st.one_of(st.just(0.0), st.floats(0.0, 1.0).map(lambda share: top * share)))
    factor = draw(st.floats(1e-3, 1.0))
    kind = draw(st.sampled_from(_PLAIN + _FURTHER))
    if kind in _FURTHER:
        return draw(_further(kind, top, floor, length, room, marks, over))
    if kind is constant:
        return constant(top, over=over)
    if kind is step:
        return step(top, factor, draw(length), over=over)
    if kind is multi_step:
        return multi_step(top, factor, draw(marks), over=over)
    if kind is exponential:
        return exponential(top, factor, draw(length), draw(st.booleans()), over=over)
    if kind is inverse_time:
        return inverse_time(top, draw(st.floats(0.0, 100.0)), draw(length), draw(st.booleans()), over=over)
    if kind is polynomial:
        return polynomial(top, floor, draw(st.floats(0.1, 8.0)), over=over)
    if kind is wsd:
        before, after = draw(room)
        shape = draw(st.sampled_from(COOLDOWNS if floor else COOLDOWNS[:-1]))
        by = draw(st.floats(0.1, 8.0)) if shape == "power" else 2.0
        return wsd(top, draw(st.sampled_from([0, before])), after, shape, floor, by, over=over)
    return kind(top, floor, over=over)


@st.composite
def _further(
    draw: DrawFn, kind: Any, top: float, floor: float, length: Any, room: Any, marks: Any, over: Any
) -> Schedule:
    """A family of the further modules."""
    a, b = draw(room)
    factor, shape = draw(st.floats(0.1, 1.0)), draw(st.sampled_from(sorted(CLOSED_SHAPES)))
    if kind is piecewise:
        at = draw(marks)
        return piecewise([top, *(top * factor**i for i in range(len(at)))], at, over=over)
    if kind is tabulated:
        return tabulated([floor, top, *draw(st.lists(st.floats(0.0, 1.0), max_size=5))], over=over)
    if kind is natural_exponential:
        return natural_exponential(top, draw(st.floats(0.0, 100.0)), draw(length), draw(st.booleans()), over=over)
    if kind is tanh:
        return tanh(top, floor, draw(st.floats(-9.0, 0.0)), draw(st.floats(0.1, 9.0)), over=over)
    if kind is k_decay:
        return k_decay(top, draw(st.floats(0.1, 8.0)), floor, shape, over=over)
    if kind is warm_restarts:
        growth = draw(st.one_of(st.sampled_from([1.0, 1.5, 2.0, 3.0]), st.floats(1.01, 4.0)))
        return warm_restarts(top, draw(length), growth, factor, floor, over=over)
    if kind is triangular:
        scaled = draw(st.sampled_from(["constant", "halve", "exp"]))
        return triangular(floor, top, draw(length), scaled, factor if scaled == "exp" else 1.0, over=over)
    if kind is one_cycle:
        return one_cycle(top, a, 1 / factor, draw(st.floats(1.0, 1e5)), shape, draw(st.booleans()), over=over)
    made: dict[Any, Any] = {
        halving: lambda: halving(top, over=over),
        ramp: lambda: ramp(*draw(st.permutations([top, floor])), shape, over=over),
        rex: lambda: rex(top, floor, over=over),
        flat_cosine: lambda: flat_cosine(top, a, floor, over=over),
        knee: lambda: knee(top, a, b, over=over),
        slanted_triangular: lambda: slanted_triangular(top, a, 1 / factor, over=over),
        inverse_sqrt: lambda: inverse_sqrt(top, a, over=over),
        power: lambda: power(top, a, draw(st.floats(0.05, 4.0)), over=over),
        noam: lambda: noam(draw(st.integers(1, 4096)), a, top, over=over),
        token_power: lambda: token_power(top, 1 / factor, draw(st.floats(0.05, 4.0)), top, a, over=over),
    }
    return made[kind]()


@st.composite
def _around(draw: DrawFn, inner: Schedule) -> Schedule:
    """The schedule itself, scaled, clamped, damped, noisy or times a factor."""
    kind = draw(st.sampled_from(["bare"] * 4 + ["scale", "clamp", "damped", "noisy", "product"]))
    if kind == "scale":
        return scale(inner, draw(st.floats(0.0, 4.0)))
    if kind == "clamp":
        low = draw(st.floats(0.0, 0.1))
        return clamp(inner, low=low, high=draw(st.one_of(st.none(), st.floats(low, 1.0))))
    if kind == "damped":
        return damped(inner, by=draw(st.sampled_from(DAMPERS[2:])), beta2=draw(st.sampled_from([0.9, 0.99, 0.999])))
    if kind == "noisy":
        wide, seed = draw(st.sampled_from(["normal", "uniform"])), draw(st.integers(0, 2**64 - 1))
        return noisy(inner, draw(st.floats(1e-3, 1.0)), kind=wide, seed=seed)
    if kind == "product":
        return product(inner, ramp(draw(st.floats(0.1, 1.0)), draw(st.floats(0.1, 2.0)), "cosine"))
    return inner


@st.composite
def spelled(draw: DrawFn, depth: int = 2, *, ends: bool = False) -> Schedule:
    """Any schedule that can be written down, nested up to ``depth``; it need not fit on a horizon."""
    kind = draw(st.sampled_from(["leaf", "leaf", "chain", "warm", "join"])) if depth else "leaf"
    over = draw(durations()) if ends else draw(st.one_of(st.none(), durations()))
    if kind == "leaf":
        rising = st.lists(st.integers(1, 10**6), min_size=1, max_size=4, unique=True).map(sorted)
        marks = st.one_of(rising, rising.map(lambda ns: [f"{n}ep" for n in ns]), durations().map(lambda d: [d]))
        made = draw(_leaf(durations(), st.tuples(durations(), durations()), marks, over))
    elif kind == "join":
        parts = draw(st.lists(spelled(depth - 1), min_size=2, max_size=3))
        first = draw(st.integers(1, 10**6))
        made = join(*parts, at=[first + i for i in range(len(parts) - 1)], carry=draw(st.booleans()), over=over)
    else:
        parts = [*draw(st.lists(spelled(depth - 1, ends=True), max_size=1)), draw(spelled(depth - 1, ends=ends))]
        if kind == "warm" or len(parts) == 1:
            parts.insert(
                draw(st.integers(0, len(parts) - 1)), warmup(draw(durations()), draw(st.sampled_from(sorted(RISES))))
            )  # type: ignore[arg-type]
        made = _chained(parts)
    return draw(_around(made))


def _chained(parts: list[Any]) -> Schedule:
    total: Schedule | Prefix = parts[0]
    for part in parts[1:]:
        total = total + part
    assert isinstance(total, Schedule)
    return total


@st.composite
def bindable(draw: DrawFn, horizon: Horizon, depth: int = 2, units: tuple[str, ...] = UNITS) -> Schedule:
    """A schedule in which every part has room on this horizon, nested up to ``depth``."""
    return draw(_placed(_Ruler(horizon, units), horizon.exact_steps, depth, ends=False))


@frozen
class _Ruler:
    """Draws durations that fit: in these units, on this horizon."""

    horizon: Horizon
    units: tuple[str, ...]

    def __call__(self, low: Fraction, high: Fraction) -> SearchStrategy[Duration]:
        return within(self.horizon, low, high, self.units)


@st.composite
def _gentle(draw: DrawFn) -> Schedule:
    """A schedule whose rates stay above 0 and near each other."""
    top = draw(st.floats(1e-4, 10.0))
    return draw(st.sampled_from([constant(top), cosine(top, top / 3), 2 * linear(top, top / 7), ramp(top / 2, top)]))


@st.composite
def _placed(draw: DrawFn, ruler: _Ruler, room: Fraction, depth: int, *, ends: bool) -> Schedule:
    """A schedule for a span of ``room`` updates, at least 6; with ``ends`` it says how long it lasts, at most that."""
    kind = draw(st.sampled_from(["leaf", "leaf", "chain", "warm", "join"])) if depth and room >= 40 else "leaf"
    over = draw(ruler(room * 3 / 4, room)) if ends or draw(st.booleans()) else None
    span = room if over is None else ruler.horizon.length(over)
    if kind in ("leaf", "join"):
        if kind == "leaf":
            third = ruler(max(min(span / 6, Fraction(2)), Fraction(1)), span / 3)
            near, far = ruler(Fraction(0), span / 3 + 1), ruler(span / 2, span * 5 / 4)
            marks = st.one_of(st.tuples(near.filter(lambda d: d.amount > 0), far).map(list), far.map(lambda d: [d]))
            made = draw(_leaf(third, st.tuples(third, third), marks, over))
        else:
            edges = [draw(ruler(span / 3, span * 3 / 8)), draw(ruler(span * 5 / 8, span * 2 / 3))]
            carry = draw(st.booleans())  # from parts that neither begin nor end at 0
            part = _gentle() if carry else _placed(ruler, span / 4, depth - 1, ends=False)
            made = join(*(draw(part) for _ in range(3)), at=edges, carry=carry, over=over)
        return draw(_around(made))
    first: Schedule | Prefix
    if kind == "warm":
        first = warmup(draw(ruler(min(span / 6, Fraction(2)), span / 3)), draw(st.sampled_from(sorted(RISES))))
    else:
        first = draw(_placed(ruler, span / 3, depth - 1, ends=True))
    return draw(_around(first + draw(_placed(ruler, span / 2, depth - 1, ends=ends))))
