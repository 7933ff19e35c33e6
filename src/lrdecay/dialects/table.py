"""The page on dialects, made from the translators: ``python -m lrdecay.dialects.table > docs/dialects.md``.

For every scheduler of every library: an example, what it is called here, its equation, what is off by one in it, what
it does past its end, and its bugs. The examples are translated, on a run of 100 updates at a rate of 0.1.
"""

from __future__ import annotations

import inspect
import re
import sys
from typing import Any

from lrdecay.dialects.base import PEERS, SAYINGS, Call, Run, Saying, translate
from lrdecay.dialects.reading import load_all
from lrdecay.errors import InputError
from lrdecay.schedule import Horizon

__all__ = ["EXAMPLES", "example", "page"]

_STEPS = 100
_LR = 0.1
_SHOWN = 90  # characters of a schedule

_HEAD = f"""# Dialects: other libraries' schedulers, said here

Made by `python -m lrdecay.dialects.table`; a test compares it with the code.

`lrdecay convert 'torch.StepLR(step_size=30)' --lr 0.1` reads a scheduler of torch, Keras, optax, timm, transformers or
composer and says it in [the notation](notation.md), with the same rate at every update. In Python it is
`lrdecay.convert(...)`. Each example below stands for a run of {_STEPS} updates with a rate of {_LR} in the optimizer; t
counts updates from 0, and lr is the optimizer's rate. What is plainly a bug is refused in one sentence, and kept with
`--as-is`, as `tabulated(...)` where nothing else has these values.

The other way, `lrdecay convert 'warmup(10) + cosine(0.1)' --to torch --steps 100` prints code for torch, Keras, optax
or transformers that needs no lrdecay: one of the library's own schedulers where it gives these rates, else the
equation. The rates are ours to 1e-12 of the highest one in torch and transformers, which compute with float64, and to
2e-6 of it in Keras and optax, which compute with float32.
What has random numbers in it, and what counts samples where the batch size changes, is refused.
"""

_NAMES = {
    "torch": "PyTorch",
    "keras": "Keras",
    "optax": "optax",
    "timm": "timm",
    "transformers": "transformers",
    "composer": "composer",
}

EXAMPLES: dict[str, Any] = {
    "T_max": 100,
    "T_0": 20,
    "step_size": 30,
    "milestones": [30, 60],
    "gamma": 0.9,
    "base_lr": 0.01,
    "max_lr": 0.1,
    "total_steps": 100,
    "swa_lr": 0.05,
    "initial_learning_rate": 0.1,
    "decay_steps": 100,
    "decay_rate": 0.9,
    "first_decay_steps": 20,
    "boundaries": [30, 60],
    "values": [0.1, 0.05, 0.01],
    "value": 0.1,
    "init_value": 0.1,
    "end_value": 0.0,
    "peak_value": 0.1,
    "power": 2.0,
    "transition_steps": 100,
    "transition_begin": 0,
    "warmup_steps": 10,
    "num_warmup_steps": 10,
    "num_training_steps": 100,
    "num_decay_steps": 20,
    "min_lr": 0.01,
    "min_lr_rate": 0.1,
    "t_initial": 100,
    "decay_t": 30,
    "t_warmup": "10ba",
    "t_max": "1dur",
    "t_0": "20ba",
    "decay_period": "10ba",
}
"""An example of each argument that must be given, by its name."""

_HUGGING = {"num_warmup_steps": 10, "num_training_steps": 100}
_UP = {"init_value": 0.0, "peak_value": 0.1, "warmup_steps": 10}
_TIMM = {"t_initial": 100, "t_in_epochs": False}
_OWN: dict[tuple[str, str], dict[str, Any]] = {
    ("composer", "StepScheduler"): {"step_size": "30ba"},
    ("composer", "MultiStepScheduler"): {"milestones": ["0.3dur", "60ba"]},
    ("composer", "MultiStepWithWarmupScheduler"): {"t_warmup": "10ba", "milestones": ["0.3dur", "60ba"]},
    ("optax", "join_schedules"): {
        "schedules": [Call("optax", "linear_schedule", (0.0, 0.1, 10)), Call("optax", "constant_schedule", (0.1,))],
        "boundaries": [10],
    },
    ("optax", "piecewise_constant_schedule"): {"init_value": 0.1, "boundaries_and_scales": {30: 0.5, 60: 0.1}},
    ("optax", "piecewise_interpolate_schedule"): {
        "interpolate_type": "linear",
        "init_value": 0.1,
        "boundaries_and_scales": {30: 0.5, 60: 0.1},
    },
    ("optax", "sgdr_schedule"): {"cosine_kwargs": [{**_UP, "decay_steps": 40}, {**_UP, "decay_steps": 60}]},
    ("optax", "warmup_constant_schedule"): _UP,
    ("optax", "warmup_cosine_decay_schedule"): {**_UP, "decay_steps": 100},
    ("optax", "warmup_exponential_decay_schedule"): {**_UP, "transition_steps": 100, "decay_rate": 0.9},
    ("timm", "CosineLRScheduler"): _TIMM,
    ("timm", "PolyLRScheduler"): _TIMM,
    ("timm", "TanhLRScheduler"): _TIMM,
    ("timm", "StepLRScheduler"): {"decay_t": 30, "decay_rate": 0.1, "t_in_epochs": False},
    ("timm", "MultiStepLRScheduler"): {"decay_t": [30, 60], "decay_rate": 0.1, "t_in_epochs": False},
    ("timm", "WSDLRScheduler"): {**_TIMM, "decay_t": 20},
    ("torch", "CyclicLR"): {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 10},
    ("torch", "OneCycleLR"): {"max_lr": 0.1, "total_steps": 100},
    ("torch", "SequentialLR"): {
        "schedulers": [Call("torch", "LinearLR", (0.1,)), Call("torch", "ExponentialLR", (0.9,))],
        "milestones": [5],
    },
    ("torch", "ChainedScheduler"): {"schedulers": [Call("torch", "LinearLR"), Call("torch", "ExponentialLR", (0.9,))]},
    ("transformers", "get_cosine_with_min_lr_schedule_with_warmup"): {**_HUGGING, "min_lr": 0.01},
    ("transformers", "get_cosine_with_min_lr_schedule_with_warmup_lr_rate"): {**_HUGGING, "min_lr": 0.01},
    ("transformers", "get_wsd_schedule"): {**_HUGGING, "num_decay_steps": 20},
    ("transformers", "get_scheduler"): {"name": "cosine", **_HUGGING},
}


def example(saying: Saying) -> Call | None:
    """A call of a scheduler with what it must be given; None where that cannot be written as text."""
    given = _OWN.get((saying.library, saying.name))
    if given is None:
        wanted = [p for p in list(inspect.signature(saying.translator).parameters.values())[1:] if _is_wanted(p)]
        if any(p.name not in EXAMPLES for p in wanted):
            return None
        given = {p.name: EXAMPLES[p.name] for p in wanted}
    return Call(saying.library, saying.name, (), given)


def _is_wanted(parameter: inspect.Parameter) -> bool:
    return parameter.default is parameter.empty and parameter.kind not in (
        parameter.VAR_POSITIONAL,
        parameter.VAR_KEYWORD,
    )


def page() -> str:
    """The whole page, as Markdown."""
    load_all()
    parts = [_HEAD]
    for library in PEERS:
        known = [s for (home, _), s in SAYINGS.items() if home == library]
        if known:
            parts.append(f"## {_NAMES[library]}\n")
            parts.append("| scheduler | rate at update t | said here | what differs | past its end | bugs |")
            parts.append("| --- | --- | --- | --- | --- | --- |")
            parts += [_row(s) for s in known]
            parts.append("")
    return "\n".join(parts)


def _row(saying: Saying) -> str:
    call, said = example(saying), ""
    if call is not None:
        run = Run(lr=_LR, length=_STEPS, horizon=Horizon(steps=_STEPS))
        try:
            schedule = repr(translate(call, run))
            said = f"`{schedule if len(schedule) <= _SHOWN else f'{schedule[: _SHOWN - 4]} ...'}`"
        except InputError:
            said = "refused"
    name = f"`{saying.name}`" if call is None else f"`{_text(call)}`"
    first = re.split(r"(?<!\.)\.\s|\n\s*\n", inspect.getdoc(saying.translator) or "", maxsplit=1)[0].replace("\n", " ")
    cells = (name, first.strip(" .,"), said, saying.differs, saying.ends, saying.bug)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _text(value: Any) -> str:
    """A call and its arguments as they are typed."""
    if isinstance(value, Call):
        given = [*map(_text, value.positional), *(f"{k}={_text(v)}" for k, v in value.named.items())]
        return f"{value.name}({', '.join(given)})"
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    return repr(value)


if __name__ == "__main__":
    sys.stdout.write(page())
