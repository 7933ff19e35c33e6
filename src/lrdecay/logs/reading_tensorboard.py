"""Reading TensorBoard's event files: scalars, written by torch's ``SummaryWriter``, TensorFlow 2, Keras or ourselves.

Read by tensorboard's own `EventAccumulator`, whole and as written: what a restart wrote anew is not purged here, so
that it can be told. A folder that holds event files is a run; runs may lie in one another. Keras' ``epoch_*`` tags
stand at epochs. Values are float32.
"""

from __future__ import annotations

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import SCALARS, TENSORS, EventAccumulator
from tensorboard.util.tensor_util import make_ndarray

from lrdecay.errors import InputError, refusal
from lrdecay.logs.log import Series, Table, series
from lrdecay.logs.rows import Asked, epoch_columns, epochs_refused
from lrdecay.logs.writer import FINAL

__all__ = ["event_folders", "read_tensorboard"]

_EPOCH = "epoch_"
_BEHIND = "evaluation_"  # Keras, once more, at the count of held-out batches


def event_folders(folder: Path) -> list[Path]:
    """The folders in a folder, itself too, that hold event files; by name."""
    return sorted({path.parent for path in folder.rglob("*tfevents*") if path.is_file()})


def read_tensorboard(path: Path, asked: Asked) -> list[Table]:
    """The runs of a folder, or of one event file.

    Raises:
        InputError: a step column is asked for, or a run has scalars by epoch only and nothing says how long one is.
    """
    if asked.step is not None:
        cure = "Leave it out: each of its numbers has its own step."
        raise InputError(refusal("--step NAME", "must not be given for TensorBoard", asked.step, cure))
    places = [path] if path.is_file() else event_folders(path)
    tables = []
    for place in places:
        columns = _scalars(place)
        if columns:
            name = path.resolve().parent.name if path.is_file() else _named(place, path)
            tables.append(_table(columns, name, path, asked))
    if not tables:
        raise InputError(refusal("forecast(logs=...)", f"must hold scalars in {path}", "event files without any"))
    return tables


def _named(place: Path, root: Path) -> str:
    return root.resolve().name if place == root else place.relative_to(root).as_posix()


def _scalars(place: Path) -> dict[str, Series]:
    """Every scalar of a run, in the order in which it was written."""
    events = EventAccumulator(str(place), size_guidance={SCALARS: 0, TENSORS: 0}, purge_orphaned_data=False)
    events.Reload()
    found: dict[str, Series] = {}
    for tag in events.Tags()[SCALARS]:
        scalars = events.Scalars(tag)
        found[tag] = series([e.step for e in scalars], [e.value for e in scalars])
    for tag in events.Tags()[TENSORS]:
        numbers = [(e.step, make_ndarray(e.tensor_proto)) for e in events.Tensors(tag)]
        kept = [(at, float(v)) for at, v in numbers if v.size == 1 and v.dtype.kind in "fiu"]
        if kept:
            found[tag] = series([at for at, _ in kept], [v for _, v in kept])
    return {tag: s for tag, s in found.items() if not tag.startswith(FINAL)}


def _table(columns: dict[str, Series], name: str, path: Path, asked: Asked) -> Table:
    by_epoch = {tag: s for tag, s in columns.items() if tag.startswith(_EPOCH)}
    rest = {tag: s for tag, s in columns.items() if tag not in by_epoch and not tag.startswith(_BEHIND)}
    if not by_epoch:
        return Table(name, str(path), "TensorBoard", rest)
    if asked.steps_per_epoch is None:
        if rest:
            return Table(name, str(path), "TensorBoard", rest)
        raise InputError(epochs_refused(name))
    turned = epoch_columns({t: (list(s.steps), list(s.values)) for t, s in by_epoch.items()}, asked.steps_per_epoch)
    said = f"Epochs were turned into updates, {asked.steps_per_epoch} in each."
    return Table(name, str(path), "TensorBoard", rest | turned, notes=(said,))
