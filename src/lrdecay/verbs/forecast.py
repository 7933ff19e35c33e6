"""`forecast`: what loss another decay would have reached, and which decay to use, from logs you already have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from attrs import evolve

from lrdecay.errors import Constraint, InputError, non_negative_int, one_of, positive, positive_int, refusal
from lrdecay.losslaws.candidates import Family
from lrdecay.losslaws.choosing import LAWS
from lrdecay.losslaws.curve import Curve, FloatArray
from lrdecay.losslaws.forecaster import Forecaster, forecaster
from lrdecay.losslaws.next_run import Suggestion, next_runs
from lrdecay.losslaws.support import check_fit, support
from lrdecay.report.forecasting import Predicted
from lrdecay.schedule import Schedule
from lrdecay.verbs.extras import require
from lrdecay.verbs.forecast_answers import Answers
from lrdecay.verbs.forecast_asking import Questions, answered
from lrdecay.verbs.forecast_averaged import Averaged, averaged_of_logs, can_be_asked, with_law
from lrdecay.verbs.forecast_logs import Asked, Laid, Logs, curves_of, tables_of_logs
from lrdecay.verbs.forecast_refine import NORMS, Refined, norms_of_logs
from lrdecay.verbs.forecast_refine import refine as refined_of
from lrdecay.verbs.forecast_result import Forecast
from lrdecay.verbs.forecast_schedules import bound, lower, predicted, wanted_of
from lrdecay.verbs.provenance import provenance
from lrdecay.verbs.show import Said

__all__ = ["Forecast", "forecast", "of_fit"]

_SUGGESTED = 3
_yes_or_column = Constraint("must be True, False or the name of a column", lambda v: isinstance(v, bool | str))
_OFFER = "--averaged says what a cooldown from its end would reach, by the loss of averaged weights; no law is needed."


def forecast(
    logs: str | Path | Sequence[str | Path],
    *,
    predict: Said | Sequence[Said] = (),
    steps: int | None = None,
    recommend: bool = False,
    free_form: bool = False,
    cooldown: bool = False,
    target: float | None = None,
    extend: int | None = None,
    extend_run: str | None = None,
    extend_at: int | None = None,
    refine: str | None = None,
    norms: str = "2",
    averaged: bool | str = False,
    law: str = "auto",
    loss: str | None = None,
    step: str | None = None,
    lr: str | None = None,
    schedule: str | Schedule | Sequence[str | Schedule] | None = None,
    log_steps: int | None = None,
    warmup: int | None = None,
    steps_per_epoch: int | None = None,
    run: str | Sequence[str] = (),
    seed: int = 0,
    command: str = "lrdecay.forecast(...)",
) -> Forecast:
    """Fit laws of loss curves to logs, choose one, and say where schedules would end, with a 90% interval.

    Args:
        logs: one or several, of one task, batch size, optimizer and peak; see `lrdecay.logs.reading.read_curves`. A log
            that begins where another can be its trunk is joined to it.
        predict: schedules, as values, notation, grids or ``"@FILE"``, each with its own length (``@ 50000``), or of
            ``steps``, or as long as the longest log; `peak` left open is the logs' peak.
        steps: length of predicted and recommended runs in updates.
        recommend: say which decay to use.
        free_form: search rates at knots around that one, too, and say whether the free form gains anything.
        cooldown: say what every length of a linear cooldown gives.
        target: say how long to train until this loss, under the recommended decay.
        extend: the new length of a run that stands: say how to go on from the rate it has, and what stopping gives.
        extend_run: its name; None: the one that held its peak the longest.
        extend_at: the step of its checkpoint; None: the end of its log.
        refine: the column of gradient norms, for the refined schedule (`lrdecay.losslaws.refined`).
        norms: "2" where they are 2-norms, as SGD's formula takes, "1" for the 1-norms that Adam's takes.
        averaged: say what cooldowns from here would reach, by the loss of averaged weights that logs hold
            (`lrdecay.losslaws.averaged`); a string names its column. Where nothing else is asked no law is needed: if
            the logs carry none, a note says why.
        law: a name, or "auto": chosen by what each is off on whole held-out runs.
        loss: the column that is the loss; None: guessed where one alone can be it.
        step: the column of steps.
        lr: the column that is the rate.
        schedule: what the rate was where it was not logged, one for each log, each with its length (``@ 24000``).
        log_steps: the length of the logged schedules, where they do not carry it.
        warmup: updates of the logs that warmed up; None: seen in the rates.
        steps_per_epoch: for logs that count epochs, and for schedules in epochs.
        run: which runs of the logs, by name; by default all.
        seed: of the near-equal fits.
        command: what to write into the provenance.

    Raises:
        InputError: a log or a schedule cannot be read, or the logs cannot carry the question; the message says what
            cheap run would.
        RunError: a log cannot be reached.
    """
    require("study", "forecast")
    one_of([*(own.name for own in LAWS), "auto"]).check("forecast(law=...)", law)
    non_negative_int.check("forecast(seed=...)", seed)
    if steps is not None:
        positive_int.check("forecast(steps=...)", steps)
    if target is not None:
        positive.check("forecast(target=...)", target)
    one_of(NORMS).check("forecast(norms=...)", norms)
    _yes_or_column.check("forecast(averaged=...)", averaged)
    questions = Questions(recommend, free_form, cooldown, target, extend, extend_run, extend_at)
    questions.check()
    wanted = wanted_of(predict, steps, steps_per_epoch)
    over = bool(wanted or recommend or free_form or cooldown or refine or target is not None)
    if steps is not None and not over:
        cure = "Add --predict SPEC, --recommend, --cooldown, --refine COLUMN or --target LOSS."
        raise InputError(refusal("forecast(steps=...)", "must come with what is to be predicted over it", steps, cure))
    given = () if schedule is None else (schedule,) if isinstance(schedule, str | Schedule) else tuple(schedule)
    asked = Asked(
        loss, step, lr, given, log_steps, warmup, steps_per_epoch, (run,) if isinstance(run, str) else tuple(run)
    )
    files = [logs] if isinstance(logs, str | Path) else list(logs)
    runs = tables_of_logs(files, asked)
    said = None if averaged is False else averaged_of_logs(runs, averaged if isinstance(averaged, str) else None, asked)
    if said is not None and not over and extend is None:
        return _of_averages(said, runs, asked, law, seed, command)
    offered = can_be_asked(runs, asked) if said is None else ()
    lengths = [w.horizon.steps for w in wanted if w.horizon is not None]
    farthest = max([*lengths, *([steps] if steps else []), *([extend] if extend else [])], default=None)
    read, notes = _supported(runs, asked, farthest, offered)

    highest = max(float(c.losses.max()) for c in read.curves)
    if target is not None and target >= highest:
        rule = f"must be below the highest loss that was logged, {highest:.4g}"
        raise InputError(refusal("forecast(target=...)", rule, target))
    peak = max(c.peak for c in read.curves)
    refined = None if refine is None else refined_of(norms_of_logs(files, refine, asked), peak, norms, steps)
    scheduled = [bound(w, read.curves, steps_per_epoch) for w in wanted]
    fitted = forecaster(read.curves, law, seed)
    check_fit(fitted)
    found = tuple(predicted(fitted, s) for s in scheduled)
    length, rise = steps or fitted.longest, _warmup_of(read.curves)
    answers = answered(fitted, questions, length, rise, refined)
    notes += of_fit(fitted, (*found, *answers.made), steps, given_lengths=len(lengths) + len(answers.made))
    if refined is not None:
        notes.append(_of_norms(refined))
    if not found and questions == Questions() and refined is None:
        asks = "--predict SPEC, --recommend, --cooldown, --target LOSS, --extend N or --refine COLUMN asks."
        notes.append(f"Laws were fitted and nothing was asked: {asks}")
    doubted = _suggested(fitted, found, answers, length, rise)
    if said is not None:
        answers, more = _with_averages(answers, said, fitted, read)
        notes += more
    elif offered:
        notes.append(f"{', '.join(offered)}: {_OFFER}")
    return Forecast(fitted, found, answers, length, doubted, tuple(notes), provenance(command))


def _supported(
    runs: Sequence[Laid], asked: Asked, farthest: int | None, offered: Sequence[str]
) -> tuple[Logs, list[str]]:
    """Curves that carry a law, and notes on them; a refusal says too what can be asked without a law."""
    try:
        read = curves_of(runs, asked)
        return read, [*read.notes, *support(read.curves, farthest)]
    except InputError as problem:
        if not offered:
            raise
        msg = f"{problem} {', '.join(offered)}: {_OFFER}"
        raise InputError(msg) from problem


def _of_averages(said: Averaged, runs: Sequence[Laid], asked: Asked, law: str, seed: int, command: str) -> Forecast:
    """Nothing else was asked: with a law beside it where the logs carry one, otherwise with a note."""
    try:
        read, notes = _supported(runs, asked, None, ())
        fitted = forecaster(read.curves, law, seed)
        check_fit(fitted)
    except InputError as problem:
        answers, longest = Answers(averaged=said[0]), max(own.step for own in said[0])
        told = (f"No law was fitted, and none is needed for averaged weights. {problem}", *said[2])
        return Forecast(None, (), answers, longest, (), told, provenance(command))
    answers, more = _with_averages(Answers(), said, fitted, read)
    notes += of_fit(fitted, (), None, given_lengths=0)
    return Forecast(fitted, (), answers, fitted.longest, (), (*notes, *more), provenance(command))


def _with_averages(answers: Answers, said: Averaged, fitted: Forecaster, read: Logs) -> tuple[Answers, list[str]]:
    """With the law's ends beside those of the averaged weights, and the notes that are not of the logs' reading."""
    beside, _, notes = with_law(said, fitted, read)
    return evolve(answers, averaged=beside), [note for note in notes if note not in read.notes]


def _warmup_of(curves: Sequence[Curve]) -> int:
    """Of the longest run."""
    return max(curves, key=lambda c: c.last).warmup


def of_fit(fitted: Forecaster, found: Sequence[Predicted], steps: int | None, *, given_lengths: int) -> list[str]:
    """What a reader must know of the fit and of the lengths."""
    notes = []
    fit = fitted.law.fit
    if fit.bounded:
        notes.append(f"{fit.law.name}: {', '.join(fit.bounded)} stopped at a bound, so the logs do not say what it is.")
    if found and steps is None and given_lengths < len(found):
        notes.append(f"Schedules without a length are as long as the longest log, {fitted.longest} updates.")
    if not any(fold.whole for fold in fitted.law.folds):
        notes.append(
            "With fewer than three runs no whole run could be held out: the interval rests on the ends of these and on "
            "public runs, too little for small tasks. A third run with another decay would check it on this task."
        )
    below = [p.spec for p in found if lower(p.rates, fitted.peak)]
    if below:
        notes.append(
            f"{', '.join(below)}: peaks below the logs' {fitted.peak:g}. A law's numbers belong to one peak, so this "
            "is extrapolated, and its interval does not know by how much."
        )
    if any(p.prediction.extrapolated for p in found):
        notes.append(
            "What is longer than every log, or decays more, is extrapolated: differences between schedules hold "
            "further than levels do."
        )
    return notes


def _of_norms(refined: Refined) -> str:
    said = "2-norms, by SGD's formula; for Adam log 1-norms and say --norms 1" if refined.norms == "2" else "1-norms"
    return (
        f"{refined.run}: its {refined.logged} {refined.column} were taken for {said}. The refined schedule warms up no "
        "more than the norms say: put `warmup(N) + ` before it where your run needs one."
    )


def _suggested(
    fitted: Forecaster, found: Sequence[Predicted], answers: Answers, steps: int, rise: int
) -> tuple[Suggestion, ...]:
    """Runs that would tell most of what was asked: the recommended schedule and its rival, else what was predicted."""
    wanted: list[FloatArray] = [p.rates for p in (*found, *answers.made)]
    if answers.recommendation is not None:
        wanted.append(Family.of(answers.recommendation.baseline, steps, rise).rates)
    elif answers.target is not None:
        wanted.append(Family.of(answers.target.spec, steps, rise).rates)
    if answers.cooldowns is not None:
        best = min(answers.cooldowns, key=lambda own: own.loss)
        wanted += [Family.of(own.spec, steps, rise).rates for own in (best, *answers.cooldowns[::4])]
    if not wanted:
        return ()
    apart = [r for i, r in enumerate(wanted) if not any(np.array_equal(r, other) for other in wanted[:i])]
    return tuple(s for s in next_runs(fitted, apart, warmup=rise)[:_SUGGESTED] if s.share > 0)
