"""The prefix tree: exactly what runs share, told from the bits of their values, and nothing more."""

from __future__ import annotations

import hashlib
import itertools
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.errors import InputError
from lrdecay.schedule import Horizon, parse
from lrdecay.sweep.tree import Line, Tree, plan_tree

RATES = st.sampled_from([0.0, -0.0, 0.1, np.nextafter(0.1, 1), 0.2])
MARKS = st.lists(st.integers(1, 8), max_size=3).map(tuple)
TABLES = st.lists(st.tuples(st.sampled_from([b"a", b"b"]), st.lists(RATES, min_size=1, max_size=8), MARKS), max_size=12)


def lines_of(table: list[tuple[bytes, list[float], tuple[int, ...]]]) -> list[Line]:
    return [Line(h, np.array(v), tuple(m for m in marks if m <= len(v))) for h, v, marks in table]


def step_decays() -> list[Line]:
    """27 runs of 100 epochs, 10 updates each."""
    horizon = Horizon(epochs=100, steps_per_epoch=10)
    found = []
    for first, second, factor in itertools.product((40, 50, 60), (70, 80, 90), (0.1, 0.2, 0.5)):
        schedule = parse(f'multi_step(0.1, factor={factor}, at=["{first}ep", "{second}ep"])')
        found.append(Line(b"", schedule.bind(horizon).values(), (horizon.steps,)))
    return found


def cooldowns(warmup: str) -> list[Line]:
    found = []
    for epochs in (40, 60, 80, 100):
        bound = parse(f'wsd(0.1, warmup={warmup}, cooldown="10%")').bind(Horizon(epochs=epochs, steps_per_epoch=100))
        found.append(Line(b"", bound.values()))
    return found


def trained_by_hand(lines: list[Line]) -> int:
    """Every update of every run, once for each different past."""
    return len({(line.header, line.values[: n + 1].tobytes()) for line in lines for n in range(len(line.values))})


@given(TABLES)
def test_an_update_is_trained_once_for_each_past_that_differs_in_a_bit(table) -> None:
    lines = lines_of(table)
    tree = plan_tree(lines)

    assert tree.steps_trained == trained_by_hand(lines)
    assert tree.steps_naive == sum(len(line.values) for line in lines)


@given(TABLES)
def test_the_nodes_of_a_run_are_its_values_and_its_marks_and_their_keys_say_nothing_of_the_cuts(table) -> None:
    lines = lines_of(table)
    tree = plan_tree(lines)
    paths = tree.paths()

    assert sorted(paths) == list(range(len(lines)))
    for run, path in paths.items():
        line = lines[run]
        assert np.concatenate([tree.values(n) for n in path]).tobytes() == line.values.tobytes()
        assert [n.start for n in path] == [0, *(n.end for n in path[:-1])]
        assert set(line.marks) <= {m for n in path for m in n.marks}
        for node in path:
            assert node.key == hashlib.sha256(line.header + line.values[: node.end].tobytes()).hexdigest()
            assert run in tree.runs(node)
    for node in tree.nodes:
        through = [int(r) for r in tree.runs(node)]
        wanted = {m for r in through for m in lines[r].marks if node.start < m <= node.end}
        assert set(node.marks) == wanted


@given(TABLES)
def test_it_is_cut_only_where_runs_part_or_one_ends_and_parents_come_first(table) -> None:
    tree = plan_tree(lines_of(table))

    for i, node in enumerate(tree.nodes):
        assert node.parent < i < node.below
        assert len(node.children) != 1 or node.ends
        assert node.children or node.ends
        for child in node.children:
            assert tree.nodes[child].parent == i
            assert tree.nodes[child].start == node.end
            assert tree.nodes[child].depth == node.depth + 1
            assert i < child < tree.nodes[child].below <= node.below


@given(TABLES, st.randoms(use_true_random=False))
def test_the_order_in_which_runs_are_given_does_not_matter(table, random) -> None:
    shuffled = list(table)
    random.shuffle(shuffled)

    def keys(tree: Tree) -> set[tuple[str, int]]:
        return {(node.key, node.start) for node in tree.nodes}

    assert keys(plan_tree(lines_of(table))) == keys(plan_tree(lines_of(shuffled)))


def test_the_27_step_decays_cost_960_of_2700_epochs() -> None:
    tree = plan_tree(step_decays())

    assert (tree.steps_naive, tree.steps_trained) == (27_000, 9_600)
    assert round(tree.steps_naive / tree.steps_trained, 2) == 2.81
    assert tree.peak_snapshots == 3


def test_cooldowns_from_one_trunk_cost_what_the_longest_run_and_the_cooldowns_cost() -> None:
    tree = plan_tree(cooldowns("200"))

    assert round(tree.steps_naive / tree.steps_trained, 2) == 2.37
    assert plan_tree(cooldowns('"2%"')).steps_trained > 0.95 * tree.steps_naive  # no two warmups are alike


def test_a_run_that_another_goes_on_from_is_a_part_of_it() -> None:
    tree = plan_tree([Line(b"", np.full(5, 0.1), (5,)), Line(b"", np.full(9, 0.1), (9,))])

    assert [(n.start, n.end, n.marks, n.ends) for n in tree.nodes] == [(0, 5, (5,), (0,)), (5, 9, (9,), (1,))]
    assert tree.snapshots == 1


@given(TABLES, st.integers(1, 12))
def test_what_saves_less_than_a_start_costs_goes_apart_and_every_run_keeps_its_values(table, least) -> None:
    lines = lines_of(table)
    whole, tree = plan_tree(lines), plan_tree(lines, least)

    assert whole.steps_trained + least * len(whole.nodes) >= tree.steps_trained + least * len(tree.nodes)
    assert whole.steps_trained <= tree.steps_trained <= tree.steps_naive
    for run, path in tree.paths().items():
        assert np.concatenate([tree.values(n) for n in path]).tobytes() == lines[run].values.tobytes()
        assert [n.key for n in path][-1] == [n.key for n in whole.paths()[run]][-1]
        assert set(lines[run].marks) <= {m for n in path for m in n.marks}


def test_more_columns_than_the_rate_must_agree_too() -> None:
    rate = np.full((6, 1), 0.1)
    momentum = np.full((6, 1), 0.9)
    other = momentum.copy()
    other[4] = 0.95
    tree = plan_tree([Line(b"", np.hstack([rate, m])) for m in (momentum, other)])

    assert [(n.start, n.end) for n in tree.nodes] == [(0, 4), (4, 6), (4, 6)]


def test_a_run_without_updates_is_refused() -> None:
    with pytest.raises(InputError, match="at least one update"):
        plan_tree([Line(b"", np.empty(0))])


def test_ten_thousand_schedules_of_two_thousand_steps_are_planned_in_seconds() -> None:
    rng = np.random.default_rng(0)
    lines = []
    for _ in range(10_000):
        values = np.full(2000, 0.1)
        for at in np.sort(rng.choice(2000, 3, replace=False)):
            values[at:] *= rng.choice([0.1, 0.2, 0.5])
        lines.append(Line(b"", values, tuple(range(200, 2001, 200))))
    began = time.process_time()
    tree = plan_tree(lines)
    took = time.process_time() - began
    tracemalloc.start()
    plan_tree(lines[:1000])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert took < 5
    assert peak * 10 + sum(line.values.nbytes for line in lines) < 500e6
    assert tree.steps_trained < tree.steps_naive


def test_updates_before_a_checkpoint_are_neither_trained_nor_compared() -> None:
    past_a, past_b = [9.0, 8.0], [1.0, 2.0]
    lines = [
        Line(b"h", np.array([*past_a, 1.0, 1.0, 1.0, 1.0]), start=2),
        Line(b"h", np.array([*past_b, 1.0, 1.0, 1.0, 0.5]), start=2),
        Line(b"h", np.array([*past_b, 1.0, 0.5]), start=2),
        Line(b"h", np.array([*past_b, 1.0, 1.0]), start=2),
    ]
    tree = plan_tree(lines)

    assert sorted((n.start, n.end, n.ends) for n in tree.nodes) == [
        (2, 3, ()),
        (3, 4, (2,)),
        (3, 4, (3,)),
        (4, 5, ()),
        (5, 6, (0,)),
        (5, 6, (1,)),
    ]
    assert (tree.steps_naive, tree.steps_trained) == (4 + 4 + 2 + 2, 6)
    expected = hashlib.sha256(b"h" + np.array([1.0], dtype="<f8").tobytes()).hexdigest()
    assert tree.nodes[0].key == expected
    with pytest.raises(InputError, match="at least one update"):
        plan_tree([Line(b"h", np.ones(2), start=2)])
