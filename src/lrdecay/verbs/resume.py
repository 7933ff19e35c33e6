"""`resume`: go on with what was begun: a comparison that was kept, or a user's script from one of its checkpoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import overload

from lrdecay.errors import InputError
from lrdecay.schedule import Schedule
from lrdecay.sweep.pool import Watch
from lrdecay.verbs.answering import Compared, How, answer
from lrdecay.verbs.export import targets_of
from lrdecay.verbs.extras import require
from lrdecay.verbs.recorded import Recorded
from lrdecay.verbs.resume_script import Resumed, Show, resume_script
from lrdecay.verbs.show import Said
from lrdecay.verbs.studies import find_study

__all__ = ["resume"]


@overload
def resume(
    study: str | Path,
    schedules: Sequence[Said] = (),
    *,
    seeds: int | None = None,
    store: str | Path | None = None,
    budget: str | int | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    share: bool = True,
    forecast: bool = False,
    max_disk: str | None = None,
    engine: str = "local",
    address: str | None = None,
    snapshots: str | Path | None = None,
    export: Sequence[str] = (),
    say: Callable[[str], None] | None = None,
    watch: Watch | None = None,
    command: str = "lrdecay.resume(...)",
) -> Compared: ...
@overload
def resume(
    *,
    script: str,
    checkpoint: str | Path,
    lr: float | None = None,
    scale: float | None = None,
    schedule: Schedule | str | None = None,
    ramp: str | int | None = None,
    show: Show | None = None,
) -> Resumed: ...
def resume(
    study: str | Path | None = None,
    schedules: Sequence[Said] = (),
    *,
    seeds: int | None = None,
    store: str | Path | None = None,
    budget: str | int | None = None,
    out: str | Path | None = None,
    workers: int | None = None,
    share: bool = True,
    forecast: bool = False,
    max_disk: str | None = None,
    engine: str = "local",
    address: str | None = None,
    snapshots: str | Path | None = None,
    export: Sequence[str] = (),
    say: Callable[[str], None] | None = None,
    watch: Watch | None = None,
    command: str = "lrdecay.resume(...)",
    script: str | None = None,
    checkpoint: str | Path | None = None,
    lr: float | None = None,
    scale: float | None = None,
    schedule: Schedule | str | None = None,
    ramp: str | int | None = None,
    show: Show | None = None,
) -> Compared | Resumed:
    """Go on with a study, or with a script from its checkpoint.

    Of a study, what it has finished is not trained again, and what is added is trained. A script goes on where its
    checkpoint is, with the rates that the checkpoint holds unless ``lr``, ``scale`` or ``schedule`` says otherwise:
    that wins, and is an entry of the run's journal from then on.

    Args:
        study: its id, or its folder, whose newest study is meant.
        schedules: further ones, as for `lrdecay.compare`; the study with them is one of its own, beside the first.
        seeds: how many scoring seeds, at least as many as there were; None: as many.
        store: where it is kept; by default where its folder says, or below ``lrdecay-reports``.
        budget: see `lrdecay.compare`; so are all that follow.
        out: the report folder; by default the study's own.
        workers: processes.
        share: whether runs that agree up to a step are trained once up to it.
        forecast: train the runs first that a forecast expects most of.
        max_disk: what snapshots may take at once.
        engine: "local" or "ray".
        address: of a running Ray.
        snapshots: where they are kept; None: where they were.
        export: where to hand the scored runs on.
        say: told what it will cost.
        watch: told about the updates made.
        command: what to write into the provenance.
        script: in place of a study, a command that calls ``lrdecay.script()``; only what follows goes with it.
        checkpoint: one of the script's own, which holds its scheduler's ``state_dict()``.
        lr: the rate to go to; what is left of the curve keeps its shape, and groups their ratios.
        scale: what to multiply what is left of the curve by, > 0.
        schedule: what speaks from here on: a schedule of the whole run, read at the run's own steps.
        ramp: how long the rate takes to get there; "0.5%" of the run by default, 0: at once.
        show: told what the checkpoint holds and what will be instead, before the first update.

    Raises:
        InputError: there is no such study, its task has changed since, or what is added cannot be; the checkpoint is
            not there or holds no scheduler of lrdecay's, the run is at its end, or what is asked of the rate cannot
            be done, and then no update was made.
        RunError: as `lrdecay.compare`; or the script failed.

    Example: ``resume(script="python train.py", checkpoint="last.pt", lr=1e-4)``
    """
    if script is not None:
        if study is not None or checkpoint is None:
            wrong = "no checkpoint" if study is None else f"the study {study}"
            msg = f"`resume(script=...)` must go with checkpoint= and without a study, got {wrong}."
            raise InputError(msg)
        return resume_script(script, checkpoint, lr=lr, scale=scale, schedule=schedule, ramp=ramp, show=show)
    theirs = {"checkpoint": checkpoint, "lr": lr, "scale": scale, "schedule": schedule, "ramp": ramp, "show": show}
    alone = next((name for name, value in theirs.items() if value is not None), None)
    if study is None or alone is not None:
        wrong = "neither" if alone is None else f"{alone}= without a script"
        msg = f"`resume(...)` must be given a study, or script= and checkpoint=, got {wrong}."
        raise InputError(msg)
    require("study", "compare")
    targets = targets_of(export)
    found = find_study(study, store)
    recorded = Recorded.read(found.record.question)
    question = recorded.asked(schedules, seeds, budget, max_disk)
    folder = found.folder if out is None else Path(out)
    where = None if found.in_folder and folder == found.folder else found.where
    how = How(folder, where, workers, share, targets, say, watch, command, engine, address, snapshots, forecast)
    return answer(question, recorded.source, recorded.steps, recorded.epochs, how)
