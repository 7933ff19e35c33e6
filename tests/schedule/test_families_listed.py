"""Families whose rates are listed: the rates, the boundaries, and what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, Schedule, from_json, parse, peak, piecewise, same_values, step, tabulated

H = Horizon(steps=100, steps_per_epoch=10)


def test_a_piecewise_schedule_gives_its_absolute_values_and_the_new_one_speaks_at_its_milestone() -> None:
    values = piecewise([0.1, 0.5, 0.0], at=[30, "7.5ep"]).bind(H).values()
    assert values.tolist() == [0.1] * 30 + [0.5] * 45 + [0.0] * 25


def test_milestones_in_several_units_stand_where_each_of_them_says() -> None:
    s = piecewise([0.4, 0.3, 0.2, 0.1], at=[10, "3ep", "80%"])
    assert s.bind(H).values().tolist() == [0.4] * 10 + [0.3] * 20 + [0.2] * 50 + [0.1] * 20
    with pytest.raises(InputError, match="must leave at least one update to each of its parts"):
        s.bind(Horizon(steps=100, steps_per_epoch=30))  # three epochs lie behind 80% of it


def test_a_step_written_out_as_a_piecewise_schedule_has_the_same_values() -> None:
    assert same_values(piecewise([1, 0.5, 0.25, 0.125], at=[30, 60, 90]), step(1, factor=0.5, every=30), H)


def test_a_table_gives_each_update_its_rate_and_holds_the_last() -> None:
    f = tabulated([0.3, 0.0, 0.2]).bind(H)
    assert [f(t) for t in (0, 1, 2, 3, 99, 10**9)] == [0.3, 0.0, 0.2, 0.2, 0.2, 0.2]
    many = np.linspace(1, 0, 100_000)
    assert tabulated(many).bind(Horizon(steps=100_000)).values().tobytes() == many.tobytes()


@pytest.mark.parametrize("name", ["rates.npy", "rates.csv"])
def test_a_table_from_a_file_is_the_list_that_was_in_it(name: str, tmp_path: Path) -> None:
    rates, file = [0.1, 0.30000000000000004, 0.0], tmp_path / name
    _written(file, rates)
    s = tabulated(file=file)
    assert s == tabulated(str(file)) == parse(f"tabulated(file={str(file)!r})") == tabulated(rates)
    assert hash(s) == hash(tabulated(rates))
    assert repr(s) == "tabulated([0.1, 0.30000000000000004, 0.0])"
    file.unlink()
    assert s.bind(H).values()[:3].tolist() == rates


def _written(file: Path, rates: list[float]) -> None:
    if file.suffix == ".npy":
        np.save(file, np.array(rates))
    else:
        file.write_text("\n".join(map(repr, rates)))


def test_a_table_too_long_for_the_text_goes_through_json_and_the_refusal_says_so(tmp_path: Path) -> None:
    s = tabulated(np.linspace(1, 0, 5000))
    assert from_json(json.loads(json.dumps(s.to_json()))) == s
    with pytest.raises(InputError) as caught:
        parse(repr(s))
    assert str(caught.value).endswith('A longer table is read from JSON, or from a file: tabulated(file="rates.csv").')


@pytest.mark.parametrize("given", [{"file": "rates.csv"}, {"values": "rates.csv"}, {"values": "peak"}], ids=repr)
def test_json_never_makes_a_table_open_a_file(given: dict[str, Any], tmp_path: Path, monkeypatch: Any) -> None:
    _written(tmp_path / "rates.csv", [0.1])
    monkeypatch.chdir(tmp_path)
    assert parse('tabulated(file="rates.csv")') == tabulated([0.1])
    with pytest.raises(InputError, match="must hold its values; only a person names a file"):
        from_json({"type": "tabulated", **given})


def test_rows_of_a_table_at_or_after_its_end_never_speak() -> None:
    assert tabulated([3, 2, 1, 0.5], over=2).bind(H)(np.arange(4)).tolist() == [3.0, 2.0, 2.0, 2.0]
    assert tabulated([3, 2, 1]).bind(Horizon(steps=2))(np.arange(4)).tolist() == [3.0, 2.0, 2.0, 2.0]


def test_a_list_reads_as_it_is_written() -> None:
    assert repr(piecewise((1, 0.5), at=(3,))) == "piecewise([1.0, 0.5], at=[3])"
    assert parse("tabulated([0.1, 0.2], over=9)") == tabulated(np.array([0.1, 0.2]), over=9)


REFUSED: list[tuple[Callable[[], Schedule], str]] = [
    (lambda: piecewise([0.1, 0.2], at=[3, 5]), "`piecewise(values=...)` must have one value more than there are mile"),
    (lambda: piecewise([0.1, -0.2], at=[3]), "`piecewise(values=...)` must be a number >= 0, got -0.2."),
    (lambda: piecewise([0.1, peak], at=[3]), "`piecewise(values=...)` must be a number >= 0, got peak."),
    (lambda: piecewise([0.0, 0.0], at=[3]), "`max(piecewise(values=...))` must be a positive number, got 0.0."),
    (lambda: piecewise([0.1, 0.2], at=[0]), "`piecewise(at=...)` must be a positive duration, got 0."),
    (lambda: tabulated([]), "`tabulated(values=...)` must hold at least one item, got ()."),
    (lambda: tabulated(0.1), "`tabulated(values=...)` must be a list of rates, got 0.1. Write values="),
    (lambda: tabulated("0.1"), "`read_rates(path=...)` must be a file, got '0.1'."),
    (lambda: tabulated(), "`tabulated(values=...)` must be a list of rates, got None. Write values=[0.1, 0.01]."),
    (
        lambda: tabulated([0.1], file="a.csv"),
        "`tabulated(file=...)` must not be given beside a list of rates, got 'a.c",
    ),
    (lambda: tabulated([0.1, math.nan]), "`tabulated(values=...)` must be a number >= 0, got nan."),
    (lambda: tabulated([0.1, True]), "`tabulated(values=...)` must be a number >= 0, got True."),
    (lambda: tabulated([[0.1]]), "`tabulated(values=...)` must be a number >= 0, got [0.1]."),
]


@pytest.mark.parametrize(("make", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_a_list_that_is_no_list_of_rates_is_refused(make: Callable[[], Any], said: str) -> None:
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value).startswith(said)
