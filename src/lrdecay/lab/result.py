"""The result of an experiment: what was declared, what was measured, the verdicts; a JSON object, kept as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from lrdecay.errors import RunError
from lrdecay.lab.committed import Commit
from lrdecay.lab.declaration import Declaration
from lrdecay.lab.estimate import Estimate, estimated
from lrdecay.lab.evidence import Evidence
from lrdecay.lab.verdict import Judged, judge
from lrdecay.runs.files import write_text

__all__ = ["Result", "keep", "kept", "result_of", "result_path"]

_NOT_OLDER = "its declaration was not committed before the run"


@frozen(eq=False)
class Result:
    """An experiment, run and judged."""

    declaration: Declaration
    scale: str
    seeds: tuple[int, ...]
    judged: tuple[Judged, ...]
    others: tuple[Estimate, ...]  # measured, and no claim rests on them
    evidence: Evidence = field(repr=False)
    declared: Mapping[str, Any]  # the hash of the declaration, and what git says of it
    cost: Mapping[str, Any]  # seconds, updates asked for and made
    provenance: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """The contract of ``lab run --json``, and more."""
        d = self.declaration
        return {
            "name": d.name,
            "title": d.title,
            "source": d.source,
            "about": d.about,
            "reconstruction": d.reconstruction,
            "scale": self.scale,
            "seeds": list(self.seeds),
            "declared": dict(self.declared),
            "claims": [_claim_json(j, d, self.seeds) for j in self.judged],
            "others": [e.to_json() for e in self.others],
            **self.evidence.to_json(),
            "cost": dict(self.cost),
            "provenance": dict(self.provenance),
        }


def result_of(
    declaration: Declaration,
    evidence: Evidence,
    *,
    scale: str,
    seeds: tuple[int, ...],
    commit: Commit,
    older: bool,
    cost: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> Result:
    """Judge what was measured.

    Args:
        declaration: what was declared.
        evidence: what was measured.
        scale: smoke, small or full.
        seeds: of the runs.
        commit: of the declaration.
        older: whether that was before the run; else nothing is tested.
        cost: seconds and updates.
        provenance: see `lrdecay.verbs.provenance`.
    """
    measured = estimated(declaration.statistics, evidence.values)
    gates = {c.name: _NOT_OLDER for c in declaration.claims} if not older else evidence.gates
    judged = tuple(judge(c, measured, scale=scale, gate=gates.get(c.name)) for c in declaration.claims)
    used = {name for claim in declaration.claims for name in claim.asks}
    others = tuple(e for name, e in measured.items() if name not in used)
    said = {"sha256": declaration.sha256, **commit.to_json(), "older": older}
    return Result(declaration, scale, seeds, judged, others, evidence, said, cost, provenance)


def result_path(folder: Path, name: str) -> Path:
    """Where the result of an experiment is kept in the lab's folder."""
    return folder / "results" / f"{name}.json"


def keep(result: Result, folder: Path) -> Path:
    """Write it, whole or not at all."""
    path = result_path(folder, result.declaration.name)
    write_text(path, json.dumps(result.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    return path


def kept(folder: Path, name: str) -> dict[str, Any] | None:
    """The result that is kept of an experiment, as JSON; None: none is.

    Raises:
        RunError: the file is not one.
    """
    path = result_path(folder, name)
    if not path.exists():
        return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if found["name"] == name and found["claims"]:
            return found
    except (ValueError, KeyError, TypeError):
        pass
    msg = f"`{path}` must be a result of `lrdecay lab run {name}`, got something else. Remove it."
    raise RunError(msg)


def _claim_json(j: Judged, d: Declaration, seeds: tuple[int, ...]) -> dict[str, Any]:
    first = j.estimates[0].to_json() if j.estimates else None
    return {
        "name": j.claim.name,
        "claim": j.claim.says,
        "source": j.claim.source or d.source,
        "verdict": j.verdict,
        "reason": j.reason,
        "statistic": "; ".join(d.statistics[name].says for name in (*j.claim.some, *j.claim.holds)),
        "sesoi": d.statistics[j.claim.rests[0]].smallest,
        "seeds": list(seeds),
        "estimate": None if first is None else first["estimate"],
        "interval": None if first is None else first["interval"],
        "statistics": [e.to_json() for e in j.estimates],
        "holds": list(j.claim.holds),
        "in_part": list(j.claim.in_part),
        "some": list(j.claim.some),
        "enough": j.claim.enough,
        "null": None if j.null is None else j.null.to_json(),
        "planted": None if j.planted is None else j.planted.to_json(),
    }
