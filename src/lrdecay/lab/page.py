"""The lab's report: one HTML file over all results that a folder keeps, which needs nothing else.

It is made from the kept JSON alone, so that it can be made again without a run; the same results give the same bytes.
Everything that an experiment says is escaped by the template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from lrdecay.lab.declaration import Declaration
from lrdecay.lab.drawing import intervals_figure, lines_figure
from lrdecay.lab.register import NAMES, declared
from lrdecay.lab.result import kept
from lrdecay.report.digits import UNKNOWN
from lrdecay.report.drawing import svg
from lrdecay.runs.files import write_text

__all__ = ["PAGE", "VERDICTS", "lab_html", "number", "write_page"]

PAGE = "report.html"
"""Its name in the lab's folder."""

VERDICTS = ("holds", "holds in part", "does not hold here", "cannot tell", "not tested")

_STALE = "the result that is kept is of an older declaration"
_NONE = "it was not run in this folder"
_GOALS = {
    "above": "at least {s}",
    "below": "at most −{s}",
    "within": "within ±{s}",
    "not below": "above −{s}",
    "not above": "below {s}",
}


def lab_html(declarations: Sequence[Declaration], results: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole page.

    Args:
        declarations: of every experiment, in the order of the page.
        results: name -> the kept result; one whose declaration has changed since counts as none.
    """
    shown = [_experiment(d, results.get(d.name)) for d in declarations]
    claims = [claim for experiment in shown for claim in experiment["claims"]]
    templates = Environment(
        loader=ChoiceLoader([PackageLoader("lrdecay.lab", "."), PackageLoader("lrdecay.report", ".")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = templates.get_template("page.html.j2").render(
        experiments=shown,
        claims=claims,
        counts=[(verdict, sum(c["verdict"] == verdict for c in claims)) for verdict in VERDICTS],
        number=number,
    )
    return f"{page.strip()}\n"


def write_page(folder: Path) -> Path:
    """Write the page of a lab's folder, whole or not at all; gives its path.

    Raises:
        RunError: a file among the results is none.
    """
    found = {name: kept(folder, name) for name in NAMES}
    page = folder / PAGE
    results = {name: result for name, result in found.items() if result is not None}
    write_text(page, lab_html([declared(name) for name in NAMES], results))
    return page


def number(value: float | None) -> str:
    """Four significant digits, a true minus sign; a dash where there is none."""
    return UNKNOWN if value is None else f"{value:.4g}".replace("-", "−")


def _experiment(d: Declaration, result: Mapping[str, Any] | None) -> dict[str, Any]:
    """What the template says of an experiment."""
    slug = _slug(d.name)
    current = result is not None and result["declared"]["sha256"] == d.sha256
    common: dict[str, Any] = {
        "slug": slug,
        "name": d.name,
        "title": d.title,
        "source": d.source,
        "about": d.about.strip(),
    }
    common |= {"reconstruction": d.reconstruction.strip(), "sha256": d.sha256, "minutes": dict(d.minutes)}
    if result is None or not current:
        why = _NONE if result is None else _STALE
        claims = [_untested(claim.name, claim.says, claim.source or d.source, why, common) for claim in d.claims]
        return common | {"result": None, "why": why, "claims": claims}
    claims = [_claim(found, common) for found in result["claims"]]
    figures = [
        {"svg": svg(lines_figure(f), f"{slug}-figure{i}"), "caption": f["caption"]}
        for i, f in enumerate(result["figures"])
    ]
    return common | {
        "result": result,
        "claims": claims,
        "figures": figures,
        "others": [_numbers("", e) for e in result["others"]],
        "arms": [_arm(arm) for arm in result["arms"]],
    }


def _untested(name: str, says: str, source: str, why: str, of: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "slug": f"{of['slug']}-{_slug(name)}",
        "name": name,
        "says": says,
        "source": source,
        "experiment": of["name"],
        "reconstruction": bool(of["reconstruction"]),
        "verdict": "not tested",
        "kind": _slug("not tested"),
        "reason": why,
        "headline": UNKNOWN,
    }


def _claim(found: Mapping[str, Any], of: Mapping[str, Any]) -> dict[str, Any]:
    """A claim that was judged, or that a gate or the scale kept from it."""
    said = _untested(found["name"], found["claim"], found["source"], found["reason"], of)
    rows = [("", e) for e in found["statistics"]]
    rows += [(role, found[role]) for role in ("null", "planted") if found[role] is not None]
    first = found["statistics"][0] if found["statistics"] else None
    return said | {
        "verdict": found["verdict"],
        "kind": _slug(found["verdict"]),
        "headline": UNKNOWN if first is None else _headline(first),
        "figure": svg(intervals_figure(rows), said["slug"]) if rows else None,
        "rows": [_numbers(role, e) for role, e in rows],
        "controls": list(_controls(found)),
        "holds": found["holds"],
        "in_part": found["in_part"],
        "some": found.get("some", []),
        "enough": found.get("enough", 0),
    }


def _headline(e: Mapping[str, Any]) -> str:
    unit = f" {e['unit']}" if e["unit"] else ""
    between = _interval(e)
    return number(e["estimate"]) + unit + ("" if between in (UNKNOWN, "exact") else f" {between}")


def _controls(found: Mapping[str, Any]) -> Iterator[str]:
    """A sentence about each control, or that there is none."""
    for role, wanted, yes, no in (
        ("null", False, "was not confirmed, as it must not be", "was confirmed where there is nothing"),
        ("planted", True, "was found, as it must be", "was not found"),
    ):
        e = found[role]
        if e is None:
            yield f"No {role} control; what the experiment is about says why."
            continue
        good = (e["state"] == "there") == wanted
        said = f"{yes if good else no} ({number(e['estimate'])}, {e['state']})"
        yield f"{role.capitalize()} control, {e['name']}: {said}."


def _numbers(role: str, e: Mapping[str, Any]) -> dict[str, Any]:
    """One row of the table of numbers, as text."""
    missing, ahead = sum(v is None for v in e["values"]), e["prediction"]
    return {
        "role": role,
        "name": e["name"],
        "says": e["statistic"],
        "unit": e["unit"],
        "goal": _GOALS[e["goal"]].format(s=number(e["sesoi"])),
        "estimate": number(e["estimate"]),
        "interval": _interval(e),
        "level": "" if _interval(e) in (UNKNOWN, "exact") else f"{100 * e['level']:.4g}%",
        "p": UNKNOWN if e["p_holm"] is None else "< 0.001" if e["p_holm"] < 0.001 else f"{e['p_holm']:.3f}",
        "ahead": UNKNOWN if ahead is None else f"[{number(ahead[0])}, {number(ahead[1])}]",
        "values": ", ".join("not reached" if v is None else number(v) for v in e["values"]),
        "missing": f"{missing} of {len(e['values'])} not reached" if missing else "",
        "state": e["state"],
    }


def _interval(e: Mapping[str, Any]) -> str:
    lo, hi = e["interval"]
    if lo is None or hi is None:
        return UNKNOWN
    return "exact" if e["level"] == 1.0 else f"[{number(lo)},\N{NO-BREAK SPACE}{number(hi)}]"


def _arm(arm: Mapping[str, Any]) -> dict[str, Any]:
    ends = {m: ", ".join("diverged" if v is None else number(v) for v in values) for m, values in arm["ends"].items()}
    return {**arm, "seeds": ", ".join(map(str, arm["seeds"])), "ends": ends}


def _slug(name: str) -> str:
    """For ids and class names: letters, digits and hyphens."""
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "unnamed"
