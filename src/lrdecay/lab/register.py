"""Which experiments there are: a folder for each paper, named author-year, or for each part of it: you2019/noise.

A folder holds ``claim.toml`` and ``experiment.py``, and its task functions in a package of their own, so that what is
changed in reading the runs does not make them other runs (`lrdecay.runs.reference`).
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.lab.declaration import Declaration, read
from lrdecay.lab.evidence import Evidence
from lrdecay.lab.laboratory import Laboratory

__all__ = ["NAMES", "Measure", "chosen", "declared", "folder_of", "measure_of"]

NAMES = (
    "controls/quadratic",
    "you2019/patterns",
    "you2019/noise",
    "you2019/beliefs",
    "you2019/transfer",
    "li2019/patches",
    "li2019/linear",
    "ge2019",
    "smith2018batch",
    "smith2018super",
    "loshchilov2017sgdr",
    "smith2017clr",
    "loshchilov2019adamw",
    "claims/overfitting",
    "claims/decay",
    "claims/knobs",
    "claims/variance",
    "claims/edges",
    "claims/optimizers",
    "claims/keras",
    "claims/minima",
    "claims/tasks",
    "claims/layers",
)
"""In the order in which they are shown and run."""

Measure = Callable[[Laboratory, Sequence[int], str], Evidence]
"""``measure(lab, seeds, scale)`` of an experiment: run its arms in these seeds and say what came of them."""


def chosen(names: Sequence[str]) -> list[str]:
    """Experiments by name; "all", and a paper's name means all of its parts; each once, in the order of `NAMES`.

    Raises:
        InputError: there is none of that name.
    """
    found: set[str] = set()
    for name in names:
        parts = [n for n in NAMES if name == "all" or n == name or n.startswith(f"{name}/")]
        if not parts:
            folder_of(name)
        found.update(parts)
    return [name for name in NAMES if name in found]


def folder_of(name: str) -> Path:
    """The folder of an experiment.

    Raises:
        InputError: there is none of that name.
    """
    if name not in NAMES:
        msg = refusal("lab run NAME", "must be the name of an experiment, or all", name, did_you_mean(name, NAMES))
        raise InputError(msg)
    return Path(__file__).parent / name


def declared(name: str) -> Declaration:
    """What an experiment declares."""
    return read(folder_of(name) / "claim.toml")


def measure_of(name: str) -> Measure:
    """How it is measured; its frameworks are imported with it."""
    folder_of(name)
    return cast("Measure", importlib.import_module(f"lrdecay.lab.{name.replace('/', '.')}.experiment").measure)
