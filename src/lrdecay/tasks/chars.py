"""`chars`: a small language model of characters, on any text file the user gives.

The symbols are the different characters of the whole file. The last tenth of the text is held out. A sample is a window
of ``context`` characters and, as target, the same window one character on; windows follow each other without overlap.
The loss is the mean cross-entropy of the next character in nats.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from attrs import evolve

from lrdecay.errors import InputError, positive_int, refusal
from lrdecay.runs.seeding import kept_random_state
from lrdecay.tasks.arguments import check_choice, check_seed, missing_extra

try:
    import torch
except ModuleNotFoundError as problem:
    error = missing_extra("chars", problem, "torch")
    raise error from problem

from lrdecay.adapters.torch import TorchTask
from lrdecay.tasks.models import CharGRU, CharTransformer
from lrdecay.tasks.optimizers import average_for, make_optimizer, peak_for

__all__ = ["chars"]


def chars(
    seed: int,
    *,
    text: str | None = None,
    model: str = "transformer",
    context: int = 64,
    width: int = 64,
    depth: int = 2,
    optimizer: str = "adamw",
    momentum: float | None = None,
    weight_decay: float | None = None,
    nesterov: bool | None = None,
    batch_size: int = 32,
    steps: int = 1000,
    heldout: int = 200,
    average: str | Sequence[str] | None = None,
) -> TorchTask:
    """Loss on held-out text.

    Args:
        seed: of the initial weights and the data order.
        text: path of a text file in UTF-8; needed.
        model: "transformer" or "gru".
        context: characters in a window.
        width: of the hidden state; a multiple of 4 for the transformer, whose heads are 4.
        depth: blocks of the transformer, layers of the GRU.
        optimizer: one of `OPTIMIZERS`, such as "sgd", "adamw" or "schedulefree"; ``momentum``, ``weight_decay`` and
            ``nesterov`` as in `make_optimizer`.
        momentum: of sgd.
        weight_decay: of either.
        nesterov: of sgd.
        batch_size: windows in an update.
        steps: the default length of a run.
        heldout: the most windows the loss is measured on; they are spread evenly over the held-out text.
        average: what is measured: "none", "ema", "lawa" or "polynomial", or several, as in
            `lrdecay.adapters.torch.TorchTask`; "none" where not given, for dog and ldog "polynomial".

    Raises:
        InputError: there is no such text, it is too short, or an argument is unknown or out of range.
        MissingExtraError: torch is not installed.
    """
    check_seed("chars", seed)
    check_choice("chars(model=...)", model, ("transformer", "gru"))
    sizes = {"context": context, "width": width, "depth": depth}
    for name, value in (sizes | {"batch_size": batch_size, "steps": steps, "heldout": heldout}).items():
        positive_int.check(f"chars({name}=...)", value)
    if model == "transformer" and width % 4:
        msg = refusal("chars(width=...)", "must be a multiple of the transformer's 4 heads", width)
        raise InputError(msg)
    symbols, written = _read(_path(text))
    split = len(written) * 9 // 10
    parts = {"training": written[:split], "held-out": written[split:]}
    for name, part in parts.items():
        if len(part) <= context:
            rule = f"must hold more than context={context} characters in its {name} part"
            msg = refusal("chars(text=...)", rule, len(part), "Give a longer text or a smaller context.")
            raise InputError(msg)
    train, held = _windows(parts["training"], context), _windows(parts["held-out"], context)
    if batch_size > len(train[0]):
        rule = f"must be at most the {len(train[0])} windows of the text"
        msg = refusal("chars(batch_size=...)", rule, batch_size, "Give a longer text or a smaller context.")
        raise InputError(msg)
    spread = torch.linspace(0, len(held[0]) - 1, min(heldout, len(held[0]))).long()
    with kept_random_state():
        torch.manual_seed(seed)
        net: torch.nn.Module
        if model == "gru":
            net = CharGRU(len(symbols), width, depth)
        else:
            net = CharTransformer(len(symbols), context, width, depth)
    task = TorchTask(
        model=net,
        optimizer=make_optimizer(
            "chars",
            net.parameters(),
            optimizer,
            momentum=momentum,
            weight_decay=weight_decay,
            nesterov=nesterov,
        ),
        loss=_loss,
        train=train,
        heldout=(held[0][spread], held[1][spread]),
        batch_size=batch_size,
        steps=steps,
        metric="loss",
        goal="min",
        seed=seed,
        average=average_for(optimizer, average),
        peak=peak_for(optimizer),
    )
    task.horizon = evolve(task.horizon, tokens_per_step=batch_size * context)
    return task


def _loss(scores: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of scores (n, length, symbols) for target (n, length)."""
    return torch.nn.functional.cross_entropy(scores.flatten(0, 1), target.flatten())


def _path(text: str | None) -> Path:
    if text is None:
        msg = refusal("chars(text=...)", "must be the path of a text file", None, "Give --with text=PATH.")
        raise InputError(msg)
    if not isinstance(text, str) or not Path(text).expanduser().is_file():
        msg = refusal("chars(text=...)", "must be the path of a text file that exists", text)
        raise InputError(msg)
    return Path(text).expanduser()


def _read(path: Path) -> tuple[str, torch.Tensor]:
    """The symbols in code-point order, and the text as their numbers."""
    try:
        written = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        msg = refusal("chars(text=...)", "must be a text file in UTF-8", str(path), f"Reading failed: {problem}.")
        raise InputError(msg) from problem
    points = np.frombuffer(written.encode("utf-32-le"), dtype=np.uint32)
    symbols, numbers = np.unique(points, return_inverse=True)
    return "".join(map(chr, symbols)), torch.from_numpy(numbers.astype(np.int64))


def _windows(numbers: torch.Tensor, context: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs and targets, both (n, context) of int64."""
    count = (len(numbers) - 1) // context
    x, y = numbers[: count * context], numbers[1 : count * context + 1]
    return x.view(count, context), y.reshape(count, context)
