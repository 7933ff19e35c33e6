"""Reading rates from a file: the one place in this room that touches the disk.

    rates.npy              one dimension of real numbers; nothing in it is ever unpickled
    rates.csv, rates.txt   one rate a line, or one line of rates; a first line of words is a heading, # a comment
    log.csv, column="lr"   the column of that heading

Text is UTF-8; rates on one line are parted by commas or blanks.
"""

from __future__ import annotations

import csv
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from lrdecay.errors import InputError, did_you_mean, refusal

__all__ = ["read_rates"]

_LARGEST = 2**28  # bytes


def read_rates(path: str | os.PathLike[str], column: str | None = None) -> tuple[float, ...]:
    """The rates in a file, in order, as they are; whether they are rates is for the family to judge.

    Args:
        path: ends in .npy, or is a text.
        column: the heading of the column to take; without it a text must hold one column, or one line.

    Raises:
        InputError: there is no such file, it is no list of numbers, or it has more columns than one. The message names
            the line and never shows what is in it.
    """
    file = Path(path)
    if not file.is_file():
        msg = refusal("read_rates(path=...)", "must be a file", str(file))
        raise InputError(msg)
    if file.stat().st_size > _LARGEST:
        msg = refusal("read_rates(path=...)", f"must be a file of at most {_LARGEST} bytes", str(file))
        raise InputError(msg)
    try:
        if file.suffix.lower() == ".npy":
            return _of_array(file, column)
        return tuple(_numbers(file, column))
    except (OSError, csv.Error) as problem:
        msg = refusal("read_rates(path=...)", f"must be readable ({problem})", str(file))
        raise InputError(msg) from None


def _of_array(file: Path, column: str | None) -> tuple[float, ...]:
    try:
        with file.open("rb") as stream:
            array: Any = np.lib.format.read_array(stream, allow_pickle=False)
    except (ValueError, EOFError, MemoryError, OverflowError):  # no array, cut short, or larger than it can be
        array = None
    if column is not None or array is None or array.ndim != 1 or array.dtype.kind not in "fiu":
        rule = "must hold one dimension of real numbers" if column is None else "must be a text to have a column"
        msg = refusal("read_rates(path=...)", rule, str(file))
        raise InputError(msg)
    return tuple(array.astype(np.float64).tolist())


def _numbers(file: Path, column: str | None) -> Iterator[float]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        msg = refusal("read_rates(path=...)", "must be a text in UTF-8, or end in .npy", str(file))
        raise InputError(msg) from None
    rows = _rows(text, blanks=column is None)
    first = next(rows, None)
    if first is None:
        msg = refusal("read_rates(path=...)", "must hold at least one rate", str(file))
        raise InputError(msg)
    heading = [cell.strip() for cell in first[1]]
    if column is not None and heading.count(column) != 1:
        cure = did_you_mean(column, heading) if column not in heading else "It is there more than once."
        msg = refusal("read_rates(column=...)", f"must be a heading of {file}", column, cure)
        raise InputError(msg)
    i = 0 if column is None else heading.index(column)
    if column is None and _number(first[1][0]) is not None:
        second = next(rows, None)
        if second is None:  # one line of rates
            yield from (_sure(file, first[0], cell) for cell in first[1])
            return
        rows = itertools.chain([first, second], rows)
    for line, cells in rows:
        if len(cells) != (1 if column is None else len(heading)):
            cure = 'Name one: read_rates("log.csv", column="lr").' if column is None else ""
            rule = f"must have as many columns in line {line} as above it" if column else "must have one rate a line"
            msg = refusal("read_rates(path=...)", rule, f"{file}, line {line}: {len(cells)} columns", cure)
            raise InputError(msg)
        yield _sure(file, line, cells[i])


def _rows(text: str, *, blanks: bool) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that is neither empty nor a comment, with its number from 1."""
    for line, cells in enumerate(csv.reader(text.splitlines()), 1):
        whole = ",".join(cells).strip()
        if whole and not whole.startswith("#"):
            yield line, whole.replace(",", " ").split() if blanks else cells


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _sure(file: Path, line: int, cell: str) -> float:
    value = _number(cell)
    if value is None:
        msg = refusal("read_rates(path=...)", "must hold numbers", f"{file}, line {line}")
        raise InputError(msg)
    return value
