"""What would let a study share more: percent warmups on several horizons, which no two runs have in common."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from attrs import Attribute, evolve

from lrdecay.schedule import Duration
from lrdecay.schedule.compose import warmup
from lrdecay.schedule.duration import round_half_up
from lrdecay.schedule.nodes import mapped
from lrdecay.sweep.executor import line_of
from lrdecay.sweep.tree import Tree, plan_tree
from lrdecay.verbs.show import horizon_of
from lrdecay.verbs.tuning import Candidate, make_spec

__all__ = ["advice"]


def advice(planned: Sequence[tuple[Candidate, float]]) -> list[str]:
    """Sentences on how schedules at these peaks would share more; each was planned again to be sure of it."""
    by_warmup: dict[Duration, list[int]] = {}
    for i, (candidate, _) in enumerate(planned):
        for length in _percent_warmups(candidate):
            by_warmup.setdefault(length, []).append(i)
    said = []
    now = _tree(planned)
    for length, concerned in by_warmup.items():
        updates = {i: _updates(planned[i][0], length) for i in concerned}
        if len(set(updates.values())) < 2:
            continue
        n = max(updates.values())
        changed = [
            (_with_warmup(c, length, n), peak) if i in updates else (c, peak) for i, (c, peak) in enumerate(planned)
        ]
        then = _tree(changed)
        if then.steps_trained < 0.98 * now.steps_trained:
            horizons = ", ".join(dict.fromkeys(_length(planned[i][0]) for i in concerned))
            ratio, was = then.steps_naive / then.steps_trained, now.steps_naive / now.steps_trained
            said.append(
                f"warmup={length!r} at horizons {horizons}: warmup={n} would share {ratio:.1f}x, not {was:.1f}x"
            )
    return said


def _tree(planned: Sequence[tuple[Candidate, float]]) -> Tree:
    return plan_tree([line_of(make_spec(candidate, peak, 0)) for candidate, peak in planned])


def _is_warmup(node: Any, a: Attribute[Any], value: Any) -> bool:
    named = a.name == "warmup" or (isinstance(node, warmup) and a.name == "over")
    return named and isinstance(value, Duration) and value.unit == "%"


def _percent_warmups(candidate: Candidate) -> list[Duration]:
    found: list[Duration] = []

    def look(node: Any, a: Attribute[Any], value: Any) -> Any:
        if _is_warmup(node, a, value) and value not in found:
            found.append(value)
        return value

    mapped(candidate.spec.schedule, look)
    return found


def _updates(candidate: Candidate, length: Duration) -> int:
    return round_half_up(horizon_of(candidate.spec, candidate.arm.probe.horizon).length(length))


def _with_warmup(candidate: Candidate, length: Duration, updates: int) -> Candidate:
    def change(node: Any, a: Attribute[Any], value: Any) -> Any:
        return Duration(Decimal(updates), "steps") if _is_warmup(node, a, value) and value == length else value

    return evolve(candidate, spec=evolve(candidate.spec, schedule=mapped(candidate.spec.schedule, change)))


def _length(candidate: Candidate) -> str:
    return str(candidate.spec.horizon or candidate.arm.probe.horizon.steps)
