"""What a schedule costs: ratios to the bare operation and to the peers, all measured in one run.

    make bench                                every section
    python bench/schedules.py rates values    some of them: rates, values, far, imports, jit

Everything that a row compares is timed in turn, many times over; a ratio is the median over the repeats of the ratio
within a repeat, so a slow moment of the machine falls on both sides. Each row says the target and whether it was met;
nothing is asserted, and the command never fails for being slow.

    rates    ``scheduler.step()`` against an empty method that makes the same assignment and against torch's cosine.
             "with counting" adds the two hooks by which the optimizer's step counts an update: what an update costs
    values   previewing a run, ``bound.values()``, against the family's formula typed out in numpy
    far      the value at update 10^9 against the value at update 10, on one horizon
    imports  ``import lrdecay`` alone, and the first use of a schedule, each in processes of its own
    jit      a schedule inside ``jax.jit`` against optax's own
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch.optim.lr_scheduler import CosineAnnealingLR

from lrdecay import Horizon, parse
from lrdecay.adapters.torch import attach

STEPS = 1_000_000
FAR = 2 * 10**9

Method = Callable[[], Any]


class Row(NamedTuple):
    """One comparison: what was measured against what, the target, and how long one call of ours took."""

    case: str
    against: str
    ratio: float
    target: float | None  # None: reported, not promised
    at_least: bool
    seconds: float

    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        if self.target is None:
            target, verdict = "", ""
        else:
            met = self.ratio >= self.target if self.at_least else self.ratio <= self.target
            target, verdict = f"{'≥' if self.at_least else '≤'} {self.target:g}", "met" if met else "missed"
        unit, factor = next(u for u in (("s", 1), ("ms", 1e3), ("us", 1e6), ("ns", 1e9)) if self.seconds * u[1] >= 1)
        return self.case, self.against, f"{self.ratio:.3g}", target, verdict, f"{self.seconds * factor:.3g} {unit}"


def in_turn(methods: dict[str, Method], calls: int, repeats: int) -> dict[str, list[float]]:
    """Seconds per call of each, repeat by repeat; one loop per method, so that no two share an inline cache."""
    for method in methods.values():
        method()
    loops = {name: _loop() for name in methods}
    rounds = [{name: loops[name](method, calls) for name, method in methods.items()} for _ in range(repeats)]
    return {name: [row[name] for row in rounds] for name in methods}


def _loop() -> Callable[[Method, int], float]:
    def timed(method: Method, calls: int) -> float:
        start = time.perf_counter()
        for _ in itertools.repeat(None, calls):
            method()
        return (time.perf_counter() - start) / calls

    return timed


def ratio(over: list[float], under: list[float]) -> float:
    """The median of the ratios within a repeat."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


# ---- rates: scheduler.step() ----


class Floor:
    """The same assignments and nothing else."""

    def __init__(self, groups: list[dict[str, Any]], multipliers: list[float]) -> None:
        """Of one optimizer's groups."""
        self.group, self.groups, self.rate = groups[0], groups, 0.1
        self.multipliers = multipliers
        self.tensors = [group["lr"] for group in groups]
        self.new = [torch.tensor(multiplier) for multiplier in multipliers]

    def one(self) -> None:
        """One group."""
        self.group["lr"] = self.rate

    def alike(self) -> None:
        """Several groups with one rate."""
        rate = self.rate
        for group in self.groups:
            group["lr"] = rate

    def apart(self) -> None:
        """Several groups, each with its multiplier."""
        rate = self.rate
        for group, multiplier in zip(self.groups, self.multipliers):  # noqa: B905  (the floor checks nothing)
            group["lr"] = rate * multiplier

    def copy(self) -> None:
        """Several groups whose rates are tensors: one foreach copy of rates that are tensors already."""
        torch._foreach_copy_(self.tensors, self.new)


class Setting(NamedTuple):
    """Groups of one kind, and what is promised for them."""

    case: str
    ratios: list[float]
    tensors: bool
    floor: str  # the method of Floor
    floor_target: float
    torch_target: float


APART = [1 - i / 100 for i in range(50)]
SETTINGS = (
    Setting("step(), 1 group", [1.0], False, "one", 6, 10),
    Setting("step(), 50 groups, equal ratios", [1.0] * 50, False, "alike", 2, 20),
    Setting("step(), 50 groups, distinct ratios", APART, False, "apart", 2, 12),
    Setting("step(), 50 groups, tensor rates", APART, True, "copy", 1.3, 25),
)


def optimizer(ratios: list[float], *, tensors: bool) -> torch.optim.SGD:
    """One that has made an update, so that torch's scheduler does not warn."""
    groups = [
        {"params": [torch.nn.Parameter(torch.zeros(1))], "lr": torch.tensor(ratio) if tensors else ratio}
        for ratio in ratios
    ]
    made = torch.optim.SGD(groups, foreach=tensors or None)
    made.step()
    return made


def rates() -> Iterator[Row]:
    """Every kind of groups: against the floor, against torch, and with the hooks that count."""
    for case, ratios, tensors, bare, floor_target, torch_target in SETTINGS:
        floor = Floor(optimizer(ratios, tensors=tensors).param_groups, ratios)
        ours = attach(optimizer(ratios, tensors=tensors), "cosine(0.1)", Horizon(steps=STEPS))
        counted_optimizer = optimizer(ratios, tensors=tensors)
        counted = attach(counted_optimizer, "cosine(0.1)", Horizon(steps=STEPS))
        theirs_optimizer = optimizer(ratios, tensors=tensors)
        theirs = CosineAnnealingLR(theirs_optimizer, T_max=STEPS)
        theirs_optimizer.step()
        methods = {
            "floor": getattr(floor, bare),
            "ours": ours.step,
            "counted": _counting(counted_optimizer, counted.step),
            "torch": theirs.step,
        }
        took = in_turn(methods, calls=400 if len(ratios) == 1 else 40, repeats=201)
        seconds = statistics.median(took["ours"])
        what = "one foreach copy" if tensors else "the assignment" if len(ratios) == 1 else "the bare loop"
        yield Row(case, what, ratio(took["ours"], took["floor"]), floor_target, False, seconds)
        yield Row(case, "torch, times faster", ratio(took["torch"], took["ours"]), torch_target, True, seconds)
        counting = statistics.median(took["counted"])
        yield Row(f"{case}, with counting", what, ratio(took["counted"], took["floor"]), None, False, counting)


def _counting(driven: torch.optim.Optimizer, step: Method) -> Method:
    hooks = [*driven._optimizer_step_pre_hooks.values(), *driven._optimizer_step_post_hooks.values()]

    def counted() -> None:
        for hook in hooks:
            hook(driven, (), {})
        step()

    return counted


# ---- values: a whole run at once ----


def _cosine() -> Any:
    return 0.001 + (0.1 - 0.001) * (1 + np.cos(np.pi * np.arange(STEPS) / STEPS)) / 2


def _warm_cosine() -> Any:
    t = np.arange(STEPS)
    warm, rest = 0.1 * (t[:10_000] + 1) / 10_001, (t[10_000:] - 10_000) / (STEPS - 10_000)
    return np.concatenate([warm, 0.1 * (1 + np.cos(np.pi * rest)) / 2])


def _wsd() -> Any:
    t = np.arange(STEPS)
    warm, cool = 0.1 * (t[:20_000] + 1) / 20_001, (t[800_000:] - 800_000) / 200_000
    return np.concatenate([warm, np.full(780_000, 0.1), 0.1 * (1 - np.sqrt(cool))])


def _restarts() -> Any:
    return 0.1 * (1 + np.cos(np.pi * (np.arange(STEPS) % 10_000) / 10_000)) / 2


def _triangles() -> Any:
    return 0.01 + 0.09 * (1 - np.abs(np.arange(STEPS) % 10_000 / 5_000 - 1))


PREVIEWS: dict[str, Method] = {
    "linear(0.1)": lambda: 0.1 * (1 - np.arange(STEPS) / STEPS),
    "cosine(0.1, floor=0.001)": _cosine,
    "exponential(0.1, factor=0.99, every=1000)": lambda: 0.1 * 0.99 ** (np.arange(STEPS) / 1000),
    "inverse_time(0.1, rate=0.5, every=1000)": lambda: 0.1 / (1 + 0.5 * (np.arange(STEPS) / 1000)),
    "step(0.1, factor=0.5, every=10000)": lambda: 0.1 * 0.5 ** (np.arange(STEPS) // 10_000),
    "warmup(10000) + cosine(0.1)": _warm_cosine,
    'wsd(0.1, warmup=20000, cooldown=200000, shape="1-sqrt")': _wsd,
    "warm_restarts(0.1, first=10000)": _restarts,
    "triangular(0.01, high=0.1, half_cycle=5000)": _triangles,
}


def values() -> Iterator[Row]:
    """Previews of a million updates."""
    for spec, formula in PREVIEWS.items():
        bound = parse(spec).bind(Horizon(steps=STEPS))
        if not np.allclose(bound.values(), formula(), rtol=1e-9, atol=1e-12):
            msg = f"{spec} and its formula do not agree"
            raise AssertionError(msg)
        took = in_turn({"ours": bound.values, "formula": formula}, calls=1, repeats=15)
        yield Row(
            f"values(), {STEPS:,} steps of {spec}",
            "its formula in numpy",
            ratio(took["ours"], took["formula"]),
            3,
            False,
            statistics.median(took["ours"]),
        )


# ---- far: one value, early and late ----

FAMILIES = (
    "constant(0.1)",
    "linear(0.1)",
    "cosine(0.1)",
    "polynomial(0.1, power=2)",
    'step(0.1, factor=0.5, every="10%")',
    "step(0.1, factor=0.999999, every=7)",
    'step(0.1, factor=0.999999, every="0.333ep")',
    'multi_step(0.1, factor=0.5, at=["40%", "60%"])',
    'exponential(0.1, factor=0.5, every="10%")',
    'exponential(0.1, factor=0.999999, every="3ep", staircase=True)',
    "natural_exponential(0.1, rate=1e-9)",
    "inverse_time(0.1, rate=1e-6)",
    "inverse_sqrt(0.1, warmup=10)",
    "power(0.1, warmup=10, exponent=0.5)",
    'wsd(0.1, warmup="1%", cooldown="20%")',
    "warmup(5) + cosine(0.1)",
    "flat_cosine(0.1, flat=1000)",
    "halving(0.1)",
    "rex(0.1)",
    "tanh(0.1)",
    "k_decay(0.1, k=2)",
    'knee(0.1, warmup=10, explore="50%")',
    "slanted_triangular(0.1)",
    "one_cycle(0.1)",
    "warm_restarts(0.1, first=10)",
    'warm_restarts(0.1, first="0.333ep")',
    "warm_restarts(0.1, first=5, growth=2)",
    "warm_restarts(0.1, first=5, growth=1.01)",
    "warm_restarts(0.1, first=5, growth=1.5, shrink=0.9)",
    "triangular(0.01, high=0.1, half_cycle=4)",
    'triangular(0.01, high=0.1, half_cycle=4, scale="halve")',
    'piecewise([0.1, 0.2, 0.05], at=["30%", "60%"])',
    "0.5 * clamp(cosine(0.1), low=0.01)",
)


def far() -> Iterator[Row]:
    """Every family, at update 10^9 and at update 10."""
    horizon = Horizon(steps=FAR, steps_per_epoch=391)
    for spec in FAMILIES:
        bound = parse(spec).bind(horizon)
        took = in_turn({"far": lambda f=bound: f(10**9), "near": lambda f=bound: f(10)}, calls=20, repeats=51)
        slow = ratio(took["far"], took["near"])
        yield Row(f"f(10^9), {spec}", "f(10)", slow, 2, False, statistics.median(took["far"]))


# ---- imports: processes of their own ----

USE = "import lrdecay; lrdecay.parse('warmup(500) + cosine(0.1)').bind(lrdecay.Horizon(steps=10_000))(10)"
FRAMEWORKS = ("torch", "jax", "keras", "tensorflow", "optax", "numpy")


def _fresh(code: str) -> float:
    """Seconds that the code takes in a process of its own, its start not counted; bytecode is kept, as if installed."""
    clock = f"import time; start = time.perf_counter()\n{code}\nprint(time.perf_counter() - start)"
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run([sys.executable, "-c", clock], check=True, capture_output=True, text=True, env=kept)
    return float(done.stdout)


def imports() -> Iterator[Row]:
    """What a program pays before its first rate."""
    loaded = f"import lrdecay, sys; sys.exit(any(name in sys.modules for name in {FRAMEWORKS!r}))"
    brings = subprocess.run([sys.executable, "-c", loaded], check=False).returncode
    codes = {"use": USE, "floor": "import numpy, attrs", "alone": "import lrdecay"}
    took: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(25):
        for name, code in codes.items():
            took[name].append(_fresh(code))
    alone = statistics.median(took["alone"])
    what = "a framework or numpy is loaded!" if brings else "no framework, no numpy; ms"
    yield Row("import lrdecay", what, alone * 1000, 50, False, alone)
    use = statistics.median(took["use"])
    yield Row(
        "import, parse, bind, one value", "import numpy, attrs", ratio(took["use"], took["floor"]), 1.25, False, use
    )


# ---- jit: inside jax ----


def jit() -> Iterator[Row]:
    """A schedule as optax takes it, inside ``jax.jit``; nothing where the adapter or jax is not there."""
    if not all(importlib.util.find_spec(name) for name in ("jax", "optax", "lrdecay.adapters.optax")):
        return
    import jax
    import jax.numpy as jnp
    import optax

    from lrdecay.adapters.optax import schedule

    pairs = {
        "cosine(0.1)": optax.cosine_decay_schedule(0.1, STEPS),
        "warmup(10000) + cosine(0.1)": optax.warmup_cosine_decay_schedule(0.0, 0.1, 10_000, STEPS),
        "step(0.1, factor=0.5, every=10000)": optax.exponential_decay(0.1, 10_000, 0.5, staircase=True),
    }
    t = jnp.asarray(1234)

    def looped(function: Any) -> Method:
        """Ten thousand values in one compiled loop, so that it is the schedule that is timed and not the call."""
        total = jax.jit(lambda first: jax.lax.fori_loop(0, 10_000, lambda i, s: s + function(first + i), jnp.zeros(())))
        return lambda: total(t).block_until_ready()

    for spec, theirs in pairs.items():
        methods = {"ours": looped(schedule(spec, Horizon(steps=STEPS))), "optax": looped(theirs)}
        took = in_turn(methods, calls=5, repeats=51)
        seconds = statistics.median(took["ours"]) / 10_000
        yield Row(f"inside jax.jit, {spec}", "optax's own", ratio(took["ours"], took["optax"]), 1.2, False, seconds)


SECTIONS: dict[str, Callable[[], Iterator[Row]]] = {
    "rates": rates,
    "values": values,
    "far": far,
    "imports": imports,
    "jit": jit,
}


def main(chosen: list[str]) -> None:
    """Time the chosen sections, or all, and print the ratios."""
    unknown = [name for name in chosen if name not in SECTIONS]
    if unknown:
        sys.exit(f"unknown section {unknown[0]}; there are {', '.join(SECTIONS)}")
    torch.set_num_threads(1)
    table = Table(title=f"medians of ratios within one run; torch {torch.__version__}, numpy {np.__version__}")
    for column in ("case", "against", "ratio", "target", "", "one call"):
        table.add_column(column, justify="right" if column in ("ratio", "target", "one call") else "left")
    for name in chosen or SECTIONS:
        for row in SECTIONS[name]():
            table.add_row(*row.cells())
        table.add_section()
    Console().print(table)


if __name__ == "__main__":
    main(sys.argv[1:])
