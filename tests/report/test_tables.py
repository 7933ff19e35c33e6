"""The table in the terminal: every number is the study's, at 100 columns and at 80."""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import pytest
from rich.console import Console

from lrdecay.report.digits import digits_of, rate
from lrdecay.report.tables import p_best, p_value, study_table
from lrdecay.sweep.study import Study

StudyOf = Callable[..., Study]


def printed(study: Study, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width, legacy_windows=False)
    console.print(study_table(study))
    text = console.file.getvalue()  # type: ignore[attr-defined]
    assert max(map(len, text.split("\n"))) <= width
    return text


def line_of(text: str, written: str) -> str:
    return next(line for line in text.split("\n") if line.startswith(written))


def test_numbers_in_the_table_are_the_studys(study: Study) -> None:
    digits = digits_of(study)
    assert study.shared is not None
    main, shared = printed(study).split(study.shared.title)
    for text, table in ((main, study.main), (shared, study.shared)):
        assert [line.split("  ")[0] for line in text.split("\n") if "(peak" in line] == [r.written for r in table.rows]
        for row, entry in zip(table.rows, table.to_json()["rows"], strict=True):
            line = line_of(text, row.written)
            half = (entry["interval"][1] - entry["interval"][0]) / 2
            assert f" {rate(entry['peak'])}  " in line
            assert f"  {digits(entry['mean'])} ± {digits(half)}  " in line
            assert line.endswith(f"  {p_best(row, table):>4}")
            if entry["difference"] is not None:
                lo, hi = entry["difference_interval"]
                apart = f"{digits.signed(entry['difference'])} ± {digits((hi - lo) / 2)}"
                assert f"  {apart}  {p_value(entry['p_adjusted']):>6}  " in line
            else:
                assert "best mean" in line


def test_no_winner_is_called_one_and_a_winner_is(study: Study, study_of: StudyOf) -> None:
    assert "winner" not in printed(study)
    clear = study_of({"cosine(peak)": [0.92, 0.93, 0.94], "linear(peak)": [0.82, 0.83, 0.841]})
    assert "winner" in line_of(printed(clear), "cosine(peak)")
    assert "winner" not in line_of(printed(clear), "linear(peak)")


@pytest.mark.parametrize("width", [80, 100])
def test_it_fits_without_cutting_a_number_or_a_word_of_a_schedule(study: Study, width: int) -> None:
    text = printed(study, width)
    assert "…" not in text
    words = text.split()
    for row in study.main.rows:
        assert set(row.written.split()) <= set(words)
        assert digits_of(study)(row.mean) in words


def test_diverged_rows_say_how_many_seeds_and_have_no_mean(study_of: StudyOf) -> None:
    study = study_of({"cosine(peak)": [0.9, 0.91, 0.92], "linear(peak)": [0.8, math.nan, math.nan]})
    line = line_of(printed(study), "linear(peak)")
    assert line.split()[1:] == ["0.1", "2", "of", "3", "diverged", "–", "–", "–"]


def test_one_seed_has_neither_interval_nor_p(study_of: StudyOf) -> None:
    text = printed(study_of({"cosine(peak)": [0.91], "linear(peak)": [0.9]}))
    assert "±" not in text.replace("± 95%", "")
    assert line_of(text, "linear(peak)").split()[1:] == ["0.1", "0.9000", "-0.0100", "–", "–"]
    assert "1 seed," in text


def test_a_smaller_loss_stands_first_and_the_others_are_above_it(diverging: Study) -> None:
    text = printed(diverging)
    assert "smaller is better" in text
    assert text.index("warmup(100) + cosine(peak)") < text.index("linear(peak)") < text.index("constant(peak)")
    assert " +0." in line_of(text, "linear(peak)")
    assert "3 of 3 diverged" in line_of(text, "constant(peak)")


def test_markup_in_a_task_name_is_only_text(study_of: StudyOf) -> None:
    text = printed(study_of({"cosine(peak)": [0.9, 0.91]}, task="[red]file.py:f[/red] [bold"))
    assert "[red]file.py:f[/red] [bold" in text


def test_p_values() -> None:
    assert [p_value(p) for p in (None, 0.00001, 0.0494, 1.0)] == ["–", "< 0.001", "0.049", "1.000"]


def test_the_probability_of_being_best_is_the_studys_and_never_certain(study: Study, study_of: StudyOf) -> None:
    for row, entry in zip(study.main.rows, study.main.to_json()["rows"], strict=True):
        assert p_best(row, study.main) == (f"{entry['p_best']:.2f}" if 0.01 <= entry["p_best"] <= 0.99 else "<.01")
    table = study_of({"cosine(peak)": [0.92, 0.931, 0.94], "linear(peak)": [0.12, 0.13, 0.141]}).main
    assert [p_best(row, table) for row in table.rows] == [">.99", "<.01"]
