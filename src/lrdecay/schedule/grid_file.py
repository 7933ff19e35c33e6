"""Schedules and grids from a JSON or YAML file: a list of notations and of mappings.

    - cosine(peak)
    - wsd(peak, warmup=100, cooldown={"10%", "20%"}) @ {40ep, 60ep}
    - family: wsd
      peak: [0.03, 0.1]
      warmup: 100
      cooldown: ["10%", "20%", "40%"]
      horizon: 60ep

In a mapping every key but ``family`` and ``horizon`` is an argument; a list is a set of choices. Where the argument is
a list itself (``at``, ``values``, ``between``), the choices are a list of lists. A mapping may stand where a schedule
may. The word ``peak`` leaves the peak open. Each entry becomes one text of the notation (`lrdecay.schedule.grid`), and
means what that text means.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from lrdecay.errors import InputError, MissingExtraError, refusal
from lrdecay.schedule.grid import Grid, check_grid, read_grid
from lrdecay.schedule.notation import Spec, parse_spec

__all__ = ["read_grid_file"]

_LISTS = frozenset({"at", "between", "values"})  # arguments that are lists
_LARGEST = 1_000_000  # bytes
_DEEPEST = 20  # mappings in mappings
_SUCH_AS = "Such as: - cosine(peak)"


def read_grid_file(path: str | Path, parse_one: Callable[[str], Spec] = parse_spec) -> tuple[Grid, ...]:
    """The grids of a file, one for each entry; a schedule alone is a grid of one.

    Args:
        path: a file in UTF-8 that ends in .json, .yaml or .yml.
        parse_one: what reads a schedule.

    Raises:
        InputError: there is no such file, it is not in its format, or an entry is no schedule; the message names the
            line or the number of the entry, counted from 1.
        MissingExtraError: it is YAML, and PyYAML is not installed.
    """
    path = Path(path)
    call = f"--schedules {path}"
    if path.suffix.lower() not in (".json", ".yaml", ".yml"):
        msg = refusal("--schedules FILE", "must end in .json, .yaml or .yml", str(path))
        raise InputError(msg)
    try:
        if path.stat().st_size > _LARGEST:
            msg = refusal(call, f"must be at most {_LARGEST} bytes", path.stat().st_size)
            raise InputError(msg)
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "not UTF-8"
        msg = refusal("--schedules FILE", f"must be a file that can be read ({reason})", str(path))
        raise InputError(msg) from None
    entries = _from_json(text, call) if path.suffix.lower() == ".json" else _from_yaml(text, call)
    if not isinstance(entries, list) or not entries:
        msg = refusal(call, "must hold a list of schedules", entries, _SUCH_AS)
        raise InputError(msg)
    return tuple(_grid(entry, f"{call}, entry {number}", parse_one) for number, entry in enumerate(entries, 1))


def _from_json(text: str, call: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as problem:
        msg = refusal(f"{call}, line {problem.lineno}", f"must be JSON ({problem.msg})", _line(text, problem.lineno))
        raise InputError(msg) from None
    except (RecursionError, ValueError) as problem:  # nested thousands deep, an integer of thousands of digits
        msg = refusal(call, f"must be JSON ({type(problem).__name__})", text[:40])
        raise InputError(msg) from None


def _from_yaml(text: str, call: str) -> Any:
    try:
        import yaml
    except ModuleNotFoundError:
        msg = f"`{call}` must have PyYAML, which is not installed. Run: pip install 'lrdecay[study]'; or write JSON."
        raise MissingExtraError(msg) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = 1 if mark is None else mark.line + 1
        reason = getattr(problem, "problem", None) or type(problem).__name__
        msg = refusal(f"{call}, line {line}", f"must be YAML ({reason})", _line(text, line))
        raise InputError(msg) from None
    except (RecursionError, ValueError) as problem:
        msg = refusal(call, f"must be YAML ({type(problem).__name__})", text[:40])
        raise InputError(msg) from None


def _line(text: str, number: int) -> str:
    """A line of the text, from 1; empty behind the last."""
    return dict(enumerate(text.split("\n"), 1)).get(number, "").strip()


def _grid(entry: Any, call: str, parse_one: Callable[[str], Spec]) -> Grid:
    """One entry, read; what the notation refuses is said with the number of the entry."""
    written = entry if isinstance(entry, str) else _notation(entry, call, 0)
    check_grid(written, call)
    try:
        return read_grid(written, parse_one)
    except InputError as problem:
        msg = f"{call}: {problem}"
        raise InputError(msg) from None


def _notation(entry: Any, call: str, depth: int) -> str:
    """A mapping as a text of the notation."""
    family = entry.get("family") if isinstance(entry, dict) else None
    if not isinstance(family, str) or not family.isidentifier() or depth > _DEEPEST:
        cure = 'Such as {"family": "cosine", "peak": [0.1, 0.2]}, or "cosine({0.1, 0.2})".'
        msg = refusal(call, "must be a notation, or a mapping with a family", entry, cure)
        raise InputError(msg)
    given = {k: v for k, v in entry.items() if k not in ("family", "horizon")}
    wrong = next((k for k in given if not isinstance(k, str) or not k.isidentifier()), None)
    if wrong is not None or (depth and "horizon" in entry):
        found = wrong if wrong is not None else "a horizon inside a schedule"
        msg = refusal(call, "must have arguments of the family as keys", found)
        raise InputError(msg)
    arguments = ", ".join(f"{k}={_value(v, k in _LISTS, call, depth)}" for k, v in given.items())
    horizon = entry.get("horizon")
    if horizon is None:
        return f"{family}({arguments})"
    lengths = list(_lengths(horizon if isinstance(horizon, list) else [horizon], call))
    return f"{family}({arguments}) @ " + (f"{{{', '.join(lengths)}}}" if isinstance(horizon, list) else lengths[0])


def _lengths(given: list[Any], call: str) -> Iterator[str]:
    """Horizons, as they stand behind the ``@``."""
    for length in given:
        if type(length) is not int and not (
            isinstance(length, str) and length.strip() and not set(length) & set("{},@")
        ):
            msg = refusal(f"{call}, horizon", "must be a length, or a list of lengths", length, 'Such as "60ep".')
            raise InputError(msg)
        yield str(length)


def _value(value: Any, is_list: bool, call: str, depth: int) -> str:
    """One argument: a value, or a set of values in braces."""
    if isinstance(value, list) and (not is_list or any(isinstance(v, list) for v in value)):
        return "{" + ", ".join(_one(v, call, depth) for v in value) + "}"
    return _one(value, call, depth)


def _one(value: Any, call: str, depth: int) -> str:
    """A number, a text, a list or a schedule in the notation."""
    if value == "peak":
        return "peak"
    if isinstance(value, bool | str | int) or (isinstance(value, float) and math.isfinite(value)):
        return json.dumps(value) if isinstance(value, str) else repr(value)
    if isinstance(value, list) and not any(isinstance(v, list) for v in value):
        return "[" + ", ".join(_one(v, call, depth) for v in value) + "]"
    if isinstance(value, dict):
        return _notation(value, call, depth + 1)
    msg = refusal(call, "must hold numbers, texts, lists of them and mappings with a family", value)
    raise InputError(msg)
