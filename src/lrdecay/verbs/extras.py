"""Checking, before any training starts, that what a verb needs is installed."""

from __future__ import annotations

import importlib.util

from lrdecay.errors import MissingExtraError

__all__ = ["require"]

_NAMES = {"PIL": "pillow"}
"""What a module is installed as, where that is another name."""

_PACKAGES = {
    "study": ("scipy", "matplotlib", "jinja2", "sqlalchemy", "cattrs"),
    "torch": ("torch",),
    "lab": ("mnist1d", "mlxtend", "PIL"),
    "frames": ("pandas", "pyarrow"),
    "tensorboard": ("tensorboard",),
    "mlflow": ("mlflow",),
    "wandb": ("wandb",),
    "ray": ("ray",),
}


def require(extra: str, what: str) -> None:
    """Raise `MissingExtraError`, with the pip line, if a package of an extra is missing."""
    for package in _PACKAGES[extra]:
        if importlib.util.find_spec(package) is None:
            name = _NAMES.get(package, package)
            msg = f"`{what}` must have {name}, which is not installed. Run: pip install 'lrdecay[{extra}]'"
            raise MissingExtraError(msg)
