"""`find` in process: a range test on the model and optimizer at hand, at the start or in the middle of training.

    find(model, optimizer, loss=torch.nn.functional.cross_entropy, loader=loader).suggestion
    find(model, optimizer, step_fn).suggestion            # step_fn() makes one update and returns its loss

Everything is put back, in place and bit for bit, also after an exception and after Ctrl-C; what is looked into is said
in `lrdecay.adapters.torch.keeping`. `lrdecay.find(model, ...)` is this with intervals and JSON.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer

from lrdecay.adapters.torch.in_process import InProcess
from lrdecay.adapters.torch.measuring import asked, measure, usable
from lrdecay.adapters.torch.passes import feeds, moved, pair, reorder
from lrdecay.adapters.torch.ranks import Ranks, together
from lrdecay.adapters.torch.updates import LossOnBatches, Rewind, StepFunction, Updates, held_out
from lrdecay.errors import Constraint, InputError, positive_int, refusal
from lrdecay.rangetest.passes import Batches
from lrdecay.rangetest.repeats import Measured
from lrdecay.runs.seeding import kept_random_state

__all__ = ["find"]

_a_module = Constraint("must be a torch.nn.Module", lambda m: isinstance(m, torch.nn.Module))


def find(
    model: torch.nn.Module,
    optimizer: Optimizer,
    step_fn: Callable[[], Any] | None = None,
    *,
    loss: Callable[[Any, Any], Any] | None = None,
    loader: Iterable[Any] | None = None,
    seed: int = 0,
    repeats: int = 5,
    points: int = 100,
    low: float = 1e-6,
    high: float = 10.0,
    ramp: str = "exponential",
    accumulate: int = 1,
    scaler: torch.amp.GradScaler | None = None,
    autocast: torch.dtype | None = None,
    heldout: Callable[[], Any] | Iterable[Any] | None = None,
    heldout_every: int = 5,
    rewind: Rewind | None = None,
    keep: Sequence[Any] = (),
    group: Any = None,
) -> Measured:
    """Raise the rate of the largest group from low to high, a few times over from the state at hand.

    Args:
        model: in whatever modes its modules are; they are used as they are.
        optimizer: cold or warm. Its groups keep their ratios.
        step_fn: makes one update's work, or that of one of several micro-batches, and returns the loss: a number. Or
            give ``loss`` and ``loader``.
        loss: ``loss(model(x), y)``, a mean over the batch; also used on ``heldout``.
        loader: gives pairs (x, y), which are put on the model's device. A fresh pass is made for each repeat.
        seed: the repeats seed the process's and the loader's generators with FIRST_SEED + seed, and on.
        repeats: curves, each from the same weights, with its own data order.
        points: successful optimizer steps in a curve.
        low: first rate.
        high: last rate.
        ramp: "exponential" or "linear".
        accumulate: micro-batches of the loader in a step.
        scaler: scales the loss of the loader's batches; with a ``step_fn`` it is only kept and put back.
        autocast: the type to run the loader's batches in, such as ``torch.bfloat16``.
        heldout: fixed batches (x, y), or a function that gives the held-out loss, measured in evaluation mode.
        heldout_every: points from one held-out loss to the next.
        rewind: for a ``step_fn``: ``(save, load)``; what ``save()`` gives says where the data stand and does not change
            after, ``load(saved)`` goes back there.
        keep: more objects to put back: schedulers, other models and optimizers, moving averages, generators.
        group: the processes whose losses are averaged, see `lrdecay.adapters.torch.ranks`; by default all of an
            initialised torch.distributed. Each of them must call `find`.

    Raises:
        InputError: something asked for cannot be done; nothing was changed, or all was put back.
        RunError: the loss is not finite from the start, no step is ever made, the state could not be put back, or
            another rank failed.
    """
    shape = asked(
        seed=seed,
        repeats=repeats,
        points=points,
        low=low,
        high=high,
        ramp=ramp,
        heldout=heldout,
        heldout_every=heldout_every,
    )
    with together(group) as ranks:
        _a_module.check("find(model)", model)
        optimizer = usable(optimizer)
        positive_int.check("find(accumulate=...)", accumulate)
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        modules = [m for m in (model, loss, *keep) if isinstance(m, torch.nn.Module)]
        roots: list[Any] = [*modules, optimizer, *keep, *([scaler] if scaler is not None else [])]
        batches: Batches | None = None
        make: Callable[[InProcess], Updates]
        if step_fn is not None:
            _refuse_beside(
                "step_fn", loader=loader, autocast=autocast, accumulate=None if accumulate == 1 else accumulate
            )
            function = step_fn
            make = lambda process: StepFunction(function, rewind, process.calls, ranks)  # noqa: E731
        else:
            if loss is None or loader is None:
                given = " and ".join(f"{n}=..." for n, v in (("loss", loss), ("loader", loader)) if v is not None)
                rule = "must be given step_fn, or loss=... and loader=..."
                msg = refusal("find(model, optimizer)", rule, given or "neither")
                raise InputError(msg)
            _refuse_beside("loader", rewind=rewind)
            batches = Batches(
                loader,
                "find(loader=...)",
                "Give what makes it, such as the DataLoader; or a step_fn with rewind=(save, load).",
                lambda batch: pair("find(loader=...)", moved(batch, device)),
                lambda seed: reorder(loader, seed),
            )
            roots += feeds(loader)
            options: dict[str, Any] = {"accumulate": accumulate, "scaler": scaler, "autocast": autocast}
            looped = LossOnBatches(model, optimizer, loss, batches, **options, device=device, ranks=ranks)
            make = lambda _process: looped  # noqa: E731
        with kept_random_state():  # a loader of held-out batches may draw
            look = None if heldout is None else held_out(heldout, model, loss, device)
        process = InProcess(optimizer, roots, make, heldout=look, rewind=rewind, modules=modules, ranks=ranks)
        curves = measure(process, shape)
    inner = model.module if isinstance(model, DistributedDataParallel) else model
    notes = _notes(model, batches, rewind, shape.seeds, ranks)
    return Measured(type(inner).__name__, shape.rates, curves, shape.seeds, notes)


def _refuse_beside(what: str, **others: Any) -> None:
    """Raise `InputError` if an argument was given that the chosen way does not take."""
    for name, value in others.items():
        if value is not None:
            msg = refusal(f"find({name}=...)", f"must not be given with {what}", value)
            raise InputError(msg)


def _notes(
    model: torch.nn.Module, batches: Batches | None, rewind: Rewind | None, seeds: tuple[int, ...], ranks: Ranks
) -> tuple[str, ...]:
    """What a reader must know of how the curves were made."""
    notes = ["every repeat starts from the weights at hand"]
    if batches is None:
        if rewind is None:
            notes.append("the data that step_fn() drew were not put back, for rewind=(save, load) was not given")
    else:
        notes += batches.notes(len(seeds))
    if ranks.size > 1:
        notes.append(f"the loss of each point is the mean over {ranks.size} ranks")
    if not model.training:
        notes.append("the model is in evaluation mode, and was used so")
    return tuple(notes)
