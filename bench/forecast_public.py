"""Forecasts of public runs that were not fitted: `python -m bench.forecast_public CURVES` (some 2 CPU-minutes).

CURVES is a folder with ``luo2025/`` (github.com/thu-yao-01-luo/MultiPowerLaw, MIT) and ``schaipp2025_124m_lr1e-3/``
(github.com/fabian-sp/lr-scheduling, MIT), as CSV. Neither is in this repository.

Settings (priors, `lrdecay.losslaws.noise.MISSES`, the law's order, the intervals' factor) were chosen on Luo et al.'s
25M and 100M models and on the 124M model, so those rows say how well they could be chosen. The 400M model was looked at
once, after that.

Printed, per set of fitted logs, of the schedules that were not fitted (`bench.forecast_scores` says what each is):

    1. finals, intervals and whole curves, and what the cosine is worse by than WSD, predicted and observed
    2. the 124M model: level and ranking at 50,000 updates, from logs that end at 30%, 50% and 100% of them
    3. the 124M model: regret of the recommended linear cooldown, mean over 15k, 25k, 35k and 50k updates, beside a
       fixed length; by the mean of the last three losses, and by the last

Five runs of the 124M model that logged gradient norms are reruns of four of its schedules and one more; they are scored
with the others, and are groups of their own.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from bench.forecast_scores import of_length, regret, scores, trunks

from lrdecay.logs.joining import begins, joined
from lrdecay.logs.reading import read_curves
from lrdecay.losslaws.curve import Curve
from lrdecay.losslaws.forecaster import Forecaster, forecaster

__all__ = ["cooldowns_of", "luo", "main", "schaipp"]

LUO = {
    "paper: constant, cosine, two stages": ("constant_24000", "cosine_24000", "wsdcon_9"),
    "constant, cosine": ("constant_24000", "cosine_24000"),
    "constant, cooldown": ("constant_24000", "wsdld_20000_24000"),
    "cosine alone": ("cosine_24000",),
}
REFERENCE = {"25m": (0.9988, 0.0038), "100m": (0.9983, 0.0038), "400m": (0.9978, 0.0048)}
"""R2 and MAE of Luo et al.'s repository, to its own figures."""

TRUNK = "stable-124m_sched_wsd_warmup300_decay_linear_0.0_iter50000"
SHORT = "ann124-0.2_sched_wsd_warmup300_decay_linear_0.2_iter15000"
COSINE = "cos-zero-124m_sched_cos_warmup300_decay_sqrt_0.0_iter25000"
RERUN = "grad_norm__"
SCHAIPP = {
    "constant, 20% of 15k": {TRUNK: 1.0, SHORT: 1.0},
    "constant, cosine of 25k": {TRUNK: 1.0, COSINE: 1.0},
    "constant until 6k, cosine of 25k": {TRUNK: 0.12, COSINE: 1.0},
    "cosine of 25k alone": {COSINE: 1.0},
}
"""Runs, and how much of each."""
HORIZONS, SHARES, CUTS = (15_000, 25_000, 35_000, 50_000), (10, 20, 40, 60, 80, 90), (0.3, 0.5, 1.0)

HEADS = ["final", "bias", "pairs", "within", "groups", "grouped", "width", "interval"]
HEADS += ["order", "same", "ordered", "between", "R2", "MAE"]
DIGITS = {"within": 2, "grouped": 2, "groups": 0, "order": 2, "same": 2, "ordered": 2, "between": 2}


def luo(folder: Path, size: str) -> dict[str, Curve]:
    """A model's nine runs; warmup 2,160 updates."""
    found = {}
    for path in sorted((folder / "luo2025").glob(f"{size}_*.csv")):
        (reading,) = read_curves(path, loss="loss", warmup=2160)
        found[path.stem.split("_", 1)[1]] = reading.curve
    return found


def schaipp(folder: Path) -> dict[str, Curve]:
    """The 124M model's runs; branches with the rates of their trunk before. Reruns begin with "grad_norm"."""
    paths = sorted((folder / "schaipp2025_124m_lr1e-3").glob("*.csv"))
    read = {p.stem: read_curves(p, loss="val_loss", warmup=300)[0] for p in paths}
    return {n: (joined(r, read[_trunk(n)]) if begins(r) else r).curve for n, r in read.items()}


def _trunk(name: str) -> str:
    return RERUN + TRUNK if name.startswith(RERUN) else TRUNK


def cooldowns_of(curves: Mapping[str, Curve]) -> list[dict[str, Curve]]:
    """The 124M model's linear cooldowns by length, one mapping for each horizon."""
    found = []
    for steps in HORIZONS:
        named = {
            f"{s}%": f"ann124-{s / 100:g}_sched_wsd_warmup300_decay_linear_{s / 100:g}_iter{steps}" for s in SHARES
        }
        found.append({n: curves[own] for n, own in named.items() if own in curves})
    return found


def main(folder: Path, sizes: Sequence[str] = ("25m", "100m", "400m")) -> None:
    """Print every row."""
    _table("logs", "law", *HEADS)
    for size in sizes:
        curves = luo(folder, size)
        for what, shown in LUO.items():
            made = _row(f"{size}: {what}", curves, shown)
            if what.startswith("paper"):
                _gap(made, curves, size)
    curves = schaipp(folder)
    made_of = {}
    for what, own in SCHAIPP.items():
        made_of[what] = _row(f"124m: {what}", {**curves, **_cut(curves, own)}, [*own], trunks(curves))
    _levels(curves)
    _regrets(curves, made_of)


def _levels(curves: Mapping[str, Curve]) -> None:
    """What the runs of the longest horizon end at, from logs that end before."""
    target = max(HORIZONS)
    print()
    _table(
        f"124m: what {target:,} updates end at, from",
        "final",
        "bias",
        "pairs",
        "same",
        "ordered",
        "between",
        "within",
        "width",
    )
    for what, shown in SCHAIPP.items():
        for share in CUTS:
            cut = {n: _until(c, round(share * target)) for n, c in _cut(curves, shown).items()}
            made = forecaster(list(cut.values()))
            found = scores(made, {**of_length(curves, target), **cut}, [*cut])
            _print(f"{what}, until {share:.0%}", found, "final bias pairs same ordered between within width")


def _cut(curves: Mapping[str, Curve], shown: Mapping[str, float]) -> dict[str, Curve]:
    return {n: _until(curves[n], round(share * len(curves[n].rates))) for n, share in shown.items()}


def _until(curve: Curve, step: int) -> Curve:
    return curve if curve.last <= step else curve.until(step)


def _regrets(curves: Mapping[str, Curve], made_of: Mapping[str, Forecaster]) -> None:
    """Of cooldowns, by how each is chosen."""
    choices, ways = cooldowns_of(curves), ("lowest", "choice", "followed", "decided")
    print()
    _table("124m: regret of a cooldown, from", *(w for way in ways[:3] for w in (way, "(last loss)")), "decided")
    for what, made in made_of.items():
        log = "20%" if SHORT in SCHAIPP[what] else None
        means, lasts = (regret(made, choices, last=n, log=log) for n in (3, 1))
        cells = [f"{found[way]:.4f}" for way in ways[:3] for found in (means, lasts)]
        print(" | ".join([what, *cells, f"{means['decided']:.0%}"]), flush=True)
    for share in SHARES:
        print(f"always {share}% | {means[f'{share}%']:.4f} | {lasts[f'{share}%']:.4f}")


def _row(
    what: str, curves: Mapping[str, Curve], shown: Sequence[str], groups: Mapping[str, str] | None = None
) -> Forecaster:
    made = forecaster([curves[name] for name in shown])
    _print(f"{what} | {made.law.fit.law.name}", scores(made, curves, shown, groups=groups), " ".join(HEADS))
    return made


def _table(*heads: str) -> None:
    print(" | ".join(heads), " | ".join("---" for _ in heads), sep="\n")


def _print(what: str, found: Mapping[str, float], names: str) -> None:
    print(" | ".join([what, *(f"{found[n]:.{DIGITS.get(n, 4)}f}" for n in names.split())]), flush=True)


def _gap(made: Forecaster, curves: Mapping[str, Curve], size: str) -> None:
    """The cosine's final loss minus the WSD's, predicted and observed, at the last step that both have."""
    one, two = curves["cosine_24000"], curves["wsd_20000_24000"]
    step = min(one.last, two.last)
    said = [float(made.curve(c.rates, [step], c.warmup)[0]) for c in (one, two)]
    seen = [float(np.interp(step, c.steps, c.losses)) for c in (one, two)]
    r2, mae = REFERENCE[size]
    print(
        f"  cosine minus WSD: predicted {said[0] - said[1]:.4f}, observed {seen[0] - seen[1]:.4f};"
        f" reference R2 {r2}, MAE {mae}"
    )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        msg = "python -m bench.forecast_public CURVES: name the folder of the public curves"
        raise SystemExit(msg)
    main(Path(sys.argv[1]), tuple(sys.argv[2:]) or ("25m", "100m", "400m"))
