"""The page that explains a run: one HTML file that needs nothing else, from the JSON alone; all text is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from lrdecay.lab.drawing import lines_figure
from lrdecay.lab.explain.figures import figures_of
from lrdecay.lab.explain.words import amount, share
from lrdecay.report.drawing import svg

__all__ = ["explain_html"]


def explain_html(told: Mapping[str, Any], data: str) -> str:
    """The whole page.

    Args:
        told: what was found, JSON.
        data: name of the file with all numbers.
    """
    templates = Environment(
        loader=ChoiceLoader([PackageLoader("lrdecay.lab.explain", "."), PackageLoader("lrdecay.report", ".")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    metric = told["metric"]
    page = templates.get_template("page.html.j2").render(
        **told,
        data=data,
        figures={name: svg(lines_figure(figure), name) for name, figure in figures_of(told).items()},
        amount=lambda value: amount(value, metric),
        share=share,
        number=_number,
        level=lambda value: _level(value, metric),
        unit=" (points)" if metric == "accuracy" else "",
    )
    return f"{page.strip()}\n"


def _number(value: float | None) -> str:
    """Three significant digits."""
    return "–" if value is None else f"{value:.3g}".replace("-", "−")


def _level(value: float | None, metric: str) -> str:
    """A metric itself."""
    if value is None:
        return "–"
    return f"{100 * value:.1f}%" if metric == "accuracy" else f"{value:.4g}".replace("-", "−")
