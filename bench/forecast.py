"""What a forecast costs: fitting a law to three curves, and predicting many schedules; CPU seconds, ratios to a floor.

    make bench-forecast                           every section
    python -m bench.forecast fit predict grow     some of them

Everything that a row compares is timed in turn, one thread, by the process's own clock of CPU time, so that a machine
with other work measures the same; a ratio is the median over the repeats of the ratio within a repeat. The floor is
what nobody gets below: one `numpy.cumsum` over the same tables of rates. Nothing is asserted, and the command never
fails for being slow.

    fit      each law on three curves: constant and cosine over 24,000 updates and a two-stage one over 16,000, peak
             3e-4, warmup 2,160, logged every 128 updates, as Luo et al.'s; made by the multi-power law at its prior's
             centre with noise of .0007, their seeds' (arXiv:2503.12811). Target: 3 CPU-seconds, the three together.
             What the near-equal fits behind an interval cost is told after it
    predict  the final losses of 1,000 schedules of 50,000 updates, from tables of rates: cooldowns of 5% to 95% in
             four shapes, with and without floors, steps, cosines. Target: 5 CPU-seconds for each law. The tables are
             made before and are not in the time; what making them costs is told beside it
    grow     one schedule's prediction at 10,000 to 100,000 updates; told, with no target
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from lrdecay import Horizon, parse
from lrdecay.losslaws.curve import Curve, FloatArray, warmup_of
from lrdecay.losslaws.ensemble import MEMBERS, members
from lrdecay.losslaws.exposure import exposure
from lrdecay.losslaws.fitting import Fit, data_of, fit
from lrdecay.losslaws.functional import Functional
from lrdecay.losslaws.law import LossLaw
from lrdecay.losslaws.momentum import Momentum
from lrdecay.losslaws.multi_power import MultiPower
from lrdecay.losslaws.noise_floor import NoiseFloor

LAWS: tuple[LossLaw, ...] = (MultiPower(), NoiseFloor(), Momentum(), Functional())
PEAK, WARMUP, EVERY, NOISE, LEVEL = 3e-4, 2160, 128, 7e-4, 3.0
LOGGED = (
    ("constant", f"warmup({WARMUP}) + constant({PEAK})", 24_000),
    ("cosine", f"warmup({WARMUP}) + cosine({PEAK}, floor={PEAK / 10})", 24_000),
    ("two stages", f"warmup({WARMUP}) + piecewise([{PEAK}, {0.3 * PEAK}], at=[{8_000 - WARMUP}])", 16_000),
)
SCHEDULES, STEPS, CHUNK = 1_000, 50_000, 100
LENGTHS = (10_000, 20_000, 50_000, 100_000)
FIT_TARGET, PREDICT_TARGET = 3.0, 5.0


class Row(NamedTuple):
    """What was measured, its CPU seconds, the target (0: none) and how many times the floor it is."""

    case: str
    seconds: float
    target: float
    ratio: float

    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        target = f"≤ {self.target:g} s" if self.target else ""
        verdict = ("met" if self.seconds <= self.target else "missed") if self.target else ""
        return self.case, f"{self.seconds:.3g} s", target, verdict, f"{self.ratio:.3g}"


def cpu(call: Callable[[], Any]) -> float:
    """CPU seconds of a call."""
    began = time.process_time()
    call()
    return time.process_time() - began


def beside(ours: Callable[[], Any], floor: Callable[[], Any], repeats: int) -> tuple[float, float]:
    """CPU seconds of ours, and its ratio to the floor, timed in turn; medians over the repeats."""
    rounds = [(cpu(ours), _steady(floor)) for _ in range(repeats)]
    return statistics.median(a for a, _ in rounds), statistics.median(a / b for a, b in rounds)


def _steady(call: Callable[[], Any]) -> float:
    """Of one call, from as many as the clock can see."""
    calls, took = 1, cpu(call)
    while took < 0.01:
        calls *= 4
        took = cpu(lambda n=calls: [call() for _ in range(n)])
    return took / calls


def curves(seed: int = 0) -> list[Curve]:
    """Three logged runs as of Luo et al., by the multi-power law plus noise."""
    law, rng, made = MultiPower(), np.random.default_rng(seed), []
    for name, text, steps in LOGGED:
        rates = parse(text).bind(Horizon(steps=steps)).values()
        at = np.arange(WARMUP + 16, steps + 1, EVERY)
        span = 24_000.0
        look = exposure(rates, at, warmup=WARMUP, peak=PEAK, span=span)
        clean = LEVEL * law.loss(np.array([p.centred(span) for p in law.parameters]), look)
        made.append(Curve(name, rates, at, clean + NOISE * rng.standard_normal(len(at)), warmup_of(rates)))
    return made


def texts(count: int) -> list[str]:
    """At most 1,000 different schedules, such as a search for the best decay tries."""
    shapes, floors = ("linear", "1-sqrt", "cosine", "square"), (0.0, 0.1)
    cooldowns = [
        f'wsd({PEAK}, warmup={WARMUP}, cooldown="{c / 10:g}%", shape="{shape}", floor={floor * PEAK})'
        for c, shape, floor in product(range(50, 951, 9), shapes, floors)
    ]
    others = [f"warmup({WARMUP}) + cosine({PEAK}, floor={PEAK * f / 200})" for f in range(100)]
    steps = [f"warmup({WARMUP}) + step({PEAK}, factor={f / 100}, every=7000)" for f in range(5, 97)]
    return [*steps, *others, *cooldowns][:count]


def tables(of: list[str], steps: int) -> list[FloatArray]:
    """Their rates."""
    return [parse(text).bind(Horizon(steps=steps)).values() for text in of]


# ---- sections ----


def fits() -> Iterator[Row]:
    """Each law."""
    given = curves()
    floor = [c.rates for c in given]
    for law in LAWS:
        took, ratio = beside(lambda law=law: fit(law, data_of(given)), lambda: [np.cumsum(r) for r in floor], 5)
        yield Row(f"fit {law.name}, 3 curves, {sum(len(c.steps) for c in given)} points", took, FIT_TARGET, ratio)
        own = fit(law, data_of(given))
        took, ratio = beside(lambda own=own: members(own), lambda: [np.cumsum(r) for r in floor], 1)
        yield Row(f"{MEMBERS} near-equal fits of it", took, 0.0, ratio)


def predictions() -> Iterator[Row]:
    """Each law, from tables that come in chunks, so that they do not fill the memory."""
    known, wanted = [fit(law, data_of(curves())) for law in LAWS], texts(SCHEDULES)
    spent, floors, making = dict.fromkeys((law.name for law in LAWS), 0.0), [], 0.0
    for first in range(0, SCHEDULES, CHUNK):
        began = time.process_time()
        rates = tables(wanted[first : first + CHUNK], STEPS)
        making += time.process_time() - began
        floors.append(_steady(lambda rates=rates: [np.cumsum(r) for r in rates]))
        for own in known:
            spent[own.law.name] += cpu(lambda own=own, rates=rates: [final(own, r) for r in rates])
    case = f"{SCHEDULES:,} final losses, {STEPS:,} updates each"
    for name, took in spent.items():
        yield Row(f"predict by {name}, {case}", took, PREDICT_TARGET, took / sum(floors))
    yield Row(f"make their tables, {SCHEDULES:,} x {STEPS:,} rates", making, 0.0, making / sum(floors))


def growth() -> Iterator[Row]:
    """One schedule, longer and longer."""
    own = fit(LAWS[0], data_of(curves()))
    for steps in LENGTHS:
        rates = tables([f'wsd({PEAK}, warmup={WARMUP}, cooldown="40%", shape="1-sqrt")'], steps)[0]
        took, ratio = beside(lambda r=rates: [final(own, r) for _ in range(20)], lambda r=rates: np.cumsum(r), 5)
        yield Row(f"predict one of {steps:,} updates by {own.law.name}", took / 20, 0.0, ratio / 20)


def final(own: Fit, rates: FloatArray) -> float:
    """The loss at the end of a schedule."""
    return float(own.at(rates, [len(rates)], WARMUP)[0])


SECTIONS: dict[str, Callable[[], Iterator[Row]]] = {"fit": fits, "predict": predictions, "grow": growth}


def main(chosen: list[str]) -> None:
    """Time the chosen sections, or all, and print what they cost."""
    unknown = [name for name in chosen if name not in SECTIONS]
    if unknown:
        sys.exit(f"unknown section {unknown[0]}; there are {', '.join(SECTIONS)}")
    table = Table(title=f"CPU seconds; floor: numpy's cumsum of the same tables; numpy {np.__version__}")
    for column in ("case", "CPU", "target", "", "x floor"):
        table.add_column(column, justify="left" if column in ("case", "") else "right")
    for name in chosen or SECTIONS:
        for row in SECTIONS[name]():
            table.add_row(*row.cells())
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
