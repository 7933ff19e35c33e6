"""What is compared: every schedule once; peaks of a grid begin its tuning, or are schedules of their own."""

from __future__ import annotations

import json

import pytest

from lrdecay.cli.main import run
from lrdecay.errors import InputError
from lrdecay.schedule import linear
from lrdecay.verbs.grids import check_typed, grids_of, names_several, preview
from lrdecay.verbs.schedules import schedules_of

GRID = 'wsd(peak={0.03,0.1}, warmup=100, cooldown={"10%","20%","40%"}, shape={"linear","1-sqrt"})'


def test_peaks_of_a_grid_begin_the_tuning_of_one_schedule() -> None:
    asked, notes = schedules_of([GRID], fixed_peak=False)
    assert [a.written for a in asked][:2] == [
        'wsd(0.03, warmup=100, cooldown="10%")',
        'wsd(0.03, warmup=100, cooldown="10%", shape="1-sqrt")',
    ]
    assert len(asked) == 6
    assert all(a.peaks == (0.03, 0.1) for a in asked)
    assert asked[1].axes == {"cooldown": "10%", "shape": "1-sqrt"}
    assert notes[0] == 'wsd(0.03, warmup=100, cooldown="10%"): first tried at the peaks 0.03, 0.1.'


def test_at_fixed_peaks_every_combination_is_a_schedule_of_its_own() -> None:
    asked, notes = schedules_of([GRID], fixed_peak=True)
    assert len(asked) == 12
    assert asked[0].axes == {"peak": 0.03, "cooldown": "10%", "shape": "linear"}
    assert {a.peaks for a in asked} == {(0.03,), (0.1,)}
    assert notes == []


def test_open_peaks_have_none_to_begin_with_and_repeats_are_said() -> None:
    asked, notes = schedules_of(["linear(peak, floor={0, 0.0, 0.01})"], fixed_peak=False)
    assert [a.peaks for a in asked] == [(), ()]
    assert notes == [
        "linear(peak, floor={0, 0.0, 0.01}) has a schedule more than once: linear(peak); each was run once."
    ]


def test_schedules_from_files_and_values_stand_in_the_order_given(tmp_path) -> None:
    (tmp_path / "g.json").write_text(json.dumps(["cosine(0.1)", {"family": "linear", "peak": 0.1, "floor": [0, 0.01]}]))
    asked, _ = schedules_of(["constant(0.1)", f"@{tmp_path / 'g.json'}", linear(0.1, over=5)], fixed_peak=False)
    assert [a.written for a in asked] == [
        "constant(0.1)",
        "cosine(0.1)",
        "linear(0.1)",
        "linear(0.1, floor=0.01)",
        "linear(0.1, over=5)",
    ]


@pytest.mark.parametrize(
    ("given", "fixed", "words"),
    [
        ([], False, "must hold at least one schedule"),
        (["linear(0.1)", "linear({0.2, 0.3})"], False, "more than the peak"),
        (["linear(0.1)", "linear({0.1, 0.3})"], True, "must differ from linear(0.1)"),
        (["linear({0.1)"], False, "does not match"),
    ],
)
def test_none_or_one_given_twice_is_refused(given, fixed, words) -> None:
    with pytest.raises(InputError) as caught:
        schedules_of(given, fixed_peak=fixed)
    assert words in str(caught.value)


def test_a_refusal_names_what_was_typed_and_for_who_calls_python_the_function(capsys) -> None:
    for typed in ("linear({})", "linear({0.1)", "linear({0.1, {0.2}})", "linear(0.1) @ {3ep,,4ep}"):
        assert run(["compare", "quadratic", "-s", typed]) == 2
        err = capsys.readouterr().err
        assert err.startswith("lrdecay: `-s TEXT` must ")
        assert err.count("\n") == 1
        with pytest.raises(InputError, match=r"^`expand_grid\(\.\.\.\)` must "):
            schedules_of([typed], fixed_peak=False)
    assert run(["show", "linear({})"]) == 2
    assert capsys.readouterr().err.startswith("lrdecay: `SCHEDULES` must ")
    check_typed(["linear(0.1)", "linear({0.1, 0.2}) @ {3ep}", "@none.json"], "-s TEXT")


def test_a_preview_counts_and_lists() -> None:
    found = preview(grids_of(["linear({0.1, 0.2, 0.1})", "cosine(0.1) @ 5ep"]))
    assert found == {
        "count": 3,
        "schedules": [
            {"spec": "linear(0.1)", "axes": {"peak": 0.1}},
            {"spec": "linear(0.2)", "axes": {"peak": 0.2}},
            {"spec": "cosine(0.1) @ 5ep", "axes": {}},
        ],
        "repeated": ["linear(0.1)"],
    }


def test_a_plan_with_groups_in_braces_is_no_grid() -> None:
    assert not names_several('plan(lr=cosine(0.1), groups={"*.bias": group(weight_decay=0)})')
    assert names_several("linear({0.1})")
    assert names_several("@grid.yaml")
    assert not names_several(linear(0.1))
