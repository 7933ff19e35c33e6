"""What a forecast says, as a value and as JSON.

    {"law", "heldout_error", "fits": [{"law", "source", "parameters", "heldout_error", ...}],
     "predictions": [{"spec", "steps", "final_loss", "interval": [lo, hi], "extrapolated"}],
     "differences": [{"spec", "minus", "value", "interval"}],
     "recommendation": {"spec", "steps", "choice", "final_loss", "interval", "extrapolated", "baseline", "gain", "why",
                        "difference_error", "peak_by_theory": {"factor", "if_best_for", "steps", "source"}, "rows"},
     "free_form": {"spec", "steps", "found", "final_loss", "interval", "extrapolated", "gain", "why",
                   "difference_error"},
     "cooldowns": [{"spec", "percent", "final_loss", "interval", "extrapolated", "to_best", "as_good_as_the_best"}],
     "target_steps": {"loss", "spec", "steps", "interval", "extrapolated", "why"},
     "extension": {"spec", "steps", "run", "at", "rate", "choice", "rest", "final_loss", "interval", "extrapolated",
                   "stop": {"spec", "steps", "final_loss", ...}, "gain", "difference_error", "why"},
     "refined": {"spec", "steps", "run", "column", "norms", "logged", "final_loss", "interval", "extrapolated"},
     "averaged": [{"log", "step", "now", "cooldowns": [{"share", "updates", "spec", "loss", "interval",
                   "law": {"loss", "interval", "extrapolated"}}]}],
     "next_runs": [{"spec", "steps", "start", "cost", "share"}],
     "logs": [{"name", "steps", "losses", "peak", "warmup"}], "notes": [...], "provenance": {...}}

Errors are relative to the loss, intervals are 90%. What was not asked for is null; a "spec" is null where it is not
recommended, and "why" says why. Averaged weights need no law: where the logs carry none, "law" and "heldout_error" are
null, and "fits" and "logs" are empty, for no curve was fitted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from attrs import field, frozen

from lrdecay.losslaws.choosing import Candidate
from lrdecay.losslaws.forecaster import Difference, Forecaster
from lrdecay.losslaws.next_run import Suggestion
from lrdecay.losslaws.recommending import Recommendation
from lrdecay.report.forecast_averaged import AveragedLog
from lrdecay.report.forecasting import Predicted
from lrdecay.verbs.forecast_answers import Answers, Target

__all__ = ["Forecast", "Target"]


@frozen(eq=False)
class Forecast:
    """What the logs say of schedules.

    Attributes:
        forecaster: the law that was chosen, its fits, and the curves; None: only averaged weights were asked for, and
            the logs carry no law; a note says why.
        predictions: in the order they were asked for.
        answers: to what was asked beside predictions.
        steps: of the recommendation; without a law, of the longest log.
        next_runs: cheap runs that would tell most, best first.
        notes: sentences that a reader must know: what was done to the logs, and what they cannot say.
        provenance: what it takes to run it again.
    """

    forecaster: Forecaster | None = field(repr=False)
    predictions: tuple[Predicted, ...]
    answers: Answers
    steps: int
    next_runs: tuple[Suggestion, ...]
    notes: tuple[str, ...]
    provenance: Mapping[str, Any] = field(repr=False)

    @property
    def law(self) -> str | None:
        """The name of the law; None: there is none."""
        return None if self.forecaster is None else self.forecaster.law.fit.law.name

    @property
    def heldout_error(self) -> float | None:
        """What the law was off on whole held-out runs; with fewer than three runs, on the ends of runs; None: on none.

        Root mean square, relative to the loss.
        """
        return None if self.forecaster is None else _heldout(self.forecaster.law)

    @property
    def fits(self) -> tuple[Candidate, ...]:
        """Every law that was fitted."""
        return () if self.forecaster is None else self.forecaster.choice.candidates

    @property
    def best(self) -> Predicted | None:
        """The prediction of the lowest final loss."""
        return min(self.predictions, key=lambda p: p.prediction.loss, default=None)

    @property
    def drawn(self) -> tuple[Predicted, ...]:
        """What a picture shows: the predictions, and the schedules that were found where they are none of them."""
        asked = {(p.spec, p.length) for p in self.predictions}
        return (*self.predictions, *(p for p in self.answers.made if (p.spec, p.length) not in asked))

    @property
    def recommendation(self) -> Recommendation | None:
        """Which decay to use; None: not asked for."""
        return self.answers.recommendation

    @property
    def averaged(self) -> tuple[AveragedLog, ...] | None:
        """What averaged weights say of cooldowns from here; None: not asked for."""
        return self.answers.averaged

    @property
    def target(self) -> Target | None:
        """How long to train; None: not asked for."""
        return self.answers.target

    @property
    def schedules(self) -> tuple[str, ...]:
        """What may be trained, each with its length: ``SPEC @ N``; as --write writes them for @FILE."""
        return self.answers.schedules

    def to_best(self, predicted: Predicted) -> Difference | None:
        """A prediction's final loss minus the best one's; None: it is the best."""
        best = self.best
        if self.forecaster is None or best is None or best is predicted:
            return None
        return self.forecaster.difference(predicted.prediction, best.prediction)

    def to_json(self) -> dict[str, Any]:
        """See the module."""
        made = self.forecaster
        return {
            "law": self.law,
            "heldout_error": self.heldout_error,
            "fits": [] if made is None else [_fit(c, made.law) for c in self.fits],
            "predictions": [_prediction(p) for p in self.predictions],
            "differences": self._differences(),
            **self.answers.to_json(),
            "next_runs": [_suggestion(s) for s in self.next_runs],
            "logs": [
                {"name": c.name, "steps": c.last, "losses": len(c.steps), "peak": c.peak, "warmup": c.warmup}
                for c in (() if made is None else made.curves)
            ],
            "notes": list(self.notes),
            "provenance": dict(self.provenance),
        }

    def _differences(self) -> list[dict[str, Any]]:
        """Every prediction minus the best, but the best's own."""
        best, found = self.best, []
        for p in self.predictions:
            apart = self.to_best(p)
            if apart is not None and best is not None:
                row = {"spec": p.spec, "steps": p.length, "minus": best.spec, "minus_steps": best.length}
                found.append(row | {"value": apart.value, "interval": [apart.low, apart.high]})
        return found


def _heldout(candidate: Candidate) -> float | None:
    error = candidate.elsewhere if math.isfinite(candidate.elsewhere) else candidate.error
    return error if math.isfinite(error) else None


def _fit(candidate: Candidate, chosen: Candidate) -> dict[str, Any]:
    fit = candidate.fit
    names = [p.name for p in fit.law.parameters]
    return {
        "law": fit.law.name,
        "source": fit.law.source,
        "chosen": candidate is chosen,
        "heldout_error": _heldout(candidate),
        "heldout": [{"run": f.curve, "whole": f.whole, "error": f.error} for f in candidate.folds],
        "parameters": dict(zip(names, np.asarray(fit.theta).tolist(), strict=True)),
        "units": {"rate": fit.units.peak, "updates": fit.units.span, "loss": fit.units.level},
        "at_bounds": list(fit.bounded),
    }


def _prediction(predicted: Predicted) -> dict[str, Any]:
    p = predicted.prediction
    return {
        "spec": predicted.spec,
        "steps": predicted.length,
        "final_loss": p.loss,
        "interval": [p.low, p.high],
        "extrapolated": p.extrapolated,
    }


def _suggestion(s: Suggestion) -> dict[str, Any]:
    return {"spec": s.spec, "steps": s.steps, "start": s.start, "cost": s.cost, "share": s.share}
