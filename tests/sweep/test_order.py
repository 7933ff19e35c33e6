"""Which node comes next: parents first, each once, few snapshots alive, workers busy."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lrdecay.sweep.order import Frontier, simulate
from lrdecay.sweep.tree import Line, Tree, plan_tree

TREES = st.lists(
    st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.lists(st.integers(1, 3), min_size=1, max_size=9)), min_size=1
).map(lambda table: plan_tree([Line(h, np.array(v, dtype=float)) for h, v in table]))
LIMITS = st.sampled_from([None, 1, 2])


def play(tree: Tree, workers: int, trees: int | None, random, ranks=None) -> int:
    """Train a tree with workers that finish when they like; the most snapshots that were alive."""
    frontier = Frontier(tree, trees=trees, ranks=ranks)
    standing: list[int | None] = [None] * workers
    running: dict[int, int] = {}
    done: set[int] = set()
    alive: set[int] = set()
    peak = 0
    while not frontier.finished:
        for worker in set(range(workers)) - set(running):
            i = frontier.take(standing[worker])
            if i is not None:
                parent = tree.nodes[i].parent
                assert parent < 0 or parent in alive
                assert i not in done
                assert i not in running.values()
                running[worker] = i
        worker = random.choice(sorted(running))
        standing[worker] = i = running.pop(worker)
        done.add(i)
        if frontier.writes(i):
            alive.add(i)
            peak = max(peak, len(alive))
        for gone in frontier.done(i):
            alive.remove(gone)
    assert done == set(range(len(tree.nodes)))
    assert not alive
    return peak


@given(TREES, st.integers(1, 4), LIMITS, st.randoms(use_true_random=False))
def test_every_node_is_trained_once_after_its_parent_and_no_snapshot_is_left(tree, workers, trees, random) -> None:
    play(tree, workers, trees, random)


@given(TREES, st.randoms(use_true_random=False))
def test_one_worker_keeps_exactly_the_snapshots_the_plan_says(tree, random) -> None:
    assert play(tree, 1, None, random) == tree.peak_snapshots == simulate(tree, 1).peak_snapshots
    assert simulate(tree, 1).steps == tree.steps_trained


@given(TREES, st.integers(1, 4), st.integers(1, 3), st.randoms(use_true_random=False))
def test_in_order_no_more_snapshots_live_than_the_open_trees_need(tree, workers, trees, random) -> None:
    assert play(tree, workers, trees, random) <= trees * tree.peak_snapshots


@given(TREES, st.integers(1, 4), LIMITS)
def test_more_workers_are_never_slower_than_one_and_never_faster_than_the_longest_run(tree, workers, trees) -> None:
    longest = max(node.end for node in tree.nodes)
    assert longest <= simulate(tree, workers, trees).steps <= tree.steps_trained


@given(TREES, st.data())
def test_what_is_done_already_is_not_taken_and_what_diverged_ends_all_below_it(tree, data) -> None:
    leaves = [i for i, node in enumerate(tree.nodes) if not node.children]
    todo = set(range(len(tree.nodes))) - {data.draw(st.sampled_from(leaves))}
    frontier = Frontier(tree, todo)
    taken = []
    while not frontier.finished:
        i = frontier.take()
        taken.append(i)
        diverged = data.draw(st.booleans())
        frontier.done(i, diverged=diverged)
        if diverged:
            todo -= set(range(i + 1, tree.nodes[i].below))

    assert sorted(taken) == sorted(todo)
    assert frontier.take() is None


def test_a_worker_goes_on_where_it_stands() -> None:
    tree = plan_tree([Line(b"", np.array(v, dtype=float)) for v in ([1, 2, 3], [1, 2, 4], [1, 3, 3], [1, 3, 4])])
    frontier = Frontier(tree)
    root = frontier.take()
    frontier.done(root)
    left, right = frontier.take(), frontier.take()
    frontier.done(left)
    frontier.done(right)

    assert frontier.take(right) in tree.nodes[right].children
    assert frontier.take(left) in tree.nodes[left].children


@given(TREES, st.integers(1, 4), st.randoms(use_true_random=False))
def test_whatever_runs_come_first_every_node_is_trained_once_after_its_parent(tree, workers, random) -> None:
    def ranks() -> list[int]:
        return random.sample(range(len(tree.lines)), len(tree.lines))  # it may change its mind at every node

    play(tree, workers, None, random, ranks)


@given(TREES, st.randoms(use_true_random=False))
def test_one_worker_always_trains_the_first_of_the_runs_that_are_left(tree, random) -> None:
    ranks = random.sample(range(len(tree.lines)), len(tree.lines))
    frontier, standing, left = Frontier(tree, ranks=lambda: ranks), None, set(range(len(tree.lines)))
    paths = tree.paths()
    while left:
        standing = frontier.take(standing)
        frontier.done(standing)
        first = min(left, key=ranks.__getitem__)
        assert any(node is tree.nodes[standing] for node in paths[first])
        left.difference_update(tree.nodes[standing].ends)
    assert frontier.finished
