"""Curves as text, for a terminal: decision record 8.

plotext draws; this module says what: which points, where the round ticks stand, and which letter stands on which curve,
so that curves can be told apart without colour. A logarithmic axis is the logarithm of the data with the ticks written
in its unit; what has no logarithm, and what is not finite, leaves a gap. Nothing else imports plotext.
"""

from __future__ import annotations

import math
import shutil
import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from attrs import frozen
from numpy.typing import ArrayLike, NDArray

from lrdecay.errors import InputError, refusal

__all__ = ["picture"]

FloatArray = NDArray[np.float64]
Curve = tuple[ArrayLike, ArrayLike]

_COLOURS = (33, 208, 36, 170, 178, 74, 166)  # of 256, readable on black and on white, near those of `figures`
_NARROWEST, _LOWEST = 32, 7  # character cells
_MULTIPLES = ((1,), (1, 3), (1, 2, 5))  # of a power of ten: what a tick on a logarithmic axis may be


@frozen
class _Axis:
    """One axis: its ends and its ticks, in the unit that is drawn."""

    lo: float
    hi: float
    at: Sequence[float]
    labels: Sequence[str]


def picture(
    curves: Mapping[str, Curve],
    *,
    title: str,
    x_label: str,
    width: int | None = None,
    height: int = 15,
    log_x: bool = False,
    log_y: bool = False,
    mark: tuple[str, float] | None = None,
    colour: bool = False,
) -> str:
    """Curves on shared axes, with one line per curve underneath that says which letter it carries.

    Args:
        curves: label -> (x, y), each of shape (n,), x rising. NaN and inf leave gaps.
        title: stands above; names what is on the y axis.
        x_label: stands below.
        width: in character cells, at least 32 are used; None: the terminal's, or 80.
        height: of the picture in lines, at least 7 are used; the lines underneath come on top of it.
        log_x: a logarithmic x axis.
        log_y: a logarithmic y axis.
        mark: (label, x) of a vertical line.
        colour: with the colour codes of a terminal.

    Raises:
        InputError: x and y differ in length, there is nothing to draw, or the mark has no place.
    """
    columns = max(_NARROWEST, shutil.get_terminal_size((80, 24)).columns if width is None else width)
    drawn = {label: _points(label, xy, log_x, log_y) for label, xy in curves.items()}
    seen = [xy for xy in drawn.values() if np.isfinite(xy[1]).any()]
    if not seen:
        msg = refusal("picture(curves=...)", "must hold a finite point", list(curves), "There is nothing to draw.")
        raise InputError(msg)
    place = None if mark is None else float(_on_axis(np.array([mark[1]], dtype=np.float64), log_x)[0])
    if mark is not None and place is not None and math.isnan(place):
        msg = refusal("picture(mark=...)", "must stand on the x axis", mark[1])
        raise InputError(msg)
    xs = np.concatenate([x[np.isfinite(y)] for x, y in seen] + ([] if place is None else [np.array([place])]))
    x_axis = _axis(xs[np.isfinite(xs)], log_x, max(2, columns // 13))
    y_axis = _axis(np.concatenate([y[np.isfinite(y)] for _, y in seen]), log_y, max(2, height // 3))

    text = _drawn(list(drawn.values()), x_axis, y_axis, title, x_label, columns, max(_LOWEST, height), place, colour)
    legend = [
        f" {_painted(_letter(i) if len(curves) > 1 else '─', i, colour)} {_printable(label, columns - 3)}"
        for i, label in enumerate(curves)
    ]
    if mark is not None:
        legend.append(f" │ {_printable(mark[0], columns - 3)}")
    return "\n".join([*text, *legend])


def _letter(i: int) -> str:
    """The letter of the i-th curve."""
    return string.ascii_letters[i % 52]


def _on_axis(values: FloatArray, log: bool) -> FloatArray:
    """As drawn: the values, or their log10; nan where there is none."""
    clean = np.where(np.isfinite(values), values, np.nan)
    return np.log10(np.where(clean > 0, clean, np.nan)) if log else clean


def _points(label: str, curve: Curve, log_x: bool, log_y: bool) -> tuple[FloatArray, FloatArray]:
    x, y = (np.asarray(v, dtype=np.float64) for v in curve)
    if x.ndim != 1 or x.shape != y.shape:
        cure = "Give one y per x."
        msg = refusal(f"picture(curves={{{label!r}: ...}})", "must be two rows of one length", (x.shape, y.shape), cure)
        raise InputError(msg)
    return _on_axis(x, log_x), _on_axis(y, log_y)


def _axis(values: FloatArray, log: bool, most: int) -> _Axis:
    """Ends and round ticks, about `most` of them."""
    lo, hi = float(values.min()), float(values.max())
    if hi - lo <= 1e-12 * max(abs(lo), abs(hi)):
        pad = 0.5 if log else 0.1 * abs(lo) or 1.0
        lo, hi = lo - pad, hi + pad
    slack = 0.02 * (hi - lo)  # a round number this near to an end is worth moving the end
    at = _log_ticks(lo - slack, hi + slack, most) if log else _round_ticks(lo - slack, hi + slack, most)
    drawn = [math.log10(v) for v in at] if log else at
    return _Axis(min(lo, *drawn), max(hi, *drawn), drawn, [f"{v:.10g}" for v in at])


def _round_ticks(lo: float, hi: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten in [lo, hi], at least two."""
    unit = 10.0 ** math.floor(math.log10((hi - lo) / most))
    for step in (10 * unit, 5 * unit, 2 * unit, unit):
        found = [k * step for k in range(math.ceil(lo / step), math.floor(hi / step) + 1)]
        if len(found) >= max(2, most - 2):
            break
    return found


def _log_ticks(lo: float, hi: float, most: int) -> list[float]:
    """Round numbers whose log10 is in [lo, hi]; powers of ten where there are enough of them."""
    decades = range(math.floor(lo), math.ceil(hi) + 1)
    for multiples in _MULTIPLES:
        found = [m * 10.0**d for d in decades for m in multiples if lo <= math.log10(m * 10.0**d) <= hi]
        if len(found) >= 3:
            return found[:: math.ceil(len(found) / (most + 1))]
    return _round_ticks(10.0**lo, 10.0**hi, most)


def _thinned(x: FloatArray, y: FloatArray, bins: int) -> tuple[FloatArray, FloatArray]:
    """At most four points per bin: its first, last, lowest and highest. What is drawn stays the same."""
    if len(x) <= 4 * bins:
        return x, y
    keep: set[int] = set()
    for part in np.array_split(np.arange(len(x)), bins):
        values = y[part]
        keep |= {int(part[0]), int(part[-1])}
        if np.isfinite(values).any():
            keep |= {int(part[np.nanargmin(values)]), int(part[np.nanargmax(values)])}
    order = sorted(keep)
    return x[order], y[order]


def _drawn(
    curves: list[tuple[FloatArray, FloatArray]],
    x_axis: _Axis,
    y_axis: _Axis,
    title: str,
    x_label: str,
    width: int,
    height: int,
    mark: float | None,
    colour: bool,
) -> list[str]:
    """The lines that plotext draws. Its one figure is cleared before and after."""
    import plotext

    plotext.terminal.limit(False, False)  # the size is ours to say, also without a terminal
    figure: Any = plotext.figure
    figure.clear()
    try:
        figure.plot_size(width, height)
        figure.theme("simple")
        figure.legend(False)
        figure.title(_printable(title, width))
        figure.label(_printable(x_label, width), "x")
        figure.axes(False, axis="x", side="upper")
        figure.axes(False, axis="y", side="right")
        for name, side, axis in (("x", "lower", x_axis), ("y", "left", y_axis)):
            figure.ruler(name, side).lim(axis.lo, axis.hi).ticks(list(axis.at), list(axis.labels))
        if mark is not None:
            figure.line(mark, 1, pixel=plotext.pixel())
        for i, (x, y) in enumerate(curves):
            marker = plotext.marker("braille", plotext.pixel(foreground=_COLOURS[i % len(_COLOURS)]))
            _draw_curve(figure, *_thinned(x, y, 2 * width), marker)
        for i, at in enumerate(_tags(curves, x_axis, y_axis) if len(curves) > 1 else ()):
            if at is not None:
                pixel = plotext.pixel(foreground=_COLOURS[i % len(_COLOURS)], style="bold")
                figure.draw(figure.text(*at, plotext.colorize(_letter(i)).fill(pixel), alignment="center"))
        text: str = figure.build().string(colorless=not colour)
    finally:
        figure.clear()
        plotext.terminal.limit()
    return [line if colour else line.rstrip() for line in text.rstrip("\n").split("\n")]


def _draw_curve(figure: Any, x: FloatArray, y: FloatArray, marker: Any) -> None:
    """One curve, broken where a point is missing."""
    known = np.isfinite(x) & np.isfinite(y)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        signal = figure.signal(x[start:end].tolist(), y[start:end].tolist(), marker=marker)
        figure.draw(signal.lines().density("full"))


def _tags(
    curves: list[tuple[FloatArray, FloatArray]], x_axis: _Axis, y_axis: _Axis
) -> list[tuple[float, float] | None]:
    """Where each curve's letter stands: where the curve is far from the others, and the letter from other letters."""
    marks = x_axis.lo + (x_axis.hi - x_axis.lo) * np.linspace(0.03, 0.97, 63)
    heights = []
    for x, y in curves:
        known = np.isfinite(x) & np.isfinite(y)
        there = np.interp(marks, x[known], y[known], left=np.nan, right=np.nan) if known.any() else np.full(63, np.nan)
        heights.append((there - y_axis.lo) / (y_axis.hi - y_axis.lo))
    placed: list[int] = []
    tags: list[tuple[float, float] | None] = []
    for i, own in enumerate(heights):
        gap = np.full(63, 0.15)  # of the height: far enough
        for other in heights[:i] + heights[i + 1 :]:
            gap = np.fmin(gap, np.abs(own - other))
        crowd = np.array([min((abs(k - p) for p in placed), default=9) for k in range(63)]) / 63
        rank = np.where(np.isnan(own), -np.inf, gap + np.minimum(crowd, 0.1))
        best = int(rank.argmax())
        seen = not np.isneginf(rank[best])
        tags.append((float(marks[best]), float(y_axis.lo + own[best] * (y_axis.hi - y_axis.lo))) if seen else None)
        placed.append(best)
    return tags


def _painted(letter: str, i: int, colour: bool) -> str:
    """A letter in the colour of the i-th curve."""
    return f"\x1b[1;38;5;{_COLOURS[i % len(_COLOURS)]}m{letter}\x1b[0m" if colour else letter


def _printable(text: str, width: int) -> str:
    """One line of at most `width` characters; what would move the cursor becomes a space."""
    line = "".join(c if c.isprintable() else " " for c in text)
    return line if len(line) <= width else line[: width - 1] + "…"
