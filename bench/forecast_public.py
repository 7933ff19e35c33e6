"""Forecasts of public runs that were not fitted: `python -m bench.forecast_public CURVES` (some 2 CPU-minutes).

CURVES is a folder with ``luo2025/`` (github.com/thu-yao-01-luo/MultiPowerLaw, MIT) and ``schaipp2025_124m_lr1e-3/``
(github.com/fabian-sp/lr-scheduling, MIT), as CSV. Neither is in this repository.

Settings (priors, `lrdecay.losslaws.noise.MISSES`, the law's order, the intervals' factor) were chosen on Luo et al.'s
25M and 100M models and on the 124M model, so those rows say how well they could be chosen. The 400M model was looked at
once, after that.

Scores, of schedules that were not fitted, per set of fitted logs:

    final      mean |predicted - observed| of the final loss (mean of the last three logged)
    pairs      the same of the differences of any two schedules
    within     share of finals inside their 90% intervals, and the intervals' median width
    order      Spearman's rank correlation
    R2, MAE    over whole curves, as Luo et al. report, the mean over curves
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from scipy.stats import spearmanr

from lrdecay.logs.joining import begins, joined
from lrdecay.logs.reading import read_curves
from lrdecay.losslaws.curve import Curve
from lrdecay.losslaws.forecaster import Forecaster, forecaster

__all__ = ["luo", "main", "schaipp", "scores"]

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


def luo(folder: Path, size: str) -> dict[str, Curve]:
    """A model's nine runs; warmup 2,160 updates."""
    found = {}
    for path in sorted((folder / "luo2025").glob(f"{size}_*.csv")):
        (reading,) = read_curves(path, loss="loss", warmup=2160)
        found[path.stem.split("_", 1)[1]] = reading.curve
    return found


def schaipp(folder: Path) -> dict[str, Curve]:
    """The 124M model's runs but those of other seeds; branches with the rates of their trunk before."""
    paths = sorted((folder / "schaipp2025_124m_lr1e-3").glob("*.csv"))
    read = {p.stem: read_curves(p, loss="val_loss", warmup=300)[0] for p in paths if not p.stem.startswith("grad_norm")}
    trunk = read[TRUNK]
    found = {}
    for name, reading in read.items():
        found[name] = (joined(reading, trunk) if begins(reading) else reading).curve
    return found


def scores(made: Forecaster, curves: Mapping[str, Curve], shown: Sequence[str]) -> dict[str, float]:
    """What a forecaster is worth on the curves that it was not shown."""
    hidden = [c for name, c in curves.items() if name not in shown]
    actual = np.array([c.losses[-3:].mean() for c in hidden])
    said = [made.predict(c.rates[: c.last], c.warmup) for c in hidden]
    loss = np.array([p.loss for p in said])
    i, j = np.triu_indices(len(hidden), 1)
    inside = [p.low <= a <= p.high for p, a in zip(said, actual, strict=True)]
    whole = [made.curve(c.rates, c.steps, c.warmup) for c in hidden]
    r2 = [
        1 - np.sum((w - c.losses) ** 2) / np.sum((c.losses - c.losses.mean()) ** 2)
        for w, c in zip(whole, hidden, strict=True)
    ]
    return {
        "final": float(np.abs(loss - actual).mean()),
        "pairs": float(np.abs((loss[i] - loss[j]) - (actual[i] - actual[j])).mean()),
        "within": float(np.mean(inside)),
        "width": float(np.median([p.high - p.low for p in said])),
        "order": float(spearmanr(loss, actual)[0]),
        "R2": float(np.mean(r2)),
        "MAE": float(np.mean([np.abs(w - c.losses).mean() for w, c in zip(whole, hidden, strict=True)])),
    }


def main(folder: Path, sizes: Sequence[str] = ("25m", "100m", "400m")) -> None:
    """Print every row."""
    print("logs | law | final | pairs | within | width | order | R2 | MAE")
    print("--- | --- | --- | --- | --- | --- | --- | --- | ---")
    for size in sizes:
        curves = luo(folder, size)
        for what, shown in LUO.items():
            made = _row(f"{size}: {what}", curves, shown)
            if what.startswith("paper"):
                _gap(made, curves, size)
    curves = schaipp(folder)
    for what, shown in {
        "constant, 20% of 15k": (TRUNK, SHORT),
        "constant, cosine of 25k": (TRUNK, COSINE),
        "cosine of 25k alone": (COSINE,),
    }.items():
        _row(f"124m: {what}", curves, shown)
    for share in (0.3, 0.5):
        cut = {n: c for n, c in curves.items() if n not in (TRUNK, SHORT)} | {
            TRUNK: curves[TRUNK].until(round(share * 50000)),
            SHORT: curves[SHORT],
        }
        _row(f"124m: constant until {share:.0%} of 50k, 20% of 15k", cut, (TRUNK, SHORT))


def _row(what: str, curves: Mapping[str, Curve], shown: Sequence[str]) -> Forecaster:
    made = forecaster([curves[name] for name in shown])
    found = scores(made, curves, shown)
    numbers = f"{found['final']:.4f} | {found['pairs']:.4f} | {found['within']:.2f} | {found['width']:.4f}"
    law = made.law.fit.law.name
    print(f"{what} | {law} | {numbers} | {found['order']:.2f} | {found['R2']:.4f} | {found['MAE']:.4f}", flush=True)
    return made


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
