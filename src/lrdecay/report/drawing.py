"""What figures share: colours, axes, labels at the ends of lines, and how a figure becomes a file or part of a page.

The colours are Okabe and Ito's (2008, "Color universal design"), without yellow, which is lost on white; names stand
beside the lines, so that colour is never the only key. Figures are matplotlib objects outside of pyplot: nothing global
is left behind. The same figure gives the same bytes: ids are salted with a fixed word and files carry no date.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from lrdecay.errors import InputError, refusal

__all__ = [
    "BOX",
    "INK",
    "MUTED",
    "PALETTE",
    "PAPER",
    "colours_of",
    "label_ends",
    "new_figure",
    "panel",
    "plain_rates",
    "plot_path",
    "save",
    "short",
    "styled",
    "svg",
    "whole_steps",
]

PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a6a53")
INK, MUTED, GRID, PAPER = "#1f2933", "#66717d", "#dfe3e8", "#fffffe"

BOX = (0.75, 0.55, 6.2, 2.65)
"""Where the one panel of a figure stands, in inches: room for numbers on the left and names on the right."""

_VARIABLES = {colour: f"var(--s{i})" for i, colour in enumerate(PALETTE)} | {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    GRID: "var(--line)",
    PAPER: "var(--paper)",
}
_STYLE = {
    "svg.hashsalt": "lrdecay",
    "font.size": 10.0,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.unicode_minus": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
}
_WRITTEN = {
    ".svg": {"Date": None, "Creator": None},
    ".png": {"Software": None},
    ".pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@contextmanager
def styled(text_as: str = "path") -> Iterator[None]:
    """Our style over matplotlib's own defaults, whatever the user's are; undone at the end. Also a decorator."""
    with matplotlib.style.context(["default", _STYLE | {"svg.fonttype": text_as}]):
        yield


def new_figure(height: float = 3.6) -> Figure:
    """An empty figure, 9 inches wide, transparent so that a page's own background shows. Call it while `styled`."""
    return Figure(figsize=(9.0, height), facecolor="none")


def panel(figure: Figure, box: tuple[float, float, float, float], *, title: str = "", x_label: str = "") -> Axes:
    """Axes at (left, bottom, width, height) in inches; the title names the y axis. Call it while `styled`."""
    width, height = figure.get_size_inches()
    left, bottom, wide, high = box
    axes = figure.add_axes((left / width, bottom / height, wide / width, high / height), facecolor="none")
    axes.set_title(title, pad=8)
    axes.set_xlabel(x_label)
    return axes


def whole_steps(axes: Axes) -> None:
    """Steps on the x axis: whole numbers, thousands set apart."""
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, steps=[1, 2, 2.5, 5, 10], integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}".replace(",", " ")))


def plain_rates(axis: Axis) -> None:
    """Plain numbers on an axis, also on a logarithmic one."""
    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


def colours_of(names: Iterable[str]) -> dict[str, str]:
    """A colour for each name, in order."""
    return {name: PALETTE[i % len(PALETTE)] for i, name in enumerate(names)}


def short(names: Sequence[str]) -> dict[str, str]:
    """Names without their arguments where that still tells them apart: "cosine(peak)" becomes "cosine"."""
    bare = {name: re.sub(r"\s*\([^()]*\)", "", name) for name in names}
    plain = [b for b in bare.values() if not re.search(r"[()]", b)]
    cut = {n: b if plain.count(b) == 1 else n if len(n) <= 24 else f"{n[:11]}…{n[-12:]}" for n, b in bare.items()}
    seen = list(cut.values())
    return {n: c if seen.count(c) == 1 else f"{i}: {c}" for i, (n, c) in enumerate(cut.items(), start=1)}


def label_ends(axes: Axes, ends: Mapping[str, tuple[float, str]]) -> None:
    """Names to the right of the axes, each beside where its line ends, moved apart where they would overlap.

    Args:
        axes: with their final limits.
        ends: name -> (last y, colour).
    """
    names = sorted(ends, key=lambda name: ends[name][0])
    to_axes = axes.transData + axes.transAxes.inverted()
    x_end = axes.get_xlim()[1]
    heights = [float(np.clip(to_axes.transform((x_end, ends[name][0]))[1], 0.0, 1.0)) for name in names]
    points = float(axes.get_window_extent().height) / axes.figure.dpi * 72
    for name, height, placed in zip(names, heights, _apart(heights, min(13.5 / points, 1 / len(names))), strict=True):
        colour = ends[name][1]
        axes.plot(
            [1.005, 1.02, 1.035],
            [height, placed, placed],
            color=colour,
            lw=1.4,
            transform=axes.transAxes,
            clip_on=False,
        )
        axes.text(1.045, placed, name, va="center", color=INK, fontsize=9.5, transform=axes.transAxes)


def _apart(heights: Sequence[float], gap: float) -> list[float]:
    """The positions nearest to these rising ones (least squares) that are at least a gap apart, within [0, 1].

    With y_i = height_i - i·gap the wanted order is plain monotony: pool adjacent violators (Ayer et al. 1955).
    """
    blocks: list[tuple[float, int]] = []  # (mean, how many)
    for i, height in enumerate(heights):
        mean, size = height - i * gap, 1
        while blocks and blocks[-1][0] > mean:
            before, many = blocks.pop()
            mean, size = (mean * size + before * many) / (size + many), size + many
        blocks.append((mean, size))
    flat = [mean for mean, size in blocks for _ in range(size)]
    top = 1.0 - (len(flat) - 1) * gap
    return [float(np.clip(y, 0.0, max(top, 0.0))) + i * gap for i, y in enumerate(flat)]


def plot_path(path: str | Path) -> Path:
    """A path that `save` can write to; ask before long work.

    Raises:
        InputError: its suffix is not .png, .svg or .pdf.
    """
    wanted = Path(path)
    if wanted.suffix.lower() not in _WRITTEN:
        msg = refusal("--plot FILE", "must end in .png, .svg or .pdf", str(path), "The suffix says the format.")
        raise InputError(msg)
    return wanted


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, SVG or PDF, by the path's suffix, whole or not at all; on white.

    Raises:
        InputError: another suffix, before anything is written.
    """
    suffix = plot_path(path).suffix.lower()
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_bytes(_bytes(figure, suffix, facecolor="white"))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def svg(figure: Figure, name: str) -> str:
    """A figure as an ``<svg>`` element for a page: text stays text, colours are the page's variables.

    Args:
        figure: what to write.
        name: unique on the page; put before every id in the element.
    """
    text = _bytes(figure, ".svg", "none").decode()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'(url\(#|xlink:href="#)', rf"\1{name}-", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    return re.sub(r"font: [^;\"]*", lambda m: _without_family(m.group()), text).strip()


def _without_family(font: str) -> str:
    """``font: 10px 'DejaVu Sans', ...`` as a size only: the page's own family is used."""
    size = re.search(r"[\d.]+px", font)
    return f"font-size: {size.group()}" if size else font


def _bytes(figure: Figure, suffix: str, text_as: str = "path", **options: Any) -> bytes:
    buffer = io.BytesIO()
    with styled(text_as):
        figure.savefig(buffer, format=suffix[1:], dpi=160, metadata=_WRITTEN[suffix], **options)
    return buffer.getvalue()
