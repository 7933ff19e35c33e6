"""The words between a study and a user's script that it started: environment variables in, a file of events out.

    LRDECAY_EVENTS   file to append events to
    LRDECAY_SPEC     the schedule, in the notation, perhaps under a rule, which the script then shows what it observes
    LRDECAY_RATES    a .npy file with the float64 rate of every update, before a rule; wins over the schedule
    LRDECAY_STEPS    horizon in updates, in place of the script's own
    LRDECAY_SEED     random seed
    LRDECAY_LOAD     checkpoint to start from, in the script's own format
    LRDECAY_STOP     step to stop at
    LRDECAY_SAVE     where to save a checkpoint when stopping
    LRDECAY_RESUME   a folder in which `lrdecay resume` says what is to be done before the first update
    LRDECAY_LOOK     a file that says what to read of the optimizer along the way (`lrdecay lab explain`)
    LRDECAY_PROBE    "1": say the horizon and the schedule, then stop before training

Events are JSON lines: ``hello`` (the horizon), ``attached`` (the schedule), ``loaded`` (the step of a checkpoint),
``steps`` (updates begin; whether checkpoints can be saved and loaded), ``cannot`` (it was asked to save, and could not
go on from there), ``row`` (what was logged at a step), ``looking`` (whether there is an optimizer to look at), ``end``;
under a rule, those of `lrdecay.runs.ruling`. Nothing is ever pickled.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from attrs import frozen

from lrdecay.errors import InputError, refusal

__all__ = ["Orders", "encode", "finite", "variables"]


@frozen
class Orders:
    """What a study tells a script to do; all None: an ordinary run, started by hand."""

    events: Path | None = None
    spec: str | None = None
    rates: Path | None = None
    steps: int | None = None
    seed: int | None = None
    load: Path | None = None
    stop: int | None = None
    save: Path | None = None
    probe: bool = False
    resume: Path | None = None
    look: Path | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Orders:
        """From environment variables.

        Raises:
            InputError: a number is not one.
        """

        def number(name: str) -> int | None:
            text = environment.get(name, "")
            if not text:
                return None
            if not text.isdecimal():
                msg = refusal(name, "must be an integer >= 0", text)
                raise InputError(msg)
            return int(text)

        def path(name: str) -> Path | None:
            return Path(environment[name]) if environment.get(name) else None

        return cls(
            events=path("LRDECAY_EVENTS"),
            spec=environment.get("LRDECAY_SPEC") or None,
            rates=path("LRDECAY_RATES"),
            steps=number("LRDECAY_STEPS"),
            seed=number("LRDECAY_SEED"),
            load=path("LRDECAY_LOAD"),
            stop=number("LRDECAY_STOP"),
            save=path("LRDECAY_SAVE"),
            probe=environment.get("LRDECAY_PROBE") == "1",
            resume=path("LRDECAY_RESUME"),
            look=path("LRDECAY_LOOK"),
        )


def variables(orders: Orders) -> dict[str, str]:
    """Orders as environment variables; what is None is left out."""
    found = {
        "LRDECAY_EVENTS": orders.events,
        "LRDECAY_SPEC": orders.spec,
        "LRDECAY_RATES": orders.rates,
        "LRDECAY_STEPS": orders.steps,
        "LRDECAY_SEED": orders.seed,
        "LRDECAY_LOAD": orders.load,
        "LRDECAY_STOP": orders.stop,
        "LRDECAY_SAVE": orders.save,
        "LRDECAY_PROBE": 1 if orders.probe else None,
        "LRDECAY_RESUME": orders.resume,
        "LRDECAY_LOOK": orders.look,
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def encode(value: float) -> float | str:
    """A number for JSON; one that is not finite becomes text, which `float` reads back."""
    return value if math.isfinite(value) else str(value)


def finite(value: float) -> float | None:
    """A number for JSON that people read; null where there is none."""
    return value if math.isfinite(value) else None
