"""From what a user names (a built-in task, a file's function, a function, a script) to a source of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.runs.reference import TaskReference, reference_to
from lrdecay.runs.script_source import ScriptSource
from lrdecay.runs.spec import Source
from lrdecay.runs.task_source import TaskSource
from lrdecay.tasks import BUILTIN

__all__ = ["Task", "source_of"]

Task = str | Callable[..., Any]
"""A built-in name, ``"pkg.mod:function"``, ``"file.py:function"``, or the function itself."""


def source_of(
    task: Task | None,
    script: str | None = None,
    *,
    arguments: Mapping[str, Any] | None = None,
    metric: str | None = None,
    launcher: str | None = None,
    exchange: str | Path | None = None,
) -> Source:
    """The source of runs that was named.

    Args:
        task: what to train in this package's processes; or None with a script.
        script: a command that calls ``lrdecay.script()``.
        arguments: keyword arguments of the task function.
        metric: for a script, what it is judged by: "name" or "name:min" or "name:max".
        launcher: for a script, what starts it, such as "torchrun --nproc-per-node 2".
        exchange: with a launcher, the folder for the files that both ends read; by default the working directory.

    Raises:
        InputError: neither or both are given, or the task is not known.
    """
    arguments = arguments or {}
    if (task is None) == (script is None):
        got = "neither" if task is None else "both"
        msg = refusal("TASK, --script CMD", "must be given, one of the two", got, "Built-in tasks: `lrdecay tasks`.")
        raise InputError(msg)
    if script is not None:
        if arguments:
            cure = "Put them into the command."
            msg = refusal("--with KEY=VALUE", "must not be given with --script", dict(arguments), cure)
            raise InputError(msg)
        folder = None if launcher is None else Path(exchange or ".").absolute()
        return ScriptSource(script, metric, launcher=launcher, exchange=folder)
    if launcher is not None:
        msg = refusal("--launcher", "must be given only with --script", launcher, "Tasks run in worker processes.")
        raise InputError(msg)
    if metric is not None:
        msg = refusal("--metric", "must be given only with --script", metric, "A task says its own metric.")
        raise InputError(msg)
    if not isinstance(task, str):
        return TaskSource(reference_to(task, arguments))  # type: ignore[arg-type]
    if task in BUILTIN:
        return TaskSource(TaskReference(BUILTIN[task].target, arguments, task))
    if ":" not in task:
        cure = f"{did_you_mean(task, BUILTIN)} Or write path/to/file.py:function."
        msg = refusal("TASK", "must be a built-in task or path/to/file.py:function", task, cure)
        raise InputError(msg)
    return TaskSource(TaskReference(task, arguments, task))
