"""What a forecast can be asked beside predictions, and asking it of a forecaster."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import frozen

from lrdecay.errors import InputError, non_negative_int, positive_int, refusal
from lrdecay.losslaws.candidates import Family
from lrdecay.losslaws.convex_bound import scaled_base_rate
from lrdecay.losslaws.cooldown_lengths import best_cooldown
from lrdecay.losslaws.curve import Curve, decays
from lrdecay.losslaws.extending import Extension, extend
from lrdecay.losslaws.forecaster import Forecaster
from lrdecay.losslaws.freeform import freeform
from lrdecay.losslaws.reaching import updates_to
from lrdecay.losslaws.recommending import Recommendation, recommend
from lrdecay.report.forecasting import Predicted
from lrdecay.schedule import Horizon, parse
from lrdecay.verbs.forecast_answers import Answers, PeakByTheory, Target
from lrdecay.verbs.forecast_refine import Refined
from lrdecay.verbs.forecast_schedules import Wanted, along, bound, predicted

__all__ = ["Questions", "answered"]


@frozen
class Questions:
    """What is asked; see `lrdecay.forecast`."""

    recommend: bool = False
    free_form: bool = False
    cooldown: bool = False
    target: float | None = None
    extend: int | None = None
    extend_run: str | None = None
    extend_at: int | None = None

    def check(self) -> None:
        """Refuse what is out of range before any log is read.

        Raises:
            InputError: a length is none, or says how to extend a run that is not to be.
        """
        if self.extend is not None:
            positive_int.check("forecast(extend=...)", self.extend)
        if self.extend_at is not None:
            non_negative_int.check("forecast(extend_at=...)", self.extend_at)
        for name, given in (("extend_run", self.extend_run), ("extend_at", self.extend_at)):
            if given is not None and self.extend is None:
                rule = "must come with the new length of the run"
                raise InputError(refusal(f"forecast({name}=...)", rule, given, "Add --extend N."))


def answered(fitted: Forecaster, asked: Questions, steps: int, rise: int, refined: Refined | None = None) -> Answers:
    """Answer what was asked.

    Args:
        fitted: the forecaster.
        asked: the questions.
        steps: of the recommendation.
        rise: updates that warm up.
        refined: what gradient norms gave.

    Raises:
        InputError: a question does not fit the logs.
    """
    shows = asked.recommend or asked.free_form
    advice = recommend(fitted, steps, warmup=rise) if shows or asked.target is not None else None
    free = freeform(fitted, advice.choice, steps, warmup=rise) if advice is not None and asked.free_form else None
    on = None if asked.extend is None else extend(fitted, asked.extend, run=asked.extend_run, at=asked.extend_at)
    target = None
    if asked.target is not None and advice is not None:
        spec = advice.spec or advice.baseline
        target = Target(asked.target, spec, updates_to(fitted, asked.target, spec, warmup=rise))
    shown = advice if shows else None
    specs = [(own.choice, steps) for own in (shown,) if own is not None]
    specs += [(own.found, steps) for own in (free,) if own is not None]
    made = [_predicted(fitted, *one) for one in specs]
    if on is not None:
        made.append(_extended(fitted, on))
    if refined is not None:
        made.append(_predicted(fitted, refined.spec, refined.steps))
    return Answers(
        shown,
        None if shown is None else _theory(fitted, shown, steps, rise),
        free,
        best_cooldown(fitted, steps, warmup=rise) if asked.cooldown else None,
        target,
        on,
        refined,
        tuple(made),
    )


def _predicted(fitted: Forecaster, spec: str, steps: int) -> Predicted:
    return predicted(fitted, bound(Wanted(parse(spec), Horizon(steps=steps)), fitted.curves, None))


def _extended(fitted: Forecaster, on: Extension) -> Predicted:
    """With the past as it was logged."""
    steps = along(on.steps, on.warmup)
    return Predicted(on.choice, on.rates, on.warmup, on.prediction, steps, fitted.curve(on.rates, steps, on.warmup))


def _theory(fitted: Forecaster, advice: Recommendation, steps: int, rise: int) -> PeakByTheory:
    curve = _tuned(fitted.curves)
    factor = scaled_base_rate(curve.rates[: curve.last], Family.of(advice.choice, steps, rise).rates)
    return PeakByTheory(factor, curve.name, steps)


def _tuned(curves: Sequence[Curve]) -> Curve:
    return max((c for c in curves if decays(c)), key=lambda c: c.last)
