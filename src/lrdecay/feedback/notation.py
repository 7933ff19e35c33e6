"""The text form of rules and of schedules under rules, read without being executed; equal to ``repr``.

    plateau(factor=0.5, patience=10, every="1ep")
    (warmup(500) + cosine(0.1)) * limited(plateau(), drops=3)

A product whose factors are rules and at most one schedule; the schedule's part is in its own notation
(`lrdecay.schedule.notation`).
"""

from __future__ import annotations

import ast
import difflib
import inspect
import sys
import warnings
from typing import Any

from lrdecay.errors import InputError, did_you_mean, refusal
from lrdecay.feedback.register import RULES
from lrdecay.feedback.rule import Rule
from lrdecay.feedback.ruled import Ruled, together
from lrdecay.schedule.base import Schedule
from lrdecay.schedule.notation import Spec, from_json, parse, split_spec
from lrdecay.schedule.register import FAMILIES

__all__ = ["is_ruled", "parse_rule", "parse_ruled", "parse_ruled_spec", "rule_from_json", "ruled_from_json"]

_HIDDEN = {"together"}  # written with *
_LONGEST = 10_000  # characters
_DEEPEST = 20  # rules within rules
_SUCH_AS = 'Such as "cosine(0.1) * plateau(factor=0.5)".'


def is_ruled(text: object) -> bool:
    """Whether a text names a rule, so that it is to be read by `parse_ruled`."""
    if not isinstance(text, str) or len(text) > _LONGEST:
        return False
    return any(name in RULES for name in _called(text))


def _called(text: str) -> list[str]:
    """The names that a text calls; none where it cannot be read."""
    try:
        nodes = ast.walk(_tree(text))
    except InputError:
        return []
    return [node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]


def _check_spelling(text: object) -> None:
    """Refuse a name that is no schedule's and nearly a rule's."""
    rules = [name for name in RULES if name not in _HIDDEN]
    for name in _called(text) if isinstance(text, str) and len(text) <= _LONGEST else ():
        if (
            name not in FAMILIES
            and difflib.get_close_matches(name, rules)
            and not difflib.get_close_matches(name, FAMILIES)
        ):
            msg = refusal(f"{name}(...)", "must be a known schedule or rule", name, did_you_mean(name, rules))
            raise InputError(msg)


def parse_ruled(text: str) -> Schedule | Ruled:
    """Read a schedule, under a rule or not; ``parse_ruled(repr(r)) == r``.

    Raises:
        InputError: it is neither; the message says which word is wrong.
    """
    if not is_ruled(text):
        _check_spelling(text)
        return parse(text)
    schedules, rules = _factors(_tree(text), text.strip())
    if len(schedules) != 1:
        cure = _SUCH_AS if not schedules else "Multiply the schedules first, in parentheses."
        msg = refusal("parse(...)", "must be one schedule times rules", text, cure)
        raise InputError(msg)
    return Ruled(schedules[0], rules[0] if len(rules) == 1 else together(tuple(rules)))


def parse_ruled_spec(text: str) -> Spec:
    """Read a schedule that may be under a rule and may carry its horizon: ``cosine(0.1) * plateau() @ 60ep``.

    Raises:
        InputError: as `parse_ruled`, or what stands behind the ``@`` is no length.
    """
    body, over = split_spec(text)
    made = parse_ruled(body)
    return Spec(made.schedule, over, repr(made.rule)) if isinstance(made, Ruled) else Spec(made, over)


def parse_rule(text: str) -> Rule:
    """Read a rule; ``parse_rule(repr(r)) == r``.

    Raises:
        InputError: it is none.
    """
    named = is_ruled(text)
    schedules, rules = _factors(_tree(text), text.strip()) if named else ([], [])
    if schedules or not rules:
        msg = refusal("parse_rule(...)", "must be given a rule", text, 'Such as "plateau(factor=0.5)".')
        raise InputError(msg)
    return rules[0] if len(rules) == 1 else together(tuple(rules))


def rule_from_json(data: Any) -> Rule:
    """Read a rule from `Rule.to_json`.

    Raises:
        InputError: it names no known rule, or its arguments do not fit.
    """
    if not isinstance(data, dict):
        msg = refusal("rule_from_json(...)", "must be given an object", data, 'Such as {"type": "plateau"}.')
        raise InputError(msg)
    if data.get("type") == "together":
        return together(tuple(rule_from_json(part) for part in data.get("rules", ())))
    named = {k: rule_from_json(v) if isinstance(v, dict) else v for k, v in data.items() if k != "type"}
    return _call(data.get("type"), [], named)


def ruled_from_json(data: Any) -> Schedule | Ruled:
    """Read what `Ruled.to_json` or `Schedule.to_json` wrote."""
    if isinstance(data, dict) and data.get("type") == "ruled":
        return Ruled(from_json(data.get("schedule")), rule_from_json(data.get("rule")))
    return from_json(data)


def _tree(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        msg = refusal("parse(...)", "must be given a schedule or a rule", text, _SUCH_AS)
        raise InputError(msg) from None


def _factors(node: ast.expr, text: str) -> tuple[list[Schedule], list[Rule]]:
    """The schedules and the rules of a product."""
    part = ast.get_source_segment(text, node) or text
    if not is_ruled(part):
        return [parse(part)], []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        (a, b), (c, d) = _factors(node.left, text), _factors(node.right, text)
        return a + c, b + d
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in RULES:
        return [], [_rule(node, text, 0)]
    cure = "Put the sum in parentheses: (warmup(500) + cosine(0.1)) * plateau()."
    msg = refusal("parse(...)", "must be a schedule times rules", part, cure)
    raise InputError(msg)


def _rule(node: ast.Call, text: str, depth: int) -> Rule:
    if depth > _DEEPEST:
        msg = refusal("parse(...)", f"must be nested at most {_DEEPEST} rules deep", text)
        raise InputError(msg)
    name = node.func.id if isinstance(node.func, ast.Name) else ast.get_source_segment(text, node.func)
    if any(isinstance(a, ast.Starred) for a in node.args) or any(k.arg is None for k in node.keywords):
        msg = refusal("parse(...)", "must name the arguments of a rule", ast.get_source_segment(text, node))
        raise InputError(msg)
    named = [str(k.arg) for k in node.keywords]
    if len(set(named)) != len(named):
        msg = refusal(f"{name}(...)", "must be given each argument once", ast.get_source_segment(text, node))
        raise InputError(msg)
    values = {str(k.arg): _value(k.value, text, depth) for k in node.keywords}
    return _call(name, [_value(a, text, depth) for a in node.args], values)


def _value(node: ast.expr, text: str, depth: int) -> Any:
    if depth > _DEEPEST:
        msg = refusal("parse(...)", f"must be nested at most {_DEEPEST} rules deep", text)
        raise InputError(msg)
    if isinstance(node, ast.Call):
        return _rule(node, text, depth + 1)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        parts = (_value(node.left, text, depth + 1), _value(node.right, text, depth + 1))
        if all(isinstance(part, Rule) for part in parts):
            return together(parts)
    match node:
        case ast.Constant(value=bool() | str() | None as value):
            return value
        case ast.Constant(value=int() | float() as value) if abs(value) <= sys.float_info.max:
            return value
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)) if (
            type(value) is not bool
        ):
            return -value
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, text, depth + 1) for item in items]
    part = ast.get_source_segment(text, node)
    msg = refusal("parse(...)", "must be a number, quoted text, a list or a rule", part)
    raise InputError(msg)


def _call(name: Any, positional: list[Any], named: dict[str, Any]) -> Rule:
    """Make a rule, with the mistakes of a call worded as ours."""
    if not isinstance(name, str) or name not in RULES or name in _HIDDEN:
        known = [known for known in RULES if known not in _HIDDEN]
        msg = refusal(f"{name}(...)", "must be a known rule", name, did_you_mean(str(name), known))
        raise InputError(msg)
    family: Any = RULES[name]
    parameters = inspect.signature(family).parameters
    for given in named:
        if given not in parameters:
            msg = refusal(f"{name}({given}=...)", "must be a known argument", given, did_you_mean(given, parameters))
            raise InputError(msg)
    try:
        inspect.signature(family).bind(*positional, **named)
    except TypeError as problem:
        msg = refusal(f"{name}(...)", f"must be called as {name}({', '.join(parameters)})", str(problem))
        raise InputError(msg) from None
    made: Rule = family(*positional, **named)
    return made
