"""Grids: every combination, once, in order, named; what is no grid is refused with its place."""

from __future__ import annotations

import itertools
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrdecay.errors import InputError
from lrdecay.schedule import cosine, linear, multi_step, warmup, wsd
from lrdecay.schedule.grid import MOST, expand_grid, is_grid, read_grid
from lrdecay.schedule.notation import Spec, parse_spec

ISSUE = 'wsd(peak={0.03,0.1}, warmup=100, cooldown={"10%","20%","40%"}, shape={"linear","1-sqrt"})'


def test_a_grid_is_the_product_in_written_order_with_the_leftmost_slowest() -> None:
    expected = [
        Spec(wsd(peak, warmup=100, cooldown=cooldown, shape=shape))
        for peak, cooldown, shape in itertools.product((0.03, 0.1), ("10%", "20%", "40%"), ("linear", "1-sqrt"))
    ]
    assert list(expand_grid(ISSUE)) == expected


def test_every_combination_says_what_was_chosen_on_each_axis() -> None:
    grid = read_grid(ISSUE)
    assert grid.axes == ("peak", "cooldown", "shape")
    assert grid.points[1].axes == {"peak": 0.03, "cooldown": "10%", "shape": "1-sqrt"}
    assert grid.points[-1].axes == {"peak": 0.1, "cooldown": "40%", "shape": "1-sqrt"}


@pytest.mark.parametrize(
    ("text", "schedules", "axes"),
    [
        ("linear(0.1)", [linear(0.1)], ()),
        ("linear({0.1})", [linear(0.1)], ("peak",)),
        ("linear({0.1, 0.2,})", [linear(0.1), linear(0.2)], ("peak",)),
        ("linear(floor=0.01, peak={0.1})", [linear(0.1, floor=0.01)], ("peak",)),
        ("{cosine(0.1), linear(0.1)}", [cosine(0.1), linear(0.1)], ("schedule",)),
        ("warmup({5, 9}) + linear(0.1)", [warmup(5) + linear(0.1), warmup(9) + linear(0.1)], ("over",)),
        ("warmup(5) + {linear(0.1), cosine(0.1)}", [warmup(5) + linear(0.1), warmup(5) + cosine(0.1)], ("schedule",)),
        ("{0.5, 2} * linear(0.1)", [0.5 * linear(0.1), 2 * linear(0.1)], ("factor",)),
        (
            "multi_step(0.1, factor=0.1, at=[{40, 50}, 70])",
            [multi_step(0.1, factor=0.1, at=[40, 70]), multi_step(0.1, factor=0.1, at=[50, 70])],
            ("at[0]",),
        ),
        (
            "multi_step(0.1, factor=0.1, at={[40, 70], [50]})",
            [multi_step(0.1, factor=0.1, at=[40, 70]), multi_step(0.1, factor=0.1, at=[50])],
            ("at",),
        ),
        (
            "0.5 * {warmup(3) + linear(0.1), cosine(0.1)}",
            [0.5 * (warmup(3) + linear(0.1)), 0.5 * cosine(0.1)],
            ("schedule",),
        ),
        ("linear(0.1,\n floor={0.01,\n 0.02})", [linear(0.1, floor=0.01), linear(0.1, floor=0.02)], ("floor",)),
    ],
)
def test_a_set_may_stand_wherever_a_value_may(text, schedules, axes) -> None:
    grid = read_grid(text)
    assert [spec.schedule for spec in grid.specs] == schedules
    assert grid.axes == axes


def test_a_set_of_horizons_changes_fastest_since_it_is_written_last() -> None:
    grid = read_grid("{cosine(0.1), linear(0.1)} @ {40ep, 500}")
    assert [str(spec) for spec in grid.specs] == [
        "cosine(0.1) @ 40ep",
        "cosine(0.1) @ 500",
        "linear(0.1) @ 40ep",
        "linear(0.1) @ 500",
    ]
    assert grid.points[-1].axes == {"schedule": "linear(0.1)", "horizon": 500}
    assert [str(s) for s in expand_grid("linear({0.1, 0.2}) @ 40ep")] == ["linear(0.1) @ 40ep", "linear(0.2) @ 40ep"]


@pytest.mark.parametrize(
    ("text", "axes"),
    [
        ("constant({0.1, 0.2}, over=5) + linear({0.1, 0.2})", ("constant.peak", "linear.peak")),
        ("linear({0.1, 0.2}, over=5) + linear({0.1, 0.2})", ("linear.peak 1", "linear.peak 2")),
        ("{0.1, 0.2} * linear(0.1) * {0.1, 0.2}", ("factor 1", "factor 2")),
    ],
)
def test_axes_of_one_name_are_told_apart(text, axes) -> None:
    assert read_grid(text).axes == axes


def test_a_combination_that_stands_before_is_left_out_and_said() -> None:
    grid = read_grid('linear({0.1, 1e-1, 0.2}, over={"10ep", "10.0ep"})')
    assert [str(s) for s in grid.specs] == ['linear(0.1, over="10ep")', 'linear(0.2, over="10ep")']
    assert grid.repeated == ('linear(0.1, over="10ep")',) * 3 + ('linear(0.2, over="10ep")',)


@given(
    st.lists(st.floats(0.01, 1), min_size=1, max_size=4),
    st.lists(st.integers(1, 50), min_size=1, max_size=4),
    st.lists(st.sampled_from(["linear", "1-sqrt", "cosine", "square"]), min_size=1, max_size=3),
)
@settings(max_examples=30, deadline=None)
def test_every_schedule_of_a_grid_prints_as_the_notation_it_is_read_from(peaks, cooldowns, shapes) -> None:
    def braces(values) -> str:
        return "{" + ", ".join(f'"{v}"' if isinstance(v, str) else repr(v) for v in values) + "}"

    text = f"wsd({braces(peaks)}, warmup=3, cooldown={braces(cooldowns)}, shape={braces(shapes)})"
    grid = read_grid(text)
    for point in grid.points:
        assert parse_spec(str(point.spec)) == point.spec
        assert point.spec.schedule == wsd(
            point.axes["peak"], warmup=3, cooldown=point.axes["cooldown"], shape=point.axes["shape"]
        )
    assert len(grid.points) + len(grid.repeated) == len(peaks) * len(cooldowns) * len(shapes)
    assert len(grid.points) == len(set(peaks)) * len(set(cooldowns)) * len(set(shapes))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("linear({})", "must have values between its braces (at character 8), got '{}'"),
        ("linear(0.1,\n  floor={})", "(at character 21)"),
        ("linear(0.1, é={})", "(at character 15)"),
        ("linear({0.1, {0.2}})", "must have no set inside a set (at character 14), got '{0.2}'"),
        ("{cosine({0.1, 0.2}), linear(0.1)}", "must have no set inside a set (at character 9)"),
        ("linear({0.1", "'{' was never closed (at character 8)"),
        ("linear(0.1})", "(at character 11)"),
        ("linear({0.1: 2})", "must have values between its braces (at character 8)"),
        ("linear({0.1}) @ {40ep", "must have one set of lengths behind the @ (at character 15)"),
        ("linear(0.1) @ {}", "must have lengths between its braces (at character 13)"),
        ("linear(0.1) @ {3ep,,4ep}", "must have lengths between its braces"),
        ("linear(0.1) @ {3ep, 10%}", "not a share of one"),
        ("linear({0.1, -1})", "`linear(peak=...)` must be a positive number, got -1.0"),
        ("lin({0.1, 0.2})", "Did you mean `linear`?"),
        ("linear({x for x in y})", "must be given the notation of a schedule"),
        ("__import__({'os'})", "must be a known schedule"),
        ("", "must be given schedules"),
        ("linear({" + "0.1, " * 3000 + "})", "at most 10000 characters"),
    ],
)
def test_what_is_no_grid_is_refused_in_one_line_with_its_place(text, words) -> None:
    with pytest.raises(InputError) as caught:
        read_grid(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_grid_has_a_most_of_combinations_and_that_many_are_quick() -> None:
    def of(a: int, b: int) -> str:
        numbers = [", ".join(map(str, range(1, n + 1))) for n in (a, b)]
        return f"wsd(1, warmup={{{numbers[0]}}}, cooldown={{{numbers[1]}}})"

    began = time.process_time()
    assert len(expand_grid(of(100, 100))) == MOST
    assert time.process_time() - began < 10
    with pytest.raises(InputError, match="101 x 100 = 10100"):
        expand_grid(of(101, 100))


def test_a_brace_in_quotes_makes_no_grid() -> None:
    assert is_grid("linear({0.1})")
    assert is_grid("linear(0.1})")
    assert not is_grid("linear(0.1)")
    assert not is_grid('tabulated(file="{a}.csv")')
    assert not is_grid(linear(0.1))
