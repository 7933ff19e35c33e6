"""`resume`: go on with a comparison that was kept, and add to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from lrdecay.sweep.pool import Watch
from lrdecay.verbs.answering import Compared, How, answer
from lrdecay.verbs.export import targets_of
from lrdecay.verbs.extras import require
from lrdecay.verbs.recorded import Recorded
from lrdecay.verbs.show import Said
from lrdecay.verbs.studies import find_study

__all__ = ["resume"]


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
    max_disk: str | None = None,
    engine: str = "local",
    address: str | None = None,
    snapshots: str | Path | None = None,
    export: Sequence[str] = (),
    say: Callable[[str], None] | None = None,
    watch: Watch | None = None,
    command: str = "lrdecay.resume(...)",
) -> Compared:
    """Go on with a study: what it has finished is not trained again, and what is added is trained.

    Args:
        study: its id, or its folder, whose newest study is meant.
        schedules: further ones, as for `lrdecay.compare`; the study with them is one of its own, beside the first.
        seeds: how many scoring seeds, at least as many as there were; None: as many.
        store: where it is kept; by default where its folder says, or below ``lrdecay-reports``.
        budget: see `lrdecay.compare`; so are all that follow.
        out: the report folder; by default the study's own.
        workers: processes.
        share: whether runs that agree up to a step are trained once up to it.
        max_disk: what snapshots may take at once.
        engine: "local" or "ray".
        address: of a running Ray.
        snapshots: where they are kept; None: where they were.
        export: where to hand the scored runs on.
        say: told what it will cost.
        watch: told about the updates made.
        command: what to write into the provenance.

    Raises:
        InputError: there is no such study, its task has changed since, or what is added cannot be.
        RunError: as `lrdecay.compare`.
    """
    require("study", "compare")
    targets = targets_of(export)
    found = find_study(study, store)
    recorded = Recorded.read(found.record.question)
    question = recorded.asked(schedules, seeds, budget, max_disk)
    folder = found.folder if out is None else Path(out)
    where = None if found.in_folder and folder == found.folder else found.where
    how = How(folder, where, workers, share, targets, say, watch, command, engine, address, snapshots)
    return answer(question, recorded.source, recorded.steps, recorded.epochs, how)
