"""A hundred thousand random specs, valid and mangled, are read, bound and evaluated; all errors are ours."""

from __future__ import annotations

import inspect
import json
import sys
from collections import Counter

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, Schedule, from_json
from lrdecay.schedule.base import FAMILIES
from lrdecay.schedule.notation import parse, parse_spec

COUNT = 100_000
HORIZONS = [
    Horizon(steps=1),
    Horizon(steps=100),
    Horizon(steps=997, steps_per_epoch=31),
    Horizon(epochs=7.3, samples_per_epoch=1001, batch_size=64, tokens_per_step=2048),
    Horizon(steps=10**9, samples_per_epoch=50_000, batch_size=128, tokens_per_step=2**22),
]
PEAKS = ["0.1", "1", "3e-4", "1e-300", "1e300", "2", "7"]
SHARES = ["0.5", "0.999", "1", "0.1", "1e-12"]
FACTORS = ["1.5", "2", "25", "1", "4"]
DURATIONS = ["1", "5", "60", "10", '"10%"', '"30%"', '"2ep"', '"0.5ep"', '"1e5tok"', '"333samples"']
LISTS = ["[10, 20]", "[5]", '["20%", "70%"]', '[3, "2ep", "90%"]']
RATES = ["[0.1, 0.01, 0.001]", "[0.1, 0]", "[0.1, 0.3, 0, 1e-5]"]
WORDS = ['"linear"', '"cosine"', '"1-sqrt"', '"square"', '"exponential"', '"power"', '"constant"', '"halve"', '"exp"']
SWITCH = ["True", "False"]
FLOORS = ["0", "1e-310", "1e-5"]
WRONG = [
    "0",
    "-1",
    "1e999",
    "nan",
    "2.5",
    '"3e2"',
    "[20, 10]",
    "[]",
    '"nonsense"',
    "True",
    "peak",
    "None",
    "[[1]]",
    "1j",
]
WHOLE = ["peak", "warmup", "over=", "__import__('os')", "é", "\x00", "9" * 400]
SIGNS = [*"()[]{}=,+*-@.'\"0123456789eE%x \t\n\\#:;", *WHOLE]
WITH = {
    **dict.fromkeys(("schedule", "parts"), None),
    **dict.fromkeys(
        ("over", "every", "warmup", "cooldown", "first", "half_cycle", "cut", "explore", "flat"), DURATIONS
    ),
    **dict.fromkeys(("factor", "shrink", "gamma"), SHARES),
    **dict.fromkeys(("growth", "start_div", "end_div", "ratio", "power", "exponent", "k"), FACTORS),
    **dict.fromkeys(("shape", "scale", "by"), WORDS),
    **dict.fromkeys(("staircase", "three_phase", "carry"), SWITCH),
    **dict.fromkeys(("floor", "low"), FLOORS),
    "values": RATES,
    "at": LISTS,
}


class Writer:
    """Writes specs: mostly what could be meant, sometimes not."""

    def __init__(self, seed: int) -> None:
        self.draw = np.random.default_rng(seed)
        self.names = sorted(n for n in FAMILIES if n not in ("then", "join", "warmup"))

    def one(self, options: list[str]) -> str:
        return options[int(self.draw.integers(len(options)))]

    def argument(self, name: str, depth: int) -> str:
        if self.draw.random() < 0.02:
            return self.one(WRONG)
        options = WITH.get(name, PEAKS)
        return self.schedule(depth + 1) if options is None else self.one(options)

    def leaf(self, depth: int) -> str:
        name = self.one(self.names)
        given = []
        for p in inspect.signature(FAMILIES[name]).parameters.values():
            needed = p.default is inspect.Parameter.empty
            if needed or self.draw.random() < 0.3:
                if p.kind is p.VAR_POSITIONAL:
                    given += [self.argument(p.name, depth), self.argument(p.name, depth)]
                else:
                    given.append(f"{p.name}={self.argument(p.name, depth)}")
        return f"{name}({', '.join(given)})"

    def schedule(self, depth: int = 0) -> str:
        kind = self.draw.random()
        if depth > 2 or kind < 0.6:
            return self.leaf(depth)
        if kind < 0.75:
            return f"warmup({self.one(DURATIONS)}) + {self.schedule(depth + 1)}"
        if kind < 0.85:
            return f"constant(0.1, over={self.one(DURATIONS)}) + {self.schedule(depth + 1)}"
        if kind < 0.93:
            return f"join({self.schedule(depth + 1)}, {self.schedule(depth + 1)}, at=[{self.one(DURATIONS)}])"
        return f"{self.one(PEAKS)} * {self.leaf(depth)}"

    def mangled(self, text: str) -> str:
        letters = list(text)
        for _ in range(int(self.draw.integers(1, 4))):
            at = int(self.draw.integers(len(letters) + 1))
            letters[at : at + int(self.draw.integers(0, 3))] = [self.one(SIGNS)] if self.draw.random() < 0.7 else []
        return "".join(letters)


def steps(n: int) -> np.ndarray:
    return np.unique(np.array([0, 1, n // 3, n // 2, n - 1, n, n + 1, 10**12], dtype=np.int64))


def tried(schedule: Schedule, horizon: Horizon, text: str) -> tuple[str, str]:
    """What is said of it, and what happened to it."""
    assert parse(repr(schedule)) == schedule, text
    assert from_json(json.loads(json.dumps(schedule.to_json()))) == schedule, text
    try:
        rates = schedule.bind(horizon)(steps(horizon.steps))
    except InputError as problem:
        return str(problem), "refused on the horizon"
    assert rates.dtype == np.float64, text
    assert np.isfinite(rates).all(), text
    assert (rates >= 0).all(), text
    return "", "evaluated"


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_specs_give_rates_or_our_own_error() -> None:
    writer, seen, families = Writer(20261122), Counter(), Counter()
    for i in range(COUNT):
        text = writer.schedule()
        if i % 3 == 0:
            text = writer.mangled(text)
        try:
            schedule = parse_spec(text).schedule
        except InputError as problem:
            said, what = str(problem), "refused when read"
        else:
            said, what = tried(schedule, HORIZONS[i % len(HORIZONS)], text)
        assert "\n" not in said, text
        seen[what] += 1
        if what == "evaluated":
            families[type(schedule).__name__] += 1
    sys.stderr.write(f"\n{COUNT} specs: {dict(seen)}; {len(families)} kinds evaluated\n")
    assert min(seen.values()) > COUNT // 50
    assert set(families) >= set(writer.names)
