"""What figures share: files by suffix, the same bytes each time, labels that do not overlap, names that tell apart."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure

from lrdecay.errors import InputError
from lrdecay.report.drawing import (
    BOX,
    PALETTE,
    _apart,
    colours_of,
    label_ends,
    new_figure,
    panel,
    plot_path,
    save,
    short,
    styled,
    svg,
)

MAGIC = {"png": b"\x89PNG\r\n", "pdf": b"%PDF-", "svg": b"<?xml"}


@styled()
def small_figure() -> Figure:
    figure = new_figure()
    axes = panel(figure, BOX, title="a <b> & c", x_label="step")
    axes.plot([0, 1], [1, 0], color=PALETTE[0])
    axes.fill_between([0, 1], [1, 0], [1.2, 0.2], color=PALETTE[1], alpha=0.2)
    label_ends(axes, {"one": (0.0, PALETTE[0]), "two": (0.0, PALETTE[1])})
    return figure


@pytest.mark.parametrize("suffix", MAGIC)
def test_a_figure_is_saved_by_its_suffix_and_twice_the_same(tmp_path: Path, suffix: str) -> None:
    first, second = tmp_path / f"a.{suffix}", tmp_path / "deeper" / f"b.{suffix.upper()}"
    save(small_figure(), first)
    save(small_figure(), second)
    assert first.read_bytes().startswith(MAGIC[suffix])
    assert first.read_bytes() == second.read_bytes()
    assert sorted(p.name for p in tmp_path.rglob("*")) == sorted([first.name, "deeper", second.name])


@pytest.mark.parametrize("name", ["plot.jpg", "plot", "plot.svg.gz", ".png"])
def test_another_suffix_is_refused_and_leaves_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"^`--plot FILE` must end in \.png, \.svg or \.pdf, got "):
        save(small_figure(), tmp_path / name)
    assert not list(tmp_path.iterdir())
    with pytest.raises(InputError, match="must end in"):
        plot_path(name)


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "plot.png").mkdir()
    with pytest.raises(OSError):  # noqa: PT011  # which one depends on the system
        save(small_figure(), tmp_path / "plot.png")
    assert [p.name for p in tmp_path.iterdir()] == ["plot.png"]


def test_drawing_leaves_the_users_settings_alone(tmp_path: Path) -> None:
    before = dict(matplotlib.rcParams)
    save(small_figure(), tmp_path / "plot.svg")
    svg(small_figure(), "x")
    assert dict(matplotlib.rcParams) == before


def test_the_users_settings_do_not_change_a_figure() -> None:
    plain = svg(small_figure(), "x")
    with matplotlib.rc_context({"font.size": 22, "lines.linewidth": 9, "svg.hashsalt": None, "axes.grid": False}):
        assert svg(small_figure(), "x") == plain


def test_an_inline_svg_is_xml_with_text_as_text_and_colours_from_the_page() -> None:
    text = svg(small_figure(), "first")
    root = ET.fromstring(text)
    words = [e.text for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"a <b> & c", "one", "two", "step"} <= set(words)
    assert "var(--s0)" in text
    assert not re.search("|".join(PALETTE), text)
    assert "<metadata" not in text
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert all(i.startswith("first-") for i in ids)
    assert set(re.findall(r'(?:url\(|href=")#([^")]*)', text)) <= set(ids)


def test_names_lose_their_arguments_only_where_that_tells_them_apart() -> None:
    assert short(["cosine(peak)", "warmup(100) + linear(peak)", "step(peak, factor=0.1, every=10)"]) == {
        "cosine(peak)": "cosine",
        "warmup(100) + linear(peak)": "warmup + linear",
        "step(peak, factor=0.1, every=10)": "step",
    }
    assert short(["cosine(0.1)", "cosine(0.2)", "linear(0.1)"])["cosine(0.2)"] == "cosine(0.2)"
    long = [f"clamp(warmup({n}) + cosine(0.1), low=0.01, high=0.1)" for n in (10, 20)]
    assert len(set(short(long).values())) == 2
    assert len(short(["clamp(warmup(10) + cosine(0.1), low=0.01)"]).popitem()[1]) <= 24


def test_colours_are_given_in_order_and_again_from_the_start() -> None:
    colours = colours_of(f"s{i}" for i in range(9))
    assert list(colours.values()) == [*PALETTE, *PALETTE[:2]]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 1 / 12))
def test_labels_keep_their_order_and_distance_and_stay_inside(heights: list[float], gap: float) -> None:
    placed = _apart(sorted(heights), gap)
    assert all(b - a >= gap - 1e-9 for a, b in pairwise(placed))
    assert placed[0] >= -1e-9
    assert placed[-1] <= 1 + 1e-9


def test_labels_far_enough_apart_stay_where_they_are() -> None:
    assert np.allclose(_apart([0.1, 0.5, 0.9], 0.1), [0.1, 0.5, 0.9])
    assert np.allclose(_apart([0.5, 0.5], 0.1), [0.45, 0.55])
