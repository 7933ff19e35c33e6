"""The checks every built-in task makes of what it is given, and how a task says that a package is missing.

Arguments come from Python or, as JSON numbers and words, from ``--with key=value`` on the command line.
"""

from __future__ import annotations

from collections.abc import Iterable

from lrdecay.errors import Constraint, InputError, MissingExtraError, did_you_mean, refusal

__all__ = ["below_one", "check_choice", "check_seed", "check_unused", "missing_extra"]

_seed = Constraint("must be an integer from 0 to 2**63 - 1", lambda v: type(v) is int and 0 <= v < 2**63)

below_one = Constraint("must be a number in [0, 1)", lambda v: type(v) in (int, float) and 0 <= v < 1)


def check_seed(task: str, seed: int) -> None:
    """Raise `InputError` unless the seed is one that every random generator takes."""
    _seed.check(f"{task}(seed=...)", seed)


def check_choice(call: str, word: object, known: Iterable[str]) -> None:
    """Raise `InputError`, with the nearest known word, unless the word is one of them."""
    names = list(known)
    if word not in names:
        msg = refusal(call, f"must be one of {', '.join(names)}", word, did_you_mean(str(word), names))
        raise InputError(msg)


def check_unused(task: str, chosen: str, **values: object) -> None:
    """Raise `InputError` if a value was given that the chosen model or optimizer has no use for.

    Args:
        task: the task's name.
        chosen: what was chosen, in call syntax, such as ``optimizer='adamw'``.
        values: the arguments without use there; None means not given.
    """
    for name, value in values.items():
        if value is not None:
            msg = refusal(f"{task}({name}=...)", f"must not be given with {chosen}", value, "Leave it out.")
            raise InputError(msg)


def missing_extra(task: str, problem: ModuleNotFoundError, extra: str) -> MissingExtraError:
    """The error that says which package a task needs and how to install it."""
    package = str(problem.name).partition(".")[0]
    msg = f"`{task}` must find {package} installed, got no such package. Run: pip install 'lrdecay[{extra}]'"
    return MissingExtraError(msg)
