"""What a forecaster is worth on runs that it was not shown: level, intervals, ranking, and the regret of its advice.

The observed final loss of a run is the mean of its last three logged losses, or of its last ``last``; the predicted one
is the mean of what is predicted at the same steps, for in a short cooldown the loss still falls between them.

    final      mean |predicted - observed| of the final loss
    bias       mean (predicted - observed) of it: a level that is off moves all alike and ranks none wrong
    pairs      mean error of the differences of any two finals
    within     share of finals inside their 90% intervals
    groups     how many independent groups the runs are of: branches of one trunk, one seed and one peak are one
    grouped    the mean over groups of the share inside, so that a trunk of many branches counts once
    width      the intervals' median width
    interval   mean interval score, (high - low) + (2/alpha) (what the observed lies outside by), alpha = .1; smaller is
               better, and nothing but the true quantiles has the least (Gneiting and Raftery, 2007, JASA 102:359)
    order      Spearman's rank correlation over all runs; lengths differ, which is the easy part
    same       the mean of it over lengths, among the runs that decay for one length
    ordered    share of pairs of one length, both decaying, whose order was right
    between    share of these pairs whose observed difference is inside its 90% interval
    R2, MAE    over whole curves, the mean over curves
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
from attrs import evolve
from scipy.stats import spearmanr

from lrdecay.losslaws.candidates import Family
from lrdecay.losslaws.curve import Curve, decays
from lrdecay.losslaws.forecaster import Forecaster, Prediction
from lrdecay.losslaws.recommending import recommend

__all__ = ["ALPHA", "final", "of_length", "regret", "scores", "trunks"]

ALPHA = 0.1
_LENGTH = 0.02  # relative; by how much lengths may differ that are one


def scores(
    forecaster: Forecaster,
    curves: Mapping[str, Curve],
    shown: Sequence[str],
    *,
    groups: Mapping[str, str] | None = None,
    last: int = 3,
) -> dict[str, float]:
    """See the module; nan where there is nothing to score.

    Args:
        forecaster: of the shown curves.
        curves: by name, all of the forecaster's peak.
        shown: names that are not scored.
        groups: of each name; None: `trunks`.
        last: logged losses whose mean is a final loss.
    """
    names = [n for n in curves if n not in shown]
    hidden = [curves[n] for n in names]
    of = trunks(curves) if groups is None else groups
    seen = np.array([final(c, last) for c in hidden])
    said = [_at_the_end(forecaster, c, last) for c in hidden]
    loss = np.array([p.loss for p in said])
    i, j = np.triu_indices(len(hidden), 1)
    inside = np.array([p.low <= a <= p.high for p, a in zip(said, seen, strict=True)])
    of_group = [np.mean([inside[k] for k, n in enumerate(names) if of[n] == g]) for g in {of[n] for n in names}]
    whole = [forecaster.curve(c.rates, c.steps, c.warmup) for c in hidden]
    return {
        "final": float(np.abs(loss - seen).mean()),
        "bias": float((loss - seen).mean()),
        "pairs": float(np.abs((loss[i] - loss[j]) - (seen[i] - seen[j])).mean()),
        "within": float(inside.mean()),
        "groups": float(len(of_group)),
        "grouped": float(np.mean(of_group)),
        "width": float(np.median([p.high - p.low for p in said])),
        "interval": float(np.mean([_interval(p, a) for p, a in zip(said, seen, strict=True)])),
        "order": _rank(loss, seen),
        **_ranked(forecaster, hidden, said, seen),
        "R2": float(np.mean([_r2(w, c) for w, c in zip(whole, hidden, strict=True)])),
        "MAE": float(np.mean([np.abs(w - c.losses).mean() for w, c in zip(whole, hidden, strict=True)])),
    }


def regret(
    forecaster: Forecaster, choices: Sequence[Mapping[str, Curve]], *, last: int = 3, log: str | None = None
) -> dict[str, float]:
    """What is lost by a way of choosing: observed final loss of what it chose less the least observed; means.

    Args:
        forecaster: of other runs, or of some of these.
        choices: schedules to choose among, by name, one mapping for each horizon.
        last: logged losses whose mean is a final loss.
        log: the name of the schedule that was logged, which is kept where nothing is recommended.

    Returns:
        ``lowest``, of what is predicted lowest; ``choice``, of what `recommend` would choose among these; ``decided``,
        the share of horizons where it says so; ``followed``, of the choice where it is recommended and of the log
        elsewhere, horizons left out that hold no log; and each name's own regret, always taken, over the horizons
        that hold it. A mean over none is nan.
    """
    lost: dict[str, list[float]] = {k: [] for k in ("lowest", "choice", "decided", "followed")}
    for among in choices:
        seen = {n: final(c, last) for n, c in among.items()}
        least = min(seen.values())
        made = [Family(n, c.rates[: c.last], c.warmup) for n, c in among.items()]
        said = {f.spec: forecaster.predict(f.rates, f.warmup).loss for f in made}
        base = next((f for f in made if f.spec == log), None)
        advice = recommend(forecaster, len(made[0].rates), warmup=made[0].warmup, baseline=base, among=made)
        lost["lowest"].append(seen[min(said, key=said.__getitem__)] - least)
        lost["choice"].append(seen[advice.choice] - least)
        lost["decided"].append(float(advice.spec is not None))
        if advice.spec is not None or base is not None:
            lost["followed"].append(seen[advice.spec or advice.baseline] - least)
        for n in seen:
            lost.setdefault(n, []).append(seen[n] - least)
    return {n: _mean(found) for n, found in lost.items()}


def final(curve: Curve, last: int = 3) -> float:
    """The mean of a run's last logged losses."""
    return float(curve.losses[-last:].mean())


def of_length(curves: Mapping[str, Curve], steps: int) -> dict[str, Curve]:
    """The runs of one horizon, which may have logged their last loss a little before it."""
    return {n: c for n, c in curves.items() if abs(len(c.rates) - steps) <= _LENGTH * steps}


def trunks(curves: Mapping[str, Curve]) -> dict[str, str]:
    """The group of every run: of one trunk are those of which one began with a loss that the other had at that step.

    Rates must be the same up to there. A group has the name of its first run.
    """
    found = {n: n for n in curves}
    for a, b in combinations(curves, 2):
        one, two = sorted((curves[a], curves[b]), key=lambda c: int(c.steps[0]))
        at = int(two.steps[0])
        there = np.flatnonzero(one.steps == at)
        alike = len(one.rates) >= at and np.allclose(one.rates[:at], two.rates[:at], rtol=1e-3)
        if alike and len(there) and one.losses[there[0]] == two.losses[0]:
            old, new = found[b], found[a]
            found = {n: new if g == old else g for n, g in found.items()}
    return found


def _at_the_end(forecaster: Forecaster, curve: Curve, last: int) -> Prediction:
    """Moved from the last step to the mean of the last few; the interval keeps its width."""
    p = forecaster.predict(curve.rates[: curve.last], curve.warmup)
    off = float(forecaster.curve(curve.rates, curve.steps[-last:], curve.warmup).mean()) - p.loss
    return evolve(p, loss=p.loss + off, low=p.low + off, high=p.high + off, members=p.members + off)


def _interval(p: Prediction, observed: float) -> float:
    outside = max(p.low - observed, 0.0) + max(observed - p.high, 0.0)
    return p.high - p.low + 2 / ALPHA * outside


def _ranked(
    forecaster: Forecaster, hidden: Sequence[Curve], said: Sequence[Prediction], seen: np.ndarray
) -> dict[str, float]:
    """Among decaying runs of one length."""
    lengths: list[list[int]] = []
    for k in (k for k, c in enumerate(hidden) if decays(c)):
        n = len(hidden[k].rates)
        home = next((g for g in lengths if abs(len(hidden[g[0]].rates) - n) <= _LENGTH * n), None)
        if home is None:
            lengths.append([k])
        else:
            home.append(k)
    loss = np.array([p.loss for p in said])
    pairs = [pair for g in lengths for pair in combinations(g, 2)]
    apart = [(forecaster.difference(said[i], said[j]), seen[i] - seen[j]) for i, j in pairs]
    return {
        "same": _mean([_rank(loss[g], seen[g]) for g in lengths if len(g) > 2]),
        "ordered": _mean([(d.value < 0) == (observed < 0) for d, observed in apart]),
        "between": _mean([d.low <= observed <= d.high for d, observed in apart]),
    }


def _mean(found: Sequence[float]) -> float:
    return float(np.mean(found)) if len(found) else float("nan")


def _rank(loss: np.ndarray, seen: np.ndarray) -> float:
    return float(spearmanr(loss, seen)[0]) if len(loss) > 2 else float("nan")


def _r2(said: np.ndarray, curve: Curve) -> float:
    return float(1 - np.sum((said - curve.losses) ** 2) / np.sum((curve.losses - curve.losses.mean()) ** 2))
