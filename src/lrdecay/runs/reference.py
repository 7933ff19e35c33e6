"""Naming a function in text, ``pkg.mod:function`` or ``path/to/file.py:function``, so that a worker can import it.

A reference is text plus keyword arguments plus the hash of the source it points to, which is part of a run's identity:
a changed file is another task.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from attrs import field, frozen

from lrdecay.errors import InputError, LrdecayError, did_you_mean, refusal
from lrdecay.runs.local_files import content_hash, imported_files

__all__ = ["TaskReference", "reference_to"]


@frozen
class TaskReference:
    """A function that makes a `Trainable` from a seed: where it stands, and what else it is called with."""

    target: str  # "pkg.mod:function" or "path/to/file.py:function"
    arguments: Mapping[str, Any] = field(factory=dict)  # JSON
    name: str = ""  # what the user typed; shown in tables

    def __attrs_post_init__(self) -> None:
        """Check the form, before anything is imported."""
        where, _, function = self.target.rpartition(":")
        if not where or not function.isidentifier():
            cure = "Give a built-in name (see `lrdecay tasks`), pkg.mod:function or path/to/file.py:function."
            msg = refusal("TASK", "must name a function that makes a task", self.target, cure)
            raise InputError(msg)
        if where.endswith(".py") and not Path(where).is_file():
            msg = refusal("TASK", "must name a Python file that exists", where)
            raise InputError(msg)
        try:
            json.dumps(dict(self.arguments))
        except (TypeError, ValueError):
            cure = "They are part of what a run is known by."
            msg = refusal("TASK arguments", "must be numbers, texts, lists or tables", dict(self.arguments), cure)
            raise InputError(msg) from None

    @property
    def label(self) -> str:
        """What to call this task in a table."""
        return self.name or self.target

    def function(self) -> Callable[..., Any]:
        """Import the function.

        Raises:
            InputError: the file does not import, holds no such function, or it does not take these arguments.
        """
        where, _, name = self.target.rpartition(":")
        module = _load(where)
        function: Callable[..., Any] | None = getattr(module, name, None)
        if not callable(function):
            known = [n for n, v in vars(module).items() if inspect.isfunction(v) and not n.startswith("_")]
            cure = did_you_mean(name, known) if known else "There is none in it."
            msg = refusal(f"{where}:{name}", "must be a function in that file", name, cure)
            raise InputError(msg)
        try:
            signature = inspect.signature(function)
        except (TypeError, ValueError):
            msg = refusal(self.label, "must be a function that says what it takes", function, "Wrap it with `def`.")
            raise InputError(msg) from None
        try:
            signature.bind(0, **self.arguments)
        except TypeError as problem:
            takes = [p for p in signature.parameters if p != "seed"]
            msg = f"`{self.label}` must be callable as {name}(seed{''.join(f', {k}=...' for k in self.arguments)})"
            msg += f", got {str(problem).removeprefix('got ')}. It takes: {', '.join(takes) or 'only the seed'}."
            raise InputError(msg) from None
        return function

    def source_hash(self) -> str:
        """SHA-256 of the file the function stands in and of what it imports from beside it.

        For a module of a package, of all files beside it.
        """
        where, _, _ = self.target.rpartition(":")
        if where.endswith(".py"):
            files = imported_files(Path(where))
        else:
            spec = importlib.util.find_spec(where)
            files = sorted(Path(spec.origin).parent.glob("*.py")) if spec is not None and spec.origin else []
        return content_hash(files)

    def data_hashes(self) -> dict[str, str]:
        """SHA-256 of every file that an argument names."""
        named = {v for v in self.arguments.values() if isinstance(v, str) and _names_a_file(v)}
        return {name: content_hash([Path(name)]) for name in sorted(named)}


def _names_a_file(text: str) -> bool:
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long to be a name, or holding what no name holds
        return False


def _load(where: str) -> ModuleType:
    """The module; a file is imported under a name of its own, once, with its folder on the path."""
    try:
        if not where.endswith(".py"):
            return importlib.import_module(where)
        path = Path(where).resolve()
        name = f"lrdecay_task_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}_{path.stem}"
        if name in sys.modules:
            return sys.modules[name]
        if str(path.parent) not in sys.path:
            sys.path.insert(0, str(path.parent))
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            msg = refusal("TASK", "must name a Python file", where)
            raise InputError(msg)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    except LrdecayError:
        raise
    except (Exception, SystemExit) as problem:  # a file that reads the command line ends the program
        reason = " ".join(str(problem).split()) or "no message"
        msg = f"`{where}` must import without an error, got {type(problem).__name__}: {reason}."
        raise InputError(msg) from problem
    return module


def reference_to(function: Callable[..., Any], arguments: Mapping[str, Any] | None = None) -> TaskReference:
    """The reference to a function object, so that workers can import it.

    Raises:
        InputError: it is not a plain function at the top of a module (a lambda, a closure, a notebook cell).
    """
    name = getattr(function, "__qualname__", repr(function))
    module = sys.modules.get(getattr(function, "__module__", ""), None)
    if module is None or not name.isidentifier() or getattr(module, name, None) is not function:
        cure = "Workers import it by name: define it with `def` at the top level of a file."
        msg = refusal("task", "must be a function at the top of a module", function, cure)
        raise InputError(msg)
    if module.__name__ == "__main__" or module.__name__.startswith("lrdecay_task_"):
        if not getattr(module, "__file__", None):
            msg = refusal("task", "must stand in a file", function, "Move it from the prompt into a .py file.")
            raise InputError(msg)
        return TaskReference(f"{module.__file__}:{name}", arguments or {}, name)
    return TaskReference(f"{module.__name__}:{name}", arguments or {}, name)
