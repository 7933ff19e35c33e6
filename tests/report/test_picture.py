"""Terminal pictures: what they show (labels, extremes, width, direction), not how plotext draws it."""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.report.picture import picture
from lrdecay.schedule import Horizon, cosine, exponential, linear

STEPS = np.arange(1000)
H = Horizon(steps=1000)
FALLING = (STEPS, linear(0.1).bind(H).values())
FLAT = (STEPS, np.full(1000, 0.05))
THREE = {repr(s): (STEPS, s.bind(H).values()) for s in (cosine(0.1), linear(0.1), exponential(0.1, factor=0.99))}
BRAILLE = re.compile(r"[\u2801-\u28ff]")


def drawn(text: str) -> list[tuple[int, int]]:
    """(line, column) of every character that is part of a curve."""
    return [(i, m.start()) for i, line in enumerate(text.split("\n")) for m in BRAILLE.finditer(line)]


def test_a_falling_curve_falls() -> None:
    points = drawn(picture({"linear(0.1)": FALLING}, title="learning rate", x_label="step", width=80))
    heights = [min(i for i, c in points if c == column) for column in sorted({c for _, c in points})]
    assert heights == sorted(heights)
    assert heights[-1] - heights[0] >= 9


def test_a_flat_curve_is_one_line() -> None:
    assert len({i for i, _ in drawn(picture({"flat": FLAT}, title="rate", x_label="step", width=80))}) == 1


@pytest.mark.parametrize("width", [40, 80, 100, 133])
@pytest.mark.parametrize("curves", [{"linear(0.1)": FALLING}, THREE], ids=["one", "three"])
def test_no_line_is_wider_than_asked_and_the_plot_is_as_high(curves: dict[str, tuple], width: int) -> None:
    lines = picture(curves, title="learning rate", x_label="step", width=width, height=15).split("\n")
    assert max(map(len, lines)) <= width
    assert max(map(len, lines)) >= width - 4
    assert len(lines) == 15 + len(curves)


def test_title_axis_label_and_round_ticks_are_there() -> None:
    text = picture({"linear(0.1)": FALLING}, title="learning rate", x_label="step", width=80)
    assert "learning rate" in text.split("\n")[0]
    assert re.search(r"^ *0\.1┤", text, re.MULTILINE)
    assert re.search(r"^ *0┤", text, re.MULTILINE)
    assert {"0", "200", "400", "600", "800", "1000"} <= set(text.split())
    assert "step" in text


def test_every_curve_has_a_letter_on_it_and_in_the_legend() -> None:
    lines = picture(THREE, title="learning rate", x_label="step", width=80).split("\n")
    assert [line.strip() for line in lines[15:]] == [f"{c} {label}" for c, label in zip("abc", THREE, strict=True)]
    canvas = "\n".join(line[5:] for line in lines[1:12])
    assert [canvas.count(letter) for letter in "abc"] == [1, 1, 1]


def test_a_letter_stands_on_its_curve() -> None:
    high, low = (STEPS, np.full(1000, 1.0)), (STEPS, np.full(1000, 0.0))
    lines = picture({"high": high, "low": low}, title="t", x_label="x", width=80).split("\n")[1:12]
    assert "a" in lines[0]
    assert "b" in lines[-1]


def test_without_colour_there_is_no_escape_code_and_with_it_the_words_stay() -> None:
    plain = picture(THREE, title="learning rate", x_label="step", width=80)
    coloured = picture(THREE, title="learning rate", x_label="step", width=80, colour=True)
    assert "\x1b" not in plain
    assert "\x1b[" in coloured
    bare = re.sub(r"\x1b\[[0-9;]*m", "", coloured)
    assert [line.rstrip() for line in bare.split("\n")] == plain.split("\n")


def test_two_pictures_never_mix() -> None:
    first = picture(THREE, title="one", x_label="step", width=80, log_y=True)
    second = picture({"flat": FLAT}, title="two", x_label="x", width=60, mark=("here", 500))
    assert picture(THREE, title="one", x_label="step", width=80, log_y=True) == first
    assert picture({"flat": FLAT}, title="two", x_label="x", width=60, mark=("here", 500)) == second
    assert "one" not in second


def test_a_logarithmic_axis_is_straight_for_a_geometric_decay_and_has_powers_of_ten() -> None:
    y = 10.0 ** (-4 * STEPS / 999)
    text = picture({"geometric": (STEPS, y)}, title="rate", x_label="step", width=80, log_y=True)
    assert {"0.0001", "0.001", "0.01", "0.1", "1"} <= {tick.strip() for tick in re.findall(r"^(.*)┤", text, re.M)}
    tops = {column: line for line, column in reversed(drawn(text))}
    line, column = np.array(list(tops.values())), np.array(list(tops))
    assert np.abs(line - np.polyval(np.polyfit(column, line, 1), column)).max() < 1.0


def test_a_logarithmic_x_axis_and_its_mark() -> None:
    rates = np.geomspace(1e-5, 1, 200)
    mark = ("suggested 0.01", 0.01)
    lines = picture({"loss": (rates, rates)}, title="loss", x_label="rate", width=80, log_x=True, mark=mark).split("\n")
    assert lines[-1] == " │ suggested 0.01"
    column = lines[1].rindex("│")
    assert all(line[column] == "│" for line in lines[1:8])
    tick = lines[13].index("0.01 ")
    assert abs(column - tick) <= 3


def test_zeros_on_a_logarithmic_axis_and_nan_leave_gaps() -> None:
    y = np.where((STEPS > 400) & (STEPS < 600), 0.0, 1.0 + STEPS / 1000)
    y[-100:] = np.nan
    columns = {c for _, c in drawn(picture({"y": (STEPS, y)}, title="t", x_label="x", width=80, log_y=True))}
    assert not columns & set(range(41, 53))  # steps 400 to 600 of the 900 that are drawn
    assert {36, 56} <= columns
    assert min(columns) < 8
    assert max(columns) >= 78


def test_a_peak_one_update_wide_among_a_hundred_thousand_is_seen() -> None:
    y = np.zeros(100_000)
    y[33_333] = 1.0
    points = drawn(picture({"spike": (np.arange(100_000), y)}, title="t", x_label="x", width=80))
    assert min(line for line, _ in points) == 1


def test_labels_cannot_move_the_cursor_and_long_ones_are_cut() -> None:
    text = picture({"a\x1b[2J\nb" + "c" * 200: FALLING}, title="t\n\x1b" * 50, x_label="x", width=60)
    assert "\x1b" not in text
    assert len(text.split("\n")) == 16
    assert text.endswith("…")


def test_a_single_point_and_a_tiny_picture_are_drawn() -> None:
    assert drawn(picture({"one": ([3], [0.5])}, title="t", x_label="x", width=1, height=1))


def test_without_a_width_the_terminals_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "72")
    assert max(map(len, picture({"linear": FALLING}, title="t", x_label="x").split("\n"))) == 72


@pytest.mark.parametrize(
    "curves",
    [{}, {"y": ([1, 2], [np.nan, np.inf])}, {"y": ([1, 2, 3], [1, 2])}, {"y": ([[1]], [[2]])}],
    ids=["none", "not finite", "lengths", "shape"],
)
def test_nothing_to_draw_is_refused(curves: dict[str, tuple]) -> None:
    with pytest.raises(InputError, match=r"^`picture\(curves="):
        picture(curves, title="t", x_label="x", width=80)


@pytest.mark.parametrize("x", [0.0, -1.0, np.nan, np.inf])
def test_a_mark_without_a_place_on_the_axis_is_refused(x: float) -> None:
    with pytest.raises(InputError, match=r"^`picture\(mark="):
        picture({"y": ([0.1, 1], [1, 2])}, title="t", x_label="x", width=80, log_x=True, mark=("m", x))


def test_the_picture_needs_neither_scipy_nor_matplotlib() -> None:
    code = (
        "import sys; from lrdecay.report.picture import picture; "
        "picture({'y': ([0, 1], [0, 1])}, title='t', x_label='x'); "
        "sys.exit(bool({'scipy', 'matplotlib', 'jinja2', 'torch'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
