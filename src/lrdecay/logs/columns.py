"""Which column is the step, which the loss, which the rate: guessed only where one alone can be it.

A name is cut at ``/ _ - . :`` and blanks, without regard to case.

    step    step, steps, global_step, iter, iteration, update, num_updates and the like, after any path
            ("trainer/global_step"); ``_step``, W&B's count of log calls, only where there is no other
    loss    holds "loss" (or "nll"), and beside it only words that say nothing more: train, step, epoch, batch, lm, ...
            A training loss and a held-out one (val, valid, eval, test, dev, heldout) are two, so one must be named;
            of our own traces and exports it is ``loss``, the training loss.
            Of ``x_step`` and ``x_epoch``, which Lightning makes of one ``x``, the first.
    rate    lr, rate, learning_rate, train_lr, and Lightning's ``lr-SGD``, ``lr-AdamW/pg1``; of groups ``lr/group0``
    batch   batch_size, global_batch_size

Columns that hold the same numbers are one; a loss of a few entries, such as a last word of transformers, is none beside
one of many.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.logs.log import Log, Series, Table
from lrdecay.losslaws.curve import FEWEST

__all__ = ["is_epoch", "is_held_out", "log_of", "step_name"]

_STEPS = {
    ("step",),
    ("steps",),
    ("global", "step"),
    ("train", "step"),
    ("training", "step"),
    ("iter",),
    ("iters",),
    ("n", "iter"),
    ("iteration",),
    ("iterations",),
    ("update",),
    ("updates",),
    ("num", "updates"),
}
_HELD_OUT = {"val", "valid", "validation", "eval", "evaluation", "test", "dev", "heldout"}
_PLAIN = {"train", "training", "step", "epoch", "batch", "lm", "mean", "avg", "total", "model", "global"} | _HELD_OUT
_LOSSES = {"loss", "nll", "losses"}
_RATES = {("lr",), ("rate",), ("learning", "rate"), ("learningrate",), ("train", "lr"), ("epoch", "learning", "rate")}
_BATCHES = {("batch", "size"), ("global", "batch", "size"), ("batchsize",)}


def _words(name: str) -> tuple[str, ...]:
    return tuple(w for w in re.split(r"[\s/_\-.:]+", name.lower()) if w)


def _last(name: str) -> tuple[str, ...]:
    """The words after the last slash."""
    return _words(name.rpartition("/")[2])


def _is_loss(name: str) -> bool:
    words = set(_words(name))
    return bool(words & _LOSSES) and words <= _LOSSES | _PLAIN


def is_held_out(name: str) -> bool:
    """Whether a name says that the loss is one on held-out data.

    >>> is_held_out("val_loss"), is_held_out("train/loss")
    (True, False)
    """
    return bool(set(_words(name)) & _HELD_OUT)


def _is_rate(name: str) -> bool:
    if _last(name) in _RATES:
        return True
    words = _words(name)
    group = words[:1] == ("lr",) and all(re.fullmatch(r"(group|pg)?\d*", w) for w in words[1:])
    return group or (name.startswith("lr-") and words[-1] not in ("momentum", "decay"))


def is_epoch(name: str) -> bool:
    """Whether a column counts epochs."""
    return _last(name) in {("epoch",), ("epochs",)}


def step_name(names: Iterable[str], asked: str | None, where: str) -> str | None:
    """The column of steps; None where no name is one.

    Args:
        names: of the columns.
        asked: the one that was asked for.
        where: what the log is called in a message.

    Raises:
        InputError: the one asked for is not there, or several could be it.
    """
    found = list(names)
    if asked is not None:
        return _asked(found, asked, "--step", where)
    fit = [n for n in found if n != "_step" and _last(n) in _STEPS]
    if len(fit) > 1:
        raise InputError(_which(fit, "step", "--step", where))
    return fit[0] if fit else ("_step" if "_step" in found else None)


def log_of(table: Table, *, loss: str | None = None, lr: str | None = None) -> Log:
    """The loss and the rate of a run.

    Args:
        table: what was logged.
        loss: the column that is the loss; None: guessed.
        lr: the column that is the rate; None: guessed, or there is none.

    Raises:
        InputError: one that is asked for is not there, none or several could be it, or it holds words.
    """
    columns = {name: s for name, s in table.columns.items() if len(s)}
    ours = "loss" if table.kind.startswith("lrdecay") and "loss" in columns else None
    loss_name = _loss_name(columns, loss or ours, table.name)
    rate_name = _rate_name(columns, lr, table.name)
    for name, option in ((loss_name, "--loss"), (rate_name, "--lr")):
        if name is not None and name in table.broken:
            raise InputError(
                refusal(f"{option} {name}", f"must be a column of numbers in {table.name}", table.broken[name])
            )
    batch = _first(columns, lambda n: _last(n) in _BATCHES)
    epoch = _first(columns, is_epoch)
    rate = None if rate_name is None else columns[rate_name]
    return Log(
        name=table.name,
        source=table.source,
        kind=table.kind,
        loss_name=loss_name,
        loss=columns[loss_name],
        rate_name=rate_name,
        rate=rate,
        batch=batch,
        epoch=epoch,
        first=min(int(s.steps.min()) for s in columns.values()),
        notes=table.notes,
    )


def _loss_name(columns: Mapping[str, Series], asked: str | None, where: str) -> str:
    if asked is not None:
        return _asked(columns, asked, "--loss", where)
    fit = [n for n in columns if _is_loss(n)]
    if any(len(columns[n]) >= FEWEST for n in fit):
        fit = [n for n in fit if len(columns[n]) >= FEWEST]
    names = _distinct(columns, _one_of_twins(fit))
    if len(names) == 1:
        return names[0]
    if names:
        raise InputError(_which(names, "loss", "--loss", where))
    cure = "Say which it is: --loss NAME."
    msg = refusal("forecast(logs=...)", f"must hold a loss in {where}", sorted(columns) or "no numbers", cure)
    raise InputError(msg)


def _rate_name(columns: Mapping[str, Series], asked: str | None, where: str) -> str | None:
    if asked is not None:
        return _asked(columns, asked, "--lr", where)
    names = _distinct(columns, [n for n in columns if _is_rate(n)])
    if len(names) > 1:
        raise InputError(_which(names, "rate", "--lr", where))
    return names[0] if names else None


def _distinct(columns: Mapping[str, Series], names: list[str]) -> list[str]:
    """The first of each set of columns that hold the same numbers."""
    kept: list[str] = []
    for name in names:
        if not any(columns[name].same(columns[k]) for k in kept):
            kept.append(name)
    return kept


def _one_of_twins(names: list[str]) -> list[str]:
    """Without ``x_epoch`` (and a bare ``x``) where there is ``x_step``."""
    stems = {n.removesuffix("_step") for n in names if n.endswith("_step")}
    return [n for n in names if n.removesuffix("_epoch") not in stems]


def _asked(names: Iterable[str], asked: str, option: str, where: str) -> str:
    found = list(names)
    if asked not in found:
        cure = did_you_mean(asked, found)
        raise InputError(refusal(f"{option} NAME", f"must be a column of {where} that holds numbers", asked, cure))
    return asked


def _which(names: list[str], what: str, option: str, where: str) -> str:
    cure = f"Say which: {' or '.join(f'{option} {n}' for n in names)}."
    return refusal("forecast(logs=...)", f"must hold one column that can be the {what} in {where}", names, cure)


def _first(columns: Mapping[str, Series], fits: Callable[[str], bool]) -> Series | None:
    return next((s for n, s in columns.items() if fits(n)), None)
