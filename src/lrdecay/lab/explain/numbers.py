"""What the words and tables rest on: one number a seed, and whether it is clear of zero.

The rule, which stands on the page: a number is *clear* where its mean is farther from zero than its margin. The margin
is the larger of the half-width of Student's 95% interval over seeds and of two standard errors over held-out samples,
as far as they are known; where neither is, as with one seed of a script, nothing is clear.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen

from lrdecay.stats.intervals import t_quantile

__all__ = ["RULE", "Spread", "around", "found_at", "memorized", "spread_of"]

RULE = (
    "A number is called clear where its mean is farther from zero than the half-width of its 95% interval over seeds "
    "(Student's t) and than two standard errors over the held-out samples, as far as these are known. Of what is not "
    "clear, nothing is said."
)

Record = Mapping[str, Any]


@frozen
class Spread:
    """A number with one value a seed.

    Attributes:
        values: one a seed; None where it is not known.
        margin: what the mean must be farther from zero than to be clear; None where nothing says it.
    """

    values: tuple[float | None, ...]
    margin: float | None = None

    @property
    def known(self) -> list[float]:
        """The values there are."""
        return [v for v in self.values if v is not None]

    @property
    def mean(self) -> float | None:
        """Over seeds; None where no seed has a value."""
        return float(np.mean(self.known)) if self.known else None

    @property
    def clear(self) -> bool:
        """Whether it is clear of zero; see the module."""
        known = self.known
        if not known or len(known) < len(self.values) or self.margin is None:
            return False
        return abs(float(np.mean(known))) > self.margin

    def to_json(self) -> dict[str, Any]:
        """Values, mean, margin, and whether it is clear."""
        return {"values": list(self.values), "mean": self.mean, "margin": self.margin, "clear": self.clear}


def spread_of(values: Sequence[float | None], errors: Sequence[float | None] = ()) -> Spread:
    """One value a seed, with the standard error each has by itself, where it is known."""
    known = [v for v in values if v is not None and math.isfinite(v)]
    own = [e for e in errors if e is not None]
    margins: list[float] = []
    if own:
        margins.append(2 * math.sqrt(float(np.mean(np.square(own))) / len(own)))
    if len(known) > 1:
        margins.append(t_quantile(len(known), 0.95) * float(np.std(known, ddof=1)) / math.sqrt(len(known)))
    kept = tuple(v if v is not None and math.isfinite(v) else None for v in values)
    return Spread(kept, max(margins) if margins else None)


def found_at(curve: Mapping[str, Sequence[float | None]], name: str, step: int) -> float | None:
    """A column of a curve after so many updates; None where there is none."""
    if name not in curve or step not in curve["step"]:
        return None
    value = curve[name][list(curve["step"]).index(step)]
    return None if value is None else float(value)


def around(records: Sequence[Record], i: int, end: int) -> dict[str, Spread]:
    """What a cut gave, in the metric's good direction.

    Returns:
        "came", from the cut to the stage's end; "had", what of it the averaged weights of the branch that kept the rate
        had at the same update; "kept", what its raw weights had; "beyond" = came - had; "tilt" = had - beyond.
    """
    rows: dict[str, list[float | None]] = {name: [] for name in ("came", "had", "kept", "beyond", "tilt")}
    errors: dict[str, list[float | None]] = {name: [] for name in ("came", "had", "tilt")}
    for r in records:
        if i >= len(r["cuts"]):
            for column in rows.values():
                column.append(None)
            continue
        cut, metric, sign = r["cuts"][i], r["metric"], 1 if r["goal"] == "max" else -1
        before, after = found_at(r["curve"], metric, cut["at"]), found_at(r["curve"], metric, end)
        kept = found_at(cut["kept"], metric, end)
        averaged = found_at(cut["kept"], f"averaged {metric}", end)
        came, had = _minus(after, before, sign), _minus(averaged, before, sign)
        beyond = _minus(came, had, 1)
        rows["came"].append(came)
        rows["had"].append(had)
        rows["kept"].append(_minus(kept, before, sign))
        rows["beyond"].append(beyond)
        rows["tilt"].append(_minus(had, beyond, 1))
        learned = cut.get("learned", {}).get("heldout", {})
        own = learned.get("errors", {}) if metric == "accuracy" else {}
        smaller = math.sqrt(learned["samples"] / r["heldout"]) if own else 1.0
        for name, column in errors.items():
            column.append(own[name] * smaller if name in own else None)
    return {name: spread_of(values, errors.get(name, ())) for name, values in rows.items()}


def memorized(probes: Sequence[Record], bounds: Sequence[int]) -> list[dict[str, Spread]]:
    """Of each stage: shares fitted at its end, and how much of it came in the stage, of wrong and of clean labels."""
    found = []
    for start, end in itertools.pairwise(bounds):
        row: dict[str, Spread] = {}
        for name in ("wrong_fit", "clean_fit", "mended"):
            for label in (name, f"averaged {name}"):
                last = [found_at(p["curve"], label, end) for p in probes]
                first = [found_at(p["curve"], label, start) for p in probes]
                row[label] = spread_of(last)
                changes = [_minus(b, a, 1) for a, b in zip(first, last, strict=True)]
                errors = [_binomial(a, b, p.get("flipped", 0)) for a, b, p in zip(first, last, probes, strict=True)]
                row[f"{label} change"] = spread_of(changes, errors if name == "wrong_fit" else ())
        found.append(row)
    return found


def _binomial(a: float | None, b: float | None, count: int) -> float | None:
    """A standard error of b - a, were the two shares of other samples: more than that of the same ones."""
    if a is None or b is None or not count:
        return None
    return math.sqrt(max(a * (1 - a) + b * (1 - b), 1 / count) / count)


def _minus(one: float | None, other: float | None, sign: int) -> float | None:
    return None if one is None or other is None else sign * (one - other)
