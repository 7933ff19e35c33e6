"""From what workers recorded, one record a seed, to what the page, the table and the JSON say. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lrdecay.lab.explain import words
from lrdecay.lab.explain.numbers import RULE, Spread, around, found_at, memorized, spread_of
from lrdecay.lab.explain.stages import Stages
from lrdecay.lab.instruments.oscillation import flips_of_noise

__all__ = ["findings"]

Record = Mapping[str, Any]


def findings(
    stages: Stages, records: Sequence[Record], probes: Sequence[Record], missing: Sequence[Mapping[str, str]]
) -> dict[str, Any]:
    """Everything that is said, as JSON.

    Args:
        stages: of the run.
        records: one a seed, as `lrdecay.lab.explain.watch.following.followed` gives them.
        probes: one a seed, of the runs with wrong labels; none where there are none.
        missing: what could not be had: "what", "why", "cure".
    """
    first = records[0]
    names = _names(stages)
    cuts = [_cut(stages, records, i) for i in range(len(stages.cuts))]
    rows = [_stage(stages, records, i, names[i]) for i in range(len(names))]
    found: dict[str, Any] = {
        "rule": {"stages": stages.rule, "clear": RULE},
        "metric": first["metric"],
        "goal": first["goal"],
        "batch": first["batch"],
        "optimizer": first["optimizer"],
        "momentum": first["momentum"],
        "stages": rows,
        "cuts": cuts,
        "missing": [dict(m) for m in missing],
        "diverged": {str(r["seed"]): r["diverged"] for r in records if r["diverged"] is not None},
        "residual": max(_residuals(records), default=None),
        "notes": [],
    }
    if probes:
        shares = memorized(probes, stages.bounds)
        found["memory"] = {
            "says": words.memory(shares, names),
            "samples": probes[0]["flipped"],
            "stages": [{k: v.to_json() for k, v in row.items()} for row in shares],
            "diverged": {str(p["seed"]): p["diverged"] for p in probes if p["diverged"] is not None},
        }
    else:
        found["memory"] = None
    return found


def _residuals(records: Sequence[Record]) -> list[float]:
    sides = [c[side]["off"] for r in records for c in r["cuts"] for side in ("before", "after")]
    return [float(off) for off in sides if off is not None]


def _names(stages: Stages) -> list[str]:
    return [f"stage {i + 1}" for i in range(len(stages.cuts) + 1)]


def _stage(stages: Stages, records: Sequence[Record], i: int, name: str) -> dict[str, Any]:
    start, end = stages.bounds[i], stages.bounds[i + 1]
    metric = records[0]["metric"]
    row: dict[str, Any] = {"name": name, "start": start, "end": end}
    for label in (metric, f"averaged {metric}"):
        row["averaged" if label != metric else "raw"] = spread_of(
            [found_at(r["curve"], label, end) for r in records]
        ).to_json()
    each = [r["first"] if i == 0 else r["cuts"][i - 1].get("learned", {}) for r in records if i <= len(r["cuts"])]
    sets = sorted({name for one in each for name in one})
    row["learned"] = {name: _summed([one[name] for one in each if name in one]) for name in sets}
    row["says"] = [f"On {_SETS[name]}, {words.learned(counts)}" for name, counts in row["learned"].items()]
    return row


_SETS = {"heldout": "held-out data", "train": "training data", "probe": "the probed samples"}


def _summed(counts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Counts over all seeds; a sample counts once a seed."""
    names = [name for name, value in counts[0].items() if isinstance(value, int)]
    return {name: sum(int(c[name]) for c in counts) for name in names}


def _cut(stages: Stages, records: Sequence[Record], i: int) -> dict[str, Any]:
    cut, first = stages.cuts[i], records[0]
    split = around(records, i, cut.end)
    there = [r["cuts"][i] for r in records if i < len(r["cuts"])]
    momentum = first["momentum"]
    sides = {side: _side([c[side] for c in there], momentum) for side in ("before", "after")}
    less = spread_of(
        [_minus(c["before"]["flips"], c["after"]["flips"]) for c in there],
        [_two(c["before"], c["after"]) for c in there],
    )
    sides["before"]["less"] = less
    reasons = sorted({c[side]["why"] for c in there for side in ("before", "after") if c[side]["why"]})
    return {
        "at": cut.at,
        "end": cut.end,
        "says": cut.says,
        "rate_before": cut.before,
        "rate_after": cut.after,
        "split": {name: spread.to_json() for name, spread in split.items()},
        "gained": words.gained(split, cut.says, first["metric"]),
        "oscillation": words.oscillation(sides["before"], sides["after"], momentum) + _because(reasons),
        "edge": 2 * (1 + momentum) if momentum is not None else None,
        "updates": there[0]["before"]["updates"] if there else 0,
        **{f"{side}": {name: s.to_json() for name, s in row.items()} for side, row in sides.items()},
        "scaled": {
            side: spread_of([_times(c[side]["sharp"], rate) for c in there]).to_json()
            for side, rate in (("before", cut.before), ("after", cut.after))
        },
        "noise": {
            side: {
                "seeds": [c[f"noise_{side}"] for c in there],
                "says": [words.noise(c[f"noise_{side}"], first["batch"], _BATCHES) for c in there],
            }
            for side in ("before", "after")
        },
    }


_BATCHES = 64


def _because(reasons: Sequence[str]) -> str:
    return f" The reason: {'; '.join(reasons)}." if reasons else ""


def _side(rows: Sequence[Mapping[str, Any]], momentum: float | None) -> dict[str, Spread]:
    """One side of a cut over the seeds."""
    white = flips_of_noise(momentum) if momentum is not None else 0.5
    over = [None if r["flips"] is None else r["flips"] - white for r in rows]
    return {
        "sharp": spread_of([r["sharp"] for r in rows]),
        "residual": spread_of([r["off"] for r in rows]),
        "flips": spread_of([r["flips"] for r in rows]),
        "random": spread_of([r["random"] for r in rows]),
        "turned": spread_of([r["turned"] for r in rows]),
        "over noise": spread_of(over, [_one(r) for r in rows]),
    }


def _one(row: Mapping[str, Any]) -> float | None:
    """A standard error of a flip rate: pairs that share an update count half."""
    if row["flips"] is None or row["updates"] < 4:
        return None
    flips, pairs = row["flips"], (row["updates"] - 1) / 2
    return math.sqrt(max(flips * (1 - flips), 1 / pairs) / pairs)


def _two(before: Mapping[str, Any], after: Mapping[str, Any]) -> float | None:
    ends = [_one(before), _one(after)]
    return None if None in ends else math.hypot(*(e for e in ends if e is not None))


def _minus(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other


def _times(one: float | None, rate: float) -> float | None:
    return None if one is None else one * rate
