"""The text form of a plan, read without being executed. It equals the Python call, and equals ``repr``.

    plan(lr=cosine(0.1), momentum=0.9)
    plan(lr=warmup(500) + cosine(3e-4), weight_decay=0.1, groups={"*.bias": group(weight_decay=0)}) @ 60ep
    plan(lr=cosine(1e-3), layers=layerwise(0.75, layers=12))
    grow_batch(plan(lr=multi_step(0.1, factor=0.2, at=["60ep"]), momentum=0.9), max_batch=5120)
    one_cycle_plan(0.1)

Grammar: one call of `plan`, `one_cycle_plan` or `grow_batch`; inside, schedules in their own notation
(`lrdecay.schedule.notation`), numbers, quoted text, lists, a dictionary of groups, and the calls `group`, `layerwise`
and `discriminative`.
"""

from __future__ import annotations

import ast
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.schedule.base import Schedule
from lrdecay.schedule.duration import Duration, duration
from lrdecay.schedule.horizon import Horizon
from lrdecay.schedule.notation import from_json, parse
from lrdecay.schedule.plan_bound import BoundPlan
from lrdecay.schedule.plan_cycles import one_cycle_plan
from lrdecay.schedule.plan_groups import Group, group
from lrdecay.schedule.plan_growth import grow_batch
from lrdecay.schedule.plan_layers import Layers, discriminative, layerwise
from lrdecay.schedule.plan_values import NAMES
from lrdecay.schedule.plans import Plan, plan

__all__ = ["bound_from_json", "is_plan", "parse_plan", "parse_plan_spec", "plan_from_json"]

_PLANS: dict[str, Callable[..., Any]] = {"plan": plan, "one_cycle_plan": one_cycle_plan, "grow_batch": grow_batch}
_LAYERS: dict[str, Callable[..., Any]] = {"layerwise": layerwise, "discriminative": discriminative}
_PARTS: dict[str, Callable[..., Any]] = {**_PLANS, **_LAYERS, "group": group}
_LONGEST = 20_000  # characters of a plan's text
_SUCH_AS = 'Such as "plan(lr=cosine(0.1), momentum=0.9)".'


def is_plan(text: object) -> bool:
    """Whether a text is meant as a plan and not as a schedule: it starts with the name of one."""
    return isinstance(text, str) and text.strip().split("(")[0].strip() in _PLANS


def parse_plan(text: str) -> Plan:
    """Read a plan from its text notation; ``parse_plan(repr(p)) == p``.

    Raises:
        InputError: the text is not a plan; the message says which word is wrong.
    """
    if not isinstance(text, str) or len(text) > _LONGEST:
        shown = text[:40] + "..." if isinstance(text, str) else text
        msg = refusal("parse_plan(...)", f"must be given a text of at most {_LONGEST} characters", shown)
        raise InputError(msg)
    source = text.strip()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source, mode="eval").body
        made = _read(tree, source, 0)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
        if isinstance(problem, InputError):
            raise
        where = f" (at character {problem.offset})" if isinstance(problem, SyntaxError) and problem.offset else ""
        msg = refusal("parse_plan(...)", f"must be given a plan{where}", text, _SUCH_AS)
        raise InputError(msg) from None
    if not isinstance(made, Plan):
        msg = refusal("parse_plan(...)", "must be given a plan", text, _SUCH_AS)
        raise InputError(msg)
    return made


def parse_plan_spec(text: str) -> tuple[Plan, Duration | None]:
    """Read a plan that may carry its horizon: ``plan(lr=cosine(0.1)) @ 60ep``.

    Raises:
        InputError: as `parse_plan`; or the length is not one.
    """
    body, at, length = text.rpartition("@")
    if not at or '"' in length or "'" in length:
        return parse_plan(text), None
    length = length.strip()
    over = duration(int(length) if length.isdecimal() and len(length) < 20 else length, f"{body.strip()} @ ...")
    if over.unit == "%":
        msg = refusal(f"{body.strip()} @ ...", "must be a length, not a share of one", length)
        raise InputError(msg)
    return parse_plan(body), over


def plan_from_json(data: Any) -> Plan:
    """Read a plan from `Plan.to_json`.

    Raises:
        InputError: it is no such object, or its values do not fit.
    """
    if not isinstance(data, dict) or data.get("type") != "plan":
        msg = refusal("plan_from_json(...)", "must be a plan", data, 'Such as {"type": "plan", "lr": 0.1}.')
        raise InputError(msg)
    given = {k: v for k, v in data.items() if k != "type"}
    grow = {k: given.pop(k) for k in ("max_batch", "every") if k in given}
    for name in NAMES:
        if name in given:
            given[name] = _value_of(given[name])
    if "groups" in given:
        given["groups"] = {label: _group_of(g) for label, g in _object("groups", given["groups"]).items()}
    if "layers" in given:
        layers = dict(_object("layers", given["layers"]))
        given["layers"] = _call(layers.pop("type", None), _LAYERS, [], layers)
    made: Plan = _call("plan", _PLANS, [], given)
    return _call("grow_batch", _PLANS, [made], grow) if grow else made


def bound_from_json(data: Any) -> BoundPlan:
    """Read a bound plan from `BoundPlan.to_json`.

    Raises:
        InputError: it is no such object, or its values do not fit.
    """
    if not isinstance(data, dict) or set(data) != {"plan", "horizon"}:
        msg = refusal("bound_from_json(...)", "must have a plan and a horizon", data)
        raise InputError(msg)
    horizon: Horizon = _call("Horizon", {"Horizon": Horizon}, [], _object("horizon", data["horizon"]))
    return plan_from_json(data["plan"]).bind(horizon)


def _object(name: str, data: Any) -> dict[str, Any]:
    if not isinstance(data, dict) or not all(isinstance(k, str) for k in data):
        msg = refusal(f"plan_from_json({name!r})", "must be an object", data)
        raise InputError(msg)
    return data


def _value_of(data: Any) -> Any:
    return from_json(data) if isinstance(data, dict) else data


def _group_of(data: Any) -> Any:
    given = {k: _value_of(v) if k in NAMES else v for k, v in _object("groups", data).items()}
    return _call("group", _PARTS, [], given)


def _read(node: ast.expr, source: str, depth: int) -> Any:
    """The value of one node: a part of a plan, or what `parse` makes of a schedule."""
    if depth > 10:
        msg = refusal("parse_plan(...)", "must be nested less deeply", source)
        raise InputError(msg)
    match node:
        case ast.Call(func=ast.Name(id=name), args=args, keywords=keywords) if name in _PARTS:
            named: dict[str, Any] = {}
            for k in keywords:
                if k.arg is None or k.arg in named:
                    msg = refusal(f"{name}({k.arg or '**'}=...)", "must be given once, by name", source)
                    raise InputError(msg)
                named[k.arg] = _read(k.value, source, depth + 1)
            return _call(name, _PARTS, [_read(a, source, depth + 1) for a in args], named)
        case ast.Constant(value=int() | float() | str() | bool() as value):
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_read(item, source, depth + 1) for item in items]
        case ast.Dict(keys=keys, values=values):
            made: dict[Any, Any] = {}
            for key, item in zip(keys, values, strict=True):
                label = None if key is None else _read(key, source, depth + 1)
                if not isinstance(label, str) or label in made:
                    msg = refusal("plan(groups=...)", "must have labels in quotes, each once", label)
                    raise InputError(msg)
                made[label] = _read(item, source, depth + 1)
            return made
        case ast.Call(func=ast.Name(id=name)) if depth == 0:
            msg = refusal(f"{name}(...)", "must be a plan", name, did_you_mean(name, _PLANS))
            raise InputError(msg)
    text = ast.get_source_segment(source, node) or source
    schedule: Schedule = parse(text)
    return schedule


def _call(name: Any, known: dict[str, Callable[..., Any]], positional: list[Any], named: dict[str, Any]) -> Any:
    """Call one of ours, with the mistakes of a call worded as ours."""
    if not isinstance(name, str) or name not in known:
        msg = refusal(f"{name}(...)", f"must be one of {', '.join(known)}", name)
        raise InputError(msg)
    made = known[name]
    signature = inspect.signature(made)
    words = [p.name for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    words += [] if len(words) == len(signature.parameters) else list(inspect.signature(plan).parameters)
    for given in named:
        if given not in words or given == "where":
            msg = refusal(f"{name}({given}=...)", "must be a known argument", given, did_you_mean(given, words))
            raise InputError(msg)
    try:
        signature.bind(*positional, **named)
    except TypeError as problem:
        msg = f"`{name}(...)` must be called as {name}{signature}: {problem}."
        raise InputError(msg) from None
    for part in (*positional, *named.values()):
        if isinstance(part, Group | Layers) and name not in ("plan", "one_cycle_plan"):
            msg = refusal(f"{name}(...)", "must be part of a plan", part)
            raise InputError(msg)
    return made(*positional, **named)
