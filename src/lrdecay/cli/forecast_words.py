"""What ``lrdecay forecast`` prints."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from lrdecay.losslaws.curve import FloatArray, IntArray
    from lrdecay.losslaws.extending import Extension
    from lrdecay.losslaws.forecaster import Prediction
    from lrdecay.losslaws.freeform import Freeform
    from lrdecay.losslaws.reaching import Reach
    from lrdecay.losslaws.recommending import Recommendation
    from lrdecay.verbs.forecast_answers import PeakByTheory
    from lrdecay.verbs.forecast_result import Forecast

__all__ = ["show"]

_MOST_CURVES = 8  # that a picture can tell apart
_LOGGED = 80  # points of a logged curve that are drawn: means of neighbours
_EARLY = 0.05  # of the longest run: the fall before it would flatten everything else


def show(found: Forecast) -> None:
    """Print it: the picture, the tables, and a sentence for every answer."""
    from rich.console import Console

    from lrdecay.losslaws.reaching import FARTHEST
    from lrdecay.report.forecast_averaged import averaged_table
    from lrdecay.report.forecasting import laws_table, lengths_table, predictions_table

    sys.stdout.write(_picture(found) + "\n\n")
    console = Console(width=None if sys.stdout.isatty() else 110)
    if found.forecaster is not None:
        console.print(laws_table(found.forecaster.choice))
    if found.predictions:
        console.print(predictions_table([(p, found.to_best(p)) for p in found.predictions]))
    answers = found.answers
    if answers.recommendation is not None:
        _advise(console, answers.recommendation, answers.theory, found.steps)
    if answers.free_form is not None:
        _free(console, answers.free_form, found.steps)
    if answers.cooldowns is not None:
        _head(console, f"linear cooldowns over {found.steps} updates")
        console.print(lengths_table(answers.cooldowns))
    if answers.extension is not None:
        _extended(console, answers.extension)
    if answers.refined is not None:
        r = answers.refined
        _head(console, f"refined from the {r.column} of {r.run}, over {r.steps} updates: {r.spec}")
        _tell(console, f"  {_end(answers.made[-1].prediction)}")
    for log in answers.averaged or ():
        _head(console, f"linear cooldowns from step {log.step} of {log.log}, by its averaged weights")
        console.print(averaged_table(log.cooldowns))
        _tell(console, f"  now {log.now:.4g}, {log.column} on its line over the last half of the updates")
    if found.target is not None and found.forecaster is not None:
        _tell(console, _reached(found.target.reach, FARTHEST * found.forecaster.longest))
    for s in found.next_runs:
        start = f"from the checkpoint at step {s.start}" if s.start else "from the start"
        line = f"next run: {s.spec} @ {s.steps} {start}: {s.cost} updates, takes {s.share:.0%} of the doubt away"
        _tell(console, line)
    for note in found.notes:
        _tell(console, f"note: {note}")


def _tell(console: Console, line: str) -> None:
    console.print(line, highlight=False, markup=False, soft_wrap=not console.is_terminal)


def _picture(found: Forecast) -> str:
    """Logged and predicted losses, without the first twentieth; without a law those of weights and of their average."""
    from lrdecay.report.picture import picture

    curves: dict[str, tuple[IntArray, FloatArray]] = {}
    if found.forecaster is None:
        title = "loss, logged: of the weights and of their average"
        for log in found.averaged or ():
            curves[f"{log.log} ({log.column})"] = (log.trunk.steps, log.trunk.plain)
            curves[f"{log.log} (averaged)"] = (log.trunk.steps, log.trunk.averaged)
    else:
        title = f"loss, logged and forecast; {found.law} law"
        logged = [c.thinned(_LOGGED) for c in found.forecaster.curves]
        curves = {f"{c.name} (logged)": (c.steps, c.losses) for c in logged}
    curves |= {f"{p.spec} @ {p.length} (forecast)": (p.steps, p.losses) for p in found.drawn}
    first = _EARLY * max(float(steps[-1]) for steps, _ in curves.values())
    shown = dict(list(curves.items())[-_MOST_CURVES:])
    late = {name: (steps[steps > first], losses[steps > first]) for name, (steps, losses) in shown.items()}
    return picture(late, title=title, x_label="step", colour=sys.stdout.isatty())


def _head(console: Console, line: str) -> None:
    console.print(line, style="bold", highlight=False, markup=False, soft_wrap=True)


def _end(p: Prediction) -> str:
    from lrdecay.report.forecasting import loss_digits

    digits = loss_digits([p])
    known = ", extrapolated" if p.extrapolated else ""
    return f"{p.loss:.{digits}f} (90%: {p.low:.{digits}f} to {p.high:.{digits}f}{known})"


def _advise(console: Console, r: Recommendation, theory: PeakByTheory | None, steps: int) -> None:
    _head(
        console, f"recommended over {steps} updates: {r.spec}" if r.spec else f"no recommendation over {steps} updates"
    )
    _tell(console, f"  {r.why}")
    bet = "" if r.spec or r.choice == r.baseline else ", the better bet where a run is to be made anyway"
    _tell(console, f"  {r.choice}: {_end(r.prediction)}{bet}")
    if theory is not None:
        _tell(
            console,
            f"  theory: if the logs' peak is the best one for {theory.run}, the best one of this decay is "
            f"{theory.factor:.2f} times it ({theory.source}; not fitted)",
        )


def _free(console: Console, f: Freeform, steps: int) -> None:
    _head(console, f"free form over {steps} updates: {f.spec or 'not needed'}")
    _tell(console, f"  {f.why}")
    _tell(console, f"  {_end(f.prediction)}")


def _extended(console: Console, e: Extension) -> None:
    _head(console, f"to go on from step {e.at} of {e.run} to {e.steps} updates: {e.spec or 'no recommendation'}")
    _tell(console, f"  {e.why}")
    _tell(console, f"  going on by {e.rest} @ {e.steps - e.at}: {_end(e.prediction)}")
    _tell(console, f"  stopping at step {e.stop_steps} by a cooldown from here: {_end(e.stop_prediction)}")


def _reached(reach: Reach, farthest: int) -> str:
    """When the target is reached; ``farthest`` is how far was looked."""
    if reach.updates is None:
        return f"target: {reach.why}"
    low, high = (f"more than {farthest}" if n is None else f"{n}" for n in (reach.low, reach.high))
    return f"target: {reach.why} 90% of near-equal fits: {low} to {high} updates."
