"""The answers of a forecast beside predictions: which decay, how long, how far, how to go on; and their JSON."""

from __future__ import annotations

from typing import Any

from attrs import field, frozen

from lrdecay.losslaws.cooldown_lengths import Length
from lrdecay.losslaws.extending import Extension
from lrdecay.losslaws.forecaster import Difference, Prediction
from lrdecay.losslaws.freeform import Freeform
from lrdecay.losslaws.reaching import Reach
from lrdecay.losslaws.recommending import Recommendation
from lrdecay.report.forecast_averaged import AveragedLog
from lrdecay.report.forecasting import Predicted
from lrdecay.verbs.forecast_refine import Refined

__all__ = ["Answers", "PeakByTheory", "Target"]


@frozen(eq=False)
class Target:
    """A loss to be reached, under which schedule, and when.

    Attributes:
        loss: wanted.
        spec: the schedule, its lengths as shares of the run.
        reach: the updates.
    """

    loss: float
    spec: str
    reach: Reach = field(repr=False)

    def to_json(self) -> dict[str, Any]:
        """``{"loss", "spec", "steps", "interval": [fastest, slowest], "extrapolated", "why"}``; null: out of reach."""
        r = self.reach
        said = {"steps": r.updates, "interval": [r.low, r.high], "extrapolated": r.extrapolated, "why": r.why}
        return {"loss": self.loss, "spec": self.spec, **said}


@frozen
class PeakByTheory:
    """By what factor the peak should change with the decay, by the convex bound; nothing is fitted.

    Attributes:
        factor: the best peak of the choice over the best one of the run.
        run: the longest log that decays, for which the logs' peak is taken to be the best one.
        steps: of the choice.
    """

    factor: float
    run: str
    steps: int

    source = "convex last-iterate bound, Schaipp et al., 2025, arXiv:2501.18965"

    def to_json(self) -> dict[str, Any]:
        """``{"factor", "if_best_for", "steps", "source"}``."""
        return {"factor": self.factor, "if_best_for": self.run, "steps": self.steps, "source": self.source}


@frozen(eq=False)
class Answers:
    """To what was asked; None: it was not.

    Attributes:
        recommendation: which decay.
        theory: what the convex bound says of its peak.
        free_form: a free form around it.
        cooldowns: how long a cooldown.
        target: how long to train.
        extension: how to go on.
        refined: from gradient norms.
        made: the schedules of these, as predictions, in this order.
        averaged: what averaged weights say, of every log that holds their loss.
    """

    recommendation: Recommendation | None = None
    theory: PeakByTheory | None = None
    free_form: Freeform | None = None
    cooldowns: tuple[Length, ...] | None = None
    target: Target | None = None
    extension: Extension | None = None
    refined: Refined | None = None
    made: tuple[Predicted, ...] = ()
    averaged: tuple[AveragedLog, ...] | None = None

    @property
    def schedules(self) -> tuple[str, ...]:
        """What may be trained: recommended, in free form, extended, refined; each with its length, ``SPEC @ N``."""
        found = [
            (None if self.recommendation is None else self.recommendation.spec, self._over),
            (None if self.free_form is None else self.free_form.spec, self._over),
            (None if self.extension is None else self.extension.spec, self.extension and self.extension.steps),
            (None if self.refined is None else self.refined.spec, self.refined and self.refined.steps),
        ]
        return tuple(f"{spec} @ {steps}" for spec, steps in found if spec is not None)

    @property
    def _over(self) -> int | None:
        return None if self.theory is None else self.theory.steps

    def to_json(self) -> dict[str, Any]:
        """By the names of the answers; null where nothing was asked."""
        return {
            "recommendation": None if self.recommendation is None else self._recommended(self.recommendation),
            "free_form": None if self.free_form is None else _free(self.free_form, self._over),
            "cooldowns": None if self.cooldowns is None else [_length(own) for own in self.cooldowns],
            "target_steps": None if self.target is None else self.target.to_json(),
            "extension": None if self.extension is None else _extended(self.extension),
            "refined": None if self.refined is None else self._refined(self.refined),
            "averaged": None if self.averaged is None else [own.to_json() for own in self.averaged],
        }

    def _recommended(self, r: Recommendation) -> dict[str, Any]:
        return {
            "spec": r.spec,
            "steps": self._over,
            "why": r.why,
            "choice": r.choice,
            **_ends(r.prediction),
            "baseline": r.baseline,
            "gain": _gain(r.gain),
            "difference_error": r.error,
            "peak_by_theory": None if self.theory is None else self.theory.to_json(),
            "rows": [
                {"spec": o.spec, "final_loss": o.loss, "interval": [o.low, o.high], "extrapolated": o.extrapolated}
                for o in r.rows
            ],
        }

    def _refined(self, r: Refined) -> dict[str, Any]:
        return r.to_json() | _ends(next(p.prediction for p in self.made if p.spec == r.spec))


def _ends(p: Prediction) -> dict[str, Any]:
    return {"final_loss": p.loss, "interval": [p.low, p.high], "extrapolated": p.extrapolated}


def _gain(d: Difference) -> dict[str, Any]:
    return {"value": d.value, "interval": [d.low, d.high]}


def _length(own: Length) -> dict[str, Any]:
    return {
        "spec": own.spec,
        "percent": own.percent,
        "final_loss": own.loss,
        "interval": [own.low, own.high],
        "extrapolated": own.extrapolated,
        "to_best": _gain(own.to_best),
        "as_good_as_the_best": own.alike,
    }


def _free(f: Freeform, steps: int | None) -> dict[str, Any]:
    said = {"spec": f.spec, "steps": steps, "why": f.why, "found": f.found, **_ends(f.prediction)}
    return said | {"gain": _gain(f.gain), "difference_error": f.error}


def _extended(e: Extension) -> dict[str, Any]:
    said = {"spec": e.spec, "steps": e.steps, "why": e.why, "run": e.run, "at": e.at, "rate": e.rate}
    stop = {"spec": e.stop, "steps": e.stop_steps, **_ends(e.stop_prediction)}
    end = {"choice": e.choice, "rest": e.rest, **_ends(e.prediction), "stop": stop}
    return said | end | {"gain": _gain(e.gain), "difference_error": e.error}
