"""The report of a comparison: one HTML file that needs nothing else, and the folder it is written into.

The page has no script, loads nothing, follows the reader's light or dark setting and prints. Everything a user named
(task, metric, schedules, notes, command) is escaped by the template. The same study gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

from lrdecay.report.curve_figures import difference_figure, heldout_figure
from lrdecay.report.digits import UNKNOWN, Digits, digits_of, rate, spread
from lrdecay.report.drawing import PALETTE, svg
from lrdecay.report.foretold import HEADS, forecast_lines
from lrdecay.report.run_figures import loss_figure, study_colours, study_rates_figure
from lrdecay.report.score_figures import pilots_figure, results_figure
from lrdecay.report.tables import p_best, p_value
from lrdecay.report.verdict import sentences
from lrdecay.runs.files import write_text
from lrdecay.stats.intervals import Interval
from lrdecay.stats.steps_saved import StepsSaved
from lrdecay.sweep.pilots import PeakChoice
from lrdecay.sweep.study import Row, Study, Table

__all__ = ["study_html", "trace_name", "write_report"]


def study_html(study: Study, study_json: dict[str, Any]) -> str:
    """The whole page.

    Args:
        study: the comparison.
        study_json: ``study.to_json()``, shown at the end as it stands in result.json.
    """
    digits = digits_of(study)
    tables = [study.main, *([] if study.shared is None else [study.shared])]
    templates = Environment(
        loader=PackageLoader("lrdecay.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = templates.get_template("template.html.j2").render(
        study=study,
        verdict=sentences(study),
        tables=[_table(table, study, digits, i) for i, table in enumerate(tables)],
        along=list(_along(study)),
        choices=[_choice(written, c, digits) for written, c in study.choices.items()],
        peaks=sorted({p for c in study.choices.values() for p in c.scores}),
        pilots=_inline(pilots_figure(study), "pilots"),
        foretold=[] if study.forecast is None else forecast_lines(study.forecast),
        heads=HEADS,
        diverged=[line for table in tables for line in _diverged(table)],
        detectable=None if study.main.detectable is None else digits(study.main.detectable),
        provenance={k: v for k, v in study.provenance.items() if k not in ("command", "versions")},
        raw=json.dumps(study_json, indent=1, ensure_ascii=False),
        chips={written: PALETTE.index(colour) for written, colour in study_colours(study).items()},
        rate=rate,
        digits=digits,
    )
    return f"{page.strip()}\n"


def _inline(figure: Figure | None, name: str) -> str | None:
    """A figure for the template, which marks it as safe: matplotlib has escaped what it wrote."""
    return None if figure is None else svg(figure, name)


def _table(table: Table, study: Study, digits: Digits, number: int) -> dict[str, Any]:
    """A table's rows as text."""
    return {
        "title": table.title,
        "rows": [_row(row, table, digits) for row in table.rows],
        "figure": _inline(results_figure(study, table), f"results{number}"),
        "lost": any(row.diverged for row in table.rows),
        "kept": [row.written for row in table.rows if row.spec in table.evidence.contenders],
    }


def _row(row: Row, table: Table, digits: Digits) -> dict[str, Any]:
    standing = table.ranking[row.spec]
    difference = standing.difference
    known = difference is not None and math.isfinite(difference.sd)
    return {
        "written": row.written,
        "peak": rate(row.peak),
        "mean": digits(row.mean),
        "spread": digits(spread(row.values)),
        "interval": _brackets(row.interval, digits),
        "difference": UNKNOWN if difference is None else digits.signed(difference.mean),
        "difference_interval": _brackets(None if difference is None else difference.interval, digits),
        "p": p_value(standing.p_adjusted if known else None) if row.dropped is None else f"{len(row.values)} seeds",
        "p_best": p_best(row, table),
        "saved": _saved(table.evidence.saved.get(row.spec)),
        "diverged": f"{row.diverged} of {len(row.values)}" if row.diverged else "none",
        "best": row.spec == table.ranking.best,
        "winner": row.spec == table.winner,
        "values": [digits(v) for v in row.values],
        "dropped": row.dropped is not None,
    }


def _saved(saved: StepsSaved | None) -> str:
    """The best row's updates to reach this row's final value, as a share of this row's; its interval behind it."""
    if saved is None:
        return UNKNOWN
    if saved.ratio is None:
        return "not reached"
    interval = saved.ratio_interval
    if interval is None:
        return f"{saved.ratio:.2f}x"
    return f"{saved.ratio:.2f}x [{interval.lo:.2f}, {'…' if math.isinf(interval.hi) else f'{interval.hi:.2f}'}]"


def _brackets(interval: Interval | None, digits: Digits) -> str:
    if interval is None or not math.isfinite(interval.hi):
        return UNKNOWN
    return f"[{digits(interval.lo)}, {digits(interval.hi)}]"


def _along(study: Study) -> Iterator[tuple[str | None, str]]:
    """Figures of what happened during the runs, with captions."""
    own = "its own peak" if study.pilot_seeds else "its stated peak"
    rates = study_rates_figure(study)
    if rates is not None:
        yield _inline(rates, "rates"), f"The learning rate of every schedule, each at {own}."
    cross = " A cross is a run that diverged." if any(row.diverged for row in study.main.rows) else ""
    seeds = "mean over seeds and range of the seeds" if len(study.seeds) > 1 else "one seed"
    text = f"Training loss, averaged over windows of 1/80 of the run: {seeds}.{cross}"
    yield _inline(loss_figure(study), "loss"), text
    heldout = heldout_figure(study)
    if heldout is not None:
        bands = "mean over seeds with its 95% interval at each mark" if len(study.seeds) > 1 else "one seed"
        yield _inline(heldout, "heldout"), f"Held-out {study.metric} along the run: {bands}.{cross}"
    difference = difference_figure(study)
    if difference is not None:
        text = "minus the best, on the same seeds: mean difference with its 95% interval at each mark, cut off where it"
        text += " is far. Where a band holds zero the two cannot be told apart there; half-way down a decay, a schedule"
        text += " whose rate is still high looks worse than it will be."
        yield _inline(difference, "difference"), f"Held-out {study.metric} {text}"


def _choice(written: str, choice: PeakChoice, digits: Digits) -> dict[str, Any]:
    """How one peak was chosen."""
    means = {
        p: digits(math.fsum(s) / len(s)) if all(map(math.isfinite, s)) else "diverged" for p, s in choice.scores.items()
    }
    edge = "" if choice.at_edge is None else f"the {choice.at_edge} one tried"
    return {"written": written, "chosen": choice.peak, "means": means, "edge": edge}


def _diverged(table: Table) -> Iterator[dict[str, str]]:
    """Every run of a table that has no score, and why."""
    for row in table.rows:
        for r in row.results:
            if math.isnan(r.score):
                d = r.diverged
                why = r.failure or (
                    UNKNOWN if d is None else f"training loss {d.loss} at step {d.step}, rate {d.rate:.4g}"
                )
                yield {"spec": row.spec, "seed": str(r.seed), "why": why}


def write_report(study: Study, folder: Path) -> Path:
    """Write report.html, result.json and traces/<schedule>-seed<k>.csv, each whole or not at all.

    Returns:
        The path of report.html, which is written last.
    """
    result = study.to_json()
    for table in (study.main, study.shared):
        for row in () if table is None else table.rows:
            for r in row.results:
                r.trace.to_csv(folder / "traces" / trace_name(row.spec, r.seed))
    write_text(folder / "result.json", json.dumps(result, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    page = folder / "report.html"
    write_text(page, study_html(study, result))
    return page


def trace_name(spec: str, seed: int) -> str:
    """A file name for a run: the schedule in plain characters, and a digest where those do not say all of it.

    >>> trace_name("cosine(0.05)", 3)
    'cosine-0.05-seed3.csv'
    """
    slug = re.sub(r"[^a-z0-9._]+", "-", spec.lower()).strip("-.")
    if len(slug) > 60 or not re.fullmatch(r"[a-z_]+\([0-9.e-]+\)", spec):
        slug = f"{slug[:60].rstrip('-.')}-{hashlib.sha256(spec.encode()).hexdigest()[:6]}"
    return f"{slug}-seed{seed}.csv"
