"""The report: one file that needs nothing else, escapes what users named, and holds the study's numbers."""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from attrs import evolve

from lrdecay.report.digits import digits_of, rate, spread
from lrdecay.report.html import study_html, trace_name, write_report
from lrdecay.report.tables import p_best
from lrdecay.report.verdict import FIXED_PEAK, sentences
from lrdecay.runs.trace import Trace
from lrdecay.sweep.study import Study

StudyOf = Callable[..., Study]

VOID = {"meta", "br", "img", "link", "hr", "input"}


class Page(HTMLParser):
    """Text of each table cell, all attributes, and whether every element is closed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.tables: list[list[list[str]]] = []
        self.tags: set[str] = set()
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.tables[-1][-1][-1] += data


@pytest.fixture(scope="module")
def page(study: Study) -> str:
    return study_html(study, study.to_json())


def test_it_needs_nothing_but_itself(page: str) -> None:
    parsed = Page(page)
    assert not parsed.tags & {"script", "link", "iframe", "img", "object", "embed", "base"}
    for tag, name, value in parsed.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "xlink:href", "srcset", "action", "data", "poster"):
            assert value.startswith("#"), (tag, name, value)
    assert not re.search(r"url\((?!#)", page)
    assert "@import" not in page


def test_the_verdict_comes_before_tables_and_figures(page: str, study: Study) -> None:
    text = html.unescape(page)
    for sentence in sentences(study):
        assert text.index(sentence) < text.index("<table>") < text.index("<svg")
    assert text.index("Which decay is best on quadratic?") < text.index(sentences(study)[0])


def test_numbers_in_the_tables_are_the_studys(page: str, study: Study) -> None:
    digits, parsed = digits_of(study), Page(page)
    assert study.shared is not None
    for cells, table in zip(parsed.tables, (study.main, study.shared), strict=False):
        for line, row, entry in zip(cells[1:], table.rows, table.to_json()["rows"], strict=True):
            lo, hi = entry["interval"]
            expected = [row.written, rate(row.peak), digits(entry["mean"]), digits(spread(entry["values"]))]
            assert line[:5] == [*expected, f"[{digits(lo)}, {digits(hi)}]"]
            if entry["difference"] is None:
                assert line[5:] == ["best mean", "–", "–", p_best(row, table), "–"]
            else:
                lo, hi = entry["difference_interval"]
                assert line[5:7] == [digits.signed(entry["difference"]), f"[{digits(lo)}, {digits(hi)}]"]
                assert line[8] == p_best(row, table)
                saved = entry["steps_saved"]
                assert line[9].startswith("not reached" if saved["ratio"] is None else f"{saved['ratio']:.2f}x [")
    seeds = parsed.tables[3]
    assert seeds[0] == ["schedule", "peak", *(f"seed {s}" for s in study.seeds)]
    assert [line[2:] for line in seeds[1:]] == [[digits(v) for v in row.values] for row in study.main.rows]


def test_every_pilot_score_is_there_and_the_chosen_one_is_marked(page: str, study: Study) -> None:
    digits, cells = digits_of(study), Page(page).tables[2]
    peaks = sorted({p for c in study.choices.values() for p in c.scores})
    assert cells[0][1:] == [rate(p) for p in peaks]
    for line, (written, choice) in zip(cells[1:], study.choices.items(), strict=True):
        means = {p: digits(math.fsum(s) / len(s)) for p, s in choice.scores.items()}
        assert line == [written, *(means.get(p, "") for p in peaks)]
    chosen = re.findall(r'<td class="chosen">([^<]*)</td>', page)
    assert chosen == [digits(math.fsum(c.scores[c.peak]) / 2) for c in study.choices.values()]


def test_what_is_needed_to_do_it_again_is_there(page: str, study: Study) -> None:
    text = html.unescape(page)
    for part in (study.provenance["command"], "numpy 2.4.6", "0, 1, 2, 3, 4", "10000, 10001", *study.notes):
        assert part in text
    raw = html.unescape(re.findall(r'<pre class="raw">(.*?)</pre>', page, re.DOTALL)[0])
    assert json.loads(raw) == json.loads(json.dumps(study.to_json()))


def test_two_renders_are_the_same_bytes(page: str, study: Study) -> None:
    assert study_html(study, study.to_json()) == page


def test_ids_are_unique(page: str) -> None:
    ids = [value for _, name, value in Page(page).attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_hostile_names_are_only_text(study_of: StudyOf) -> None:
    evil = "</title><script>alert(1)</script><img src=http://x/y onerror=z>\"'&"
    study = study_of({"cosine(peak)": [0.9, 0.91], "linear(peak)": [math.nan, 0.9]}, task=evil)
    study = evolve(study, metric=f"acc{evil}", notes=(evil,), provenance={"command": evil, "machine": evil})
    failed = evolve(study.main.rows[1].results[0], failure=evil)
    row = evolve(study.main.rows[1], results=(failed, study.main.rows[1].results[1]))
    study = evolve(study, main=evolve(study.main, rows=(study.main.rows[0], row)))
    page = study_html(study, study.to_json())
    assert "<script" not in page
    assert "<img" not in page
    assert html.escape(evil, quote=False).split("&quot;")[0][:40] in page
    assert not Page(page).tags & {"script", "img"}


def test_diverged_runs_are_listed_with_step_rate_and_loss(diverging: Study) -> None:
    page = study_html(diverging, diverging.to_json())
    runs = next(table for table in Page(page).tables if table[0] == ["run", "seed", "what happened"])
    row = diverging.main.rows[-1]
    assert len(runs) - 1 == row.diverged == 3
    for line, result in zip(runs[1:], row.results, strict=True):
        d = result.diverged
        assert d is not None
        assert line == [row.spec, str(result.seed), f"training loss {d.loss} at step {d.step}, rate {d.rate:.4g}"]
    assert ">nan<" not in page
    assert "3 of 3" in Page(page).tables[0][-1][-1]


def test_a_loss_and_a_fixed_peak_are_said(diverging: Study) -> None:
    page = study_html(diverging, diverging.to_json())
    assert "judged by loss (smaller is better)" in page
    assert FIXED_PEAK in page
    assert "How the peaks were chosen" not in page


def test_a_peak_at_the_edge_is_in_the_table_of_peaks(study_of: StudyOf) -> None:
    study = study_of({"cosine(peak)": [0.9, 0.91], "linear(peak)": [0.8, 0.81]}, edges={"linear(peak)": "highest"})
    cells = Page(study_html(study, study.to_json())).tables[1]
    assert cells[0][-1] == "best at an edge"
    assert [line[-1] for line in cells[1:]] == ["", "the highest one tried"]


def test_one_seed_and_nothing_but_diverged_runs_can_be_reported(study_of: StudyOf) -> None:
    for scores in ({"cosine(peak)": [0.9], "linear(peak)": [0.8]}, {"cosine(peak)": [math.nan, 0.9]}):
        study = study_of(scores)
        Page(study_html(study, study.to_json()))


def test_the_folder_holds_report_result_and_every_trace(study: Study, tmp_path: Path) -> None:
    path = write_report(study, tmp_path / "a" / "report")
    folder = path.parent
    assert path == tmp_path / "a" / "report" / "report.html"
    assert json.loads((folder / "result.json").read_text()) == json.loads(json.dumps(study.to_json()))
    assert path.read_text() == study_html(study, study.to_json())
    assert study.shared is not None
    runs = {(row.spec, r.seed): r for table in (study.main, study.shared) for row in table.rows for r in row.results}
    assert {p.name for p in (folder / "traces").iterdir()} == {trace_name(*run) for run in runs}
    assert len(runs) == len({trace_name(*run) for run in runs})
    for run, result in list(runs.items())[::10]:
        back = Trace.from_csv(folder / "traces" / trace_name(*run))
        assert (back.loss == result.trace.loss).all()
    assert {p.name for p in folder.iterdir()} == {"report.html", "result.json", "traces"}


def test_a_report_written_again_replaces_the_old_one(study_of: StudyOf, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("old")
    write_report(study_of({"cosine(peak)": [0.9, 0.91]}), tmp_path)
    first = (tmp_path / "report.html").read_bytes()
    write_report(study_of({"cosine(peak)": [0.9, 0.91]}), tmp_path)
    assert (tmp_path / "report.html").read_bytes() == first != b"old"


@pytest.mark.parametrize(
    "spec",
    ['step(0.1, factor=0.5, every="10ep")', "cosine(1e-05)", "warmup(100) + " * 30 + "cosine(0.1)", "../../a(0.1)"],
)
def test_a_trace_has_a_plain_and_own_file_name(spec: str) -> None:
    name = trace_name(spec, 7)
    assert re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,80}-seed7\.csv", name)
    assert name != trace_name(spec.replace("0.1", "0.2").replace("1e", "2e"), 7)
